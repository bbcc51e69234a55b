/*
 * room: whether the disk has room for what a step is going to write, as far as can be told.
 * PostgreSQL says how large the tables are that the step goes through, and not how much of the disk
 * is free: that is seen where the server is on this host (a Unix socket, and the right to ask for
 * its data directory), or said in the configuration. What cannot be seen holds up nobody.
 */
#ifndef AGENT_EXECUTE_ROOM_H
#define AGENT_EXECUTE_ROOM_H

#include "agent/execute/try.h"

struct room {
    uint64_t needed_bytes, wal_bytes; /* about what the step will write; WAL, wherever it goes */
    uint64_t free_bytes;              /* for what is needed; UINT64_MAX: not known */
    uint64_t slot_bytes; /* WAL until a replication slot is given up; UINT64_MAX: never */
};

/* Whether the step goes through tables in a way that writes. */
bool room_concerns(const struct step_try *try);

/* Look; less than a MiB counts for nothing. False when the server could not be asked. */
bool room_look(struct step_try *try, struct room *room);

#endif
