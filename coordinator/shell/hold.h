/*
 * hold: what the coordinator does while its store has no room: it takes no part in the world until
 * the turn at hand is saved. Agents are not answered, so they keep their results and, once their
 * lease is over, begin nothing; operators are told why.
 */
#ifndef COORDINATOR_SHELL_HOLD_H
#define COORDINATOR_SHELL_HOLD_H

#include "coordinator/shell/loop.h"

/* Let a moment pass; false when a signal to end has come. */
bool hold_a_moment(const struct loop_parts *parts, const struct error *why);

#endif
