/*
 * estimate: what a step, a leg or a run would go through, and what that would take. Part of
 * proto/message.h, which has the table of all messages.
 */
#ifndef PROTO_ESTIMATE_H
#define PROTO_ESTIMATE_H

#include "proto/basics.h"

#define PLAN_MIGRATIONS_MAX 50 /* told of one by one in a PLANNED */

/* What an estimate rests on, the surest first; of several together, the weakest. */
enum estimate_basis {
    ESTIMATE_NOTHING,    /* no table's content is gone through: a moment */
    ESTIMATE_OWN,        /* what the same kind of work took on this target */
    ESTIMATE_FLEET,      /* what it took on others, by size */
    ESTIMATE_GUESS,      /* nothing was measured yet */
    ESTIMATE_UNMEASURED, /* how large the tables are could not be found out */
    ESTIMATE_BASIS_COUNT
};

struct estimate {
    enum estimate_basis basis;
    bool is_most;                          /* perhaps only some rows of them are written */
    uint64_t bytes, rows;                  /* of the tables that are gone through */
    uint64_t rewrite_bytes;                /* of those: get new storage */
    uint64_t low_ms, expected_ms, high_ms; /* without waiting for locks */
    uint64_t wal_bytes;
};

/* A migration that goes through tables: how long it takes where it takes longest. */
struct plan_migration {
    const char *service, *version, *name;
    uint64_t target_count;
    const char *target;
    struct estimate estimate;
};

#endif
