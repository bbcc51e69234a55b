/*
 * rollout: from a command line to a plan: what is to be done (run_spec) is read from the options,
 * the bundles are brought to the coordinator, the plan is asked for and read whole.
 */
#ifndef COORDINATOR_CLI_ROLLOUT_H
#define COORDINATOR_CLI_ROLLOUT_H

#include "coordinator/cli/call.h"
#include "coordinator/cli/services.h"
#include "coordinator/client/client.h"

struct rollout {
    struct client *client;
    struct services services; /* none when a run is undone */
    struct run_spec spec;
    struct planned planned; /* with all its legs */
    struct arena arena;
};

/* Up: bring the services named in the arguments to a version. */
bool rollout_plan_up(struct call *call, struct rollout *rollout, struct error *error);

/* Down: undo a run, or bring the one service named back to a version. */
bool rollout_plan_down(struct call *call, struct rollout *rollout, struct error *error);

/* A plan that was made before, by its id. */
bool rollout_recall(struct call *call, const char *plan_id, struct rollout *rollout,
                    struct error *error);

/* A cleanup. */
void rollout_release(struct rollout *rollout);

#endif
