#include "coordinator/shell/settings.h"

#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/io/keys.h"

#define DESCRIPTORS_OF_OURS 128 /* store, threads, libraries, log */

/* ---- pieces --------------------------------------------------------------------------------- */

/* A choice of words as its index. */
static bool
read_choice(const struct config_node *map, const char *key, const char *const words[], size_t count,
            size_t fallback, size_t *choice, struct error *error)
{
    const char *word;

    if (!config_text(map, key, words[fallback], &word, error)) {
        return false;
    }
    for (*choice = 0; *choice < count; (*choice)++) {
        if (text_equal(word, words[*choice])) {
            return true;
        }
    }
    error_set(error, "E-CFG-RANGE", "'%s' cannot be '%s'", key, word);
    error_found(error, "one of:");
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(error->found);
        snprintf(error->found + used, sizeof error->found - used, " %s", words[i]);
    }
    return config_where_key(map, key, error);
}

static bool
read_count(const struct config_node *map, const char *key, int64_t fallback, int64_t min,
           int64_t max, uint64_t *count, struct error *error)
{
    int64_t value = fallback;

    if (map && !config_number(map, key, fallback, min, max, &value, error)) {
        return false;
    }
    *count = (uint64_t)value;
    return true;
}

static bool
read_duration(const struct config_node *map, const char *key, int64_t fallback_ms, int64_t min_ms,
              int64_t max_ms, uint64_t *duration_ms, struct error *error)
{
    int64_t value_ms = fallback_ms;

    if (map && !config_duration_ms(map, key, fallback_ms, min_ms, max_ms, &value_ms, error)) {
        return false;
    }
    *duration_ms = (uint64_t)value_ms;
    return true;
}

/* ---- listen --------------------------------------------------------------------------------- */

static bool
read_endpoint(const struct config_node *listen, const char *key, const char **endpoint,
              struct error *error)
{
    if (!config_text(listen, key, CONFIG_REQUIRED, endpoint, error)) {
        return false;
    }
    if (text_starts_with(*endpoint, "tcp://") || text_starts_with(*endpoint, "ipc://")) {
        return true;
    }
    error_set(error, "E-CFG-RANGE", "'%s' is no endpoint", key);
    error_found(error, "'%s', wanted one like tcp://0.0.0.0:7461", *endpoint);
    return config_where_key(listen, key, error);
}

static bool
read_listen(const struct config_node *root, struct settings *settings, struct error *error)
{
    const struct config_node *listen;

    if (!config_map(root, "listen", &listen, error)) {
        return false;
    }
    if (!listen) {
        error_set(error, "E-CFG-MISSING", "'listen' is missing");
        error_hint(error, "listen: {agents: tcp://0.0.0.0:7461, operators: tcp://127.0.0.1:7462}");
        return config_where(root, error);
    }
    if (!read_endpoint(listen, "agents", &settings->endpoints[PARTY_AGENT], error) ||
        !read_endpoint(listen, "operators", &settings->endpoints[PARTY_OPERATOR], error)) {
        return false;
    }
    if (text_equal(settings->endpoints[PARTY_AGENT], settings->endpoints[PARTY_OPERATOR]) &&
        !text_ends_with(settings->endpoints[PARTY_AGENT], ":*")) {
        error_set(error, "E-CFG-INCONSISTENT",
                  "'listen.agents' and 'listen.operators' are the same endpoint");
        return config_where_key(listen, "operators", error);
    }
    return true;
}

/* ---- the store ------------------------------------------------------------------------------ */

static bool
read_store(const struct config_node *root, struct settings *settings, struct error *error)
{
    static const char *const volatile_words[] = {"warn", "refuse"};
    const char *cluster;
    size_t choice;

    if (!config_text(root, "key", CONFIG_REQUIRED, &settings->key_path, error) ||
        !config_text(root, "store", CONFIG_REQUIRED, &settings->store_path, error) ||
        !config_text(root, "cluster", NULL, &cluster, error) ||
        !read_choice(root, "volatile_store", volatile_words, 2, 0, &choice, error)) {
        return false;
    }
    settings->refuses_volatile = choice == 1;
    settings->has_cluster = cluster != NULL;
    if (cluster && !id_parse(cluster, &settings->cluster_id)) {
        error_set(error, "E-CFG-RANGE", "'cluster' is no uuid");
        return config_where_key(root, "cluster", error);
    }
    return true;
}

/* ---- limits and times ----------------------------------------------------------------------- */

static bool
read_limits(const struct config_node *root, struct settings *settings, struct error *error)
{
    const struct config_node *limits;
    uint64_t store_mib;

    if (!config_map(root, "limits", &limits, error) ||
        !read_count(limits, "agents", 5000, 1, 1000000, &settings->agents_max, error) ||
        !read_count(limits, "operators", 200, 1, 100000, &settings->operators_max, error) ||
        !read_count(limits, "store_mib", 0, 1, 1 << 20, &store_mib, error) ||
        !read_count(limits, "window", 0, 1, 64, &settings->window, error) ||
        !read_count(limits, "attempts", 0, 1, 100, &settings->attempts_max, error)) {
        return false;
    }
    settings->store_size_max = store_mib << 20;
    return true;
}

static bool
read_times(const struct config_node *root, struct settings *settings, struct error *error)
{
    const struct config_node *times;

    if (!config_map(root, "times", &times, error) ||
        !read_duration(times, "heartbeat", 5000, 100, 3600000, &settings->heartbeat_ms, error) ||
        !read_duration(times, "resend", 2000, 50, 3600000, &settings->resend_ms, error)) {
        return false;
    }
    if (settings->resend_ms >= 3 * settings->heartbeat_ms) {
        error_set(error, "E-CFG-INCONSISTENT",
                  "'times.resend' must be shorter than three of 'times.heartbeat'");
        error_hint(error, "an agent that is silent for three heartbeats is not asked again");
        return config_where_key(times ? times : root, "resend", error);
    }
    return true;
}

/* ---- operators ------------------------------------------------------------------------------ */

static bool
read_operator(const struct config_node *item, struct settings_operator *operator,
              struct error * error)
{
    static const char *const roles[ROLE_COUNT] = {"viewer", "operator", "admin"};
    const char *key;
    size_t role;

    if (!config_text(item, "name", CONFIG_REQUIRED, &operator->name, error) ||
        !config_text(item, "key", CONFIG_REQUIRED, &key, error) ||
        !read_choice(item, "role", roles, ROLE_COUNT, ROLE_VIEWER, &role, error)) {
        return false;
    }
    operator->role =(enum role) role;
    if (!text_is_name(operator->name)) {
        char shown[TEXT_SHOWN_SIZE];
        error_set(error, "E-NAME-SYNTAX", "'%s' cannot be a name",
                  text_shown(operator->name, shown));
        return config_where_key(item, "name", error);
    }
    return keys_read_public(key, operator->key.bytes, error) ||
           config_where_key(item, "key", error);
}

static bool
is_twice(const struct settings *settings, size_t index)
{
    const struct settings_operator *operator= & settings->operators[index];

    for (size_t i = 0; i < index; i++) {
        if (text_equal(settings->operators[i].name, operator->name) ||
            memcmp(&settings->operators[i].key, &operator->key, sizeof operator->key) == 0) {
            return true;
        }
    }
    return false;
}

static bool
read_operators(const struct config_node *root, struct settings *settings, struct error *error)
{
    const struct config_node *list;

    if (!config_list(root, "operators", &list, error)) {
        return false;
    }
    settings->operator_count = list ? config_count(list) : 0;
    settings->operators =
        arena_alloc(&settings->arena, settings->operator_count * sizeof *settings->operators);
    for (size_t i = 0; i < settings->operator_count; i++) {
        const struct config_node *item = config_item(list, i);
        if (!config_is_map(item)) {
            error_set(error, "E-CFG-TYPE", "an operator must be a mapping: name, role, key");
            return config_where(item, error);
        }
        if (!read_operator(item, &settings->operators[i], error)) {
            return false;
        }
        if (is_twice(settings, i)) {
            error_set(error, "E-CFG-DUP", "the operator's name or key stands here twice");
            return config_where(item, error);
        }
    }
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static bool
read_log(const struct config_node *root, struct settings *settings, struct error *error)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    size_t level;

    if (!read_choice(root, "log", levels, 4, 1, &level, error)) {
        return false;
    }
    settings->log_level = (enum log_level)level;
    return true;
}

bool
settings_read(const struct config *config, struct settings *settings, struct error *error)
{
    const struct config_node *root = config_root(config);

    *settings = (struct settings){0};
    return read_listen(root, settings, error) && read_store(root, settings, error) &&
           read_log(root, settings, error) && read_limits(root, settings, error) &&
           read_times(root, settings, error) && read_operators(root, settings, error) &&
           config_finish(config, error);
}

void
settings_release(struct settings *settings)
{
    arena_release(&settings->arena);
}

uint64_t
settings_descriptors(const struct settings *settings)
{
    return settings->agents_max + settings->operators_max + DESCRIPTORS_OF_OURS;
}
