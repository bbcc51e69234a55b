/*
 * wish: what a PLAN asks for, checked and made into a list of targets: the shares and numbers, the
 * bundles and versions, the run that is to be undone, the selection.
 */
#ifndef COORDINATOR_CORE_WISH_H
#define COORDINATOR_CORE_WISH_H

#include "coordinator/core/planning.h"

#define PARALLEL_MAX 10000

enum wish_answer {
    WISH_TAKEN,
    WISH_ASKED, /* the store was asked; the PLAN will be taken again */
    WISH_REFUSED
};

/*
 * Fill spec, bundles and entries of a planning that is new. Refused with
 *   E-PLAN-RANGE E-CLI-RANGE   a number that cannot be
 *   E-SEL-SYNTAX E-SEL-EMPTY E-SEL-TOO-MANY
 *   E-BUNDLE-UNKNOWN E-BUNDLE-SERVICE E-MIG-MISSING
 *   E-RUN-UNKNOWN E-RUN-OPEN E-RUN-KIND   the run that is to be undone
 */
enum wish_answer wish_take(struct core *core, struct planning *planning, const struct event *event,
                           struct error *error);

/* What would happen to a target of the planning with this history. */
bool wish_forecast(struct core *core, const struct planning *planning, const struct entry *entry,
                   const struct history *history, struct forecast *forecast, struct error *error);

#endif
