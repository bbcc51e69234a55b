#include "agent/execute/transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/postgres/schema.h"
#include "agent/execute/mirror.h"
#include "agent/execute/observation.h"
#include "agent/execute/preflight.h"
#include "agent/execute/way.h"

/* ---- T4, T5, T6: begin, fence, claim, settings: one round trip ------------------------------ */

enum opening { OPEN_BEGIN, OPEN_FENCE, OPEN_REST };
enum check_column { CHECK_PID, CHECK_RECOVERY, CHECK_LOCK, CHECK_XID, CHECK_WAL };

/* The target belongs to the coordinator that works on it first. */
static bool
takes_possession(const struct step_try *try)
{
    return !id_is_none(&try->order->cluster_id) && id_is_none(&try->sitting->facts.cluster_id);
}

void
transaction_append_opening(const struct step_try *try, struct text *sql)
{
    const struct fence *fence = &try->order->fence;
    char instance[ID_TEXT_SIZE], cluster[ID_TEXT_SIZE];

    text_append(sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;");
    id_text(&fence->instance, instance);
    text_format(sql,
                "UPDATE skein.fence SET epoch = %" PRIu64 ", instance = '%s' WHERE epoch < %" PRIu64
                " OR (epoch = %" PRIu64 " AND instance = '%s');",
                fence->epoch, instance, fence->epoch, fence->epoch, instance);
    if (takes_possession(try)) {
        text_format(sql, "UPDATE skein.identity SET cluster_id = '%s' WHERE cluster_id IS NULL;",
                    id_text(&try->order->cluster_id, cluster));
    }
}

/*
 * The lock is taken once more for the length of the transaction: a migration can let go of the
 * session's (pg_advisory_unlock_all), of this one it cannot.
 */
void
transaction_append_checks(struct text *sql)
{
    text_append(sql, "SELECT pg_backend_pid(), pg_is_in_recovery(),"
                     " pg_try_advisory_xact_lock(" SCHEMA_LOCK_KEY
                     "), txid_current(), CASE WHEN NOT pg_is_in_recovery() THEN"
                     " pg_current_wal_insert_lsn() END");
}

static enum try_end
fenced(struct step_try *try)
{
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();

    try_fail(try, "E-FENCED", "a newer coordinator has worked on this target");
    error_where(&try->error, "%s", connection_place(connection));
    if (connection_run(connection, "ROLLBACK; SELECT epoch, instance FROM skein.fence",
                       &patience)) {
        error_found(&try->error, "epoch %s of %s; this order is of epoch %" PRIu64,
                    connection_cell(connection, 1, 0, 0), connection_cell(connection, 1, 0, 1),
                    try->order->fence.epoch);
    }
    if (try->order->fence.epoch == 0) {
        error_hint(&try->error, "the target belongs to a coordinator: use skein apply there");
    }
    return TRY_FAILED;
}

static bool
check_opening(struct step_try *try, size_t checks, enum try_end *end)
{
    struct connection *connection = try->sitting->connection;
    char pid[16];

    snprintf(pid, sizeof pid, "%d", connection_backend_pid(connection));
    bool is_fit = strcmp(connection_cell(connection, checks, 0, CHECK_PID), pid) == 0 &&
                  connection_cell(connection, checks, 0, CHECK_RECOVERY)[0] == 'f' &&
                  connection_is_true(connection, checks, 0, CHECK_LOCK);
    if (!is_fit) {
        /* Whatever it is, a new look will tell. */
        error_set(&try->error, "E-DB-LOST", "the session is not the one that it was");
        *end = TRY_LOST;
        return false;
    }
    if (strcmp(connection_tag(connection, OPEN_FENCE), "UPDATE 0") == 0) {
        *end = fenced(try);
        return false;
    }
    return true;
}

bool
transaction_check_opening(struct step_try *try, enum try_end *end)
{
    return check_opening(try, connection_answer_count(try->sitting->connection) - 1, end);
}

/* The opening has failed in its statement number `failed`. */
static enum try_end
claim_failed(struct step_try *try, size_t claim, size_t failed)
{
    const struct target_config *config = &try->sitting->config;
    struct connection *connection = try->sitting->connection;

    if (failed == claim && strcmp(connection_error(connection)->sqlstate, "23505") == 0) {
        return TRY_STALE;
    }
    enum try_end end = try_query_failed(try, "cannot begin the step");
    if (failed > claim && end == TRY_FAILED && config->role) {
        error_hint(&try->error, "check the target's role; GRANT \"%s\" TO \"%s\"", config->role,
                   connection_user(connection));
    }
    return end;
}

static bool
claim(struct step_try *try, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();
    struct journal_row row = journal_row_of(try->order);
    size_t mirror_answer = takes_possession(try) ? OPEN_REST + 1 : OPEN_REST;

    if (!mirror_prepare(try, end)) {
        return false;
    }
    transaction_append_opening(try, &sql);
    size_t claim_answer = mirror_answer + mirror_append_check(try, &sql);
    journal_claim(try->sitting, &row, &sql);
    transaction_append_checks(&sql);
    try_append_settings(try, true, &sql);
    way_append(try->way, try->script, try->sitting, &sql);
    int64_t began_us = clock_now_us();
    if (!connection_run(connection, text_of(&sql), &patience)) {
        size_t failed = connection_answer_count(connection);
        *end = failed >= claim_answer + 2 ? way_cannot_look(try)
                                          : claim_failed(try, claim_answer, failed);
        return false;
    }
    if (!check_opening(try, claim_answer + 1, end)) {
        return false;
    }
    const char *claimed = connection_tag(connection, claim_answer);
    if (strcmp(claimed, "DELETE 0") == 0 || strcmp(claimed, "INSERT 0 0") == 0) {
        *end = TRY_STALE;
        return false;
    }
    if (!mirror_check(try, mirror_answer, end)) {
        return false;
    }
    snprintf(try->xid, sizeof try->xid, "%s",
             connection_cell(connection, claim_answer + 1, 0, CHECK_XID));
    observation_begin(try->observation, connection_cell(connection, claim_answer + 1, 0, CHECK_WAL),
                      clock_now_us() - began_us);
    return way_is_free(try, connection_answer_count(connection) - 1, end);
}

/* ---- T7: the statements --------------------------------------------------------------------- */

static bool
ends_transaction(const char *tag)
{
    static const char *const tags[] = {"BEGIN", "COMMIT", "ROLLBACK", "PREPARE TRANSACTION",
                                       "START TRANSACTION"};

    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (strcmp(tag, tags[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum try_end
left_transaction(struct step_try *try, const struct script *script,
                 const struct statement *statement)
{
    try_fail(try, "E-SQL-TXCTL",
             "the migration has left its transaction: what ran before may have taken effect");
    if (statement) {
        error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, script->path, statement->line,
                    statement->column);
    } else {
        error_where(&try->error, "%s", script->path);
    }
    error_hint(&try->error,
               "repair the database by hand; a migration must not end its transaction");
    return TRY_FAILED;
}

/* A file that our grammar cannot read goes as a whole; of each of its statements the tag is known.
 */
static bool
run_script(struct connection *connection, const char *text, const struct patience *patience,
           struct command_end *done)
{
    *done = (struct command_end){.tag = ""};
    if (!connection_run(connection, text, patience)) {
        return false;
    }
    for (size_t i = 0; i < connection_answer_count(connection); i++) {
        if (!ends_transaction(done->tag)) {
            done->tag = connection_tag(connection, i);
        }
    }
    return true;
}

static bool
run_statement(struct step_try *try, const struct script *script, const struct statement *statement,
              struct command_end *done, enum try_end *end)
{
    struct connection *connection = try->sitting->connection;
    CLEANUP(mem_free) char *text = try_statement_text(try, script, statement);
    struct patience patience = try_patience(try, "execute.statement-sent");
    int64_t began_us = clock_now_us();

    FAILPOINT("execute.before-statement");
    bool succeeded = statement->kind == STATEMENT_SCRIPT
                         ? run_script(connection, text, &patience, done)
                         : connection_command(connection, text, &patience, done);
    if (!succeeded) {
        *end = try_statement_failed(try, script, statement);
        return false;
    }
    try_note_statement(try, statement, done, clock_now_us() - began_us);
    if (!connection_is_in_transaction(connection) || ends_transaction(done->tag)) {
        *end = left_transaction(try, script, statement);
        return false;
    }
    if (script == try->script && !observation_look_back(try, end)) {
        return false;
    }
    FAILPOINT("execute.after-statement");
    if (!try->is_effective && interrupt_is_raised(try->sitting->interrupt)) {
        *end = TRY_CANCELLED;
        return false;
    }
    return true;
}

static bool
run_statements(struct step_try *try, enum try_end *end)
{
    const struct step_order *order = try->order;
    struct command_end done;

    for (size_t i = 0; i < try->script->statement_count; i++) {
        try->statement = i + 1;
        if (order->progress) {
            order->progress(order->context, try->statement);
        }
        if (!run_statement(try, try->script, &try->script->statements[i], &done, end)) {
            return false;
        }
    }
    return true;
}

bool
transaction_verify(struct step_try *try, enum try_end *end)
{
    const struct migration *migration = try->order->migration;
    struct command_end done;

    if (!migration->has_verify || try->order->direction != DIRECTION_UP) {
        return true;
    }
    for (size_t i = 0; i < migration->verify.statement_count; i++) {
        const struct statement *statement = &migration->verify.statements[i];
        if (!run_statement(try, &migration->verify, statement, &done, end)) {
            return false;
        }
        if (done.is_false) {
            *end = try_fail(try, "E-MIG-VERIFY", "a check of the verify script is false");
            error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, migration->verify.path,
                        statement->line, statement->column);
            error_hint(&try->error, "the migration does not do what its verify script says");
            return false;
        }
    }
    return true;
}

/* ---- T8, T9: leave no trace in the session, journal, commit: one round trip ------------------ */

enum closing { CLOSE_CONSTRAINTS = 0, CLOSE_CHECK = 8, CLOSE_JOURNAL, CLOSE_MIRROR };

/*
 * Deferred constraints are checked while the migration's role still stands. Then everything that a
 * session can keep from one migration to the next goes: roles, settings, cursors, statements,
 * temporary tables, locks.
 */
static const char leave_no_trace[] = "SET CONSTRAINTS ALL IMMEDIATE;"
                                     "RESET SESSION AUTHORIZATION;"
                                     "RESET ROLE;"
                                     "RESET ALL;"
                                     "CLOSE ALL;"
                                     "DEALLOCATE ALL;"
                                     "UNLISTEN *;"
                                     "DISCARD TEMP;";

/*
 * What must hold, or the statement fails and with it all behind it: a wrong answer becomes a number
 * that cannot be read. Then the session's lock, and our settings.
 */
void
transaction_append_cases(const struct step_try *try, struct text *sql)
{
    text_format(sql,
                "SELECT CAST(CASE WHEN txid_current_if_assigned() IS DISTINCT FROM %s"
                " THEN 'skein:transaction' WHEN current_user <> ",
                try->xid);
    connection_literal(try->sitting->connection, sql, try->sitting->session_user);
    text_append(sql, " THEN 'skein:role'");
}

void
transaction_append_unharmed(const struct step_try *try, struct text *sql)
{
    transaction_append_cases(try, sql);
    text_append(sql, " ELSE '1' END AS integer)");
    observation_append_columns(try, sql);
    text_format(sql,
                ", pg_advisory_unlock_all(),"
                " pg_try_advisory_lock(" SCHEMA_LOCK_KEY ")%s;",
                try->sitting->session_settings);
}

static enum try_end
close_failed(struct step_try *try, size_t look, size_t commit)
{
    struct connection *connection = try->sitting->connection;
    struct sql_error fact = *connection_error(connection);
    size_t answered = connection_answer_count(connection);
    const struct script *script = try->script;

    if (fact.is_lost) {
        try->is_in_doubt = true;
        return try_query_failed(try, "cannot commit the step");
    }
    if (answered == CLOSE_CHECK && strstr(fact.message, "skein:transaction")) {
        return left_transaction(try, script, NULL);
    }
    if (answered == CLOSE_JOURNAL && strcmp(fact.sqlstate, "23505") == 0) {
        return TRY_STALE; /* this attempt has its verdict already */
    }
    if (answered >= CLOSE_MIRROR && answered < look) {
        return mirror_write_failed(try);
    }
    if (script->statement_count && (answered == CLOSE_CONSTRAINTS || answered == commit)) {
        /* Deferred constraints: the error belongs to the migration, if not to a place in it. */
        struct statement last = script->statements[script->statement_count - 1];
        enum try_end end = try_statement_failed(try, script, &last);
        if (end == TRY_FAILED || end == TRY_LOCKED) {
            error_where(&try->error, "%s, at its end", script->path);
        }
        return end;
    }
    return try_query_failed(try, "cannot commit the step");
}

/*
 * Above all: committed here, and not yet on a standby that was to have it. The journal's row is
 * written by then, so only this answer tells.
 */
static void
warn_at_commit(struct step_try *try, uint64_t notices_before)
{
    const struct connection *connection = try->sitting->connection;
    const char *warning = connection_last_warning(connection);

    if (connection_notice_count(connection) > notices_before && warning[0]) {
        CLEANUP(mem_free) char *text = mem_format("at its commit: %s", warning);
        log_warn("target %s, %s: %s", try->sitting->config.name, try->order->migration->version,
                 text);
        preflight_warn(try->preflight, text);
        preflight_report(try);
    }
}

static enum try_end
close_and_commit(struct step_try *try)
{
    CLEANUP(text_release) struct text sql = {0};
    struct sitting *sitting = try->sitting;
    struct connection *connection = sitting->connection;
    struct patience patience = {.heeds_interrupt = true, .failpoint = "execute.commit-sent"};
    struct journal_row row = journal_row_of(try->order);

    observation_report(try);
    preflight_report(try);
    try->outcome->kind = OUTCOME_DONE;
    try->outcome->notices = connection_notice_count(connection) - try->notices_before;
    try->outcome->duration_us = (uint64_t)(clock_now_us() - try->began_us);
    row.state = JOURNAL_DONE;
    row.statement = try->statement;
    row.outcome = try->outcome;
    text_append(&sql, leave_no_trace);
    transaction_append_unharmed(try, &sql);
    journal_insert(sitting, &row, &sql);
    size_t look = CLOSE_MIRROR + mirror_append_write(try, &sql);
    bool looks = observation_append_look(try, &sql);
    size_t commit = look + looks;
    text_append(&sql, "COMMIT");

    FAILPOINT("execute.before-commit");
    uint64_t notices = connection_notice_count(connection);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        warn_at_commit(try, notices);
        return close_failed(try, look, commit);
    }
    FAILPOINT("execute.after-commit");
    warn_at_commit(try, notices);
    if (strcmp(connection_tag(connection, commit), "COMMIT") != 0) {
        return try_fail(try, "E-SQL-ABORTED", "the server rolled the transaction back at its end");
    }
    sitting_advance(sitting, row.hash);
    observation_take_last(try, CLOSE_CHECK, looks ? look : 0);
    return TRY_DONE;
}

enum try_end
transaction_try(struct step_try *try)
{
    enum try_end end;

    FAILPOINT("execute.before-claim");
    if (claim(try, &end)) {
        FAILPOINT("execute.after-claim");
        if (run_statements(try, &end) && transaction_verify(try, &end)) {
            end = close_and_commit(try);
        }
    }
    if (end == TRY_DONE) {
        try_follow(try);
        return end;
    }
    if (end == TRY_LOST) {
        sitting_drop(try->sitting);
        return end;
    }
    FAILPOINT("execute.before-rollback");
    try_roll_back(try);
    FAILPOINT("execute.after-rollback");
    if (end == TRY_FAILED && error_is(&try->error, "E-SQL-TXCTL")) {
        sitting_drop(try->sitting); /* who knows what the session looks like */
    }
    if (!try->sitting->connection && end != TRY_FAILED) {
        end = end == TRY_CANCELLED ? end : TRY_LOST;
    }
    return end;
}
