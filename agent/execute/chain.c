#include "agent/execute/chain.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/postgres/shape.h"

#define PIECE 50000 /* rows per statement, which is bounded */
#define WHOLE_EVERY_MS ((int64_t)24 * 3600 * 1000)
#define LOOK_EVERY_MS (10 * 60 * 1000) /* when it seems to be as it was */
#define HINT_TAMPERED                                                                              \
    "put the schema skein back from a backup; or, when you know what was done there and why:"      \
    " skein history --database … --accept REASON"

/*
 * What a row's hash must be, as docs/protocol.md has it. The server computes it: a row that is as
 * it was written need not be sent.
 */
static const char hash_of_row[] =
    "sha256(convert_to('skein-journal 1;' || j.number || ';16:', 'UTF8') || uuid_send(j.step_id)"
    " || convert_to(j.attempt || ';' || octet_length(convert_to(j.version, 'UTF8')) || ':'"
    " || j.version || octet_length(convert_to(j.name, 'UTF8')) || ':' || j.name || '32:', 'UTF8')"
    " || j.checksum || convert_to(length(j.direction) || ':' || j.direction || length(j.state)"
    " || ':' || j.state || j.statement || ';' || j.statement_count || ';'"
    " || octet_length(convert_to(coalesce(j.cursor, ''), 'UTF8')) || ':' || coalesce(j.cursor, '')"
    " || octet_length(coalesce(j.outcome, '')) || ':', 'UTF8') || coalesce(j.outcome, '')"
    " || convert_to((extract(epoch FROM j.recorded_at) * 1000)::bigint || ';32:', 'UTF8')"
    " || j.previous_hash)";

/* By the journal, what its last verdict on a version says. */
const char chain_apart[] =
    "SELECT coalesce(m.version, j.version), coalesce(m.name, j.name),"
    " coalesce(m.checksum, j.checksum), m.version IS NOT NULL,"
    " CASE WHEN m.version IS NULL THEN 'it is not applied, and row ' || j.number || ' of the"
    " journal says that it is' WHEN j.number IS NULL THEN 'it stands as applied, and no row of the"
    " journal says so' WHEN j.direction = 'down' THEN 'it stands as applied, and row ' || j.number"
    " || ' of the journal has undone it' WHEN j.checksum <> m.checksum THEN 'its checksum is not"
    " that of row ' || j.number || ' of the journal' ELSE 'it stands as applied by another step"
    " than row ' || j.number || ' of the journal says' END"
    " FROM (SELECT j.* FROM skein.journal j JOIN (SELECT max(number) AS number FROM skein.journal"
    " WHERE state = 'done' AND version <> '' GROUP BY version) l USING (number)) j"
    " FULL JOIN skein.migration m USING (version)"
    " WHERE CASE WHEN m.version IS NULL THEN j.direction = 'up' ELSE j.direction IS DISTINCT FROM"
    " 'up' OR j.checksum <> m.checksum OR j.number <> m.journal_number OR j.step_id <> m.step_id"
    " END ORDER BY coalesce(m.journal_number, j.number)";

enum head_answer { ANSWER_SHAPE, ANSWER_LAST, ANSWER_KEPT, ANSWER_START };
enum start_column { START_NUMBER, START_PREVIOUS };
enum piece_answer { PIECE_BAD, PIECE_LAST, PIECE_APART };
enum row_column { ROW_NUMBER, ROW_VERSION, ROW_SAYS };

/* ---- where it begins, where it ends ---------------------------------------------------------- */

/*
 * The last row; whether the one up to which all was found good is there; where the whole begins:
 * at the last acceptance, which says of what is before it that it is as it is.
 */
static void
append_head(const struct sitting *sitting, bool wholly, struct text *sql)
{
    char hash[2 * CHECKSUM_SIZE + 1];

    text_append(sql, shape_glance);
    text_append(sql, "SELECT max(number) FROM skein.journal;");
    text_hex(sitting->chain.head, CHECKSUM_SIZE, hash);
    text_format(sql,
                "SELECT EXISTS (SELECT FROM skein.journal WHERE number = %" PRIu64
                " AND hash = '\\x%s');",
                sitting->chain.count, hash);
    if (wholly) {
        text_append(sql, "SELECT number, previous_hash FROM skein.journal WHERE version = ''"
                         " AND state = 'done' AND cursor LIKE '" CHAIN_ACCEPTED "%'"
                         " ORDER BY number DESC LIMIT 1");
    }
}

static bool
check_shape(struct sitting *sitting, struct error *error)
{
    struct patience patience = sitting_patience();

    if (!connection_run(sitting->connection, shape_query, &patience)) {
        return sitting_query_failed(sitting, "cannot look at the schema skein", error);
    }
    bool is_good = shape_judge(sitting->connection, 0, error);
    if (!is_good) {
        sitting_close(sitting);
    }
    return is_good;
}

/* A column that is gone fails what follows the glance; so that is looked into first. */
static bool
ask_head(struct sitting *sitting, bool wholly, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = sitting->connection;
    struct patience patience = sitting_patience();

    append_head(sitting, wholly, &sql);
    bool has_answered = connection_run(connection, text_of(&sql), &patience);
    if (connection_answer_count(connection) > ANSWER_SHAPE &&
        !shape_is_plain(connection, ANSWER_SHAPE)) {
        if (!check_shape(sitting, error)) {
            return false;
        }
        has_answered = connection_run(connection, text_of(&sql), &patience);
    }
    return has_answered || sitting_query_failed(sitting, "cannot look at the history", error);
}

/* The row behind which is to be looked: number and hash. */
static void
find_start(const struct connection *connection, struct chain *start)
{
    *start = (struct chain){.whole_ms = clock_now_ms(), .first = 1};
    if (connection_row_count(connection, ANSWER_START) == 1) {
        start->first = connection_number(connection, ANSWER_START, 0, START_NUMBER);
        start->count = start->first - 1;
        connection_cell_bytes(connection, ANSWER_START, 0, START_PREVIOUS, start->head,
                              CHECKSUM_SIZE);
    }
}

/* ---- looking --------------------------------------------------------------------------------- */

static void
append_rows(const struct chain *from, uint64_t to, struct text *sql)
{
    char hash[2 * CHECKSUM_SIZE + 1];

    text_hex(from->head, CHECKSUM_SIZE, hash);
    text_format(sql,
                "SELECT number, version, CASE WHEN number <> before + 1 THEN 'a row or more"
                " before it were taken out' WHEN previous_hash <> hash_before THEN 'it does not"
                " follow the row before it: one of the two is not as it was' ELSE 'it is not as it"
                " was written' END FROM (SELECT j.number, j.version, j.previous_hash, j.hash,"
                " lag(j.number, 1, %" PRIu64 "::bigint) OVER w AS before,"
                " lag(j.hash, 1, '\\x%s'::bytea) OVER w AS hash_before, %s AS hash_now"
                " FROM skein.journal j WHERE j.number > %" PRIu64 " AND j.number <= %" PRIu64
                " WINDOW w AS (ORDER BY j.number)) r"
                " WHERE number <> before + 1 OR previous_hash <> hash_before OR hash <> hash_now"
                " ORDER BY number LIMIT 1;",
                from->count, hash, hash_of_row, from->count, to);
    text_format(sql, "SELECT hash FROM skein.journal WHERE number = %" PRIu64 ";", to);
}

static bool
is_tampered(struct sitting *sitting, const char *found, struct error *error)
{
    error_set(error, "E-HIST-TAMPERED",
              "somebody has changed the history in the schema skein: nothing is written to it");
    error_where(error, "%s", connection_place(sitting->connection));
    error_found(error, "%s", found);
    error_hint(error, HINT_TAMPERED);
    sitting_close(sitting);
    return false;
}

/* The rows of a piece, whose last one must be there for the next to begin with. */
static bool
judge_rows(struct sitting *sitting, struct chain *from, uint64_t to, struct error *error)
{
    const struct connection *connection = sitting->connection;
    CLEANUP(text_release) struct text found = {0};

    if (connection_row_count(connection, PIECE_BAD) == 0) {
        from->count = to;
        if (to == 0 ||
            (connection_row_count(connection, PIECE_LAST) == 1 &&
             connection_cell_bytes(connection, PIECE_LAST, 0, 0, from->head, CHECKSUM_SIZE))) {
            return true;
        }
        text_format(&found, "row %" PRIu64 " of the journal is not there", to);
        return is_tampered(sitting, text_of(&found), error);
    }
    const char *version = connection_cell(connection, PIECE_BAD, 0, ROW_VERSION);
    text_format(&found, "row %s of the journal",
                connection_cell(connection, PIECE_BAD, 0, ROW_NUMBER));
    if (version[0]) {
        text_format(&found, " (migration %s)", version);
    }
    text_format(&found, ": %s", connection_cell(connection, PIECE_BAD, 0, ROW_SAYS));
    return is_tampered(sitting, text_of(&found), error);
}

static bool
judge_applied(struct sitting *sitting, struct error *error)
{
    const struct connection *connection = sitting->connection;
    CLEANUP(text_release) struct text found = {0};
    size_t count = connection_row_count(connection, PIECE_APART);

    if (count == 0) {
        return true;
    }
    text_format(&found, "migration %s: %s",
                connection_cell(connection, PIECE_APART, 0, APART_VERSION),
                connection_cell(connection, PIECE_APART, 0, APART_SAYS));
    if (count > 1) {
        text_format(&found, "; and %zu more", count - 1);
    }
    return is_tampered(sitting, text_of(&found), error);
}

/* The rows behind `from`, piece by piece; with the last one what is applied. */
static bool
look_through(struct sitting *sitting, struct chain *from, uint64_t last, struct error *error)
{
    for (;;) {
        CLEANUP(text_release) struct text sql = {0};
        struct patience patience = sitting_patience();
        uint64_t to = last - from->count > PIECE ? from->count + PIECE : last;

        append_rows(from, to, &sql);
        text_append(&sql, to == last ? chain_apart : "");
        if (!connection_run(sitting->connection, text_of(&sql), &patience)) {
            return sitting_query_failed(sitting, "cannot read the history", error);
        }
        if (!judge_rows(sitting, from, to, error)) {
            return false;
        }
        if (to == last) {
            return judge_applied(sitting, error);
        }
    }
}

static bool
check_from(struct sitting *sitting, bool wholly, struct error *error)
{
    const struct connection *connection = sitting->connection;
    struct chain from = sitting->chain;

    if (!ask_head(sitting, wholly, error)) {
        return false;
    }
    if (!wholly && !connection_is_true(connection, ANSWER_KEPT, 0, 0)) {
        return check_from(sitting, true, error); /* what was found good is not there any more */
    }
    if (wholly) {
        find_start(connection, &from);
    }
    uint64_t last = connection_number(connection, ANSWER_LAST, 0, 0);
    if (!look_through(sitting, &from, last, error)) {
        return false;
    }
    sitting->chain = from;
    sitting->chain.looked_ms = clock_now_ms();
    sitting->chain.applied_sum = sitting->applied_sum;
    return true;
}

bool
chain_check(struct sitting *sitting, bool wholly, struct error *error)
{
    if (!sitting->has_schema) {
        return true;
    }
    bool is_good = check_from(sitting, wholly || !sitting->chain.whole_ms, error);
    if (!is_good) {
        sitting->chain = (struct chain){0};
    }
    return is_good;
}

bool
sitting_verify(struct sitting *sitting, struct verified *verified, struct error *error)
{
    *verified = (struct verified){0};
    if (!sitting_look(sitting, false, error) ||
        (sitting->has_schema && !check_shape(sitting, error)) ||
        !chain_check(sitting, true, error)) {
        return false;
    }
    *verified = (struct verified){.first_row = sitting->chain.first,
                                  .last_row = sitting->chain.count,
                                  .applied_count = sitting->applied_count};
    return true;
}

/*
 * By the journal's last row and what is applied, which cost next to nothing: nobody but us has
 * written since, or somebody who knows well what he does.
 */
static bool
seems_as_it_was(struct sitting *sitting)
{
    const struct chain *chain = &sitting->chain;
    struct connection *connection = sitting->connection;
    struct patience patience = sitting_patience();
    uint8_t head[CHECKSUM_SIZE];

    if (!chain->whole_ms || clock_now_ms() - chain->looked_ms > LOOK_EVERY_MS ||
        chain->applied_sum != sitting->applied_sum ||
        !connection_run(connection,
                        "SELECT number, hash FROM skein.journal ORDER BY number DESC LIMIT 1",
                        &patience)) {
        return false;
    }
    if (!connection_row_count(connection, 0)) {
        return chain->count == 0;
    }
    return connection_number(connection, 0, 0, 0) == chain->count &&
           connection_cell_bytes(connection, 0, 0, 1, head, CHECKSUM_SIZE) &&
           memcmp(head, chain->head, CHECKSUM_SIZE) == 0;
}

bool
chain_check_now_and_then(struct sitting *sitting, struct error *error)
{
    bool is_long_ago = clock_now_ms() - sitting->chain.whole_ms > WHOLE_EVERY_MS;

    if (sitting->has_schema && !is_long_ago && seems_as_it_was(sitting)) {
        return true;
    }
    return chain_check(sitting, is_long_ago, error);
}

bool
chain_check_at_first(struct sitting *sitting, struct error *error)
{
    return sitting->chain.whole_ms || chain_check(sitting, true, error);
}
