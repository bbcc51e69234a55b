#include "agent/execute/intent.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/mem.h"

/*
 * The intents of this step, and of earlier ones of the same migration that have had no success
 * since.
 */
static void
append_intents(struct step_try *try, struct text *sql)
{
    struct connection *connection = try->sitting->connection;
    struct journal_row row = journal_row_of(try->order);
    char checksum[2 * CHECKSUM_SIZE + 1];

    text_hex(row.checksum, CHECKSUM_SIZE, checksum);
    text_format(sql,
                " FROM skein.journal WHERE state = 'intent' AND direction = '%s' AND checksum ="
                " '\\x%s' AND version = ",
                row.direction == DIRECTION_UP ? "up" : "down", checksum);
    connection_literal(connection, sql, row.version);
    text_append(sql, " AND number > COALESCE((SELECT max(number) FROM skein.journal"
                     " WHERE state = 'done' AND version = ");
    connection_literal(connection, sql, row.version);
    text_append(sql, "), 0)");
}

static bool
ask_journal(struct step_try *try, const struct text *sql)
{
    struct patience patience = sitting_patience();

    patience.heeds_interrupt = false;
    return connection_run(try->sitting->connection, text_of(sql), &patience);
}

bool
intent_find(struct step_try *try, const char **cursor)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = try->sitting->connection;

    text_append(&sql, "SELECT cursor");
    append_intents(try, &sql);
    text_format(&sql, " AND statement = %" PRIu64 " ORDER BY number LIMIT 1", try->statement);
    if (!ask_journal(try, &sql)) {
        return false;
    }
    bool is_there = connection_row_count(connection, 0) == 1;
    const char *cell = is_there ? connection_cell(connection, 0, 0, 0) : NULL;
    *cursor = is_there ? arena_text(try->arena, cell ? cell : "") : NULL;
    return true;
}

bool
intent_exists(struct step_try *try, bool *found)
{
    const char *cursor;

    if (!intent_find(try, &cursor)) {
        return false;
    }
    *found = cursor != NULL;
    return true;
}

bool
intent_reached(struct step_try *try, uint64_t *statement)
{
    CLEANUP(text_release) struct text sql = {0};

    text_append(&sql, "SELECT COALESCE(max(statement), 0)");
    append_intents(try, &sql);
    if (!ask_journal(try, &sql)) {
        return false;
    }
    *statement = strtoull(connection_cell(try->sitting->connection, 0, 0, 0), NULL, 10);
    return true;
}
