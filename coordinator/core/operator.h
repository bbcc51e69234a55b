/*
 * operator: what people and pipelines ask, and who may ask what: a viewer looks, an operator plans,
 * applies and steers, an admin enrols.
 */
#ifndef COORDINATOR_CORE_OPERATOR_H
#define COORDINATOR_CORE_OPERATOR_H

#include "coordinator/core/state.h"

/* A message of an operator's key. */
void operator_message(struct core *core, const struct event *event);

#endif
