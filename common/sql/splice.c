#include "common/sql/splice.h"

#include <assert.h>
#include <pg_query.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/sql/deep_stack.h"
#include "common/sql/splice_private.h"
#include "common/sql/tree.h"
#include "common/sql/walk.h"

#define MARKER "skein_range_of_the_key"
#define MARKER_SCHEMA "skein_schema"
#define MARKER_TABLE "skein_table"
#define TOKEN(name) PG_QUERY__TOKEN__##name

bool
splice_refuse(struct splicing *splicing, int location, const char *code, const char *text,
              const char *hint)
{
    bool is_known = location >= 0 && (size_t)location < splicing->size;

    *splicing->place = is_known ? (size_t)location : 0;
    error_set(splicing->error, code, "%s", text);
    return error_hint(splicing->error, "%s", hint);
}

static bool
not_found(struct splicing *splicing)
{
    return splice_refuse(splicing, -1, "E-BATCH-COMPLEX",
                         "where the range of the key would go is not beyond doubt",
                         "write it plainly: UPDATE t SET … WHERE …, INSERT INTO t SELECT … FROM s "
                         "WHERE …, without brackets around");
}

/* ---- parsing --------------------------------------------------------------------------------- */

static void *
take(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
leave(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* The tree of a text that is one statement; null when it is anything else. */
static const PgQuery__Node *
parse(const char *text, struct arena *arena)
{
    ProtobufCAllocator allocator = {take, leave, arena};
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(text);
    PgQuery__ParseResult *tree = NULL;

    if (!result.error) {
        tree = pg_query__parse_result__unpack(&allocator, result.parse_tree.len,
                                              (const uint8_t *)result.parse_tree.data);
    }
    pg_query_free_protobuf_parse_result(result);
    return tree && tree->n_stmts == 1 ? tree->stmts[0]->stmt : NULL;
}

static bool
read_tokens(struct splicing *splicing)
{
    ProtobufCAllocator allocator = {take, leave, splicing->arena};
    PgQueryScanResult result = pg_query_scan(splicing->text);
    PgQuery__ScanResult *scan = NULL;

    if (!result.error) {
        scan = pg_query__scan_result__unpack(&allocator, result.pbuf.len,
                                             (const uint8_t *)result.pbuf.data);
    }
    pg_query_free_scan_result(result);
    if (!scan) {
        return false;
    }
    splicing->tokens = arena_alloc(splicing->arena, (scan->n_tokens + 1) * sizeof(void *));
    for (size_t i = 0; i < scan->n_tokens; i++) {
        PgQuery__Token token = scan->tokens[i]->token;
        if (token != TOKEN(SQL_COMMENT) && token != TOKEN(C_COMMENT)) {
            splicing->tokens[splicing->token_count++] = scan->tokens[i];
        }
    }
    return splicing->token_count > 0;
}

/* ---- places ---------------------------------------------------------------------------------- */

static int
step_of(PgQuery__Token token)
{
    switch (token) {
    case TOKEN(ASCII_40): /* ( */
    case TOKEN(ASCII_91): /* [ */
        return 1;
    case TOKEN(ASCII_41):
    case TOKEN(ASCII_93):
        return -1;
    default:
        return 0;
    }
}

/* The number of the token ON of the last ON CONFLICT outside all brackets; else of the end. */
static size_t
end_of_condition(const struct splicing *splicing)
{
    size_t end = splicing->token_count;
    int depth = 0;

    if (!splicing->insert || !splicing->insert->on_conflict_clause) {
        return end;
    }
    for (size_t i = 0; i + 1 < splicing->token_count; i++) {
        depth += step_of(splicing->tokens[i]->token);
        if (depth == 0 && splicing->tokens[i]->token == TOKEN(ON) &&
            splicing->tokens[i + 1]->token == TOKEN(CONFLICT)) {
            end = i;
        }
    }
    return end;
}

static bool
find_condition(struct splicing *splicing)
{
    struct seam *seam = &splicing->splice->seam;
    size_t end = end_of_condition(splicing);
    int depth = 0;

    seam->has_where = splicing->where != NULL;
    for (size_t i = 0; i < end && !seam->open; i++) {
        depth += step_of(splicing->tokens[i]->token);
        if (depth == 0 && splicing->tokens[i]->token == TOKEN(WHERE)) {
            seam->open = (uint64_t)splicing->tokens[i]->end;
        }
    }
    if (!end || seam->has_where != (seam->open != 0)) {
        return false;
    }
    seam->close = (uint64_t)splicing->tokens[end - 1]->end;
    return true;
}

static bool
is_token(const struct splicing *splicing, size_t i, PgQuery__Token token)
{
    return i < splicing->token_count && splicing->tokens[i]->token == token;
}

/* [ONLY] [(] name [. name …] [)] [*] */
static bool
find_table(struct splicing *splicing)
{
    struct seam *seam = &splicing->splice->seam;
    size_t first = 0;

    while (first < splicing->token_count &&
           splicing->tokens[first]->start != splicing->relation->location) {
        first++;
    }
    if (first == splicing->token_count) {
        return false;
    }
    size_t last = first;
    while (is_token(splicing, last + 1, TOKEN(ASCII_46))) {
        last += 2;
    }
    bool has_brackets = first > 1 && is_token(splicing, first - 1, TOKEN(ASCII_40)) &&
                        is_token(splicing, first - 2, TOKEN(ONLY));
    if (has_brackets) {
        first -= 2;
        last++;
    } else if (first && is_token(splicing, first - 1, TOKEN(ONLY))) {
        first--;
    }
    last += is_token(splicing, last + 1, TOKEN(ASCII_42));
    if (last >= splicing->token_count) {
        return false;
    }
    seam->table_begin = (uint64_t)splicing->tokens[first]->start;
    seam->table_end = (uint64_t)splicing->tokens[last]->end;
    return true;
}

/* ---- proof ----------------------------------------------------------------------------------- */

/* The parts of a tree that a batch changes. */
struct parts {
    PgQuery__Node **where;
    PgQuery__RangeVar *relation;
};

static bool
holds_relation(PgQuery__Node *node, const char *name, PgQuery__RangeVar **found)
{
    if (node && node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR &&
        strcmp(node->range_var->relname, name) == 0) {
        *found = node->range_var;
    } else if (node && node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
        return holds_relation(node->join_expr->larg, name, found) ||
               holds_relation(node->join_expr->rarg, name, found);
    }
    return *found != NULL;
}

static struct parts
parts_of(const PgQuery__Node *tree)
{
    struct parts parts = {0};

    if (tree->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT) {
        parts.where = &tree->update_stmt->where_clause;
        parts.relation = tree->update_stmt->relation;
    } else if (tree->node_case == PG_QUERY__NODE__NODE_DELETE_STMT) {
        parts.where = &tree->delete_stmt->where_clause;
        parts.relation = tree->delete_stmt->relation;
    } else if (tree->node_case == PG_QUERY__NODE__NODE_INSERT_STMT) {
        PgQuery__SelectStmt *select = tree->insert_stmt->select_stmt->select_stmt;
        parts.where = &select->where_clause;
        for (size_t i = 0; i < select->n_from_clause && !parts.relation; i++) {
            holds_relation(select->from_clause[i], MARKER_TABLE, &parts.relation);
        }
    }
    return parts;
}

static bool
is_marker(const PgQuery__Node *node)
{
    return node && node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
           node->column_ref->n_fields == 1 &&
           text_equal(tree_string(node->column_ref->fields[0]), MARKER);
}

/* Whether the new condition is the old one and the marker, and nothing else. */
static bool
is_old_and_marker(const PgQuery__Node *where, const PgQuery__Node *old)
{
    if (!old) {
        return is_marker(where);
    }
    if (!where || where->node_case != PG_QUERY__NODE__NODE_BOOL_EXPR ||
        where->bool_expr->boolop != PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
        return false;
    }
    const PgQuery__BoolExpr *both = where->bool_expr;
    if (both->n_args < 2 || !is_marker(both->args[both->n_args - 1])) {
        return false;
    }
    if (both->n_args == 2) {
        return walk_same(&both->args[0]->base, &old->base);
    }
    /* The grammar makes one list of (a AND b) AND c. */
    bool is_list = old->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
                   old->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR &&
                   old->bool_expr->n_args == both->n_args - 1;
    for (size_t i = 0; is_list && i < old->bool_expr->n_args; i++) {
        is_list = walk_same(&both->args[i]->base, &old->bool_expr->args[i]->base);
    }
    return is_list;
}

static bool
is_other_table(const struct splicing *splicing, const PgQuery__RangeVar *relation)
{
    bool had_alias = splicing->relation->alias != NULL;
    const char *alias =
        had_alias ? splicing->relation->alias->aliasname : splicing->relation->relname;

    return relation && !relation->inh && strcmp(relation->schemaname, MARKER_SCHEMA) == 0 &&
           strcmp(relation->relname, MARKER_TABLE) == 0 && relation->alias &&
           strcmp(relation->alias->aliasname, alias) == 0;
}

/*
 * Compose it with markers, let PostgreSQL's own grammar read that, and see that it is the statement
 * as it was, with one condition more and another table.
 */
static bool
is_proven(struct splicing *splicing)
{
    CLEANUP(text_release) struct text text = {0};
    struct seam_filling filling = {.range = MARKER,
                                   .table = "ONLY " MARKER_SCHEMA "." MARKER_TABLE};

    seam_compose(&splicing->splice->seam, splicing->text, splicing->size, &filling, &text);
    const PgQuery__Node *composed = parse(text_of(&text), splicing->arena);
    if (!composed || composed->node_case != splicing->tree->node_case) {
        return false;
    }
    struct parts parts = parts_of(composed);
    if (!parts.where || !is_old_and_marker(*parts.where, splicing->where) ||
        !is_other_table(splicing, parts.relation)) {
        return false;
    }
    *parts.where = splicing->where;
    *parts.relation = *splicing->relation;
    return walk_same(&composed->base, &splicing->tree->base);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static const char *
kept(struct arena *arena, const char *text)
{
    return text && text[0] ? arena_text(arena, text) : NULL;
}

static void
describe(struct splicing *splicing)
{
    const PgQuery__RangeVar *relation = splicing->relation;
    struct sql_splice *splice = splicing->splice;
    struct arena *arena = splicing->arena;

    splice->schema = kept(arena, relation->schemaname);
    splice->table = kept(arena, relation->relname);
    splice->is_only = !relation->inh;
    splice->is_insert = splicing->insert != NULL;
    splice->is_alone = !splicing->insert && !splicing->from_count && !splicing->with[0];
    splice->seam.has_alias = relation->alias != NULL;
    splice->seam.reference =
        tree_quoted(NULL, relation->alias ? relation->alias->aliasname : relation->relname, arena);
}

static void
look(void *context)
{
    struct splicing *splicing = context;

    splicing->tree = parse(splicing->text, splicing->arena);
    if (!splicing->tree || !read_tokens(splicing)) {
        not_found(splicing);
        return;
    }
    if (!splice_understand(splicing)) {
        return;
    }
    describe(splicing);
    if (!splice_judge(splicing)) {
        return;
    }
    splicing->succeeded = find_condition(splicing) && find_table(splicing) && is_proven(splicing);
    if (!splicing->succeeded) {
        not_found(splicing);
    }
}

bool
sql_splice(const char *statement, size_t size, const struct splice_wish *wish, struct arena *arena,
           struct sql_splice *splice, size_t *place, struct error *error)
{
    char *copy = arena_alloc(arena, size + 1);
    struct splicing splicing = {.text = copy,
                                .size = size,
                                .wish = wish,
                                .arena = arena,
                                .splice = splice,
                                .place = place,
                                .error = error};

    memcpy(copy, statement, size);
    *splice = (struct sql_splice){0};
    *place = 0;
    deep_stack_run(look, &splicing);
    return splicing.succeeded;
}
