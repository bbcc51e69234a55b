#include "agent/execute/batch_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/mem.h"
#include "agent/execute/batch_fault.h"
#include "agent/execute/batch_progress.h"
#include "agent/execute/batch_range.h"
#include "agent/execute/transaction.h"

#define HOLD_MS 500 /* between two looks while others want it to hold */

/* One batch on its way. */
struct one_batch {
    const struct batch_leaf *leaf;
    struct batch_range range;
    struct arena arena;
    uint64_t rows;       /* changed */
    uint64_t rows_until; /* what the server had counted of changes to the leaf before */
    bool is_last;        /* of its leaf */
    int64_t began_us;
    uint64_t worked_us; /* in the statement: what it costs, without waiting for the disk */
};

/* ---- the first round trip: how far it goes, and the transaction -------------------------------
 */

/* Keys as text that means the same tomorrow, and everything that there is of a number. */
static const char exact_formats[] =
    ", set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true)"
    ", set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true)";

static void
append_question(const struct batch_run *run, struct text *sql)
{
    text_append(sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SELECT 1");
    try_append_settings(run->try, true, sql);
    text_append(sql, exact_formats);
    text_append(sql, ";");
}

enum opening_answer { OPENING_BOUNDARY = 2, OPENING_ANSWERS = 4 };

/* How many rows of the leaf this backend has changed or moved away: the server counts them. */
static void
append_count(const struct batch_leaf *leaf, struct text *sql)
{
    text_format(sql,
                "pg_stat_get_xact_tuples_updated(%" PRIu64
                ") + pg_stat_get_xact_tuples_deleted(%" PRIu64 ")",
                leaf->oid, leaf->oid);
}

#define COLUMN_COUNT 5 /* behind the checks' own */

/* Behind the question of how far it goes, when there is one. */
static void
append_opening(const struct batch_run *run, const struct batch_leaf *leaf, struct text *sql)
{
    const struct fence *fence = &run->try->order->fence;
    char instance[ID_TEXT_SIZE];

    text_format(sql,
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
                "SELECT 1 FROM skein.fence WHERE epoch = %" PRIu64
                " AND instance = '%s' FOR SHARE;",
                fence->epoch, id_text(&fence->instance, instance));
    transaction_append_checks(sql);
    if (leaf->may_change_more) {
        text_append(sql, ", ");
        append_count(leaf, sql);
    }
    try_append_settings(run->try, true, sql);
}

static bool
check_opening(struct batch_run *run, struct one_batch *one, size_t begin, enum try_end *end)
{
    struct step_try *try = run->try;
    struct connection *connection = try->sitting->connection;

    if (connection_row_count(connection, begin + 1) == 0) {
        *end = TRY_STALE; /* fenced, perhaps: the next try begins as all do, and says so */
        return false;
    }
    if (connection_cell(connection, begin + 2, 0, 1)[0] != 'f' ||
        connection_cell(connection, begin + 2, 0, 2)[0] != 't') {
        error_set(&try->error, "E-DB-LOST", "the session is not the one that it was");
        *end = TRY_LOST;
        return false;
    }
    snprintf(try->xid, sizeof try->xid, "%s", connection_cell(connection, begin + 2, 0, 3));
    if (one->leaf->may_change_more) {
        one->rows_until = connection_number(connection, begin + 2, 0, COLUMN_COUNT);
    }
    return true;
}

/* Where a batch by ctid ends is not asked, but counted. */
static void
count_blocks(struct batch_run *run, struct one_batch *one)
{
    const struct batch_point *from = &one->range.from, *end = &run->position.end;
    uint64_t first = from->count ? strtoull(from->values[0], NULL, 10) : 0;
    uint64_t last = strtoull(end->values[0], NULL, 10);
    uint64_t next = first + pace_size(&run->pace);

    one->is_last = next >= last;
    one->range.to.count = 1;
    one->range.to.values[0] = arena_format(&one->arena, "%" PRIu64, one->is_last ? last : next);
}

static void
take_boundary(struct batch_run *run, struct one_batch *one)
{
    const struct connection *connection = run->try->sitting->connection;

    if (!batch_range_read(connection, OPENING_BOUNDARY, &one->arena, &one->range.to)) {
        one->range.to = run->position.end;
    }
    one->is_last = batch_point_equal(&one->range.to, &run->position.end);
}

static enum batch_end
open_batch(struct batch_run *run, struct one_batch *one, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = run->try->sitting->connection;
    struct patience patience = try_patience(run->try, NULL);
    size_t begin = 0;

    one->range.to = run->position.end;
    if (one->range.is_by_ctid) {
        count_blocks(run, one);
    } else {
        append_question(run, &sql);
        batch_range_ask_next(connection, &one->range, pace_size(&run->pace), &sql);
        text_append(&sql, "COMMIT;");
        begin = OPENING_ANSWERS;
    }
    append_opening(run, one->leaf, &sql);
    patience.look_after_ms = 0;
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return batch_failed(run, NULL, end);
    }
    if (!check_opening(run, one, begin, end)) {
        return BATCH_STOP;
    }
    if (!one->range.is_by_ctid) {
        take_boundary(run, one);
    }
    return BATCH_DONE;
}

/* ---- the second: the statement --------------------------------------------------------------- */

static enum try_end
would_repeat(struct batch_run *run, bool is_by_ctid)
{
    enum try_end end =
        is_by_ctid ? batch_run_fail(run, "E-BATCH-CTID",
                                    "a changed row still meets the condition: it would be changed "
                                    "again; rolled back")
                   : batch_run_fail(run, "E-BATCH-KEY-MOVED",
                                    "a trigger has moved the key of a changed row: it would be "
                                    "changed again; rolled back");

    error_hint(&run->try->error, "%s",
               is_by_ctid ? "name a unique key: -- skein: batch key=column"
                          : "name a key that no trigger changes, or let the statement run as a "
                            "whole");
    return end;
}

static enum batch_end
run_checked(struct batch_run *run, struct one_batch *one, const struct batch_text *text,
            const struct patience *patience, enum try_end *end)
{
    struct connection *connection = run->try->sitting->connection;
    int64_t number = 0;

    if (!connection_run(connection, text_of(&text->sql), patience)) {
        return batch_failed(run, text, end);
    }
    if (text_to_number(connection_cell(connection, 0, 0, 0), 0, INT64_MAX, &number)) {
        one->rows = (uint64_t)number;
    }
    if (strcmp(connection_cell(connection, 0, 0, 1), "0") != 0) {
        *end = would_repeat(run, one->range.is_by_ctid);
        return BATCH_STOP;
    }
    return BATCH_DONE;
}

static enum batch_end
change_rows(struct batch_run *run, struct one_batch *one, enum try_end *end)
{
    CLEANUP(batch_text_release) struct batch_text text;
    struct connection *connection = run->try->sitting->connection;
    struct patience patience = try_patience(run->try, "execute.batch-sent");
    int64_t deadline_ms = clock_now_ms() + (int64_t)pace_patience_ms(&run->pace);
    struct command_end done;

    if (!patience.deadline_ms || deadline_ms < patience.deadline_ms) {
        patience.deadline_ms = deadline_ms;
    }
    throttle_watch(&run->throttle, &patience);
    batch_text_compose(run, &one->range, &text);
    FAILPOINT("execute.before-batch");
    if (text.is_checked) {
        return run_checked(run, one, &text, &patience, end);
    }
    if (!connection_command(connection, text_of(&text.sql), &patience, &done)) {
        return batch_failed(run, &text, end);
    }
    one->rows = done.rows;
    return BATCH_DONE;
}

/* ---- the third: the cursor, and COMMIT --------------------------------------------------------
 */

enum closing_answer { CLOSING_CONSTRAINTS, CLOSING_CHECK = 2, CLOSING_COMMIT = 4 };

/* Where the statement will stand when the batch is committed. */
static struct batch_position
position_behind(const struct batch_run *run, const struct one_batch *one)
{
    struct batch_position next = run->position;

    next.rows += one->rows;
    next.passed += one->is_last ? 0 : pace_size(&run->pace);
    next.batches++;
    next.at = one->range.to;
    next.size = pace_size(&run->pace);
    return next;
}

/* Rows that no batch has changed yet, or that one has: the next ones would meet them so. */
static enum try_end
changed_more(struct batch_run *run)
{
    enum try_end end = batch_run_fail(
        run, "E-BATCH-TRIGGER",
        "a trigger has changed further rows of the table: in batches that is not the "
        "same as in one statement; rolled back");

    error_hint(&run->try->error, "if that is harmless, say so: -- skein: batch self=allow; or let "
                                 "the statement run as a whole");
    return end;
}

static enum batch_end
commit_failed(struct batch_run *run, enum try_end *end)
{
    struct step_try *try = run->try;
    struct connection *connection = try->sitting->connection;
    struct sql_error fact = *connection_error(connection);
    size_t answered = connection_answer_count(connection);

    if (fact.is_lost) {
        try->is_in_doubt = true;
        *end = try_query_failed(try, "cannot commit the batch");
        return BATCH_STOP;
    }
    if (answered == CLOSING_CHECK && strstr(fact.message, "skein:more")) {
        *end = changed_more(run);
        return BATCH_STOP;
    }
    if (strcmp(fact.sqlstate, "23505") == 0 && answered > CLOSING_CONSTRAINTS &&
        answered < CLOSING_COMMIT) {
        *end = TRY_STALE; /* somebody has written to the journal: read it again */
        return BATCH_STOP;
    }
    if (answered == CLOSING_CONSTRAINTS || answered == CLOSING_COMMIT) {
        return batch_failed(run, NULL, end);
    }
    *end = try_query_failed(try, "cannot commit the batch");
    return BATCH_STOP;
}

/*
 * The cursor is lost with its rows, so a batch need not be on disk before the next begins: whoever
 * ends the statement commits behind all of them, and waits. Not where standbys are waited for:
 * there nothing that was seen is to be lost by a failover.
 */
static const char without_waiting[] =
    ", CASE current_setting('synchronous_standby_names')"
    " WHEN '' THEN set_config('synchronous_commit', 'off', true) END";

/* What must hold, or the statement fails and with it the COMMIT behind it. */
static void
append_unharmed(const struct batch_run *run, const struct one_batch *one, struct text *sql)
{
    transaction_append_cases(run->try, sql);
    if (one->leaf->may_change_more) {
        text_append(sql, " WHEN ");
        append_count(one->leaf, sql);
        text_format(sql, " > %" PRIu64 " THEN 'skein:more'", one->rows_until + one->rows);
    }
    text_append(sql, " ELSE '1' END AS integer)");
    text_append(sql, throttle_is_alone(&run->throttle) ? without_waiting : "");
    text_append(sql, ";");
}

static enum batch_end
commit_batch(struct batch_run *run, const struct one_batch *one, const struct batch_position *next,
             enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0}, cursor = {0};
    struct sitting *sitting = run->try->sitting;
    struct connection *connection = sitting->connection;
    struct patience patience = {.heeds_interrupt = true, .failpoint = "execute.batch-commit-sent"};
    struct journal_row row = journal_row_of(run->try->order);

    batch_position_write(next, &cursor);
    row.state = JOURNAL_INTENT;
    row.statement = next->statement;
    row.cursor = text_of(&cursor);
    text_append(&sql, "SET CONSTRAINTS ALL IMMEDIATE; RESET ROLE;");
    append_unharmed(run, one, &sql);
    journal_insert(sitting, &row, &sql);
    text_append(&sql, "COMMIT");
    FAILPOINT("execute.after-batch");
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return commit_failed(run, end);
    }
    FAILPOINT("execute.after-batch-commit");
    if (strcmp(connection_tag(connection, CLOSING_COMMIT), "COMMIT") != 0) {
        *end = batch_run_fail(run, "E-SQL-ABORTED",
                              "the server rolled the transaction back at its end");
        return BATCH_STOP;
    }
    sitting_advance_by_batch(sitting, row.hash);
    return BATCH_DONE;
}

/* ---- one batch ------------------------------------------------------------------------------- */

void
batch_run_move(struct batch_run *run, const struct batch_position *position)
{
    unsigned other = 1 - run->position_turn;
    struct batch_position copy;

    arena_clear(&run->position_arenas[other]);
    batch_position_copy(position, &run->position_arenas[other], &copy);
    run->position = copy;
    run->position_turn = other;
}

static enum batch_end
try_batch(struct batch_run *run, struct one_batch *one, enum try_end *end)
{
    enum batch_end batch_end = open_batch(run, one, end);

    if (batch_end == BATCH_DONE) {
        int64_t sent_us = clock_now_us();
        batch_end = change_rows(run, one, end);
        one->worked_us = (uint64_t)(clock_now_us() - sent_us);
    }
    if (batch_end != BATCH_DONE) {
        return batch_end;
    }
    struct batch_position next = position_behind(run, one);
    int64_t commit_us = clock_now_us();
    batch_end = commit_batch(run, one, &next, end);
    if (batch_end != BATCH_DONE) {
        return batch_end;
    }
    run->took_us = (uint64_t)(clock_now_us() - one->began_us);
    throttle_committed(&run->throttle, (uint64_t)(clock_now_us() - commit_us));
    batch_reckon(run, next.passed - run->position.passed);
    batch_run_move(run, &next);
    run->progress_ms = clock_now_ms();
    backoff_reset(&run->conflicts);
    /* What the commit costs is the same for few rows: fewer would not make it less. */
    pace_done(&run->pace, one->worked_us, one->is_last);
    if (run->throttle.is_waited_for) {
        pace_crowded(&run->pace);
    }
    return BATCH_DONE;
}

/* False when asked to stop, or to pause, which is heeded here alone. */
static bool
sleep_unless_stopped(struct sitting *sitting, uint64_t ms)
{
    int64_t end_ms = clock_now_ms() + (int64_t)ms;

    for (int64_t left_ms = (int64_t)ms; left_ms > 0; left_ms = end_ms - clock_now_ms()) {
        if (atomic_load(&sitting->wants_pause) ||
            !interrupt_sleep(sitting->interrupt, left_ms < HOLD_MS ? left_ms : HOLD_MS)) {
            return false;
        }
    }
    return !atomic_load(&sitting->wants_pause) && !interrupt_is_raised(sitting->interrupt);
}

/* Rest behind the last batch, and then as long as the load wants it. False when asked to stop. */
static bool
wait_for_others(struct batch_run *run, const struct batch_leaf *leaf)
{
    struct sitting *sitting = run->try->sitting;
    uint64_t pause_ms = run->took_us ? throttle_pause_ms(&run->throttle, run->took_us) : 0;

    if (!sleep_unless_stopped(sitting, pause_ms)) {
        return false;
    }
    while (throttle_look(&run->throttle, leaf->oid) == THROTTLE_HOLD && !batch_is_late(run->try)) {
        batch_tell(run, leaf);
        if (!sleep_unless_stopped(sitting, HOLD_MS)) {
            return false;
        }
        run->progress_ms = clock_now_ms();
    }
    pace_set_time(&run->pace, 1000 * throttle_time_ms(&run->throttle));
    batch_tell(run, leaf);
    return true;
}

/* Between two batches. False when it goes no further. */
static bool
rest(struct batch_run *run, const struct batch_leaf *leaf, enum try_end *end)
{
    struct step_try *try = run->try;

    if (!wait_for_others(run, leaf)) {
        *end = TRY_CANCELLED;
        return false;
    }
    if (!try->sitting->connection) {
        *end = TRY_LOST;
        return false;
    }
    if (batch_is_late(try)) {
        *end = batch_run_fail(run, "E-SQL-TIMEOUT", "the script took longer than its time-out");
        error_hint(&try->error, "apply it again: it goes on where it stopped");
        try->is_retryable = true;
        return false;
    }
    return true;
}

static bool
run_leaf(struct batch_run *run, const struct batch_leaf *leaf, enum try_end *end)
{
    while (!batch_point_equal(&run->position.at, &run->position.end)) {
        if (!rest(run, leaf, end)) {
            return false;
        }
        struct one_batch one = {
            .leaf = leaf,
            .range = {.leaf = leaf, .is_by_ctid = run->table.is_by_ctid, .from = run->position.at},
            .began_us = clock_now_us()};
        enum batch_end batch_end = try_batch(run, &one, end);
        arena_release(&one.arena);
        if (batch_end == BATCH_STOP) {
            return false;
        }
        if (!run->try->sitting->connection || !run->try->sitting->has_lock) {
            *end = TRY_LOST;
            return false;
        }
    }
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* A leaf that was not begun: find its last key. What comes behind it later is not meant. */
static bool
begin_leaf(struct batch_run *run, const struct batch_leaf *leaf, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    CLEANUP(arena_release) struct arena arena = {0};
    struct connection *connection = run->try->sitting->connection;
    struct patience patience = try_patience(run->try, NULL);
    struct batch_position next = run->position;

    append_question(run, &sql);
    batch_range_ask_end(leaf, run->table.is_by_ctid, &sql);
    text_append(&sql, "COMMIT");
    patience.look_after_ms = 0;
    if (!connection_run(connection, text_of(&sql), &patience)) {
        *end = batch_statement_failed(run, NULL);
        return false;
    }
    next.schema = leaf->schema;
    next.name = leaf->name;
    next.passed = 0;
    next.at = (struct batch_point){0};
    batch_range_read(connection, OPENING_BOUNDARY, &arena, &next.end);
    batch_run_move(run, &next);
    return true;
}

bool
batch_run(struct batch_run *run, enum try_end *end)
{
    const struct batch_position *position = &run->position;
    size_t first =
        position->name ? batch_table_find(&run->table, position->schema, position->name) : 0;

    for (size_t i = first; i < run->table.leaf_count; i++) {
        const struct batch_leaf *leaf = &run->table.leaves[i];
        bool is_begun =
            text_equal(position->schema, leaf->schema) && text_equal(position->name, leaf->name);
        if (!is_begun && !begin_leaf(run, leaf, end)) {
            return false;
        }
        if (!run_leaf(run, leaf, end)) {
            return false;
        }
    }
    return true;
}
