/*
 * apply: makes the run that a plan has shown: what was seen is what runs. Said again it is the same
 * run.
 */
#ifndef COORDINATOR_CORE_APPLY_H
#define COORDINATOR_CORE_APPLY_H

#include "coordinator/core/state.h"

/* APPLY of an operator. */
void apply_take(struct core *core, const struct person *person, const struct event *event);

#endif
