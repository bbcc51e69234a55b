#include "agent/shell/settings.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config.h"
#include "common/io/keys.h"
#include "common/postgres/connection.h"

#define TARGETS_MAX 10000
#define DURATION_MAX_MS ((int64_t)24 * 3600 * 1000)

/* ---- pieces ------------------------------------------------------------------------------- */

/* A text of the file that outlives it. */
static bool
read_text(struct agent_settings *settings, const struct config_node *map, const char *key,
          const char *fallback, const char **value, struct error *error)
{
    const char *text;

    if (!config_text(map, key, fallback, &text, error)) {
        return false;
    }
    *value = arena_text(&settings->arena, text);
    return true;
}

static bool
is_name(const struct config_node *map, const char *key, const char *name, struct error *error)
{
    if (text_is_name(name)) {
        return true;
    }
    char shown[TEXT_SHOWN_SIZE];
    error_set(error, "E-NAME-SYNTAX", "%s: '%s' is no name", key, text_shown(name, shown));
    error_found(error, "wanted [A-Za-z0-9][A-Za-z0-9._/@-]{0,127} without \"..\"");
    return config_where_key(map, key, error);
}

static bool
read_name(struct agent_settings *settings, const struct config_node *map, const char *key,
          const char **name, struct error *error)
{
    return read_text(settings, map, key, CONFIG_REQUIRED, name, error) &&
           is_name(map, key, *name, error);
}

static bool
read_duration(const struct config_node *map, const char *key, uint64_t *duration_ms,
              struct error *error)
{
    int64_t value_ms;

    if (!config_duration_ms(map, key, 0, 1, DURATION_MAX_MS, &value_ms, error)) {
        return false;
    }
    *duration_ms = (uint64_t)value_ms;
    return true;
}

/* A key that must be there, whose value is no scalar. */
static bool
is_missing(const struct config_node *map, const char *key, const char *hint, struct error *error)
{
    error_set(error, "E-CFG-MISSING", "'%s' is missing", key);
    error_hint(error, "%s", hint);
    return config_where(map, error);
}

/* ---- coordinator, log, limits ------------------------------------------------------------- */

static bool
read_coordinator(struct agent_settings *settings, const struct config_node *root,
                 struct error *error)
{
    const struct config_node *map;
    const char *key;

    if (!config_map(root, "coordinator", &map, error)) {
        return false;
    }
    if (!map) {
        return is_missing(root, "coordinator",
                          "coordinator: {endpoint: tcp://HOST:PORT, key: 64 hex digits}", error);
    }
    if (!read_text(settings, map, "endpoint", CONFIG_REQUIRED, &settings->endpoint, error) ||
        !config_text(map, "key", CONFIG_REQUIRED, &key, error)) {
        return false;
    }
    if (!text_starts_with(settings->endpoint, "tcp://") &&
        !text_starts_with(settings->endpoint, "ipc://")) {
        error_set(error, "E-CFG-RANGE", "'endpoint' is no endpoint");
        error_found(error, "'%s', wanted one like tcp://coordinator.example:7471",
                    settings->endpoint);
        return config_where_key(map, "endpoint", error);
    }
    if (!keys_read_public(key, settings->coordinator_key, error)) {
        return config_where_key(map, "key", error);
    }
    return true;
}

static bool
read_log(struct agent_settings *settings, const struct config_node *root, struct error *error)
{
    const char *name;

    if (!config_text(root, "log", "info", &name, error)) {
        return false;
    }
    int level = log_level_named(name);
    if (level < 0) {
        error_set(error, "E-CFG-RANGE", "'log' cannot be '%s'", name);
        error_found(error, "one of: debug info warn error");
        return config_where_key(root, "log", error);
    }
    settings->log_level = (enum log_level)level;
    return true;
}

static bool
read_limits(struct agent_settings *settings, const struct config_node *root, struct error *error)
{
    const struct config_node *limits;
    int64_t cache_mib = 256;

    if (!config_map(root, "limits", &limits, error)) {
        return false;
    }
    if (limits && !config_number(limits, "cache_mib", cache_mib, (int64_t)(BUNDLE_SIZE_MAX >> 20),
                                 1 << 20, &cache_mib, error)) {
        return false;
    }
    settings->cache_size_max = (uint64_t)cache_mib << 20;
    return true;
}

/* ---- targets ------------------------------------------------------------------------------ */

static bool
read_labels(struct agent_settings *settings, const struct config_node *map,
            struct agent_settings_target *target, struct error *error)
{
    const struct config_node *labels, *value;

    if (!config_map(map, "labels", &labels, error)) {
        return false;
    }
    size_t count = labels ? config_count(labels) : 0;
    if (count > LABELS_MAX) {
        error_set(error, "E-CFG-RANGE", "a target cannot have so many labels");
        error_found(error, "%zu, at most %d", count, LABELS_MAX);
        return config_where(labels, error);
    }
    target->labels = arena_alloc(&settings->arena, (count + 1) * sizeof *target->labels);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        if (!config_pair(labels, i, &name, &value)) {
            return false;
        }
        const char *text = config_scalar(value);
        if (!text) {
            error_set(error, "E-CFG-TYPE", "the label '%s' is no text", name);
            return config_where(value, error);
        }
        if (!is_name(labels, name, name, error) || !is_name(labels, name, text, error)) {
            return false;
        }
        target->labels[i] =
            (struct label){arena_text(&settings->arena, name), arena_text(&settings->arena, text)};
        target->label_count++;
    }
    return true;
}

/* A secret in the file would be one more place to lose it from: libpq has its own means. */
static bool
read_database(struct agent_settings *settings, const struct config_node *map,
              struct agent_settings_target *target, struct error *error)
{
    struct error refused;
    const char **conninfo = &target->target.conninfo;

    if (!read_text(settings, map, "database", CONFIG_REQUIRED, conninfo, error)) {
        return false;
    }
    if (connection_check_conninfo(*conninfo, &refused)) {
        return true;
    }
    *error = refused;
    if (error_is(&refused, "E-SECRET-ARGV")) {
        error_set(error, "E-CFG-SECRET", "'database' holds a secret");
        error_found(error, "passwords stand in no configuration of ours");
        error_hint(error, "let libpq find it: a passfile (~/.pgpass or passfile=, mode 0600), a "
                          "service file (service=), or peer authentication over the socket");
    }
    return config_where_key(map, "database", error);
}

static bool
read_policies(const struct config_node *map, struct preflight_policies *policies,
              struct error *error)
{
    for (int i = 0; i < CHECK_COUNT; i++) {
        const char *key = policy_check_name((enum preflight_check)i), *word;
        if (!config_text(map, key, "", &word, error)) {
            return false;
        }
        if (word[0] && !policy_named(word, &policies->of[i])) {
            error_set(error, "E-CFG-RANGE", "'%s' cannot be '%s'", key, word);
            error_found(error, "one of: ignore warn hold refuse");
            return config_where_key(map, key, error);
        }
    }
    return true;
}

static bool
read_preflight(const struct config_node *target, struct preflight_policies *policies,
               struct error *error)
{
    const struct config_node *map;
    int64_t slot_mib = 0, segments = 0, room_mib = 0;

    if (!config_map(target, "preflight", &map, error)) {
        return false;
    }
    if (!map) {
        return true;
    }
    bool is_good = read_policies(map, policies, error) &&
                   read_duration(map, "lag_limit", &policies->lag_ms, error) &&
                   read_duration(map, "old_limit", &policies->old_ms, error) &&
                   read_duration(map, "hold_limit", &policies->hold_ms, error) &&
                   config_number(map, "slot_limit_mib", 0, 1, 1 << 24, &slot_mib, error) &&
                   config_number(map, "room_limit_mib", 0, 1, 1 << 30, &room_mib, error) &&
                   config_number(map, "archive_limit", 0, 1, 1 << 24, &segments, error);
    policies->slot_bytes = (uint64_t)slot_mib << 20;
    policies->archive_count = (uint64_t)segments;
    policies->room_bytes = (uint64_t)room_mib << 20;
    return is_good;
}

/* The names of applications, one a line. */
static bool
read_applications(struct agent_settings *settings, const struct config_node *map,
                  struct eviction *eviction, struct error *error)
{
    const struct config_node *list;
    const char *names = "";

    if (!config_list(map, "applications", &list, error)) {
        return false;
    }
    for (size_t i = 0; list && i < config_count(list); i++) {
        const char *name = config_scalar(config_item(list, i));
        if (!name || !name[0] || strchr(name, '\n')) {
            error_set(error, "E-CFG-TYPE", "an application is a name");
            return config_where(list, error);
        }
        names = arena_format(&settings->arena, "%s%s%s", names, names[0] ? "\n" : "", name);
    }
    if (!names[0]) {
        return is_missing(map, "applications", "applications: [reports]; nobody else is touched",
                          error);
    }
    eviction->applications = names;
    return true;
}

static bool
read_eviction(struct agent_settings *settings, const struct config_node *target,
              struct eviction *eviction, struct error *error)
{
    const struct config_node *map;

    if (!config_map(target, "evict", &map, error)) {
        return false;
    }
    if (!map) {
        return true;
    }
    eviction->is_on = true;
    if (!read_duration(map, "after", &eviction->age_ms, error) ||
        !read_duration(map, "grace", &eviction->grace_ms, error)) {
        return false;
    }
    if (!eviction->age_ms) {
        return is_missing(map, "after", "after: 30s, the least age of a transaction", error);
    }
    return read_applications(settings, map, eviction, error);
}

static bool
read_observe(const struct config_node *map, bool *is_unobserved, struct error *error)
{
    bool observes = true;

    if (!config_bool(map, "observe", true, &observes, error)) {
        return false;
    }
    *is_unobserved = !observes;
    return true;
}

static bool
read_window(struct agent_settings *settings, const struct config_node *map, struct window *window,
            struct error *error)
{
    const char *text;

    if (!config_text(map, "window", "", &text, error)) {
        return false;
    }
    return !text[0] || window_parse(text, clock_wall_ms(), &settings->arena, window, error) ||
           config_where_key(map, "window", error);
}

static bool
read_target(struct agent_settings *settings, const struct config_node *map,
            struct agent_settings_target *entry, struct error *error)
{
    struct target_config *target = &entry->target;

    if (!config_is_map(map)) {
        error_set(error, "E-CFG-TYPE", "a target is a mapping");
        error_hint(error, "- name: auth-eu-1");
        return config_where(map, error);
    }
    return read_name(settings, map, "name", &target->name, error) &&
           read_name(settings, map, "service", &entry->service, error) &&
           read_database(settings, map, entry, error) &&
           read_text(settings, map, "role", NULL, &target->role, error) &&
           read_text(settings, map, "search_path", NULL, &target->search_path, error) &&
           read_duration(map, "lock_timeout", &target->lock_timeout_ms, error) &&
           read_duration(map, "lock_budget", &target->lock_budget_ms, error) &&
           read_duration(map, "statement_timeout", &target->statement_timeout_ms, error) &&
           read_duration(map, "timeout", &target->timeout_ms, error) &&
           read_window(settings, map, &entry->window, error) &&
           read_observe(map, &target->is_unobserved, error) &&
           read_preflight(map, &target->preflight, error) &&
           read_eviction(settings, map, &target->eviction, error) &&
           read_labels(settings, map, entry, error);
}

struct name_set {
    const char *name;
    UT_hash_handle hh;
};

static bool
is_new_name(struct name_set **names, struct agent_settings *settings, const struct config_node *map,
            const char *name, struct error *error)
{
    struct name_set *entry;

    HASH_FIND_STR(*names, name, entry);
    if (entry) {
        error_set(error, "E-CFG-DUP", "two targets are named '%s'", name);
        return config_where_key(map, "name", error);
    }
    entry = arena_alloc(&settings->arena, sizeof *entry);
    entry->name = name;
    HASH_ADD_KEYPTR(hh, *names, name, strlen(name), entry);
    return true;
}

static bool
read_targets(struct agent_settings *settings, const struct config_node *root, struct error *error)
{
    const struct config_node *list;
    struct name_set *names = NULL;
    bool is_good = true;

    if (!config_list(root, "targets", &list, error)) {
        return false;
    }
    size_t count = list ? config_count(list) : 0;
    if (count == 0 || count > TARGETS_MAX) {
        is_missing(root, "targets", "targets: a list, each with name, service and database", error);
        return count == 0 ? false
                          : error_set(error, "E-CFG-RANGE", "an agent serves at most %d targets",
                                      TARGETS_MAX);
    }
    settings->targets = arena_alloc(&settings->arena, count * sizeof *settings->targets);
    for (size_t i = 0; i < count && is_good; i++) {
        const struct config_node *map = config_item(list, i);
        struct agent_settings_target *target = &settings->targets[i];
        is_good = read_target(settings, map, target, error) &&
                  is_new_name(&names, settings, map, target->target.name, error);
        settings->target_count++;
    }
    HASH_CLEAR(hh, names);
    return is_good;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static bool
read_all(const struct config *config, struct agent_settings *settings, struct error *error)
{
    const struct config_node *root = config_root(config);

    return read_name(settings, root, "agent", &settings->name, error) &&
           read_coordinator(settings, root, error) &&
           read_text(settings, root, "key", CONFIG_REQUIRED, &settings->key_path, error) &&
           read_text(settings, root, "cache", CONFIG_REQUIRED, &settings->cache_path, error) &&
           read_log(settings, root, error) && read_limits(settings, root, error) &&
           read_targets(settings, root, error) && config_finish(config, error);
}

static bool
read_config(struct config *config, struct agent_settings *settings, struct error *error)
{
    *settings = (struct agent_settings){0};
    bool is_good = read_all(config, settings, error);
    if (!is_good) {
        agent_settings_release(settings);
    }
    config_destroy(&config);
    return is_good;
}

bool
agent_settings_open(const char *path, struct agent_settings *settings, struct error *error)
{
    struct config *config;

    return config_open(path, true, &config, error) && read_config(config, settings, error);
}

bool
agent_settings_parse(const char *name, const char *text, size_t size,
                     struct agent_settings *settings, struct error *error)
{
    struct config *config;

    return config_parse(name, text, size, &config, error) && read_config(config, settings, error);
}

void
agent_settings_release(struct agent_settings *settings)
{
    arena_release(&settings->arena);
    *settings = (struct agent_settings){0};
}
