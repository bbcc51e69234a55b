/* Expressions: how their value comes about, and what they name. */
#include <string.h>

#include "common/sql/reading.h"

#define COLUMNS_MAX 64

/* ---- volatility ------------------------------------------------------------------------------ */

struct look {
    const struct reading *reading;
    enum sql_volatility volatility;
};

static void
raise_to(struct look *look, enum sql_volatility volatility)
{
    if (volatility > look->volatility) {
        look->volatility = volatility;
    }
}

static bool
look_at_volatility(void *context, const ProtobufCMessage *message)
{
    struct look *look = context;

    raise_to(look, VOLATILITY_CONSTANT);
    if (WALK_IS(message, sqlvalue_function)) {
        raise_to(look, VOLATILITY_STABLE);
    } else if (WALK_IS(message, func_call)) {
        const PgQuery__FuncCall *call = (const void *)message;
        enum sql_volatility volatility;
        const char *name = tree_string(call->funcname[call->n_funcname - 1]);
        const char *schema = call->n_funcname > 1 ? tree_string(call->funcname[0]) : NULL;
        function_is_builtin(schema, name ? name : "", &volatility);
        raise_to(look, volatility);
    } else if (WALK_IS(message, sub_link)) {
        raise_to(look, VOLATILITY_STABLE);
    }
    return true;
}

enum sql_volatility
expression_volatility(const struct reading *reading, const PgQuery__Node *node)
{
    struct look look = {.reading = reading};

    walk_node(node, look_at_volatility, &look);
    return look.volatility;
}

/* ---- columns --------------------------------------------------------------------------------- */

struct columns {
    const char *names[COLUMNS_MAX];
    size_t count;
};

static bool
look_at_columns(void *context, const ProtobufCMessage *message)
{
    struct columns *columns = context;

    if (!WALK_IS(message, column_ref)) {
        return true;
    }
    const PgQuery__ColumnRef *reference = (const void *)message;
    const char *name = tree_string(reference->fields[reference->n_fields - 1]);
    for (size_t i = 0; name && i < columns->count; i++) {
        if (strcmp(columns->names[i], name) == 0) {
            return false;
        }
    }
    if (name && columns->count < COLUMNS_MAX) {
        columns->names[columns->count++] = name;
    }
    return false;
}

const char *const *
expression_columns(const PgQuery__Node *node, struct arena *arena, size_t *count)
{
    struct columns columns = {.count = 0};

    walk_node(node, look_at_columns, &columns);
    *count = columns.count;
    return arena_copy(arena, columns.names, columns.count * sizeof *columns.names);
}

const char *
expression_not_null(const PgQuery__Node *node)
{
    if (!node) {
        return NULL;
    }
    if (node->node_case == NODE(BOOL_EXPR) &&
        node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
        for (size_t i = 0; i < node->bool_expr->n_args; i++) {
            const char *column = expression_not_null(node->bool_expr->args[i]);
            if (column) {
                return column;
            }
        }
        return NULL;
    }
    if (node->node_case != NODE(NULL_TEST) ||
        node->null_test->nulltesttype != PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL) {
        return NULL;
    }
    const PgQuery__Node *argument = node->null_test->arg;
    if (!argument || argument->node_case != NODE(COLUMN_REF) ||
        argument->column_ref->n_fields == 0) {
        return NULL;
    }
    return tree_string(argument->column_ref->fields[argument->column_ref->n_fields - 1]);
}
