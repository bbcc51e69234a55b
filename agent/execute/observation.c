#include "agent/execute/observation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/blockers.h"
#include "agent/execute/way.h"

#define CHEAP_US 2000 /* a statement that was over so soon is looked at together with the next */

void
observation_begin(struct observation *observation, const char *wal_position)
{
    *observation = (struct observation){.wal = wal_position ? strtoull(wal_position, NULL, 10) : 0};
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

struct held_lock *
observation_hold(struct step_try *try, uint64_t oid, const char *relation, enum table_lock mode)
{
    struct observation *observation = try->observation;

    for (size_t i = 0; i < observation->held_count; i++) {
        struct held_lock *held = &observation->held[i];
        if (held->oid != oid) {
            continue;
        }
        if (mode > held->mode) {
            held->mode = mode;
            held->line = line_of_taker(try, oid);
        }
        return held;
    }
    if (observation->held_count == HELD_MAX) {
        return NULL;
    }
    struct held_lock *held = &observation->held[observation->held_count++];
    *held = (struct held_lock){.oid = oid,
                               .mode = mode,
                               .line = line_of_taker(try, oid),
                               .since_us = observation->unasked_us};
    const struct wanted *wanted = look_find(&try->way->look, oid);
    /* A dropped one has no name any more, but its number. */
    bool has_name = relation && !(relation[0] >= '0' && relation[0] <= '9');
    const char *written = wanted && wanted->name ? wanted->name : relation;
    snprintf(held->relation, sizeof held->relation, "%s",
             has_name  ? relation
             : written ? written
                       : "?");
    text_mend_utf8(held->relation);
    return held;
}

/* ---- after a statement ----------------------------------------------------------------------- */

enum back_column { BACK_WAL, BACK_OID, BACK_RELATION, BACK_MODE, BACK_FILE };

/*
 * What was made in this very transaction nobody else sees: a table's system columns tell. They are
 * asked for one by one; an EXISTS would be planned as a join with all columns that there are.
 */
static const char look_back[] =
    "SELECT p.wal, l.relation::bigint, l.relation::regclass, l.mode,"
    " pg_catalog.pg_relation_filenode(l.relation)::bigint FROM (SELECT"
    " (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint AS wal) p LEFT JOIN"
    " pg_catalog.pg_lock_status() l ON l.pid = pg_catalog.pg_backend_pid() AND l.locktype ="
    " 'relation' AND l.granted AND l.relation >= 16384 AND l.mode IN " STRONG_MODES
    " AND (SELECT a.xmin::text::bigint FROM pg_catalog.pg_attribute a WHERE a.attrelid ="
    " l.relation AND a.attnum = -6) IS DISTINCT FROM pg_catalog.txid_current() & 4294967295";

/* Whoever has only made something new holds nothing that others know of. */
static const char only_wal[] =
    "SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint, NULL, NULL, NULL, NULL";

static struct statement_outcome *
last_noted(const struct step_try *try)
{
    struct outcome *outcome = try->outcome;
    return outcome->statement_count ? &outcome->statements[outcome->statement_count - 1] : NULL;
}

static void
take_back(struct step_try *try, const struct connection *connection, size_t answer)
{
    struct observation *observation = try->observation;
    struct statement_outcome *noted = last_noted(try);
    uint64_t wal = (uint64_t)connection_number(connection, answer, 0, BACK_WAL);

    if (observation->wal && noted) {
        noted->wal_bytes = wal - observation->wal;
        try->outcome->wal_bytes += noted->wal_bytes;
    }
    observation->wal = wal;
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

/* How likely it is that the statements that were not asked about hold a lock that matters. */
enum suspicion { LOCKS_NOTHING, MAY_LOCK, LOCKS };

static enum suspicion
suspect(const struct step_try *try)
{
    enum suspicion worst = LOCKS_NOTHING;

    for (size_t i = try->observation->asked_count;
         i < try->statement && i < try->script->statement_count; i++) {
        const struct statement *statement = &try->script->statements[i];
        const char *tag = statement->tag ? statement->tag : "DO";
        if (statement->lock_count || strcmp(tag, "DO") == 0 || strcmp(tag, "CALL") == 0 ||
            strcmp(tag, "SELECT") == 0) {
            return LOCKS;
        }
        worst = strcmp(tag, "CREATE TABLE") == 0 ? worst : MAY_LOCK;
    }
    return worst;
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
    int64_t now_us = clock_now_us();
    int64_t since_us = observation->asked_us ? observation->asked_us : try->began_us;

    observation_end_statement(try);
    if (try->sitting->config.is_unobserved) {
        return true;
    }
    if (now_us - since_us < CHEAP_US || try->statement == try->script->statement_count) {
        return true;
    }
    if (!connection_run(connection, look_back, &patience)) {
        *end = try_query_failed(try, "cannot look what a statement has locked");
        return false;
    }
    take_back(try, connection, 0);
    observation->asked_us = clock_now_us();
    observation->asked_count = try->statement;
    return true;
}

bool
observation_append_last(const struct step_try *try, struct text *sql)
{
    int64_t since_us = try->observation->asked_us ? try->observation->asked_us : try->began_us;
    bool is_cheap = clock_now_us() - since_us < CHEAP_US;

    enum suspicion suspicion = suspect(try);

    if (try->sitting->config.is_unobserved || (is_cheap && suspicion < LOCKS)) {
        return false;
    }
    text_format(sql, "%s;", suspicion == LOCKS_NOTHING ? only_wal : look_back);
    return true;
}

void
observation_take_last(struct step_try *try, size_t answer)
{
    take_back(try, try->sitting->connection, answer);
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
