/*
 * try: one try at a step, and what came of it. A step may need several: for a lock, for a lost
 * connection. Each begins with nothing of the step in the database and ends with all of it or
 * nothing, or not knowing which.
 */
#ifndef AGENT_EXECUTE_TRY_H
#define AGENT_EXECUTE_TRY_H

#include "agent/execute/journal.h"

struct observation;
struct preflight;
struct way;

enum try_end {
    TRY_DONE,      /* committed, and the answer says so */
    TRY_FAILED,    /* rolled back; the error is the verdict */
    TRY_CANCELLED, /* rolled back because of sitting_stop */
    TRY_BLOCKED,   /* rolled back before its first statement: somebody holds what it would lock */
    TRY_LOCKED,    /* rolled back: a lock was not to be had in time, or a deadlock; try again */
    TRY_LOST,      /* the connection is gone, or not fit any more: look again what is true */
    TRY_STALE      /* what was read is not so any more: read again */
};

struct step_try {
    struct sitting *sitting;
    const struct step_order *order;
    const struct script *script;
    struct arena *arena;
    struct outcome *outcome; /* as far as it is known */

    uint64_t lock_timeout_ms; /* of this try */
    struct observation *observation;
    struct preflight *preflight;
    struct way *way;               /* who would be in the way, and whether to go nevertheless */
    uint64_t statement_timeout_ms; /* of each statement; 0: none */
    uint64_t timeout_ms;           /* of all tries together; 0: none */
    int64_t deadline_ms;           /* of the script; 0: none */
    char blockers[256];

    uint64_t statement; /* the running one, from 1; 0 before the first */
    bool is_in_doubt;   /* its COMMIT was sent and the answer is not known */
    bool is_effective;  /* what it was for is there, outside any transaction: too late to stop */
    int64_t began_us;
    uint64_t notices_before;
    char xid[24];

    struct error error; /* TRY_FAILED, TRY_LOCKED, TRY_LOST */
    char sqlstate[6];
    bool is_retryable;
};

/* The verdict that the try's error makes, into its outcome. */
void try_make_failure(struct step_try *try);

/* Fail for a reason of our own; returns TRY_FAILED. */
enum try_end try_fail(struct step_try *try, const char *code, const char *text);

/* A query of our own (not of the migration) has failed; `what` was being done. */
enum try_end try_query_failed(struct step_try *try, const char *what);

/*
 * A statement of a script has failed: lost, cancelled, locked, or the error with its place in the
 * file.
 */
enum try_end try_statement_failed(struct step_try *try, const struct script *script,
                                  const struct statement *statement);

/* Note how long a statement took and what it did. */
void try_note_statement(struct step_try *try, const struct statement *statement,
                        const struct command_end *end, int64_t duration_us);

/* How patiently a statement of the script is waited for. */
struct patience try_patience(struct step_try *try, const char *failpoint);

/* A statement's text with an end; the caller frees it. */
char *try_statement_text(const struct step_try *try, const struct script *script,
                         const struct statement *statement);

/* Roll back whatever transaction is open, on a connection that may have gone. */
void try_roll_back(struct step_try *try);

/* Append the settings a migration's statements run with: SET LOCAL when is_local. */
void try_append_settings(const struct step_try *try, bool is_local, struct text *sql);

/* The try is committed: what the sitting knows to be applied follows. */
void try_follow(struct step_try *try);

#endif
