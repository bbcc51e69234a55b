/* Indexes: how they are built, dropped and built anew beside those who work with the table. */
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

/* Whether the script may be turned into one that runs outside a transaction. */
static bool
holds_only_indexes(const struct scene *scene)
{
    const struct sql_script *sql = &scene->script->sql;

    for (size_t i = 0; i < sql->statement_count; i++) {
        const char *tag = sql->statements[i].facts.tag;
        if (!text_equal(tag, "CREATE INDEX") && !text_equal(tag, "DROP INDEX")) {
            return false;
        }
    }
    return true;
}

static void
fix_concurrently(struct scene *scene)
{
    size_t offset = 0, size = 0;

    if (holds_only_indexes(scene) && scene_may_run_outside(scene) &&
        scene_words(scene, "INDEX", &offset, &size)) {
        scene_fix(scene, offset + size, 0, " CONCURRENTLY");
    }
}

/* With CONCURRENTLY it would take an INVALID index for done: SK013. */
static void
fix_if_not_exists(struct scene *scene)
{
    size_t offset = 0, size = 0;

    if (scene_is_fixed(scene) && scene_words(scene, "IF NOT EXISTS", &offset, &size)) {
        bool has_blank = scene->script->text[offset + size] == ' ';
        scene_fix(scene, offset, size + has_blank, "");
    }
}

static void
check_create(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb != EFFECT_CREATE || effect->object != OBJECT_INDEX || effect->is_implied ||
        effect->is_concurrent || scene->is_new || !scene->table) {
        return;
    }
    scene_find(scene, "writes to %s wait while the index %s is built", scene_table(scene),
               scene_index(effect));
    fix_concurrently(scene);
    fix_if_not_exists(scene);
}

static void
check_drop(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb != EFFECT_DROP || effect->object != OBJECT_INDEX || effect->is_implied ||
        effect->is_concurrent || scene->is_new) {
        return;
    }
    scene_find(scene,
               "dropping the index %s waits for every query on its table, and every query waits "
               "behind it",
               scene_index(effect));
    fix_concurrently(scene);
}

static bool
makes_index(const struct scene *scene)
{
    const struct effect *effect = scene->effect;

    return effect->verb == EFFECT_CREATE && effect->object == OBJECT_INDEX && !effect->is_implied &&
           effect->index;
}

static void
check_reindex(struct scene *scene)
{
    if (scene->effect->verb == EFFECT_REINDEX && !scene->effect->is_concurrent && !scene->is_new) {
        scene_find(scene, "writes wait, and many reads, while %s is built anew",
                   scene_object(scene));
    }
}

static void
check_if_not_exists(struct scene *scene)
{
    if (makes_index(scene) && scene->effect->is_concurrent && scene->effect->if_not_exists) {
        scene_find(scene, "an invalid %s that a failed attempt has left would be taken for done",
                   scene_index(scene->effect));
    }
}

static void
check_unnamed(struct scene *scene)
{
    if (makes_index(scene) && !scene->effect->index->is_named &&
        !(scene->table && scene->table->is_temporary)) {
        scene_find(scene, "the index on %s has no name of its own", scene_table(scene));
    }
}

static bool
has_same_columns(const struct sql_index *one, const struct sql_index *other)
{
    if (one->column_count != other->column_count || !text_equal(one->method, other->method) ||
        one->is_partial || other->is_partial) {
        return false;
    }
    for (size_t i = 0; i < one->column_count; i++) {
        if (!one->columns[i] || !text_equal(one->columns[i], other->columns[i])) {
            return false;
        }
    }
    return one->column_count > 0;
}

/* Operator classes and orders are not among the columns' names: nothing is said about those. */
static bool
is_ordinary(const struct scene *scene, size_t statement)
{
    static const char *const words[] = {"_ops", "DESC", "desc", "INCLUDE", "include", "COLLATE"};
    const struct stretch *stretch = &scene->script->sql.statements[statement].stretch;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (memmem(scene->script->text + stretch->place.offset, stretch->size, words[i],
                   strlen(words[i]))) {
            return false;
        }
    }
    return true;
}

static void
compare(struct scene *scene, size_t statement, const struct effect *effect)
{
    const struct catalog_table *table = catalog_table(scene->catalog, effect->schema, effect->name);

    for (const struct catalog_index *other = table ? table->indexes : NULL; other;
         other = other->next) {
        bool is_other = !text_equal(other->index.name, scene_index(effect));
        if (is_other && has_same_columns(effect->index, &other->index) &&
            other->index.is_unique >= effect->index->is_unique) {
            scene_find_effect(scene, statement, effect,
                              "%s has the index %s on the same columns already",
                              scene_name(scene, effect->schema, effect->name), other->index.name);
            return;
        }
    }
}

/* At the end of the file: what is replaced is gone by then. */
static void
check_duplicate(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_CREATE && effect->object == OBJECT_INDEX && effect->index &&
                !effect->is_implied && is_ordinary(scene, i)) {
                compare(scene, i, effect);
            }
        }
    }
}

static void
check_wide(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (makes_index(scene) && !effect->index->is_unique && effect->index->column_count > 3 &&
        text_equal(effect->index->method, "btree")) {
        scene_find(scene, "the index on %s has %zu columns", scene_table(scene),
                   effect->index->column_count);
    }
}

/* Whether all columns of the one are columns of the other. */
static bool
is_within(const struct sql_index *one, const struct sql_index *other)
{
    for (size_t i = 0; i < one->column_count; i++) {
        bool is_there = false;
        for (size_t j = 0; one->columns[i] && j < other->column_count; j++) {
            is_there = is_there || text_equal(one->columns[i], other->columns[j]);
        }
        if (!is_there) {
            return false;
        }
    }
    return one->column_count > 0;
}

/* Whether a key that is there already keeps rows from being equal in what is made unique. */
static bool
is_unique_already(const struct scene *scene)
{
    const struct catalog_table *table = scene_catalog_table(scene);
    const struct catalog_index *other = table ? table->indexes : NULL;
    size_t offset = 0, size = 0;

    for (; other && !scene_words(scene, "NULLS NOT DISTINCT", &offset, &size);
         other = other->next) {
        if (other->index.is_unique && !other->index.is_partial && other->index.is_valid &&
            is_within(&other->index, scene->effect->index)) {
            return true;
        }
    }
    return false;
}

static bool
has_same_condition(const struct sql_index *one, const struct sql_index *other)
{
    bool is_same = one->is_partial == other->is_partial && one->used_count == other->used_count;

    for (size_t i = 0; is_same && i < one->used_count; i++) {
        is_same = text_equal(one->used[i], other->used[i]);
    }
    return is_same;
}

/* Whether a unique index that this script has dropped has kept them apart so far. */
static bool
was_unique_before(const struct scene *scene)
{
    const struct sql_index *made = scene->effect->index, *old = NULL;

    for (size_t i = 0; (old = scene_dropped_key(scene, i)); i++) {
        if (is_within(old, made) && (!old->is_partial || has_same_condition(old, made))) {
            return true;
        }
    }
    return false;
}

/* Whether an effect of this script adds the column, with nothing in it. */
static bool
adds_empty(const struct scene *scene, const struct effect *effect, const char *column)
{
    return effect->verb == EFFECT_CREATE && effect->object == OBJECT_COLUMN && effect->column &&
           text_equal(effect->part, column) && text_equal(effect->name, scene->table->name) &&
           text_equal(effect->schema, scene->table->schema) &&
           effect->column->default_volatility == VOLATILITY_NONE && !effect->column->is_serial &&
           !effect->column->is_identity && !effect->column->is_generated;
}

/* Whether an index of this column alone keeps the table's rows apart. */
static bool
is_key(const struct catalog_table *table, const char *name, size_t size)
{
    const struct catalog_index *index = table ? table->indexes : NULL;

    for (; index; index = index->next) {
        const char *column = index->index.column_count == 1 ? index->index.columns[0] : NULL;
        if (index->index.is_unique && !index->index.is_partial && column &&
            strlen(column) == size && strncasecmp(column, name, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether an UPDATE fills the column from a key: `SET uid = id`, with or without WHERE. */
static bool
copies_key(const struct scene *scene, size_t statement)
{
    const struct stretch *stretch = &scene->script->sql.statements[statement].stretch;
    const char *text = scene->script->text + stretch->place.offset, *end = text + stretch->size;
    const char *equals = NULL;
    size_t offset = 0, size = 0;

    if (text_has_words(text, stretch->size, "SET", &offset, &size)) {
        equals = memchr(text + offset, '=', stretch->size - offset);
    }
    if (!equals) {
        return false;
    }
    const char *name = equals + 1;
    while (name < end && strchr(" \t\r\n\"", *name)) {
        name++;
    }
    size_t length = 0;
    while (name + length < end && !strchr(" \t\r\n\";,(:", name[length])) {
        length++;
    }
    const char *rest = name + length;
    while (rest < end && strchr(" \t\r\n\";", *rest)) {
        rest++;
    }
    return (rest >= end || strncasecmp(rest, "WHERE", strlen("WHERE")) == 0) &&
           is_key(scene_catalog_table(scene), name, length);
}

/* Whether one of its columns is new and empty, or filled from a key: no two are equal. */
static bool
is_empty_still(const struct scene *scene)
{
    const struct sql_index *made = scene->effect->index;
    bool is_empty = false;

    for (size_t i = 0; i < scene->statement_index; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            for (size_t k = 0; k < made->column_count; k++) {
                is_empty =
                    is_empty || (made->columns[k] && adds_empty(scene, effect, made->columns[k]));
            }
            if (effect->verb == EFFECT_UPDATE && text_equal(effect->name, scene->table->name) &&
                !copies_key(scene, i)) {
                return false;
            }
        }
    }
    return is_empty;
}

static void
check_unique(struct scene *scene)
{
    if (makes_index(scene) && scene->effect->index->is_unique && scene->table && !scene->is_new &&
        !is_unique_already(scene) && !was_unique_before(scene) && !is_empty_still(scene)) {
        scene_find(scene, "it fails if %s holds two rows that are equal there", scene_table(scene));
    }
}

static void
check_partitioned(struct scene *scene)
{
    const struct catalog_table *table = scene_catalog_table(scene);

    if (makes_index(scene) && scene->effect->is_concurrent && table && table->is_partitioned &&
        !scene->effect->index->is_only) {
        scene_find(scene, "%s is partitioned: PostgreSQL builds no index on it CONCURRENTLY",
                   scene_table(scene));
    }
}

/*
 * Whether an index begins with these columns, in whatever order. Who looks for rows that refer to
 * one never looks for nulls, so an index may leave those out.
 */
static bool
is_led_by(const struct sql_index *index, const struct sql_constraint *key)
{
    if (index->column_count < key->column_count || (index->is_partial && !index->skips_nulls)) {
        return false;
    }
    for (size_t i = 0; i < key->column_count; i++) {
        bool is_there = false;
        for (size_t j = 0; j < key->column_count; j++) {
            is_there = is_there || text_equal(index->columns[j], key->columns[i]);
        }
        if (!is_there) {
            return false;
        }
    }
    return true;
}

static bool
has_index_for(const struct catalog_table *table, const struct sql_constraint *key)
{
    for (const struct catalog_index *index = table->indexes; index; index = index->next) {
        if (is_led_by(&index->index, key)) {
            return true;
        }
    }
    return false;
}

/* Asked at the end of the file, so that the index may follow. */
static void
check_foreign_key(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            const struct sql_constraint *key = effect->constraint;
            if (effect->verb != EFFECT_CREATE || !key || key->kind != CONSTRAINT_FOREIGN_KEY) {
                continue;
            }
            const struct catalog_table *table =
                catalog_table(scene->catalog, effect->schema, effect->name);
            if (table && table->is_complete && !has_index_for(table, key)) {
                scene_find_effect(scene, i, effect,
                                  "no index of %s begins with the columns that refer to %s",
                                  scene_name(scene, effect->schema, effect->name), key->to_table);
                scene_unless_list(scene, effect->schema, effect->name);
                scene_unless_list(scene, key->to_schema, key->to_table);
            }
        }
    }
}

const struct rule rules_index[] = {
    {.id = "SK010",
     .name = "index-not-concurrent",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .is_fixable = true,
     .why = "CREATE INDEX holds a SHARE lock on its table for as long as it takes to read all of "
            "it, so every INSERT, UPDATE and DELETE waits.",
     .instead = "CREATE INDEX CONCURRENTLY, in a migration that holds nothing but index "
                "statements: it cannot run inside a transaction. Where a tool wants a mark for "
                "that (-- +goose NO TRANSACTION, transaction:false), it belongs there, too.",
     .bad = "CREATE INDEX users_email ON users (email);\n",
     .good = "CREATE INDEX CONCURRENTLY users_email ON users (email);\n",
     .also = "squawk require-concurrent-index-creation; strong_migrations add_index; eugene E6; "
             "pgfence create-index-not-concurrent; Atlas PG101",
     .check = check_create},
    {.id = "SK011",
     .name = "drop-index-not-concurrent",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .is_fixable = true,
     .why =
         "DROP INDEX needs an ACCESS EXCLUSIVE lock on the table: it waits for the longest query "
         "on it, and everybody who comes later waits behind it.",
     .instead = "DROP INDEX CONCURRENTLY, in a migration that holds nothing but index statements.",
     .bad = "DROP INDEX users_email;\n",
     .good = "DROP INDEX CONCURRENTLY users_email;\n",
     .also = "squawk require-concurrent-index-deletion; strong_migrations remove_index; pgfence "
             "drop-index-not-concurrent; Atlas PG102",
     .check = check_drop},
    {.id = "SK012",
     .name = "reindex-not-concurrent",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .follows_size = true,
     .why =
         "REINDEX keeps writes out of the table, and reads that would use the index, until it is "
         "through.",
     .instead = "REINDEX … CONCURRENTLY (PostgreSQL 12 and later), outside of migrations: it is "
                "upkeep and not a change of the schema.",
     .bad = "REINDEX TABLE users;\n",
     .good = "-- skein: noop\nSELECT 1;\n",
     .also = "squawk require-concurrent-reindex; pgfence reindex-non-concurrent",
     .check = check_reindex},
    {.id = "SK013",
     .name = "index-if-not-exists",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "When CREATE INDEX CONCURRENTLY fails it leaves an INVALID index behind, and IF NOT "
            "EXISTS takes that for the index.",
     .instead = "CREATE INDEX CONCURRENTLY without IF NOT EXISTS: Skein looks for what a failed "
                "attempt has left, drops it and builds it again.",
     .bad = "CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email ON users (email);\n",
     .good = "CREATE INDEX CONCURRENTLY users_email ON users (email);\n",
     .check = check_if_not_exists},
    {.id = "SK014",
     .name = "index-unnamed",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "PostgreSQL chooses the name by what is free, so it can differ from database to "
            "database, and the way back does not know it.",
     .instead = "Name it: CREATE INDEX CONCURRENTLY users_email ON users (email).",
     .bad = "CREATE INDEX ON users (email);\n",
     .good = "CREATE INDEX CONCURRENTLY users_email ON users (email);\n",
     .check = check_unnamed},
    {.id = "SK015",
     .name = "index-duplicate",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .why = "A second index on the same columns answers no question that the first does not, and "
            "makes every write dearer.",
     .instead = "Leave it out, or drop the other one.",
     .bad = "-- file: 0001_users.up.sql\n"
            "CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE);\n"
            "-- file: 0002_index.up.sql\n"
            "CREATE INDEX CONCURRENTLY users_email ON users (email);\n",
     .good = "-- file: 0001_users.up.sql\n"
             "CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE, name text);\n"
             "-- file: 0002_index.up.sql\n"
             "CREATE INDEX CONCURRENTLY users_name ON users (name);\n",
     .check = check_duplicate},
    {.id = "SK016",
     .name = "foreign-key-without-index",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_SCRIPT_END,
     .why = "Every DELETE of a row that is referred to, and every change of its key, reads the "
            "whole referring table when there is no index.",
     .instead =
         "Create an index whose first columns are those of the foreign key; for a table that "
         "exists already, CONCURRENTLY.",
     .bad = "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id));\n",
     .good = "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id));\n"
             "CREATE INDEX orders_user_id ON orders (user_id);\n",
     .also = "eugene E15",
     .check = check_foreign_key},
    {.id = "SK017",
     .name = "index-wide",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "An index that is not unique rarely gets better beyond its first three columns, only "
            "larger.",
     .instead = "Start with the columns that select most; put what is only read into INCLUDE.",
     .bad = "CREATE INDEX CONCURRENTLY users_all ON users (a, b, c, d);\n",
     .good = "CREATE INDEX CONCURRENTLY users_some ON users (a, b, c);\n",
     .also = "strong_migrations add_index with more than three columns",
     .check = check_wide},
    {.id = "SK018",
     .name = "unique-index-may-fail",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "Building a unique index fails on every database where two rows are equal in its "
            "columns, and on the next database it may be otherwise.",
     .instead = "Look for equal rows first, on all databases, and decide what becomes of them in a "
                "migration of its own; a verify script can count them.",
     .bad = "CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
             "CREATE UNIQUE INDEX users_email ON users (email);\n",
     .also = "Atlas MF101, MF102",
     .check = check_unique},
    {.id = "SK019",
     .name = "index-concurrently-partitioned",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why = "CREATE INDEX CONCURRENTLY is refused for a partitioned table.",
     .instead = "CREATE INDEX … ON ONLY the table, CREATE INDEX CONCURRENTLY on each partition, "
                "then ALTER INDEX … ATTACH PARTITION for each of them.",
     .bad = "-- file: 0001_events.up.sql\n"
            "CREATE TABLE events (at timestamptz, kind text) PARTITION BY RANGE (at);\n"
            "-- file: 0002_index.up.sql\n"
            "CREATE INDEX CONCURRENTLY events_kind ON events (kind);\n",
     .good = "-- file: 0001_events.up.sql\n"
             "CREATE TABLE events (at timestamptz, kind text) PARTITION BY RANGE (at);\n"
             "-- file: 0002_index.up.sql\n"
             "CREATE INDEX events_kind ON ONLY events (kind);\n",
     .check = check_partitioned},
    {0}};
