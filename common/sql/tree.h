/*
 * tree: the small questions that are asked of libpg_query's parse trees. For the files of this
 * folder alone: nobody else sees a tree.
 */
#ifndef COMMON_SQL_TREE_H
#define COMMON_SQL_TREE_H

#include <pg_query/pg_query.pb-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/sql/facts.h"

/* The text of a String node, null when the node is anything else. */
const char *tree_string(const PgQuery__Node *node);

/* A constant as text; null when the node is anything else. */
const char *tree_constant(const PgQuery__Node *node, struct arena *arena);

/* The option with this name among DefElem nodes; null when there is none. */
const PgQuery__DefElem *tree_option(PgQuery__Node **options, size_t count, const char *name);

/* Whether an option is there and on: `CONCURRENTLY`, `(CONCURRENTLY true)`. */
bool tree_option_is_on(PgQuery__Node **options, size_t count, const char *name);

/* Whether an option is there and off: `create_slot = false`. */
bool tree_option_is_off(PgQuery__Node **options, size_t count, const char *name);

/* Whether a plain name is a word that the grammar keeps for itself: keyword.c. */
bool tree_is_keyword(const char *name);

/* A name as it can be written into SQL: app."Weird name". The schema may be null or empty. */
const char *tree_quoted(const char *schema, const char *name, struct arena *arena);

/* The command tag of a statement ("ALTER TABLE"), as PostgreSQL itself would report it. */
const char *tree_tag(const PgQuery__Node *tree, struct arena *arena);

/* Go through the whole statement: calls of set_config, and what it changes in SQL_OWN_SCHEMA. */
void tree_search(const PgQuery__Node *tree, struct arena *arena, struct sql_facts *facts);

/* Add a setting to those that the statement changes. */
void tree_add_setting(struct sql_facts *facts, struct sql_setting setting, struct arena *arena);

#endif
