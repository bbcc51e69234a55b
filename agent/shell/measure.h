/*
 * measure: how large the tables of a target are, as an answer to AGENT_MEASURE.
 */
#ifndef AGENT_SHELL_MEASURE_H
#define AGENT_SHELL_MEASURE_H

#include "agent/execute/execute.h"
#include "agent/shell/report.h"

/* Look, in the worker's thread, and post AGENT_EVENT_MEASURED. */
void agent_measure(struct sitting *sitting, size_t target, struct agent_reports *reports);

#endif
