/*
 * inspect: a coordinator that only shows its store: one that cannot be trusted or written. Whoever
 * may come in is answered what is recorded, every change is refused; agents have no door, so
 * nothing is started, assigned or asked of a database.
 */
#ifndef COORDINATOR_SHELL_INSPECT_H
#define COORDINATOR_SHELL_INSPECT_H

#include "coordinator/shell/loop.h"

/* Answer operators until a signal comes. Of the parts, core is not used. */
void inspect_run(const struct loop_parts *parts, void (*is_ready)(void));

#endif
