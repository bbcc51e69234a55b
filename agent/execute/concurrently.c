#include "agent/execute/concurrently.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/postgres/schema.h"
#include "agent/execute/index.h"
#include "agent/execute/intent.h"
#include "agent/execute/mirror.h"
#include "agent/execute/observation.h"
#include "agent/execute/outside.h"
#include "agent/execute/preflight.h"
#include "agent/execute/single.h"
#include "agent/execute/transaction.h"

#define MAKE "create index " /* what an intent's cursor begins with; the index follows */
#define DROP "drop index "
#define SOMEBODY_BUILDS_MS 200

/* ---- the session: as a migration wants it, and as our own rows want it ----------------------- */

bool
concurrently_enter(struct step_try *try)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    patience.heeds_interrupt = false;
    text_append(&sql, "SELECT 1");
    try_append_settings(try, false, &sql);
    if (try->script) {
        single_append_settings(try, &sql);
    }
    return connection_run(try->sitting->connection, text_of(&sql), &patience);
}

bool
concurrently_leave(struct step_try *try)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    patience.heeds_interrupt = false;
    text_format(&sql, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SELECT 1%s",
                try->sitting->session_settings);
    return connection_run(try->sitting->connection, text_of(&sql), &patience);
}

/* ---- rows ------------------------------------------------------------------------------------ */

bool
concurrently_write_intent(struct step_try *try, const char *cursor, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();
    struct journal_row row = journal_row_of(try->order);

    FAILPOINT("execute.before-intent");
    transaction_append_opening(try, &sql);
    transaction_append_checks(&sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        *end = try_query_failed(try, "cannot begin the step");
        return false;
    }
    if (!transaction_check_opening(try, end)) {
        return false;
    }
    row.state = JOURNAL_INTENT;
    row.statement = try->statement;
    row.cursor = cursor;
    CLEANUP(text_release) struct text mirror = {0};
    row.mirror = mirror_append_write(try, &mirror) ? text_of(&mirror) : NULL;
    text_clear(&sql);
    journal_insert(try->sitting, &row, &sql);
    text_append(&sql, "COMMIT");
    patience.failpoint = "execute.intent-sent";
    if (!connection_run(connection, text_of(&sql), &patience)) {
        *end = try_query_failed(try, "cannot write down what is about to be done");
        return false;
    }
    sitting_advance(try->sitting, row.hash);
    sitting_take_possession(try->sitting, &try->order->cluster_id);
    FAILPOINT("execute.after-intent");
    return true;
}

enum done_answer { DONE_MIRROR = 4 }; /* behind begin, lock, claim and journal */

static bool
send_done(struct sitting *sitting, struct journal_row *row, const char *mirror)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = {.failpoint = "execute.done-sent"}; /* too late to be stopped */

    row->state = JOURNAL_DONE;
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
                      "SELECT CAST(CASE WHEN pg_try_advisory_xact_lock(" SCHEMA_LOCK_KEY
                      ") THEN '1' ELSE 'skein:lock' END AS integer);");
    journal_claim(sitting, row, &sql);
    journal_insert(sitting, row, &sql);
    text_append(&sql, mirror ? mirror : "");
    text_append(&sql, "COMMIT");
    return connection_run(sitting->connection, text_of(&sql), &patience);
}

/*
 * The effect is there: say so. No fence: what is true may be written down under any leader. The
 * tool's own table must not keep the truth out of the journal: the next look finds them apart.
 */
static bool
write_done(struct sitting *sitting, struct journal_row *row)
{
    struct patience patience = sitting_patience();

    FAILPOINT("execute.before-done");
    if (!send_done(sitting, row, row->mirror)) {
        struct connection *connection = sitting->connection;
        if (!row->mirror || connection_is_lost(connection) ||
            connection_answer_count(connection) < DONE_MIRROR) {
            return false;
        }
        log_warn("target %s, %s: the tool's own table was not written: %s", sitting->config.name,
                 row->version, connection_error(connection)->message);
        patience.heeds_interrupt = false;
        if (!connection_run(connection, "ROLLBACK", &patience) || !send_done(sitting, row, NULL)) {
            return false;
        }
    }
    FAILPOINT("execute.after-done");
    sitting_advance(sitting, row->hash);
    return true;
}

/* ---- one index ------------------------------------------------------------------------------- */

static enum try_end
look_failed(struct step_try *try)
{
    try->is_retryable = true;
    if (try->sitting->connection && error_is(&try->error, "E-DB-BUSY")) {
        return TRY_LOCKED;
    }
    return sitting_is_transient(&try->error) ? TRY_LOST : TRY_FAILED;
}

/* Look, and clear away what is half made, until the index is whole or not there. */
static bool
look_and_repair(struct step_try *try, const struct statement *statement, struct index_look *look,
                enum try_end *end)
{
    struct sitting *sitting = try->sitting;

    for (;;) {
        if (!index_look_at(sitting, statement, look, &try->error)) {
            *end = look_failed(try);
            return false;
        }
        bool is_half = look->exists && !look->is_valid && look->is_fitting;
        if (statement->kind != STATEMENT_CREATE_INDEX_CONCURRENTLY || !is_half) {
            return true;
        }
        if (!look->is_building) {
            log_info("target %s: dropping the half-made index %s", sitting->config.name,
                     look->name);
            FAILPOINT("execute.before-repair");
            if (!index_drop(sitting, look->name, &try->error)) {
                *end = look_failed(try);
                return false;
            }
            FAILPOINT("execute.after-repair");
        } else if (!interrupt_sleep(sitting->interrupt, SOMEBODY_BUILDS_MS)) {
            *end = TRY_CANCELLED;
            return false;
        }
    }
}

/* A build has failed: its remains go, or are named in the error. */
static enum try_end
clean_up(struct step_try *try, const struct statement *statement, enum try_end end)
{
    struct sitting *sitting = try->sitting;
    struct index_look look;
    struct error error;

    if (end == TRY_LOST || statement->kind != STATEMENT_CREATE_INDEX_CONCURRENTLY) {
        return end;
    }
    if (!index_look_at(sitting, statement, &look, &error)) {
        return TRY_LOST;
    }
    if (!look.exists || look.is_valid || !look.is_fitting || look.is_building) {
        return end;
    }
    FAILPOINT("execute.before-repair");
    if (!index_drop(sitting, look.name, &error)) {
        if (!sitting->connection) {
            return TRY_LOST;
        }
        error_found(&try->error, "the INVALID index %s is left; another try removes it", look.name);
    }
    FAILPOINT("execute.after-repair");
    return end;
}

/*
 * A drop that was broken off has made the index useless already: there is no way back, so it is
 * brought to its end, whoever wants it stopped. False when it has not begun, or cannot be ended
 * now; then *end says what is to happen next.
 */
static bool
is_dropped_anyway(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    struct sitting *sitting = try->sitting;
    struct index_look look;
    struct error error;

    if (*end == TRY_LOST || statement->kind != STATEMENT_DROP_INDEX_CONCURRENTLY) {
        return false;
    }
    if (!index_look_at(sitting, statement, &look, &error)) {
        *end = TRY_LOST;
        return false;
    }
    if (look.exists && look.is_valid) {
        return false;
    }
    if (!look.exists || index_drop(sitting, look.name, &error)) {
        return true;
    }
    if (!sitting->connection || *end == TRY_CANCELLED) {
        *end = TRY_LOST; /* what became of it is found out later */
    } else {
        error_found(&try->error, "the INVALID index %s is left; another try removes it", look.name);
    }
    return false;
}

static bool
run_outside(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    CLEANUP(mem_free) char *text = try_statement_text(try, try->script, statement);
    struct patience patience = try_patience(try, "execute.concurrent-sent");
    struct command_end done = {.tag = ""};
    int64_t began_us = clock_now_us();

    FAILPOINT("execute.before-concurrent");
    if (!connection_command(try->sitting->connection, text, &patience, &done)) {
        *end = try_statement_failed(try, try->script, statement);
        if (!is_dropped_anyway(try, statement, end)) {
            *end = clean_up(try, statement, *end);
            return false;
        }
    }
    FAILPOINT("execute.after-concurrent");
    try_note_statement(try, statement, &done, clock_now_us() - began_us);
    observation_end_statement(try);
    return true;
}

/* PostgreSQL said that it worked; the catalog has the last word (IF NOT EXISTS says it too). */
static bool
check_result(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    struct index_look look;

    if (!index_look_at(try->sitting, statement, &look, &try->error)) {
        *end = look_failed(try);
        return false;
    }
    bool makes = statement->kind == STATEMENT_CREATE_INDEX_CONCURRENTLY;
    if (makes ? look.exists && look.is_valid : !look.exists) {
        return true;
    }
    *end = try_fail(try, "E-SQL-INDEX",
                    makes ? "there is an INVALID index of that name" : "the index is still there");
    error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, try->script->path, statement->line,
                statement->column);
    error_hint(&try->error, "DROP INDEX CONCURRENTLY %s, and try again", statement->object);
    return false;
}

/*
 * Whether the statement's effect is there already because this step has made it so: then there is
 * an intent, and the index is whole (or gone). An index that was there before is no success of
 * ours: the server is to say what it thinks of a second one.
 */
static bool
is_made(struct step_try *try, const struct statement *statement, const struct index_look *look,
        bool *is_there, enum try_end *end)
{
    bool makes = statement->kind == STATEMENT_CREATE_INDEX_CONCURRENTLY;
    bool looks_made = makes ? look->exists && look->is_valid && look->is_fitting : !look->exists;

    *is_there = false;
    if (!concurrently_leave(try) || (looks_made && !intent_exists(try, is_there))) {
        *end = try_query_failed(try, "cannot read the journal");
        return false;
    }
    return true;
}

static bool
carry_out(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    struct index_look look;
    bool is_there;

    if (!concurrently_enter(try)) {
        *end = try_query_failed(try, "cannot take the role and search_path");
        return false;
    }
    if (!look_and_repair(try, statement, &look, end) ||
        !is_made(try, statement, &look, &is_there, end)) {
        return false;
    }
    if (is_there) {
        struct command_end done = {.tag = ""};
        try_note_statement(try, statement, &done, 0);
        return true;
    }
    /* Only now: what an earlier try has left half made is cleared away by all means. */
    if (interrupt_is_raised(try->sitting->interrupt)) {
        *end = TRY_CANCELLED;
        return false;
    }
    bool makes = statement->kind == STATEMENT_CREATE_INDEX_CONCURRENTLY;
    bool will_change = look.name[0] && (makes ? !look.exists : look.exists);
    CLEANUP(mem_free) char *cursor = mem_format("%s%s", makes ? MAKE : DROP, look.name);
    if (will_change && !concurrently_write_intent(try, cursor, end)) {
        return false;
    }
    if (!concurrently_enter(try)) {
        *end = try_query_failed(try, "cannot take the role and search_path");
        return false;
    }
    return run_outside(try, statement, end) && check_result(try, statement, end);
}

static bool
carry_out_single(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    if (!concurrently_leave(try)) {
        *end = try_query_failed(try, "cannot let go of the role and search_path");
        return false;
    }
    if (interrupt_is_raised(try->sitting->interrupt)) {
        *end = TRY_CANCELLED;
        return false;
    }
    return single_carry_out(try, statement, end);
}

/* ---- the step -------------------------------------------------------------------------------- */

static bool
carry_out_one(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    switch (statement->kind) {
    case STATEMENT_TRANSACTIONAL:
        return carry_out_single(try, statement, end);
    case STATEMENT_CREATE_INDEX_CONCURRENTLY:
    case STATEMENT_DROP_INDEX_CONCURRENTLY:
        return carry_out(try, statement, end);
    default:
        return outside_carry_out(try, statement, end);
    }
}

static bool
carry_out_all(struct step_try *try, enum try_end *end)
{
    const struct step_order *order = try->order;
    struct command_end done = {.tag = ""};
    uint64_t reached;

    if (!intent_reached(try, &reached)) {
        *end = try_query_failed(try, "cannot read the journal");
        return false;
    }
    for (size_t i = 0; i < try->script->statement_count; i++) {
        const struct statement *statement = &try->script->statements[i];
        try->statement = i + 1;
        if (try->statement < reached) {
            try_note_statement(try, statement, &done, 0);
            continue;
        }
        if (order->progress) {
            order->progress(order->context, try->statement);
        }
        if (!carry_out_one(try, statement, end)) {
            return false;
        }
    }
    return true;
}

/* The verify script reads only; it has a transaction of its own. */
static bool
verify(struct step_try *try, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    patience.heeds_interrupt = false;
    if (!try->order->migration->has_verify || try->order->direction != DIRECTION_UP) {
        return true;
    }
    text_append(&sql, "BEGIN; SELECT 1");
    try_append_settings(try, true, &sql);
    if (!connection_run(try->sitting->connection, text_of(&sql), &patience)) {
        *end = try_query_failed(try, "cannot begin to verify");
        return false;
    }
    bool holds = transaction_verify(try, end);
    if (holds) {
        try_roll_back(try);
    }
    return holds;
}

static enum try_end
finish(struct step_try *try)
{
    struct journal_row row = journal_row_of(try->order);

    if (!concurrently_leave(try)) {
        return try_query_failed(try, "cannot write down what was done");
    }
    observation_report(try);
    preflight_report(try);
    try->outcome->kind = OUTCOME_DONE;
    try->outcome->notices = connection_notice_count(try->sitting->connection) - try->notices_before;
    try->outcome->duration_us = (uint64_t)(clock_now_us() - try->began_us);
    row.statement = try->statement;
    row.outcome = try->outcome;
    CLEANUP(text_release) struct text mirror = {0};
    row.mirror = mirror_append_write(try, &mirror) ? text_of(&mirror) : NULL;
    if (write_done(try->sitting, &row)) {
        return TRY_DONE;
    }
    const struct sql_error *fact = connection_error(try->sitting->connection);
    return strcmp(fact->sqlstate, "23505") == 0
               ? TRY_STALE
               : try_query_failed(try, "cannot write down what was done");
}

/* What was made before the failing statement stays, and another try goes on behind it. */
static void
say_what_stays(struct step_try *try)
{
    CLEANUP(mem_free)
    char *stays = mem_format("the %" PRIu64 " statements before it have taken effect",
                             try->statement - (try->statement > 0));

    if (try->statement < 2) {
        return;
    }
    if (!try->error.found[0]) {
        error_found(&try->error, "%s", stays);
    } else if (!try->error.hint[0]) {
        error_hint(&try->error, "%s; another try goes on behind them", stays);
    } else {
        CLEANUP(mem_free) char *hint = mem_text(try->error.hint);
        error_hint(&try->error, "%.200s; %s", hint, stays);
        text_mend_utf8(try->error.hint);
    }
}

enum try_end
concurrently_conclude(struct step_try *try)
{
    enum try_end end;

    try->is_effective = true;
    return verify(try, &end) ? finish(try) : end;
}

enum try_end
concurrently_try(struct step_try *try)
{
    enum try_end end;

    if (mirror_look(try, &end) && carry_out_all(try, &end)) {
        end = concurrently_conclude(try);
    }
    if (end == TRY_DONE) {
        try_follow(try);
        return end;
    }
    if (end == TRY_LOST) {
        try->is_in_doubt = try->statement > 0;
        sitting_drop(try->sitting);
        return end;
    }
    say_what_stays(try);
    try_roll_back(try);
    if (try->sitting->connection && !concurrently_leave(try)) {
        sitting_drop(try->sitting);
    }
    return end;
}

/* ---- after a crash --------------------------------------------------------------------------- */

static bool
finish_settling(struct sitting *sitting, struct journal_row *intent, struct outcome *outcome,
                bool *is_done, struct error *error)
{
    *outcome = (struct outcome){.kind = OUTCOME_DONE};
    intent->outcome = outcome;
    intent->cursor = NULL;
    if (!write_done(sitting, intent)) {
        return sitting_query_failed(sitting, "cannot write down what was done", error);
    }
    *is_done = true;
    sitting->has_read = false;
    return true;
}

bool
concurrently_settle(struct sitting *sitting, struct journal_row *intent, bool *is_done,
                    struct outcome *outcome, struct error *error)
{
    bool makes = text_starts_with(intent->cursor, MAKE);
    const char *name = intent->cursor + strlen(makes ? MAKE : DROP);
    bool is_last = intent->statement == intent->statement_count;
    struct step_try try = {.sitting = sitting, .lock_timeout_ms = sitting->config.lock_budget_ms};
    struct index_look look;

    bool is_effective;

    *is_done = false;
    if ((sitting_find(sitting, intent->version) != NULL) == (intent->direction == DIRECTION_UP)) {
        return true; /* another step has done the same: our own claim comes with our verdict */
    }
    if (outside_is_cursor(intent->cursor)) {
        return outside_settle(&try, intent->cursor, &is_effective, error) &&
               (!is_effective || !is_last ||
                finish_settling(sitting, intent, outcome, is_done, error));
    }
    if (!index_look_up(sitting, name, &look, error)) {
        return false;
    }
    if (look.exists && !look.is_valid && !look.is_building) {
        /* Half made, or half dropped: either way it serves nobody. */
        if (!concurrently_enter(&try) || !index_drop(sitting, name, error) ||
            !concurrently_leave(&try)) {
            return sitting->connection ? sitting_query_failed(sitting, "cannot settle", error)
                                       : false;
        }
        look.exists = false;
    }
    is_effective = makes ? look.exists && look.is_valid : !look.exists;
    return !is_effective || !is_last || finish_settling(sitting, intent, outcome, is_done, error);
}
