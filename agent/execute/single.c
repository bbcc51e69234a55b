#include "agent/execute/single.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "agent/execute/observation.h"
#include "agent/execute/transaction.h"
#include "agent/execute/way.h"

#define CURSOR "statement"
#define REST_MS 100
#define XID_COLUMN 3 /* of the checks; see transaction_append_checks */

enum closing { CLOSING_CONSTRAINTS, CLOSING_CHECK = 7, CLOSING_JOURNAL, CLOSING_COMMIT };

bool
single_is_cursor(const char *cursor)
{
    return text_equal(cursor, CURSOR);
}

/* ---- settings -------------------------------------------------------------------------------- */

static bool
is_setting(const struct statement *statement)
{
    return text_equal(statement->tag, "SET") || text_equal(statement->tag, "RESET");
}

void
single_append_settings(const struct step_try *try, struct text *sql)
{
    for (uint64_t i = 0; i + 1 < try->statement; i++) {
        const struct statement *statement = &try->script->statements[i];
        if (is_setting(statement)) {
            CLEANUP(mem_free) char *text = try_statement_text(try, try->script, statement);
            text_format(sql, "; %s", text);
        }
    }
}

/* ---- whether it is done ---------------------------------------------------------------------- */

/* By this step or an earlier one; what was done before the migration's last success is history. */
static bool
is_done(struct step_try *try, bool *found)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();
    struct journal_row row = journal_row_of(try->order);
    char checksum[2 * CHECKSUM_SIZE + 1];

    patience.heeds_interrupt = false;
    text_hex(row.checksum, CHECKSUM_SIZE, checksum);
    text_format(&sql,
                "SELECT 1 FROM skein.journal WHERE state = 'intent' AND cursor = '" CURSOR
                "' AND statement = %" PRIu64 " AND direction = '%s' AND checksum = '\\x%s'"
                " AND version = ",
                try->statement, row.direction == DIRECTION_UP ? "up" : "down", checksum);
    connection_literal(connection, &sql, row.version);
    text_append(&sql, " AND number > COALESCE((SELECT max(number) FROM skein.journal"
                      " WHERE state = 'done' AND version = ");
    connection_literal(connection, &sql, row.version);
    text_append(&sql, "), 0) LIMIT 1");
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return false;
    }
    *found = connection_row_count(connection, 0) == 1;
    return true;
}

/* ---- its transaction ------------------------------------------------------------------------- */

/* Who is in the way of this one statement; the way of the whole script is for its other kinds. */
static void
look_for_one(struct step_try *try, const struct statement *statement, struct way *way)
{
    struct script one = *try->script;
    struct statement alone = *statement;

    one.statements = &alone;
    one.statement_count = 1;
    one.is_transactional = true;
    way_begin(way, &one, try->lock_timeout_ms, try->sitting->config.lock_budget_ms);
    for (size_t i = 0; i < way->look.table_count; i++) {
        way->look.tables[i].statement = try->statement - 1;
    }
}

static bool
open_transaction(struct step_try *try, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();

    transaction_append_opening(try, &sql);
    transaction_append_checks(&sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        *end = try_query_failed(try, "cannot begin the statement's transaction");
        return false;
    }
    if (!transaction_check_opening(try, end)) {
        return false;
    }
    size_t checks = connection_answer_count(connection) - 1;
    snprintf(try->xid, sizeof try->xid, "%s", connection_cell(connection, checks, 0, XID_COLUMN));
    text_clear(&sql);
    text_append(&sql, "SELECT 1");
    try_append_settings(try, true, &sql);
    single_append_settings(try, &sql);
    way_append(try->way, try->script, try->sitting, &sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        *end = look_is_empty(&try->way->look)
                   ? try_query_failed(try, "cannot take the role and settings")
                   : way_cannot_look(try);
        return false;
    }
    return way_is_free(try, connection_answer_count(connection) - 1, end);
}

static bool
run(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    struct connection *connection = try->sitting->connection;
    CLEANUP(mem_free) char *text = try_statement_text(try, try->script, statement);
    struct patience patience = try_patience(try, "execute.single-sent");
    struct command_end done = {.tag = ""};
    int64_t began_us = clock_now_us();

    if (!connection_command(connection, text, &patience, &done)) {
        *end = try_statement_failed(try, try->script, statement);
        return false;
    }
    if (!connection_is_in_transaction(connection)) {
        *end = try_fail(try, "E-SQL-TXCTL", "the statement has left its transaction");
        error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, try->script->path, statement->line,
                    statement->column);
        return false;
    }
    try_note_statement(try, statement, &done, clock_now_us() - began_us);
    return true;
}

static enum try_end
commit_failed(struct step_try *try, const struct statement *statement)
{
    struct connection *connection = try->sitting->connection;
    struct sql_error fact = *connection_error(connection);
    size_t answered = connection_answer_count(connection);

    if (fact.is_lost) {
        try->is_in_doubt = true;
        return try_query_failed(try, "cannot commit the statement");
    }
    if (answered == CLOSING_CONSTRAINTS || answered == CLOSING_COMMIT) {
        return try_statement_failed(try, try->script, statement);
    }
    return try_query_failed(try, "cannot commit the statement");
}

static bool
commit(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct sitting *sitting = try->sitting;
    struct patience patience = {.heeds_interrupt = true, .failpoint = "execute.single-commit-sent"};
    struct journal_row row = journal_row_of(try->order);

    row.state = JOURNAL_INTENT;
    row.statement = try->statement;
    row.cursor = CURSOR;
    text_append(&sql, "SET CONSTRAINTS ALL IMMEDIATE; RESET SESSION AUTHORIZATION; RESET ROLE;"
                      "RESET ALL; CLOSE ALL; DEALLOCATE ALL; UNLISTEN *;");
    transaction_append_unharmed(try, &sql);
    journal_insert(sitting, &row, &sql);
    text_append(&sql, "COMMIT");
    FAILPOINT("execute.before-single-commit");
    if (!connection_run(sitting->connection, text_of(&sql), &patience)) {
        *end = commit_failed(try, statement);
        return false;
    }
    FAILPOINT("execute.after-single-commit");
    if (strcmp(connection_tag(sitting->connection, CLOSING_COMMIT), "COMMIT") != 0) {
        *end = try_fail(try, "E-SQL-ABORTED", "the server rolled the statement back at its end");
        return false;
    }
    sitting_advance(sitting, row.hash);
    sitting_take_possession(sitting, &try->order->cluster_id);
    return true;
}

/* ---- the statement --------------------------------------------------------------------------- */

static bool
try_once(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    return open_transaction(try, end) && run(try, statement, end) && commit(try, statement, end);
}

/* Who waits for a lock makes others wait behind it: never as long as an index may take. */
static uint64_t
patience_for_lock_ms(const struct step_try *try)
{
    uint64_t said_ms =
        try->order->lock_timeout_ms ? try->order->lock_timeout_ms : try->script->lock_timeout_ms;
    return said_ms ? said_ms : try->sitting->config.lock_timeout_ms;
}

/* Whether it is to be tried again, within the lock budget; otherwise *end says what it came to. */
static bool
goes_on(struct step_try *try, enum try_end *end)
{
    uint64_t took_ms = (uint64_t)(clock_now_us() - try->observation->statement_us) / 1000;

    if (*end != TRY_BLOCKED && *end != TRY_LOCKED) {
        return false;
    }
    try_roll_back(try);
    if (!try->sitting->connection) {
        *end = TRY_LOST;
        return false;
    }
    if (interrupt_is_raised(try->sitting->interrupt)) {
        *end = TRY_CANCELLED;
        return false;
    }
    if (*end == TRY_LOCKED) {
        bool has_time = budget_try_failed(&try->way->budget, clock_now_ms(), took_ms);
        try->lock_timeout_ms = try->way->budget.lock_timeout_ms;
        return has_time && interrupt_sleep(try->sitting->interrupt, REST_MS);
    }
    if (!way_wait(try)) {
        *end = TRY_FAILED;
        return false;
    }
    return true;
}

bool
single_carry_out(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    uint64_t outer_ms = try->lock_timeout_ms;
    struct way *outer = try->way, way;
    struct command_end done = {.tag = statement->tag};
    bool found = false, succeeded = false;

    if (is_setting(statement)) {
        try_note_statement(try, statement, &done, 0); /* it is set where it is needed */
        return true;
    }
    if (!is_done(try, &found)) {
        *end = try_query_failed(try, "cannot read the journal");
        return false;
    }
    if (found) {
        try_note_statement(try, statement, &done, 0);
        return true;
    }
    try->lock_timeout_ms = patience_for_lock_ms(try);
    look_for_one(try, statement, &way);
    try->way = &way;
    try->lock_timeout_ms = way.budget.lock_timeout_ms;
    while (!(succeeded = try_once(try, statement, end)) && goes_on(try, end)) {
    }
    try->way = outer;
    try->lock_timeout_ms = outer_ms;
    return succeeded;
}
