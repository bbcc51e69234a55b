/*
 * batch_throttle: what keeps a backfill from disturbing others: it looks at the load between two
 * batches, and whether somebody waits for its rows in the middle of one. Signals that were asked
 * for hold it; one that was asked for and cannot be read holds it as well, because nobody knows.
 *
 * When neither time nor pause was said, a backfill that has the database for itself takes longer
 * batches without a rest, and one beside an application short ones with a rest behind each.
 */
#ifndef AGENT_EXECUTE_BATCH_THROTTLE_H
#define AGENT_EXECUTE_BATCH_THROTTLE_H

#include "agent/execute/try.h"

#define THROTTLE_REASON_SIZE 160

enum throttle_verdict { THROTTLE_GO, THROTTLE_SLOW, THROTTLE_HOLD };

struct batch_throttle {
    struct step_try *try;
    const struct batch_pace *wish;
    struct connection *second;         /* looks while a batch runs; null until it is needed */
    int64_t looked_ms;                 /* when the signals were last looked at; 0: never */
    int64_t counted_ms;                /* when the database's transactions were last counted */
    int64_t watched_ms;                /* when it was last looked who waits for a batch */
    uint64_t transactions;             /* of the database, then */
    uint64_t ours, ours_then;          /* those that were ours */
    uint64_t commit_us;                /* what the last COMMIT took that was waited for */
    double commits_us;                 /* and the last few of them on average */
    bool is_in_use;                    /* an application works on the database */
    bool is_waited_for;                /* somebody has waited for the rows of the last batch */
    char reason[THROTTLE_REASON_SIZE]; /* why it is slow or holds; empty */
};

void throttle_begin(struct batch_throttle *throttle, struct step_try *try,
                    const struct batch_pace *wish);
void throttle_end(struct batch_throttle *throttle);

/* Between two batches, outside any transaction: whether the next may begin. */
enum throttle_verdict throttle_look(struct batch_throttle *throttle, uint64_t table_oid);

/* What a batch may take now. */
uint64_t throttle_time_ms(const struct batch_throttle *throttle);

/* Nobody else is there, as far as can be seen: nobody waits for the disk but we. */
bool throttle_is_alone(const struct batch_throttle *throttle);

/* A batch was committed; its COMMIT took so long. */
void throttle_committed(struct batch_throttle *throttle, uint64_t took_us);

/* How long to rest behind a batch that took so long, its COMMIT included. */
uint64_t throttle_pause_ms(const struct batch_throttle *throttle, uint64_t took_us);

/* Look once, in the middle of a batch, whether somebody waits for it. */
void throttle_watch(struct batch_throttle *throttle, struct patience *patience);

#endif
