#include "coordinator/shell/store.h"

#include <stdlib.h>

#include "common/base/failpoint.h"
#include "common/base/log.h"

#include "coordinator/shell/store_private.h"

#define DOUBTS_LOGGED 20

/* ---- failures ------------------------------------------------------------------------------ */

static const char *
code_of(int status)
{
    switch (status & 0xff) {
    case SQLITE_FULL:
        return "E-STORE-FULL";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "E-STORE-BUSY";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "E-STORE-CORRUPT";
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return "E-STORE-PERM";
    case SQLITE_IOERR:
        /* The shared-memory file is the one that is made longer without writing to it. */
        return status == SQLITE_IOERR_SHMSIZE ? "E-STORE-FULL" : "E-STORE-IO";
    default:
        return "E-STORE-SQL";
    }
}

bool
store_fail(const struct store *store, int status, const char *trying, struct error *error)
{
    error_set(error, code_of(status), "cannot %s: %s (%d)", trying, sqlite3_errstr(status & 0xff),
              status);
    if (store->database) {
        error_found(error, "%s", sqlite3_errmsg(store->database));
    }
    return error_where(error, "%s", store->path);
}

bool
store_error_passes(const struct error *error)
{
    return error_is(error, "E-STORE-FULL") || error_is(error, "E-STORE-BUSY");
}

bool
store_tolerates(struct store *store, const struct error *error)
{
    const char *found = error->found[0] ? error->found : error->where;

    if (!store->inspects) {
        return false;
    }
    if (store->doubt_count++ == 0) {
        store->doubt = *error;
    }
    if (store->doubt_count <= DOUBTS_LOGGED) {
        log_warn("%s: %s: %s", error->code, error->text, found);
    }
    return true;
}

const struct error *
store_doubt(const struct store *store)
{
    return store->doubt_count ? &store->doubt : NULL;
}

/* ---- statements ---------------------------------------------------------------------------- */

bool
store_run(struct store *store, sqlite3_stmt *statement, const char *trying, struct error *error)
{
    int status = sqlite3_step(statement);

    sqlite3_reset(statement);
    if (status != SQLITE_DONE) {
        return store_fail(store, status, trying, error);
    }
    return true;
}

/* ---- closing ------------------------------------------------------------------------------- */

void
store_close(struct store **store_p)
{
    struct store *store = *store_p;

    if (!store) {
        return;
    }
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(store->queries[i]);
    }
    for (size_t i = 0; i < RECORD_KIND_COUNT; i++) {
        sqlite3_finalize(store->saves[i]);
    }
    sqlite3_close(store->database);
    store_unlock(store);
    text_release(&store->packed);
    free(store->path);
    free(store);
    *store_p = NULL;
}

struct id
store_cluster_id(const struct store *store)
{
    return store->cluster_id;
}

uint64_t
store_epoch(const struct store *store)
{
    return store->epoch;
}

/* ---- a turn -------------------------------------------------------------------------------- */

static bool
run_query(struct store *store, enum store_query query, const char *trying, struct error *error)
{
    sqlite3_stmt *statement = store_query(store, query, error);

    return statement && store_run(store, statement, trying, error);
}

bool
store_begin(struct store *store, struct error *error)
{
    return run_query(store, QUERY_BEGIN, "begin a transaction", error);
}

bool
store_save(struct store *store, const struct record *record, struct error *error)
{
    sqlite3_stmt *statement = store->saves[record->kind];

    return store_bind(store, statement, record, error) &&
           store_run(store, statement, "save a record", error);
}

bool
store_commit(struct store *store, struct error *error)
{
    FAILPOINT("store-commit");
    return run_query(store, QUERY_COMMIT, "commit", error);
}

void
store_rollback(struct store *store)
{
    struct error ignored;

    /* Some failures have rolled back already. */
    if (!sqlite3_get_autocommit(store->database)) {
        (void)run_query(store, QUERY_ROLLBACK, "roll back", &ignored);
    }
}
