#include "agent/execute/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MIN_MS 200 /* so long a length of tries is held to, at least */
#define SLACK_MS 20     /* a transaction is taken for one of its like so much longer */

void
budget_begin(struct budget *budget, uint64_t first_ms, uint64_t most_ms, uint64_t total_ms)
{
    *budget = (struct budget){.first_ms = first_ms < most_ms ? first_ms : most_ms,
                              .most_ms = most_ms,
                              .total_ms = total_ms,
                              .best_ms = -1};
    budget->lock_timeout_ms = budget->first_ms;
}

/* ---- who is there, and how long the others have lasted --------------------------------------- */

static struct tracked *
find_tracked(struct budget *budget, const char *key)
{
    for (size_t i = 0; i < budget->tracked_count; i++) {
        if (strcmp(budget->tracked[i].key, key) == 0) {
            return &budget->tracked[i];
        }
    }
    return NULL;
}

static void
see(struct budget *budget, int64_t now_ms, const struct sighting *sighting)
{
    struct tracked *tracked = find_tracked(budget, sighting->key);

    if (!tracked) {
        if (budget->tracked_count == BUDGET_TRACKED_MAX) {
            return;
        }
        tracked = &budget->tracked[budget->tracked_count++];
        *tracked = (struct tracked){.began_ms = now_ms, .yields = sighting->yields};
        snprintf(tracked->key, sizeof tracked->key, "%s", sighting->key);
    }
    if (sighting->age_ms >= 0) {
        tracked->began_ms = now_ms - sighting->age_ms;
    }
    tracked->last_seen_ms = now_ms;
    tracked->is_seen = true;
}

/* It has ended some time between the two looks. */
static void
note_life(struct budget *budget, int64_t now_ms, const struct tracked *tracked)
{
    budget->lives_ms[budget->life_next] = (tracked->last_seen_ms + now_ms) / 2 - tracked->began_ms;
    budget->life_next = (budget->life_next + 1) % BUDGET_LIVES_MAX;
    if (budget->life_count < BUDGET_LIVES_MAX) {
        budget->life_count++;
    }
}

static void
take_in(struct budget *budget, int64_t now_ms, const struct sighting *sightings, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        see(budget, now_ms, &sightings[i]);
    }
    for (size_t i = 0; i < budget->tracked_count; i++) {
        struct tracked *tracked = &budget->tracked[i];
        if (!tracked->is_seen) {
            note_life(budget, now_ms, tracked);
            continue;
        }
        tracked->is_seen = false;
        budget->tracked[kept++] = *tracked;
    }
    budget->tracked_count = kept;
}

/* ---- how long the present ones will last ----------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/*
 * By those that have lasted at least as long as this one has till now, but for the longest tenth
 * of them. -1: none has, so nobody knows.
 */
static int64_t
time_left(const struct budget *budget, int64_t now_ms, const struct tracked *tracked)
{
    int64_t age_ms = now_ms - tracked->began_ms, longer[BUDGET_LIVES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < budget->life_count; i++) {
        if (budget->lives_ms[i] + SLACK_MS >= age_ms) {
            longer[count++] = budget->lives_ms[i];
        }
    }
    if (!count) {
        return -1;
    }
    qsort(longer, count, sizeof *longer, compare);
    int64_t left_ms = longer[(count - 1) * 9 / 10] - age_ms;
    return left_ms > 0 ? left_ms : 0;
}

/* What the present ones are, taken together. */
struct prospect {
    int64_t left_ms;   /* until the last of the predictable ones has ended */
    bool has_lasting;  /* somebody of whom nobody knows when he ends */
    bool has_stubborn; /* one of those does not yield either */
};

static struct prospect
look_ahead(const struct budget *budget, int64_t now_ms)
{
    struct prospect prospect = {0};

    for (size_t i = 0; i < budget->tracked_count; i++) {
        const struct tracked *tracked = &budget->tracked[i];
        int64_t left_ms = time_left(budget, now_ms, tracked);
        if (left_ms < 0) {
            prospect.has_lasting = true;
            prospect.has_stubborn |= !tracked->yields;
        } else if (left_ms > prospect.left_ms) {
            prospect.left_ms = left_ms;
        }
    }
    return prospect;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void
lengthen(struct budget *budget, int64_t now_ms, uint64_t length_ms)
{
    budget->lock_timeout_ms = length_ms < budget->most_ms ? length_ms : budget->most_ms;
    budget->step_began_ms = now_ms;
}

/* Whether nothing is left of the budget that would do for another `needed_ms`. */
static bool
is_spent(const struct budget *budget, int64_t now_ms, uint64_t needed_ms)
{
    uint64_t spent_ms = (uint64_t)(now_ms - budget->began_ms);

    return budget->began_ms && spent_ms + needed_ms > budget->total_ms;
}

/*
 * Autovacuum gives way to who has waited for deadlock_timeout, and to nobody else. Those behind us
 * wait that long too, so it gets a quarter of the budget to end by itself.
 */
static enum budget_verdict
judge_yielding(struct budget *budget, int64_t now_ms)
{
    uint64_t needed_ms = 2 * budget->deadlock_ms;
    bool is_time = (uint64_t)(now_ms - budget->began_ms) >= budget->total_ms / 4;

    if (!is_time || !needed_ms || needed_ms > budget->most_ms) {
        return BUDGET_WAIT;
    }
    if (budget->lock_timeout_ms < needed_ms) {
        lengthen(budget, now_ms, needed_ms);
    }
    return BUDGET_GO;
}

/* The table is never free: the try is to begin when it needs the least of everybody's time. */
static enum budget_verdict
judge_passing(struct budget *budget, int64_t now_ms, int64_t left_ms, bool is_armed)
{
    uint64_t held_ms = (uint64_t)(now_ms - budget->step_began_ms);
    uint64_t hold_ms = STEP_MIN_MS;

    if (budget->best_ms < 0 || left_ms < budget->best_ms) {
        budget->best_ms = left_ms;
    }
    bool has_prospect = (uint64_t)left_ms * 5 <= budget->lock_timeout_ms * 4;
    bool is_good = is_armed || left_ms <= budget->best_ms + budget->best_ms / 16 + SLACK_MS / 2;
    if (has_prospect && is_good) {
        return BUDGET_GO;
    }
    hold_ms = hold_ms > (uint64_t)left_ms ? hold_ms : (uint64_t)left_ms;
    if (held_ms >= hold_ms && budget->lock_timeout_ms < budget->most_ms) {
        lengthen(budget, now_ms, 2 * budget->lock_timeout_ms);
    }
    if (held_ms >= hold_ms) {
        budget->best_ms = left_ms; /* what was once seen may never come again */
    }
    return BUDGET_WAIT;
}

enum budget_verdict
budget_judge(struct budget *budget, int64_t now_ms, const struct sighting *sightings, size_t count,
             bool is_armed)
{
    take_in(budget, now_ms, sightings, count);
    if (count == 0) {
        return is_spent(budget, now_ms, 0) ? BUDGET_SPENT : BUDGET_GO;
    }
    if (!budget->began_ms) {
        budget->began_ms = budget->step_began_ms = now_ms;
    }
    if (is_spent(budget, now_ms, budget->lock_timeout_ms)) {
        return BUDGET_SPENT;
    }
    struct prospect prospect = look_ahead(budget, now_ms);
    if (prospect.has_stubborn) {
        budget->step_began_ms = now_ms; /* longer tries would not help */
        return BUDGET_WAIT;
    }
    return prospect.has_lasting ? judge_yielding(budget, now_ms)
                                : judge_passing(budget, now_ms, prospect.left_ms, is_armed);
}

bool
budget_try_failed(struct budget *budget, int64_t now_ms, uint64_t took_ms)
{
    uint64_t next_ms = 2 * budget->lock_timeout_ms;

    if (!budget->began_ms) {
        budget->began_ms = now_ms - (int64_t)budget->lock_timeout_ms;
    }
    if (is_spent(budget, now_ms, budget->lock_timeout_ms)) {
        return false;
    }
    /* A try that had worked long before it met the lock is too dear for many short ones. */
    lengthen(budget, now_ms, next_ms > took_ms / 4 ? next_ms : took_ms / 4);
    return true;
}
