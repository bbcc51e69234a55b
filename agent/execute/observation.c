#include "agent/execute/observation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/blockers.h"
#include "agent/execute/way.h"

/*
 * A look is to take at most a twentieth of what it looks at. It takes two to three times as long as
 * a transaction's opening, there and then; and at least 0.4 ms.
 */
#define LOOK_OPENINGS 50
#define LOOK_LEAST_US 8000

/* "16/B374D848": to let the server count with it costs it ten times as much. */
static uint64_t
position_of(const char *text)
{
    char *end;
    uint64_t high = text ? strtoull(text, &end, 16) : 0;

    return text && *end == '/' ? high << 32 | strtoull(end + 1, NULL, 16) : 0;
}

void
observation_begin(struct observation *observation, const char *wal_position, int64_t opening_us)
{
    int64_t worth_us = LOOK_OPENINGS * opening_us;

    *observation =
        (struct observation){.wal = position_of(wal_position),
                             .worth_us = worth_us > LOOK_LEAST_US ? worth_us : LOOK_LEAST_US};
}

/* ---- our own locks --------------------------------------------------------------------------- */

/*
 * Which statement has taken a lock that is seen now: the running one, or one of those quick ones
 * before it that were not asked about; then the one whose text says so.
 */
static uint64_t
line_of_taker(const struct step_try *try, uint64_t oid)
{
    const struct script *script = try->script;
    const struct wanted *wanted = look_find(&try->way->look, oid);
    size_t running = try->statement ? try->statement - 1 : 0;
    size_t first = try->observation->asked_count;

    if (running >= script->statement_count) {
        return 0;
    }
    if (wanted && wanted->name && wanted->statement >= first && wanted->statement <= running) {
        return script->statements[wanted->statement].line;
    }
    for (size_t i = first; i < running; i++) {
        if (script->statements[i].lock_count) {
            return script->statements[i].line;
        }
    }
    return script->statements[running].line;
}

/* One that has no number goes by its name. */
static struct held_lock *
find_held(struct observation *observation, uint64_t oid, const char *relation)
{
    for (size_t i = 0; i < observation->held_count; i++) {
        struct held_lock *held = &observation->held[i];
        if (oid ? held->oid == oid : text_equal(held->relation, relation)) {
            return held;
        }
    }
    return NULL;
}

/* A dropped one has no name any more, but its number. */
static void
name_held(const struct step_try *try, struct held_lock *held, const char *relation)
{
    const struct wanted *wanted = look_find(&try->way->look, held->oid);
    bool has_name = relation && !(relation[0] >= '0' && relation[0] <= '9');
    const char *written = wanted && wanted->name ? wanted->name : relation;

    snprintf(held->relation, sizeof held->relation, "%s",
             has_name  ? relation
             : written ? written
                       : "?");
    text_mend_utf8(held->relation);
}

static struct held_lock *
hold(struct step_try *try, uint64_t oid, const char *relation, enum table_lock mode, uint64_t line)
{
    struct observation *observation = try->observation;
    struct held_lock *held = find_held(observation, oid, relation);

    if (held) {
        if (mode > held->mode) {
            held->mode = mode;
            held->line = line;
        }
        return held;
    }
    if (observation->held_count == HELD_MAX) {
        return NULL;
    }
    const struct look *look = &try->way->look;
    bool was_first = look->locked_us && look_find(look, oid);
    held = &observation->held[observation->held_count++];
    *held = (struct held_lock){.oid = oid,
                               .mode = mode,
                               .line = line,
                               .since_us = was_first ? look->locked_us : observation->unasked_us};
    name_held(try, held, relation);
    return held;
}

struct held_lock *
observation_hold(struct step_try *try, uint64_t oid, const char *relation, enum table_lock mode)
{
    return hold(try, oid, relation, mode, line_of_taker(try, oid));
}

/* ---- after a statement ----------------------------------------------------------------------- */

enum back_column { BACK_WAL, BACK_OID, BACK_RELATION, BACK_MODE, BACK_FILE };
enum last_column { LAST_WAL = 1, LAST_FILES };

/*
 * What was made in this very transaction nobody else sees: a table's system columns tell. They are
 * asked for one by one; an EXISTS would be planned as a join with all columns that there are.
 */
static const char look_back[] =
    "SELECT p.wal, l.relation, l.relation::regclass, l.mode,"
    " pg_catalog.pg_relation_filenode(l.relation) FROM"
    " pg_catalog.pg_current_wal_insert_lsn() p(wal) LEFT JOIN"
    " pg_catalog.pg_lock_status() l ON l.pid = pg_catalog.pg_backend_pid() AND l.locktype ="
    " 'relation' AND l.granted AND l.relation >= 16384 AND l.mode IN " STRONG_MODES
    " AND (SELECT a.xmin::text::bigint FROM pg_catalog.pg_attribute a WHERE a.attrelid ="
    " l.relation AND a.attnum = -6) IS DISTINCT FROM pg_catalog.txid_current() & 4294967295";

static struct statement_outcome *
last_noted(const struct step_try *try)
{
    struct outcome *outcome = try->outcome;
    return outcome->statement_count ? &outcome->statements[outcome->statement_count - 1] : NULL;
}

static void
take_wal(struct step_try *try, const char *position)
{
    struct observation *observation = try->observation;
    struct statement_outcome *noted = last_noted(try);
    uint64_t wal = position_of(position);

    if (observation->wal && noted) {
        noted->wal_bytes = wal - observation->wal;
        try->outcome->wal_bytes += noted->wal_bytes;
    }
    observation->wal = wal;
}

static void
take_locks(struct step_try *try, const struct connection *connection, size_t answer)
{
    for (size_t row = 0; row < connection_row_count(connection, answer); row++) {
        const char *mode = connection_cell(connection, answer, row, BACK_MODE);
        if (!mode) {
            continue;
        }
        uint64_t oid = (uint64_t)connection_number(connection, answer, row, BACK_OID);
        uint64_t file = (uint64_t)connection_number(connection, answer, row, BACK_FILE);
        struct held_lock *held =
            observation_hold(try, oid, connection_cell(connection, answer, row, BACK_RELATION),
                             look_lock_named(mode));
        const struct wanted *wanted = look_find(&try->way->look, oid);
        if (held && wanted && wanted->file && file) {
            held->is_rewritten = wanted->file != file;
        }
    }
}

/* Who was waiting when it was last looked has waited till now: nothing was let go of since. */
static void
carry_waits_on(struct observation *observation)
{
    int64_t now_ms = clock_now_ms();

    if (observation->polled_ms) {
        uint64_t passed_ms = (uint64_t)(now_ms - observation->polled_ms);
        observation->blocked_ms += passed_ms * observation->waiter_count;
        observation->polled_ms = now_ms;
        for (size_t i = 0; i < observation->waiter_count; i++) {
            observation->waiters[i].waited_ms += (int64_t)passed_ms;
        }
    }
}

/* What it locks stands in its text, or hangs on what calls, drops and cascades come upon. */
static bool
tells_its_locks(const struct statement *statement)
{
    static const char *const silent[] = {"DO", "CALL", "SELECT", "DROP", "TRUNCATE"};
    const char *tag = statement->tag ? statement->tag : "DO";

    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        if (strncmp(tag, silent[i], strlen(silent[i])) == 0) {
            return false;
        }
    }
    return true;
}

/* Whoever has only made something new holds nothing that others know of. */
static bool
only_makes(const struct step_try *try)
{
    for (size_t i = try->observation->asked_count; i < try->statement; i++) {
        const struct statement *statement = &try->script->statements[i];
        if (statement->lock_count || !text_equal(statement->tag, "CREATE TABLE")) {
            return false;
        }
    }
    return true;
}

static bool
was_long(const struct step_try *try)
{
    const struct observation *observation = try->observation;
    int64_t since_us = observation->asked_us ? observation->asked_us : try->began_us;

    return clock_now_us() - since_us >= observation->worth_us;
}

/* Whether the statements that were not asked about are to be at last: long ones, and those that
 * tell nothing. */
static bool
is_worth_a_look(const struct step_try *try)
{
    for (size_t i = try->observation->asked_count;
         i < try->statement && i < try->script->statement_count; i++) {
        if (!tells_its_locks(&try->script->statements[i])) {
            return true;
        }
    }
    return was_long(try) && !only_makes(try);
}

void
observation_end_statement(struct step_try *try)
{
    struct observation *observation = try->observation;
    struct statement_outcome *noted = last_noted(try);

    carry_waits_on(observation);
    if (!try->script->is_transactional) {
        observation->asked_count = try->statement; /* it holds nothing any more */
    }
    if (noted) {
        noted->blocked_us = observation->blocked_ms * 1000;
        noted->blocked_max = observation->blocked_max;
    }
}

bool
observation_look_back(struct step_try *try, enum try_end *end)
{
    struct observation *observation = try->observation;
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();

    observation_end_statement(try);
    if (try->sitting->config.is_unobserved || try->statement == try->script->statement_count ||
        !was_long(try) || only_makes(try)) {
        return true;
    }
    if (!connection_run(connection, look_back, &patience)) {
        *end = try_query_failed(try, "cannot look what a statement has locked");
        return false;
    }
    take_wal(try, connection_cell(connection, 0, 0, BACK_WAL));
    take_locks(try, connection, 0);
    observation->asked_us = clock_now_us();
    observation->asked_count = try->statement;
    return true;
}

/* ---- with the commit ------------------------------------------------------------------------- */

static uint64_t
oid_of(const struct look *look, const char *relation)
{
    for (size_t i = 0; i < look->table_count; i++) {
        if (text_equal(look->tables[i].name, relation)) {
            return look->tables[i].oid;
        }
    }
    return 0;
}

/* Of the statements that were not asked about: what their text says. */
static void
take_written(struct step_try *try)
{
    for (size_t i = try->observation->asked_count; i < try->script->statement_count; i++) {
        const struct statement *statement = &try->script->statements[i];
        for (size_t k = 0; k < statement->lock_count; k++) {
            const struct wanted_lock *lock = &statement->locks[k];
            hold(try, oid_of(&try->way->look, lock->relation), lock->relation, lock->mode,
                 statement->line);
        }
    }
}

void
observation_append_columns(const struct step_try *try, struct text *sql)
{
    const struct look *look = &try->way->look;

    if (try->sitting->config.is_unobserved) {
        return;
    }
    text_append(sql, ", pg_current_wal_insert_lsn()");
    for (size_t i = 0; i < look->table_count; i++) {
        text_format(sql, ", pg_relation_filenode(%" PRIu64 ")", look->tables[i].oid);
    }
}

bool
observation_append_look(const struct step_try *try, struct text *sql)
{
    if (try->sitting->config.is_unobserved || !is_worth_a_look(try)) {
        return false;
    }
    text_format(sql, "%s;", look_back);
    return true;
}

static void
take_files(struct step_try *try, size_t answer)
{
    const struct connection *connection = try->sitting->connection;
    const struct look *look = &try->way->look;

    for (size_t i = 0; i < look->table_count; i++) {
        const struct wanted *table = &look->tables[i];
        struct held_lock *held = table->oid ? find_held(try->observation, table->oid, NULL) : NULL;
        uint64_t file = connection_number(connection, answer, 0, LAST_FILES + i);
        if (held && table->file && file) {
            held->is_rewritten = table->file != file;
        }
    }
}

void
observation_take_last(struct step_try *try, size_t columns, size_t look)
{
    const struct connection *connection = try->sitting->connection;

    if (try->sitting->config.is_unobserved) {
        return;
    }
    take_wal(try, connection_cell(connection, columns, 0, LAST_WAL));
    if (look) {
        take_locks(try, connection, look);
    } else {
        take_written(try);
    }
    take_files(try, columns);
    observation_report(try);
}

/* ---- the sum --------------------------------------------------------------------------------- */

void
observation_report(struct step_try *try)
{
    const struct observation *observation = try->observation;
    struct outcome *outcome = try->outcome;
    int64_t now_us = clock_now_us();

    outcome->blocked_us = outcome->blocked_max = 0;
    for (size_t i = 0; i < outcome->statement_count; i++) {
        const struct statement_outcome *statement = &outcome->statements[i];
        outcome->blocked_us += statement->blocked_us;
        if (statement->blocked_max > outcome->blocked_max) {
            outcome->blocked_max = statement->blocked_max;
        }
    }
    outcome->lock_count = observation->held_count;
    outcome->locks =
        arena_alloc(try->arena, (observation->held_count + 1) * sizeof *outcome->locks);
    for (size_t i = 0; i < observation->held_count; i++) {
        const struct held_lock *held = &observation->held[i];
        outcome->locks[i] =
            (struct lock_outcome){.relation = arena_text(try->arena, held->relation),
                                  .mode = held->mode,
                                  .line = held->line,
                                  .held_us = (uint64_t)(now_us - held->since_us),
                                  .is_rewritten = held->is_rewritten};
    }
}
