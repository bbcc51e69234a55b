/*
 * outline: of a script what a preflight goes by: which tables it locks so that others have to wait,
 * which it goes through, in which schemas it makes something. A plan tells it with its question, so
 * that whoever is asked needs no bundle.
 */
#ifndef COMMON_MIGRATION_OUTLINE_H
#define COMMON_MIGRATION_OUTLINE_H

#include "common/base/arena.h"
#include "common/migration/manifest.h"

#define OUTLINES_MAX 16       /* in one question: the next ones */
#define OUTLINE_TABLES_MAX 32 /* of one script; what is behind them its own preflight looks at */
#define OUTLINE_WORKS_MAX 32
#define OUTLINE_SCHEMAS_MAX 8

/* A table that is locked. */
struct outline_table {
    const char *relation; /* as in the manifest: can be put into SQL as it is */
    enum table_lock mode; /* TABLE_LOCK_SHARE and stronger: applications wait behind it */
    bool needs_owner;     /* whoever does not own it may not do it */
    uint64_t statement;   /* the first that wants it, from 0 */
};

/* One whose content is gone through, in plain names. */
struct outline_work {
    const char *schema, *table;
    enum work_kind kind;
};

/* One in which something is made. */
struct outline_schema {
    const char *name; /* plain; null: the first of the search path */
};

/* Of one direction of a migration. */
struct outline {
    const char *version;
    enum direction direction;
    struct outline_table *tables;
    size_t table_count;
    struct outline_work *works;
    size_t work_count;
    struct outline_schema *schemas;
    size_t schema_count;
};

extern const struct pack_shape outline_shape;

/* Into the arena, as far as it has room for them; is_empty: nothing to look at. */
struct outline outline_of(const struct migration *migration, enum direction direction,
                          struct arena *arena);

bool outline_is_empty(const struct outline *outline);

/* The tables that a script locks, each once; returns how many, at most `max`. */
size_t outline_tables(const struct script *script, struct outline_table *tables, size_t max);

/* One more among them: what is wanted twice is wanted once, with the stronger lock. */
void outline_want(struct outline_table *tables, size_t *count, size_t max,
                  const struct outline_table *table);

#endif
