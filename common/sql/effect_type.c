/*
 * CREATE and ALTER TYPE, DOMAIN. A change of a domain's constraints looks at all tables that have a
 * column of it, in SHARE (get_rels_with_domain in typecmds.c; a weaker one for VALIDATE comes with
 * 19). An enum's new value can be added inside a transaction since 12, but not used before its end:
 * https://www.postgresql.org/docs/current/sql-altertype.html
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- enums ----------------------------------------------------------------------------------- */

static void
create_enum(struct reading *reading, const PgQuery__CreateEnumStmt *statement)
{
    struct object_name name =
        name_of_new_list(reading, statement->type_name, statement->n_type_name);

    reading_effect(reading, EFFECT_CREATE, OBJECT_ENUM, &name, NULL);
    for (size_t i = 0; i < statement->n_vals; i++) {
        reading_effect(reading, EFFECT_CREATE, OBJECT_ENUM_VALUE, &name,
                       tree_string(statement->vals[i]))
            ->is_implied = true;
    }
}

static struct object_name
name_of_type_there(const struct reading *reading, PgQuery__Node **nodes, size_t count)
{
    struct object_name name = name_of_new_list(reading, nodes, count);
    const struct catalog_type *known =
        reading->catalog
            ? catalog_type(reading->catalog, name.is_schema_written ? name.schema : NULL, name.name)
            : NULL;

    name.schema = known ? known->schema : name.schema;
    return name;
}

static void
alter_enum(struct reading *reading, const PgQuery__AlterEnumStmt *statement)
{
    struct object_name name =
        name_of_type_there(reading, statement->type_name, statement->n_type_name);
    bool is_rename = text_or_null(statement->old_val) != NULL;
    struct effect *effect =
        reading_effect(reading, is_rename ? EFFECT_RENAME : EFFECT_CREATE, OBJECT_ENUM_VALUE, &name,
                       is_rename ? statement->old_val : statement->new_val);

    effect->new_name = is_rename ? statement->new_val : text_or_null(statement->new_val_neighbor);
    effect->if_not_exists = statement->skip_if_new_val_exists;
}

/* ---- domains --------------------------------------------------------------------------------- */

bool
type_is_named(const char *text, const char *schema, const char *name)
{
    const char *dot, *last;

    if (!text) {
        return false;
    }
    dot = strchr(text, '.');
    last = dot ? dot + 1 : text;
    size_t size = strlen(name);
    bool is_name = strncmp(last, name, size) == 0 &&
                   (last[size] == '\0' || last[size] == '[' || last[size] == '(');
    if (!is_name) {
        return false;
    }
    return dot ? strncmp(text, schema, (size_t)(dot - text)) == 0 && schema[dot - text] == '\0'
               : strcmp(schema, "public") == 0;
}

static void
check_columns(struct reading *reading, const struct object_name *domain, enum lock_mode lock)
{
    const struct catalog_table *table = NULL;

    while (reading->catalog && (table = catalog_next(reading->catalog, table))) {
        for (const struct catalog_column *column = table->columns; column; column = column->next) {
            if (type_is_named(column->column.type, domain->schema, domain->name)) {
                struct object_name name = name_of_table(table);
                reading_lock(reading, &name, OBJECT_TABLE, lock)->scans = true;
            }
        }
    }
}

static void
create_domain(struct reading *reading, const PgQuery__CreateDomainStmt *statement)
{
    struct object_name name =
        name_of_new_list(reading, statement->domainname, statement->n_domainname);
    struct sql_column *column = arena_alloc(reading->arena, sizeof *column);

    column->name = name.name;
    column->type = type_text(reading, statement->type_name);
    struct effect *effect = reading_effect(reading, EFFECT_CREATE, OBJECT_DOMAIN, &name, NULL);
    effect->column = column;
    for (size_t i = 0; i < statement->n_constraints; i++) {
        const PgQuery__Constraint *node = statement->constraints[i]->constraint;
        if (node->contype == PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL) {
            column->is_not_null = true;
        } else if (node->contype == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK) {
            const char *chosen = name_chosen(reading->arena, name.name, NULL, "check");
            reading_effect(reading, EFFECT_CREATE, OBJECT_DOMAIN_CONSTRAINT, &name,
                           text_or_null(node->conname) ? node->conname : chosen)
                ->is_implied = true;
        }
    }
}

static void
add_domain_constraint(struct reading *reading, const struct object_name *name,
                      const PgQuery__Node *def)
{
    const PgQuery__Constraint *node = def->constraint;
    struct sql_constraint *constraint = arena_alloc(reading->arena, sizeof *constraint);

    constraint->name = text_or_null(node->conname);
    constraint->is_named = constraint->name != NULL;
    constraint->kind = CONSTRAINT_CHECK;
    constraint->is_valid = !node->skip_validation;
    if (!constraint->name) {
        constraint->name = name_chosen(reading->arena, name->name, NULL, "check");
    }
    struct effect *effect =
        reading_effect(reading, EFFECT_CREATE, OBJECT_DOMAIN_CONSTRAINT, name, constraint->name);
    effect->constraint = constraint;
    effect->scans = constraint->is_valid;
    if (constraint->is_valid) {
        check_columns(reading, name, LOCK_SHARE);
    }
}

static void
alter_domain(struct reading *reading, const PgQuery__AlterDomainStmt *statement)
{
    struct object_name name =
        name_of_type_there(reading, statement->type_name, statement->n_type_name);
    struct effect *effect;

    switch (statement->subtype[0]) {
    case 'C':
        add_domain_constraint(reading, &name, statement->def);
        break;
    case 'V':
        effect = reading_effect(reading, EFFECT_VALIDATE, OBJECT_DOMAIN_CONSTRAINT, &name,
                                statement->name);
        effect->scans = true;
        check_columns(reading, &name, LOCK_SHARE);
        break;
    case 'X':
        effect =
            reading_effect(reading, EFFECT_DROP, OBJECT_DOMAIN_CONSTRAINT, &name, statement->name);
        effect->if_exists = statement->missing_ok;
        break;
    case 'O':
        reading_effect(reading, EFFECT_SET_NOT_NULL, OBJECT_DOMAIN, &name, NULL)->scans = true;
        check_columns(reading, &name, LOCK_SHARE);
        break;
    case 'N':
        reading_effect(reading, EFFECT_DROP_NOT_NULL, OBJECT_DOMAIN, &name, NULL);
        break;
    default: /* T */
        reading_effect(reading, statement->def ? EFFECT_SET_DEFAULT : EFFECT_DROP_DEFAULT,
                       OBJECT_DOMAIN, &name, NULL);
    }
}

/* ---- the others ------------------------------------------------------------------------------ */

static void
create_composite(struct reading *reading, const PgQuery__CompositeTypeStmt *statement)
{
    struct object_name name = name_of_new(reading, statement->typevar);

    reading_effect(reading, EFFECT_CREATE, OBJECT_TYPE, &name, NULL);
    for (size_t i = 0; i < statement->n_coldeflist; i++) {
        reading_effect(reading, EFFECT_CREATE, OBJECT_ATTRIBUTE, &name,
                       statement->coldeflist[i]->column_def->colname)
            ->is_implied = true;
    }
}

bool
read_type(struct reading *reading, const PgQuery__Node *tree)
{
    struct object_name name;

    switch (tree->node_case) {
    case NODE(CREATE_ENUM_STMT):
        create_enum(reading, tree->create_enum_stmt);
        return true;
    case NODE(ALTER_ENUM_STMT):
        alter_enum(reading, tree->alter_enum_stmt);
        return true;
    case NODE(CREATE_DOMAIN_STMT):
        create_domain(reading, tree->create_domain_stmt);
        return true;
    case NODE(ALTER_DOMAIN_STMT):
        alter_domain(reading, tree->alter_domain_stmt);
        return true;
    case NODE(COMPOSITE_TYPE_STMT):
        create_composite(reading, tree->composite_type_stmt);
        return true;
    case NODE(CREATE_RANGE_STMT):
        name = name_of_new_list(reading, tree->create_range_stmt->type_name,
                                tree->create_range_stmt->n_type_name);
        reading_effect(reading, EFFECT_CREATE, OBJECT_TYPE, &name, NULL);
        return true;
    case NODE(ALTER_TYPE_STMT):
        name = name_of_type_there(reading, tree->alter_type_stmt->type_name,
                                  tree->alter_type_stmt->n_type_name);
        reading_effect(reading, EFFECT_ALTER, OBJECT_TYPE, &name, NULL);
        reading_needs(reading, 13);
        return true;
    default:
        return false;
    }
}
