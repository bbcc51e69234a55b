/*
 * recipe: what a worker asks its database next, and what it makes of each answer; and the worker's
 * ways to ask, to wait and to end that it does this with. Nobody but the two includes it.
 */
#ifndef TESTS_SIM_RECIPE_H
#define TESTS_SIM_RECIPE_H

#include "tests/sim/worker.h"

/* ---- the recipe's ---------------------------------------------------------------------------- */

/* Go on from what is known: connect, lock, read. */
void recipe_look(struct worker *worker);

/* The answer to what was asked in this phase. */
void recipe_take(struct worker *worker, const struct answer *answer);

/* The connection is gone. */
void recipe_lost(struct worker *worker);

/* ---- the worker's ---------------------------------------------------------------------------- */

void worker_ask(struct worker *worker, enum worker_phase phase, const struct request *request);

/* Ask for what needs no more than the job. */
void worker_ask_about(struct worker *worker, enum worker_phase phase, enum request_kind kind);

/* Come back to this phase after a while. */
void worker_wait_for(struct worker *worker, enum worker_phase phase, int64_t min_us,
                     int64_t max_us);

/* The job is over. */
void worker_end(struct worker *worker, const struct worker_report *report);
void worker_end_as(struct worker *worker, enum outcome_kind kind);
void worker_end_unknown(struct worker *worker, const char *code);

#endif
