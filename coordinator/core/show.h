/*
 * show: answers to operators who look: a run in memory, targets, agents, operators. What only the
 * store has is recalled from there.
 */
#ifndef COORDINATOR_CORE_SHOW_H
#define COORDINATOR_CORE_SHOW_H

#include "coordinator/core/state.h"

/* STATUS, RUNS, LOG, TARGETS, AGENTS, OPERATORS; anything else is recalled as it is. */
void show_take(struct core *core, const struct event *event);

#endif
