/*
 * effect: what one statement does to a database of a given PostgreSQL major version: which objects
 * it makes, changes, drops, reads and writes, and what each relation goes through meanwhile: its
 * lock, whether it is scanned or rewritten. Read from the parse tree, with what the catalog knows
 * of the history before it. Says what is; what is allowed is decided elsewhere.
 *
 * Locks: https://www.postgresql.org/docs/current/explicit-locking.html, the pages of the commands,
 * and AlterTableGetLockLevel in src/backend/commands/tablecmds.c.
 */
#ifndef COMMON_SQL_EFFECT_H
#define COMMON_SQL_EFFECT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"

struct catalog;
struct sql_setting;
struct sql_statement;

/* What is known of differences between versions; a major outside is taken for the nearest. */
#define SQL_MAJOR_MIN 12
#define SQL_MAJOR_MAX 18

/* The table-level locks, from weak to strong. Each but the first two is in PostgreSQL's chapter. */
enum lock_mode {
    LOCK_NONE,
    LOCK_ACCESS_SHARE,
    LOCK_ROW_SHARE,
    LOCK_ROW_EXCLUSIVE,
    LOCK_SHARE_UPDATE_EXCLUSIVE,
    LOCK_SHARE,
    LOCK_SHARE_ROW_EXCLUSIVE,
    LOCK_EXCLUSIVE,
    LOCK_ACCESS_EXCLUSIVE,
    LOCK_MODE_COUNT
};

enum sql_object {
    OBJECT_TABLE, /* partitioned ones too */
    OBJECT_FOREIGN_TABLE,
    OBJECT_VIEW,
    OBJECT_MATERIALIZED_VIEW,
    OBJECT_SEQUENCE,
    OBJECT_RELATION,   /* one of the above, the statement does not say which */
    OBJECT_INDEX,      /* of the table `name`, if that is known, itself in `part` */
    OBJECT_COLUMN,     /* of the relation `name`, itself in `part`; so are the next ones */
    OBJECT_CONSTRAINT, /* of a table */
    OBJECT_TRIGGER,
    OBJECT_RULE,
    OBJECT_POLICY,
    OBJECT_PARTITION,   /* attached to, detached from the table `name`; itself in `part` */
    OBJECT_INHERITANCE, /* the same for INHERIT, NO INHERIT */
    OBJECT_STATISTICS,
    OBJECT_ENUM,
    OBJECT_ENUM_VALUE, /* of the type `name`, itself in `part` */
    OBJECT_DOMAIN,
    OBJECT_DOMAIN_CONSTRAINT, /* of the domain `name`, itself in `part` */
    OBJECT_TYPE,              /* composite, range, base, or not said which */
    OBJECT_ATTRIBUTE,         /* of the composite type `name`, itself in `part` */
    OBJECT_FUNCTION,          /* procedures and aggregates too */
    OBJECT_OPERATOR,          /* with classes and families */
    OBJECT_CAST,
    OBJECT_COLLATION,
    OBJECT_TEXT_SEARCH,
    OBJECT_EVENT_TRIGGER,
    OBJECT_SCHEMA,
    OBJECT_EXTENSION,
    OBJECT_LANGUAGE,
    OBJECT_ROLE,
    OBJECT_PUBLICATION,
    OBJECT_SUBSCRIPTION,
    OBJECT_FOREIGN_SERVER, /* wrappers and user mappings too */
    OBJECT_DATABASE,
    OBJECT_TABLESPACE,
    OBJECT_DEFAULT_PRIVILEGES,
    OBJECT_SETTING, /* of the session or the transaction; `name` is the setting */
    OBJECT_CODE,    /* DO, CALL, EXECUTE: code is run; what of it is read follows as effects */
    OBJECT_OTHER,
    OBJECT_COUNT
};

enum effect_verb {
    EFFECT_CREATE,
    EFFECT_REPLACE, /* CREATE OR REPLACE */
    EFFECT_DROP,
    EFFECT_RENAME, /* to new_name */
    EFFECT_MOVE,   /* SET SCHEMA new_name */
    EFFECT_ALTER,  /* any change without a word of its own */

    /* rows */
    EFFECT_READ,
    EFFECT_INSERT, /* COPY FROM too */
    EFFECT_UPDATE,
    EFFECT_DELETE,
    EFFECT_TRUNCATE,
    EFFECT_LOCK, /* LOCK TABLE, SELECT … FOR UPDATE */
    EFFECT_CALL, /* of a function that is in no catalog of PostgreSQL's own, nextval, setval */

    /* columns */
    EFFECT_SET_TYPE,
    EFFECT_SET_DEFAULT,
    EFFECT_DROP_DEFAULT,
    EFFECT_SET_NOT_NULL,
    EFFECT_DROP_NOT_NULL,
    EFFECT_SET_IDENTITY, /* add it or change it */
    EFFECT_DROP_IDENTITY,
    EFFECT_SET_EXPRESSION, /* SET or DROP EXPRESSION of a generated column */
    EFFECT_SET_STATISTICS,
    EFFECT_SET_STORAGE, /* SET COMPRESSION too */

    /* whole objects */
    EFFECT_VALIDATE, /* a constraint */
    EFFECT_ATTACH,
    EFFECT_DETACH,
    EFFECT_ENABLE, /* triggers, rules, row security */
    EFFECT_DISABLE,
    EFFECT_SET_OPTIONS, /* storage parameters, attribute options */
    EFFECT_SET_TABLESPACE,
    EFFECT_SET_LOGGED,
    EFFECT_SET_UNLOGGED,
    EFFECT_SET_ACCESS_METHOD,
    EFFECT_SET_REPLICA_IDENTITY,
    EFFECT_SET_OWNER,
    EFFECT_COMMENT, /* SECURITY LABEL too */
    EFFECT_GRANT,
    EFFECT_REVOKE,

    /* upkeep */
    EFFECT_REFRESH,
    EFFECT_REINDEX,
    EFFECT_CLUSTER, /* VACUUM FULL too */
    EFFECT_VACUUM,
    EFFECT_ANALYZE,
    EFFECT_VERB_COUNT
};

/* What kind of statement it is, as one would file it. */
enum sql_class {
    CLASS_SCHEMA,  /* changes definitions */
    CLASS_DATA,    /* changes rows, sequences' places, contents of materialized views */
    CLASS_BOTH,    /* CREATE TABLE AS, DO */
    CLASS_READ,    /* changes nothing */
    CLASS_UPKEEP,  /* VACUUM, ANALYZE, REINDEX, CLUSTER: same content, other storage */
    CLASS_SESSION, /* settings, transactions, locks */
};

/* How a default or another expression comes to its value. */
enum sql_volatility {
    VOLATILITY_NONE,     /* there is no expression */
    VOLATILITY_CONSTANT, /* the same value always: 0, 'a', ARRAY[]::text[] */
    VOLATILITY_STABLE,   /* one value for the statement: now(), current_user */
    VOLATILITY_VOLATILE, /* a value of its own for each row: random(), nextval(), unknown functions
                          */
};

/* A column as it is written, in CREATE TABLE, ADD COLUMN, ALTER COLUMN … TYPE. */
struct sql_column {
    const char *name;
    const char *type;      /* as format_type says it: "character varying(10)", "app.mood[]" */
    const char *collation; /* null: the type's */
    bool is_not_null;      /* by NOT NULL, PRIMARY KEY, serial or identity */
    bool is_serial;        /* smallserial, serial, bigserial; `type` is the integer's */
    bool is_identity;
    bool is_generated; /* GENERATED ALWAYS AS (…) */
    bool is_virtual;   /* the same, computed when read (18) */
    bool has_using;    /* ALTER COLUMN … TYPE … USING something else than a cast */
    enum sql_volatility default_volatility; /* without serial, identity and generated */
    const char *default_text;               /* of a constant; null otherwise */
};

enum constraint_kind {
    CONSTRAINT_NOT_NULL, /* as an object of its own (18) */
    CONSTRAINT_CHECK,
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_EXCLUSION,
    CONSTRAINT_FOREIGN_KEY,
};

struct sql_constraint {
    enum constraint_kind kind;
    const char *name; /* as written, or as PostgreSQL would choose it when the name is free */
    bool is_named;    /* it was written */
    bool is_valid;    /* without NOT VALID */
    bool is_deferrable, is_deferred;
    bool is_column_constraint; /* written behind a column */
    bool is_in_new_table;      /* part of CREATE TABLE */
    const char *index;         /* USING INDEX: of this name */
    const char *const *columns;
    size_t column_count;
    const char *not_null_column; /* CHECK: its condition says just that this one IS NOT NULL */
    /* FOREIGN KEY */
    const char *to_schema, *to_table; /* to_schema as resolved */
    const char *const *to_columns;
    size_t to_column_count;    /* 0: its primary key */
    char on_delete, on_update; /* a NO ACTION, r RESTRICT, c CASCADE, n SET NULL, d SET DEFAULT */
};

struct sql_index {
    const char *name; /* as written, or as PostgreSQL would choose it; is_named tells */
    bool is_named;
    bool is_unique, is_concurrent;
    bool is_partial;         /* has WHERE */
    bool skips_nulls;        /* WHERE says no more than that its first column IS NOT NULL */
    bool is_only;            /* ON ONLY: not on the partitions */
    bool is_valid;           /* false: ON ONLY a partitioned table, until its parts are attached */
    const char *method;      /* "btree" */
    const char *const *used; /* the columns that its expressions and WHERE name */
    size_t used_count;
    const char *const *columns; /* null in place of an expression; INCLUDE is not among them */
    size_t column_count;
};

struct sql_table_name {
    const char *schema, *name;
};

/* A table, view or sequence as it is made. */
struct sql_table {
    bool is_partitioned, is_unlogged;
    bool is_partition, is_default; /* PARTITION OF its only parent; … DEFAULT */
    bool is_filled;                /* CREATE … AS with data */
    bool is_stored_elsewhere;      /* a TABLESPACE or access method is written */
    bool is_complete;              /* all columns are among the effects */
    const char *const *key;        /* PARTITION BY: the columns */
    size_t key_count;
    const struct sql_table_name *parents; /* INHERITS, PARTITION OF */
    size_t parent_count;
    /* Of a view: the columns that its query names; null for *. */
    const char *const *used;
    size_t used_count;
    /* Of a sequence: the column that it belongs to; null: none. */
    const char *owner_schema, *owner_table, *owner_column;
};

/* One thing that happens to one object. Texts live in the arena, the tree or are constants. */
struct effect {
    enum effect_verb verb;
    enum sql_object object;
    /*
     * Where it lives: as written; else as the catalog's search path finds it; else its first
     * schema. Null for what has no schema (roles …).
     */
    const char *schema;
    const char *name; /* of the relation, also when the object is a part of it */
    const char *part; /* the column, constraint, trigger …; null when the object is `name` itself */
    const char *new_name;   /* RENAME, MOVE; ATTACH … */
    size_t offset;          /* in the whole text; the statement's when the tree says no better */
    bool is_schema_written; /* the schema stands in the statement */
    bool if_exists, if_not_exists, cascades;
    bool is_temporary;   /* of a temporary table: of no concern to anybody else */
    bool is_concurrent;  /* CONCURRENTLY */
    bool is_implied;     /* a part of something else that the statement does: of CREATE TABLE … */
    bool is_noop;        /* IF NOT EXISTS or in a DO block, and the catalog says that it is there */
    bool is_conditional; /* inside DO: it may happen, or not, or several times */
    bool is_bounded;     /* UPDATE, DELETE: has WHERE or LIMIT; INSERT: VALUES only */
    size_t row_count;    /* INSERT … VALUES: the rows that are written out */
    bool scans, rewrites; /* it makes PostgreSQL read all rows, write all rows anew */
    bool loses_data;      /* rows or a column's values are gone for good */
    bool can_undo;        /* another statement brings it back, with all data */
    bool breaks_readers;  /* code that knows the old names or types fails: dropped, renamed, retyped
                           */
    const struct sql_column *column;         /* created, SET TYPE (the new one) */
    const struct sql_constraint *constraint; /* created */
    const struct sql_index *index;           /* created */
    const struct sql_table *table;           /* created; ALTER SEQUENCE … OWNED BY */
    const char *old_type;                    /* SET TYPE, when the catalog knows it */
    const char *function;                    /* that a trigger calls */
};

/* What one relation goes through; one entry for each, the strongest lock that it sees. */
struct sql_relation {
    const char *schema, *name;
    enum sql_object object; /* a table, index, …; OBJECT_RELATION when not known */
    enum lock_mode lock;
    bool scans;         /* all of it is read, by the statement itself, not by a query's plan */
    bool rewrites;      /* gets a new file: all rows or entries written anew, or thrown away */
    bool blocks_reads;  /* others cannot SELECT meanwhile */
    bool blocks_writes; /* others cannot INSERT, UPDATE, DELETE */
    bool is_new;        /* made by this statement, or in this file before it: empty, unseen */
    bool is_in_history; /* the catalog knows it */
    bool is_temporary;
};

/* A function called somewhere in the statement, whose value is not the same everywhere. */
struct sql_call {
    const char *schema, *name; /* schema null when not written; CURRENT_DATE is "current_date" */
    enum sql_volatility volatility;
    size_t offset;
};

struct effects {
    struct effect *effects;
    size_t effect_count;
    struct sql_relation *relations; /* those that it locks, in the order met */
    size_t relation_count;
    struct sql_call *calls; /* those that are stable or volatile */
    size_t call_count;
    const struct sql_setting *settings; /* as in struct sql_facts */
    size_t setting_count;
    enum sql_class class;
    int major_min;            /* the oldest version that has this syntax, 12 at least */
    bool in_transaction;      /* can run inside a transaction block */
    bool loses_data;          /* any of its effects does */
    bool can_undo;            /* all of its effects can be undone */
    bool is_opaque;           /* runs code that is not read: DO, CALL, unknown functions */
    enum lock_mode strongest; /* on relations that are not new */
};

/*
 * Read the effects of a statement on a server of this major version. `catalog` is what the history
 * before it has left, or null: then everything is unknown, and what depends on it is what may
 * happen at worst. All of the result lives in the arena or in the statement's.
 *
 * Relations: all tables, views, materialized views and sequences that the statement locks, those
 * included that it names nowhere, as far as the catalog knows them: partitions, referenced and
 * referencing tables, owned sequences. Of indexes those locked in SHARE UPDATE EXCLUSIVE or
 * stronger: weaker ones come along with every query. Not PostgreSQL's own catalogs, TOAST.
 */
void effects_read(const struct sql_statement *statement, const struct catalog *catalog, int major,
                  struct arena *arena, struct effects *effects);

/* "ACCESS EXCLUSIVE", "table", "created"; as docs and findings print them. */
const char *lock_mode_name(enum lock_mode mode);
const char *sql_object_name(enum sql_object object);
const char *effect_verb_name(enum effect_verb verb);

/* Table 13.2 of the documentation: whether one waits for the other. */
bool lock_mode_conflicts(enum lock_mode one, enum lock_mode other);

/* Whether others can SELECT, and INSERT, UPDATE, DELETE, while somebody holds it. */
bool lock_mode_blocks_reads(enum lock_mode mode);
bool lock_mode_blocks_writes(enum lock_mode mode);

/* The relation with this name among those that the effects touch; null when there is none. */
const struct sql_relation *effects_relation(const struct effects *effects, const char *schema,
                                            const char *name);

#endif
