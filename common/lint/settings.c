#include "common/lint/settings.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config.h"
#include "common/lint/rule.h"

/* The likely rule for an id that is none; null when none is near. */
static const char *
nearest_rule(const char *id)
{
    const char *nearest = NULL;
    size_t nearest_distance = 2;

    for (size_t i = 0; i < rule_count(); i++) {
        size_t distance = text_distance(rule_at(i)->id, id);
        if (distance < nearest_distance) {
            nearest = rule_at(i)->id;
            nearest_distance = distance;
        }
    }
    return nearest;
}

static bool
refuse_severity(const struct config_node *map, const char *key, const char *value,
                struct error *error)
{
    error_set(error, "E-CFG-RANGE", "a severity is off, note, warning or error");
    config_where_key(map, key, error);
    return error_found(error, "%s: %s", key, value ? value : "no text");
}

/* By id, or by name. */
static const struct rule *
find_rule(const char *name)
{
    for (size_t i = 0; i < rule_count(); i++) {
        const struct rule *rule = rule_at(i);
        if (text_equal(rule->id, name) || text_equal(rule->name, name)) {
            return rule;
        }
    }
    return NULL;
}

static bool
read_level(const struct config_node *rules, size_t index, struct lint_settings *settings,
           struct error *error)
{
    const char *id = NULL;
    const struct config_node *node = NULL;

    config_pair(rules, index, &id, &node);
    const char *value = config_scalar(node);
    const struct rule *rule = find_rule(id);
    enum severity severity = SEVERITY_OFF;
    if (!rule) {
        const char *nearest = nearest_rule(id);
        error_set(error, "E-CFG-UNKNOWN", "there is no rule %.64s", id);
        config_where_key(rules, id, error);
        return nearest ? error_hint(error, "did you mean %s?", nearest)
                       : error_hint(error, "`skein debug rules` lists them");
    }
    if (!value || !severity_read(value, &severity)) {
        return refuse_severity(rules, id, value, error);
    }
    settings->levels[settings->level_count++] = (struct lint_level){rule, severity};
    return true;
}

static bool
check_keys(const struct config_node *section, struct error *error)
{
    for (size_t i = 0; i < config_count(section); i++) {
        const char *key = NULL;
        const struct config_node *node = NULL;
        config_pair(section, i, &key, &node);
        if (!text_equal(key, "rules") && !text_equal(key, "fail_on")) {
            error_set(error, "E-CFG-UNKNOWN", "unknown key %.64s", key);
            config_where_key(section, key, error);
            return error_hint(error, "lint: { rules: { SK012: off }, fail_on: warning }");
        }
    }
    return true;
}

static bool
read_section(const struct config_node *section, struct lint_settings *settings, struct error *error)
{
    const struct config_node *rules = NULL;
    const char *fail_on = NULL;

    if (!config_is_map(section)) {
        error_set(error, "E-CFG-TYPE", "lint is a mapping");
        config_where(section, error);
        return error_hint(error, "lint: { rules: { SK012: off } }");
    }
    if (!check_keys(section, error) || !config_map(section, "rules", &rules, error) ||
        !config_text(section, "fail_on", NULL, &fail_on, error)) {
        return false;
    }
    if (fail_on && !severity_read(fail_on, &settings->fail_on)) {
        return refuse_severity(section, "fail_on", fail_on, error);
    }
    settings->levels = mem_zalloc((rules ? config_count(rules) : 0) * sizeof *settings->levels + 1);
    for (size_t i = 0; rules && i < config_count(rules); i++) {
        if (!read_level(rules, i, settings, error)) {
            return false;
        }
    }
    return true;
}

bool
lint_settings_read(const char *file, struct lint_settings *settings, struct error *error)
{
    CLEANUP(config_destroy) struct config *config = NULL;
    const struct config_node *section = NULL;

    *settings = (struct lint_settings){0};
    if (!config_open(file, false, &config, error) ||
        !config_map(config_root(config), "lint", &section, error)) {
        return false;
    }
    if (section && !read_section(section, settings, error)) {
        lint_settings_release(settings);
        return false;
    }
    return true;
}

void
lint_settings_release(struct lint_settings *settings)
{
    free(settings->levels);
    *settings = (struct lint_settings){0};
}
