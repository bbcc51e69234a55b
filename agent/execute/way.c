#include "agent/execute/way.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "agent/execute/preflight.h"

#define FIRST_MS 50       /* the shortest try: what nobody minds */
#define LOOK_EVERY_MS 15  /* while it may be free any moment */
#define LOOK_SELDOM_MS 40 /* and when somebody has been in the way for long */
#define LONG_MS 5000
#define TELL_EVERY_MS 500
#define EVICT_EVERY_MS 1000
#define GRACE_MS 5000

/* Its text says exactly what is locked, and it begins with that. */
static bool
locks_first(const struct statement *statement)
{
    bool makes = text_equal(statement->tag, "CREATE TABLE");

    for (size_t i = 0; makes && i < statement->lock_count; i++) {
        /* A partition's parent: what it needs hangs on the server. */
        makes = statement->locks[i].mode < TABLE_LOCK_ACCESS_EXCLUSIVE;
    }
    return makes || text_equal(statement->tag, "ALTER TABLE") ||
           text_equal(statement->tag, "CREATE INDEX");
}

/* Whether nothing is locked earlier, or more of it, when it is done before the first statement. */
static bool
locks_at_once(const struct script *script)
{
    for (size_t i = 1; i < script->statement_count; i++) {
        for (size_t k = 0; k < script->statements[i].lock_count; k++) {
            if (script->statements[i].locks[k].mode >= TABLE_LOCK_SHARE) {
                return false;
            }
        }
    }
    return script->is_transactional && script->statement_count &&
           locks_first(&script->statements[0]);
}

void
way_begin(struct way *way, const struct script *script, uint64_t most_ms, uint64_t total_ms)
{
    struct outline_table tables[LOOK_TABLES_MAX];

    way->worst_count = 0;
    way->waited_ms = way->evicted_ms = 0;
    way->asked_count = 0;
    look_begin(&way->look, tables, outline_tables(script, tables, LOOK_TABLES_MAX));
    way->look.may_lock = locks_at_once(script);
    /* Outside a transaction the waits are for others to end, and nobody queues behind them. */
    budget_begin(&way->budget, script->is_transactional ? FIRST_MS : most_ms, most_ms, total_ms);
}

/* ---- who was in the way ---------------------------------------------------------------------- */

static struct blocker *
place_among_worst(struct way *way, const struct blocker *blocker)
{
    struct blocker *youngest = NULL;

    for (size_t i = 0; i < way->worst_count; i++) {
        struct blocker *other = &way->worst[i];
        if (strcmp(other->sighting.key, blocker->sighting.key) == 0) {
            return other;
        }
        if (!youngest || other->sighting.age_ms < youngest->sighting.age_ms) {
            youngest = other;
        }
    }
    if (way->worst_count < OUTCOME_BLOCKERS_MAX) {
        return &way->worst[way->worst_count++];
    }
    return youngest && youngest->sighting.age_ms < blocker->sighting.age_ms ? youngest : NULL;
}

static void
remember(struct way *way)
{
    for (size_t i = 0; i < way->look.blocker_count; i++) {
        struct blocker *place = place_among_worst(way, &way->look.blockers[i]);
        if (place) {
            *place = way->look.blockers[i];
        }
    }
}

void
way_report(const struct step_try *try)
{
    const struct way *way = try->way;
    struct outcome *outcome = try->outcome;

    outcome->lock_timeout_ms = try->lock_timeout_ms;
    outcome->lock_wait_us = (uint64_t)way->waited_ms * 1000;
    outcome->blocker_count = way->worst_count;
    outcome->blockers = arena_alloc(try->arena, (way->worst_count + 1) * sizeof *outcome->blockers);
    for (size_t i = 0; i < way->worst_count; i++) {
        const struct blocker *blocker = &way->worst[i];
        int64_t age_ms = blocker->sighting.age_ms;
        outcome->blockers[i] =
            (struct blocker_outcome){.pid = (uint64_t)blocker->pid,
                                     .user = arena_text(try->arena, blocker->user),
                                     .application = arena_text(try->arena, blocker->application),
                                     .state = arena_text(try->arena, blocker->state),
                                     .relation = arena_text(try->arena, blocker->relation),
                                     .query_start = arena_text(try->arena, blocker->query_start),
                                     .age_ms = age_ms > 0 ? (uint64_t)age_ms : 0};
    }
}

/* ---- before a try ---------------------------------------------------------------------------- */

static bool
is_called(const char *relation, const struct statement_work *work)
{
    CLEANUP(mem_free) char *whole = mem_format("%s.%s", work->schema, work->table);

    return strcmp(relation, work->table) == 0 || strcmp(relation, whole) == 0;
}

/* A table that a step has made under this very lock is ours, and whole. */
static void
note_own(const struct way *way, struct sitting *sitting, const struct statement_work *work)
{
    const struct applied *maker = work->made_by ? sitting_find(sitting, work->made_by) : NULL;

    for (size_t i = 0; maker && i < way->look.table_count; i++) {
        const char *relation = way->look.tables[i].name;
        if (maker->journal_number >= sitting->own_number && relation && is_called(relation, work)) {
            look_note_fine(sitting, relation);
        }
    }
}

void
way_append(struct way *way, const struct script *script, struct sitting *sitting, struct text *sql)
{
    if (look_is_empty(&way->look)) {
        return;
    }
    for (size_t i = 0; i < script->statement_count; i++) {
        for (size_t k = 0; k < script->statements[i].work_count; k++) {
            note_own(way, sitting, &script->statements[i].works[k]);
        }
    }
    text_append(sql, ";");
    look_append(&way->look, sitting, sql);
}

enum try_end
way_cannot_look(struct step_try *try)
{
    enum try_end end = try_query_failed(try, "cannot look who is in the way");

    look_went_wrong(&try->way->look);
    return end == TRY_LOST || end == TRY_CANCELLED ? end : TRY_BLOCKED;
}

static enum budget_verdict
judge(struct way *way, bool is_armed)
{
    struct sighting sightings[LOOK_BLOCKERS_MAX];
    size_t count = look_sightings(&way->look, sightings);

    remember(way);
    way->budget.deadlock_ms = way->look.deadlock_ms;
    return budget_judge(&way->budget, clock_now_ms(), sightings, count, is_armed);
}

bool
way_is_free(struct step_try *try, size_t answer, enum try_end *end)
{
    struct way *way = try->way;

    if (look_is_empty(&way->look)) {
        return true;
    }
    if (!look_read(&way->look, try->sitting, answer) &&
        !look_closely(&way->look, try->sitting, true, &try->error)) {
        look_forget_names(&way->look);
        *end = try->sitting->connection ? TRY_BLOCKED : TRY_LOST;
        return false;
    }
    *end = preflight_tables(try) ? TRY_BLOCKED : TRY_FAILED;
    return *end == TRY_BLOCKED && judge(way, true) == BUDGET_GO;
}

/* ---- between tries --------------------------------------------------------------------------- */

/* A look costs the server about a tenth of a millisecond. */
static int64_t
pause_ms(const struct budget *budget)
{
    return clock_now_ms() - budget->began_ms < LONG_MS ? LOOK_EVERY_MS : LOOK_SELDOM_MS;
}

static void
tell(struct step_try *try)
{
    const struct step_order *order = try->order;

    look_names(&try->way->look, try->blockers, sizeof try->blockers);
    if (order->note) {
        CLEANUP(mem_free)
        char *note = mem_format("waits, without queueing, for %s", try->blockers);
        order->note(order->context, note);
    }
}

static bool
gives_up(struct step_try *try, const char *limit, uint64_t limit_ms)
{
    const struct look *look = &try->way->look;
    const struct blocker *blocker = &look->blockers[0];
    const struct wanted *table = &look->tables[look->blocker_count ? blocker->table : 0];
    const struct statement *statement = &try->script->statements[table->statement];
    char names[sizeof try->blockers];

    try->sqlstate[0] = '\0';
    try->is_retryable = true;
    error_set(&try->error, "E-SQL-LOCK",
              "no lock on %s within %s of %" PRIu64 " ms: others were at it all the time",
              look->blocker_count ? blocker->relation : "the table", limit, limit_ms);
    error_where(&try->error, "%s:%" PRIu64 ":%" PRIu64, try->script->path, statement->line,
                statement->column);
    error_found(&try->error, "in the way: %s", look_names(look, names, sizeof names));
    return error_hint(&try->error, "wait until who holds it is done, or give it more time");
}

/* ---- who may be asked to leave --------------------------------------------------------------- */

/*
 * First its query is cancelled; a session that is still in its transaction when the time of grace
 * is over is ended. Never one that has written, never one that is not on the list. The server
 * checks once more that it is this very transaction.
 */
static void
ask_to_leave(struct step_try *try, const struct blocker *blocker, bool terminates)
{
    CLEANUP(mem_free)
    char *sql = mem_format("SELECT %s(l.pid) FROM pg_locks l WHERE l.pid = %d AND l.locktype ="
                           " 'virtualxid' AND l.virtualtransaction = '%s'",
                           terminates ? "pg_terminate_backend" : "pg_cancel_backend", blocker->pid,
                           blocker->sighting.key);
    struct patience patience = sitting_patience();

    log_warn("target %s: %s pid %d (%s), which holds %s", try->sitting->config.name,
             terminates ? "ending" : "cancelling", blocker->pid, blocker->application,
             blocker->relation);
    if (!connection_run(try->sitting->connection, sql, &patience)) {
        log_warn("target %s: %s", try->sitting->config.name,
                 connection_error(try->sitting->connection)->message);
    }
}

static struct asked *
find_asked(struct way *way, const char *key)
{
    for (size_t i = 0; i < way->asked_count; i++) {
        if (strcmp(way->asked[i].key, key) == 0) {
            return &way->asked[i];
        }
    }
    return NULL;
}

static void
evict_one(struct step_try *try, const struct blocker *blocker, int64_t now_ms)
{
    const struct eviction *eviction = &try->sitting->config.eviction;
    struct way *way = try->way;
    int64_t grace_ms = eviction->grace_ms ? (int64_t)eviction->grace_ms : GRACE_MS;
    struct asked *asked = find_asked(way, blocker->sighting.key);

    if (asked && now_ms - asked->asked_ms >= grace_ms) {
        ask_to_leave(try, blocker, true);
        asked->asked_ms = now_ms;
    } else if (!asked && way->asked_count < ASKED_MAX) {
        asked = &way->asked[way->asked_count++];
        snprintf(asked->key, sizeof asked->key, "%s", blocker->sighting.key);
        asked->asked_ms = now_ms;
        ask_to_leave(try, blocker, false);
    }
}

static void
evict(struct step_try *try, int64_t now_ms)
{
    const struct eviction *eviction = &try->sitting->config.eviction;
    struct way *way = try->way;

    if (!eviction->is_on || now_ms - way->evicted_ms < EVICT_EVERY_MS) {
        return;
    }
    way->evicted_ms = now_ms;
    for (size_t i = 0; i < way->look.blocker_count && try->sitting->connection; i++) {
        const struct blocker *blocker = &way->look.blockers[i];
        bool is_fair = blocker->pid && !blocker->is_autovacuum && !blocker->has_written &&
                       text_has_line(eviction->applications, blocker->application);
        if (is_fair && blocker->sighting.age_ms >= (int64_t)eviction->age_ms) {
            evict_one(try, blocker, now_ms);
        }
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* False: a policy refuses what was found, and the error says so. */
static bool
wait_until(struct step_try *try, enum budget_verdict *verdict, bool *is_late)
{
    int64_t told_ms = 0;
    struct error error;

    while ((*verdict = judge(try->way, false)) == BUDGET_WAIT) {
        int64_t now_ms = clock_now_ms();
        if (try->deadline_ms && now_ms >= try->deadline_ms) {
            *is_late = true;
            return true;
        }
        evict(try, now_ms);
        if (now_ms - told_ms >= TELL_EVERY_MS) {
            tell(try);
            told_ms = now_ms;
        }
        if (!interrupt_sleep(try->sitting->interrupt, pause_ms(&try->way->budget)) ||
            !look_closely(&try->way->look, try->sitting, false, &error)) {
            *verdict = BUDGET_GO; /* whoever tries finds out what is the matter */
        }
        if (*verdict == BUDGET_GO) {
            break;
        }
        if (!preflight_tables(try)) {
            return false;
        }
    }
    return true;
}

bool
way_wait(struct step_try *try)
{
    int64_t began_ms = clock_now_ms();
    enum budget_verdict verdict;

    bool is_late = false;
    bool is_allowed = wait_until(try, &verdict, &is_late);
    try->way->waited_ms += clock_now_ms() - began_ms;
    try->lock_timeout_ms = try->way->budget.lock_timeout_ms;
    if (!is_allowed || (!is_late && verdict == BUDGET_GO)) {
        return is_allowed;
    }
    return is_late ? gives_up(try, "the time-out", try->timeout_ms)
                   : gives_up(try, "the lock budget", try->way->budget.total_ms);
}
