/*
 * outcome: what became of one step on one target, as whoever carried it out saw it: how it ended,
 * how long each statement took, and, when it failed, where and why. It travels in a RESULT, is
 * kept in the coordinator's store and is what `skein log` shows.
 */
#ifndef COMMON_MIGRATION_OUTCOME_H
#define COMMON_MIGRATION_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/io/pack.h"
#include "common/migration/manifest.h"

#define OUTCOME_STATEMENTS_MAX 200
#define OUTCOME_BLOCKERS_MAX 8
#define OUTCOME_WARNINGS_MAX 8
#define OUTCOME_LOCKS_MAX 32

enum outcome_kind {
    OUTCOME_DONE,      /* the effect is in the database, its journal row committed */
    OUTCOME_ALREADY,   /* it was so before this step: nothing was done */
    OUTCOME_FAILED,    /* no effect is left of it; the error says why */
    OUTCOME_CANCELLED, /* stopped on request before its effect; no effect is left of it */
    OUTCOME_KIND_COUNT
};

/* An error as it travels; texts may be null. */
struct fault {
    const char *code, *text, *where, *found, *hint;
    const char *sqlstate; /* five characters, null when PostgreSQL did not say it */
    bool is_retryable;    /* the same step may succeed later without a change of its files */
};

struct statement_outcome {
    uint64_t line;
    const char *tag;
    uint64_t duration_us;
    uint64_t rows;        /* affected or returned */
    uint64_t wal_bytes;   /* written meanwhile, by whomever; 0: not asked, it was over so soon */
    uint64_t blocked_us;  /* that others have waited behind it, all of them together */
    uint64_t blocked_max; /* how many of them at once */
};

/* A strong lock that was really taken. */
struct lock_outcome {
    const char *relation;
    enum table_lock mode;
    uint64_t line;     /* of the statement */
    uint64_t held_us;  /* from that statement's begin to the end of all */
    bool is_rewritten; /* the table has new storage */
};

/* A transaction that was in the way of a lock; texts are empty where the server did not tell. */
struct blocker_outcome {
    uint64_t pid; /* 0: a prepared transaction */
    const char *user, *application, *state;
    const char *relation;    /* what it held or waited for */
    const char *query_start; /* the server's time, "2026-01-31 12:00:00" */
    uint64_t age_ms;         /* of the transaction, when it was last seen */
};

/* What was found before it was begun, and did not keep it from that. */
struct warning_outcome {
    const char *text;
};

struct outcome {
    enum outcome_kind kind;
    struct fault fault; /* OUTCOME_FAILED, OUTCOME_CANCELLED */
    uint64_t duration_us;
    uint64_t lock_tries; /* how often the step was begun anew for a lock or a lost connection */
    uint64_t lock_timeout_ms; /* the longest that others may have waited behind one of its tries */
    uint64_t lock_wait_us;    /* waited, without queueing, for others to get out of the way */
    struct blocker_outcome *blockers; /* some of those */
    size_t blocker_count;
    struct lock_outcome *locks; /* in the order in which they were taken; the first of them */
    size_t lock_count;
    struct warning_outcome *warnings;
    size_t warning_count;
    uint64_t wal_bytes; /* the statements' together; so are the next two */
    uint64_t blocked_us, blocked_max;
    uint64_t notices;                     /* how many notices the server sent */
    uint64_t journal_count;               /* rows in the target's journal afterwards */
    uint8_t journal_head[CHECKSUM_SIZE];  /* the hash of its last row */
    struct statement_outcome *statements; /* in order; the first of them */
    size_t statement_count;
};

extern const struct pack_shape fault_shape;
extern const struct pack_shape outcome_shape;

/* An error as a fault whose texts live in the arena; bytes that are not UTF-8 become '?'. */
struct fault fault_from_error(const struct error *error, struct arena *arena);

/* And back, for whoever prints it. */
void fault_to_error(const struct fault *fault, struct error *error);

#endif
