/*
 * forecast: what a run would do to a target whose history is this: which migrations, in which
 * order, or why not. Looks at nothing but its arguments, so what is said once holds for every
 * target with the same history.
 */
#ifndef COORDINATOR_CORE_FORECAST_H
#define COORDINATOR_CORE_FORECAST_H

#include "coordinator/core/history.h"
#include "coordinator/core/itinerary.h"
#include "coordinator/core/known_bundle.h"

struct forecast_wish {
    const char *to_version; /* up: null is the newest; down: "0" is before the first */
    bool out_of_order;
    bool must_have_way_back; /* of what is taken up */
};

/* What was found. All of it lives in the arena given. */
struct forecast {
    struct itinerary_draft draft;
    const char *note; /* what a person should know; null: nothing */
};

/*
 * Up to a version, or down to it. False with
 *   E-MIG-CHECKSUM   a migration was changed after it was applied
 *   E-MIG-ORDER      one is older than what is applied already
 *   E-MIG-MISSING    one that is to be undone is not in the bundle
 *   E-MIG-NO-DOWN    there is no way back
 */
bool forecast_up(const struct known_bundle *bundle, const struct history *history,
                 const struct forecast_wish *wish, struct arena *arena, struct forecast *forecast,
                 struct error *error);
bool forecast_down(const struct known_bundle *bundle, const struct history *history,
                   const struct forecast_wish *wish, struct arena *arena, struct forecast *forecast,
                   struct error *error);

/*
 * Undo these steps, which another run did in this order; their bundles are in the table. What is
 * not applied any more is left out; what was applied on top of them is in the way.
 */
bool forecast_undo(struct known_bundle *bundles, const struct history *history,
                   const struct leg_step *steps, size_t step_count, struct arena *arena,
                   struct forecast *forecast, struct error *error);

#endif
