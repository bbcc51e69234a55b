#include "agent/execute/blockers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/look.h"

#define LOOK_MS 2000

enum blocker_column { BLOCKER_PID, BLOCKER_NAME, BLOCKER_STATE, BLOCKER_SINCE };

static const char question[] =
    "SELECT a.pid, coalesce(nullif(a.application_name, ''), a.backend_type), a.state, "
    "to_char(a.query_start, 'YYYY-MM-DD HH24:MI:SS')"
    " FROM (SELECT DISTINCT unnest(pg_blocking_pids(%d)) AS pid) b JOIN pg_stat_activity a"
    " USING (pid) ORDER BY a.query_start LIMIT 3;"
    "SELECT relation::bigint, mode FROM pg_locks WHERE pid = %d AND NOT granted AND locktype ="
    " 'relation'";

static void
write_names(const struct connection *connection, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < connection_row_count(connection, 0) && used < size; i++) {
        const char *state = connection_cell(connection, 0, i, BLOCKER_STATE);
        const char *since = connection_cell(connection, 0, i, BLOCKER_SINCE);
        used += (size_t)snprintf(out + used, size - used, "%spid %s (%s, %s, query since %s)",
                                 i ? ", " : "", connection_cell(connection, 0, i, BLOCKER_PID),
                                 connection_cell(connection, 0, i, BLOCKER_NAME),
                                 state ? state : "state hidden", since ? since : "a hidden time");
    }
    text_mend_utf8(out);
}

static void
learn(const struct connection *connection, struct look *look, size_t statement)
{
    if (connection_row_count(connection, 1) == 1) {
        look_learn(look, strtoull(connection_cell(connection, 1, 0, 0), NULL, 10),
                   look_lock_named(connection_cell(connection, 1, 0, 1)), statement);
    }
}

void
blockers_name(struct sitting *sitting, struct look *look, size_t statement, char *out, size_t size)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = {.deadline_ms = clock_now_ms() + LOOK_MS, .heeds_interrupt = true};
    struct connection *second = sitting->watcher;

    text_format(&sql, question, sitting->backend.pid, sitting->backend.pid);
    if (second && connection_run(second, text_of(&sql), &patience)) {
        if (connection_row_count(second, 0)) {
            write_names(second, out, size);
        }
        learn(second, look, statement);
    }
}
