/*
 * loop: the agent's one thread that decides: it hears the coordinator, the workers, signals and the
 * clock, asks the core, and carries out what it answers. Nothing here waits for a database.
 */
#ifndef AGENT_SHELL_LOOP_H
#define AGENT_SHELL_LOOP_H

#include "agent/shell/cache.h"
#include "agent/shell/link.h"
#include "agent/shell/settings.h"

/* All of it belongs to the caller and outlives the loop. */
struct agent_loop_parts {
    const struct agent_settings *settings;
    struct agent_link *link;
    struct agent_cache *cache;
    int signals; /* a signalfd; the first signal is a wish to leave, the second a hurry */
};

/*
 * Serve until a signal has come and everything is said. False when a database still keeps one of
 * our threads: then the process is to end without further ado.
 */
bool agent_loop_run(const struct agent_loop_parts *parts);

#endif
