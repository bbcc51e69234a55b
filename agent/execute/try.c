#include "agent/execute/try.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/postgres/schema.h"
#include "agent/execute/grant.h"
#include "agent/execute/observation.h"
#include "agent/execute/sql_place.h"
#include "agent/execute/watch.h"

#define TAG_MAX 64
#define ROLLBACK_MS 10000

/* What an error of a migration's statement means, and what happens next. */
static const struct meaning {
    const char *sqlstate, *code, *hint;
    bool is_retryable, is_lock;
} meanings[] = {
    {"55P03", "E-SQL-LOCK", "wait until who holds it is done, or give it more time", true, true},
    {"40P01", "E-SQL-DEADLOCK", "try again when the application is less busy", true, true},
    {"40001", "E-SQL-SERIALIZATION", "try again when the application is less busy", true, true},
    {"57014", "E-SQL-CANCELLED", "somebody has cancelled it, or a statement_timeout has", true,
     false},
    {"53100", "E-DB-FULL", "make room on the database's disk", false, false},
    {"53200", "E-DB-MEMORY", "the database server is out of memory", true, false},
    {"53300", "E-DB-CONNECTIONS", "too many connections", true, false},
    {"25006", "E-DB-STANDBY", "the server takes no writes: is it a standby?", true, false},
    {"22P05", "E-MIG-ENCODING",
     "the database's encoding has no such character: write another, or "
     "move the data to a database in UTF8",
     false, false},
    {"22021", "E-MIG-ENCODING", "the text is not valid in the database's encoding", false, false},
    {"42501", "E-SQL-PRIV", "grant the role what the statement needs, or set another role", true,
     false},
};

static const struct meaning unknown = {"", "E-SQL", "", false, false};

static const struct meaning *
meaning_of(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strcmp(meanings[i].sqlstate, sqlstate) == 0) {
            return &meanings[i];
        }
    }
    return &unknown;
}

void
try_make_failure(struct step_try *try)
{
    struct outcome *outcome = try->outcome;

    if (strcmp(try->sqlstate, "42501") == 0) {
        grant_explain(try);
    }
    outcome->kind = OUTCOME_FAILED;
    outcome->fault = fault_from_error(&try->error, try->arena);
    outcome->fault.is_retryable = try->is_retryable;
    if (try->sqlstate[0]) {
        outcome->fault.sqlstate = arena_text(try->arena, try->sqlstate);
    }
}

enum try_end
try_fail(struct step_try *try, const char *code, const char *text)
{
    error_set(&try->error, code, "%s", text);
    try->sqlstate[0] = '\0';
    try->is_retryable = false;
    return TRY_FAILED;
}

/* What has happened to the connection comes before what the server says. */
static bool
is_cut_short(struct step_try *try, const struct sql_error *fact, enum try_end *end)
{
    if (fact->is_lost) {
        error_set(&try->error, "E-DB-LOST", "the connection was lost: %s", fact->message);
        *end = TRY_LOST;
        return true;
    }
    if (fact->canceled == CANCEL_INTERRUPT) {
        *end = TRY_CANCELLED;
        return true;
    }
    return false;
}

enum try_end
try_query_failed(struct step_try *try, const char *what)
{
    struct sql_error fact = *connection_error(try->sitting->connection);
    const struct meaning *meaning = meaning_of(fact.sqlstate);
    enum try_end end;

    if (is_cut_short(try, &fact, &end)) {
        return end;
    }
    memcpy(try->sqlstate, fact.sqlstate, sizeof try->sqlstate);
    try->is_retryable = meaning->is_retryable;
    sitting_query_failed(try->sitting, what, &try->error);
    if (fact.canceled == CANCEL_DEADLINE || strcmp(fact.sqlstate, "25006") == 0) {
        return TRY_LOST;
    }
    return meaning->is_lock ? TRY_LOCKED : TRY_FAILED;
}

static const char *
rolled_back(const struct step_try *try)
{
    return try->script->is_transactional ? "; rolled back" : "";
}

static void
explain_timeout(struct step_try *try)
{
    error_set(&try->error, "E-SQL-TIMEOUT", "the script took longer than its time-out%s",
              rolled_back(try));
    error_hint(&try->error,
               "a larger timeout for the file or the target, or less work in one step");
    try->is_retryable = true;
}

/* The server has cancelled it, and nobody else can have been quicker. */
static bool
was_statement_timeout(const struct step_try *try, const struct sql_error *fact)
{
    int64_t took_us = clock_now_us() - try->observation->statement_us;

    return try->statement_timeout_ms && strcmp(fact->sqlstate, "57014") == 0 &&
           (uint64_t)took_us / 1000 >= try->statement_timeout_ms;
}

static void
explain_statement_timeout(struct step_try *try)
{
    error_set(&try->error, "E-SQL-TIMEOUT", "a statement took longer than its time-out%s",
              rolled_back(try));
    error_hint(&try->error, "a larger statement_timeout for the file or the target");
    try->is_retryable = true;
}

static void
explain(struct step_try *try, const struct sql_error *fact)
{
    const struct meaning *meaning = meaning_of(fact->sqlstate);
    char detail[sizeof fact->detail];

    error_set(&try->error, meaning->code, "%s (%s)%s", fact->message, fact->sqlstate,
              rolled_back(try));
    try->is_retryable = meaning->is_retryable;
    memcpy(detail, fact->detail, sizeof detail);
    sql_place_mask_detail(detail);
    error_hint(&try->error, "%s",
               meaning->hint[0] ? meaning->hint
               : fact->hint[0]  ? fact->hint
                                : detail);
}

enum try_end
try_statement_failed(struct step_try *try, const struct script *script,
                     const struct statement *statement)
{
    struct sql_error fact = *connection_error(try->sitting->connection);
    const char *text = bundle_script_text(try->order->bundle, script) + statement->offset;
    char excerpt[SQL_EXCERPT_SIZE];
    uint64_t line, column;
    enum try_end end;

    if (is_cut_short(try, &fact, &end)) {
        return end;
    }
    memcpy(try->sqlstate, fact.sqlstate, sizeof try->sqlstate);
    if (fact.canceled == CANCEL_DEADLINE) {
        explain_timeout(try);
    } else if (was_statement_timeout(try, &fact)) {
        explain_statement_timeout(try);
    } else {
        explain(try, &fact);
    }
    sql_place_find(statement, text, fact.position, &line, &column);
    error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, script->path, line, column);
    error_found(&try->error, "%s", sql_place_excerpt(text, statement->size, excerpt));
    return meaning_of(fact.sqlstate)->is_lock ? TRY_LOCKED : TRY_FAILED;
}

void
try_note_statement(struct step_try *try, const struct statement *statement,
                   const struct command_end *end, int64_t duration_us)
{
    struct outcome *outcome = try->outcome;

    if (outcome->statement_count == OUTCOME_STATEMENTS_MAX) {
        return;
    }
    if (!outcome->statements) {
        outcome->statements =
            arena_alloc(try->arena, OUTCOME_STATEMENTS_MAX * sizeof *outcome->statements);
    }
    const char *tag = statement->tag ? statement->tag : end->tag;
    outcome->statements[outcome->statement_count++] = (struct statement_outcome){
        .line = statement->line,
        .tag = arena_format(try->arena, "%.*s", TAG_MAX, tag),
        .duration_us = (uint64_t)duration_us,
        .rows = end->rows,
    };
}

struct patience
try_patience(struct step_try *try, const char *failpoint)
{
    struct patience patience = {.deadline_ms = try->deadline_ms,
                                .heeds_interrupt = !try->is_effective,
                                .failpoint = failpoint};

    watch_attach(try, &patience);
    return patience;
}

char *
try_statement_text(const struct step_try *try, const struct script *script,
                   const struct statement *statement)
{
    char *text = mem_zalloc(statement->size + 1);

    memcpy(text, bundle_script_text(try->order->bundle, script) + statement->offset,
           statement->size);
    return text;
}

/* A migration may have let go of the session's lock: that is not undone by a rollback. */
static const char roll_back[] =
    "ROLLBACK; DEALLOCATE ALL; SELECT pg_try_advisory_lock(" SCHEMA_LOCK_KEY ")";

enum roll_back_answer { ROLL_BACK_LOCK = 2 };

void
try_roll_back(struct step_try *try)
{
    struct sitting *sitting = try->sitting;
    /* Also when we are asked to stop: it is the quickest way to let go. */
    struct patience patience = {.deadline_ms = clock_now_ms() + ROLLBACK_MS};

    if (!sitting->connection) {
        return;
    }
    if (!connection_run(sitting->connection, roll_back, &patience)) {
        sitting_drop(sitting);
    } else if (connection_cell(sitting->connection, ROLL_BACK_LOCK, 0, 0)[0] != 't') {
        sitting->has_lock = false;
        sitting->has_read = false;
    }
}

static void
append_setting(struct connection *connection, const char *name, const char *value, bool is_local,
               struct text *sql)
{
    text_format(sql, ", set_config('%s', ", name);
    connection_literal(connection, sql, value);
    text_append(sql, is_local ? ", true)" : ", false)");
}

void
try_append_settings(const struct step_try *try, bool is_local, struct text *sql)
{
    const struct target_config *config = &try->sitting->config;
    struct connection *connection = try->sitting->connection;
    char number[24];

    snprintf(number, sizeof number, "%" PRIu64, try->lock_timeout_ms);
    append_setting(connection, "lock_timeout", number, is_local, sql);
    if (try->statement_timeout_ms) {
        snprintf(number, sizeof number, "%" PRIu64, try->statement_timeout_ms);
        append_setting(connection, "statement_timeout", number, is_local, sql);
    }
    if (config->search_path) {
        append_setting(connection, "search_path", config->search_path, is_local, sql);
    }
    if (config->role) {
        append_setting(connection, "role", config->role, is_local, sql);
    }
}

void
try_follow(struct step_try *try)
{
    struct sitting *sitting = try->sitting;
    struct journal_row row = journal_row_of(try->order);
    struct applied applied = {.version = row.version,
                              .step_id = row.step_id,
                              .journal_number = sitting->facts.journal_count};
    bool was_good = sitting->chain.applied_sum == sitting->applied_sum;

    sitting_take_possession(sitting, &try->order->cluster_id);
    memcpy(applied.checksum, row.checksum, CHECKSUM_SIZE);
    if (row.direction == DIRECTION_DOWN || row.is_repeatable) {
        sitting_remove_applied(sitting, row.version);
    }
    if (row.direction == DIRECTION_UP) {
        sitting_add_applied(sitting, &applied);
    }
    if (was_good) {
        sitting->chain.applied_sum = sitting->applied_sum;
    }
}
