#include "agent/execute/execute.h"

#include <stdlib.h>
#include <string.h>

#include "agent/execute/chain.h"
#include "agent/execute/histories.h"
#include "agent/execute/sitting.h"

bool
sitting_examine(struct sitting *sitting, struct arena *arena, struct target_facts *facts,
                struct error *error)
{
    /* Who has held the lock since he read it knows it. */
    bool is_fit = sitting_is_current(sitting) ||
                  (sitting_look_anew(sitting, error) && chain_check_now_and_then(sitting, error));

    *facts = sitting->facts;
    if (is_fit && sitting->applied_count) {
        const struct applied *last = &sitting->applied[sitting->applied_count - 1];
        facts->applied_version = arena_text(arena, last->version);
    }
    return is_fit;
}

bool
sitting_survey(struct sitting *sitting, struct arena *arena, struct applied_migration **applied,
               size_t *applied_count, struct error *error)
{
    sitting->no_history_ms = 0; /* a plan is of now */
    if (!sitting_look(sitting, false, error) || !chain_check_now_and_then(sitting, error) ||
        !histories_check_adopted(sitting, NULL, error)) {
        return false;
    }
    sitting_forget_head(sitting); /* what is planned from here on is planned from this */
    *applied_count = sitting->applied_count;
    *applied = arena_alloc(arena, (sitting->applied_count + 1) * sizeof **applied);
    for (size_t i = 0; i < sitting->applied_count; i++) {
        struct applied_migration *row = &(*applied)[i];
        row->version = arena_text(arena, sitting->applied[i].version);
        memcpy(row->checksum, sitting->applied[i].checksum, CHECKSUM_SIZE);
    }
    return true;
}

enum history_column {
    HISTORY_VERSION,
    HISTORY_NAME,
    HISTORY_CHECKSUM,
    HISTORY_TIME_MS,
    HISTORY_DURATION
};

static const char history[] =
    "SELECT m.version, m.name, m.checksum, (extract(epoch FROM m.applied_at) * 1000)::bigint,"
    " j.duration_us FROM skein.migration m LEFT JOIN skein.journal j"
    " ON j.number = m.journal_number ORDER BY m.journal_number";

static bool
read_row(const struct connection *connection, size_t row, struct arena *arena,
         struct applied_migration *applied, struct error *error)
{
    const char *duration = connection_cell(connection, 0, row, HISTORY_DURATION);

    applied->version = arena_text(arena, connection_cell(connection, 0, row, HISTORY_VERSION));
    applied->name = arena_text(arena, connection_cell(connection, 0, row, HISTORY_NAME));
    applied->applied_wall_ms =
        strtoll(connection_cell(connection, 0, row, HISTORY_TIME_MS), NULL, 10);
    applied->duration_us = duration ? strtoull(duration, NULL, 10) : 0;
    return connection_cell_bytes(connection, 0, row, HISTORY_CHECKSUM, applied->checksum,
                                 CHECKSUM_SIZE) ||
           error_set(error, "E-HIST-SHAPE", "skein.migration holds a row that is none");
}

bool
sitting_history(struct sitting *sitting, struct arena *arena, struct applied_migration **applied,
                size_t *applied_count, struct error *error)
{
    struct patience patience = sitting_patience();

    *applied_count = 0;
    *applied = NULL;
    if (!sitting_look(sitting, false, error)) {
        return false;
    }
    if (!sitting->has_schema) {
        return true;
    }
    if (!connection_run(sitting->connection, history, &patience)) {
        return sitting_query_failed(sitting, "cannot read the history", error);
    }
    size_t count = connection_row_count(sitting->connection, 0);
    *applied = arena_alloc(arena, (count + 1) * sizeof **applied);
    for (; *applied_count < count; ++*applied_count) {
        if (!read_row(sitting->connection, *applied_count, arena, &(*applied)[*applied_count],
                      error)) {
            return false;
        }
    }
    return true;
}
