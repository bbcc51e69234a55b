#include "common/migration/naming.h"

#include <string.h>

#include "common/base/text.h"

#define SUFFIXES_KEY "sqlMigrationSuffixes"
#define SUFFIXES_MAX 16

static const char *const plain_suffixes[] = {".sql"};

const struct naming naming_flyway = {.versioned = "V",
                                     .undo = "U",
                                     .repeatable = "R",
                                     .separator = "__",
                                     .suffixes = plain_suffixes,
                                     .suffix_count = 1};

static bool
refuse(const struct config_node *map, const char *key, const char *text, const char *hint,
       struct error *error)
{
    error_set(error, "E-CFG-RANGE", "%s", text);
    config_where_key(map, key, error);
    error_found(error, "%s", key);
    return error_hint(error, "%s", hint);
}

static bool
read_suffixes(const struct config_node *map, struct arena *arena, struct naming *naming,
              struct error *error)
{
    static const char hint[] = SUFFIXES_KEY ": [.sql, .pgsql]";
    const struct config_node *list = NULL;

    if (!config_list(map, SUFFIXES_KEY, &list, error)) {
        return false;
    }
    size_t count = list ? config_count(list) : 0;
    if (!list) {
        return true;
    }
    if (count == 0 || count > SUFFIXES_MAX) {
        return refuse(map, SUFFIXES_KEY, "Flyway's suffixes are a list of one to sixteen", hint,
                      error);
    }
    const char **suffixes = arena_alloc(arena, count * sizeof *suffixes);
    for (size_t i = 0; i < count; i++) {
        const char *suffix = config_scalar(config_item(list, i));
        if (!suffix || !suffix[0] || strchr(suffix, '/')) {
            return refuse(map, SUFFIXES_KEY, "this is no ending of a file's name", hint, error);
        }
        suffixes[i] = arena_text(arena, suffix);
    }
    naming->suffixes = suffixes;
    naming->suffix_count = count;
    return true;
}

/* What a file is must be seen from its name. */
static bool
check(const struct config_node *map, const struct naming *naming, struct error *error)
{
    bool is_same = text_equal(naming->versioned, naming->repeatable) ||
                   text_equal(naming->versioned, naming->undo) ||
                   text_equal(naming->undo, naming->repeatable);

    if (is_same) {
        return refuse(map, "sqlMigrationPrefix", "two of Flyway's prefixes are the same",
                      "versioned, undo and repeatable migrations begin differently", error);
    }
    if (!naming->separator[0]) {
        return refuse(map, "sqlMigrationSeparator", "Flyway's separator is empty",
                      "sqlMigrationSeparator: __", error);
    }
    return true;
}

bool
naming_read(const struct config_node *service, struct arena *arena, const struct naming **naming_p,
            struct error *error)
{
    const struct config_node *map = NULL;
    struct naming naming = naming_flyway;
    const struct {
        const char *key;
        const char **value;
    } texts[] = {{"sqlMigrationPrefix", &naming.versioned},
                 {"undoSqlMigrationPrefix", &naming.undo},
                 {"repeatableSqlMigrationPrefix", &naming.repeatable},
                 {"sqlMigrationSeparator", &naming.separator}};

    *naming_p = NULL;
    if (!config_map(service, "flyway", &map, error)) {
        return false;
    }
    if (!map) {
        return true;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!config_text(map, texts[i].key, *texts[i].value, texts[i].value, error)) {
            return false;
        }
        *texts[i].value = arena_text(arena, *texts[i].value);
    }
    if (!read_suffixes(map, arena, &naming, error) || !check(map, &naming, error)) {
        return false;
    }
    *naming_p = arena_copy(arena, &naming, sizeof naming);
    return true;
}
