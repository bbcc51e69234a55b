/*
 * Reading the store back: what is open, at start; what has ended, when somebody asks for it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#include "coordinator/shell/store_private.h"

/* A statement: the columns of a kind of record, if any, and the rest of its SQL. */
struct query_text {
    bool has_columns;
    enum record_kind kind;
    const char *prefix, *rest;
};

#define RECORDS(KIND, prefix, rest)                                                                \
    {                                                                                              \
        true, RECORD_##KIND, prefix, rest                                                          \
    }
#define PLAIN(sql)                                                                                 \
    {                                                                                              \
        false, RECORD_KIND_COUNT, NULL, sql                                                        \
    }

/* leg_filter as SQL: 0 all, 1 failing, 2 open. */
#define LEG_FILTER                                                                                 \
    " WHERE run_id = ?1 AND (?2 = 0 OR (?2 = 1 AND state = 3) OR (?2 = 2 AND state < 2))"

_Static_assert(LEGS_ALL == 0 && LEGS_FAILING == 1 && LEGS_OPEN == 2, "LEG_FILTER says it in SQL");
_Static_assert(LEG_DONE == 2 && LEG_FAILED == 3, "LEG_FILTER says it in SQL");

static const struct query_text queries[QUERY_COUNT] = {
    [QUERY_BEGIN] = PLAIN("BEGIN IMMEDIATE"),
    [QUERY_COMMIT] = PLAIN("COMMIT"),
    [QUERY_ROLLBACK] = PLAIN("ROLLBACK"),
    [QUERY_NEXT_NUMBER] = PLAIN("SELECT ifnull(max(number), 0) + 1 FROM run"),
    [QUERY_RUN_BY_NUMBER] = RECORDS(RUN, "", "FROM run WHERE number = ?1"),
    [QUERY_RUN_BY_ID] = RECORDS(RUN, "", "FROM run WHERE run_id = ?1"),
    [QUERY_RUN_LAST] = RECORDS(RUN, "", "FROM run ORDER BY number DESC LIMIT 1"),
    [QUERY_RUNS] = RECORDS(RUN, "", "FROM run ORDER BY number DESC LIMIT ?1 OFFSET ?2"),
    [QUERY_RUN_COUNT] = PLAIN("SELECT count(*) FROM run"),
    [QUERY_LEGS] =
        RECORDS(LEG, "", "FROM leg" LEG_FILTER " ORDER BY ordinal, target_id LIMIT ?3 OFFSET ?4"),
    [QUERY_LEG_COUNT] = PLAIN("SELECT count(*) FROM leg" LEG_FILTER),
    [QUERY_STEPS] = RECORDS(STEP, "",
                            "FROM step WHERE run_id = ?1 AND (?2 IS NULL OR target_id = ?2)"
                            " ORDER BY sequence LIMIT ?3 OFFSET ?4"),
    [QUERY_STEP_COUNT] = PLAIN("SELECT count(*) FROM step"
                               " WHERE run_id = ?1 AND (?2 IS NULL OR target_id = ?2)"),
    [QUERY_STEP] = RECORDS(STEP, "", "FROM step WHERE step_id = ?1"),
    [QUERY_STEP_FAILED] = PLAIN("SELECT ifnull(max(attempt), 0) FROM step"
                                " WHERE run_id = ?1 AND target_id = ?2 AND state = 4"),
    [QUERY_TARGET] = RECORDS(TARGET, "", "FROM target WHERE target_id = ?1"),
    [QUERY_TARGET_NAMED] = PLAIN("SELECT target_id FROM target WHERE name = ?1"
                                 " ORDER BY is_gone LIMIT 1"),
    [QUERY_OPEN_AGENTS] = RECORDS(AGENT, "", "FROM agent"),
    [QUERY_OPEN_OPERATORS] = RECORDS(OPERATOR, "", "FROM operator"),
    [QUERY_OPEN_TARGETS] = RECORDS(TARGET, "", "FROM target"),
    [QUERY_OPEN_RUNS] = RECORDS(RUN, "", "FROM run WHERE state < 4 ORDER BY number"),
    [QUERY_OPEN_LEGS] = RECORDS(LEG, "leg.",
                                "FROM run CROSS JOIN leg ON leg.run_id = run.run_id"
                                " WHERE run.state < 4 ORDER BY run.number, leg.ordinal"),
    [QUERY_OPEN_STEPS] = RECORDS(STEP, "step.",
                                 "FROM run CROSS JOIN step ON step.run_id = run.run_id"
                                 " WHERE run.state < 4 ORDER BY run.number, step.sequence"),
    [QUERY_OPEN_LOADS] = RECORDS(LOAD, "load.",
                                 "FROM run CROSS JOIN load ON load.run_id = run.run_id"
                                 " WHERE run.state < 4"),
    [QUERY_PACES] = RECORDS(PACE, "", "FROM pace"),
    [QUERY_RUN_LEGS] = RECORDS(LEG, "", "FROM leg WHERE run_id = ?1 ORDER BY ordinal"),
    [QUERY_RUN_STEPS] = RECORDS(STEP, "", "FROM step WHERE run_id = ?1 ORDER BY sequence"),
    [QUERY_RUN_LOADS] = RECORDS(LOAD, "", "FROM load WHERE run_id = ?1"),
    [QUERY_BUNDLE] = PLAIN("SELECT size, received, is_complete FROM bundle WHERE digest = ?1"),
    [QUERY_BUNDLE_BEGIN] = PLAIN("INSERT INTO bundle VALUES (?1, NULL, ?2, 0, 0)"),
    [QUERY_BUNDLE_GROW] = PLAIN("UPDATE bundle SET received = ?2 WHERE digest = ?1"),
    [QUERY_BUNDLE_COMPLETE] =
        PLAIN("UPDATE bundle SET is_complete = 1, service = ?2 WHERE digest = ?1"),
    [QUERY_BUNDLE_DROP] = PLAIN("DELETE FROM bundle WHERE digest = ?1"),
    [QUERY_PIECE_ADD] = PLAIN("INSERT INTO piece (digest, offset, content) VALUES (?1, ?2, ?3)"),
    [QUERY_PIECE_DROP] = PLAIN("DELETE FROM piece WHERE digest = ?1"),
    [QUERY_PIECES] = PLAIN("SELECT content FROM piece WHERE digest = ?1 ORDER BY offset"),
};

sqlite3_stmt *
store_query(struct store *store, enum store_query query, struct error *error)
{
    const struct query_text *text = &queries[query];
    CLEANUP(text_release) struct text sql = {0};

    if (store->queries[query]) {
        return store->queries[query];
    }
    if (text->has_columns) {
        text_append(&sql, "SELECT ");
        store_selection(text->kind, text->prefix, store->has_macs, &sql);
        text_append(&sql, " ");
    }
    text_append(&sql, text->rest);
    int status = sqlite3_prepare_v3(store->database, sql.data, -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->queries[query], NULL);
    if (status != SQLITE_OK) {
        store_fail(store, status, "prepare a statement", error);
    }
    return store->queries[query];
}

/* ---- rows by the reader or by the page ------------------------------------------------------ */

/*
 * The row of a statement; *is_shown unless it cannot be read at all. A row that is not sound ends
 * the reading, or, in a store that is inspected, is a doubt.
 */
static bool
read_row(struct store *store, sqlite3_stmt *statement, enum record_kind kind, struct arena *arena,
         struct record *record, bool *is_shown, struct error *error)
{
    bool is_read = store_row(statement, 0, kind, arena, record, error);

    *is_shown = is_read || error_is(error, "E-STORE-TAMPERED");
    return is_read || store_tolerates(store, error);
}

/* Go through the rows of a bound statement. */
static bool
each_row(struct store *store, sqlite3_stmt *statement, enum record_kind kind,
         const struct store_reader *reader, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct record record;
    bool is_read = true, is_shown;
    int status;

    while (is_read && (status = sqlite3_step(statement)) == SQLITE_ROW) {
        is_read = read_row(store, statement, kind, &arena, &record, &is_shown, error);
        if (is_read && is_shown) {
            reader->take(reader->context, &record);
        }
        arena_clear(&arena);
    }
    if (is_read && status != SQLITE_DONE) {
        is_read = store_fail(store, status, "read the store", error);
    }
    sqlite3_reset(statement);
    return is_read;
}

/* Collect the rows of a bound statement, at most `limit`. */
static bool
collect(struct store *store, sqlite3_stmt *statement, enum record_kind kind, size_t limit,
        struct arena *arena, struct store_page *page, struct error *error)
{
    bool is_read = true, is_shown;
    int status = SQLITE_DONE;

    page->count = 0;
    page->records = arena_alloc(arena, limit * sizeof *page->records);
    while (is_read && page->count < limit && (status = sqlite3_step(statement)) == SQLITE_ROW) {
        is_read =
            read_row(store, statement, kind, arena, &page->records[page->count], &is_shown, error);
        page->count += is_shown;
    }
    if (is_read && status != SQLITE_DONE && status != SQLITE_ROW) {
        is_read = store_fail(store, status, "read the store", error);
    }
    sqlite3_reset(statement);
    return is_read;
}

/* The single number of a bound statement. */
static bool
one_number(struct store *store, sqlite3_stmt *statement, uint64_t *number, struct error *error)
{
    int status = sqlite3_step(statement);

    *number = status == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return status == SQLITE_ROW || store_fail(store, status, "read the store", error);
}

static void
bind_id(sqlite3_stmt *statement, int index, const struct id *id)
{
    if (id) {
        sqlite3_bind_blob(statement, index, id->bytes, sizeof id->bytes, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(statement, index);
    }
}

bool
store_next_number(struct store *store, uint64_t *number, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_NEXT_NUMBER, error);

    return statement && one_number(store, statement, number, error);
}

/* ---- what is open --------------------------------------------------------------------------- */

static const enum store_query open_queries[] = {
    QUERY_OPEN_AGENTS, QUERY_OPEN_OPERATORS, QUERY_OPEN_TARGETS, QUERY_OPEN_RUNS,
    QUERY_OPEN_LEGS,   QUERY_OPEN_STEPS,     QUERY_OPEN_LOADS,   QUERY_PACES};

static bool
load_open(struct store *store, size_t count, const struct store_reader *reader, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *statement = store_query(store, open_queries[i], error);
        if (!statement ||
            !each_row(store, statement, queries[open_queries[i]].kind, reader, error)) {
            return false;
        }
    }
    return true;
}

bool
store_load(struct store *store, const struct store_reader *reader, struct error *error)
{
    return load_open(store, sizeof open_queries / sizeof *open_queries, reader, error);
}

bool
store_load_parties(struct store *store, const struct store_reader *reader, struct error *error)
{
    return load_open(store, 2, reader, error);
}

bool
store_load_targets(struct store *store, const struct store_reader *reader, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_OPEN_TARGETS, error);

    return statement && each_row(store, statement, RECORD_TARGET, reader, error);
}

bool
store_load_run(struct store *store, const struct id *run_id, const struct store_reader *reader,
               struct error *error)
{
    static const enum store_query order[] = {QUERY_RUN_BY_ID, QUERY_RUN_LEGS, QUERY_RUN_STEPS,
                                             QUERY_RUN_LOADS};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        sqlite3_stmt *statement = store_query(store, order[i], error);
        if (!statement) {
            return false;
        }
        bind_id(statement, 1, run_id);
        if (!each_row(store, statement, queries[order[i]].kind, reader, error)) {
            return false;
        }
    }
    return true;
}

/* ---- one of a kind -------------------------------------------------------------------------- */

/* The one row of a bound statement; *is_found when there is one. */
static bool
one_record(struct store *store, sqlite3_stmt *statement, enum record_kind kind, struct arena *arena,
           struct record *record, bool *is_found, struct error *error)
{
    struct store_page page;

    if (!collect(store, statement, kind, 1, arena, &page, error)) {
        return false;
    }
    *is_found = page.count == 1;
    if (*is_found) {
        *record = page.records[0];
    }
    return true;
}

static bool
unknown_run(const char *name, struct error *error)
{
    error_set(error, "E-RUN-UNKNOWN", "there is no run %s", name ? name : "yet");
    return error_hint(error, "skein runs lists them");
}

bool
store_find_run(struct store *store, const char *name, struct arena *arena, struct record *record,
               struct error *error)
{
    enum store_query query = QUERY_RUN_LAST;
    int64_t number = 0;
    struct id run_id;
    bool is_found;

    if (name && text_to_number(name, 1, INT64_MAX, &number)) {
        query = QUERY_RUN_BY_NUMBER;
    } else if (name && id_parse(name, &run_id)) {
        query = QUERY_RUN_BY_ID;
    } else if (name && !text_equal(name, "last")) {
        return unknown_run(name, error);
    }
    sqlite3_stmt *statement = store_query(store, query, error);
    if (!statement) {
        return false;
    }
    if (query == QUERY_RUN_BY_NUMBER) {
        sqlite3_bind_int64(statement, 1, number);
    } else if (query == QUERY_RUN_BY_ID) {
        bind_id(statement, 1, &run_id);
    }
    return one_record(store, statement, RECORD_RUN, arena, record, &is_found, error) &&
           (is_found || unknown_run(name, error));
}

bool
store_find_target(struct store *store, const struct id *target_id, struct arena *arena,
                  struct record *record, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_TARGET, error);
    bool is_found;

    if (!statement) {
        return false;
    }
    bind_id(statement, 1, target_id);
    memset(record, 0, sizeof *record);
    return one_record(store, statement, RECORD_TARGET, arena, record, &is_found, error);
}

bool
store_find_target_named(struct store *store, const char *name, struct id *target_id,
                        struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_TARGET_NAMED, error);

    if (!statement) {
        return false;
    }
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int status = sqlite3_step(statement);
    bool is_found = status == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == sizeof *target_id;
    if (is_found) {
        memcpy(target_id, sqlite3_column_blob(statement, 0), sizeof *target_id);
    }
    sqlite3_reset(statement);
    if (status != SQLITE_ROW && status != SQLITE_DONE) {
        return store_fail(store, status, "read the store", error);
    }
    if (!is_found) {
        error_set(error, "E-TARGET-UNKNOWN", "there is no target %s", name);
        return error_hint(error, "skein targets lists them");
    }
    return true;
}

bool
store_find_step(struct store *store, const struct id *step_id, struct arena *arena,
                struct record *record, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_STEP, error);
    bool is_found;

    if (!statement) {
        return false;
    }
    bind_id(statement, 1, step_id);
    record->kind = RECORD_KIND_COUNT;
    return one_record(store, statement, RECORD_STEP, arena, record, &is_found, error);
}

bool
store_failed_attempt(struct store *store, const struct id *run_id, const struct id *target_id,
                     uint64_t *attempt, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_STEP_FAILED, error);

    if (!statement) {
        return false;
    }
    bind_id(statement, 1, run_id);
    bind_id(statement, 2, target_id);
    return one_number(store, statement, attempt, error);
}

/* ---- pages ---------------------------------------------------------------------------------- */

/* LIMIT and OFFSET; what is beyond SQLite's numbers is beyond the last row as well. */
static void
bind_page(sqlite3_stmt *statement, int index, size_t limit, uint64_t offset)
{
    sqlite3_bind_int64(statement, index, (sqlite3_int64)limit);
    sqlite3_bind_int64(statement, index + 1, offset > INT64_MAX ? INT64_MAX : (int64_t)offset);
}

bool
store_runs(struct store *store, uint64_t offset, size_t limit, struct arena *arena,
           struct store_page *page, struct error *error)
{
    sqlite3_stmt *count = store_query(store, QUERY_RUN_COUNT, error);
    sqlite3_stmt *rows = count ? store_query(store, QUERY_RUNS, error) : NULL;

    if (!rows || !one_number(store, count, &page->total, error)) {
        return false;
    }
    bind_page(rows, 1, limit, offset);
    return collect(store, rows, RECORD_RUN, limit, arena, page, error);
}

bool
store_legs(struct store *store, const struct id *run_id, enum leg_filter filter, uint64_t offset,
           size_t limit, struct arena *arena, struct store_page *page, struct error *error)
{
    sqlite3_stmt *count = store_query(store, QUERY_LEG_COUNT, error);
    sqlite3_stmt *rows = count ? store_query(store, QUERY_LEGS, error) : NULL;

    if (!rows) {
        return false;
    }
    bind_id(count, 1, run_id);
    sqlite3_bind_int(count, 2, (int)filter);
    bind_id(rows, 1, run_id);
    sqlite3_bind_int(rows, 2, (int)filter);
    bind_page(rows, 3, limit, offset);
    return one_number(store, count, &page->total, error) &&
           collect(store, rows, RECORD_LEG, limit, arena, page, error);
}

bool
store_steps(struct store *store, const struct id *run_id, const struct id *target_id,
            uint64_t offset, size_t limit, struct arena *arena, struct store_page *page,
            struct error *error)
{
    sqlite3_stmt *count = store_query(store, QUERY_STEP_COUNT, error);
    sqlite3_stmt *rows = count ? store_query(store, QUERY_STEPS, error) : NULL;

    if (!rows) {
        return false;
    }
    bind_id(count, 1, run_id);
    bind_id(count, 2, target_id);
    bind_id(rows, 1, run_id);
    bind_id(rows, 2, target_id);
    bind_page(rows, 3, limit, offset);
    return one_number(store, count, &page->total, error) &&
           collect(store, rows, RECORD_STEP, limit, arena, page, error);
}

/* ---- waves ---------------------------------------------------------------------------------- */

struct waves {
    struct wave_view *items;
    size_t count, capacity;
};

static void
count_leg(void *context, const struct record *record)
{
    const struct leg_record *leg = &record->leg;
    struct waves *waves = context;

    if (leg->wave == 0 || leg->wave > UINT16_MAX) {
        return;
    }
    while (waves->count < leg->wave) {
        waves->items = mem_grow(waves->items, waves->count, &waves->capacity, sizeof *waves->items);
        waves->items[waves->count++] = (struct wave_view){0};
    }
    struct wave_view *wave = &waves->items[leg->wave - 1];
    wave->target_count++;
    wave->done_count += leg->state == LEG_DONE;
    wave->failed_count += leg->state == LEG_FAILED;
    wave->running_count += leg->state == LEG_RUNNING;
    wave->step_count += leg->step_count;
    wave->step_done_count += leg->done_count;
}

bool
store_waves(struct store *store, const struct id *run_id, struct arena *arena,
            struct wave_view **waves_p, size_t *wave_count, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, QUERY_RUN_LEGS, error);
    struct waves waves = {0};
    const struct store_reader reader = {count_leg, &waves};

    if (!statement) {
        return false;
    }
    bind_id(statement, 1, run_id);
    bool is_read = each_row(store, statement, RECORD_LEG, &reader, error);
    *waves_p = arena_copy(arena, waves.items, waves.count * sizeof *waves.items);
    *wave_count = waves.count;
    free(waves.items);
    return is_read;
}
