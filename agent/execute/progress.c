#include "agent/execute/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum progress_column { PROGRESS_WHAT, PROGRESS_PHASE, PROGRESS_DONE, PROGRESS_TOTAL, PROGRESS_PID };

static const char question[] =
    "SELECT lower(command), phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done"
    " END, CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END, current_locker_pid"
    " FROM pg_stat_progress_create_index WHERE pid = %d UNION ALL SELECT 'vacuum', phase,"
    " heap_blks_scanned, heap_blks_total, NULL FROM pg_stat_progress_vacuum WHERE pid = %d"
    " UNION ALL SELECT lower(command), phase, heap_blks_scanned, heap_blks_total, NULL FROM"
    " pg_stat_progress_cluster WHERE pid = %d";

static const char question_of_copy[] =
    " UNION ALL SELECT 'copy', 'copying', bytes_processed, bytes_total, NULL FROM"
    " pg_stat_progress_copy WHERE pid = %d";

void
progress_append(struct text *sql, int pid, int server_version)
{
    text_format(sql, question, pid, pid, pid);
    if (server_version >= 140000) {
        text_format(sql, question_of_copy, pid);
    }
}

/* By the rate since this phase was first seen; 0: not known. */
static uint64_t
time_left_ms(const struct progress_memory *memory, uint64_t done, uint64_t total, int64_t now_ms)
{
    uint64_t gained = done > memory->done_then ? done - memory->done_then : 0;
    uint64_t passed_ms = (uint64_t)(now_ms - memory->since_ms);

    if (!gained || passed_ms < 500 || done >= total) {
        return 0;
    }
    return (uint64_t)((double)passed_ms * (double)(total - done) / (double)gained);
}

static void
append_left(struct text *text, uint64_t left_ms)
{
    uint64_t seconds = left_ms / 1000 + 1;

    if (!left_ms) {
        return;
    }
    if (seconds < 100) {
        text_format(text, ", about %" PRIu64 " s left", seconds);
    } else if (seconds < 6000) {
        text_format(text, ", about %" PRIu64 " min left", seconds / 60 + 1);
    } else {
        text_format(text, ", about %" PRIu64 " h left", seconds / 3600 + 1);
    }
}

bool
progress_read(struct progress_memory *memory, const struct connection *connection, size_t answer,
              int64_t now_ms, char *out, size_t size)
{
    struct text text = {0};

    if (connection_row_count(connection, answer) == 0) {
        return false;
    }
    const char *what = connection_cell(connection, answer, 0, PROGRESS_WHAT);
    const char *phase = connection_cell(connection, answer, 0, PROGRESS_PHASE);
    uint64_t done = connection_number(connection, answer, 0, PROGRESS_DONE);
    uint64_t total = connection_number(connection, answer, 0, PROGRESS_TOTAL);
    uint64_t locker = connection_number(connection, answer, 0, PROGRESS_PID);
    if (strncmp(memory->phase, phase ? phase : "", sizeof memory->phase - 1) != 0 ||
        done < memory->done_then) {
        snprintf(memory->phase, sizeof memory->phase, "%s", phase ? phase : "");
        memory->since_ms = now_ms;
        memory->done_then = done;
    }
    text_format(&text, "%s: %s", what ? what : "", phase ? phase : "");
    if (locker) {
        text_format(&text, ", for pid %" PRIu64, locker);
    } else if (total) {
        text_format(&text, ", %" PRIu64 " %%", done >= total ? 100 : done * 100 / total);
        append_left(&text, time_left_ms(memory, done, total, now_ms));
    }
    snprintf(out, size, "%s", text_of(&text));
    text_release(&text);
    return true;
}
