/*
 * estimate: how long a step will take on a target and how much WAL it will write, from what it has
 * to go through and how fast such work went before; and what is learned when it is done. Waiting
 * for locks is in neither.
 */
#ifndef COORDINATOR_CORE_ESTIMATE_H
#define COORDINATOR_CORE_ESTIMATE_H

#include "coordinator/core/load.h"
#include "coordinator/core/state.h"

#define ESTIMATE_STEP_MS 20 /* of a step that goes through nothing, and on top of every other */

struct estimate estimate_step(const struct core *core, const struct id *target_id,
                              const struct load *load);

/*
 * What the step has to be given at least: what is expected; at best, where nothing was measured
 * yet; nothing for rows that perhaps need not be written, nothing where it can be stopped at any
 * time and go on, or nobody can tell.
 */
uint64_t estimate_least_ms(const struct core *core, const struct id *target_id,
                           const struct load *load);

/* One after the other. */
void estimate_add(struct estimate *sum, const struct estimate *next);

/* A step is done: what it took is remembered for the next time. */
void estimate_learn(struct core *core, const struct id *target_id, const struct load *planned,
                    const struct outcome *outcome);

#endif
