/*
 * config: a YAML file read strictly, with the place of everything in it. Anchors, aliases, tags,
 * several documents, duplicate keys and depth beyond 16 are refused; all scalars are text until
 * somebody asks for a number. A reader asks for the keys it knows; config_finish refuses the keys
 * that nobody asked for, and suggests the likely one.
 *
 * Errors (where: file:line:column): E-CFG-OPEN, -SYNTAX, -FEATURE, -DUP, -TYPE, -RANGE, -MISSING,
 * -UNKNOWN, -PERM.
 */
#ifndef COMMON_IO_CONFIG_H
#define COMMON_IO_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct config;
struct config_node;

/*
 * Read a file of at most 1 MiB. When is_private, it must be a regular file, not a link, that only
 * its owner (root or the process's user) may write (E-CFG-PERM).
 */
bool config_open(const char *path, bool is_private, struct config **config_p, struct error *error);

/* The same from text in memory; `name` stands for the file in errors. */
bool config_parse(const char *name, const char *text, size_t size, struct config **config_p,
                  struct error *error);

void config_destroy(struct config **config_p);

/* The top of the file: a mapping. */
const struct config_node *config_root(const struct config *config);

/* After everything was asked for: false with E-CFG-UNKNOWN for the first key nobody asked for. */
bool config_finish(const struct config *config, struct error *error);

/* A key of a mapping: null when it is not there. False when it is there with another type. */
bool config_map(const struct config_node *map, const char *key, const struct config_node **child,
                struct error *error);
bool config_list(const struct config_node *map, const char *key, const struct config_node **child,
                 struct error *error);

/* A scalar as text (belongs to the config); `fallback` when absent, E-CFG-MISSING when that is
   CONFIG_REQUIRED. */
extern const char config_required[];
#define CONFIG_REQUIRED config_required
bool config_text(const struct config_node *map, const char *key, const char *fallback,
                 const char **value, struct error *error);

/* A number within bounds, a duration (250ms, 2s, 5m), a yes or no (true, false). */
bool config_number(const struct config_node *map, const char *key, int64_t fallback, int64_t min,
                   int64_t max, int64_t *value, struct error *error);
bool config_duration_ms(const struct config_node *map, const char *key, int64_t fallback_ms,
                        int64_t min_ms, int64_t max_ms, int64_t *value_ms, struct error *error);
bool config_bool(const struct config_node *map, const char *key, bool fallback, bool *value,
                 struct error *error);

/* The elements of a list, or the pairs of a mapping (keys that are names, like labels: asking for
   them by index counts as asking). */
size_t config_count(const struct config_node *node);
const struct config_node *config_item(const struct config_node *list, size_t index);
bool config_pair(const struct config_node *map, size_t index, const char **key,
                 const struct config_node **value);

/* Whether a node is a mapping: what is asked for keys must be one. */
bool config_is_map(const struct config_node *node);

/* The text of a scalar node, null when it is none. */
const char *config_scalar(const struct config_node *node);

/* Fill error->where with the node's file:line:column; returns false. */
bool config_where(const struct config_node *node, struct error *error);

/* The same with the place of a key's value; of the mapping when the key is not there. */
bool config_where_key(const struct config_node *map, const char *key, struct error *error);

#endif
