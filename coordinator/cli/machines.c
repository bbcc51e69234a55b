/* The machines that machine_print can print: the only file here that looks into both cores. */
#include "agent/core/core.h"
#include "coordinator/cli/machine_print.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"
#include "coordinator/core/session.h"
#include "coordinator/core/step.h"

const struct machine *const machines_all[] = {
    &run_machine,           &leg_machine,        &step_machine, &session_machine,
    &agent_session_machine, &agent_step_machine, NULL,
};
