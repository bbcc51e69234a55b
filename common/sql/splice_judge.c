#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/sql/splice_private.h"
#include "common/sql/tree.h"
#include "common/sql/walk.h"

#define NODE(name) PG_QUERY__NODE__NODE_##name
#define LIST_SIZE_MAX 4000

/* ---- what kind ------------------------------------------------------------------------------- */

static bool
refuse_kind(struct splicing *splicing)
{
    return splice_refuse(splicing, -1, "E-BATCH-KIND",
                         "only UPDATE, DELETE and INSERT … SELECT can be done in batches",
                         "take the annotation batch out; the statement then runs as it is written");
}

static bool
is_name(const char *name, const char *other)
{
    return name && other && strcmp(name, other) == 0;
}

const char *
splice_name_of(const PgQuery__RangeVar *table)
{
    return table->alias ? table->alias->aliasname : table->relname;
}

struct names {
    const char *wanted;
    bool is_found;
};

static bool
visit_cte(void *context, const ProtobufCMessage *message)
{
    struct names *names = context;

    if (WALK_IS(message, common_table_expr)) {
        const PgQuery__CommonTableExpr *cte = (const void *)message;
        names->is_found = names->is_found || is_name(cte->ctename, names->wanted);
    }
    return !names->is_found;
}

/* Whether a name stands for a WITH query of the statement. */
static bool
is_cte(const struct splicing *splicing, const PgQuery__RangeVar *table)
{
    struct names names = {.wanted = table->relname};

    if (!table->schemaname || !table->schemaname[0]) {
        walk_node(splicing->tree, visit_cte, &names);
    }
    return names.is_found;
}

static bool
refuse_join(struct splicing *splicing)
{
    return splice_refuse(splicing, splicing->relation->location, "E-BATCH-JOIN",
                         "an outer join: what it gives is not told by the rows of this table alone",
                         "go through the table whose rows are kept: from=alias");
}

/*
 * Look for the table to go through in one item of FROM: the first, or the one that is called so.
 * False when an outer join stands between.
 */
static bool
find_in(struct splicing *splicing, const PgQuery__Node *node, bool is_kept)
{
    const char *wanted = splicing->wish->from;

    if (node->node_case == NODE(RANGE_VAR) && !splicing->relation) {
        const PgQuery__RangeVar *table = node->range_var;
        if ((!wanted || is_name(splice_name_of(table), wanted)) && !is_cte(splicing, table)) {
            splicing->relation = table;
            return is_kept || refuse_join(splicing);
        }
    }
    if (node->node_case != NODE(JOIN_EXPR)) {
        return true;
    }
    const PgQuery__JoinExpr *join = node->join_expr;
    bool keeps_left = join->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER ||
                      join->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT;
    bool keeps_right = join->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER ||
                       join->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT;
    bool hides = join->alias != NULL;
    if (!find_in(splicing, join->larg, is_kept && keeps_left && !hides)) {
        return false;
    }
    bool may_be_right = wanted || !keeps_left;
    return splicing->relation || !may_be_right ||
           find_in(splicing, join->rarg, is_kept && keeps_right && !hides);
}

static bool
find_source(struct splicing *splicing)
{
    size_t count = splicing->wish->from ? splicing->from_count : splicing->from_count > 0;

    for (size_t i = 0; i < count && !splicing->relation; i++) {
        if (!find_in(splicing, splicing->from[i], true)) {
            return false;
        }
    }
    return splicing->relation ||
           splice_refuse(splicing, -1, "E-BATCH-SOURCE",
                         "there is no table to go through: FROM begins with none, or has none of "
                         "that name",
                         "name one of the tables in FROM by its alias: -- skein: batch from=alias");
}

static bool
understand_insert(struct splicing *splicing, const PgQuery__InsertStmt *insert)
{
    if (!insert->select_stmt || insert->select_stmt->node_case != NODE(SELECT_STMT) ||
        insert->select_stmt->select_stmt->n_values_lists) {
        return refuse_kind(splicing);
    }
    const PgQuery__SelectStmt *select = insert->select_stmt->select_stmt;
    splicing->insert = insert;
    splicing->select = select;
    splicing->where = select->where_clause;
    splicing->from = select->from_clause;
    splicing->from_count = select->n_from_clause;
    splicing->with[0] = insert->with_clause;
    splicing->with[1] = select->with_clause;
    if (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE) {
        return splice_refuse(splicing, -1, "E-BATCH-GROUP",
                             "UNION, INTERSECT and EXCEPT look at all rows together",
                             "write one INSERT for each SELECT");
    }
    return find_source(splicing);
}

bool
splice_understand(struct splicing *splicing)
{
    const PgQuery__Node *tree = splicing->tree;

    if (tree->node_case == NODE(UPDATE_STMT)) {
        splicing->update = tree->update_stmt;
        splicing->relation = splicing->update->relation;
        splicing->where = splicing->update->where_clause;
        splicing->from = splicing->update->from_clause;
        splicing->from_count = splicing->update->n_from_clause;
        splicing->with[0] = splicing->update->with_clause;
    } else if (tree->node_case == NODE(DELETE_STMT)) {
        splicing->delete = tree->delete_stmt;
        splicing->relation = splicing->delete->relation;
        splicing->where = splicing->delete->where_clause;
        splicing->from = splicing->delete->using_clause;
        splicing->from_count = splicing->delete->n_using_clause;
        splicing->with[0] = splicing->delete->with_clause;
    } else if (tree->node_case == NODE(INSERT_STMT)) {
        return understand_insert(splicing, tree->insert_stmt);
    } else {
        return refuse_kind(splicing);
    }
    bool is_at_cursor = splicing->where && splicing->where->node_case == NODE(CURRENT_OF_EXPR);
    return !is_at_cursor || refuse_kind(splicing);
}

/* ---- functions ------------------------------------------------------------------------------- */

struct calls {
    struct splicing *splicing;
    const char *names; /* one a line */
    bool goes_into_subqueries;
    const PgQuery__FuncCall *changing; /* one that never answers the same */
    const PgQuery__FuncCall *grouping; /* one that looks at many rows */
};

static bool
is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* PostgreSQL's own; what others have made is looked up in the database. */
static bool
is_changing(const char *name)
{
    static const char *const names[] = {
        "random",          "clock_timestamp",  "timeofday",  "nextval",
        "currval",         "lastval",          "setval",     "pg_sleep",
        "gen_random_uuid", "uuid_generate_v4", "set_config", "pg_notify",
        "setseed",         "uuid_generate_v1", "dblink",     NULL};

    return is_one_of(name, names);
}

static bool
is_grouping(const char *name)
{
    static const char *const names[] = {"count",
                                        "sum",
                                        "avg",
                                        "min",
                                        "max",
                                        "array_agg",
                                        "string_agg",
                                        "json_agg",
                                        "jsonb_agg",
                                        "bool_and",
                                        "bool_or",
                                        "every",
                                        "bit_and",
                                        "bit_or",
                                        "bit_xor",
                                        "xmlagg",
                                        "stddev",
                                        "stddev_pop",
                                        "stddev_samp",
                                        "variance",
                                        "var_pop",
                                        "var_samp",
                                        "corr",
                                        "mode",
                                        "json_object_agg",
                                        "jsonb_object_agg",
                                        "percentile_cont",
                                        "percentile_disc",
                                        "range_agg",
                                        NULL};

    return is_one_of(name, names);
}

void
splice_add_line(struct splicing *splicing, const char **list, const char *line)
{
    size_t size = *list ? strlen(*list) : 0;

    if (size + strlen(line) + 1 < LIST_SIZE_MAX) {
        *list = *list ? arena_format(splicing->arena, "%s\n%s", *list, line) : line;
    }
}

static bool
visit_call(void *context, const ProtobufCMessage *message)
{
    struct calls *calls = context;

    if (WALK_IS(message, sub_link) && !calls->goes_into_subqueries) {
        return false;
    }
    if (!WALK_IS(message, func_call)) {
        return true;
    }
    const PgQuery__FuncCall *call = (const void *)message;
    const char *name = call->n_funcname ? tree_string(call->funcname[call->n_funcname - 1]) : NULL;
    const char *schema = call->n_funcname > 1 ? tree_string(call->funcname[0]) : NULL;
    if (!name) {
        return true;
    }
    splice_add_line(calls->splicing, &calls->names,
                    tree_quoted(schema, name, calls->splicing->arena));
    if (is_changing(name)) {
        calls->changing = call;
    }
    bool is_for_many = is_grouping(name) || call->over || call->agg_star || call->agg_filter ||
                       call->agg_within_group || call->agg_distinct || call->n_agg_order;
    if (is_for_many) {
        calls->grouping = call;
    }
    return true;
}

/* What decides which rows are meant: the condition, what is joined, WITH. */
static void
walk_predicate(struct splicing *splicing,
               bool (*visit)(void *context, const ProtobufCMessage *message), void *context)
{
    walk_node(splicing->where, visit, context);
    walk_nodes(splicing->from, splicing->from_count, visit, context);
    for (size_t i = 0; i < 2; i++) {
        if (splicing->with[i]) {
            walk(&splicing->with[i]->base, visit, context);
        }
    }
}

static bool
judge_predicate(struct splicing *splicing)
{
    struct calls calls = {.splicing = splicing, .goes_into_subqueries = true};

    walk_predicate(splicing, visit_call, &calls);
    splicing->splice->predicate = calls.names;
    return !calls.changing ||
           splice_refuse(splicing, calls.changing->location, "E-BATCH-VOLATILE",
                         "the condition calls a function that answers differently each time",
                         "decide first which rows are meant, in a column or a table of their own");
}

static bool
judge_outputs(struct splicing *splicing)
{
    struct calls calls = {.splicing = splicing};

    if (!splicing->select) {
        return true;
    }
    walk_nodes(splicing->select->target_list, splicing->select->n_target_list, visit_call, &calls);
    splicing->splice->outputs = calls.names;
    return !calls.grouping ||
           splice_refuse(
               splicing, calls.grouping->location, "E-BATCH-GROUP",
               "an aggregate or a window looks at more rows than those of one batch",
               "let the statement run as a whole, or write it so that it goes row by row");
}

/* ---- some of many rows -----------------------------------------------------------------------
 */

struct limits {
    const ProtobufCMessage *exists; /* the query of an EXISTS: whichever row it finds will do */
    bool is_found;
};

static bool
visit_limit(void *context, const ProtobufCMessage *message)
{
    struct limits *limits = context;

    if (WALK_IS(message, sub_link)) {
        const PgQuery__SubLink *link = (const void *)message;
        if (link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) {
            limits->exists = &link->subselect->select_stmt->base;
        }
    } else if (WALK_IS(message, select_stmt) && message != limits->exists) {
        const PgQuery__SelectStmt *select = (const void *)message;
        bool is_limited = select->limit_count || select->limit_offset;
        limits->is_found = limits->is_found || (is_limited && !select->n_sort_clause);
    }
    return !limits->is_found;
}

/* Which rows a LIMIT takes is open where no ORDER BY says it: each batch might see others. */
static bool
judge_limits(struct splicing *splicing)
{
    struct limits limits = {0};

    walk_predicate(splicing, visit_limit, &limits);
    return !limits.is_found ||
           splice_refuse(
               splicing, -1, "E-BATCH-LIMIT",
               "a query in it has LIMIT without ORDER BY: every batch might see other rows",
               "give it an ORDER BY over what is unique");
}

/* ---- clauses --------------------------------------------------------------------------------- */

static bool
judge_select(struct splicing *splicing)
{
    const PgQuery__SelectStmt *select = splicing->select;

    if (!select) {
        return true;
    }
    if (select->limit_count || select->limit_offset) {
        return splice_refuse(splicing, -1, "E-BATCH-LIMIT", "LIMIT would count anew in every batch",
                             "leave it out, or run the statement as a whole");
    }
    if (select->n_group_clause || select->having_clause || select->n_distinct_clause ||
        select->n_window_clause) {
        return splice_refuse(splicing, -1, "E-BATCH-GROUP",
                             "GROUP BY, HAVING, DISTINCT and WINDOW look at all rows together",
                             "let the statement run as a whole, or take them apart");
    }
    if (select->n_sort_clause) {
        return splice_refuse(splicing, -1, "E-BATCH-ORDER",
                             "ORDER BY: batches go in the order of their key",
                             "leave it out, or name a key with that order");
    }
    return !select->n_locking_clause ||
           splice_refuse(splicing, -1, "E-BATCH-LOCKING",
                         "FOR UPDATE and its kind hold rows only as long as one batch",
                         "leave it out");
}

static bool
has_returning(const struct splicing *splicing)
{
    return splicing->update   ? splicing->update->n_returning_list > 0
           : splicing->delete ? splicing->delete->n_returning_list > 0
                              : splicing->insert->n_returning_list > 0;
}

static bool
changes_rows(const PgQuery__Node *query)
{
    return query && query->node_case != NODE(SELECT_STMT);
}

static bool
judge_with(struct splicing *splicing)
{
    for (size_t i = 0; i < 2; i++) {
        const PgQuery__WithClause *with = splicing->with[i];
        for (size_t j = 0; with && j < with->n_ctes; j++) {
            const PgQuery__CommonTableExpr *cte = with->ctes[j]->common_table_expr;
            if (changes_rows(cte->ctequery)) {
                return splice_refuse(splicing, cte->location, "E-BATCH-CTE",
                                     "a WITH query that changes rows would do so in every batch",
                                     "make it a statement of its own");
            }
        }
    }
    return true;
}

static bool
judge_clauses(struct splicing *splicing)
{
    if (has_returning(splicing)) {
        return splice_refuse(splicing, -1, "E-BATCH-RETURNING",
                             "RETURNING: nobody reads what it returns", "leave it out");
    }
    if (splicing->relation->alias && splicing->relation->alias->n_colnames) {
        return splice_refuse(splicing, splicing->relation->location, "E-BATCH-COMPLEX",
                             "the columns are renamed, so the key would not be found",
                             "give the table an alias without a list of columns");
    }
    return judge_with(splicing) && judge_select(splicing);
}

/* ---- whether it reads what it changes -------------------------------------------------------- */

struct reads {
    struct splicing *splicing;
    const PgQuery__RangeVar *changed;
    const PgQuery__RangeVar *found;
};

static bool
is_same_table(const PgQuery__RangeVar *a, const PgQuery__RangeVar *b)
{
    bool has_schemas = a->schemaname && a->schemaname[0] && b->schemaname && b->schemaname[0];

    return strcmp(a->relname, b->relname) == 0 &&
           (!has_schemas || strcmp(a->schemaname, b->schemaname) == 0);
}

static bool
visit_table(void *context, const ProtobufCMessage *message)
{
    struct reads *reads = context;

    if (WALK_IS(message, range_var)) {
        const PgQuery__RangeVar *table = (const void *)message;
        if (table != reads->changed && is_same_table(table, reads->changed) &&
            !is_cte(reads->splicing, table)) {
            reads->found = table;
        }
    }
    return !reads->found;
}

static bool
judge_reading(struct splicing *splicing)
{
    struct reads reads = {.splicing = splicing, .changed = splicing->relation};

    if (splicing->wish->may_read_itself) {
        return true;
    }
    if (!splicing->insert) {
        walk_node(splicing->tree, visit_table, &reads);
    } else if (is_same_table(splicing->insert->relation, splicing->relation)) {
        reads.found = splicing->relation;
    }
    return !reads.found ||
           splice_refuse(splicing, reads.found->location, "E-BATCH-SELF",
                         "it reads the table that it changes: later batches would see what earlier "
                         "ones did",
                         "if that is harmless, say so: -- skein: batch self=allow");
}

/* ---- the key, as far as it is known here ----------------------------------------------------- */

static bool
holds_line(const char *list, const char *line, size_t size)
{
    for (const char *at = list; at && *at; at += strcspn(at, "\n"), at += *at == '\n') {
        if (strcspn(at, "\n") == size && memcmp(at, line, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool
judge_key(struct splicing *splicing)
{
    const char *key = splicing->wish->key;
    const struct sql_splice *splice = splicing->splice;

    if (!key) {
        return true;
    }
    if (strcmp(key, "ctid") == 0) {
        return (!splicing->insert && splice->excludes != EXCLUDES_NO) ||
               splice_refuse(
                   splicing, -1, "E-BATCH-CTID",
                   "by ctid only what leaves the rows alone that it has changed: a change "
                   "moves a row to another place",
                   "add a condition that a changed row does not meet (WHERE new_column IS "
                   "NULL), or name a unique key");
    }
    for (const char *at = key; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        if (holds_line(splice->changed, at, strcspn(at, "\n"))) {
            return splice_refuse(splicing, -1, "E-BATCH-KEY-CHANGED",
                                 "the statement changes the key that it is to go along",
                                 "name another key: -- skein: batch key=column");
        }
    }
    return true;
}

bool
splice_judge(struct splicing *splicing)
{
    if (!judge_clauses(splicing) || !judge_predicate(splicing) || !judge_outputs(splicing) ||
        !judge_reading(splicing) || !judge_limits(splicing)) {
        return false;
    }
    splice_note_changes(splicing);
    return judge_key(splicing);
}
