#include "agent/execute/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/mem.h"

#define ERROR_TEXT_MAX 900

static const char *const states[] = {"intent", "done", "failed", "void"};
static const char *const directions[] = {"up", "down"};

/* ---- writing ------------------------------------------------------------------------------- */

/* A field of what is hashed: its size first, so that no two different rows are the same bytes. */
static void
add_field(struct text *content, const void *data, size_t size)
{
    text_format(content, "%zu:", size);
    text_append_bytes(content, data, size);
}

static void
add_text(struct text *content, const char *value)
{
    add_field(content, value ? value : "", value ? strlen(value) : 0);
}

static void
add_number(struct text *content, uint64_t number)
{
    text_format(content, "%" PRIu64 ";", number);
}

/* SHA-256 over all of the row and the hash before it; docs/protocol.md has the layout. */
static void
hash_row(struct journal_row *row, const uint8_t previous[CHECKSUM_SIZE], const struct text *outcome)
{
    CLEANUP(text_release) struct text content = {0};

    text_append(&content, "skein-journal 1;");
    add_number(&content, row->number);
    add_field(&content, row->step_id.bytes, sizeof row->step_id.bytes);
    add_number(&content, row->attempt);
    add_text(&content, row->version);
    add_text(&content, row->name);
    add_field(&content, row->checksum, CHECKSUM_SIZE);
    add_text(&content, directions[row->direction]);
    add_text(&content, states[row->state]);
    add_number(&content, row->statement);
    add_number(&content, row->statement_count);
    add_text(&content, row->cursor);
    add_field(&content, text_of(outcome), outcome->size);
    add_number(&content, (uint64_t)row->recorded_wall_ms);
    add_field(&content, previous, CHECKSUM_SIZE);

    struct digest digest = digest_of(content.data, content.size);
    memcpy(row->hash, digest.bytes, CHECKSUM_SIZE);
}

/* The outcome as it is kept: without its own row's number and hash, which the columns have. */
static void
pack_outcome(const struct outcome *outcome, struct text *packed)
{
    struct outcome kept = *outcome;

    kept.journal_count = 0;
    memset(kept.journal_head, 0, sizeof kept.journal_head);
    pack_encode(&outcome_shape, &kept, packed);
}

static void
add_error(struct connection *connection, const struct outcome *outcome, struct text *sql)
{
    char text[ERROR_TEXT_MAX];

    if (!outcome || outcome->kind != OUTCOME_FAILED) {
        text_append(sql, "NULL, ");
        return;
    }
    snprintf(text, sizeof text, "%s: %s", outcome->fault.code, outcome->fault.text);
    text_mend_utf8(text);
    connection_literal(connection, sql, text);
    text_append(sql, ", ");
}

static void
add_values(struct connection *connection, const struct journal_row *row, struct text *sql)
{
    char id[ID_TEXT_SIZE];

    text_format(sql, "%" PRIu64 ", '%s', %" PRIu64 ", ", row->number, id_text(&row->step_id, id),
                row->attempt);
    connection_literal(connection, sql, row->version);
    text_append(sql, ", ");
    connection_literal(connection, sql, row->name);
    text_append(sql, ", ");
    connection_bytes(connection, sql, row->checksum, CHECKSUM_SIZE);
    text_format(sql, ", '%s', '%s', %" PRIu64 ", %" PRIu64 ", ", directions[row->direction],
                states[row->state], row->statement, row->statement_count);
    connection_literal(connection, sql, row->cursor);
    text_format(sql, ", %" PRIu64 ", ", row->outcome ? row->outcome->duration_us : 0);
    add_error(connection, row->outcome, sql);
}

void
journal_insert(struct sitting *sitting, struct journal_row *row, struct text *sql)
{
    struct connection *connection = sitting->connection;
    CLEANUP(text_release) struct text packed = {0};
    char time[CLOCK_TEXT_SIZE];

    row->number = sitting->facts.journal_count + 1;
    row->recorded_wall_ms = clock_wall_ms();
    if (row->outcome) {
        pack_outcome(row->outcome, &packed);
    } else if (row->mirror) {
        text_append(&packed, row->mirror);
    }
    hash_row(row, sitting->facts.journal_head, &packed);
    if (row->outcome) {
        row->outcome->journal_count = row->number;
        memcpy(row->outcome->journal_head, row->hash, CHECKSUM_SIZE);
    }

    text_append(sql, "INSERT INTO skein.journal (number, step_id, attempt, version, name, checksum,"
                     " direction, state, statement, statement_count, cursor, duration_us, error,"
                     " outcome, recorded_at, previous_hash, hash) VALUES (");
    add_values(connection, row, sql);
    if (packed.size > 0) {
        connection_bytes(connection, sql, packed.data, packed.size);
    } else {
        text_append(sql, "NULL");
    }
    text_format(sql, ", '%s', ", clock_text(row->recorded_wall_ms, time));
    connection_bytes(connection, sql, sitting->facts.journal_head, CHECKSUM_SIZE);
    text_append(sql, ", ");
    connection_bytes(connection, sql, row->hash, CHECKSUM_SIZE);
    text_append(sql, ");");
}

void
journal_claim(struct sitting *sitting, const struct journal_row *row, struct text *sql)
{
    struct connection *connection = sitting->connection;
    char id[ID_TEXT_SIZE];

    if (row->direction == DIRECTION_DOWN) {
        text_append(sql, "DELETE FROM skein.migration WHERE version = ");
        connection_literal(connection, sql, row->version);
        text_append(sql, ";");
        return;
    }
    text_append(sql, "INSERT INTO skein.migration AS old"
                     " (version, name, checksum, applied_at, step_id, journal_number) VALUES (");
    connection_literal(connection, sql, row->version);
    text_append(sql, ", ");
    connection_literal(connection, sql, row->name);
    text_append(sql, ", ");
    connection_bytes(connection, sql, row->checksum, CHECKSUM_SIZE);
    text_format(sql, ", now(), '%s', %" PRIu64 ")", id_text(&row->step_id, id),
                sitting->facts.journal_count + 1);
    if (row->is_repeatable) {
        text_append(sql, " ON CONFLICT (version) DO UPDATE SET name = excluded.name,"
                         " checksum = excluded.checksum, applied_at = excluded.applied_at,"
                         " step_id = excluded.step_id, journal_number = excluded.journal_number"
                         " WHERE old.checksum <> excluded.checksum");
    }
    text_append(sql, ";");
}

void
journal_append_word(struct sitting *sitting, const char *word, struct text *sql)
{
    struct outcome outcome = {.kind = OUTCOME_DONE};
    struct journal_row row = {.step_id = id_random(),
                              .attempt = 1,
                              .version = "",
                              .name = "",
                              .state = JOURNAL_DONE,
                              .cursor = word,
                              .outcome = &outcome};

    journal_insert(sitting, &row, sql);
    sitting_advance(sitting, row.hash);
}

bool
journal_void(struct sitting *sitting, struct journal_row *row, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();
    struct outcome outcome = {
        .kind = OUTCOME_CANCELLED,
        .fault = {.code = "E-STEP-VOID",
                  .text = "somebody has looked, nothing of it was there, and it may not begin any "
                          "more",
                  .is_retryable = true}};

    row->state = JOURNAL_VOID;
    row->outcome = &outcome;
    row->version = row->version ? row->version : "";
    row->name = row->name ? row->name : "";
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;");
    journal_insert(sitting, row, &sql);
    text_append(&sql, "COMMIT");
    patience.failpoint = "execute.void-sent";
    FAILPOINT("execute.before-void");
    if (connection_run(sitting->connection, text_of(&sql), &patience)) {
        FAILPOINT("execute.after-void");
        sitting_advance(sitting, row->hash);
        row->outcome = NULL;
        return true;
    }
    row->outcome = NULL;
    sitting_query_failed(sitting, "cannot write down that nothing was done", error);
    sitting_drop(sitting);
    return false;
}

struct journal_row
journal_row_of(const struct step_order *order)
{
    const struct migration *migration = order->migration;
    struct journal_row row = {
        .step_id = order->step_id,
        .attempt = order->attempt,
        .version = migration->version,
        .name = migration->name,
        .is_repeatable = migration->is_repeatable,
        .direction = order->direction,
        .statement_count = migration_script(migration, order->direction)->statement_count,
    };
    memcpy(row.checksum, migration_checksum(migration), CHECKSUM_SIZE);
    return row;
}

/* ---- reading ------------------------------------------------------------------------------- */

enum verdict_column {
    VERDICT_NUMBER,
    VERDICT_HASH,
    VERDICT_STATE,
    VERDICT_DURATION,
    VERDICT_ERROR,
    VERDICT_OUTCOME
};

static uint64_t
number_of(const char *cell)
{
    return cell ? strtoull(cell, NULL, 10) : 0;
}

/* What the plain columns say, for an outcome that some other version of Skein has packed. */
static void
read_plainly(const char *const cells[], struct arena *arena, struct outcome *outcome)
{
    const char *error = cells[VERDICT_ERROR];

    *outcome = (struct outcome){.kind = OUTCOME_DONE};
    outcome->duration_us = number_of(cells[VERDICT_DURATION]);
    if (text_equal(cells[VERDICT_STATE], states[JOURNAL_VOID])) {
        outcome->kind = OUTCOME_CANCELLED;
    } else if (!text_equal(cells[VERDICT_STATE], states[JOURNAL_DONE])) {
        const char *colon = error ? strstr(error, ": ") : NULL;
        outcome->kind = OUTCOME_FAILED;
        outcome->fault.code =
            colon ? arena_format(arena, "%.*s", (int)(colon - error), error) : "E-SQL";
        outcome->fault.text = arena_text(arena, colon ? colon + 2 : "it failed");
    }
}

static void
read_verdict(const char *const cells[], struct arena *arena, struct outcome *outcome)
{
    const char *hex = cells[VERDICT_OUTCOME];
    size_t size = hex ? strlen(hex) / 2 : 0;
    void *packed = arena_alloc(arena, size + 1);
    struct error error;

    if (!hex || !text_from_hex(hex, packed, size) ||
        !pack_decode(&outcome_shape, packed, size, &pack_frame_limits, arena, outcome, &error)) {
        read_plainly(cells, arena, outcome);
    }
    outcome->journal_count = number_of(cells[VERDICT_NUMBER]);
    if (!text_from_hex(cells[VERDICT_HASH], outcome->journal_head, CHECKSUM_SIZE)) {
        memset(outcome->journal_head, 0, CHECKSUM_SIZE);
    }
}

bool
journal_verdict(struct sitting *sitting, const struct id *step_id, uint64_t attempt,
                struct arena *arena, bool *found, struct outcome *outcome, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();
    char id[ID_TEXT_SIZE];

    text_format(&sql,
                "SELECT number, encode(hash, 'hex'), state, duration_us, error,"
                " encode(outcome, 'hex') FROM skein.journal WHERE step_id = '%s'"
                " AND state <> 'intent' AND (state = 'done' OR attempt = %" PRIu64 ")"
                " ORDER BY state = 'done' DESC, number DESC LIMIT 1",
                id_text(step_id, id), attempt);
    if (!connection_run(sitting->connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot read the journal", error);
    }
    *found = connection_row_count(sitting->connection, 0) == 1;
    if (*found) {
        const char *cells[VERDICT_OUTCOME + 1];
        for (size_t i = 0; i <= VERDICT_OUTCOME; i++) {
            cells[i] = connection_cell(sitting->connection, 0, 0, i);
        }
        read_verdict(cells, arena, outcome);
    }
    return true;
}

bool
journal_open_intent(struct sitting *sitting, const struct id *step_id, struct arena *arena,
                    bool *found, struct journal_row *row, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = sitting->connection;
    struct patience patience = sitting_patience();
    char id[ID_TEXT_SIZE];

    text_format(&sql,
                "SELECT attempt, version, name, encode(checksum, 'hex'), direction, statement,"
                " statement_count, cursor, convert_from(outcome, 'UTF8') FROM skein.journal i"
                " WHERE step_id = '%s' AND state = 'intent' AND NOT EXISTS (SELECT"
                " FROM skein.journal v WHERE v.step_id = i.step_id AND v.state <> 'intent'"
                " AND v.number > i.number) ORDER BY number DESC LIMIT 1",
                id_text(step_id, id));
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot read the journal", error);
    }
    *found = connection_row_count(connection, 0) == 1;
    if (*found) {
        *row = (struct journal_row){
            .step_id = *step_id,
            .attempt = number_of(connection_cell(connection, 0, 0, 0)),
            .version = arena_text(arena, connection_cell(connection, 0, 0, 1)),
            .name = arena_text(arena, connection_cell(connection, 0, 0, 2)),
            .direction = text_equal(connection_cell(connection, 0, 0, 4), directions[1]),
            .statement = number_of(connection_cell(connection, 0, 0, 5)),
            .statement_count = number_of(connection_cell(connection, 0, 0, 6)),
            .cursor = arena_text(arena, connection_cell(connection, 0, 0, 7)),
            .mirror = arena_text(arena, connection_cell(connection, 0, 0, 8)),
        };
        return text_from_hex(connection_cell(connection, 0, 0, 3), row->checksum, CHECKSUM_SIZE) ||
               error_set(error, "E-HIST-SHAPE", "the journal holds a checksum that is none");
    }
    return true;
}
