/* What is dropped, renamed, emptied: code that runs, and data that is gone. */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/linting.h"
#include "common/lint/rules/rules.h"

static bool
drops(const struct scene *scene, enum sql_object object)
{
    const struct effect *effect = scene->effect;

    return effect->verb == EFFECT_DROP && effect->object == object && !effect->is_implied &&
           !effect->is_temporary && !scene->is_new;
}

/* Whether something of that name is made again in this script: then it is replaced. */
static bool
comes_back(const struct scene *scene, const struct effect *dropped)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_made = effect->verb == EFFECT_CREATE || effect->verb == EFFECT_REPLACE ||
                           effect->verb == EFFECT_RENAME;
            const char *name = effect->verb == EFFECT_RENAME ? effect->new_name : effect->name;
            if (is_made && text_equal(name, dropped->name)) {
                return true;
            }
        }
    }
    return false;
}

static void
check_table(struct scene *scene)
{
    if (drops(scene, OBJECT_TABLE)) {
        scene_find(scene, "code that runs still works with %s, and its rows are gone for good",
                   scene_object(scene));
    }
}

/* Whether the column came as late as new tables do: no code that runs knows it. */
static bool
is_new_column(const struct scene *scene)
{
    const struct catalog_table *table = scene_catalog_table(scene);
    const char *part = scene->effect->part;
    const struct catalog_column *column = table && part ? catalog_column(table, part) : NULL;

    return column && linting_is_new(scene->linting, column->file);
}

static void
check_column(struct scene *scene)
{
    if (drops(scene, OBJECT_COLUMN) && !is_new_column(scene)) {
        scene_find(scene, "code that runs still works with %s.%s, and its values are gone for good",
                   scene_object(scene), scene->effect->part);
    }
}

static bool
renames(const struct scene *scene)
{
    const struct effect *effect = scene->effect;

    return effect->verb == EFFECT_RENAME && !effect->is_implied && !effect->is_temporary &&
           !scene->is_new;
}

/* Whether the script makes a view of the name that a table had: code goes on through it. */
static bool
becomes_view(const struct scene *scene, const struct effect *renamed)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_made = effect->verb == EFFECT_CREATE || effect->verb == EFFECT_REPLACE;
            if (is_made && effect->object == OBJECT_VIEW &&
                text_equal(effect->name, renamed->name)) {
                return true;
            }
        }
    }
    return false;
}

/* At the end, when it is known what has the name then. */
static void
check_rename_table(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_table = effect->object == OBJECT_TABLE || effect->object == OBJECT_RELATION;
            if (effect->verb == EFFECT_RENAME && is_table && !effect->part && !effect->is_implied &&
                !effect->is_temporary && !scene_is_new(scene, effect->schema, effect->new_name) &&
                !becomes_view(scene, effect)) {
                scene_find_effect(scene, i, effect, "code that runs knows %s, and not %s",
                                  scene_name(scene, effect->schema, effect->name),
                                  effect->new_name);
            }
        }
    }
}

/* Whether the table has got its name above, in this script: no code knows it by that. */
static bool
has_new_name(const struct scene *scene, const struct effect *renamed)
{
    for (size_t i = 0; i < scene->statement_index; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_RENAME && !effect->part && !effect->is_implied &&
                text_equal(effect->new_name, renamed->name) &&
                text_equal(effect->schema, renamed->schema)) {
                return true;
            }
        }
    }
    return false;
}

static void
check_rename_column(struct scene *scene)
{
    if (renames(scene) && scene->effect->object == OBJECT_COLUMN &&
        !has_new_name(scene, scene->effect) && !is_new_column(scene)) {
        scene_find(scene, "code that runs knows %s.%s, and not %s", scene_object(scene),
                   scene->effect->part, scene->effect->new_name);
    }
}

/* What else code knows by its name. */
static bool
is_known_to_code(enum sql_object object)
{
    switch (object) {
    case OBJECT_VIEW:
    case OBJECT_MATERIALIZED_VIEW:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_SEQUENCE:
    case OBJECT_FUNCTION:
    case OBJECT_ENUM:
    case OBJECT_ENUM_VALUE:
    case OBJECT_DOMAIN:
    case OBJECT_TYPE:
        return true;
    default:
        return false;
    }
}

/* At the end, when it is known whether another takes the name: then it is replaced. */
static void
check_rename_other(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_known = effect->object != OBJECT_SEQUENCE &&
                            (is_known_to_code(effect->object) || effect->object == OBJECT_SCHEMA);
            const char *name = effect->part ? effect->name : effect->new_name;
            if (effect->verb == EFFECT_RENAME && is_known && !effect->is_implied &&
                !effect->is_temporary && !scene_is_new(scene, effect->schema, name) &&
                !scene_is_new_type(scene, effect->schema, name) &&
                (effect->part || !comes_back(scene, effect))) {
                scene_find_effect(
                    scene, i, effect, "code that runs knows the %s %s%s%s, and not %s",
                    sql_object_name(effect->object),
                    scene_name(scene, effect->schema, effect->name), effect->part ? "." : "",
                    effect->part ? effect->part : "", effect->new_name);
            }
        }
    }
}

static void
check_move(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_MOVE && !effect->is_implied && !scene->is_new &&
        effect->object != OBJECT_EXTENSION) {
        scene_find(scene, "code that runs looks for %s where it was", scene_object(scene));
    }
}

/* Whether a sequence has the name that PostgreSQL gives to that of a serial column. */
static bool
is_of_serial(const struct scene *scene, const char *sequence)
{
    const struct catalog_table *table = NULL;

    while ((table = catalog_next(scene->catalog, table))) {
        size_t size = strlen(table->name);
        bool is_begun = strncmp(sequence, table->name, size) == 0 && sequence[size] == '_';
        for (const struct catalog_column *column = is_begun ? table->columns : NULL; column;
             column = column->next) {
            const char *rest = sequence + size + 1;
            size_t name = strlen(column->column.name);
            if (strncmp(rest, column->column.name, name) == 0 && text_equal(rest + name, "_seq")) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a trigger's function that goes in the same script calls it: then it is a part of that. */
static bool
is_called_by_trigger(const struct scene *scene, const char *name)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_drop = effect->verb == EFFECT_DROP && effect->object == OBJECT_FUNCTION;
            const char *text = is_drop ? scene_trigger_text(scene, effect->name) : NULL;
            if (text && strstr(text, name)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether code cannot have used it: only a trigger calls it, only a default draws from it. */
static bool
is_hidden_from_code(const struct scene *scene, const struct effect *effect)
{
    return (effect->object == OBJECT_FUNCTION && (scene_is_trigger_function(scene, effect->name) ||
                                                  is_called_by_trigger(scene, effect->name))) ||
           (effect->object == OBJECT_SEQUENCE && is_of_serial(scene, effect->name));
}

/* At the end, when it is known what comes back. */
static void
check_other(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_DROP && is_known_to_code(effect->object) && effect->name &&
                !effect->is_implied && !effect->is_temporary && !comes_back(scene, effect) &&
                !is_hidden_from_code(scene, effect)) {
                scene_find_effect(scene, i, effect, "code that runs still works with the %s %s",
                                  sql_object_name(effect->object),
                                  scene_name(scene, effect->schema, effect->name));
            }
        }
    }
}

static void
check_cascade(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_DROP && effect->cascades && !effect->is_implied && !scene->is_new &&
        !effect->is_temporary) {
        scene_find(scene, "CASCADE also drops what is not named here, and that may differ from "
                          "database to database");
    }
}

static void
check_schema(struct scene *scene)
{
    if (scene_comes_later(scene, "CREATE SCHEMA")) {
        return; /* SK050 tells what goes besides */
    }
    if (drops(scene, OBJECT_SCHEMA) &&
        !catalog_made(scene->catalog, OBJECT_SCHEMA, NULL, scene->effect->name, NULL)) {
        scene_find(scene, "everything in %s is gone for good", scene->effect->name);
    } else if (drops(scene, OBJECT_SCHEMA) && scene->effect->cascades) {
        scene_find(scene, "everything in %s is gone for good", scene->effect->name);
    }
}

static void
check_database(struct scene *scene)
{
    if (drops(scene, OBJECT_DATABASE)) {
        scene_find(scene, "the database %s is gone for good", scene->effect->name);
    }
}

static void
check_truncate(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_TRUNCATE && !effect->is_implied && !effect->is_temporary &&
        !scene->is_new) {
        scene_find(scene, "all rows of %s are gone for good%s", scene_object(scene),
                   effect->cascades ? ", and those of every table that refers to it" : "");
    }
}

const struct rule rules_drop[] = {
    {.id = "SK045",
     .name = "drop-table",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "Code of the release before still runs while a fleet is migrated, and dropped rows do "
            "not come back by a down.",
     .instead = "First a release that does not use the table, then rename it out of the way, and "
                "drop it some weeks later.",
     .bad = "DROP TABLE users;\n",
     .good = "CREATE TABLE scratch (id bigint PRIMARY KEY);\nDROP TABLE scratch;\n",
     .also = "squawk ban-drop-table; strong_migrations drop_table; pgfence drop-table; Atlas DS102",
     .check = check_table},
    {.id = "SK046",
     .name = "drop-column",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "Code of the release before still names the column, in every SELECT and INSERT that an "
            "ORM writes, and its values do not come back by a down.",
     .instead = "First a release that does not use the column (make it nullable for that), then "
                "drop it in a migration of its own.",
     .bad = "ALTER TABLE users DROP COLUMN email;\n",
     .good = "CREATE TABLE scratch (id bigint PRIMARY KEY, note text);\n"
             "ALTER TABLE scratch DROP COLUMN note;\n",
     .also = "squawk ban-drop-column; strong_migrations remove_column; pgfence drop-column; Atlas "
             "DS103",
     .check = check_column},
    {.id = "SK047",
     .name = "rename-table",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_SCRIPT_END,
     .why = "Code of the release before fails from the moment of the commit, and code of the next "
            "one until then.",
     .instead = "Rename it and make a view of the old name in the same transaction; drop the view "
                "when nobody uses it. Or make a new table and keep both in step.",
     .bad = "ALTER TABLE users RENAME TO people;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\nALTER TABLE users RENAME TO people;\n",
     .also = "squawk renaming-table; strong_migrations rename_table; pgfence rename-table; Atlas "
             "BC101",
     .check = check_rename_table},
    {.id = "SK048",
     .name = "rename-column",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why = "Code of the release before fails from the moment of the commit, and code of the next "
            "one until then.",
     .instead = "Add a column of the new name, keep both in step by triggers, fill it in batches, "
                "and drop the old one when no code uses it.",
     .bad = "ALTER TABLE users RENAME COLUMN email TO mail;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
             "ALTER TABLE users RENAME COLUMN email TO mail;\n",
     .also =
         "squawk renaming-column; strong_migrations rename_column; pgfence rename-column; Atlas "
         "BC102",
     .check = check_rename_column},
    {.id = "SK049",
     .name = "drop-view-function-type",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_SCRIPT_END,
     .why = "Code of the release before still calls functions, reads views and casts to types by "
            "their names.",
     .instead = "First a release that does not use it, then drop it.",
     .bad = "DROP VIEW active_users;\n",
     .good = "DROP VIEW active_users;\nCREATE VIEW active_users AS SELECT id FROM users;\n",
     .also = "squawk ban-drop-view, ban-drop-function, ban-drop-type, ban-drop-sequence, "
             "ban-drop-domain",
     .check = check_other},
    {.id = "SK050",
     .name = "drop-cascade",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "CASCADE drops whatever depends on it, named nowhere and known by nobody until it is "
            "gone.",
     .instead = "Drop what depends on it by name, first.",
     .bad = "DROP TABLE users CASCADE;\n",
     .good = "DROP VIEW active_users;\nDROP TABLE users;\n",
     .check = check_cascade},
    {.id = "SK051",
     .name = "drop-schema",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why = "A schema is dropped with all that is in it, in one statement that has no way back.",
     .instead = "Drop what is in it by name, then the empty schema without CASCADE.",
     .bad = "DROP SCHEMA billing CASCADE;\n",
     .good = "CREATE SCHEMA scratch;\nDROP SCHEMA scratch;\n",
     .also = "squawk ban-drop-schema; pgfence drop-schema; Atlas DS101",
     .check = check_schema},
    {.id = "SK052",
     .name = "drop-database",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .parts = ON_ALL,
     .why = "A database is not part of its own schema, and dropping one has no way back.",
     .instead = "Do that by hand, with a backup at hand.",
     .bad = "DROP DATABASE shop;\n",
     .good = "DROP TABLE IF EXISTS shop;\n",
     .also = "squawk ban-drop-database",
     .check = check_database},
    {.id = "SK053",
     .name = "rename-other",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .why = "Views, functions, types, values of enums, sequences and schemas are known to code by "
            "their names.",
     .instead = "Make a new one beside the old one, and drop the old one when no code uses it.",
     .bad = "ALTER TYPE mood RENAME VALUE 'sad' TO 'unhappy';\n",
     .good = "ALTER INDEX users_email RENAME TO users_by_email;\n",
     .also =
         "squawk renaming-object; strong_migrations rename_schema; pgfence rename-schema; Atlas "
         "BC103",
     .check = check_rename_other},
    {.id = "SK054",
     .name = "set-schema",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "Code of the release before looks for it in the old schema.",
     .instead = "Move it and leave a view of the old name behind, or have both schemas on the "
                "search_path of all code first.",
     .bad = "ALTER TABLE users SET SCHEMA app;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\nALTER TABLE users SET SCHEMA app;\n",
     .also = "squawk ban-set-schema",
     .check = check_move},
    {.id = "SK055",
     .name = "truncate",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "All rows are gone on every database of the fleet, under an ACCESS EXCLUSIVE lock, and "
            "no down brings them back.",
     .instead = "Delete what has to go, in batches, with a WHERE that says which; never CASCADE.",
     .bad = "TRUNCATE users;\n",
     .good = "CREATE TABLE scratch (id bigint PRIMARY KEY);\nTRUNCATE scratch;\n",
     .also = "squawk ban-truncate-cascade; pgfence truncate, truncate-cascade",
     .check = check_truncate},
    {0}};
