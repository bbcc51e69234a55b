/*
 * way: waits, without queueing, until nobody is in the way of a step's locks, or until those who
 * are will be gone in a moment; and remembers whom it has waited for.
 */
#ifndef AGENT_EXECUTE_WAY_H
#define AGENT_EXECUTE_WAY_H

#include "agent/execute/look.h"
#include "agent/execute/try.h"

#define ASKED_MAX 32 /* of one step; more are left alone */

/* A transaction that was asked to leave, and when. */
struct asked {
    char key[BUDGET_KEY_SIZE];
    int64_t asked_ms;
};

/* Of one step, through all its tries. */
struct way {
    struct look look;
    struct budget budget;
    struct blocker worst[OUTCOME_BLOCKERS_MAX]; /* the oldest of those that were in the way */
    size_t worst_count;
    int64_t evicted_ms; /* when it was last looked whom to ask to leave */
    struct asked asked[ASKED_MAX];
    size_t asked_count;
    int64_t waited_ms; /* in way_wait, all together */
};

/* Begin; tries of at most most_ms. */
void way_begin(struct way *way, const struct script *script, uint64_t most_ms, uint64_t total_ms);

/*
 * Append the question who is in the way (look_append); nothing when there is nothing to ask. And
 * judge its answer: whether the try may begin; otherwise *end is TRY_BLOCKED, or TRY_FAILED when a
 * policy refuses what was found.
 */
void way_append(struct way *way, const struct script *script, struct sitting *sitting,
                struct text *sql);
bool way_is_free(struct step_try *try, size_t answer, enum try_end *end);

/*
 * The question has failed: TRY_BLOCKED, and it is asked in another way. In the end it is tried
 * without a look: what is the matter is for the statement itself to say.
 */
enum try_end way_cannot_look(struct step_try *try);

/*
 * After TRY_BLOCKED, outside any transaction. True: try now, with try->lock_timeout_ms (also when
 * asked to stop, or when the connection is lost: whoever tries finds out). False when the budget or
 * the time-out is spent; then try->error says who was in the way.
 */
bool way_wait(struct step_try *try);

/* How long was waited and for whom, into the outcome. */
void way_report(const struct step_try *try);

#endif
