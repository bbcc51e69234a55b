/* Constraints of tables as they are written, and what making one does. */
#include <string.h>

#include "common/sql/reading.h"
#include "common/sql/split.h"

#define CONSTR(name) PG_QUERY__CONSTR_TYPE__CONSTR_##name

/* ---- names ----------------------------------------------------------------------------------- */

const char *
name_chosen(struct arena *arena, const char *table, const char *column, const char *suffix)
{
    size_t table_size = strlen(table), column_size = column ? strlen(column) : 0;
    size_t overhead = strlen(suffix) + 1 + (column ? 1 : 0);
    size_t room = SQL_NAME_SIZE_MAX - overhead;

    /* makeObjectName: the longer of the two gives way first. */
    while (table_size + column_size > room) {
        if (table_size > column_size) {
            table_size--;
        } else {
            column_size--;
        }
    }
    return column ? arena_format(arena, "%.*s_%.*s_%s", (int)table_size, table, (int)column_size,
                                 column, suffix)
                  : arena_format(arena, "%.*s_%s", (int)table_size, table, suffix);
}

/* The columns' names in a row, as ChooseIndexColumnNames and
 * ChooseForeignKeyConstraintNameAddition. */
static const char *
joined(struct arena *arena, const char *const *columns, size_t count)
{
    const char *text = NULL;

    for (size_t i = 0; i < count; i++) {
        const char *column = columns[i] ? columns[i] : "expr";
        text = text ? arena_format(arena, "%s_%s", text, column) : column;
    }
    return text;
}

/* The chosen name, numbered when the table has one of that name already. */
static const char *
name_free(const struct reading *reading, const struct object_name *table, const char *column,
          const char *suffix)
{
    const char *name = name_chosen(reading->arena, table->name, column, suffix);

    for (int number = 1; table->table && catalog_constraint(table->table, name); number++) {
        name = name_chosen(reading->arena, table->name, column,
                           arena_format(reading->arena, "%s%d", suffix, number));
    }
    return name;
}

static const char *
name_for(const struct reading *reading, const struct object_name *table,
         const struct sql_constraint *constraint)
{
    const char *columns = joined(reading->arena, constraint->columns, constraint->column_count);

    switch (constraint->kind) {
    case CONSTRAINT_PRIMARY_KEY:
        return name_free(reading, table, NULL, "pkey");
    case CONSTRAINT_UNIQUE:
        return name_free(reading, table, columns, "key");
    case CONSTRAINT_EXCLUSION:
        return name_free(reading, table, columns, "excl");
    case CONSTRAINT_FOREIGN_KEY:
        return name_free(reading, table, columns, "fkey");
    default:
        return name_free(reading, table,
                         constraint->column_count == 1 ? constraint->columns[0] : NULL, "check");
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum constraint_kind
kind_of(PgQuery__ConstrType type)
{
    switch (type) {
    case CONSTR(NOTNULL):
        return CONSTRAINT_NOT_NULL;
    case CONSTR(PRIMARY):
        return CONSTRAINT_PRIMARY_KEY;
    case CONSTR(UNIQUE):
        return CONSTRAINT_UNIQUE;
    case CONSTR(EXCLUSION):
        return CONSTRAINT_EXCLUSION;
    case CONSTR(FOREIGN):
        return CONSTRAINT_FOREIGN_KEY;
    default:
        return CONSTRAINT_CHECK;
    }
}

static const char *const *
strings(const struct reading *reading, PgQuery__Node **nodes, size_t count)
{
    const char **texts = arena_alloc(reading->arena, count * sizeof *texts);

    for (size_t i = 0; i < count; i++) {
        texts[i] = tree_string(nodes[i]);
    }
    return texts;
}

/* EXCLUDE USING gist (room WITH =, during WITH &&): lists of an element and an operator. */
static const char *const *
excluded(const struct reading *reading, const PgQuery__Constraint *node)
{
    const char **texts = arena_alloc(reading->arena, node->n_exclusions * sizeof *texts);

    for (size_t i = 0; i < node->n_exclusions; i++) {
        const PgQuery__Node *element = node->exclusions[i]->list->items[0];
        texts[i] = text_or_null(element->index_elem->name);
    }
    return texts;
}

static void
read_columns(const struct reading *reading, const PgQuery__Constraint *node, const char *column,
             struct sql_constraint *constraint)
{
    if (constraint->kind == CONSTRAINT_CHECK) {
        constraint->columns =
            expression_columns(node->raw_expr, reading->arena, &constraint->column_count);
        constraint->not_null_column = expression_not_null(node->raw_expr);
    } else if (constraint->kind == CONSTRAINT_FOREIGN_KEY && node->n_fk_attrs) {
        constraint->columns = strings(reading, node->fk_attrs, node->n_fk_attrs);
        constraint->column_count = node->n_fk_attrs;
    } else if (node->n_exclusions) {
        constraint->columns = excluded(reading, node);
        constraint->column_count = node->n_exclusions;
    } else if (node->n_keys) {
        constraint->columns = strings(reading, node->keys, node->n_keys);
        constraint->column_count = node->n_keys;
    } else if (column) {
        constraint->columns = arena_copy(reading->arena, &column, sizeof column);
        constraint->column_count = 1;
    }
}

static void
read_reference(const struct reading *reading, const PgQuery__Constraint *node,
               struct sql_constraint *constraint)
{
    struct object_name to = name_of_relation(reading, node->pktable);

    constraint->to_schema = to.schema;
    constraint->to_table = to.name;
    constraint->to_columns = strings(reading, node->pk_attrs, node->n_pk_attrs);
    constraint->to_column_count = node->n_pk_attrs;
    constraint->on_delete =
        node->fk_del_action && *node->fk_del_action ? *node->fk_del_action : 'a';
    constraint->on_update =
        node->fk_upd_action && *node->fk_upd_action ? *node->fk_upd_action : 'a';
}

struct sql_constraint *
constraint_read(const struct reading *reading, const PgQuery__Constraint *node,
                const struct object_name *table, const char *column)
{
    struct sql_constraint *constraint = arena_alloc(reading->arena, sizeof *constraint);

    *constraint = (struct sql_constraint){.kind = kind_of(node->contype),
                                          .name = text_or_null(node->conname),
                                          .is_valid = !node->skip_validation,
                                          .is_deferrable = node->deferrable,
                                          .is_deferred = node->initdeferred,
                                          .is_column_constraint = column != NULL,
                                          .index = text_or_null(node->indexname)};
    constraint->is_named = constraint->name != NULL;
    read_columns(reading, node, column, constraint);
    if (node->pktable) {
        read_reference(reading, node, constraint);
    }
    if (!constraint->name) { /* USING INDEX takes the index's */
        constraint->name =
            constraint->index ? constraint->index : name_for(reading, table, constraint);
    }
    return constraint;
}

/* ---- making ---------------------------------------------------------------------------------- */

struct effect *
constraint_make(struct reading *reading, const struct object_name *table,
                const struct sql_constraint *constraint, int location)
{
    struct effect *effect =
        reading_effect(reading, EFFECT_CREATE, OBJECT_CONSTRAINT, table, constraint->name);

    effect->constraint = constraint;
    effect->offset = reading_offset(reading, location);
    if (constraint->kind == CONSTRAINT_FOREIGN_KEY) {
        struct object_name to = {.schema = constraint->to_schema, .name = constraint->to_table};
        to.table = reading->catalog ? catalog_table(reading->catalog, to.schema, to.name) : NULL;
        reading_lock_family(reading, &to, OBJECT_TABLE, LOCK_SHARE_ROW_EXCLUSIVE);
    }
    return effect;
}
