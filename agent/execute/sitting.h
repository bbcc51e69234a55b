/*
 * sitting: the inside of execute's sitting, for the files of this folder: the connection, what is
 * known of the target, and what the journal said when the target's lock was taken. While the lock
 * is held nobody else changes it, so the copy here is the truth.
 */
#ifndef AGENT_EXECUTE_SITTING_H
#define AGENT_EXECUTE_SITTING_H

#include <stdatomic.h>

#include "common/base/random.h"
#include "common/postgres/connection.h"
#include "agent/execute/execute.h"

#define BACKEND_START_SIZE 48

/* A backend of ours, so that exactly it can be told from all others. */
struct backend {
    int pid;
    char start[BACKEND_START_SIZE];
    int64_t lost_ms; /* when its connection was lost; 0: it never was */
};

/* A row of skein.migration, as far as it is needed to decide. */
struct applied {
    const char *version;
    uint8_t checksum[CHECKSUM_SIZE];
    struct id step_id;
    uint64_t journal_number; /* the journal row that made it so */
};

/* How far the journal was found to be what was written there (chain.h). */
struct chain {
    int64_t whole_ms;  /* when all of it was looked at; 0: never, or not since it was found bad */
    int64_t looked_ms; /* when it was last looked at what has come since */
    uint64_t applied_sum; /* of what was applied then, or was since by us */
    uint64_t first;       /* from this row on: 1, or the last acceptance */
    uint64_t count;       /* up to this one, with this hash */
    uint8_t head[CHECKSUM_SIZE];
};

struct sitting {
    struct target_config config;
    char application_name[64];
    struct interrupt *interrupt;
    atomic_bool wants_pause; /* from another thread: end where it can go on later */
    struct random random;
    struct connection *connection;
    struct connection *watcher; /* a second one, while statements are observed; may be null */
    int64_t preflight_ms;       /* when the server was last found to be well; 0: never */
    struct text fine;           /* tables that are ours and whole, each on a line of its own … */
    int64_t fine_ms;            /* … as was seen since then */
    int64_t watch_again_ms;     /* it could not be opened: not before then */
    struct backend backend, lost;
    char *session_settings; /* what RESET ALL does not set as we want it: ", set_config(…)" */
    char *session_user;     /* who we are when no migration has changed it (current_user) */

    bool is_known; /* the target_id has been read, and must stay */
    bool has_schema;
    bool has_warned;           /* of a server newer than we know */
    struct target_facts facts; /* without applied_version */
    bool has_facts;            /* what of them a connection does not change was asked on this one */

    /* The journal's last row when it was last seen; 0: there was none, or none that counts. */
    uint64_t kept_count;
    uint8_t kept_head[CHECKSUM_SIZE];
    bool has_lost_history; /* it was not there any more, and nobody has planned since */
    uint64_t own_number;   /* rows from this one on are of our steps under this lock; none failed */
    uint64_t proved_count; /* rows up to this one are there that others know of, or they are ours */
    struct chain chain;

    bool has_lock, has_read; /* `applied` and the journal's head are of now */
    struct applied *applied; /* in the order in which they were applied */
    size_t applied_count, applied_capacity;
    uint64_t applied_sum; /* in any order: another one when anything of it is otherwise */
    struct arena applied_arena;
    struct mirror *mirror; /* what is known of the tool's own table (mirror.c); in the arena */
    int64_t no_history_ms; /* when no tool's table was seen here; 0: whoever asks wants it of now */
};

/* Housekeeping is bounded: when the server does not answer for so long the connection is given up.
 */
struct patience sitting_patience(void);

/*
 * Have a connection whose target is fit (T1), a new one or an open one that is looked at again, and
 * read what is applied. `thoroughly`: make the schema when it is missing, and read the journal's
 * head too.
 */
bool sitting_look(struct sitting *sitting, bool thoroughly, struct error *error);

/*
 * The same, thoroughly, for who reports what he finds: it may be another target than before, whose
 * database was made anew or given an identity of its own. Who could not look goes by the old one.
 */
bool sitting_look_anew(struct sitting *sitting, struct error *error);

/*
 * Have a fit connection, the target's lock and what is applied (T1 to T3). Waits for the lock until
 * deadline_ms (0: for ever); false with E-DB-… or E-STOPPED.
 */
bool sitting_attend(struct sitting *sitting, int64_t deadline_ms, struct error *error);

/* The same, whatever the history is: for who is about to say what becomes of it. */
bool sitting_attend_anyhow(struct sitting *sitting, int64_t deadline_ms, struct error *error);

/* The lock is held, and nobody else can have changed what was read under it. */
bool sitting_is_current(const struct sitting *sitting);

/* The connection is no good any more: close it, remember its backend. */
void sitting_drop(struct sitting *sitting);

/*
 * End a transaction in which was only looked. Unlike try_roll_back it does not mind the target's
 * lock: whoever only looks does not have it.
 */
void sitting_roll_back(struct sitting *sitting);

/* Close the connection; it was still good. */
void sitting_close(struct sitting *sitting);

/* What is applied is not known any more. */
void sitting_forget_applied(struct sitting *sitting);

/* Whether an error says "not now": to be tried again until it works. */
bool sitting_is_transient(const struct error *error);

/* What is applied under this version, null when nothing is. */
const struct applied *sitting_find(const struct sitting *sitting, const char *version);

/* A query failed: its error as one of ours; for housekeeping, not for a migration's statements. */
bool sitting_query_failed(struct sitting *sitting, const char *what, struct error *error);

/* Committed: the target belongs to this coordinator; nothing changes when it is none. */
void sitting_take_possession(struct sitting *sitting, const struct id *cluster_id);

/* The journal has grown by a row with this hash. */
void sitting_advance(struct sitting *sitting, const uint8_t hash[CHECKSUM_SIZE]);

/*
 * The same by a batch. A crash may take it back, with the rows that it is about: they are changed
 * again. So it is not held against what is found later.
 */
void sitting_advance_by_batch(struct sitting *sitting, const uint8_t hash[CHECKSUM_SIZE]);

/* The journal's last row is held against what is found later; or whatever is found will do. */
void sitting_keep_head(struct sitting *sitting);
void sitting_forget_head(struct sitting *sitting);

/* Rows of the journal are gone that were there, up to this one. */
void sitting_note_loss(struct sitting *sitting, uint64_t number);

/*
 * A row that somebody else knows of is looked for, unless it was, or is ours; one that is not there
 * is lost. False when the database could not be asked.
 */
bool sitting_prove_row(struct sitting *sitting, uint64_t number, const uint8_t hash[CHECKSUM_SIZE],
                       struct error *error);

/*
 * False when it was not there any more: what was done before a step may be gone, so it is not done
 * either until somebody has looked at what is there (sitting_survey) and decided.
 */
bool sitting_check_history(const struct sitting *sitting, struct error *error);

/* Into the order in which they were applied. */
void sitting_sort_applied(struct sitting *sitting);

/* What is applied has changed with the row just committed. */
void sitting_add_applied(struct sitting *sitting, const struct applied *applied);
void sitting_remove_applied(struct sitting *sitting, const char *version);

#endif
