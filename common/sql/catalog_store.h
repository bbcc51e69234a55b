/*
 * catalog store: what a catalog is made of, and the changes that its files make to it. For the
 * files of this folder alone.
 */
#ifndef COMMON_SQL_CATALOG_STORE_H
#define COMMON_SQL_CATALOG_STORE_H

#include <uthash.h>
#include <utlist.h>

#include "common/sql/catalog.h"

/* Longer names than PostgreSQL keeps are told apart by their first bytes alone, as it does. */
#define KEY_SIZE 400

struct table_entry {
    struct catalog_table table; /* first: a table is known by its address */
    UT_hash_handle hh;
    char key[];
};

struct index_entry {
    struct catalog_index index;
    UT_hash_handle hh;
    char key[];
};

struct type_entry {
    struct catalog_type type;
    UT_hash_handle hh;
    char key[];
};

/* Anything that ever had a name: when it was made, how it was lost. */
struct thing_entry {
    size_t made; /* 0: only its loss is known */
    bool is_lost;
    struct catalog_loss loss;
    UT_hash_handle hh;
    char key[];
};

struct publication_entry {
    const char *name;
    struct catalog_kin *tables;
    UT_hash_handle hh;
};

struct catalog {
    struct arena arena; /* all of it; what is dropped stays until the end */
    size_t file;
    const char **path; /* search path */
    size_t path_count;
    struct table_entry *tables;
    struct table_entry *strangers; /* not made by the history; see catalog_stranger.c */
    struct index_entry *indexes;
    struct type_entry *types;
    struct thing_entry *things;
    struct publication_entry *publications;
};

/* ---- entries: catalog.c ---------------------------------------------------------------------- */

/* What an entry is found by. */
void store_key(char key[KEY_SIZE], const char *schema, const char *name);

/* An entry of that key and name in the arena, in none of the tables yet. */
struct table_entry *store_entry(struct catalog *catalog, const char *schema, const char *name);

struct catalog_table *store_table(struct catalog *catalog, const char *schema, const char *name);
struct catalog_table *store_find_table(const struct catalog *catalog, const char *schema,
                                       const char *name);
void store_remove_table(struct catalog *catalog, struct catalog_table *table);

struct catalog_index *store_index(struct catalog *catalog, const char *schema, const char *name);
struct catalog_index *store_find_index(const struct catalog *catalog, const char *schema,
                                       const char *name);
void store_remove_index(struct catalog *catalog, struct catalog_index *index);

struct catalog_type *store_type(struct catalog *catalog, const char *schema, const char *name);
struct catalog_type *store_find_type(const struct catalog *catalog, const char *schema,
                                     const char *name);
void store_remove_type(struct catalog *catalog, struct catalog_type *type);

/* Note that something is there since this file, or no longer. */
void store_made(struct catalog *catalog, enum sql_object object, const char *schema,
                const char *name, const char *part);
void store_lost(struct catalog *catalog, enum sql_object object, const char *schema,
                const char *name, const char *part, const char *new_name);

void store_set_path(struct catalog *catalog, const char *value);

/* ---- tables and their parts: catalog_table.c ---------------------------------------------------
 */

void table_create(struct catalog *catalog, const struct effect *effect,
                  const struct effects *effects);
void table_replace_view(struct catalog *catalog, const struct effect *effect,
                        const struct effects *effects);
void table_drop(struct catalog *catalog, struct catalog_table *table, bool cascades);
void table_rename(struct catalog *catalog, struct catalog_table *table, const char *schema,
                  const char *name);
void table_add_child(struct catalog *catalog, struct catalog_table *parent,
                     struct catalog_table *child, bool is_partition, bool is_default);
void table_remove_child(struct catalog_table *parent, struct catalog_table *child);
void table_own(struct catalog *catalog, struct catalog_table *sequence,
               const struct sql_table *owner);
void part_create(struct catalog *catalog, struct catalog_table *table, const struct effect *effect);
void part_drop(struct catalog_table *table, enum sql_object object, const char *name);
void part_rename(struct catalog *catalog, struct catalog_table *table, enum sql_object object,
                 const char *name, const char *new_name);

/* ---- tables of others: catalog_stranger.c ------------------------------------------------------
 */

/* An effect on a table that is not in the catalog. */
void stranger_apply(struct catalog *catalog, const struct effect *effect);
void stranger_remove(struct catalog *catalog, const char *schema, const char *name);

/* ---- columns: catalog_column.c -----------------------------------------------------------------
 */

void column_create(struct catalog *catalog, struct catalog_table *table,
                   const struct sql_column *column);
void column_drop(struct catalog *catalog, struct catalog_table *table, const char *name);
void column_rename(struct catalog *catalog, struct catalog_table *table, const char *name,
                   const char *new_name);
void column_alter(struct catalog *catalog, struct catalog_table *table,
                  const struct effect *effect);

/* ---- constraints and indexes: catalog_index.c --------------------------------------------------
 */

void constraint_create(struct catalog *catalog, struct catalog_table *table,
                       const struct sql_constraint *constraint);
void constraint_drop(struct catalog *catalog, struct catalog_table *table, const char *name);
void constraint_validate(struct catalog *catalog, struct catalog_table *table, const char *name);
void constraint_rename(struct catalog *catalog, struct catalog_table *table, const char *name,
                       const char *new_name);
void index_create(struct catalog *catalog, struct catalog_table *table,
                  const struct sql_index *index, const char *constraint);
void index_rename(struct catalog *catalog, struct catalog_index *index, const char *schema,
                  const char *name);
const char *const *store_texts(struct catalog *catalog, const char *const *texts, size_t count);

#endif
