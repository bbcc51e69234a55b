#include "agent/execute/batch.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "agent/execute/batch_range.h"
#include "agent/execute/batch_run.h"
#include "agent/execute/concurrently.h"
#include "agent/execute/mirror.h"

#define PASSES_MAX 3 /* rows that come up meanwhile are gone after so often */

/* Blocks instead of rows: so many, when the server does not say. */
#define ROWS_OF_BLOCK 50

bool
batch_is_script(const struct script *script)
{
    return script->batch_count > 0;
}

/* ---- where the last one stopped ----------------------------------------------------------------
 */

/*
 * The last cursor of this migration and direction, whichever step has written it, unless it was
 * brought to its end since.
 */
static bool
ask_position(struct step_try *try, struct text *sql)
{
    struct sitting *sitting = try->sitting;
    struct journal_row row = journal_row_of(try->order);
    struct patience patience = sitting_patience();

    text_append(sql, "SELECT j.cursor FROM skein.journal j"
                     " WHERE j.version = ");
    connection_literal(sitting->connection, sql, row.version);
    text_format(sql,
                " AND j.direction = '%s' AND j.state = 'intent' AND j.cursor LIKE 'batch %%'"
                " AND NOT EXISTS (SELECT FROM skein.journal d WHERE d.version = j.version"
                " AND d.state = 'done' AND d.number > j.number) ORDER BY j.number DESC LIMIT 1",
                row.direction == DIRECTION_UP ? "up" : "down");
    return connection_run(sitting->connection, text_of(sql), &patience);
}

static enum try_end
was_changed(struct step_try *try)
{
    try_fail(try, "E-BATCH-CHANGED",
             "the file was changed after a part of its rows had been changed by it");
    error_where(&try->error, "%s", try->script->path);
    error_hint(&try->error,
               "restore the file; or say in it what is meant: -- skein: batch on_change=continue, "
               "on_change=restart");
    return TRY_FAILED;
}

static enum batch_change
wanted_on_change(const struct script *script)
{
    enum batch_change wanted = CHANGE_REFUSE;

    for (size_t i = 0; i < script->batch_count; i++) {
        wanted = script->batches[i].on_change > wanted ? script->batches[i].on_change : wanted;
    }
    return wanted;
}

/* *position is all zeros when nothing was begun. */
static bool
find_position(struct step_try *try, struct arena *arena, struct batch_position *position,
              enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = try->sitting->connection;
    char file[BATCH_FILE_SIZE];

    *position = (struct batch_position){0};
    if (!ask_position(try, &sql)) {
        *end = try_query_failed(try, "cannot read how far it has come");
        return false;
    }
    if (connection_row_count(connection, 0) == 0) {
        return true;
    }
    if (!batch_position_read(connection_cell(connection, 0, 0, 0), arena, position)) {
        *end = try_fail(try, "E-HIST-SHAPE", "the journal holds a cursor that is none");
        return false;
    }
    batch_position_name_file(try->script, file);
    enum batch_change wanted = wanted_on_change(try->script);
    if (strcmp(file, position->file) != 0 && wanted == CHANGE_REFUSE) {
        *end = was_changed(try);
        return false;
    }
    if (strcmp(file, position->file) != 0 && wanted == CHANGE_RESTART) {
        *position = (struct batch_position){0};
    }
    memcpy(position->file, file, sizeof file);
    return true;
}

/* ---- one statement ----------------------------------------------------------------------------
 */

static void
begin_pace(struct batch_run *run)
{
    const struct batch_pace *wish = &run->batch->pace;
    uint64_t budget_us = 1000 * (wish->time_ms ? wish->time_ms : BATCH_TIME_MS);
    uint64_t min = wish->rows_min, max = wish->rows_max ? wish->rows_max : BATCH_ROWS_MAX;
    uint64_t first = run->position.size;

    if (run->table.is_by_ctid) {
        uint64_t rows = run->table.blocks ? run->table.rows / run->table.blocks : 0;
        rows = rows ? rows : ROWS_OF_BLOCK;
        min = min / rows + 1;
        max = max / rows + 1;
        first = first ? first : PACE_FIRST / rows + 1;
    }
    pace_begin(&run->pace, budget_us, min, max, first);
}

static enum try_end
look_failed(struct batch_run *run)
{
    struct step_try *try = run->try;

    if (!try->sitting->connection || sitting_is_transient(&try->error)) {
        return TRY_LOST;
    }
    if (!try->error.where[0] || text_starts_with(try->error.code, "E-BATCH-")) {
        error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, try->script->path, run->statement->line,
                    run->statement->column);
    }
    return TRY_FAILED;
}

/* From now on this step has the cursor, under its own fence. */
static bool
take_cursor(struct batch_run *run, enum try_end *end)
{
    CLEANUP(text_release) struct text cursor = {0};

    batch_position_write(&run->position, &cursor);
    return concurrently_write_intent(run->try, text_of(&cursor), end);
}

/* How many rows the condition still finds. False when it could not be asked. */
static bool
count_left(struct batch_run *run, bool *is_known, uint64_t *left, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct step_try *try = run->try;
    struct patience patience = try_patience(try, NULL);
    int64_t number = 0;

    *is_known = false;
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SELECT 1");
    try_append_settings(try, true, &sql);
    text_append(&sql, ";");
    if (!batch_range_ask_left(run, &sql)) {
        return true;
    }
    text_append(&sql, "; COMMIT");
    if (!connection_run(try->sitting->connection, text_of(&sql), &patience)) {
        *end = try_statement_failed(try, try->script, run->statement);
        return false;
    }
    *is_known =
        text_to_number(connection_cell(try->sitting->connection, 2, 0, 0), 0, INT64_MAX, &number);
    *left = (uint64_t)number;
    return true;
}

/* Rows that came up behind us are gone after, too; true in *again when there is such a pass. */
static bool
look_for_left(struct batch_run *run, bool *again, enum try_end *end)
{
    uint64_t left = 0;
    bool is_known;

    *again = false;
    if (!count_left(run, &is_known, &left, end)) {
        return false;
    }
    if (!is_known || left == 0) {
        return true;
    }
    if (run->batch->excludes != EXCLUDES_YES) {
        log_info("target %s, %s: %" PRIu64 " rows still meet the condition",
                 run->try->sitting->config.name, run->try->script->path, left);
        return true;
    }
    if (run->position.pass < PASSES_MAX) {
        struct batch_position next = {.statement = run->position.statement,
                                      .pass = run->position.pass + 1,
                                      .rows = run->position.rows,
                                      .batches = run->position.batches,
                                      .size = run->position.size};
        memcpy(next.file, run->position.file, sizeof next.file);
        batch_run_move(run, &next);
        *again = true;
        return true;
    }
    *end = batch_run_fail(run, "E-BATCH-LEFT", "rows still meet the condition");
    error_found(&run->try->error, "%" PRIu64 " rows", left);
    error_hint(&run->try->error, "who writes such rows must stop doing so first");
    run->try->is_retryable = true;
    return false;
}

static bool
check_end(struct batch_run *run, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct step_try *try = run->try;
    struct connection *connection = try->sitting->connection;
    struct patience patience = try_patience(try, NULL);
    struct command_end done;

    if (!run->batch->check) {
        return true;
    }
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SELECT 1");
    try_append_settings(try, true, &sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        *end = try_query_failed(try, "cannot begin to check");
        return false;
    }
    if (!connection_command(connection, run->batch->check, &patience, &done)) {
        *end = try_statement_failed(try, try->script, run->statement);
        return false;
    }
    try_roll_back(try);
    if (done.is_false) {
        *end = batch_run_fail(run, "E-BATCH-CHECK",
                              "all rows were gone through, and the check is "
                              "false");
        error_found(&try->error, "%.200s", run->batch->check);
        error_hint(&try->error, "repair what it finds, and apply the migration again");
        return false;
    }
    return true;
}

static bool
run_to_end(struct batch_run *run, enum try_end *end)
{
    bool again = true;

    while (again) {
        if (!batch_run(run, end) || !look_for_left(run, &again, end)) {
            return false;
        }
    }
    if (!check_end(run, end)) {
        return false;
    }
    struct batch_position over = run->position;
    over.is_over = true;
    over.at = over.end = (struct batch_point){0};
    batch_run_move(run, &over);
    return run->try->statement == run->try->script->statement_count || take_cursor(run, end);
}

static void
note(struct batch_run *run, int64_t began_us)
{
    struct command_end done = {.tag = "", .rows = run->position.rows};

    try_note_statement(run->try, run->statement, &done, clock_now_us() - began_us);
}

static bool
run_statement(struct batch_run *run, const struct batch_position *found, enum try_end *end)
{
    struct step_try *try = run->try;
    int64_t began_us = clock_now_us();

    run->statement = &try->script->statements[try->statement - 1];
    run->text = bundle_script_text(try->order->bundle, try->script) + run->statement->offset;
    run->batch = script_batch(try->script, try->statement);
    if (found->statement > try->statement ||
        (found->statement == try->statement && found->is_over)) {
        return true; /* done before */
    }
    if (!batch_table_look(try, &run->batch->subject, &run->table_arena, &run->table, &try->error)) {
        *end = look_failed(run);
        return false;
    }
    struct batch_position first = {.statement = try->statement, .pass = 1};
    batch_position_name_file(try->script, first.file);
    batch_run_move(run, found->statement == try->statement ? found : &first);
    begin_pace(run);
    throttle_begin(&run->throttle, try, &run->batch->pace);
    run->conflicts = (struct backoff){.first_ms = 20, .most_ms = 1000};
    run->progress_ms = clock_now_ms();
    if (!take_cursor(run, end) || !run_to_end(run, end)) {
        return false;
    }
    note(run, began_us);
    return true;
}

/* ---- the step ---------------------------------------------------------------------------------
 */

static void
release(struct batch_run *run)
{
    throttle_end(&run->throttle);
    arena_release(&run->table_arena);
    arena_release(&run->position_arenas[0]);
    arena_release(&run->position_arenas[1]);
}

#define STAYS "%" PRIu64 " rows were changed, in %" PRIu64 " batches; another try goes on there"

/* What was done stays, and who applies the migration again goes on there. */
static void
say_what_stays(struct step_try *try, const struct batch_run *run)
{
    CLEANUP(mem_free) char *hint = mem_text(try->error.hint);

    if (run->position.batches && !try->error.found[0]) {
        error_found(&try->error, STAYS, run->position.rows, run->position.batches);
    } else if (run->position.batches) {
        error_hint(&try->error, "%s%s" STAYS, hint, hint[0] ? "; " : "", run->position.rows,
                   run->position.batches);
    }
}

static bool
run_all(struct step_try *try, enum try_end *end)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct batch_position found;

    if (!find_position(try, &arena, &found, end)) {
        return false;
    }
    for (size_t i = 0; i < try->script->statement_count; i++) {
        CLEANUP(release)
        struct batch_run run = {.try = try, .lock_budget_ms = try->sitting->config.lock_budget_ms};
        try->statement = i + 1;
        if (try->order->progress) {
            try->order->progress(try->order->context, try->statement);
        }
        if (!run_statement(&run, &found, end)) {
            uint64_t before = found.statement == try->statement ? found.batches : 0;
            say_what_stays(try, &run);
            /* A connection that is lost again and again, but not in the same place, goes on. */
            try->is_in_doubt = try->is_in_doubt || run.position.batches > before;
            return false;
        }
    }
    return true;
}

enum try_end
batch_try(struct step_try *try)
{
    uint64_t lock_timeout_ms = try->lock_timeout_ms;
    enum try_end end;

    /* Rows that a batch has changed already are locked while it waits for others. */
    uint64_t most_ms = try->sitting->config.lock_timeout_ms;
    try->lock_timeout_ms = lock_timeout_ms < most_ms ? lock_timeout_ms : most_ms;
    if (mirror_look(try, &end) && run_all(try, &end)) {
        end = concurrently_conclude(try);
    }
    try->lock_timeout_ms = lock_timeout_ms;
    if (end == TRY_DONE) {
        try_follow(try);
        return end;
    }
    if (end == TRY_LOST) {
        sitting_drop(try->sitting);
        return end;
    }
    try_roll_back(try);
    return end;
}
