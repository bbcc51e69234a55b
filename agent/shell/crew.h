/*
 * crew: the workers of all targets, and how many of them may sit idle with an open connection: a
 * server's connections are few, so not all that have only looked keep theirs.
 */
#ifndef AGENT_SHELL_CREW_H
#define AGENT_SHELL_CREW_H

#include "agent/shell/worker.h"

struct agent_crew;

/* The settings must outlive it; the caller owns it. */
struct agent_crew *agent_crew_new(const struct agent_settings *settings);

/* Stop all and wait a moment; false when a thread did not end. */
bool agent_crew_destroy(struct agent_crew **crew_p);

/* Give an action to the worker of its target (agent_worker_post). */
void agent_crew_post(struct agent_crew *crew, const struct agent_action *action,
                     const struct bundle *bundle, const struct id *cluster_id);

/* Ask the target's worker to end its job early. */
void agent_crew_stop(struct agent_crew *crew, size_t target);

/* The same, but only where it can go on later. */
void agent_crew_pause(struct agent_crew *crew, size_t target);

/* The next report, null when there is none; the caller owns it. */
struct agent_report *agent_crew_take(struct agent_crew *crew);

/* Readable when there may be one. */
int agent_crew_descriptor(const struct agent_crew *crew);

/* Whether no worker has a thread. */
bool agent_crew_is_home(const struct agent_crew *crew);

#endif
