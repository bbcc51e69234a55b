/*
 * start: a coordinator from its settings to its end: open the store, the gate, the doors and the
 * core in this order, turn the loop, close in the opposite order.
 */
#ifndef COORDINATOR_SHELL_START_H
#define COORDINATOR_SHELL_START_H

#include "coordinator/shell/settings.h"

struct start_options {
    const struct settings *settings;
    bool accepts_older; /* take a store that went back in time */
    bool inspects;      /* only show the store, whatever is wrong with it */
};

/* Returns when a signal to end has come; false with what kept it from starting or going on. */
bool start_coordinator(const struct start_options *options, struct error *error);

#endif
