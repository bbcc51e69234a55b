/* The migration as a whole: its way back, its name, how much it does at once. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

#define TABLES_MAX 64
#define TABLES_WANTED 4 /* tables that one logical change may alter */

static void
check_way_back(struct scene *scene)
{
    if (!scene->migration->down.file && scene->has_downs && !scene->migration->is_repeatable &&
        !scene->script->annotations.irreversible && scene->script->sql.statement_count) {
        scene_find(scene, "there is no way back, and no word why");
    }
}

/* ---- the way back is a way back ---------------------------------------------------------------
 */

static bool
is_made_for_long(const struct effect *effect)
{
    bool is_kept = effect->object == OBJECT_TABLE || effect->object == OBJECT_COLUMN ||
                   effect->object == OBJECT_INDEX || effect->object == OBJECT_VIEW ||
                   effect->object == OBJECT_MATERIALIZED_VIEW || effect->object == OBJECT_ENUM ||
                   effect->object == OBJECT_DOMAIN || effect->object == OBJECT_SEQUENCE;

    return is_kept && effect->verb == EFFECT_CREATE && !effect->is_implied &&
           !effect->is_temporary && !effect->if_not_exists;
}

/* Whether dropping or renaming this takes what was made along. */
static bool
takes_along(const struct effect *effect, const struct made_object *made)
{
    if (effect->object == OBJECT_SCHEMA || effect->cascades) {
        return true;
    }
    if (effect->object == OBJECT_INDEX) {
        return made->object == OBJECT_INDEX && text_equal(scene_index(effect), made->part);
    }
    /* With a column its indexes go; which these are is not looked up. */
    bool is_part =
        !effect->part || text_equal(effect->part, made->part) || made->object == OBJECT_INDEX;
    return is_part && text_equal(effect->name, made->name);
}

/* Whether the script drops it, or cannot be looked through. */
static bool
is_undone(const struct scene *scene, const struct made_object *made)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_gone = effect->verb == EFFECT_DROP || effect->verb == EFFECT_RENAME;
            if (is_gone && takes_along(effect, made)) {
                return true;
            }
        }
        if (effects->is_opaque) {
            return true;
        }
    }
    return false;
}

/*
 * Whether it is there when the script is through: not dropped again, not renamed, not temporary. Of
 * tables that the history does not know it is taken for granted.
 */
static bool
is_left(const struct scene *scene, const struct effect *effect)
{
    const struct catalog *catalog = scene->catalog;
    const struct catalog_table *table = catalog_table(catalog, effect->schema, effect->name);

    switch (effect->object) {
    case OBJECT_COLUMN:
        return !table || (!table->is_temporary && catalog_column(table, effect->part));
    case OBJECT_INDEX:
        return !table || (!table->is_temporary &&
                          catalog_index(catalog, effect->schema, scene_index(effect)));
    case OBJECT_ENUM:
    case OBJECT_DOMAIN:
        return catalog_type(catalog, effect->schema, effect->name);
    default:
        return table && !table->is_temporary;
    }
}

static void
note_made(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            if (is_made_for_long(&effects->effects[j]) && is_left(scene, &effects->effects[j])) {
                scene_note_made(scene, &effects->effects[j]);
            }
        }
    }
}

/* What goes with the table that is left behind as well is not told by itself. */
static bool
is_part_of(const struct made_object *made, const struct made_object *table)
{
    return table && table != made && text_equal(made->name, table->name) && !table->part;
}

/* Whether the script does nothing but say in a DO block that there is no way back. */
static bool
raises(const struct scene *scene)
{
    const struct sql_script *sql = &scene->script->sql;

    for (size_t i = 0; i < sql->statement_count; i++) {
        const struct stretch *stretch = &sql->statements[i].stretch;
        const char *text = scene->script->text + stretch->place.offset;
        bool is_raise =
            text_equal(sql->statements[i].facts.tag, "DO") &&
            (memmem(text, stretch->size, "raise ", 6) || memmem(text, stretch->size, "RAISE ", 6));
        if (!is_raise) {
            return false;
        }
    }
    return sql->statement_count > 0;
}

/* Called for the up first: what it makes is what the down has to drop. */
static void
check_down(struct scene *scene)
{
    const struct made_object *first = NULL;
    size_t count = 0;

    if (scene->script->part == ON_UP) {
        note_made(scene);
        return;
    }
    if (scene->is_piece || raises(scene)) {
        return; /* the down of another piece may drop it */
    }
    for (size_t i = 0; i < scene->made_count; i++) {
        const struct made_object *made = &scene->made[i];
        if (!is_part_of(made, first) && !is_undone(scene, made)) {
            first = first ? first : made;
            count++;
        }
    }
    if (first) {
        scene_find(scene, "the up makes the %s %s%s%s%s, and the down leaves %s there",
                   sql_object_name(first->object), scene_name(scene, first->schema, first->name),
                   first->part ? "." : "", first->part ? first->part : "",
                   count == 1 ? "" : arena_format(scene->arena, " and %zu more", count - 1),
                   count == 1 ? "it" : "them");
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static void
check_name(struct scene *scene)
{
    static const char *const empty_words[] = {
        "migration", "migrate", "update", "updates", "change",   "changes", "fix",
        "fixes",     "temp",    "tmp",    "test",    "new",      "wip",     "misc",
        "stuff",     "sql",     "schema", "db",      "database", NULL};
    const char *name = scene->migration->name;
    bool is_empty = !name || !name[0] || strspn(name, "0123456789_-.") == strlen(name);

    for (size_t i = 0; !is_empty && empty_words[i]; i++) {
        size_t size = strlen(empty_words[i]);
        is_empty = strncasecmp(name, empty_words[i], size) == 0 &&
                   strspn(name + size, "0123456789_-.") == strlen(name + size);
    }
    if (is_empty) {
        scene_find(scene, "the name of version %s says nothing: %s", scene->migration->version,
                   name && name[0] ? name : "there is none");
    }
}

/* ---- one logical change -----------------------------------------------------------------------
 */

static void
check_one_change(struct scene *scene)
{
    const char *tables[TABLES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->relation_count && count < TABLES_MAX; j++) {
            const struct sql_relation *relation = &effects->relations[j];
            bool is_changed = relation->lock >= LOCK_SHARE_UPDATE_EXCLUSIVE && !relation->is_new &&
                              relation->object == OBJECT_TABLE &&
                              !scene_is_new(scene, relation->schema, relation->name);
            for (size_t k = 0; is_changed && k < count; k++) {
                is_changed = !text_equal(tables[k], relation->name);
            }
            if (is_changed) {
                tables[count++] = relation->name;
            }
        }
    }
    if (count > TABLES_WANTED) {
        scene_find(scene, "it alters %zu tables at once", count);
    }
}

/* ---- identifiers ----------------------------------------------------------------------------- */

static bool
is_plain_name(const char *name)
{
    for (const char *letter = name; *letter; letter++) {
        if (!islower((unsigned char)*letter) && !isdigit((unsigned char)*letter) &&
            *letter != '_') {
            return false;
        }
    }
    return true;
}

static void
check_case(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    const char *name = effect->part ? effect->part : effect->name;
    bool is_named = effect->object == OBJECT_TABLE || effect->object == OBJECT_COLUMN ||
                    effect->object == OBJECT_VIEW || effect->object == OBJECT_INDEX;

    if (effect->verb == EFFECT_CREATE && is_named && name && !is_plain_name(name)) {
        scene_find(scene, "\"%s\" has to stand in quotes wherever it is used", name);
    }
}

static bool
is_creation(const struct scene *scene)
{
    return scene->effect->verb == EFFECT_CREATE && !scene->effect->is_implied &&
           !scene->effect->is_temporary && !scene->effect->if_not_exists;
}

static void
check_robust(struct scene *scene)
{
    bool is_repeatable_form =
        scene->effect->object == OBJECT_TABLE || scene->effect->object == OBJECT_COLUMN ||
        scene->effect->object == OBJECT_SEQUENCE || scene->effect->object == OBJECT_SCHEMA ||
        scene->effect->object == OBJECT_EXTENSION;
    bool is_drop = scene->effect->verb == EFFECT_DROP && !scene->effect->is_implied &&
                   !scene->effect->if_exists;

    if (!scene->script->is_transactional &&
        ((is_creation(scene) && is_repeatable_form) || is_drop)) {
        scene_find(scene, "a second try fails here when the first has got this far");
    }
}

const struct rule rules_migration[] = {
    {.id = "SK084",
     .name = "no-way-back",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .why = "When the release has to go back at night, somebody writes the down then.",
     .instead = "Write the down now, or say why there cannot be one: -- skein: irreversible=\"the "
                "old values are gone\".",
     .bad = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
            "-- file: 0001_users.down.sql\nDROP TABLE users;\n"
            "-- file: 0002_orders.up.sql\nCREATE TABLE orders (id bigint PRIMARY KEY);\n",
     .good = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
             "-- file: 0001_users.down.sql\nDROP TABLE users;\n"
             "-- file: 0002_orders.up.sql\n-- skein: irreversible=\"they are the customer's\"\n"
             "CREATE TABLE orders (id bigint PRIMARY KEY);\n",
     .check = check_way_back},
    {.id = "SK085",
     .name = "down-leaves-something",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .parts = ON_UP | ON_DOWN,
     .why = "After such a down the next up fails, because what it makes is there already.",
     .instead = "Drop in the down what the up makes.",
     .bad = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
            "CREATE TABLE roles (id bigint PRIMARY KEY);\n"
            "-- file: 0001_users.down.sql\nDROP TABLE users;\n",
     .good = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n"
             "CREATE INDEX users_index ON users (id);\n"
             "-- file: 0001_users.down.sql\nDROP TABLE users;\n",
     .check = check_down},
    {.id = "SK086",
     .name = "name-says-nothing",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_SCRIPT,
     .why = "In a list of a thousand migrations, and in the middle of an incident, the name is all "
            "that is read.",
     .instead = "Say what changes: 20260131120000_add_email_to_users.",
     .bad = "-- file: 0001_update2.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n",
     .good = "-- file: 0001_add_users.up.sql\nCREATE TABLE users (id bigint PRIMARY KEY);\n",
     .check = check_name},
    {.id = "SK087",
     .name = "several-changes",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_SCRIPT_END,
     .why = "What is one migration is carried out, fails and goes back as one.",
     .instead = "A migration for each logical change.",
     .bad = "ALTER TABLE a ADD COLUMN x integer;\nALTER TABLE b ADD COLUMN x integer;\n"
            "ALTER TABLE c ADD COLUMN x integer;\nALTER TABLE d ADD COLUMN x integer;\n"
            "ALTER TABLE e ADD COLUMN x integer;\n",
     .good = "ALTER TABLE a ADD COLUMN x integer;\nALTER TABLE a ADD COLUMN y integer;\n",
     .check = check_one_change},
    {.id = RULE_LONG_NAME,
     .name = "identifier-too-long",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_ENGINE,
     .parts = ON_ALL,
     .why = "PostgreSQL cuts names off after 63 bytes without a word: the next one that begins the "
            "same is taken for it, and the down does not find it.",
     .instead =
         "A shorter name; or -- skein: allow=E-MIG-IDENT above the statement for an old one.",
     .bad = "CREATE TABLE a_name_that_goes_on_and_on_until_it_has_more_than_sixty_three_bytes (id "
            "bigint PRIMARY KEY);\n",
     .good = "CREATE TABLE a_name_of_a_sensible_length (id bigint PRIMARY KEY);\n",
     .also = "squawk identifier-too-long",
     .check = NULL},
    {.id = "SK089",
     .name = "name-needs-quotes",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "A name with capitals or blanks has to be quoted everywhere, for ever.",
     .instead = "lower_case_with_underscores.",
     .bad = "CREATE TABLE \"Users\" (id bigint PRIMARY KEY);\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\n",
     .also = "Atlas NM101",
     .check = check_case},
    {.id = "SK090",
     .name = "not-repeatable",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .why = "Outside of a transaction a file can stop in its middle; other tools then begin it "
            "again at its first statement. Skein knows which statements are done.",
     .instead = "IF NOT EXISTS, IF EXISTS; or one statement in a file.",
     .bad = "DROP INDEX CONCURRENTLY users_email;\n",
     .good = "DROP INDEX CONCURRENTLY IF EXISTS users_email;\n",
     .also = "squawk prefer-robust-stmts; pgfence prefer-robust-drop, prefer-robust-create",
     .check = check_robust},
    {0}};
