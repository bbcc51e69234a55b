/*
 * store_private: what the files of the store share; nobody else includes it.
 */
#ifndef COORDINATOR_SHELL_STORE_PRIVATE_H
#define COORDINATOR_SHELL_STORE_PRIVATE_H

#include <sqlite3.h>

#include "coordinator/shell/store.h"

#define STORE_APPLICATION_ID 0x536b4569 /* "SkEi", in the file's header */

/* One kind of record and the table that keeps it: a column for every field of its shape. */
struct store_table {
    const char *name;
    const char *identity; /* the columns of its primary key, as SQL; null: rows are only added */
};

extern const struct store_table store_tables[RECORD_KIND_COUNT];
extern const char store_schema[];

/* Since version 3. */
#define STORE_SCHEMA_PACE                                                                          \
    "CREATE TABLE IF NOT EXISTS pace ("                                                            \
    "  target_id BLOB NOT NULL, kind INTEGER NOT NULL, samples INTEGER NOT NULL,"                  \
    "  rate INTEGER NOT NULL, spread INTEGER NOT NULL, wal INTEGER NOT NULL, mac BLOB,"            \
    "  PRIMARY KEY (target_id, kind)) STRICT, WITHOUT ROWID;"

/* Since version 4. */
#define STORE_SCHEMA_LOAD                                                                          \
    "CREATE TABLE IF NOT EXISTS load ("                                                            \
    "  run_id BLOB NOT NULL, ordinal INTEGER NOT NULL, position INTEGER NOT NULL,"                 \
    "  scan_bytes INTEGER, index_bytes INTEGER, write_bytes INTEGER, rewrite_bytes INTEGER,"       \
    "  partial_bytes INTEGER, rows INTEGER, goes_on INTEGER, is_unmeasured INTEGER, mac BLOB,"     \
    "  PRIMARY KEY (run_id, ordinal, position)) STRICT, WITHOUT ROWID;"

/* Statements that are prepared once, when they are first needed. */
enum store_query {
    QUERY_BEGIN,
    QUERY_COMMIT,
    QUERY_ROLLBACK,
    QUERY_NEXT_NUMBER,
    QUERY_RUN_BY_NUMBER,
    QUERY_RUN_BY_ID,
    QUERY_RUN_LAST,
    QUERY_RUNS,
    QUERY_RUN_COUNT,
    QUERY_LEGS,
    QUERY_LEG_COUNT,
    QUERY_STEPS,
    QUERY_STEP_COUNT,
    QUERY_STEP,
    QUERY_STEP_FAILED,
    QUERY_TARGET,
    QUERY_TARGET_NAMED,
    QUERY_OPEN_AGENTS,
    QUERY_OPEN_OPERATORS,
    QUERY_OPEN_TARGETS,
    QUERY_OPEN_RUNS,
    QUERY_OPEN_LEGS,
    QUERY_OPEN_STEPS,
    QUERY_OPEN_LOADS,
    QUERY_PACES,
    QUERY_RUN_LEGS,
    QUERY_RUN_STEPS,
    QUERY_RUN_LOADS,
    QUERY_BUNDLE,
    QUERY_BUNDLE_BEGIN,
    QUERY_BUNDLE_GROW,
    QUERY_BUNDLE_COMPLETE,
    QUERY_BUNDLE_DROP,
    QUERY_PIECE_ADD,
    QUERY_PIECE_DROP,
    QUERY_PIECES,
    QUERY_COUNT
};

struct store {
    char *path;
    int lock_file;
    sqlite3 *database;
    struct id cluster_id;
    uint64_t epoch;
    sqlite3_stmt *queries[QUERY_COUNT];
    sqlite3_stmt *saves[RECORD_KIND_COUNT];
    struct text packed; /* the nested values of the record being saved */
    bool inspects;
    bool has_macs;      /* every row's hash is compared when it is read */
    struct error doubt; /* the first one */
    size_t doubt_count;
};

/* Where a store keeps the process id and the highest epoch that was ever given out. */
bool store_lock(struct store *store, uint64_t *epoch_seen, struct error *error);
bool store_lock_witness(struct store *store, struct error *error);
void store_unlock(struct store *store);

/* Whether the place of the file will do: no network file system, nothing that others may write. */
bool store_place_check(const struct store_options *options, struct error *error);

/*
 * Have the key of the rows' hashes, and SQLite the function that makes them. A store of before
 * them, and one that is taken without its key (accepts_older), has all its rows marked now.
 */
bool store_mac_open(struct store *store, const struct store_options *options, bool is_new_store,
                    int64_t version, struct error *error);

/*
 * What should refuse the store: false when it does; true when the store is only inspected, and then
 * it is kept as a doubt.
 */
bool store_tolerates(struct store *store, const struct error *error);

/* Translate the last failure of SQLite; returns false. */
bool store_fail(const struct store *store, int status, const char *trying, struct error *error);

/* A prepared statement, ready to be bound; null with an error. */
sqlite3_stmt *store_query(struct store *store, enum store_query query, struct error *error);

/* Run a statement that gives no rows, and make it ready again. */
bool store_run(struct store *store, sqlite3_stmt *statement, const char *trying,
               struct error *error);

/* Add the columns of a kind, comma separated, to SQL text: a prefix such as "leg." in front. */
void store_columns(enum record_kind kind, const char *prefix, struct text *sql);

/*
 * The same for reading with store_row: behind the columns stands whether the row is as it was
 * written; where no hash can be compared, that it is.
 */
void store_selection(enum record_kind kind, const char *prefix, bool has_macs, struct text *sql);

/* Bind the fields of a record to a statement's parameters 1…; valid until the next call. */
bool store_bind(struct store *store, sqlite3_stmt *statement, const struct record *record,
                struct error *error);

/* The record in a row's columns from `first` on; texts and lists in the arena. */
bool store_row(sqlite3_stmt *statement, int first, enum record_kind kind, struct arena *arena,
               struct record *record, struct error *error);

#endif
