/*
 * lock: the target's advisory lock, which whoever works on a target holds. It is polled, never
 * waited for inside the server: a session that waits there has a snapshot, and CREATE INDEX
 * CONCURRENTLY waits for every snapshot.
 */
#ifndef AGENT_EXECUTE_LOCK_H
#define AGENT_EXECUTE_LOCK_H

#include "agent/execute/sitting.h"

/*
 * Poll until the lock is ours, until deadline_ms (0: for ever). A backend of this very sitting that
 * outlived its connection and still holds it is ended after a time of grace, and no other one.
 * False with E-DB-BUSY (found: who holds it), E-STOPPED, or what kept the database from answering.
 */
bool lock_wait(struct sitting *sitting, int64_t deadline_ms, struct error *error);

#endif
