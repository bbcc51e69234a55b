/*
 * signals: the wish to stop (Ctrl-C, SIGTERM), kept until somebody looks, so that what was begun
 * can be told to the user before the program ends. A second wish ends the program at once.
 */
#ifndef COORDINATOR_CLI_SIGNALS_H
#define COORDINATOR_CLI_SIGNALS_H

#include <stdbool.h>

/* From now on; waits are interrupted. */
void signals_catch(void);

/* Whether somebody wishes to stop. */
bool signals_stopped(void);

/* Whether the terminal's size has changed since it was last asked. */
bool signals_resized(void);

#endif
