/* What code of the release before relies on, beside names: defaults, policies, triggers, rights. */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

static bool
is_written(const struct scene *scene, enum effect_verb verb, enum sql_object object)
{
    const struct effect *effect = scene->effect;

    return effect->verb == verb && effect->object == object && !effect->is_implied &&
           !effect->is_temporary && !scene->is_new;
}

static void
check_attribute(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->object == OBJECT_ATTRIBUTE && !effect->is_implied &&
        !scene_is_new_type(scene, effect->schema, effect->name)) {
        scene_find(scene, "code that runs takes values of %s apart as they were",
                   scene_object(scene));
    }
}

static void
check_enum_value(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (is_written(scene, EFFECT_CREATE, OBJECT_ENUM_VALUE) && effect->part &&
        text_equal(scene->statement->facts.tag, "ALTER TYPE") &&
        !scene_is_new_type(scene, effect->schema, effect->name)) {
        scene_find(scene, "code that runs does not know '%s' of %s", effect->part,
                   scene_object(scene));
    }
}

static void
check_enum(struct scene *scene)
{
    if (is_written(scene, EFFECT_CREATE, OBJECT_ENUM)) {
        scene_find(scene, "values of %s can be added, and never taken away", scene_object(scene));
    }
}

static void
check_expression(struct scene *scene)
{
    if (scene->effect->verb == EFFECT_SET_EXPRESSION && !scene->is_new) {
        scene_find(scene, "%s.%s is %s from then on", scene_table(scene), scene->effect->part,
                   scene->effect->rewrites ? "computed anew for every row, and otherwise"
                                           : "not computed any more: code has to write it");
    }
}

static void
check_identity(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if ((effect->verb == EFFECT_SET_IDENTITY || effect->verb == EFFECT_DROP_IDENTITY) &&
        effect->object == OBJECT_COLUMN && !effect->is_implied && !scene->is_new) {
        scene_find(scene, "who gives %s.%s its values is another from then on", scene_table(scene),
                   effect->part);
    }
}

static void
check_policy(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    bool is_change = effect->verb == EFFECT_CREATE || effect->verb == EFFECT_ALTER ||
                     effect->verb == EFFECT_DROP;

    if (effect->object == OBJECT_POLICY && is_change && !effect->is_implied && !scene->is_new) {
        scene_find(scene, "code that runs sees other rows of %s, or may write others",
                   scene_table(scene));
    }
}

static void
check_restart(struct scene *scene)
{
    if (scene->effect->object == OBJECT_SEQUENCE && scene->effect->verb == EFFECT_ALTER &&
        scene_has_word(scene, "RESTART") && !scene->is_new) {
        scene_find(scene, "%s may give numbers that are given already", scene_object(scene));
    }
}

static void
check_domain(struct scene *scene)
{
    if (is_written(scene, EFFECT_CREATE, OBJECT_DOMAIN) && scene_has_word(scene, "CHECK")) {
        scene_find(scene, "to change what %s allows, every table that uses it has to be read",
                   scene_object(scene));
    }
}

static void
check_drop_unique(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    const struct catalog_table *table = scene_catalog_table(scene);

    if (!is_written(scene, EFFECT_DROP, OBJECT_CONSTRAINT) || !table || !effect->part) {
        return;
    }
    const struct catalog_constraint *constraint = catalog_constraint(table, effect->part);
    bool is_unique = constraint && (constraint->constraint.kind == CONSTRAINT_UNIQUE ||
                                    constraint->constraint.kind == CONSTRAINT_PRIMARY_KEY);
    if (is_unique && !scene_comes_later(scene, "UNIQUE") &&
        !scene_comes_later(scene, "PRIMARY KEY")) {
        scene_find(scene, "INSERT … ON CONFLICT into %s fails without %s", scene_table(scene),
                   effect->part);
    }
}

/*
 * Whether a trigger is made behind the statement, or before it on the same table, or the trigger's
 * table is dropped as well.
 */
static bool
is_replaced(const struct scene *scene, size_t statement, const struct effect *dropped)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_same_table = text_equal(effect->name, dropped->name) &&
                                 text_equal(effect->schema, dropped->schema);
            bool is_made = effect->object == OBJECT_TRIGGER && (is_same_table || i >= statement) &&
                           (effect->verb == EFFECT_CREATE || effect->verb == EFFECT_REPLACE);
            bool is_gone =
                effect->verb == EFFECT_DROP && !effect->part && is_same_table && i >= statement;
            if (is_made || is_gone) {
                return true;
            }
        }
    }
    return false;
}

/* The function that the trigger called: the one that goes in the same script; null: none does. */
static const char *
function_dropped(const struct scene *scene)
{
    const char *name = NULL;

    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_DROP && effect->object == OBJECT_FUNCTION) {
                name = name ? "" : effect->name;
            }
        }
    }
    return name && name[0] ? name : NULL;
}

/*
 * Whether what the trigger kept goes in the same script: a column of its table, or a table that
 * its function names.
 */
static bool
is_pointless(const struct scene *scene, const struct effect *dropped)
{
    const char *function = function_dropped(scene);
    const char *text = function ? scene_trigger_text(scene, function) : NULL;

    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            bool is_drop = effect->verb == EFFECT_DROP && !effect->is_implied;
            bool is_own = effect->object == OBJECT_COLUMN &&
                          text_equal(effect->name, dropped->name) &&
                          text_equal(effect->schema, dropped->schema);
            bool is_kept = effect->object == OBJECT_TABLE && text && strstr(text, effect->name);
            if (is_drop && (is_own || is_kept)) {
                return true;
            }
        }
    }
    return false;
}

/* At the end, when it is known what comes back and what goes, too. */
static void
check_drop_trigger(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_DROP && effect->object == OBJECT_TRIGGER &&
                !effect->is_implied && !effect->is_temporary &&
                !scene_is_new(scene, effect->schema, effect->name) &&
                !is_replaced(scene, i, effect) && !is_pointless(scene, effect)) {
                scene_find_effect(scene, i, effect, "what %s of %s has done is not done any more",
                                  effect->part, scene_name(scene, effect->schema, effect->name));
            }
        }
    }
}

static void
check_restriction(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    bool is_constraint =
        effect->verb == EFFECT_CREATE && effect->constraint && !effect->constraint->is_in_new_table;

    if (!scene->is_new && !effect->is_implied &&
        (is_constraint || effect->verb == EFFECT_SET_NOT_NULL)) {
        scene_find(scene, "code that writes into %s what is not allowed from then on fails",
                   scene_table(scene));
    }
}

static void
check_replace(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    size_t offset = 0, size = 0;
    bool is_code = effect->object == OBJECT_VIEW || effect->object == OBJECT_FUNCTION;

    if ((effect->verb == EFFECT_REPLACE || effect->verb == EFFECT_CREATE) && is_code &&
        !effect->is_implied && scene_words(scene, "OR REPLACE", &offset, &size)) {
        scene_find(scene, "code that runs gets another %s %s in one moment",
                   sql_object_name(effect->object), scene_object(scene));
    }
}

static void
check_revoke(struct scene *scene)
{
    size_t offset = 0, size = 0;

    if (scene->effect->verb == EFFECT_REVOKE && scene->effect == scene->effects->effects &&
        !scene_words(scene, "FROM PUBLIC", &offset, &size)) {
        scene_find(scene, "code that runs as this role may need the right still");
    }
}

static void
check_default(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_SET_DEFAULT && effect->object == OBJECT_COLUMN &&
        !effect->is_implied && !scene->is_new) {
        scene_find(scene, "INSERTs that leave %s.%s out write another value from then on",
                   scene_table(scene), effect->part);
    }
}

static void
check_several_alters(struct scene *scene)
{
    size_t last = FINDING_OF_FILE;

    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        bool is_alter = text_equal(scene->script->sql.statements[i].facts.tag, "ALTER TABLE") &&
                        effects->effect_count > 0;
        if (is_alter && last != FINDING_OF_FILE) {
            const struct effect *one = scene->script->effects[last].effects;
            const struct effect *other = effects->effects;
            if (text_equal(one->name, other->name) && text_equal(one->schema, other->schema) &&
                one->verb != EFFECT_RENAME && other->verb != EFFECT_RENAME) {
                scene_find_in(scene, i, "the statement before it alters %s, too",
                              scene_name(scene, other->schema, other->name));
            }
        }
        last = is_alter ? i : FINDING_OF_FILE;
    }
}

/* Whether the history says that a column holds no null; what it does not know may hold some. */
static bool
may_be_null(const struct catalog_table *table, const char *column)
{
    const struct catalog_column *found = column ? catalog_column(table, column) : NULL;
    return found && !found->column.is_not_null;
}

static void
check_key_of_nullable(struct scene *scene)
{
    const struct sql_constraint *key = scene->effect->constraint;
    const struct catalog_table *table = scene_catalog_table(scene);
    bool is_key = scene->effect->verb == EFFECT_CREATE && key &&
                  key->kind == CONSTRAINT_PRIMARY_KEY && key->index && !scene->is_new;
    const struct catalog_index *index =
        is_key && table ? catalog_index(scene->catalog, table->schema, key->index) : NULL;

    for (size_t i = 0; index && i < index->index.column_count; i++) {
        const char *column = index->index.columns[i];
        if (may_be_null(table, column) && !catalog_proves_not_null(table, column)) {
            scene_find(scene, "all of %s is read for nulls in %s, while nobody can work with it",
                       scene_table(scene), column);
            return;
        }
    }
}

const struct rule rules_compat[] = {
    {.id = "SK115",
     .name = "composite-attribute",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "Code takes composite values apart by position and name, and every table with a column "
            "of the type is concerned.",
     .instead = "Make a new type beside the old one, and change columns over one by one.",
     .bad = "ALTER TYPE address ADD ATTRIBUTE country text;\n",
     .good = "CREATE TYPE address AS (street text, country text);\n",
     .also = "squawk ban-add-composite-attribute",
     .check = check_attribute},
    {.id = "SK116",
     .name = "enum-value-added",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why =
         "Code of the release before fails, or falls through, when it reads a value that it does "
         "not know.",
     .instead = "First bring out code that can read the value, then code that writes it.",
     .bad = "ALTER TYPE mood ADD VALUE 'bored';\n",
     .good = "CREATE TYPE mood AS ENUM ('bored');\n",
     .also = "squawk ban-add-enum-value; pgfence add-enum-value",
     .check = check_enum_value},
    {.id = "SK117",
     .name = "generated-expression",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "A column that was computed is computed otherwise, or not at all, from one moment to "
            "the next.",
     .instead = "Add another column, and let code change over.",
     .bad = "ALTER TABLE users ALTER COLUMN lower_email DROP EXPRESSION;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, n bigint GENERATED ALWAYS AS (id * 2) "
             "STORED);\nALTER TABLE users ALTER COLUMN n DROP EXPRESSION;\n",
     .also = "squawk ban-alter-generated-expression, ban-drop-generated-expression",
     .check = check_expression},
    {.id = "SK118",
     .name = "identity",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "Whether INSERTs may, must or must not give a value changes with the identity.",
     .instead = "See to it that code of both releases inserts in a way that is right before and "
                "after.",
     .bad = "ALTER TABLE users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;\n",
     .good = "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);\n",
     .also = "squawk ban-alter-identity",
     .check = check_identity},
    {.id = "SK119",
     .name = "policy",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "Policies decide which rows code sees and writes; a mistake shows as rows that are "
            "missing, not as an error.",
     .instead = "Try it as the role that the code runs as, before and after.",
     .bad = "CREATE POLICY own ON users USING (name = current_user);\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n"
             "CREATE POLICY own ON users USING (name = current_user);\n",
     .also = "squawk ban-create-policy, ban-alter-policy-condition, ban-alter-policy-roles, "
             "ban-drop-policy",
     .check = check_policy},
    {.id = "SK120",
     .name = "sequence-restart",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "How far a sequence has come differs from database to database; set back, it gives out "
            "numbers that rows have already.",
     .instead = "SELECT setval('seq', max(id)) FROM the table, if it has to be set at all.",
     .bad = "ALTER SEQUENCE users_id_seq RESTART WITH 1000;\n",
     .good = "ALTER SEQUENCE users_id_seq CACHE 10;\n",
     .also = "squawk ban-alter-sequence-values",
     .check = check_restart},
    {.id = "SK121",
     .name = "domain-with-check",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "A domain's CHECK cannot be changed without reading every table that uses the domain.",
     .instead = "A CHECK of the table, which can be replaced by NOT VALID and VALIDATE.",
     .bad = "CREATE DOMAIN email AS text CHECK (value LIKE '%@%');\n",
     .good = "CREATE DOMAIN email AS text;\n",
     .also = "squawk ban-create-domain-with-constraint",
     .check = check_domain},
    {.id = "SK122",
     .name = "drop-unique",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "INSERT … ON CONFLICT names the columns of a unique constraint and fails without it, "
            "and equal rows come in that keep it from coming back.",
     .instead = "Make the other constraint first, in the same migration, or let code change over "
                "before.",
     .bad = "-- file: 0001_users.up.sql\n"
            "CREATE TABLE users (id bigint PRIMARY KEY, email text CONSTRAINT one UNIQUE);\n"
            "-- file: 0002_other.up.sql\nCREATE TABLE other (id bigint PRIMARY KEY);\n"
            "-- file: 0003_drop.up.sql\nALTER TABLE users DROP CONSTRAINT one;\n",
     .good = "-- file: 0001_users.up.sql\n"
             "CREATE TABLE users (id bigint PRIMARY KEY, email text CONSTRAINT one UNIQUE);\n"
             "-- file: 0002_other.up.sql\nCREATE TABLE other (id bigint PRIMARY KEY);\n"
             "-- file: 0003_drop.up.sql\nALTER TABLE users DROP CONSTRAINT one;\n"
             "ALTER TABLE users ADD CONSTRAINT one UNIQUE USING INDEX another;\n",
     .also = "squawk ban-drop-constraint; Atlas",
     .check = check_drop_unique},
    {.id = "SK123",
     .name = "drop-trigger",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_SCRIPT_END,
     .why = "Code of the release before relies on what the trigger does.",
     .instead = "First a release that does it by itself, or does not need it.",
     .bad = "DROP TRIGGER touched ON users;\n",
     .good =
         "DROP TRIGGER touched ON users;\n"
         "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();\n",
     .also = "squawk ban-drop-trigger",
     .check = check_drop_trigger},
    {.id = "SK124",
     .name = "new-restriction",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "NOT VALID spares the rows that are there, not those that code of the release before "
            "goes on writing.",
     .instead = "First a release that writes only what will be allowed.",
     .bad = "ALTER TABLE users ADD CONSTRAINT age_sane CHECK (age > 0) NOT VALID;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, age integer CHECK (age > 0));\n",
     .also = "squawk ban-new-write-restriction",
     .check = check_restriction},
    {.id = "SK125",
     .name = "replace-view-function",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "Code of both releases calls the same name and gets the new one.",
     .instead = "A new name for what is not compatible; drop the old one later.",
     .bad = "CREATE OR REPLACE VIEW active AS SELECT id FROM users;\n",
     .good = "CREATE VIEW active_v2 AS SELECT id FROM users;\n",
     .also = "squawk ban-replace-view-function, ban-alter-function-options, ban-alter-view-options",
     .check = check_replace},
    {.id = "SK126",
     .name = "revoke",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "What a role may not do any more fails at the first request that does it.",
     .instead = "First a release that does not need the right.",
     .bad = "REVOKE UPDATE ON users FROM app;\n",
     .good = "REVOKE ALL ON users FROM PUBLIC;\n",
     .also = "squawk ban-revoke",
     .check = check_revoke},
    {.id = "SK127",
     .name = "set-default",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "Code of the release before leaves the column out because it knew the old default.",
     .instead = "Let code write the value, then change the default.",
     .bad = "ALTER TABLE users ALTER COLUMN age SET DEFAULT 1;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, age integer DEFAULT 1);\n",
     .also = "squawk ban-set-default; pgfence set-default",
     .check = check_default},
    {.id = "SK128",
     .name = "several-alters",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_SCRIPT_END,
     .why = "Each ALTER TABLE that reads or rewrites the table does so by itself; in one statement "
            "they do it once.",
     .instead = "One ALTER TABLE with commas.",
     .bad = "ALTER TABLE users ADD COLUMN a integer;\nALTER TABLE users ADD COLUMN b integer;\n",
     .good = "ALTER TABLE users ADD COLUMN a integer, ADD COLUMN b integer;\n",
     .also = "eugene W12",
     .check = check_several_alters},
    {.id = "SK129",
     .name = "enum-made",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "A value of an enum can be renamed and never removed, and the order is for ever.",
     .instead = "A table of values with a foreign key, or text with a CHECK.",
     .bad = "CREATE TYPE mood AS ENUM ('sad', 'ok');\n",
     .good = "CREATE TABLE moods (mood text PRIMARY KEY);\n",
     .also = "eugene W13",
     .check = check_enum},
    {.id = "SK130",
     .name = "key-of-nullable-column",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "ADD PRIMARY KEY USING INDEX makes the columns NOT NULL, and reads all rows for that "
            "under an ACCESS EXCLUSIVE lock when they are not.",
     .instead = "First a CHECK (… IS NOT NULL) NOT VALID, validated in another migration.",
     .bad = "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint);\n"
            "-- file: 0002_index.up.sql\nCREATE UNIQUE INDEX CONCURRENTLY users_id ON users (id);\n"
            "-- file: 0003_key.up.sql\n"
            "ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_id;\n",
     .good =
         "-- file: 0001_users.up.sql\nCREATE TABLE users (id bigint NOT NULL);\n"
         "-- file: 0002_index.up.sql\nCREATE UNIQUE INDEX CONCURRENTLY users_id ON users (id);\n"
         "-- file: 0003_key.up.sql\n"
         "ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_id;\n",
     .also = "eugene W14",
     .check = check_key_of_nullable},
    {0}};
