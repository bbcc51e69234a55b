/*
 * observation: what a try costs the application, measured: which strong locks it really takes and
 * how long it holds them, who waits behind it and for how long, how much WAL is written, what is
 * rewritten. It is asked on the step's own connection when a statement has ended, and beside it
 * while one runs (watch.h); what no look has seen was over before one was due.
 */
#ifndef AGENT_EXECUTE_OBSERVATION_H
#define AGENT_EXECUTE_OBSERVATION_H

#include "agent/execute/look.h"
#include "agent/execute/progress.h"
#include "agent/execute/try.h"

/* The modes that somebody may mind, as SQL; the others an application takes itself. */
#define STRONG_MODES                                                                               \
    "('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',"          \
    " 'AccessExclusiveLock')"

#define HELD_MAX OUTCOME_LOCKS_MAX
#define WAITERS_MAX 256 /* at once; more are not timed */

struct held_lock {
    uint64_t oid;
    char relation[130];
    enum table_lock mode;
    uint64_t line;    /* of the statement that took it */
    int64_t since_us; /* that statement was begun, or it was locked before it (look.h) */
    bool is_rewritten;
};

/* A backend that waits behind us. */
struct waiter {
    int pid;
    int64_t waited_ms; /* in its present wait, when it was last seen */
    bool is_seen;
};

struct observation {
    struct held_lock held[HELD_MAX];
    size_t held_count;
    struct waiter waiters[WAITERS_MAX];
    size_t waiter_count;
    int64_t polled_ms;                /* when it was last looked; 0: never */
    uint64_t blocked_ms, blocked_max; /* of the running statement */
    uint64_t wal;                     /* the position in the WAL when it was last asked */
    int64_t statement_us;             /* when the running one was begun */
    int64_t worth_us;                 /* a look is worth it after so long */
    size_t asked_count;               /* statements that were asked about */
    int64_t unasked_us;               /* when the first was begun that was not */
    int64_t asked_us;                 /* when the own locks were last asked for */
    int64_t told_ms;                  /* when it was last told how far it is */
    struct progress_memory progress;  /* of the running statement */
    bool names_blockers;              /* it was asked who blocks us, for this statement */
};

/*
 * A try begins; its transaction is at this position in the WAL (null: not known), and its opening
 * has taken so long, which is about what a look takes.
 */
void observation_begin(struct observation *observation, const char *wal_position,
                       int64_t opening_us);

/*
 * The try holds this lock, taken by the running statement or one just before it; relation: its
 * name, null when it has none any more. Null when there is no room for more.
 */
struct held_lock *observation_hold(struct step_try *try, uint64_t oid, const char *relation,
                                   enum table_lock mode);

/* A statement has ended, and was noted in the outcome: who waited behind it goes there too. */
void observation_end_statement(struct step_try *try);

/*
 * The same for a statement in a transaction, and what it has locked and written. False when the
 * server could not be asked: then *end says what becomes of the try.
 */
bool observation_look_back(struct step_try *try, enum try_end *end);

/*
 * What was not asked about yet comes with the round trip that commits: what was written and what
 * has a new file, as columns behind the first of a SELECT; and a look at the own locks as a
 * statement of its own, when that is worth it (true). Then take the answers; look 0: there was
 * none, and what the statements' text says about their locks has to do. The journal's copy of the
 * outcome does not have it.
 */
void observation_append_columns(const struct step_try *try, struct text *sql);
bool observation_append_look(const struct step_try *try, struct text *sql);
void observation_take_last(struct step_try *try, size_t columns, size_t look);

/* The try is about to be committed, or its last statement has ended: sum up, into the outcome. */
void observation_report(struct step_try *try);

#endif
