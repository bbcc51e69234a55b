/*
 * budget: when to queue for a lock, and for how long; no clock and no database, so a test drives
 * it.
 *
 * Whoever queues for a strong lock makes everybody behind him wait. So while somebody is in the way
 * nobody queues: it is looked again and again, and gone for in the moment the way is free. A table
 * that is never free, because transactions overlap on it all the time, is told by this: those in
 * the way come to their ends, and others have come meanwhile. Then how long the ended ones have
 * lasted says how long the present ones will, and a try is made when they are about to end, with a
 * lock_timeout that is just enough: first the shortest, and a longer one only when that is not to
 * be had. A transaction that lasts longer than its like is waited for without queueing.
 */
#ifndef AGENT_EXECUTE_BUDGET_H
#define AGENT_EXECUTE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_TRACKED_MAX 64
#define BUDGET_LIVES_MAX 64
#define BUDGET_KEY_SIZE 32

/* A transaction that is in the way. */
struct sighting {
    char key[BUDGET_KEY_SIZE]; /* of the transaction: no other one ever has it */
    int64_t age_ms;            /* -1: the server does not tell */
    bool yields;               /* autovacuum: gives way to who waits for longer than a deadlock */
};

enum budget_verdict {
    BUDGET_GO,   /* queue, with lock_timeout_ms */
    BUDGET_WAIT, /* look again, without queueing */
    BUDGET_SPENT /* give up */
};

struct tracked {
    char key[BUDGET_KEY_SIZE];
    int64_t began_ms, last_seen_ms;
    bool yields, is_seen;
};

struct budget {
    uint64_t first_ms;    /* the shortest try */
    uint64_t most_ms;     /* the longest */
    uint64_t total_ms;    /* from the first look that found somebody, or the first failed try */
    uint64_t deadlock_ms; /* the server's deadlock_timeout; 0: not known */

    uint64_t lock_timeout_ms; /* of the next try */
    int64_t began_ms;         /* when somebody was first in the way; 0: never */
    int64_t step_began_ms;    /* when the next try's length was chosen */
    int64_t best_ms;          /* the shortest time that those in the way had left; -1: not known */
    struct tracked tracked[BUDGET_TRACKED_MAX];
    size_t tracked_count;
    int64_t lives_ms[BUDGET_LIVES_MAX]; /* how long the last that ended had lasted */
    size_t life_count, life_next;
};

/* Begin: tries from first_ms to most_ms long, all within total_ms. */
void budget_begin(struct budget *budget, uint64_t first_ms, uint64_t most_ms, uint64_t total_ms);

/*
 * What is to be done, given all that are in the way now. `is_armed`: this very look comes right
 * before the try, which BUDGET_GO has been said for; it is called off only when it has no prospect.
 */
enum budget_verdict budget_judge(struct budget *budget, int64_t now_ms,
                                 const struct sighting *sightings, size_t count, bool is_armed);

/* A try has not had its lock; it had worked for took_ms. False: the budget is spent. */
bool budget_try_failed(struct budget *budget, int64_t now_ms, uint64_t took_ms);

#endif
