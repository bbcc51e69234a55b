/*
 * catalog: the objects that a history of migrations leaves behind, replayed in memory, without a
 * database: what is there, since which file, and what was dropped. It knows only what the history
 * says: what an older dump or a DO block made is not in it, and null means "not known".
 */
#ifndef COMMON_SQL_CATALOG_H
#define COMMON_SQL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/sql/effect.h"

struct catalog;

/* Files are counted from 1; 0: before the first. */
struct catalog_column {
    struct sql_column column;
    size_t file; /* made in */
    struct catalog_column *next;
};

struct catalog_constraint {
    struct sql_constraint constraint; /* is_valid follows VALIDATE */
    size_t file;
    size_t validated; /* in which file it became valid */
    struct catalog_constraint *next;
};

struct catalog_index {
    const char *schema;
    struct sql_index index; /* name, uniqueness … */
    struct catalog_table *table;
    const char *constraint; /* that it carries; null: none */
    size_t attached;        /* how many indexes of partitions were attached to it */
    size_t file;
    struct catalog_index *next; /* of the same table */
};

/* A trigger, rule, policy of a table. */
struct catalog_part {
    enum sql_object object;
    const char *name;
    const char *function; /* that a trigger calls */
    size_t file;
    struct catalog_part *next;
};

/* A table that another inherits from or is a partition of, or the other way round. */
struct catalog_kin {
    struct catalog_table *table;
    bool is_partition, is_default; /* PARTITION OF … DEFAULT */
    struct catalog_kin *next;
};

/* A table, view, materialized view, foreign table or sequence. Lists in the order of making. */
struct catalog_table {
    const char *schema, *name;
    enum sql_object object;
    size_t file;            /* made in */
    bool was_perhaps_there; /* made IF NOT EXISTS, or in a DO block */
    bool is_temporary, is_unlogged, is_partitioned;
    bool is_stored_elsewhere; /* a TABLESPACE or access method was written */
    bool is_complete;         /* all its columns are known */
    const char *const *key;   /* PARTITION BY: the columns */
    size_t key_count;
    bool was_filled; /* made by … AS SELECT or written to by a statement of the history */
    size_t filled;   /* in this file, first */
    struct catalog_column *columns;
    struct catalog_constraint *constraints;
    struct catalog_index *indexes;
    struct catalog_part *parts;
    struct catalog_kin *parents, *children;
    struct catalog_kin *sequences;                         /* that belong to its columns */
    const char *owner_schema, *owner_table, *owner_column; /* of a sequence: of which column */
    /* Of a view: what it selects from, as far as known, and the columns it names; null for *. */
    struct catalog_kin *reads;
    const char *const *used;
    size_t used_count;
};

/* An enum, domain or other type. */
struct catalog_type {
    const char *schema, *name;
    enum sql_object object;
    size_t file;
    const char *base;    /* of a domain */
    bool is_constrained; /* domain: has CHECK or NOT NULL */
    const char **values; /* of an enum, in their order */
    size_t *value_files; /* made in which file each */
    size_t value_count;
};

/* What was dropped or renamed away; the last time counts. */
struct catalog_loss {
    enum sql_object object;
    const char *schema, *name, *part; /* as in struct effect */
    const char *new_name;             /* it was renamed to this; null: dropped */
    size_t file;
};

/* The caller owns the result. */
struct catalog *catalog_new(void);
void catalog_destroy(struct catalog **catalog_p);

/*
 * From here on statements come from the next file: what is new in it begins anew, SET search_path
 * is forgotten. Returns its number.
 */
size_t catalog_begin_file(struct catalog *catalog);
size_t catalog_file(const struct catalog *catalog); /* the present one; 0: none yet */

/* Replay a statement by its effects, which must have been read against this catalog. */
void catalog_apply(struct catalog *catalog, const struct effects *effects);

/* ---- questions ---------------------------------------------------------------------------------
 * A null schema means: as the search path finds it (public when nothing else was SET).
 */

/* Tables, views, materialized views, foreign tables, sequences. */
const struct catalog_table *catalog_table(const struct catalog *catalog, const char *schema,
                                          const char *name);
/* The same; of one that the history has not made, what it has added: constraints, and no more. */
const struct catalog_table *catalog_constrained(const struct catalog *catalog, const char *schema,
                                                const char *name);
const struct catalog_index *catalog_index(const struct catalog *catalog, const char *schema,
                                          const char *name);
const struct catalog_type *catalog_type(const struct catalog *catalog, const char *schema,
                                        const char *name);
const struct catalog_column *catalog_column(const struct catalog_table *table, const char *name);
const struct catalog_constraint *catalog_constraint(const struct catalog_table *table,
                                                    const char *name);

/* The file in which an object of any kind was made; 0: not known. For parts of tables: `part`. */
size_t catalog_made(const struct catalog *catalog, enum sql_object object, const char *schema,
                    const char *name, const char *part);

/* That it was dropped or renamed and not made again; null when not. */
const struct catalog_loss *catalog_lost(const struct catalog *catalog, enum sql_object object,
                                        const char *schema, const char *name, const char *part);

/* Whether a table was made in the present file: nobody else has seen it, it holds no old rows. */
bool catalog_is_new(const struct catalog *catalog, const char *schema, const char *name);

/* Whether a valid CHECK says that the column is not null (SET NOT NULL then scans nothing). */
bool catalog_proves_not_null(const struct catalog_table *table, const char *column);

/* The schema that an unqualified new object goes into: the first of the search path. */
const char *catalog_schema(const struct catalog *catalog);

/* All tables in the order of their making, for rules that look at the whole. */
const struct catalog_table *catalog_next(const struct catalog *catalog,
                                         const struct catalog_table *previous);

/* Whether a view selects from a table, and from this column of it; null: from any. */
bool catalog_view_reads(const struct catalog_table *view, const struct catalog_table *table,
                        const char *column);

/* The tables that a publication names; null when none are known. */
const struct catalog_kin *catalog_publication(const struct catalog *catalog, const char *name);

#endif
