/*
 * zone: a time zone by its name in the IANA database, as data: how far its clocks are ahead of UTC,
 * and when that changes. Read once where somebody names it; whoever has it after that needs no
 * database, and comes to the same moments everywhere.
 */
#ifndef COMMON_MIGRATION_ZONE_H
#define COMMON_MIGRATION_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/io/pack.h"

struct zone_offset {
    int64_t from_s; /* since 1970; the first counts from ever, the last for ever */
    int64_t ahead_s;
};

/* All zeros is UTC. */
struct zone {
    const char *name;
    struct zone_offset *offsets; /* in their order */
    size_t offset_count;
};

extern const struct pack_shape zone_shape;

/*
 * What the zone of this name does in the ten years from a moment on, into the arena. Asks libc,
 * which has one time zone for the process: not beside other threads. False with E-PLAN-RANGE.
 */
bool zone_read(const char *name, int64_t wall_ms, struct arena *arena, struct zone *zone,
               struct error *error);

/* What the zone's clocks show at a moment, as if it were UTC. */
int64_t zone_local_ms(const struct zone *zone, int64_t wall_ms);

/*
 * The first moment at which the zone's clocks have come to this. Of a time that a night has twice
 * it is the first; a time that a night has not, because the clocks are put forward over it, is the
 * moment when they are.
 */
int64_t zone_moment_ms(const struct zone *zone, int64_t local_ms);

/* Its name, "UTC". */
const char *zone_name(const struct zone *zone);

#endif
