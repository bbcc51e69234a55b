/*
 * plan_estimate: what a plan's targets have to go through, and how long that will take: step by
 * step, and all of it together, wave by wave.
 */
#ifndef COORDINATOR_CORE_PLAN_ESTIMATE_H
#define COORDINATOR_CORE_PLAN_ESTIMATE_H

#include "coordinator/core/load.h"
#include "coordinator/core/planning.h"

/* Whether any of the steps goes through tables that it finds there, so that their sizes matter. */
bool plan_needs_sizes(const struct core *core, const struct planning *planning,
                      const struct itinerary *itinerary);

/* Ask its agent how large they are; the answer is planning_measured's. */
void plan_measure(struct core *core, const struct planning *planning, struct entry *entry);

/* What each of its steps goes through; measured null: nobody could tell. */
void plan_take_loads(const struct core *core, struct planning *planning, struct entry *entry,
                     const struct measured *measured);

/* All targets are known: estimate each, and the whole. */
void plan_estimate(const struct core *core, struct planning *planning);

#endif
