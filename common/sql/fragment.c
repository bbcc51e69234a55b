#include "common/sql/fragment.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/sql/split.h"
#include "common/sql/tree.h"

/* A word that stands behind the fragment: it is found again only if the fragment ends before it. */
#define GUARD "fragment_ends_here"

/*
 * A list of result columns and nothing else: SELECT (fragment) AS guard. Null when there is more.
 */
static const PgQuery__Node *
only_value(const PgQuery__Node *tree)
{
    if (tree->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return NULL;
    }
    const PgQuery__SelectStmt *select = tree->select_stmt;
    bool is_plain = select->n_target_list == 1 && select->n_from_clause == 0 &&
                    select->n_distinct_clause == 0 && !select->into_clause &&
                    !select->where_clause && select->n_group_clause == 0 &&
                    !select->having_clause && select->n_window_clause == 0 &&
                    select->n_sort_clause == 0 && !select->limit_count && !select->limit_offset &&
                    select->n_locking_clause == 0 && !select->with_clause &&
                    select->op == PG_QUERY__SET_OPERATION__SETOP_NONE;
    if (!is_plain) {
        return NULL;
    }
    const PgQuery__ResTarget *target = select->target_list[0]->res_target;
    return text_equal(target->name, GUARD) ? target->val : NULL;
}

/* Whether a value is the same for every row and needs no look at one: ADD COLUMN is instant then.
 */
static bool
is_constant(const PgQuery__Node *value)
{
    switch (value->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return true;
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return is_constant(value->type_cast->arg);
    case PG_QUERY__NODE__NODE_A_EXPR:
        return !value->a_expr->lexpr && value->a_expr->rexpr && is_constant(value->a_expr->rexpr);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        for (size_t i = 0; i < value->a_array_expr->n_elements; i++) {
            if (!is_constant(value->a_array_expr->elements[i])) {
                return false;
            }
        }
        return true;
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return value->func_call->n_args == 0 && value->func_call->n_funcname == 1 &&
               text_equal(tree_string(value->func_call->funcname[0]), "now");
    default:
        return false;
    }
}

static bool
is_guard(const PgQuery__Node *node)
{
    return node && node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
           node->column_ref->n_fields == 1 &&
           text_equal(tree_string(node->column_ref->fields[0]), GUARD);
}

static bool
is_only_assignments(const PgQuery__Node *tree)
{
    return tree->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT &&
           is_guard(tree->update_stmt->where_clause) && tree->update_stmt->n_from_clause == 0 &&
           !tree->update_stmt->with_clause;
}

static bool
is_only_elements(const PgQuery__Node *tree)
{
    return tree->node_case == PG_QUERY__NODE__NODE_INDEX_STMT &&
           tree->index_stmt->n_index_including_params == 1 && !tree->index_stmt->where_clause &&
           tree->index_stmt->n_options == 0;
}

static const char *const frames[] = {
    [SQL_FRAGMENT_EXPRESSION] = "SELECT (%s) AS " GUARD,
    [SQL_FRAGMENT_CONSTANT] = "SELECT (%s) AS " GUARD,
    [SQL_FRAGMENT_TYPE] = "SELECT NULL::%s AS " GUARD,
    [SQL_FRAGMENT_ASSIGNMENTS] = "UPDATE t SET %s WHERE " GUARD,
    [SQL_FRAGMENT_ELEMENTS] = "CREATE INDEX ON t (%s) INCLUDE (" GUARD ")",
};

/* The fragment in its frame; formats are literals, so the two halves are put together here. */
static char *
framed(enum sql_fragment fragment, const char *text)
{
    const char *frame = frames[fragment], *gap = strstr(frame, "%s");

    return mem_format("%.*s%s%s", (int)(gap - frame), frame, text, gap + 2);
}

static bool
is_alone(enum sql_fragment fragment, const PgQuery__Node *tree)
{
    if (fragment == SQL_FRAGMENT_ASSIGNMENTS) {
        return is_only_assignments(tree);
    }
    if (fragment == SQL_FRAGMENT_ELEMENTS) {
        return is_only_elements(tree);
    }
    const PgQuery__Node *value = only_value(tree);
    if (fragment == SQL_FRAGMENT_TYPE) {
        return value && value->node_case == PG_QUERY__NODE__NODE_TYPE_CAST &&
               value->type_cast->arg->node_case == PG_QUERY__NODE__NODE_A_CONST;
    }
    return value && (fragment != SQL_FRAGMENT_CONSTANT || is_constant(value));
}

bool
sql_fragment_check(enum sql_fragment fragment, const char *text, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(mem_free) char *whole = framed(fragment, text);
    struct sql_script script;
    struct place place;

    if (!sql_split(whole, strlen(whole), "skein", &arena, &script, &place, error)) {
        struct error said = *error;
        return error_set(error, "E-PATTERN-VALUE", "%s", said.text);
    }
    if (script.statement_count == 1 && is_alone(fragment, script.statements[0].tree)) {
        return true;
    }
    return error_set(error, "E-PATTERN-VALUE",
                     fragment == SQL_FRAGMENT_CONSTANT && script.statement_count == 1 &&
                             only_value(script.statements[0].tree)
                         ? "this is computed for every row, which rewrites the table"
                         : "there is more than belongs there");
}

const char *
sql_fragment_name(const char *name, struct arena *arena)
{
    return tree_quoted(NULL, name, arena);
}
