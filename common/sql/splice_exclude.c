#include <string.h>

#include "common/base/text.h"
#include "common/sql/splice_private.h"
#include "common/sql/tree.h"
#include "common/sql/walk.h"

#define NODE(name) PG_QUERY__NODE__NODE_##name

static bool
is_named(const char *name, const char *other)
{
    return name && other && strcmp(name, other) == 0;
}

static const char *
column_of(const struct splicing *splicing, const PgQuery__Node *node)
{
    if (!node || node->node_case != NODE(COLUMN_REF)) {
        return NULL;
    }
    const PgQuery__ColumnRef *column = node->column_ref;
    if (column->n_fields == 1) {
        return tree_string(column->fields[0]);
    }
    bool is_ours = column->n_fields == 2 &&
                   is_named(tree_string(column->fields[0]), splice_name_of(splicing->relation));
    return is_ours ? tree_string(column->fields[1]) : NULL;
}

/* The new value of a column; null when it gets none, or one that is not written plainly. */
static const PgQuery__Node *
value_of(const struct splicing *splicing, const char *column)
{
    for (size_t i = 0; column && i < splicing->update->n_target_list; i++) {
        const PgQuery__ResTarget *target = splicing->update->target_list[i]->res_target;
        if (is_named(target->name, column) && !target->n_indirection) {
            return target->val;
        }
    }
    return NULL;
}

static bool
is_constant(const PgQuery__Node *node)
{
    while (node && node->node_case == NODE(TYPE_CAST)) {
        node = node->type_cast->arg;
    }
    return node && node->node_case == NODE(A_CONST);
}

static bool
is_null(const PgQuery__Node *node)
{
    while (node && node->node_case == NODE(TYPE_CAST)) {
        node = node->type_cast->arg;
    }
    return node && node->node_case == NODE(A_CONST) && node->a_const->isnull;
}

static enum exclusion
exclusion_by_null(const struct splicing *splicing, const PgQuery__NullTest *test)
{
    const PgQuery__Node *value = value_of(splicing, column_of(splicing, test->arg));
    bool wants_null = test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;

    if (!value) {
        return EXCLUDES_NO;
    }
    if (!is_constant(value)) {
        return EXCLUDES_MAYBE;
    }
    return wants_null != is_null(value) ? EXCLUDES_YES : EXCLUDES_NO;
}

/* column = constant, column <> value, column IS DISTINCT FROM value. */
static enum exclusion
exclusion_by_value(const struct splicing *splicing, const PgQuery__AExpr *compared)
{
    const char *word = compared->n_name == 1 ? tree_string(compared->name[0]) : NULL;
    const PgQuery__Node *value = value_of(splicing, column_of(splicing, compared->lexpr));
    bool is_distinct = compared->kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT;
    bool is_operator = compared->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP;

    if (!value || !word || !compared->rexpr) {
        return EXCLUDES_NO;
    }
    bool is_same = walk_same(&value->base, &compared->rexpr->base);
    bool is_plain = is_constant(value) && is_constant(compared->rexpr);
    if (is_distinct || (is_operator && strcmp(word, "<>") == 0)) {
        return is_same && !is_plain ? EXCLUDES_MAYBE : is_same ? EXCLUDES_YES : EXCLUDES_NO;
    }
    bool is_equality = is_operator && strcmp(word, "=") == 0;
    return is_equality && is_plain && !is_same ? EXCLUDES_YES : EXCLUDES_NO;
}

/* WHERE done = false … SET done = true is written WHERE NOT done, too. */
static enum exclusion
exclusion_by_truth(const struct splicing *splicing, const PgQuery__Node *column, bool wanted)
{
    const PgQuery__Node *value = value_of(splicing, column_of(splicing, column));

    if (!value || value->node_case != NODE(A_CONST) ||
        value->a_const->val_case != PG_QUERY__A__CONST__VAL_BOOLVAL) {
        return EXCLUDES_NO;
    }
    return value->a_const->boolval->boolval != wanted ? EXCLUDES_YES : EXCLUDES_NO;
}

static enum exclusion
exclusion_by(const struct splicing *splicing, const PgQuery__Node *condition)
{
    enum exclusion best = EXCLUDES_NO;

    switch (condition->node_case) {
    case NODE(NULL_TEST):
        return exclusion_by_null(splicing, condition->null_test);
    case NODE(A_EXPR):
        return exclusion_by_value(splicing, condition->a_expr);
    case NODE(COLUMN_REF):
        return exclusion_by_truth(splicing, condition, true);
    case NODE(BOOL_EXPR):
        break;
    default:
        return EXCLUDES_NO;
    }
    const PgQuery__BoolExpr *boolean = condition->bool_expr;
    if (boolean->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) {
        return exclusion_by_truth(splicing, boolean->args[0], false);
    }
    for (size_t i = 0; boolean->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR && i < boolean->n_args;
         i++) {
        enum exclusion one = exclusion_by(splicing, boolean->args[i]);
        best = one > best ? one : best;
    }
    return best;
}

/* ---- which columns get values ----------------------------------------------------------------
 */

/* Its DEFAULT, also as one of several: (a, b) = (DEFAULT, 1). */
static bool
is_default(const PgQuery__Node *value)
{
    if (value && value->node_case == NODE(MULTI_ASSIGN_REF)) {
        const PgQuery__MultiAssignRef *part = value->multi_assign_ref;
        bool is_row = part->source && part->source->node_case == NODE(ROW_EXPR) &&
                      part->colno > 0 && (size_t)part->colno <= part->source->row_expr->n_args;
        value = is_row ? part->source->row_expr->args[part->colno - 1] : NULL;
    }
    return value && value->node_case == NODE(SET_TO_DEFAULT);
}

static void
note_update(struct splicing *splicing)
{
    struct sql_splice *splice = splicing->splice;

    for (size_t i = 0; i < splicing->update->n_target_list; i++) {
        const PgQuery__ResTarget *target = splicing->update->target_list[i]->res_target;
        const char *name = arena_text(splicing->arena, target->name);
        splice_add_line(splicing, &splice->changed, name);
        if (!is_default(target->val)) {
            splice_add_line(splicing, &splice->written, name);
        }
    }
    splice->excludes = splicing->where ? exclusion_by(splicing, splicing->where) : EXCLUDES_NO;
}

static bool
has_star(const PgQuery__ResTarget *target)
{
    const PgQuery__Node *value = target->val;

    return value && value->node_case == NODE(COLUMN_REF) && value->column_ref->n_fields &&
           value->column_ref->fields[value->column_ref->n_fields - 1]->node_case == NODE(A_STAR);
}

static void
note_insert(struct splicing *splicing)
{
    const PgQuery__InsertStmt *insert = splicing->insert;
    struct sql_splice *splice = splicing->splice;

    splice->into = arena_text(splicing->arena, insert->relation->relname);
    splice->into_schema = insert->relation->schemaname[0]
                              ? arena_text(splicing->arena, insert->relation->schemaname)
                              : NULL;
    splice->overrides = insert->override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE ||
                        insert->override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE;
    for (size_t i = 0; i < insert->n_cols; i++) {
        const char *name = insert->cols[i]->res_target->name;
        splice_add_line(splicing, &splice->written, arena_text(splicing->arena, name));
    }
    bool has_stars = insert->n_cols > 0;
    for (size_t i = 0; i < splicing->select->n_target_list; i++) {
        has_stars = has_stars || has_star(splicing->select->target_list[i]->res_target);
    }
    splice->first_written = has_stars ? 0 : splicing->select->n_target_list;
}

void
splice_note_changes(struct splicing *splicing)
{
    if (splicing->delete) {
        splicing->splice->excludes = splicing->where ? EXCLUDES_YES : EXCLUDES_MAYBE;
    } else if (splicing->update) {
        note_update(splicing);
    } else {
        note_insert(splicing);
    }
}
