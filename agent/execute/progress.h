/*
 * progress: how far a long statement is, as PostgreSQL itself tells of index builds, VACUUM,
 * CLUSTER and its kind, and COPY: the phase, the share of it that is done, the time that is left.
 */
#ifndef AGENT_EXECUTE_PROGRESS_H
#define AGENT_EXECUTE_PROGRESS_H

#include <stdint.h>

#include "common/postgres/connection.h"

/* What was seen before, of one statement: the rate comes from it. Cleared it is at its begin. */
struct progress_memory {
    char phase[64];
    int64_t since_ms;
    uint64_t done_then;
};

/* Append the question how far this backend is; without an end. */
void progress_append(struct text *sql, int pid, int server_version);

/*
 * The answer in words: "create index: building index: scanning table, 43 %, about 2m 10s left".
 * False when PostgreSQL has nothing to tell.
 */
bool progress_read(struct progress_memory *memory, const struct connection *connection,
                   size_t answer, int64_t now_ms, char *out, size_t size);

#endif
