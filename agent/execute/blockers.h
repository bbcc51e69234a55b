/*
 * blockers: who stands in the way of this sitting's waiting statement, asked on a second connection
 * while it waits.
 */
#ifndef AGENT_EXECUTE_BLOCKERS_H
#define AGENT_EXECUTE_BLOCKERS_H

#include "agent/execute/sitting.h"

/*
 * "pid 4711 (billing, query since 2026-01-31 12:00:00), …" into out; left as it is when nobody is
 * in the way or it cannot be found out.
 */
void blockers_name(struct sitting *sitting, char *out, size_t size);

#endif
