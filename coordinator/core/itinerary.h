/*
 * itinerary: the migrations a target takes, in order, from one version to another. Targets that
 * are alike share one: a run over 5,000 targets usually knows a handful. Unlike a plan it knows
 * nothing of what may go wrong.
 */
#ifndef COORDINATOR_CORE_ITINERARY_H
#define COORDINATOR_CORE_ITINERARY_H

#include <uthash.h>

#include "common/base/text.h"
#include "coordinator/core/record.h"

struct itinerary {
    size_t uses;
    char *from_version, *to_version; /* null: nothing is applied */
    struct leg_step *steps;
    size_t step_count;
    struct text content; /* everything above as bytes: the key */
    UT_hash_handle hh;
};

/* What an itinerary is to be. */
struct itinerary_draft {
    const char *from_version, *to_version;
    const struct leg_step *steps;
    size_t step_count;
};

/* The one with this content, one use more; made when there is none. */
struct itinerary *itinerary_take(struct itinerary **table, const struct itinerary_draft *draft);

/* One use more of one that is held already. */
struct itinerary *itinerary_share(struct itinerary *itinerary);

/* One use less, and clear the pointer; the last one frees it. */
void itinerary_drop(struct itinerary **table, struct itinerary **itinerary_p);

#endif
