#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/chain.h"
#include "agent/execute/journal.h"

#define LOCK_WAIT_MS 30000

/*
 * Accepting a history that somebody has changed: nothing in it is put right, but rows are added
 * that say what it is from now on. The first of them is where the chain is looked at from.
 */

/* A row for a migration that the journal and skein.migration do not agree upon: the latter counts.
 */
static void
append_row(struct sitting *sitting, size_t apart, const char *reason, struct text *sql)
{
    struct connection *connection = sitting->connection;
    bool is_applied = connection_is_true(connection, 0, apart, APART_IS_APPLIED);
    struct outcome outcome = {.kind = OUTCOME_DONE};
    struct journal_row row = {
        .step_id = id_random(),
        .attempt = 1,
        .version = connection_cell(connection, 0, apart, APART_VERSION),
        .name = connection_cell(connection, 0, apart, APART_NAME),
        .direction = is_applied ? DIRECTION_UP : DIRECTION_DOWN,
        .state = JOURNAL_DONE,
        .cursor = reason,
        .outcome = &outcome,
    };
    char id[ID_TEXT_SIZE];

    connection_cell_bytes(connection, 0, apart, APART_CHECKSUM, row.checksum, CHECKSUM_SIZE);
    journal_insert(sitting, &row, sql);
    sitting_advance(sitting, row.hash);
    if (is_applied) {
        text_format(sql,
                    "UPDATE skein.migration SET journal_number = %" PRIu64 ", step_id = '%s'"
                    " WHERE version = ",
                    row.number, id_text(&row.step_id, id));
        connection_literal(connection, sql, row.version);
        text_append(sql, ";");
    }
}

static bool
write_down(struct sitting *sitting, const char *reason, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0}, word = {0};
    struct connection *connection = sitting->connection;
    struct patience patience = sitting_patience();

    if (!connection_run(connection, chain_apart, &patience)) {
        return sitting_query_failed(sitting, "cannot read the history", error);
    }
    text_format(&word, CHAIN_ACCEPTED "%s", reason);
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;");
    journal_append_word(sitting, text_of(&word), &sql);
    for (size_t i = 0; i < connection_row_count(connection, 0); i++) {
        append_row(sitting, i, text_of(&word), &sql);
    }
    text_append(&sql, "COMMIT");
    return connection_run(connection, text_of(&sql), &patience) ||
           sitting_query_failed(sitting, "cannot write down that it is accepted", error);
}

bool
sitting_accept(struct sitting *sitting, const char *reason, struct error *accepted,
               struct error *error)
{
    *accepted = (struct error){0};
    if (!sitting_attend_anyhow(sitting, clock_now_ms() + LOCK_WAIT_MS, error)) {
        return false;
    }
    if (chain_check(sitting, true, accepted)) {
        return true;
    }
    if (!error_is(accepted, "E-HIST-TAMPERED")) {
        *error = *accepted;
        return false;
    }
    bool is_written = sitting_attend_anyhow(sitting, clock_now_ms() + LOCK_WAIT_MS, error) &&
                      write_down(sitting, reason, error);
    sitting_close(sitting);
    sitting_forget_head(sitting);
    return is_written && sitting_look(sitting, true, error) && chain_check(sitting, true, error);
}
