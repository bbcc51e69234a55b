#include "agent/execute/observation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/blockers.h"
#include "agent/execute/way.h"

#define POLL_FIRST_MS 100
#define POLL_EVERY_MS 50
#define POLL_SHARE 100 /* a look may take this part of the time between two */
#define POLL_MS 2000   /* a look that takes longer is given up */
#define TELL_FIRST_MS 1000
#define TELL_EVERY_MS 500
#define CHEAP_US 2000 /* a statement that was over so soon is looked at together with the next */
#define STRONG                                                                                     \
    "('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',"          \
    " 'AccessExclusiveLock')"

void
observation_begin(struct observation *observation, const char *wal_position)
{
    *observation = (struct observation){.wal = wal_position ? strtoull(wal_position, NULL, 10) : 0};
}

/* ---- while a statement runs: who waits behind us --------------------------------------------- */

enum waiter_column {
    WAITER_PID,
    WAITER_MODE,
    WAITER_RELATION,
    WAITER_OURS,
    WAITER_BEHIND,
    WAITER_MS
};

/*
 * Everybody who waits for a relation that we have or wait for, and for the end of our transaction;
 * we ourselves among them. Whoever waits is behind us when we have it, or have waited longer.
 */
static const char who_waits[] =
    "WITH l AS MATERIALIZED (SELECT * FROM pg_catalog.pg_lock_status())"
    " SELECT o.pid, o.mode, o.relation::bigint, m.mode, %s FROM l o JOIN l m ON m.pid = %d AND"
    " ((o.locktype = 'relation' AND m.locktype = 'relation' AND m.relation = o.relation AND"
    " m.database = o.database) OR (o.locktype = 'transactionid' AND m.locktype = 'transactionid'"
    " AND m.transactionid = o.transactionid) OR (o.pid = m.pid AND NOT m.granted)) WHERE NOT "
    "o.granted AND o.pid IS NOT NULL;";

static const char behind_and_since[] =
    "m.granted OR o.waitstart > m.waitstart,"
    " (extract(epoch FROM clock_timestamp() - o.waitstart) * 1000)::bigint";
static const char behind_before_14[] = "m.granted, NULL";

static const char our_locks[] =
    "SELECT l.relation::bigint, l.relation::regclass, l.mode FROM pg_catalog.pg_lock_status() l"
    " WHERE l.pid = %d AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384 AND l.mode"
    " IN " STRONG ";";

static const char does_anybody_wait[] =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_lock_status() WHERE NOT granted)";

static int64_t
number_in(const struct connection *connection, size_t answer, size_t row, size_t column)
{
    const char *cell = connection_cell(connection, answer, row, column);
    return cell ? strtoll(cell, NULL, 10) : 0;
}

static bool
is_true(const struct connection *connection, size_t answer, size_t row, size_t column)
{
    const char *cell = connection_cell(connection, answer, row, column);
    return cell && cell[0] == 't';
}

/* A wait that was seen before has gone on; a new one has lasted as long as the server says. */
static void
see_waiter(struct observation *observation, int pid, int64_t waited_ms, int64_t passed_ms)
{
    for (size_t i = 0; i < observation->waiter_count; i++) {
        struct waiter *waiter = &observation->waiters[i];
        if (waiter->pid != pid) {
            continue;
        }
        bool is_same = !waited_ms || waited_ms + POLL_EVERY_MS >= waiter->waited_ms;
        if (!waiter->is_seen) {
            observation->blocked_ms += (uint64_t)(is_same ? passed_ms : waited_ms);
        }
        waiter->waited_ms = waited_ms;
        waiter->is_seen = true;
        return;
    }
    if (observation->waiter_count < WAITERS_MAX) {
        observation->waiters[observation->waiter_count++] =
            (struct waiter){.pid = pid, .waited_ms = waited_ms, .is_seen = true};
        observation->blocked_ms += (uint64_t)waited_ms;
    }
}

static bool
is_behind(const struct connection *connection, size_t row)
{
    enum table_lock theirs = look_lock_named(connection_cell(connection, 0, row, WAITER_MODE));
    enum table_lock ours = look_lock_named(connection_cell(connection, 0, row, WAITER_OURS));
    bool is_transaction = !connection_cell(connection, 0, row, WAITER_RELATION);

    return is_true(connection, 0, row, WAITER_BEHIND) &&
           (is_transaction || look_conflicts(ours, theirs));
}

/* Whether we wait ourselves. */
static bool
take_waiters(struct step_try *try, const struct connection *connection, int64_t passed_ms)
{
    struct observation *observation = try->observation;
    int own_pid = try->sitting->backend.pid;
    bool is_waiting = false;
    size_t kept = 0;

    for (size_t row = 0; row < connection_row_count(connection, 0); row++) {
        int pid = (int)number_in(connection, 0, row, WAITER_PID);
        if (pid == own_pid) {
            is_waiting = true;
        } else if (is_behind(connection, row)) {
            see_waiter(observation, pid, number_in(connection, 0, row, WAITER_MS), passed_ms);
        }
    }
    for (size_t i = 0; i < observation->waiter_count; i++) {
        if (observation->waiters[i].is_seen) {
            observation->waiters[i].is_seen = false;
            observation->waiters[kept++] = observation->waiters[i];
        }
    }
    observation->waiter_count = kept;
    if (kept > observation->blocked_max) {
        observation->blocked_max = kept;
    }
    return is_waiting;
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

static struct held_lock *
hold(struct step_try *try, uint64_t oid, const char *relation, enum table_lock mode)
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

static void
take_locks(struct step_try *try, const struct connection *connection, size_t answer)
{
    for (size_t row = 0; row < connection_row_count(connection, answer); row++) {
        hold(try, (uint64_t)number_in(connection, answer, row, 0),
             connection_cell(connection, answer, row, 1),
             look_lock_named(connection_cell(connection, answer, row, 2)));
    }
}

/* ---- the second connection ------------------------------------------------------------------- */

static bool
has_watcher(struct sitting *sitting)
{
    struct error error;
    struct connection_config config = {.conninfo = sitting->config.conninfo,
                                       .application_name = sitting->application_name,
                                       .interrupt = sitting->interrupt};

    if (sitting->watcher && connection_is_lost(sitting->watcher)) {
        connection_close(&sitting->watcher);
    }
    if (!sitting->watcher && clock_now_ms() >= sitting->watch_again_ms &&
        !connection_open(&config, &sitting->watcher, &error)) {
        sitting->watch_again_ms = clock_now_ms() + 10000;
    }
    return sitting->watcher;
}

static struct patience
watcher_patience(void)
{
    return (struct patience){.deadline_ms = clock_now_ms() + POLL_MS, .heeds_interrupt = true};
}

/* Somebody else holds what we wait for: who, and what, for the next time. */
static void
name_blockers(struct step_try *try, int64_t waited_ms)
{
    struct observation *observation = try->observation;

    if (!observation->names_blockers && waited_ms * 2 >= (int64_t)try->lock_timeout_ms) {
        observation->names_blockers = true;
        blockers_name(try->sitting, &try->way->look, try->statement ? try->statement - 1 : 0,
                      try->blockers, sizeof try->blockers);
    }
}

/* Who waits behind us; *is_waiting when we wait ourselves. Mostly nobody waits for anything. */
static bool
watch_waiters(struct step_try *try, bool somebody_waits, int64_t now_ms, bool *is_waiting)
{
    CLEANUP(text_release) struct text sql = {0};
    struct observation *observation = try->observation;
    struct connection *watcher = try->sitting->watcher;
    struct patience patience = watcher_patience();
    bool is_new = connection_server_version(watcher) >= 140000;
    int64_t since_ms =
        observation->polled_ms ? observation->polled_ms : observation->statement_us / 1000;

    *is_waiting = false;
    observation->polled_ms = now_ms;
    if (!somebody_waits) {
        observation->waiter_count = 0;
        return true;
    }
    text_format(&sql, who_waits, is_new ? behind_and_since : behind_before_14,
                try->sitting->backend.pid);
    if (!connection_run(watcher, text_of(&sql), &patience)) {
        return false;
    }
    *is_waiting = take_waiters(try, watcher, now_ms - since_ms);
    return true;
}

/* How far it is, a few times a second, once it has taken that long. */
static bool
tell_progress(struct step_try *try, int64_t now_ms, bool is_waiting)
{
    CLEANUP(text_release) struct text sql = {0};
    struct observation *observation = try->observation;
    struct connection *watcher = try->sitting->watcher;
    struct patience patience = watcher_patience();
    char note[200];

    if (!try->order->note || now_ms - observation->statement_us / 1000 < TELL_FIRST_MS ||
        now_ms - observation->told_ms < TELL_EVERY_MS) {
        return true;
    }
    progress_append(&sql, try->sitting->backend.pid, connection_server_version(watcher));
    if (!connection_run(watcher, text_of(&sql), &patience)) {
        return false;
    }
    observation->told_ms = now_ms;
    if (progress_read(&observation->progress, watcher, 0, now_ms, note, sizeof note)) {
        try->order->note(try->order->context, note);
    } else if (is_waiting && try->blockers[0]) {
        CLEANUP(mem_free) char *waits = mem_format("waits for %s", try->blockers);
        try->order->note(try->order->context, waits);
    }
    return true;
}

static bool
watch(struct step_try *try, int64_t now_ms)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *watcher = try->sitting->watcher;
    struct patience patience = watcher_patience();
    int64_t statement_ms = try->observation->statement_us / 1000;
    bool is_waiting;

    text_format(&sql, our_locks, try->sitting->backend.pid);
    text_append(&sql, does_anybody_wait);
    if (!connection_run(watcher, text_of(&sql), &patience)) {
        return false;
    }
    take_locks(try, watcher, 0);
    if (!watch_waiters(try, is_true(watcher, 1, 0, 0), now_ms, &is_waiting) ||
        !tell_progress(try, now_ms, is_waiting)) {
        return false;
    }
    if (is_waiting) {
        name_blockers(try, clock_now_ms() - statement_ms);
    }
    return true;
}

/* How soon the next look is due; 0: never again in this statement. */
static int64_t
poll_locks(void *context)
{
    struct step_try *try = context;
    const struct sitting *sitting = try->sitting;
    int64_t began_us = clock_now_us();

    if (!has_watcher(try->sitting) || !watch(try, clock_now_ms())) {
        return POLL_EVERY_MS * POLL_SHARE;
    }
    int64_t next_ms = (clock_now_us() - began_us) * POLL_SHARE / 1000;
    next_ms = next_ms > POLL_EVERY_MS ? next_ms : POLL_EVERY_MS;
    /* Who waits for half of his time in vain asks who is in the way, while he still waits. */
    int64_t half_ms = try->observation->statement_us / 1000 + (int64_t)try->lock_timeout_ms / 2 +
                      1 - clock_now_us() / 1000;
    bool will_ask = try->lock_timeout_ms && half_ms > 0 && half_ms < next_ms;
    return sitting->config.is_unobserved ? 0 : will_ask ? half_ms : next_ms;
}

/*
 * Whoever waits for what no text tells must ask, while he waits, what it is. A statement whose
 * locks are known has just looked for them; only when it waits all the same does the next try ask.
 */
static bool
may_wait_unawares(const struct step_try *try)
{
    const struct statement *statement =
        try->statement ? &try->script->statements[try->statement - 1] : NULL;

    return !statement || try->outcome->lock_tries ||
           (!statement->lock_count && !text_equal(statement->tag, "CREATE TABLE"));
}

void
observation_attach(struct step_try *try, struct patience *patience)
{
    int64_t half_ms = (int64_t)try->lock_timeout_ms / 2 + 1;
    bool is_soon = half_ms < POLL_FIRST_MS;

    try->observation->statement_us = clock_now_us();
    if (try->statement && try->observation->asked_count + 1 == try->statement) {
        try->observation->unasked_us = try->observation->statement_us;
    }
    try->observation->names_blockers = false;
    try->observation->told_ms = 0;
    try->observation->progress = (struct progress_memory){0};
    try->observation->blocked_ms = try->observation->blocked_max = 0;
    /* Also who is not to be observed asks who is in his way, once. */
    bool at_half = is_soon ? try->lock_timeout_ms && may_wait_unawares(try)
                           : try->sitting->config.is_unobserved;
    patience->look_after_ms = at_half ? half_ms : POLL_FIRST_MS;
    patience->look = poll_locks;
    patience->context = try;
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
    " 'relation' AND l.granted AND l.relation >= 16384 AND l.mode IN " STRONG
    " AND (SELECT a.xmin::text::bigint FROM pg_catalog.pg_attribute a WHERE a.attrelid ="
    " l.relation AND a.attnum = -6) IS DISTINCT FROM pg_catalog.txid_current() & 4294967295";

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
    uint64_t wal = (uint64_t)number_in(connection, answer, 0, BACK_WAL);

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
        uint64_t oid = (uint64_t)number_in(connection, answer, row, BACK_OID);
        uint64_t file = (uint64_t)number_in(connection, answer, row, BACK_FILE);
        struct held_lock *held =
            hold(try, oid, connection_cell(connection, answer, row, BACK_RELATION),
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

/* Whether the statement could have taken a lock that matters. */
static bool
may_lock(const struct step_try *try)
{
    for (size_t i = 0; i < try->statement && i < try->script->statement_count; i++) {
        const struct statement *statement = &try->script->statements[i];
        const char *tag = statement->tag ? statement->tag : "DO";
        if (statement->lock_count || strcmp(tag, "DO") == 0 || strcmp(tag, "CALL") == 0 ||
            strcmp(tag, "SELECT") == 0) {
            return true;
        }
    }
    return false;
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

    if (try->sitting->config.is_unobserved || (is_cheap && !may_lock(try))) {
        return false;
    }
    text_format(sql, "%s;", look_back);
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
