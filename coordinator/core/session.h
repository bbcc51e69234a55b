/*
 * session: what holds between a HELLO and the next one, or silence. An agent is live while it is
 * heard of within its lease; when it is not, its targets are unreachable, and that is all: nothing
 * has failed. Work is only handed out in a live session.
 */
#ifndef COORDINATOR_CORE_SESSION_H
#define COORDINATOR_CORE_SESSION_H

#include "coordinator/core/state.h"

extern const struct machine session_machine;

/* A message of an agent's key; a frame that was none; a connection that is gone. */
void session_message(struct core *core, const struct event *event);
void session_malformed(struct core *core, const struct event *event);
void session_unsent(struct core *core, const struct event *event);

#define SESSION_LEASE_HEARTBEATS 3

/* How often an agent is to be heard of; grows with their number. */
int64_t session_heartbeat_ms(const struct core *core);

/* The agent has left, or may not stay. */
void session_part(struct core *core, struct agent *agent, const char *why);

/* Its timer is due: the lease may have run out. */
void session_tick(struct core *core, struct agent *agent);

#endif
