#include "agent/execute/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/blockers.h"
#include "agent/execute/observation.h"
#include "agent/execute/way.h"

#define POLL_FIRST_MS 100
#define POLL_EVERY_MS 50
#define POLL_SHARE 100 /* a look may take this part of the time between two */
#define POLL_MS 2000   /* a look that takes longer is given up */
#define TELL_FIRST_MS 1000
#define TELL_EVERY_MS 500

/* ---- who waits behind us --------------------------------------------------------------------- */

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
    " IN " STRONG_MODES ";";

static const char does_anybody_wait[] =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_lock_status() WHERE NOT granted)";

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

    return connection_is_true(connection, 0, row, WAITER_BEHIND) &&
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
        int pid = (int)connection_number(connection, 0, row, WAITER_PID);
        if (pid == own_pid) {
            is_waiting = true;
        } else if (is_behind(connection, row)) {
            see_waiter(observation, pid, (int64_t)connection_number(connection, 0, row, WAITER_MS),
                       passed_ms);
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

static void
take_locks(struct step_try *try, const struct connection *connection, size_t answer)
{
    for (size_t row = 0; row < connection_row_count(connection, answer); row++) {
        observation_hold(try, (uint64_t)connection_number(connection, answer, row, 0),
                         connection_cell(connection, answer, row, 1),
                         look_lock_named(connection_cell(connection, answer, row, 2)));
    }
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
    if (!watch_waiters(try, connection_is_true(watcher, 1, 0, 0), now_ms, &is_waiting) ||
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
    bool can_look = has_watcher(try->sitting);
    int64_t began_us = clock_now_us();

    if (!can_look || !watch(try, clock_now_ms())) {
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
watch_attach(struct step_try *try, struct patience *patience)
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
