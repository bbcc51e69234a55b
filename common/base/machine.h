/*
 * machine: a state machine as a table of edges: from, event, to, and the sentence that says why.
 * An event that has no edge from the current state changes nothing: it is a repeat from outside,
 * or late. The tables are printed by `skein debug machines` and stand in the manual.
 */
#ifndef COMMON_BASE_MACHINE_H
#define COMMON_BASE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

struct machine_edge {
    int from, event, to;
    const char *why;
};

struct machine {
    const char *name; /* "step" */
    const char *const *states;
    size_t state_count;
    const char *const *events;
    size_t event_count;
    const struct machine_edge *edges;
    size_t edge_count;
};

/* The edge that the event takes from this state, null when there is none. */
const struct machine_edge *machine_find(const struct machine *machine, int from, int event);

#endif
