#include "tests/component/sql/observed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define PATIENCE_MS 30000

/*
 * All relations that people make. Within a transaction their scans are counted by the session
 * itself, afterwards by the server. A temporary relation is no one else's business.
 */
#define RELATIONS(counter)                                                                         \
    "SELECT c.oid, n.nspname, c.relname, c.relkind, coalesce(pg_relation_filenode(c.oid), 0),"     \
    " " counter "_numscans(c.oid), " counter "_tuples_returned(c.oid)"                             \
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"                               \
    " WHERE c.relkind IN ('r', 'p', 'i', 'I', 'S', 'v', 'm', 'f')"                                 \
    " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY c.oid"

#define LOCKS                                                                                      \
    "SELECT relation, mode FROM pg_locks WHERE locktype = 'relation' AND pid = %d"                 \
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

static void
give_up(const char *sql, const char *what)
{
    fprintf(stderr, "%s: %s\n", sql, what);
    abort();
}

/* ---- sessions -------------------------------------------------------------------------------- */

static PGconn *
session_new(const struct cluster *cluster, const char *database)
{
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, database, "postgres");
    PGconn *session = PQconnectdb(conninfo);

    if (PQstatus(session) != CONNECTION_OK) {
        give_up(conninfo, PQerrorMessage(session));
    }
    return session;
}

static PGresult *
ask(PGconn *session, const char *sql)
{
    PGresult *result = PQexec(session, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        give_up(sql, PQerrorMessage(session));
    }
    return result;
}

static void
tell(PGconn *session, const char *sql)
{
    PQclear(ask(session, sql));
}

void
observe_tell(const struct cluster *cluster, const char *database, const char *sql)
{
    PGconn *session = session_new(cluster, database);

    tell(session, "SET client_min_messages = error");
    tell(session, sql);
    PQfinish(session);
}

static void
end(PGconn **session)
{
    PQfinish(*session);
}

/* ---- before and after ------------------------------------------------------------------------ */

static long
number(const PGresult *result, int row, int column)
{
    return strtol(PQgetvalue(result, row, column), NULL, 10);
}

static void
look_before(PGconn *session, const char *sql, struct observed *observed)
{
    PGresult *result = ask(session, sql);

    observed->count = (size_t)PQntuples(result);
    observed->relations = mem_zalloc((observed->count + 1) * sizeof *observed->relations);
    for (size_t i = 0; i < observed->count; i++) {
        struct observed_relation *relation = &observed->relations[i];
        int row = (int)i;
        relation->oid = (unsigned)number(result, row, 0);
        snprintf(relation->schema, sizeof relation->schema, "%s", PQgetvalue(result, row, 1));
        snprintf(relation->name, sizeof relation->name, "%s", PQgetvalue(result, row, 2));
        relation->kind = *PQgetvalue(result, row, 3);
        relation->filenode = number(result, row, 4);
        relation->scans = number(result, row, 5);
        relation->tuples = number(result, row, 6);
    }
    PQclear(result);
}

/* The row of the same relation, or of the one that has its name now; -1: there is none. */
static int
find_row(const PGresult *result, const struct observed_relation *relation)
{
    int by_name = -1;

    for (int row = 0; row < PQntuples(result); row++) {
        if ((unsigned)number(result, row, 0) == relation->oid) {
            return row;
        }
        if (strcmp(PQgetvalue(result, row, 1), relation->schema) == 0 &&
            strcmp(PQgetvalue(result, row, 2), relation->name) == 0) {
            by_name = row;
        }
    }
    return by_name;
}

/* An index is read by queries in ways of their own. */
static void
note_scan(struct observed_relation *relation, const PGresult *result, int row)
{
    bool is_table = relation->kind == 'r' || relation->kind == 'm';

    relation->has_begun = is_table && number(result, row, 5) > relation->scans;
    relation->is_scanned = relation->has_begun && number(result, row, 6) > relation->tuples;
}

static void
look_after(PGconn *session, const char *sql, struct observed *observed)
{
    PGresult *result = ask(session, sql);

    for (size_t i = 0; i < observed->count; i++) {
        struct observed_relation *relation = &observed->relations[i];
        int row = find_row(result, relation);
        if (row < 0) {
            continue;
        }
        note_scan(relation, result, row);
        relation->is_rewritten =
            relation->kind != 'S' && number(result, row, 4) != relation->filenode;
    }
    PQclear(result);
}

/* ---- locks ----------------------------------------------------------------------------------- */

static enum lock_mode
mode_of(const char *name)
{
    static const char *const names[LOCK_MODE_COUNT] = {
        [LOCK_NONE] = "",
        [LOCK_ACCESS_SHARE] = "AccessShareLock",
        [LOCK_ROW_SHARE] = "RowShareLock",
        [LOCK_ROW_EXCLUSIVE] = "RowExclusiveLock",
        [LOCK_SHARE_UPDATE_EXCLUSIVE] = "ShareUpdateExclusiveLock",
        [LOCK_SHARE] = "ShareLock",
        [LOCK_SHARE_ROW_EXCLUSIVE] = "ShareRowExclusiveLock",
        [LOCK_EXCLUSIVE] = "ExclusiveLock",
        [LOCK_ACCESS_EXCLUSIVE] = "AccessExclusiveLock",
    };

    for (size_t i = 0; i < LOCK_MODE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum lock_mode)i;
        }
    }
    give_up(name, "no lock mode");
    return LOCK_NONE;
}

/* The locks of a session, granted or awaited, beside those that were seen earlier. */
static void
look_at_locks(PGconn *session, int pid, struct observed *observed)
{
    char sql[512];

    snprintf(sql, sizeof sql, LOCKS, pid);
    PGresult *result = ask(session, sql);
    for (int row = 0; row < PQntuples(result); row++) {
        unsigned oid = (unsigned)number(result, row, 0);
        enum lock_mode mode = mode_of(PQgetvalue(result, row, 1));
        for (size_t i = 0; i < observed->count; i++) {
            struct observed_relation *relation = &observed->relations[i];
            if (relation->oid == oid && mode > relation->lock) {
                relation->lock = mode;
            }
        }
    }
    PQclear(result);
}

/* ---- inside a transaction -------------------------------------------------------------------- */

static void
keep_error(struct observed *observed, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        snprintf(observed->error, sizeof observed->error, "%s", PQresultErrorMessage(result));
    }
}

static void
observe_inside(PGconn *session, const struct kind *kind, struct observed *observed)
{
    tell(session, "BEGIN");
    look_before(session, RELATIONS("pg_stat_get_xact"), observed);
    PGresult *result = PQexec(session, kind->when);
    keep_error(observed, result);
    PQclear(result);
    if (!observed->error[0]) {
        look_after(session, RELATIONS("pg_stat_get_xact"), observed);
        look_at_locks(session, PQbackendPID(session), observed);
    }
    tell(session, "ROLLBACK");
}

/* ---- outside --------------------------------------------------------------------------------- */

static void
rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Until the server says that a session waits for a lock of this other one. */
static void
await_block(PGconn *watcher, int waiting, int blocking)
{
    int64_t end_ms = clock_now_ms() + PATIENCE_MS;
    char sql[128];

    snprintf(sql, sizeof sql, "SELECT %d = ANY (pg_blocking_pids(%d))", blocking, waiting);
    for (;;) {
        PGresult *result = ask(watcher, sql);
        bool is_blocked = *PQgetvalue(result, 0, 0) == 't';
        PQclear(result);
        if (is_blocked) {
            return;
        }
        if (clock_now_ms() > end_ms) {
            give_up(sql, "the statement never waits");
        }
        rest();
    }
}

/*
 * The other sessions hold their locks, each its own; the statement waits for one after the other,
 * and is looked at each time.
 */
static void
observe_outside(const struct cluster *cluster, const char *database, PGconn *session,
                const struct kind *kind, struct observed *observed)
{
    CLEANUP(end) PGconn *watcher = session_new(cluster, database);
    PGconn *others[WHILES_MAX];

    for (size_t i = 0; i < kind->while_count; i++) {
        others[i] = session_new(cluster, database);
        tell(others[i], "BEGIN");
        tell(others[i], kind->whiles[i]);
    }
    look_before(watcher, RELATIONS("pg_stat_get"), observed);
    if (!PQsendQuery(session, kind->when)) {
        give_up(kind->when, PQerrorMessage(session));
    }
    for (size_t i = 0; i < kind->while_count; i++) {
        await_block(watcher, PQbackendPID(session), PQbackendPID(others[i]));
        look_at_locks(watcher, PQbackendPID(session), observed);
        PQfinish(others[i]);
    }
    for (PGresult *result; (result = PQgetResult(session));) {
        keep_error(observed, result);
        PQclear(result);
    }
    tell(session, "SELECT pg_stat_force_next_flush()");
    look_after(watcher, RELATIONS("pg_stat_get"), observed);
}

void
observe(const struct cluster *cluster, const char *database, const struct kind *kind,
        struct observed *observed)
{
    CLEANUP(end) PGconn *session = session_new(cluster, database);

    *observed = (struct observed){0};
    tell(session, "SET client_min_messages = error");
    if (kind->while_count) {
        observe_outside(cluster, database, session, kind, observed);
    } else {
        observe_inside(session, kind, observed);
    }
}

void
observed_release(struct observed *observed)
{
    free(observed->relations);
}
