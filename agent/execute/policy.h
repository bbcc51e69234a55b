/*
 * policy: what is done about what stands against a change: nothing, a warning, waiting, refusing;
 * and whether those in the way of a lock are asked to leave. Plain settings, from agent.yaml.
 */
#ifndef AGENT_EXECUTE_POLICY_H
#define AGENT_EXECUTE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/migration/obstacle.h"

enum preflight_check {
    CHECK_LAG,        /* a replica is behind */
    CHECK_SLOTS,      /* a replication slot holds WAL */
    CHECK_ARCHIVER,   /* WAL is not archived */
    CHECK_WRAPAROUND, /* autovacuum works on a table to prevent wraparound, and never yields */
    CHECK_PREPARED,   /* a prepared transaction holds a table */
    CHECK_OLD,        /* an old transaction holds a table */
    CHECK_INDEXES,    /* a table has an INVALID index */
    CHECK_ROOM,       /* the disk may not have room for what the step writes */
    CHECK_RIGHTS,     /* the role does not own a table that only its owner may change */
    CHECK_COUNT
};

struct preflight_policies {
    enum policy of[CHECK_COUNT];
    uint64_t lag_ms;        /* 0: 30 s */
    uint64_t slot_bytes;    /* 0: 10 GiB */
    uint64_t archive_count; /* segments; 0: 64 */
    uint64_t old_ms;        /* 0: 1 h */
    uint64_t room_bytes;    /* that a step may take of the disk; 0: what is seen to be free */
    uint64_t hold_ms;       /* waiting for it all to be over; 0: 10 min */
};

/* Who is in the way of a lock may be asked to leave; cleared: nobody. */
struct eviction {
    bool is_on;
    uint64_t age_ms;          /* a transaction's, at least */
    uint64_t grace_ms;        /* from the request to cancel to ending the session; 0: 5 s */
    const char *applications; /* their names, one a line: nobody else is touched */
};

/* The words of agent.yaml: "lag", "slots", …; "ignore", "warn", "hold", "refuse". */
const char *policy_check_name(enum preflight_check check);
bool policy_named(const char *word, enum policy *policy);

/* Whether other changes of the database may change what it finds. */
bool policy_check_is_of_catalog(enum preflight_check check);

/* What is done about this check. */
enum policy policy_of(const struct preflight_policies *policies, enum preflight_check check);

#endif
