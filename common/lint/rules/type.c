/* Types of columns that are made: those that are regretted later. */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

/* A column that comes into being, in a new table or an old one; null: none. */
static const struct sql_column *
made(const struct scene *scene)
{
    const struct effect *effect = scene->effect;
    bool is_made = (effect->verb == EFFECT_CREATE || effect->verb == EFFECT_SET_TYPE) &&
                   effect->object == OBJECT_COLUMN && effect->column && effect->column->type &&
                   !effect->is_temporary;

    return is_made ? effect->column : NULL;
}

/* Whether a type is this one, with or without its length, and of arrays of it. */
static bool
is_type(const struct sql_column *column, const char *type)
{
    size_t size = strlen(type);

    /* The NUL at the end is among what strchr finds. */
    return strncmp(column->type, type, size) == 0 && strchr("([", column->type[size]);
}

static void
check_char(struct scene *scene)
{
    const struct sql_column *column = made(scene);

    if (column && is_type(column, "character")) {
        scene_find(scene, "%s.%s is filled up with blanks: %s", scene_object(scene),
                   scene->effect->part, column->type);
    }
}

static void
check_varchar(struct scene *scene)
{
    const struct sql_column *column = made(scene);

    if (column && text_starts_with(column->type, "character varying(")) {
        scene_find(scene, "the length of %s.%s will have to change one day", scene_object(scene),
                   scene->effect->part);
    }
}

static void
check_timestamp(struct scene *scene)
{
    const struct sql_column *column = made(scene);

    if (column && text_starts_with(column->type, "timestamp") &&
        strstr(column->type, "without time zone")) {
        scene_find(scene, "%s.%s does not say whose time it is", scene_object(scene),
                   scene->effect->part);
    }
}

static void
check_serial(struct scene *scene)
{
    const struct sql_column *column = made(scene);

    if (column && column->is_serial) {
        scene_find(scene, "%s.%s is a serial", scene_object(scene), scene->effect->part);
    }
}

static bool
is_small_integer(const struct sql_column *column)
{
    return text_equal(column->type, "integer") || text_equal(column->type, "smallint");
}

/*
 * Whether a table that is made looks like a list of names: an id, a text, at most one thing more,
 * nothing that it refers to and no time. Such a one has dozens of rows and not thousands of
 * millions.
 */
static bool
is_list_of_names(const struct scene *scene, const struct effect *key)
{
    size_t columns = 0, texts = 0;

    for (size_t i = 0; i < scene->effects->effect_count; i++) {
        const struct effect *effect = &scene->effects->effects[i];
        const struct sql_column *column = effect->column;
        bool is_own = effect->verb == EFFECT_CREATE && text_equal(effect->name, key->name);
        if (is_own && effect->constraint && effect->constraint->kind == CONSTRAINT_FOREIGN_KEY) {
            return false;
        }
        if (is_own && effect->object == OBJECT_COLUMN && column && column->type) {
            columns++;
            texts += text_equal(column->type, "text") ||
                     text_starts_with(column->type, "character varying");
            if (text_starts_with(column->type, "timestamp") || text_equal(column->type, "date")) {
                return false;
            }
        }
    }
    return texts > 0 && columns >= 2 && columns <= 3;
}

/* Numbers that count rows: those of keys. */
static void
check_key(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    const struct sql_constraint *key = effect->constraint;

    if (effect->verb != EFFECT_CREATE || !key || key->kind != CONSTRAINT_PRIMARY_KEY ||
        !key->is_in_new_table || key->column_count != 1 || is_list_of_names(scene, effect)) {
        return;
    }
    for (size_t i = 0; i < scene->effects->effect_count; i++) {
        const struct effect *other = &scene->effects->effects[i];
        bool is_counter = other->column && (other->column->is_serial || other->column->is_identity);
        if (is_counter && is_small_integer(other->column) &&
            text_equal(other->part, key->columns[0]) && text_equal(other->name, effect->name)) {
            scene_find_effect(scene, scene->statement_index, other,
                              "%s.%s counts to %s, and then no row can be inserted any more",
                              scene_object(scene), other->part,
                              text_equal(other->column->type, "smallint") ? "32,767"
                                                                          : "2,147,483,647");
            scene_unless_list(scene, effect->schema, effect->name);
        }
    }
}

static void
check_json(struct scene *scene)
{
    const struct sql_column *column = made(scene);

    if (column && is_type(column, "json")) {
        scene_find(scene, "%s.%s is json: SELECT DISTINCT, GROUP BY and = fail on it",
                   scene_object(scene), scene->effect->part);
    }
}

static void
check_money(struct scene *scene)
{
    const struct sql_column *column = made(scene);

    if (column && is_type(column, "money")) {
        scene_find(scene, "what %s.%s shows and reads depends on lc_monetary", scene_object(scene),
                   scene->effect->part);
    }
}

static void
check_integer(struct scene *scene)
{
    const struct sql_column *column = made(scene);

    if (column && is_small_integer(column)) {
        scene_find(scene, "%s.%s is %s", scene_object(scene), scene->effect->part, column->type);
    }
}

static bool
has_key(const struct catalog_table *table)
{
    for (const struct catalog_constraint *key = table->constraints; key; key = key->next) {
        if (key->constraint.kind == CONSTRAINT_PRIMARY_KEY ||
            key->constraint.kind == CONSTRAINT_UNIQUE) {
            return true;
        }
    }
    for (const struct catalog_index *index = table->indexes; index; index = index->next) {
        if (index->index.is_unique && !index->index.is_partial) {
            return true;
        }
    }
    return false;
}

static void
check_no_key(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            const struct catalog_table *table =
                effect->verb == EFFECT_CREATE && effect->object == OBJECT_TABLE &&
                        !effect->is_temporary && !effect->is_implied
                    ? catalog_table(scene->catalog, effect->schema, effect->name)
                    : NULL;
            if (table && table->object == OBJECT_TABLE && table->is_complete && !table->parents &&
                !has_key(table)) {
                scene_find_effect(scene, i, effect, "%s has no primary key, and nothing unique",
                                  scene_name(scene, effect->schema, effect->name));
            }
        }
    }
}

static void
check_schema(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_CREATE && !effect->is_schema_written && !effect->is_temporary &&
        !effect->is_implied && (effect->object == OBJECT_TABLE || effect->object == OBJECT_VIEW)) {
        scene_find(scene, "where %s is made depends on the search_path", effect->name);
    }
}

const struct rule rules_type[] = {
    {.id = "SK074",
     .name = "char-type",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "char(n) stores blanks up to its length and forgets those that were meant, and is no "
            "faster than text.",
     .instead = "text, with a CHECK for its length where that matters.",
     .bad = "CREATE TABLE countries (code char(2) PRIMARY KEY);\n",
     .good = "CREATE TABLE countries (code text PRIMARY KEY CHECK (length(code) = 2));\n",
     .also = "squawk ban-char-field; pgfence char-type",
     .check = check_char},
    {.id = "SK075",
     .name = "varchar-length",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why =
         "Making a varchar(n) shorter reads or writes the whole table, and n is rarely more than "
         "a guess.",
     .instead = "text, with a CHECK that can be replaced by NOT VALID and VALIDATE.",
     .bad = "CREATE TABLE users (id bigint PRIMARY KEY, email varchar(100));\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n",
     .also = "squawk prefer-text-field; pgfence prefer-text-field",
     .check = check_varchar},
    {.id = "SK076",
     .name = "timestamp-without-time-zone",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "A timestamp without time zone means another moment for every session whose TimeZone "
            "is another.",
     .instead = "timestamptz, which stores the moment and takes no more room.",
     .bad = "CREATE TABLE events (id bigint PRIMARY KEY, at timestamp);\n",
     .good = "CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz);\n",
     .also = "squawk prefer-timestamptz; pgfence prefer-timestamptz",
     .check = check_timestamp},
    {.id = "SK077",
     .name = "serial",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "A serial is an integer with a sequence beside it whose owner and rights have to be "
            "looked after.",
     .instead = "bigint GENERATED ALWAYS AS IDENTITY.",
     .bad = "CREATE TABLE users (id bigserial PRIMARY KEY);\n",
     .good = "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);\n",
     .also = "squawk prefer-identity; pgfence prefer-identity",
     .check = check_serial},
    {.id = "SK078",
     .name = "integer-key",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why =
         "A counter of 32 bits runs out at two thousand million rows ever inserted, and changing "
         "its type writes the whole table anew.",
     .instead = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY.",
     .bad = "CREATE TABLE users (id serial PRIMARY KEY);\n",
     .good = "CREATE TABLE users (id bigserial PRIMARY KEY);\n",
     .also = "squawk prefer-big-int; pgfence prefer-bigint-over-int",
     .check = check_key},
    {.id = "SK079",
     .name = "json-type",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "json has no equality operator, so queries that compare whole rows fail, and it is "
            "parsed anew at every access.",
     .instead = "jsonb.",
     .bad = "ALTER TABLE users ADD COLUMN settings json;\n",
     .good = "ALTER TABLE users ADD COLUMN settings jsonb;\n",
     .also = "strong_migrations json column; eugene E3; pgfence prefer-jsonb",
     .check = check_json},
    {.id = "SK080",
     .name = "money-type",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "money takes its currency and its decimals from a setting of the session.",
     .instead = "numeric, or a bigint of cents, with the currency in a column of its own.",
     .bad = "CREATE TABLE orders (id bigint PRIMARY KEY, price money);\n",
     .good = "CREATE TABLE orders (id bigint PRIMARY KEY, price numeric(12, 2));\n",
     .also = "pgfence money-type",
     .check = check_money},
    {.id = "SK081",
     .name = "small-integer",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why =
         "A number that outgrows its column is an outage, and making the column wider writes the "
         "table anew.",
     .instead = "bigint.",
     .bad = "CREATE TABLE users (id bigint PRIMARY KEY, visits integer);\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, visits bigint);\n",
     .also = "squawk prefer-bigint-over-int, prefer-bigint-over-smallint",
     .check = check_integer},
    {.id = "SK082",
     .name = "table-without-key",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_SCRIPT_END,
     .why = "Rows that nothing tells apart cannot be changed one by one, not in batches, and not "
            "by logical replication.",
     .instead = "A PRIMARY KEY, made up if need be.",
     .bad = "CREATE TABLE events (at timestamptz, kind text);\n",
     .good = "CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz, kind text);\n",
     .check = check_no_key},
    {.id = "SK083",
     .name = "schema-not-written",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why =
         "A table without its schema is made where the role's search_path says, which can differ "
         "from database to database.",
     .instead = "CREATE TABLE app.users (…).",
     .bad = "CREATE TABLE users (id bigint PRIMARY KEY);\n",
     .good = "CREATE TABLE app.users (id bigint PRIMARY KEY);\n",
     .also = "squawk require-table-schema",
     .check = check_schema},
    {0}};
