/*
 * check: `skein-agent --check`: reads what there is to read, tries every database, and says what it
 * found. Starts nothing and speaks with no coordinator.
 */
#ifndef AGENT_SHELL_CHECK_H
#define AGENT_SHELL_CHECK_H

#include "agent/shell/settings.h"

/* Print one line for each target; false when one cannot be served. */
bool agent_check(const struct agent_settings *settings);

#endif
