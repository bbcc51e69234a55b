/*
 * Queries and expressions, wherever they stand: what they read, lock and call. Those that are run
 * also lock what is behind a view, the children of a table and its partitions; those that are only
 * analysed (CREATE VIEW, PREPARE) lock what is named in them.
 */
#include <string.h>

#include "common/sql/reading.h"

struct query {
    struct reading *reading;
    bool is_run;
};

/* ---- relations ------------------------------------------------------------------------------- */

static bool
is_cte(const struct reading *reading, const PgQuery__RangeVar *range)
{
    if (text_or_null(range->schemaname)) {
        return false;
    }
    for (const struct cte *cte = reading->ctes; cte; cte = cte->outer) {
        if (strcmp(cte->name, range->relname) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_system(const char *schema)
{
    return schema &&
           (strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0);
}

bool
name_is_system(const struct object_name *name)
{
    bool is_known = name->table != NULL;
    return is_system(name->schema) ||
           (!name->is_schema_written && !is_known && strncmp(name->name, "pg_", 3) == 0);
}

/* What a view stands for is locked as the view is, whoever reads through it. */
static void
lock_behind(struct reading *reading, const struct catalog_table *view, enum lock_mode mode)
{
    if (view->object != OBJECT_VIEW || reading->depth > 32) {
        return;
    }
    reading->depth++;
    for (const struct catalog_kin *kin = view->reads; kin; kin = kin->next) {
        struct object_name name = name_of_table(kin->table);
        reading_lock_family(reading, &name, kin->table->object, mode);
        lock_behind(reading, kin->table, mode);
    }
    reading->depth--;
}

void
lock_rows(struct reading *reading, const struct object_name *name, bool is_only, bool is_run,
          enum lock_mode mode)
{
    if (is_only || !is_run) {
        reading_lock(reading, name, OBJECT_RELATION, mode);
    } else {
        reading_lock_family(reading, name, OBJECT_RELATION, mode);
    }
    if (is_run && name->table) {
        lock_behind(reading, name->table, mode);
    }
}

static void
read_range(struct query *query, const PgQuery__RangeVar *range)
{
    struct reading *reading = query->reading;

    if (is_cte(reading, range)) {
        return;
    }
    struct object_name name = name_of_relation(reading, range);
    if (name_is_system(&name)) {
        return;
    }
    reading_effect(reading, EFFECT_READ, name.table ? name.table->object : OBJECT_RELATION, &name,
                   NULL);
    lock_rows(reading, &name, !range->inh, query->is_run, LOCK_ACCESS_SHARE);
}

/* ---- FOR UPDATE ------------------------------------------------------------------------------ */

/* Whether FOR UPDATE OF … names this table, by its alias if it has one; none named means all. */
static bool
is_locked(const PgQuery__LockingClause *clause, const PgQuery__RangeVar *range)
{
    const char *known_as = range->alias ? range->alias->aliasname : range->relname;

    for (size_t i = 0; i < clause->n_locked_rels; i++) {
        if (strcmp(clause->locked_rels[i]->range_var->relname, known_as) == 0) {
            return true;
        }
    }
    return clause->n_locked_rels == 0;
}

static void
lock_source(struct query *query, const PgQuery__LockingClause *clause, const PgQuery__Node *source)
{
    struct reading *reading = query->reading;

    if (!source) {
        return;
    }
    if (source->node_case == NODE(JOIN_EXPR)) {
        lock_source(query, clause, source->join_expr->larg);
        lock_source(query, clause, source->join_expr->rarg);
        return;
    }
    if (source->node_case != NODE(RANGE_VAR) || is_cte(reading, source->range_var) ||
        !is_locked(clause, source->range_var)) {
        return;
    }
    struct object_name name = name_of_relation(reading, source->range_var);
    reading_effect(reading, EFFECT_LOCK, name.table ? name.table->object : OBJECT_RELATION, &name,
                   NULL);
    lock_rows(reading, &name, !source->range_var->inh, query->is_run, LOCK_ROW_SHARE);
}

static void
read_locking(struct query *query, const PgQuery__SelectStmt *select)
{
    for (size_t i = 0; i < select->n_locking_clause; i++) {
        for (size_t source = 0; source < select->n_from_clause; source++) {
            lock_source(query, select->locking_clause[i]->locking_clause,
                        select->from_clause[source]);
        }
    }
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void
note_call(struct reading *reading, const char *schema, const char *name,
          enum sql_volatility volatility, int location)
{
    struct effects *effects = reading->effects;
    size_t count = effects->call_count;

    if (count == reading->call_room) {
        reading->call_room = count ? 2 * count : 4;
        struct sql_call *calls = arena_alloc(reading->arena, reading->call_room * sizeof *calls);
        if (count) {
            memcpy(calls, effects->calls, count * sizeof *calls);
        }
        effects->calls = calls;
    }
    effects->calls[effects->call_count++] =
        (struct sql_call){.schema = schema,
                          .name = name,
                          .volatility = volatility,
                          .offset = reading_offset(reading, location)};
}

/* nextval('s'), setval('s', 1): the sequence is locked as a table is that is written to. */
static void
use_sequence(struct query *query, const PgQuery__FuncCall *call)
{
    struct reading *reading = query->reading;
    const char *text = call->n_args ? tree_constant(call->args[0], reading->arena) : NULL;
    const char *dot = text ? strrchr(text, '.') : NULL;

    if (!text || strchr(text, '"')) {
        return;
    }
    const char *schema = dot ? arena_format(reading->arena, "%.*s", (int)(dot - text), text) : NULL;
    struct object_name name = name_of_parts(reading, schema, dot ? dot + 1 : text, call->location);
    reading_effect(reading, EFFECT_CALL, OBJECT_SEQUENCE, &name, NULL);
    if (query->is_run) {
        reading_lock(reading, &name, OBJECT_SEQUENCE, LOCK_ROW_EXCLUSIVE);
    }
}

static void
read_call(struct query *query, const PgQuery__FuncCall *call)
{
    struct reading *reading = query->reading;
    const char *name = tree_string(call->funcname[call->n_funcname - 1]);
    const char *schema = call->n_funcname > 1 ? tree_string(call->funcname[0]) : NULL;
    enum sql_volatility volatility;

    if (!name) {
        return;
    }
    bool is_builtin = function_is_builtin(schema, name, &volatility);
    if (volatility > VOLATILITY_CONSTANT) {
        note_call(reading, schema, name, volatility, call->location);
    }
    if (!is_builtin) {
        struct object_name function = {.schema = schema,
                                       .name = name,
                                       .is_schema_written = schema != NULL,
                                       .offset = reading_offset(reading, call->location)};
        reading_effect(reading, EFFECT_CALL, OBJECT_FUNCTION, &function, NULL);
        reading->effects->is_opaque |= query->is_run;
    } else if (strcmp(name, "nextval") == 0 || strcmp(name, "setval") == 0) {
        use_sequence(query, call);
    }
}

static void
read_value_function(struct reading *reading, const PgQuery__SQLValueFunction *value)
{
    static const char *const names[] = {"",
                                        "current_date",
                                        "current_time",
                                        "current_time",
                                        "current_timestamp",
                                        "current_timestamp",
                                        "localtime",
                                        "localtime",
                                        "localtimestamp",
                                        "localtimestamp",
                                        "current_role",
                                        "current_user",
                                        "user",
                                        "session_user",
                                        "current_catalog",
                                        "current_schema"};
    size_t op = (size_t)value->op;

    note_call(reading, NULL, op < sizeof names / sizeof *names ? names[op] : "", VOLATILITY_STABLE,
              value->location);
}

/* ---- going through --------------------------------------------------------------------------- */

static PgQuery__WithClause *
with_of(const ProtobufCMessage *message)
{
    if (WALK_IS(message, select_stmt)) {
        return ((const PgQuery__SelectStmt *)(const void *)message)->with_clause;
    }
    if (WALK_IS(message, insert_stmt)) {
        return ((const PgQuery__InsertStmt *)(const void *)message)->with_clause;
    }
    if (WALK_IS(message, update_stmt)) {
        return ((const PgQuery__UpdateStmt *)(const void *)message)->with_clause;
    }
    if (WALK_IS(message, delete_stmt)) {
        return ((const PgQuery__DeleteStmt *)(const void *)message)->with_clause;
    }
    if (WALK_IS(message, merge_stmt)) {
        return ((const PgQuery__MergeStmt *)(const void *)message)->with_clause;
    }
    return NULL;
}

/* Bring the names of WITH into scope for what is below. */
static void
enter(struct reading *reading, const PgQuery__WithClause *with)
{
    for (size_t i = 0; i < with->n_ctes; i++) {
        struct cte *cte = arena_alloc(reading->arena, sizeof *cte);
        cte->name = with->ctes[i]->common_table_expr->ctename;
        cte->outer = reading->ctes;
        reading->ctes = cte;
    }
}

static bool
look_at(struct query *query, const ProtobufCMessage *message)
{
    if (WALK_IS(message, range_var)) {
        read_range(query, (const void *)message);
        return false;
    }
    if (WALK_IS(message, into_clause) || WALK_IS(message, locking_clause) ||
        WALK_IS(message, a__const) || WALK_IS(message, column_ref) || WALK_IS(message, type_name)) {
        return false;
    }
    if (WALK_IS(message, func_call)) {
        read_call(query, (const void *)message);
    } else if (WALK_IS(message, sqlvalue_function)) {
        read_value_function(query->reading, (const void *)message);
    } else if (WALK_IS(message, select_stmt)) {
        read_locking(query, (const void *)message);
    }
    return true;
}

static bool
look(void *context, const ProtobufCMessage *message)
{
    struct query *query = context;
    struct reading *reading = query->reading;
    const struct cte *outer = reading->ctes;
    const PgQuery__WithClause *with = with_of(message);

    if (with) {
        enter(reading, with);
    }
    if (read_change(reading, message, query->is_run)) {
        reading->ctes = outer;
        return false;
    }
    bool goes_on = look_at(query, message);
    if (with && goes_on) { /* here, since the names are in scope for what is below alone */
        walk_below(message, look, query);
        goes_on = false;
    }
    reading->ctes = outer;
    return goes_on;
}

void
read_query(struct reading *reading, const PgQuery__Node *tree, bool is_run)
{
    struct query query = {.reading = reading, .is_run = is_run};

    walk_node(tree, look, &query);
}

void
read_below(struct reading *reading, const ProtobufCMessage *message, bool is_run)
{
    struct query query = {.reading = reading, .is_run = is_run};

    if (message) {
        walk_below(message, look, &query);
    }
}
