/* Columns as they are written, with the constraints behind them. */
#include <string.h>

#include "common/sql/reading.h"

static bool
is_serial(const PgQuery__TypeName *type)
{
    static const char *const names[] = {"serial",  "serial4", "bigserial",
                                        "serial8", "serial2", "smallserial"};
    const char *name = type && type->n_names == 1 ? tree_string(type->names[0]) : NULL;

    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
read_default(const struct reading *reading, const PgQuery__Node *expression,
             struct sql_column *column)
{
    const PgQuery__Node *inner = expression;

    while (inner && inner->node_case == NODE(TYPE_CAST)) {
        inner = inner->type_cast->arg;
    }
    bool is_null = inner && inner->node_case == NODE(A_CONST) && inner->a_const->isnull;
    if (is_null) { /* DEFAULT NULL is none */
        return;
    }
    column->default_volatility = expression_volatility(reading, expression);
    if (column->default_volatility == VOLATILITY_CONSTANT) {
        column->default_text = tree_constant(expression, reading->arena);
    }
}

/* What is no constraint of its own: NOT NULL, DEFAULT, IDENTITY, GENERATED. True when it was that.
 */
static bool
read_property(const struct reading *reading, const PgQuery__Constraint *node,
              struct sql_column *column)
{
    switch (node->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        column->is_not_null = true;
        return true;
    case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        read_default(reading, node->raw_expr, column);
        return true;
    case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
        column->is_identity = column->is_not_null = true;
        return true;
    case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        column->is_generated = true;
        return true;
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
    case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
    case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
        return false;
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
        column->is_not_null = true;
        return false;
    default:
        return true;
    }
}

/* DEFERRABLE and its like stand behind the constraint they belong to, as nodes of their own. */
static void
read_attribute(const PgQuery__Constraint *node, struct sql_constraint *constraint)
{
    switch (node->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE:
        constraint->is_deferrable = true;
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED:
        constraint->is_deferrable = constraint->is_deferred = true;
        break;
    default:
        break;
    }
}

struct column_reading
column_read(const struct reading *reading, const PgQuery__ColumnDef *def,
            const struct object_name *table)
{
    struct sql_column *column = arena_alloc(reading->arena, sizeof *column);
    struct column_reading read = {.column = column};

    column->name = def->colname;
    column->type = def->type_name ? type_text(reading, def->type_name) : NULL;
    column->is_serial = is_serial(def->type_name);
    column->is_not_null = def->is_not_null || column->is_serial;
    if (def->type_name) {
        const struct catalog_type *type = type_known(reading, def->type_name);
        read.domain = type && type->is_constrained ? type : NULL;
    }
    if (def->coll_clause && def->coll_clause->n_collname) {
        column->collation =
            tree_string(def->coll_clause->collname[def->coll_clause->n_collname - 1]);
    }
    if (def->raw_default) {
        read_default(reading, def->raw_default, column);
    }
    read.constraints = arena_alloc(reading->arena, def->n_constraints * sizeof *read.constraints);
    for (size_t i = 0; i < def->n_constraints; i++) {
        const PgQuery__Constraint *node = def->constraints[i]->constraint;
        if (!read_property(reading, node, column)) {
            read.constraints[read.constraint_count++] =
                constraint_read(reading, node, table, column->name);
        } else if (read.constraint_count) {
            read_attribute(node, read.constraints[read.constraint_count - 1]);
        }
    }
    return read;
}
