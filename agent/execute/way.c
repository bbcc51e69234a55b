#include "agent/execute/way.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define FIRST_MS 50       /* the shortest try: what nobody minds */
#define LOOK_EVERY_MS 15  /* while it may be free any moment */
#define LOOK_SELDOM_MS 40 /* and when somebody has been in the way for long */
#define LONG_MS 5000
#define TELL_EVERY_MS 500

void
way_begin(struct way *way, const struct script *script, uint64_t most_ms, uint64_t total_ms)
{
    way->worst_count = 0;
    way->waited_ms = 0;
    look_begin(&way->look, script);
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

void
way_append(const struct way *way, struct sitting *sitting, struct text *sql)
{
    if (!look_is_empty(&way->look)) {
        text_append(sql, ";");
        look_append(&way->look, sitting, sql);
    }
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
way_is_free(struct way *way, const struct connection *connection, size_t answer)
{
    if (look_is_empty(&way->look)) {
        return true;
    }
    look_read(&way->look, connection, answer);
    return judge(way, true) == BUDGET_GO;
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

static bool
wait_until(struct step_try *try, enum budget_verdict *verdict)
{
    int64_t told_ms = 0;
    struct error error;

    while ((*verdict = judge(try->way, false)) == BUDGET_WAIT) {
        int64_t now_ms = clock_now_ms();
        if (try->deadline_ms && now_ms >= try->deadline_ms) {
            return false;
        }
        if (now_ms - told_ms >= TELL_EVERY_MS) {
            tell(try);
            told_ms = now_ms;
        }
        if (!interrupt_sleep(try->sitting->interrupt, pause_ms(&try->way->budget)) ||
            !look_again(&try->way->look, try->sitting, &error)) {
            *verdict = BUDGET_GO; /* whoever tries finds out what is the matter */
        }
        if (*verdict == BUDGET_GO) {
            break;
        }
    }
    return true;
}

bool
way_wait(struct step_try *try)
{
    int64_t began_ms = clock_now_ms();
    enum budget_verdict verdict;

    bool is_in_time = wait_until(try, &verdict);
    try->way->waited_ms += clock_now_ms() - began_ms;
    try->lock_timeout_ms = try->way->budget.lock_timeout_ms;
    if (is_in_time && verdict == BUDGET_GO) {
        return true;
    }
    return is_in_time ? gives_up(try, "the lock budget", try->way->budget.total_ms)
                      : gives_up(try, "the time-out", try->timeout_ms);
}
