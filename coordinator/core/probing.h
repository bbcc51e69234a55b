/*
 * probing: what a target's catalog says against statements that are to go in batches, made into a
 * refusal of the target, or into a note when what comes before in the plan may change it.
 */
#ifndef COORDINATOR_CORE_PROBING_H
#define COORDINATOR_CORE_PROBING_H

#include "coordinator/core/planning.h"

/* What an entry's target is asked about, into the array; how many. */
size_t probing_probes(const struct core *core, const struct planning *planning,
                      const struct entry *entry, struct batch_probe probes[PROBES_MAX]);

/* The entry's prospect is known. */
void probing_judge(const struct core *core, struct planning *planning, struct entry *entry,
                   const struct surveyed *surveyed);

/*
 * Which of the verdicts is to be heard for these steps, in this order: the first that is certain,
 * else the first at all. Null: none. A table that is not there yet may be made by what comes
 * before.
 */
const struct batch_verdict *probing_choose(struct known_bundle *bundles, enum direction direction,
                                           const struct leg_step *steps, size_t step_count,
                                           const struct batch_verdict *verdicts,
                                           size_t verdict_count, bool *is_certain);

/* What is said of one that is not certain. */
const char *probing_note(const struct batch_verdict *verdict, struct arena *arena);

#endif
