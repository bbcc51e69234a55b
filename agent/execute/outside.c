#include "agent/execute/outside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "agent/execute/concurrently.h"
#include "agent/execute/index.h"
#include "agent/execute/intent.h"
#include "agent/execute/observation.h"

/* What an intent's cursor begins with; what is needed to look at it again follows. */
#define REINDEX "reindex " /* SCOPE name;oid,oid: those half-made ones that were there before */
#define DETACH "detach "   /* parent;partition, by their full names */
#define REPEAT "repeat"
#define VERIFY "verify " /* the query */
#define SOMEBODY_MS 200

bool
outside_is_cursor(const char *cursor)
{
    return text_starts_with(cursor, REINDEX) || text_starts_with(cursor, DETACH) ||
           text_starts_with(cursor, REPEAT) || text_starts_with(cursor, VERIFY);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool
ask(struct sitting *sitting, const struct text *sql, const char *what, struct error *error)
{
    struct patience patience = sitting_patience();

    patience.heeds_interrupt = false;
    return connection_run(sitting->connection, text_of(sql), &patience) ||
           sitting_query_failed(sitting, what, error);
}

static enum try_end
ask_failed(struct step_try *try)
{
    try->is_retryable = true;
    return sitting_is_transient(&try->error) ? TRY_LOST : TRY_FAILED;
}

/* One statement of ours, in autocommit, with the session as the migration wants it. */
static bool
command(struct step_try *try, const char *sql, struct error *error)
{
    struct patience patience = {.deadline_ms = try->deadline_ms, .heeds_interrupt = true};
    struct command_end done;

    FAILPOINT("execute.before-repair");
    if (!connection_command(try->sitting->connection, sql, &patience, &done)) {
        return sitting_query_failed(try->sitting, "cannot clear away what was left", error);
    }
    FAILPOINT("execute.after-repair");
    return true;
}

/* ---- REINDEX CONCURRENTLY -------------------------------------------------------------------- */

/* PostgreSQL's names of what it is making, and of what is to go. */
static const char half_made[] =
    "SELECT format('%I.%I', n.nspname, c.relname), c.oid::bigint, EXISTS (SELECT FROM"
    " pg_stat_progress_create_index p WHERE p.relid = i.indrelid) FROM pg_index i JOIN pg_class c"
    " ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid"
    " AND c.relname ~ '_cc(new|old)[0-9]*$'";

/* Only what the statement is about: `what` is "SCOPE name". */
static void
append_scope(struct connection *connection, const char *what, struct text *sql)
{
    const char *name = strchr(what, ' ') + 1;

    if (text_starts_with(what, "INDEX ")) {
        text_append(sql, " AND i.indrelid IN (SELECT indrelid FROM pg_index WHERE indexrelid IN"
                         " (SELECT relid FROM pg_partition_tree(to_regclass(");
        connection_literal(connection, sql, name);
        text_append(sql, ")) UNION SELECT to_regclass(");
        connection_literal(connection, sql, name);
        text_append(sql, ")))");
    } else if (text_starts_with(what, "TABLE ")) {
        text_append(sql, " AND i.indrelid IN (SELECT relid FROM pg_partition_tree(to_regclass(");
        connection_literal(connection, sql, name);
        text_append(sql, ")) UNION SELECT to_regclass(");
        connection_literal(connection, sql, name);
        text_append(sql, ") UNION SELECT reltoastrelid FROM pg_class WHERE oid = to_regclass(");
        connection_literal(connection, sql, name);
        text_append(sql, "))");
    } else if (text_starts_with(what, "SCHEMA ")) {
        text_append(sql, " AND quote_ident(n.nspname) = ");
        connection_literal(connection, sql, name);
    }
}

/* Whether an oid stands in "1,2,3". */
static bool
is_listed(const char *oids, const char *oid)
{
    size_t size = strlen(oid);

    for (const char *at = oids; (at = strstr(at, oid)); at += size) {
        bool begins = at == oids || at[-1] == ',';
        if (begins && (at[size] == ',' || !at[size])) {
            return true;
        }
    }
    return false;
}

/* The oids of those that are there, with a comma between. */
static bool
list_half_made(struct sitting *sitting, const char *what, struct text *oids, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};

    text_append(&sql, half_made);
    append_scope(sitting->connection, what, &sql);
    text_append(oids, "");
    if (!ask(sitting, &sql, "cannot look for half-made indexes", error)) {
        return false;
    }
    for (size_t i = 0; i < connection_row_count(sitting->connection, 0); i++) {
        text_format(oids, "%s%s", i ? "," : "", connection_cell(sitting->connection, 0, i, 1));
    }
    return true;
}

/* The first that is not among those; *name stays empty when there is none. */
static bool
find_half_made(struct sitting *sitting, const char *what, const char *before, char *name,
               size_t size, bool *is_building, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = sitting->connection;

    text_append(&sql, half_made);
    append_scope(connection, what, &sql);
    name[0] = '\0';
    if (!ask(sitting, &sql, "cannot look for half-made indexes", error)) {
        return false;
    }
    for (size_t i = 0; i < connection_row_count(connection, 0) && !name[0]; i++) {
        if (!is_listed(before, connection_cell(connection, 0, i, 1))) {
            snprintf(name, size, "%s", connection_cell(connection, 0, i, 0));
            *is_building = connection_is_true(connection, 0, i, 2);
        }
    }
    return true;
}

/* `cursor` behind its mark: "SCOPE name;oid,oid". All that has come since goes. */
static bool
drop_half_made(struct sitting *sitting, const char *cursor, struct error *error)
{
    CLEANUP(mem_free) char *what = mem_text(cursor);
    char *before = strrchr(what, ';');
    char name[300];
    bool is_building = false;

    if (!before) {
        return true;
    }
    *before++ = '\0';
    for (;;) {
        if (!find_half_made(sitting, what, before, name, sizeof name, &is_building, error)) {
            return false;
        }
        if (!name[0]) {
            return true;
        }
        if (is_building) {
            if (!interrupt_sleep(sitting->interrupt, SOMEBODY_MS)) {
                return error_set(error, "E-STOPPED", "stopped while somebody else builds it");
            }
            continue;
        }
        log_info("target %s: dropping the half-made index %s", sitting->config.name, name);
        FAILPOINT("execute.before-repair");
        if (!index_drop(sitting, name, error)) {
            return false;
        }
        FAILPOINT("execute.after-repair");
    }
}

/* ---- DETACH PARTITION CONCURRENTLY ----------------------------------------------------------- */

enum detach_state { DETACH_ATTACHED, DETACH_PENDING, DETACH_GONE };

struct detach {
    char parent[300], partition[300]; /* full names, quoted; empty: not there at all */
    enum detach_state state;
};

static bool
look_at_partition(struct sitting *sitting, const char *parent, const char *partition,
                  struct detach *detach, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = sitting->connection;
    bool knows_pending = connection_server_version(connection) >= 140000;

    *detach = (struct detach){.state = DETACH_GONE};
    text_format(&sql,
                "SELECT format('%%I.%%I', pn.nspname, p.relname), format('%%I.%%I', n.nspname,"
                " c.relname), i.inhrelid IS NOT NULL, %s FROM pg_class p JOIN pg_namespace pn ON"
                " pn.oid = p.relnamespace CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid ="
                " c.relnamespace LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent ="
                " p.oid WHERE p.oid = to_regclass(",
                knows_pending ? "coalesce(i.inhdetachpending, false)" : "false");
    connection_literal(connection, &sql, parent);
    text_append(&sql, ") AND c.oid = to_regclass(");
    connection_literal(connection, &sql, partition);
    text_append(&sql, ")");
    if (!ask(sitting, &sql, "cannot look at the partition", error)) {
        return false;
    }
    if (connection_row_count(connection, 0) == 1) {
        bool is_attached = connection_is_true(connection, 0, 0, 2);
        bool is_pending = connection_is_true(connection, 0, 0, 3);
        snprintf(detach->parent, sizeof detach->parent, "%s", connection_cell(connection, 0, 0, 0));
        snprintf(detach->partition, sizeof detach->partition, "%s",
                 connection_cell(connection, 0, 0, 1));
        detach->state = is_pending ? DETACH_PENDING : is_attached ? DETACH_ATTACHED : DETACH_GONE;
    }
    return true;
}

static bool
finalize(struct step_try *try, const struct detach *detach, struct error *error)
{
    CLEANUP(mem_free)
    char *sql = mem_format("ALTER TABLE %s DETACH PARTITION %s FINALIZE", detach->parent,
                           detach->partition);

    log_info("target %s: bringing the detachment of %s to its end", try->sitting->config.name,
             detach->partition);
    return command(try, sql, error);
}

/* ---- what its author tells ------------------------------------------------------------------- */

static bool
is_verified(struct sitting *sitting, const char *query, bool *is_done, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = sitting->connection;

    /* It may only look: a check that changes something would have done it twice by now. */
    text_format(&sql, "BEGIN READ ONLY; %s; COMMIT", query);
    if (!ask(sitting, &sql, "the statement's verify query failed", error)) {
        struct patience patience = sitting_patience();
        if (sitting->connection && !connection_run(connection, "ROLLBACK", &patience)) {
            sitting_drop(sitting);
        }
        return false;
    }
    const char *cell =
        connection_row_count(connection, 1) ? connection_cell(connection, 1, 0, 0) : NULL;
    *is_done = cell && cell[0] == 't';
    return true;
}

/* ---- before, and after ----------------------------------------------------------------------- */

/* What is known of the statement before it runs. */
struct outlook {
    bool is_done; /* there is nothing to do */
    char *cursor; /* of the intent; owned */
};

static void
outlook_release(struct outlook *outlook)
{
    free(outlook->cursor);
}

static bool
look_reindex(struct step_try *try, const struct statement *statement, const char *intent,
             struct outlook *outlook)
{
    CLEANUP(text_release) struct text oids = {0};
    CLEANUP(mem_free) char *what = mem_format("%s %s", statement->scope, statement->object);

    if (intent && !drop_half_made(try->sitting, intent + strlen(REINDEX), &try->error)) {
        return false;
    }
    if (intent) {
        outlook->cursor = mem_text(intent);
        return true;
    }
    if (!list_half_made(try->sitting, what, &oids, &try->error)) {
        return false;
    }
    outlook->cursor = mem_format(REINDEX "%s;%s", what, text_of(&oids));
    return true;
}

static bool
look_detach(struct step_try *try, const struct statement *statement, const char *intent,
            struct outlook *outlook)
{
    struct detach detach;

    if (!look_at_partition(try->sitting, statement->table, statement->object, &detach,
                           &try->error)) {
        return false;
    }
    /* Pending: ours, or somebody else's; to bring it to its end is what is wanted in any case. */
    if (detach.state == DETACH_PENDING && !finalize(try, &detach, &try->error)) {
        return false;
    }
    outlook->is_done = detach.state == DETACH_PENDING || (intent && detach.state == DETACH_GONE);
    outlook->cursor = mem_format(DETACH "%s;%s", detach.parent, detach.partition);
    return true;
}

static bool
look_verified(struct step_try *try, const struct statement *statement, const char *intent,
              struct outlook *outlook)
{
    if (!is_verified(try->sitting, statement->verify, &outlook->is_done, &try->error)) {
        return false;
    }
    outlook->cursor = mem_format(VERIFY "%s", statement->verify);
    return outlook->is_done || !intent || !statement->cleanup ||
           command(try, statement->cleanup, &try->error);
}

/* `intent`: the cursor of the one that was written for it before; null when there is none. */
static bool
look(struct step_try *try, const struct statement *statement, const char *intent,
     struct outlook *outlook)
{
    switch (statement->kind) {
    case STATEMENT_REINDEX_CONCURRENTLY:
        return look_reindex(try, statement, intent, outlook);
    case STATEMENT_DETACH_CONCURRENTLY:
        return look_detach(try, statement, intent, outlook);
    case STATEMENT_VERIFIED:
        return look_verified(try, statement, intent, outlook);
    default:
        outlook->cursor = mem_text(REPEAT);
        return true;
    }
}

/*
 * It has failed. What it has left behind is cleared away, or, when there is no way back, brought to
 * its end: true, it is done after all.
 */
static bool
is_done_after_all(struct step_try *try, const struct statement *statement, const char *cursor,
                  enum try_end *end)
{
    struct error error = {0};
    struct detach detach;

    if (*end == TRY_LOST) {
        return false;
    }
    if (statement->kind == STATEMENT_DETACH_CONCURRENTLY) {
        if (!look_at_partition(try->sitting, statement->table, statement->object, &detach,
                               &error)) {
            *end = TRY_LOST;
            return false;
        }
        if (detach.state == DETACH_PENDING && *end != TRY_CANCELLED &&
            finalize(try, &detach, &error)) {
            return true;
        }
        if (detach.state == DETACH_PENDING) {
            error_found(&try->error, "%s is half detached; another try brings that to its end",
                        detach.partition);
        }
    } else if (statement->kind == STATEMENT_REINDEX_CONCURRENTLY &&
               !drop_half_made(try->sitting, cursor + strlen(REINDEX), &error)) {
        error_found(&try->error, "INVALID indexes are left; another try removes them");
    }
    if (!try->sitting->connection) {
        *end = TRY_LOST;
    }
    return false;
}

static bool
run(struct step_try *try, const struct statement *statement, const char *cursor, enum try_end *end)
{
    CLEANUP(mem_free) char *text = try_statement_text(try, try->script, statement);
    struct patience patience = try_patience(try, "execute.concurrent-sent");
    struct command_end done = {.tag = ""};
    int64_t began_us = clock_now_us();

    FAILPOINT("execute.before-concurrent");
    if (!connection_command(try->sitting->connection, text, &patience, &done)) {
        *end = try_statement_failed(try, try->script, statement);
        if (!is_done_after_all(try, statement, cursor, end)) {
            return false;
        }
    }
    FAILPOINT("execute.after-concurrent");
    try_note_statement(try, statement, &done, clock_now_us() - began_us);
    observation_end_statement(try);
    return true;
}

/* PostgreSQL said that it worked; its author's query has the last word. */
static bool
check(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    bool is_done = true;

    if (statement->kind != STATEMENT_VERIFIED) {
        return true;
    }
    if (!is_verified(try->sitting, statement->verify, &is_done, &try->error)) {
        *end = ask_failed(try);
        return false;
    }
    if (!is_done) {
        *end = try_fail(try, "E-MIG-VERIFY", "the statement's verify query does not say true");
        error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, try->script->path, statement->line,
                    statement->column);
        error_hint(&try->error, "the statement does not do what its annotation says");
    }
    return is_done;
}

bool
outside_carry_out(struct step_try *try, const struct statement *statement, enum try_end *end)
{
    CLEANUP(outlook_release) struct outlook outlook = {0};
    const char *intent = NULL;
    struct command_end done = {.tag = ""};

    if (!concurrently_leave(try) || !intent_find(try, &intent)) {
        *end = try_query_failed(try, "cannot read the journal");
        return false;
    }
    if (!concurrently_enter(try)) {
        *end = try_query_failed(try, "cannot take the role and search_path");
        return false;
    }
    if (!look(try, statement, intent, &outlook)) {
        *end = ask_failed(try);
        return false;
    }
    if (outlook.is_done) {
        try_note_statement(try, statement, &done, 0);
        return true;
    }
    /* Only now: what an earlier try has left half made is cleared away by all means. */
    if (interrupt_is_raised(try->sitting->interrupt)) {
        *end = TRY_CANCELLED;
        return false;
    }
    if (!concurrently_leave(try)) {
        *end = try_query_failed(try, "cannot let go of the role and search_path");
        return false;
    }
    if (!concurrently_write_intent(try, outlook.cursor, end)) {
        return false;
    }
    if (!concurrently_enter(try)) {
        *end = try_query_failed(try, "cannot take the role and search_path");
        return false;
    }
    return run(try, statement, outlook.cursor, end) && check(try, statement, end);
}

/* ---- after a crash --------------------------------------------------------------------------- */

static bool
settle_detach(struct step_try *try, const char *names, bool *is_effective, struct error *error)
{
    CLEANUP(mem_free) char *parent = mem_text(names);
    char *partition = strrchr(parent, ';');
    struct detach detach;

    if (!partition) {
        return true;
    }
    *partition++ = '\0';
    if (!look_at_partition(try->sitting, parent, partition, &detach, error) ||
        (detach.state == DETACH_PENDING && !finalize(try, &detach, error))) {
        return false;
    }
    *is_effective = detach.state != DETACH_ATTACHED;
    return true;
}

bool
outside_settle(struct step_try *try, const char *cursor, bool *is_effective, struct error *error)
{
    *is_effective = false;
    if (!concurrently_enter(try)) {
        return sitting_query_failed(try->sitting, "cannot settle", error);
    }
    bool succeeded = true;
    if (text_starts_with(cursor, REINDEX)) {
        succeeded = drop_half_made(try->sitting, cursor + strlen(REINDEX), error);
    } else if (text_starts_with(cursor, DETACH)) {
        succeeded = settle_detach(try, cursor + strlen(DETACH), is_effective, error);
    } else if (text_starts_with(cursor, VERIFY)) {
        succeeded = is_verified(try->sitting, cursor + strlen(VERIFY), is_effective, error);
    }
    if (!try->sitting->connection) {
        return succeeded;
    }
    bool has_left = concurrently_leave(try);
    return succeeded && (has_left || sitting_query_failed(try->sitting, "cannot settle", error));
}
