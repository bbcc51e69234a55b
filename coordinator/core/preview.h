/*
 * preview: what the preflights of a plan's steps would find now, target by target. Their agents are
 * told what the steps that may be to come concern, and look; whoever reads the plan sees what would
 * be warned of, held for or refused before it is applied.
 */
#ifndef COORDINATOR_CORE_PREVIEW_H
#define COORDINATOR_CORE_PREVIEW_H

#include "coordinator/core/planning.h"

/*
 * What the next steps of an entry concern, as far as can be told before its history is known; they
 * point into bundles. Returns how many, at most OUTLINES_MAX.
 */
size_t preview_outlines(const struct core *core, const struct planning *planning,
                        const struct entry *entry, const struct target *target,
                        struct outline *outlines);

/*
 * Keep what was found against the entry's steps, now that they are known. What refuses them for
 * certain, whatever comes before them in the plan, refuses the entry.
 */
void preview_judge(struct core *core, struct planning *planning, struct entry *entry,
                   const struct surveyed *surveyed);

#endif
