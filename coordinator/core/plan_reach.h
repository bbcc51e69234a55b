/*
 * plan_reach: whether a target of a plan can be asked at all, and what to do when it cannot.
 */
#ifndef COORDINATOR_CORE_PLAN_REACH_H
#define COORDINATOR_CORE_PLAN_REACH_H

#include "coordinator/core/planning.h"

/* A target whose database never answered has no id yet, but a name. */
struct target *entry_target(struct core *core, const struct entry *entry);

/* Nobody has answered: what can be done about it depends on whether somebody may yet. */
void entry_set_unreachable(struct core *core, const struct entry *entry, struct error *error);

#endif
