/*
 * manifest: what a bundle holds, as its reader found it: every migration of one service in order,
 * every statement with its place in the file and the facts that whoever carries it out needs. It
 * is made once, where the migrations are read (with PostgreSQL's own parser), and is covered by
 * the bundle's digest; coordinator and agents only read it.
 */
#ifndef COMMON_MIGRATION_MANIFEST_H
#define COMMON_MIGRATION_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/pack.h"
#include "common/migration/batch.h"

#define CHECKSUM_SIZE 32 /* SHA-256 */
#define MIGRATIONS_MAX 1000
#define SCRIPT_SIZE_MAX ((size_t)8 << 20)
#define KEYS_MAX 24
#define KEY_SIZE_MAX (256 << 10)
#define SCRIPT_TIMEOUT_MAX_MS INT32_MAX /* PostgreSQL's own limit */

enum direction { DIRECTION_UP, DIRECTION_DOWN };

/* How a statement is carried out. */
enum statement_kind {
    STATEMENT_TRANSACTIONAL, /* inside the step's transaction */
    STATEMENT_CREATE_INDEX_CONCURRENTLY,
    STATEMENT_DROP_INDEX_CONCURRENTLY,
    STATEMENT_BATCH, /* in many transactions; a script that has one has no other kind */
    STATEMENT_REINDEX_CONCURRENTLY,
    STATEMENT_DETACH_CONCURRENTLY,
    STATEMENT_REPEATABLE, /* outside a transaction; twice does no more than once */
    STATEMENT_VERIFIED,   /* outside a transaction; its author's query tells whether it is done */
    STATEMENT_SCRIPT, /* a whole file as it stands, in the step's transaction; its only statement */
    STATEMENT_KIND_COUNT
};

/* PostgreSQL's table locks, from weak to strong, numbered as it does. */
enum table_lock {
    TABLE_LOCK_NONE,
    TABLE_LOCK_ACCESS_SHARE,
    TABLE_LOCK_ROW_SHARE,
    TABLE_LOCK_ROW_EXCLUSIVE,
    TABLE_LOCK_SHARE_UPDATE_EXCLUSIVE,
    TABLE_LOCK_SHARE,
    TABLE_LOCK_SHARE_ROW_EXCLUSIVE,
    TABLE_LOCK_EXCLUSIVE,
    TABLE_LOCK_ACCESS_EXCLUSIVE,
    TABLE_LOCK_COUNT
};

#define WANTED_LOCKS_MAX 64
#define STATEMENT_QUERY_SIZE_MAX 4096

/* A table that a statement locks so that others may have to wait. */
struct wanted_lock {
    const char *relation; /* can be put into SQL as it is; with its schema when that was written */
    enum table_lock mode; /* TABLE_LOCK_SHARE_UPDATE_EXCLUSIVE and stronger */
};

/* What a statement does to the content of a table, all of it as far as its text tells. */
enum work_kind {
    WORK_SCAN,    /* every row is read: VALIDATE, SET NOT NULL */
    WORK_INDEX,   /* every row is read, sorted and written into an index */
    WORK_WRITE,   /* rows are changed, removed, or copied from there */
    WORK_REWRITE, /* the table gets new storage, and its indexes with it */
    WORK_KIND_COUNT
};

#define STATEMENT_WORKS_MAX 64

/* One table whose content a statement goes through; not one that its own file has made. */
struct statement_work {
    const char *schema, *table; /* plain names, as the history of the migrations finds it */
    enum work_kind kind;
    bool is_partial;     /* WORK_WRITE: of the rows that a WHERE finds, perhaps all of them */
    const char *made_by; /* the migration that makes the table; null: not known, or perhaps none */
};

struct statement {
    uint64_t offset, size; /* bytes of the script's text, without leading comments and the ';' */
    uint64_t line, column; /* of the first byte, from 1; column in characters */
    enum statement_kind kind;
    const char *tag;           /* what kind of command: "CREATE TABLE", "UPDATE"; for people */
    struct wanted_lock *locks; /* as far as the text tells */
    size_t lock_count;
    struct statement_work *works; /* likewise */
    size_t work_count;
    const char *creates_in; /* the schema that gets something new; "": the search path's first */
    /* Index kinds; names can be put into SQL as they are, quoted where they must be. */
    const char *object; /* the index, with its schema when that was written: app."Weird" */
    const char *schema; /* its schema as a plain name, null when not written */
    const char *table;  /* CREATE INDEX: the table, with its schema when that was written */
    bool is_unique;     /* CREATE INDEX: unique */
    bool if_exists;     /* DROP INDEX IF EXISTS */
    /* REINDEX: `object` is what is named behind the scope; DETACH: the partition, of `table`. */
    const char *scope;   /* REINDEX: "INDEX", "TABLE", "SCHEMA", "SYSTEM", "DATABASE" */
    const char *verify;  /* VERIFIED: a query that answers true when it is done */
    const char *cleanup; /* VERIFIED: what clears a half-done one away; may be null */
};

/* One file: the up, the down or the verify of a migration. */
struct script {
    const char *path;                /* relative to the service's folder, for people */
    uint64_t offset, size;           /* its text within the bundle's content */
    uint8_t checksum[CHECKSUM_SIZE]; /* SHA-256 of that text */
    bool is_transactional;           /* all statements in one transaction */
    uint64_t lock_timeout_ms;        /* 0: not said in the file */
    uint64_t statement_timeout_ms;   /* for each of its statements; 0: not said */
    uint64_t timeout_ms;             /* for the whole script; 0: not said */
    struct statement *statements;
    size_t statement_count;
    struct batch *batches; /* one for each statement of the kind, in order */
    size_t batch_count;
};

/* A value of a tool's history table: what a migration is called there. */
struct migration_key {
    const char *name, *value;
};

struct migration {
    const char *version;      /* text with the layout's own order, at most 128 bytes */
    const char *name;         /* "add_email_verified" */
    const char *stage;        /* expand, migrate, contract …; null when not said */
    const char *irreversible; /* why there is no way back; null when there may be one */
    const char *depends;      /* "auth@42 policy@7": to be applied before; null: nothing */
    bool is_repeatable;       /* carried out again whenever its checksum has changed; no way back */
    bool has_up, has_down, has_verify;
    struct script up, down, verify; /* empty when has_… is false */
    struct migration_key *keys;     /* what the layout's tool writes down of it; names are unique */
    size_t key_count;
};

/* The migrations are in the order in which they are applied; versions are unique. */
struct manifest {
    uint64_t format; /* 1 */
    const char *service;
    const char *layout;        /* "pairs" */
    const char *history_table; /* [schema.]name of the tool's table; null: as the tool calls it */
    bool mirrors_history;      /* what is done is written into that table too */
    struct migration *migrations;
    size_t migration_count;
};

extern const struct pack_shape manifest_shape;

/* The script of a direction; null when the migration has none. */
const struct script *migration_script(const struct migration *migration, enum direction direction);

/* The value with this name, null when there is none. */
const char *migration_key(const struct migration *migration, const char *name);

/* What is said of a statement that is carried out in batches; null for every other. */
const struct batch *script_batch(const struct script *script, size_t statement);

/* The migration with this version, null when there is none. */
const struct migration *manifest_find(const struct manifest *manifest, const char *version);

/*
 * The identity of a migration: the checksum of its up script. It is what the target's journal
 * records and what "changed after it was applied" compares.
 */
const uint8_t *migration_checksum(const struct migration *migration);

#endif
