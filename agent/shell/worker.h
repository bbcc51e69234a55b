/*
 * worker: carries jobs out on one target, one at a time, in a thread of its own that is started
 * when there is something to do and ends when there was nothing for a while. It shares nothing: a
 * job is handed over, and answered by one report.
 *
 * All functions are the loop's; none of them waits, but for agent_worker_destroy.
 */
#ifndef AGENT_SHELL_WORKER_H
#define AGENT_SHELL_WORKER_H

#include "common/migration/bundle.h"
#include "agent/core/action.h"
#include "agent/shell/report.h"
#include "agent/shell/settings.h"

struct agent_worker;

/* Everything but the settings must outlive the worker, and so must they. The caller owns it. */
struct agent_worker *agent_worker_new(const struct agent_settings_target *settings, size_t target,
                                      struct agent_reports *reports);

/*
 * Carry an action out: AGENT_EXAMINE, AGENT_EXECUTE and AGENT_ADOPT with their bundle,
 * AGENT_RESOLVE, AGENT_SURVEY, AGENT_MEASURE.
 * `cluster_id` is the coordinator's, none when it is not known. The job before must have been
 * answered. True when a thread was started for it.
 */
bool agent_worker_post(struct agent_worker *worker, const struct agent_action *action,
                       const struct bundle *bundle, const struct id *cluster_id);

/* Ask the job that is being carried out to end early. */
void agent_worker_stop(struct agent_worker *worker);

/* The same, but only where what is done can go on later. */
void agent_worker_pause(struct agent_worker *worker);

/* Let go of the connection now, when there is nothing to do. */
void agent_worker_rest(struct agent_worker *worker);

/* After a report that is_over: true when no thread runs any more. */
bool agent_worker_reap(struct agent_worker *worker);

/*
 * Stop it and wait until deadline_ms at most. False when its database still keeps it: then its
 * memory must be left alone until the process ends.
 */
bool agent_worker_destroy(struct agent_worker **worker_p, int64_t deadline_ms);

#endif
