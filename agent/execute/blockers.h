/*
 * blockers: who stands in the way of this sitting's waiting statement, asked on a second connection
 * while it waits (the sitting's watcher).
 */
#ifndef AGENT_EXECUTE_BLOCKERS_H
#define AGENT_EXECUTE_BLOCKERS_H

#include "agent/execute/sitting.h"

struct look;

/*
 * "pid 4711 (billing, query since 2026-01-31 12:00:00), …" into out, and the table that is waited
 * for into the look, for the next time; all left as it is when nobody is in the way or it cannot be
 * found out. `statement` is the waiting one, from 0.
 */
void blockers_name(struct sitting *sitting, struct look *look, size_t statement, char *out,
                   size_t size);

#endif
