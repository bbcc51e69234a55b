#include "agent/execute/lock.h"

#include <stdio.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/postgres/schema.h"

#define ORPHAN_GRACE_MS 5000 /* within it the server notices by itself that its client is gone */
#define SAY_AFTER_MS 2000

enum holder_column { HOLDER_PID, HOLDER_START, HOLDER_NAME, HOLDER_SINCE };

static const char try_and_look[] =
    "SELECT pg_try_advisory_lock(" SCHEMA_LOCK_KEY ");"
    "SELECT a.pid, a.backend_start, a.application_name,"
    " to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS')"
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
    " AND l.database = a.datid AND l.classid = " SCHEMA_LOCK_CLASS
    " AND l.objid = " SCHEMA_LOCK_OBJECT " AND a.pid <> pg_backend_pid() LIMIT 1";

/* Whether the holder is the very backend whose connection this sitting has lost. */
static bool
is_our_orphan(const struct sitting *sitting)
{
    const struct connection *connection = sitting->connection;
    const char *start = connection_cell(connection, 1, 0, HOLDER_START);
    char pid[16];

    snprintf(pid, sizeof pid, "%d", sitting->lost.pid);
    return sitting->lost.lost_ms && start && strcmp(start, sitting->lost.start) == 0 &&
           strcmp(connection_cell(connection, 1, 0, HOLDER_PID), pid) == 0;
}

static bool
end_orphan(struct sitting *sitting, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    text_format(&sql,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %d"
                " AND backend_start::text = '%s' AND application_name = ",
                sitting->lost.pid, sitting->lost.start);
    connection_literal(sitting->connection, &sql, sitting->application_name);
    log_warn("target %s: ending backend %d, which outlived its connection", sitting->config.name,
             sitting->lost.pid);
    return connection_run(sitting->connection, text_of(&sql), &patience) ||
           sitting_query_failed(sitting, "cannot end the backend that was left behind", error);
}

static void
name_holder(const struct sitting *sitting, char *holder, size_t size)
{
    const struct connection *connection = sitting->connection;

    if (connection_row_count(connection, 1) == 0) {
        return; /* it has just let go */
    }
    const char *name = connection_cell(connection, 1, 0, HOLDER_NAME);
    const char *since = connection_cell(connection, 1, 0, HOLDER_SINCE);
    snprintf(holder, size, "pid %s (%s), connected since %s",
             connection_cell(connection, 1, 0, HOLDER_PID), name ? name : "",
             since ? since : "some time");
}

bool
lock_wait(struct sitting *sitting, int64_t deadline_ms, struct error *error)
{
    struct backoff backoff = {.first_ms = 10, .most_ms = 250};
    int64_t began_ms = clock_now_ms();
    bool is_said = false;
    char holder[200] = "";

    for (;;) {
        struct patience patience = sitting_patience();
        if (!connection_run(sitting->connection, try_and_look, &patience)) {
            return sitting_query_failed(sitting, "cannot ask for the target's lock", error);
        }
        if (connection_is_true(sitting->connection, 0, 0, 0)) {
            sitting->has_lock = true;
            return true;
        }
        int64_t now_ms = clock_now_ms();
        name_holder(sitting, holder, sizeof holder);
        if (!is_said && now_ms - began_ms >= SAY_AFTER_MS) {
            is_said = true;
            log_info("target %s: waiting for the lock that %s holds", sitting->config.name, holder);
        }
        bool is_orphan = connection_row_count(sitting->connection, 1) && is_our_orphan(sitting);
        if (is_orphan && now_ms - sitting->lost.lost_ms >= ORPHAN_GRACE_MS &&
            !end_orphan(sitting, error)) {
            return false;
        }
        if (deadline_ms && now_ms >= deadline_ms) {
            error_set(error, "E-DB-BUSY", "somebody else works on this target");
            error_found(error, "%s", holder);
            return error_where(error, "%s", connection_place(sitting->connection));
        }
        if (!interrupt_sleep(sitting->interrupt, backoff_next_ms(&backoff, &sitting->random))) {
            return error_set(error, "E-STOPPED", "stopped while waiting for the target's lock");
        }
    }
}
