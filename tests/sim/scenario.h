/*
 * scenario: fixed stories with names, each a few lines of what happens to a small fleet. The
 * decisions it takes are compared with the trace kept in scenarios/NAME.txt, so that a change of
 * behaviour is seen in review.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include <stdbool.h>

/* Run one scenario, or all (null); false when one fails. `updates` writes the traces anew. */
bool scenario_run_all(const char *name, bool traces, bool updates);

#endif
