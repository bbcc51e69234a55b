/*
 * adopting: an adoption that an operator has asked for: the targets of a service take over what
 * another tool has applied to them. Every target is asked until it has answered or has had time to;
 * what it said is kept for a while, to be read page by page. It is in no record: each target's own
 * journal knows what it has adopted, and asking again does nothing more.
 */
#ifndef COORDINATOR_CORE_ADOPTING_H
#define COORDINATOR_CORE_ADOPTING_H

#include "coordinator/core/state.h"

/* ADOPTION of an operator. */
void adopting_ask(struct core *core, const struct person *person, const struct event *event);

/* An agent has answered an ADOPT. */
void adopting_answered(struct core *core, struct agent *agent, const struct adopted *adopted);

/* Its timer is due: tell how far it is, ask again, come to an end, be forgotten. */
void adopting_tick(struct core *core, struct adopting *adopting);

void adoptings_release(struct core *core);

#endif
