/*
 * batch: a statement that is carried out as many small transactions over ranges of a key, as its
 * annotation and its text say; part of the manifest. What the key's columns are, and of which
 * types, is read from each target's catalog.
 */
#ifndef COMMON_MIGRATION_BATCH_H
#define COMMON_MIGRATION_BATCH_H

#include "common/io/pack.h"
#include "common/sql/seam.h"

#define BATCH_TIME_MS 200     /* when not said: what one batch is to take */
#define BATCH_ROWS_MAX 200000 /* when not said */
#define BATCH_ROWS_MOST 10000000
#define BATCH_KEY_CTID "ctid"

/* What is done while autovacuum works on the table. */
enum batch_autovacuum { AUTOVACUUM_IGNORE, AUTOVACUUM_SLOW, AUTOVACUUM_HOLD, AUTOVACUUM_COUNT };

/* What is done when part of it was carried out and the file was changed since. */
enum batch_change { CHANGE_REFUSE, CHANGE_CONTINUE, CHANGE_RESTART, CHANGE_COUNT };

/* How fast it goes, and what slows it down; 0 and null: not said. */
struct batch_pace {
    uint64_t time_ms;            /* what one batch is to take */
    uint64_t pause_ms;           /* between two of them */
    uint64_t rows_min, rows_max; /* of one batch */
    uint64_t lag_ms;             /* hold while a replica is further behind */
    uint64_t archive;            /* hold while more files of WAL wait for the archiver */
    uint64_t busy;               /* hold while more connections of others are at work */
    const char *hold;            /* hold while this query says true */
    enum batch_autovacuum autovacuum;
};

/* What a target's catalog decides on. Names are plain, lists of them one a line; see splice. */
struct batch_subject {
    const char *schema, *table;
    bool is_only, is_insert;
    const char *key; /* null: the primary key; BATCH_KEY_CTID: by place */
    const char *changed, *predicate, *outputs;
    const char *written;
    uint64_t first_written;
    const char *into_schema, *into;
    bool overrides;
    bool may_read_itself; /* self=allow */
};

struct batch {
    uint64_t statement; /* its number in the script, from 1 */
    struct seam seam;
    struct batch_subject subject;
    bool is_alone;
    enum exclusion excludes;
    enum batch_change on_change;
    const char *check; /* a query that says true when all is done; null: not said */
    struct batch_pace pace;
};

extern const struct pack_shape batch_subject_shape;
extern const struct pack_shape batch_shape;

#endif
