/* Columns: what adding and altering them does to the rows that are there. */
#include <string.h>
#include <strings.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

/* A column that comes to a table with rows. */
static bool
adds_column(const struct scene *scene)
{
    const struct effect *effect = scene->effect;

    return effect->verb == EFFECT_CREATE && effect->object == OBJECT_COLUMN &&
           !effect->is_implied && effect->column && !scene->is_new;
}

static bool
fills_itself(const struct sql_column *column)
{
    return column->is_serial || column->is_identity || column->is_generated ||
           column->default_volatility != VOLATILITY_NONE;
}

static void
check_not_null(struct scene *scene)
{
    if (adds_column(scene) && scene->effect->column->is_not_null &&
        !fills_itself(scene->effect->column)) {
        scene_find(scene,
                   "%s.%s is NOT NULL and has no default: it fails as soon as there are rows",
                   scene_table(scene), scene->effect->part);
    }
}

static void
check_volatile_default(struct scene *scene)
{
    if (!adds_column(scene)) {
        return;
    }
    const struct sql_column *column = scene->effect->column;
    if (!column->is_serial && !column->is_identity && !column->is_generated &&
        column->default_volatility == VOLATILITY_VOLATILE && scene->effect->rewrites) {
        scene_find(scene, "%s is written anew, row by row, to give each its own value of %s",
                   scene_table(scene), scene->effect->part);
    }
}

static void
check_serial(struct scene *scene)
{
    if (adds_column(scene) && scene->effect->rewrites &&
        (scene->effect->column->is_serial || scene->effect->column->is_identity)) {
        scene_find(scene, "%s is written anew, row by row, to number its rows", scene_table(scene));
    }
}

static void
check_generated(struct scene *scene)
{
    if (adds_column(scene) && scene->effect->column->is_generated && scene->effect->rewrites) {
        scene_find(scene, "%s is written anew, row by row, to compute %s", scene_table(scene),
                   scene->effect->part);
    }
}

/* Whether the script has set the session's time zone to UTC, and not to another since. */
static bool
is_in_utc(const struct scene *scene)
{
    static const char *const names[] = {"UTC", "GMT", "Etc/UTC", "Etc/GMT", "Zulu", NULL};
    bool is_utc = false;

    for (size_t i = 0; i < scene->statement_index; i++) {
        const struct sql_facts *facts = &scene->script->sql.statements[i].facts;
        for (size_t j = 0; j < facts->setting_count; j++) {
            const char *value = facts->settings[j].value;
            if (!text_equal(facts->settings[j].name, "timezone")) {
                continue;
            }
            is_utc = false;
            for (const char *const *name = names; value && *name; name++) {
                is_utc = is_utc || strcasecmp(value, *name) == 0;
            }
        }
    }
    return is_utc;
}

/*
 * From a timestamp without time zone to one with it and back nothing is written when the session's
 * time zone is UTC, since PostgreSQL 12; indexes of the column are, and then it is said as ever.
 */
static bool
only_reads_otherwise(const struct scene *scene)
{
    static const char with[] = "timestamp with time zone",
                      without[] = "timestamp without time zone";
    const struct effect *effect = scene->effect;
    const struct catalog_table *table = scene_catalog_table(scene);
    const char *to = effect->column ? effect->column->type : NULL;
    bool is_pair = (text_equal(effect->old_type, without) && text_equal(to, with)) ||
                   (text_equal(effect->old_type, with) && text_equal(to, without));

    if (!is_pair || effect->column->has_using || scene->server_major < 12 || !table) {
        return false;
    }
    for (const struct catalog_index *index = table->indexes; index; index = index->next) {
        for (size_t i = 0; i < index->index.column_count; i++) {
            if (text_equal(index->index.columns[i], effect->part)) {
                return false;
            }
        }
        for (size_t i = 0; i < index->index.used_count; i++) {
            if (text_equal(index->index.used[i], effect->part)) {
                return false;
            }
        }
    }
    return is_in_utc(scene);
}

static void
check_type(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_SET_TYPE && effect->object == OBJECT_COLUMN && effect->rewrites &&
        !scene->is_new && !only_reads_otherwise(scene)) {
        scene_find(scene, "%s is written anew, row by row, while nobody can read it: %s becomes %s",
                   scene_table(scene), effect->part,
                   effect->column ? effect->column->type : "another");
    }
}

/* Whether a constraint of the same table is validated above, as one does to prove NOT NULL. */
static bool
follows_validation(const struct scene *scene)
{
    for (size_t i = 0; i <= scene->statement_index; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_VALIDATE && text_equal(effect->name, scene->effect->name)) {
                return true;
            }
        }
    }
    return false;
}

static void
check_set_not_null(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    /* Of a table that the history does not know, nobody knows what its constraints say. */
    bool is_proved = !scene_catalog_table(scene) && follows_validation(scene);

    if (effect->verb == EFFECT_SET_NOT_NULL && effect->scans && !scene->is_new && !is_proved) {
        scene_find(scene,
                   "all of %s is read, while nobody can work with it, to see that no %s is null",
                   scene_table(scene), effect->part);
    }
}

static void
check_drop_not_null(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    const struct catalog_table *table = scene_catalog_table(scene);

    if (effect->verb != EFFECT_DROP_NOT_NULL || effect->is_implied || scene->is_new) {
        return;
    }
    const struct catalog_column *column =
        table && effect->part ? catalog_column(table, effect->part) : NULL;
    if (!column || column->column.is_not_null) {
        scene_find(scene, "code that reads %s.%s has never seen a null there", scene_table(scene),
                   effect->part);
    }
}

static void
check_drop_default(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    const struct catalog_table *table = scene_catalog_table(scene);

    if (effect->verb != EFFECT_DROP_DEFAULT || !effect->part || scene->is_new || !table) {
        return;
    }
    const struct catalog_column *column = catalog_column(table, effect->part);
    if (column && column->column.is_not_null) {
        scene_find(scene, "code that leaves %s.%s out of its INSERTs fails: the column is NOT NULL",
                   scene_table(scene), effect->part);
    }
}

/* Dropping and adding it again in one script is the common way to lose a column's values. */
static void
check_add_after_drop(struct scene *scene)
{
    if (!adds_column(scene) || scene->effect->column->is_generated) {
        return;
    }
    for (size_t i = 0; i <= scene->statement_index; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *other = &effects->effects[j];
            if (other->verb == EFFECT_DROP && other->object == OBJECT_COLUMN &&
                text_equal(other->name, scene->effect->name) &&
                text_equal(other->part, scene->effect->part)) {
                scene_find(scene, "%s.%s is dropped and added again: its values are gone",
                           scene_table(scene), scene->effect->part);
                return;
            }
        }
    }
}

/* Whether the history has made something of that name, and when. */
static size_t
made_in(const struct scene *scene, const struct effect *effect)
{
    const struct catalog_table *table = catalog_table(scene->catalog, effect->schema, effect->name);
    const struct catalog_column *column = NULL;
    const struct catalog_index *index = NULL;

    switch (effect->object) {
    case OBJECT_TABLE:
        return table ? table->file : 0;
    case OBJECT_COLUMN:
        column = table && effect->part ? catalog_column(table, effect->part) : NULL;
        return column ? column->file : 0;
    case OBJECT_INDEX:
        index = catalog_index(scene->catalog, effect->schema, effect->name);
        return index ? index->file : 0;
    default:
        return 0;
    }
}

static bool
is_same_column(const struct catalog_table *table, const struct effect *made)
{
    const struct catalog_column *there = made->part ? catalog_column(table, made->part) : NULL;
    return there && made->column && text_equal(there->column.type, made->column->type);
}

static bool
is_same_index(const struct sql_index *there, const struct sql_index *made)
{
    bool is_same = made && there->column_count == made->column_count &&
                   there->is_unique == made->is_unique && there->is_partial == made->is_partial;

    for (size_t i = 0; is_same && i < made->column_count; i++) {
        is_same =
            made->columns[i] ? text_equal(there->columns[i], made->columns[i]) : !there->columns[i];
    }
    return is_same;
}

/*
 * Whether what is there is what the statement says, as far as the history knows: then it is said
 * once more for databases that have missed it.
 */
static bool
is_said_again(const struct scene *scene)
{
    const struct effect *made = scene->effect;
    const struct catalog_table *table = catalog_table(scene->catalog, made->schema, made->name);
    const struct catalog_index *index = NULL;

    if (made->object == OBJECT_INDEX) {
        index = catalog_index(scene->catalog, made->schema, scene_index(made));
        return index && is_same_index(&index->index, made->index);
    }
    return table && made->object == OBJECT_COLUMN && is_same_column(table, made);
}

/* What is there already, made by the history, is not made again. */
static void
check_noop(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    size_t file = 0;

    if (effect->verb == EFFECT_CREATE && effect->if_not_exists && !effect->is_implied &&
        !effect->is_temporary && (file = made_in(scene, effect)) > 0 && !is_said_again(scene)) {
        scene_find(scene, "%s%s%s is there since %s: this does nothing, whatever it says",
                   scene_object(scene), effect->part ? "." : "", effect->part ? effect->part : "",
                   scene_file_name(scene, file));
    }
}

const struct rule rules_column[] = {
    {.id = "SK020",
     .name = "add-column-not-null",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why =
         "A column that is NOT NULL and has no default cannot be added to a table with rows, and "
         "code that does not know it cannot insert any more.",
     .instead = "Add it with a constant default, which rewrites nothing; or add it nullable, fill "
                "it in batches, and make it NOT NULL by a validated CHECK.",
     .bad = "ALTER TABLE users ADD COLUMN age integer NOT NULL;\n",
     .good = "ALTER TABLE users ADD COLUMN age integer NOT NULL DEFAULT 0;\n",
     .also = "squawk adding-required-field; pgfence add-column-not-null-no-default; Atlas MF103",
     .check = check_not_null},
    {.id = "SK021",
     .name = "add-column-volatile-default",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "A default that differs from row to row makes PostgreSQL write the whole table anew "
            "under an ACCESS EXCLUSIVE lock.",
     .instead = "Add the column without a default, set the default in a second statement (it holds "
                "for new rows), and fill the old rows in batches.",
     .bad = "ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();\n",
     .good = "ALTER TABLE users ADD COLUMN token uuid;\n"
             "ALTER TABLE users ALTER COLUMN token SET DEFAULT gen_random_uuid();\n",
     .also = "squawk adding-field-with-default; strong_migrations add_column with a volatile "
             "default; pgfence add-column-non-constant-default; Atlas PG302",
     .check = check_volatile_default},
    {.id = "SK022",
     .name = "add-column-serial",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "Numbering the rows that are there writes the whole table anew under an ACCESS "
            "EXCLUSIVE lock.",
     .instead = "Add a plain bigint column and a sequence as its default, fill the old rows in "
                "batches, then make it an identity.",
     .bad = "ALTER TABLE users ADD COLUMN number bigserial;\n",
     .good = "CREATE TABLE users (number bigserial PRIMARY KEY);\n",
     .also = "squawk adding-serial-primary-key-field; strong_migrations auto-incrementing column; "
             "eugene E11; pgfence add-column-serial",
     .check = check_serial},
    {.id = "SK023",
     .name = "add-column-generated",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "A stored generated column is computed for every row that is there: the whole table is "
            "written anew under an ACCESS EXCLUSIVE lock.",
     .instead = "Add a plain column, keep it up to date by a trigger, and fill the old rows in "
                "batches; or compute it in a view.",
     .bad = "ALTER TABLE users ADD COLUMN lower_email text GENERATED ALWAYS AS (lower(email)) "
            "STORED;\n",
     .good = "ALTER TABLE users ADD COLUMN lower_email text;\n",
     .also =
         "strong_migrations stored generated column; pgfence add-column-generated-stored; Atlas "
         "PG302",
     .check = check_generated},
    {.id = "SK024",
     .name = "change-column-type",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "The whole table and its indexes are written anew under an ACCESS EXCLUSIVE lock, and "
            "code that runs meets another type from one moment to the next.",
     .instead = "Add a column of the new type, keep both in step by triggers, fill it in batches, "
                "and let the code change over before the old one is dropped.",
     .bad = "ALTER TABLE users ALTER COLUMN id TYPE bigint;\n",
     .good = "ALTER TABLE users ADD COLUMN id_new bigint;\n",
     .also = "squawk changing-column-type; strong_migrations change_column; eugene E5; pgfence "
             "alter-column-type; Atlas PG301",
     .check = check_type},
    {.id = "SK025",
     .name = "set-not-null",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why =
         "SET NOT NULL reads all of the table under an ACCESS EXCLUSIVE lock, unless a validated "
         "CHECK says already that there is no null.",
     .instead = "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID; in another migration "
                "VALIDATE CONSTRAINT; then SET NOT NULL, which reads nothing, and drop the CHECK.",
     .bad = "ALTER TABLE users ALTER COLUMN email SET NOT NULL;\n",
     .good = "-- file: 0001_check.up.sql\n"
             "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
             "-- file: 0002_check.up.sql\n"
             "ALTER TABLE users ADD CONSTRAINT email_there CHECK (email IS NOT NULL) NOT VALID;\n"
             "-- file: 0003_validate.up.sql\n"
             "ALTER TABLE users VALIDATE CONSTRAINT email_there;\n"
             "-- file: 0004_not_null.up.sql\n"
             "ALTER TABLE users ALTER COLUMN email SET NOT NULL;\n"
             "ALTER TABLE users DROP CONSTRAINT email_there;\n",
     .also = "squawk adding-not-nullable-field; strong_migrations change_column_null; eugene E2; "
             "pgfence alter-column-set-not-null; Atlas MF104, PG303",
     .check = check_set_not_null},
    {.id = "SK026",
     .name = "drop-not-null",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "Code that was written when the column could not be null meets nulls as soon as "
            "somebody writes one.",
     .instead = "First bring out code that can read nulls, then code that writes them.",
     .bad = "ALTER TABLE users ALTER COLUMN email DROP NOT NULL;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);\n"
             "ALTER TABLE users ALTER COLUMN email DROP NOT NULL;\n",
     .also = "squawk ban-drop-not-null; pgfence drop-not-null",
     .check = check_drop_not_null},
    {.id = "SK027",
     .name = "drop-default",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "An INSERT that leaves the column out has been right until now; without the default it "
            "fails.",
     .instead = "Drop the default when no code relies on it any more.",
     .bad = "-- file: 0001_users.up.sql\n"
            "CREATE TABLE users (id bigint PRIMARY KEY, age integer NOT NULL DEFAULT 0);\n"
            "-- file: 0002_other.up.sql\n"
            "CREATE TABLE other (id bigint PRIMARY KEY);\n"
            "-- file: 0003_default.up.sql\n"
            "ALTER TABLE users ALTER COLUMN age DROP DEFAULT;\n",
     .good = "ALTER TABLE users ALTER COLUMN age SET DEFAULT 1;\n",
     .also = "squawk ban-drop-default",
     .check = check_drop_default},
    {.id = "SK028",
     .name = "column-dropped-and-added",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why = "The column comes back empty: what looks like a change of its type throws its values "
            "away.",
     .instead = "Add the new column under another name, fill it from the old one in batches, and "
                "drop the old one later.",
     .bad = "ALTER TABLE users DROP COLUMN age;\nALTER TABLE users ADD COLUMN age bigint;\n",
     .good = "ALTER TABLE users ADD COLUMN age_in_days bigint;\n",
     .check = check_add_after_drop},
    {.id = "SK029",
     .name = "if-not-exists-does-nothing",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "IF NOT EXISTS looks at the name alone: where something of that name is there already, "
            "what the statement says is not so.",
     .instead = "Remove the statement, or alter what is there.",
     .bad = "-- file: 0001_users.up.sql\n"
            "CREATE TABLE users (id bigint PRIMARY KEY);\n"
            "-- file: 0002_users.up.sql\n"
            "CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, email text);\n",
     .good = "CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, email text);\n",
     .check = check_noop},
    {0}};
