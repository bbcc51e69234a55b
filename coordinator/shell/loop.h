/*
 * loop: one thread that turns. A turn takes what waits at both doors, lets the core decide, saves
 * everything in one transaction, and only then says it. When the store has no room, the turn is
 * held: nothing more is taken in and nothing said until it is saved.
 */
#ifndef COORDINATOR_SHELL_LOOP_H
#define COORDINATOR_SHELL_LOOP_H

#include "coordinator/core/core.h"
#include "coordinator/shell/doors.h"
#include "coordinator/shell/store.h"

/* All of it belongs to the caller and must outlive the loop; the core is not loaded yet. */
struct loop_parts {
    struct store *store;
    struct gate *gate;
    struct doors *doors;
    struct core *core;
    int signals; /* a signalfd: the loop ends when it can be read */
};

/* Load what is open, then turn until a signal comes. False with a store error that ends it. */
bool loop_run(const struct loop_parts *parts, void (*is_ready)(void), struct error *error);

#endif
