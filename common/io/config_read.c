#include <inttypes.h>
#include <string.h>

#include "common/base/text.h"
#include "common/io/config.h"
#include "common/io/config_node.h"

const char config_required[] = "required";

#define SUGGESTED_DISTANCE_MAX 3
#define MISSPELT_DISTANCE_MAX 2 /* some of the keys here may be asked for yet */

bool
config_where(const struct config_node *node, struct error *error)
{
    return error_where(error, "%s:%zu:%zu", node->config->name, node->line, node->column);
}

const struct config_node *
config_root(const struct config *config)
{
    return config->root;
}

/* ---- asking for a key ------------------------------------------------------------------------ */

static void
remember(const struct config_node *map, const char *key)
{
    for (const struct wish *wish = *map->wishes; wish; wish = wish->next) {
        if (strcmp(wish->key, key) == 0) {
            return;
        }
    }
    struct wish *wish = arena_alloc(&map->config->arena, sizeof *wish);
    wish->key = arena_text(&map->config->arena, key);
    wish->next = *map->wishes;
    *map->wishes = wish;
}

static const struct config_node *
find(const struct config_node *map, const char *key)
{
    remember(map, key);
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->pairs[i].key, key) == 0) {
            map->pairs[i].is_known = true;
            return map->pairs[i].value;
        }
    }
    return NULL;
}

bool
config_where_key(const struct config_node *map, const char *key, struct error *error)
{
    const struct config_node *node = find(map, key);

    return config_where(node ? node : map, error);
}

static bool
refuse(const struct config_node *node, const char *key, const char *code, const char *wanted,
       struct error *error)
{
    error_set(error, code, "'%s' must be %s", key, wanted);
    return config_where(node, error);
}

static bool
find_kind(const struct config_node *map, const char *key, enum node_kind kind, const char *wanted,
          const struct config_node **child, struct error *error)
{
    *child = find(map, key);
    return !*child || (*child)->kind == kind || refuse(*child, key, "E-CFG-TYPE", wanted, error);
}

bool
config_map(const struct config_node *map, const char *key, const struct config_node **child,
           struct error *error)
{
    return find_kind(map, key, NODE_MAP, "a mapping: 'key: value' lines below it", child, error);
}

bool
config_list(const struct config_node *map, const char *key, const struct config_node **child,
            struct error *error)
{
    return find_kind(map, key, NODE_LIST, "a list: '- …' lines below it", child, error);
}

/* ---- scalars --------------------------------------------------------------------------------- */

/* The scalar under a key, null when it is not there. */
static bool
find_scalar(const struct config_node *map, const char *key, const char *wanted,
            const struct config_node **scalar, struct error *error)
{
    const struct config_node *node = find(map, key);

    *scalar = node;
    if (!node) {
        return true;
    }
    if (node->kind != NODE_SCALAR) {
        return refuse(node, key, "E-CFG-TYPE", wanted, error);
    }
    if (node->is_plain && node->text[0] == '\0') {
        refuse(node, key, "E-CFG-TYPE", wanted, error);
        return error_found(error, "nothing");
    }
    return true;
}

static bool
refuse_text(const struct config_node *node, const char *key, const char *code, const char *wanted,
            struct error *error)
{
    refuse(node, key, code, wanted, error);
    return error_found(error, "'%s'", node->text);
}

/* It may be there misspelt: then there are two places to look at. */
static bool
is_missing(const struct config_node *map, const char *key, struct error *error)
{
    const struct pair *nearest = NULL;
    size_t least = MISSPELT_DISTANCE_MAX + 1;

    for (size_t i = 0; i < map->count; i++) {
        size_t distance = text_distance(map->pairs[i].key, key);
        if (!map->pairs[i].is_known && distance < least && distance < strlen(key)) {
            least = distance;
            nearest = &map->pairs[i];
        }
    }
    error_set(error, "E-CFG-MISSING", "'%s' is missing", key);
    config_where(map, error);
    return nearest
               ? error_hint(error, "is '%s' in line %zu meant for it?", nearest->key, nearest->line)
               : false;
}

bool
config_text(const struct config_node *map, const char *key, const char *fallback,
            const char **value, struct error *error)
{
    const struct config_node *node;

    if (!find_scalar(map, key, "a text", &node, error)) {
        return false;
    }
    *value = node ? node->text : fallback;
    if (!node && fallback == CONFIG_REQUIRED) {
        *value = NULL;
        return is_missing(map, key, error);
    }
    return true;
}

/* Whether it is what YAML 1.2 calls a whole number: no octal, no hex, no 1e3, no 12:30. */
static bool
is_whole_number(const struct config_node *node)
{
    const char *digits = node->text + (node->text[0] == '-');

    return node->is_plain && digits[0] && digits[strspn(digits, "0123456789")] == '\0' &&
           (digits[0] != '0' || digits[1] == '\0');
}

bool
config_number(const struct config_node *map, const char *key, int64_t fallback, int64_t min,
              int64_t max, int64_t *value, struct error *error)
{
    const struct config_node *node;

    *value = fallback;
    if (!find_scalar(map, key, "a whole number", &node, error)) {
        return false;
    }
    if (!node) {
        return true;
    }
    if (!is_whole_number(node)) {
        return refuse_text(node, key, "E-CFG-TYPE", "a whole number", error);
    }
    if (!text_to_number(node->text, min, max, value)) {
        refuse(node, key, "E-CFG-RANGE", "within its bounds", error);
        return error_found(error, "%s, from %" PRId64 " to %" PRId64 " allowed", node->text, min,
                           max);
    }
    return true;
}

bool
config_duration_ms(const struct config_node *map, const char *key, int64_t fallback_ms,
                   int64_t min_ms, int64_t max_ms, int64_t *value_ms, struct error *error)
{
    const char *wanted = "a duration: 250ms, 2s, 5m, 1h, 1d";
    const struct config_node *node;
    int64_t duration_ms;

    *value_ms = fallback_ms;
    if (!find_scalar(map, key, wanted, &node, error)) {
        return false;
    }
    if (!node) {
        return true;
    }
    if (!text_to_duration_ms(node->text, &duration_ms)) {
        return refuse_text(node, key, "E-CFG-TYPE", wanted, error);
    }
    if (duration_ms < min_ms || duration_ms > max_ms) {
        refuse(node, key, "E-CFG-RANGE", "within its bounds", error);
        return error_found(error, "%s, from %" PRId64 "ms to %" PRId64 "ms allowed", node->text,
                           min_ms, max_ms);
    }
    *value_ms = duration_ms;
    return true;
}

bool
config_bool(const struct config_node *map, const char *key, bool fallback, bool *value,
            struct error *error)
{
    const struct config_node *node;

    *value = fallback;
    if (!find_scalar(map, key, "true or false", &node, error)) {
        return false;
    }
    if (!node) {
        return true;
    }
    *value = strcmp(node->text, "true") == 0;
    if (node->is_plain && (*value || strcmp(node->text, "false") == 0)) {
        return true;
    }
    return refuse_text(node, key, "E-CFG-TYPE", "true or false, without quotes", error);
}

/* ---- lists, and mappings whose keys are names ------------------------------------------------ */

size_t
config_count(const struct config_node *node)
{
    return node ? node->count : 0;
}

const struct config_node *
config_item(const struct config_node *list, size_t index)
{
    return list->kind == NODE_LIST && index < list->count ? list->items[index] : NULL;
}

bool
config_pair(const struct config_node *map, size_t index, const char **key,
            const struct config_node **value)
{
    if (map->kind != NODE_MAP || index >= map->count) {
        return false;
    }
    map->pairs[index].is_known = true;
    *key = map->pairs[index].key;
    *value = map->pairs[index].value;
    return true;
}

bool
config_is_map(const struct config_node *node)
{
    return node->kind == NODE_MAP;
}

const char *
config_scalar(const struct config_node *node)
{
    return node && node->kind == NODE_SCALAR ? node->text : NULL;
}

/* ---- what nobody asked for ------------------------------------------------------------------- */

static const char *
likely_key(const struct config_node *map, const char *key)
{
    const char *nearest = NULL;
    size_t least = SUGGESTED_DISTANCE_MAX + 1;

    for (const struct wish *wish = *map->wishes; wish; wish = wish->next) {
        size_t distance = text_distance(wish->key, key);
        if (distance < least && distance < strlen(key)) {
            least = distance;
            nearest = wish->key;
        }
    }
    return nearest;
}

static bool
refuse_pair(const struct config_node *map, const struct pair *pair, struct error *error)
{
    const char *likely = likely_key(map, pair->key);

    error_set(error, "E-CFG-UNKNOWN", "unknown key '%s'", pair->key);
    error_where(error, "%s:%zu:%zu", map->config->name, pair->line, pair->column);
    return likely ? error_hint(error, "did you mean '%s'?", likely) : false;
}

/* As deep as the file is nested, which is bounded. */
static bool
finish(const struct config_node *node, struct error *error)
{
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == NODE_MAP && !node->pairs[i].is_known) {
            return refuse_pair(node, &node->pairs[i], error);
        }
        if (!finish(node->kind == NODE_MAP ? node->pairs[i].value : node->items[i], error)) {
            return false;
        }
    }
    return true;
}

bool
config_finish(const struct config *config, struct error *error)
{
    return finish(config->root, error);
}
