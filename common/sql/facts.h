/*
 * facts: what one statement is and does, read from its parse tree: its command tag, whether it can
 * run inside a transaction, what it changes about the session, which index it makes or drops. Says
 * what is; what is allowed is decided by common/migration.
 */
#ifndef COMMON_SQL_FACTS_H
#define COMMON_SQL_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/sql/lock.h"

/* The schema whose objects belong to Skein itself. */
#define SQL_OWN_SCHEMA "skein"

enum sql_kind {
    SQL_ORDINARY, /* runs inside a transaction */
    SQL_CREATE_INDEX_CONCURRENTLY,
    SQL_DROP_INDEX_CONCURRENTLY,
    SQL_REINDEX_CONCURRENTLY,
    SQL_DETACH_CONCURRENTLY, /* ALTER TABLE … DETACH PARTITION … CONCURRENTLY */
    SQL_REPEATABLE, /* runs outside a transaction only, and twice does no more than once: VACUUM …
                     */
    SQL_OUTSIDE,    /* any other that PostgreSQL refuses inside a transaction */
    SQL_VERIFIED,   /* one of those, with `verify`; see common/migration/verified.h */
    SQL_BEGIN,      /* BEGIN or START TRANSACTION, without options */
    SQL_COMMIT,     /* COMMIT or END, without AND CHAIN */
    SQL_TRANSACTION,  /* all other transaction control */
    SQL_SET,          /* SET, RESET of one setting; it is in `settings` */
    SQL_SESSION,      /* changes the session as a whole: DISCARD, RESET ALL, LISTEN … */
    SQL_COPY_CLIENT,  /* COPY FROM STDIN, COPY TO STDOUT: its rows travel beside the SQL */
    SQL_COPY_PROGRAM, /* COPY … PROGRAM: runs a command on the database's host */
    SQL_KIND_COUNT
};

/* A setting that the statement changes, by SET, RESET or set_config('name', …). */
struct sql_setting {
    const char *name;  /* in lower case */
    const char *value; /* as text, several as "a, b"; null: the default, or not constant */
    bool is_call;      /* by set_config */
};

struct sql_facts {
    enum sql_kind kind;
    const char *tag; /* "CREATE TABLE" */
    struct sql_setting *settings;
    size_t setting_count;

    /*
     * Index kinds; REINDEX: `index` is what is named behind its scope; DETACH: `index` is the
     * partition, `table` what it is detached from. Names as they can be written into SQL, quoted
     * where they must be.
     */
    const char *index;  /* with its schema, when that was written; null: CREATE INDEX without one */
    const char *schema; /* the plain name; null when not written */
    const char *table;  /* CREATE INDEX: with its schema, when that was written */
    size_t index_count; /* how many are dropped */
    const char *scope;  /* REINDEX: "INDEX", "TABLE", "SCHEMA", "SYSTEM", "DATABASE"; else null */
    const char *verify, *cleanup; /* SQL_VERIFIED: not read here */
    bool is_unique;               /* CREATE UNIQUE INDEX */
    bool if_exists;               /* DROP INDEX IF EXISTS */
    bool if_not_exists;           /* CREATE INDEX IF NOT EXISTS */

    struct sql_locks locks; /* the strong ones that it asks for by name */

    const char *own;      /* what it changes in SQL_OWN_SCHEMA, or the schema; null: nothing */
    bool has_secret;      /* a password is written out in it */
    size_t secret_offset; /* where in the whole text; 0: somewhere in the statement */
};

/*
 * The facts about one statement from its parse tree. Texts are made in the arena or belong to the
 * tree.
 */
struct PgQuery__Node;
void sql_facts_read(const struct PgQuery__Node *tree, struct arena *arena, struct sql_facts *facts);

#endif
