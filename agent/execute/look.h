/*
 * look: who holds, or waits for, what a script's statements will want to lock. It asks PostgreSQL's
 * lock table and queues for nothing, so nobody notices. What the statements' text tells about their
 * locks comes with the manifest; what they turned out to wait for is learned.
 */
#ifndef AGENT_EXECUTE_LOOK_H
#define AGENT_EXECUTE_LOOK_H

#include "common/migration/outline.h"
#include "agent/execute/budget.h"
#include "agent/execute/sitting.h"

#define LOOK_BLOCKERS_MAX 64 /* more are only counted */
#define LOOK_TABLES_MAX 128

/* A transaction in the way. */
struct blocker {
    struct sighting sighting;
    int pid; /* 0: a prepared transaction; nobody is connected */
    char user[64], application[64], state[40];
    char query_start[24]; /* "2026-01-31 12:00:00"; empty: hidden, or none */
    char relation[130];   /* what it holds or waits for */
    size_t table;         /* the same, among those wanted */
    bool is_autovacuum;
    bool has_written; /* or nobody may say that it has not */
};

/* A table that is wanted. */
struct wanted {
    const char *name; /* as in the manifest; null: learned */
    uint64_t file;    /* of its storage, when it was last looked; 0: it has none, or not known */
    uint64_t oid;     /* 0: not known, or there is none of that name */
    enum table_lock mode;
    bool needs_owner;  /* whoever does not own it may not do it */
    char owner[70];    /* when it is somebody else than the role; quoted */
    char role[70];     /* the role that the look was made with; quoted */
    char invalid[130]; /* its INVALID indexes */
    size_t statement;  /* the first that wants it, from 0 */
};

struct look {
    struct wanted tables[LOOK_TABLES_MAX];
    size_t table_count;
    bool may_lock;     /* at once, instead of being looked at: the first statement does it anyway */
    int64_t locked_us; /* when that was asked for in the last glance; 0: it has only looked */
    uint64_t deadlock_ms; /* the server's deadlock_timeout, once it was asked */
    struct blocker blockers[LOOK_BLOCKERS_MAX]; /* those of the last look */
    size_t blocker_count, left_out;
};

/* What is wanted so that applications would have to wait; what is too much of it is left out. */
void look_begin(struct look *look, const struct outline_table *tables, size_t count);

/* The table with this oid among those wanted; null when there is none. */
const struct wanted *look_find(const struct look *look, uint64_t oid);

/* Whether there is anything to look for. */
bool look_is_empty(const struct look *look);

/*
 * Append a glance, whose answer is the last one: enough to see that nothing is the matter. Tables
 * go by their names, as the session finds them. Those that may be locked at once, and were lately
 * found to be tables of ours, are locked instead: LOCK TABLE … NOWAIT queues no more than a look.
 */
void look_append(struct look *look, struct sitting *sitting, struct text *sql);

/* A table of ours, all of whose indexes are valid: that is not asked again soon. */
void look_note_fine(struct sitting *sitting, const char *name);

/* Take its answer. False when it takes a closer look. */
bool look_read(struct look *look, struct sitting *sitting, size_t answer);

/*
 * Who is in the way, who owns the tables, what is broken. By name: as they were glanced at, in the
 * same transaction; else those that were found then. False when the database could not be asked.
 */
bool look_closely(struct look *look, struct sitting *sitting, bool by_name, struct error *error);

/*
 * The glance has failed. If it was to lock, somebody is in the way most likely: from now on it only
 * looks. If it could not be answered (a schema that the role may not use), it only asks for what is
 * learned.
 */
void look_went_wrong(struct look *look);

/* From now on only for what is learned. */
void look_forget_names(struct look *look);

/* A statement has waited for this table. */
void look_learn(struct look *look, uint64_t oid, enum table_lock mode, size_t statement);

/* Those in the way as the budget judges them; returns how many. */
size_t look_sightings(const struct look *look, struct sighting sightings[LOOK_BLOCKERS_MAX]);

/* "pid 4711 (billing, idle in transaction, query since 2026-01-31 12:00:00), …"; returns out. */
const char *look_names(const struct look *look, char *out, size_t size);

/* "ShareLock", as pg_locks has it; TABLE_LOCK_NONE when it is none. */
enum table_lock look_lock_named(const char *mode);

/* Whether one has to wait for the other. */
bool look_conflicts(enum table_lock one, enum table_lock other);

#endif
