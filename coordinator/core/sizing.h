/*
 * sizing: how large the tables of a service's targets are, for an operator who wants to know what a
 * migration would meet. Every target that can be reached is asked, and what they say is put
 * together table by table. It is in no record; it is kept for a minute, and is good for everybody
 * who asks the same in it.
 */
#ifndef COORDINATOR_CORE_SIZING_H
#define COORDINATOR_CORE_SIZING_H

#include "coordinator/core/state.h"

/* SIZES of an operator. */
void sizing_ask(struct core *core, const struct event *event);

/* An agent has answered a MEASURE. */
void sizing_measured(struct core *core, struct agent *agent, const struct measured *measured);

/* Its timer is due: tell how far it is, ask again, come to an end, be forgotten. */
void sizing_tick(struct core *core, struct sizing *sizing);

void sizings_release(struct core *core);

#endif
