/*
 * milestone: a run as it goes, in lines that stay: for logs and pipes. A line when a wave begins or
 * ends, when a target has failed, when the run changes its state, and every quarter of the way.
 */
#ifndef COORDINATOR_CLI_MILESTONE_H
#define COORDINATOR_CLI_MILESTONE_H

#include "coordinator/cli/run_show.h"

/* What has been said already; zero at the beginning. */
struct milestones {
    bool has_begun, is_silent;
    enum run_state state;
    uint64_t waves_begun, waves_ended;
    uint64_t failures;
    uint64_t quarters;
};

/* Say what is new in the picture. */
void milestones_tell(struct milestones *milestones, const struct run_picture *picture,
                     const struct terminal *terminal);

#endif
