/* Constraints: how they are added to tables with rows, and what they refer to. */
#include "common/base/text.h"
#include "common/lint/rules/rules.h"

/* The constraint of this kind that comes to a table with rows; null: none. */
static const struct sql_constraint *
added(const struct scene *scene, enum constraint_kind kind)
{
    const struct effect *effect = scene->effect;
    bool is_added = effect->verb == EFFECT_CREATE && effect->constraint && !scene->is_new &&
                    !effect->constraint->is_in_new_table && effect->constraint->kind == kind;

    return is_added ? effect->constraint : NULL;
}

static void
check_check(struct scene *scene)
{
    const struct sql_constraint *constraint = added(scene, CONSTRAINT_CHECK);

    if (constraint && constraint->is_valid && scene->effect->scans) {
        scene_find(scene, "all of %s is read, while nobody can work with it, to check %s",
                   scene_table(scene), constraint->name);
    }
}

static void
check_foreign_key(struct scene *scene)
{
    const struct sql_constraint *constraint = added(scene, CONSTRAINT_FOREIGN_KEY);

    if (constraint && constraint->is_valid && scene->effect->scans) {
        scene_find(scene, "writes to %s and %s wait while every row is looked up",
                   scene_table(scene),
                   scene_name(scene, constraint->to_schema, constraint->to_table));
    }
}

static void
check_unique(struct scene *scene)
{
    const struct sql_constraint *constraint = added(scene, CONSTRAINT_UNIQUE);

    if (constraint && !constraint->index) {
        scene_find(scene, "nobody can work with %s while the index of %s is built",
                   scene_table(scene), constraint->name);
    }
}

static void
check_primary_key(struct scene *scene)
{
    const struct sql_constraint *constraint = added(scene, CONSTRAINT_PRIMARY_KEY);

    if (constraint && !constraint->index) {
        scene_find(scene, "nobody can work with %s while the index of its primary key is built",
                   scene_table(scene));
    }
}

static void
check_exclusion(struct scene *scene)
{
    const struct sql_constraint *constraint = added(scene, CONSTRAINT_EXCLUSION);

    if (constraint) {
        scene_find(scene,
                   "nobody can work with %s while the index of %s is built and every row is "
                   "compared",
                   scene_table(scene), constraint->name);
    }
}

/* The statement of this script that adds the constraint; FINDING_OF_FILE: none. */
static size_t
added_by(const struct scene *scene, const struct effect *validation)
{
    for (size_t i = 0; i <= scene->statement_index; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_CREATE && effect->constraint &&
                text_equal(effect->constraint->name, validation->part) &&
                text_equal(effect->name, validation->name)) {
                return i;
            }
        }
    }
    return FINDING_OF_FILE;
}

static void
check_validate(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_VALIDATE && !scene->is_new && scene->script->is_transactional &&
        added_by(scene, effect) != FINDING_OF_FILE) {
        scene_find(scene, "the lock that adding %s took is held until all of %s is read",
                   effect->part ? effect->part : "the constraint", scene_table(scene));
    }
}

static void
check_unnamed(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_CREATE && effect->constraint && !effect->constraint->is_named &&
        !effect->constraint->is_in_new_table && !effect->constraint->is_column_constraint &&
        !effect->is_implied && effect->constraint->kind != CONSTRAINT_PRIMARY_KEY) {
        scene_find(scene, "the constraint on %s has no name of its own", scene_table(scene));
    }
}

static void
check_drop(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    const struct catalog_table *table = scene_catalog_table(scene);
    const struct catalog_constraint *constraint =
        table && effect->part ? catalog_constraint(table, effect->part) : NULL;

    if (effect->verb == EFFECT_DROP && effect->object == OBJECT_CONSTRAINT && !scene->is_new &&
        constraint && constraint->constraint.kind == CONSTRAINT_FOREIGN_KEY &&
        !scene_comes_later(scene, "FOREIGN KEY")) {
        scene_find(scene, "rows of %s may refer to what is not there from now on",
                   scene_table(scene));
        if (constraint->constraint.column_count) {
            scene_about_column(scene, constraint->constraint.columns[0]);
        }
    }
}

/* The type of a column that the history knows; null when it does not. */
static const char *
type_of(const struct catalog_table *table, const char *column)
{
    const struct catalog_column *found = table ? catalog_column(table, column) : NULL;
    return found ? found->column.type : NULL;
}

/* The column that a foreign key refers to by its i-th: as written, or of the primary key. */
static const char *
referred_column(const struct catalog_table *table, const struct sql_constraint *key, size_t i)
{
    if (key->to_column_count) {
        return i < key->to_column_count ? key->to_columns[i] : NULL;
    }
    for (const struct catalog_constraint *other = table->constraints; other; other = other->next) {
        if (other->constraint.kind == CONSTRAINT_PRIMARY_KEY) {
            return i < other->constraint.column_count ? other->constraint.columns[i] : NULL;
        }
    }
    return NULL;
}

/* Integers by how much they hold; 0: something else. */
static int
width_of(const char *type)
{
    return text_equal(type, "smallint")  ? 2
           : text_equal(type, "integer") ? 4
           : text_equal(type, "bigint")  ? 8
                                         : 0;
}

static bool
is_text(const char *type)
{
    return text_equal(type, "text") || text_starts_with(type, "character") ||
           text_equal(type, "citext");
}

/* Whether a column of the one type holds every value of the other. */
static bool
is_wide_enough(const char *here, const char *there)
{
    int width = width_of(here);

    return text_equal(here, there) || (width && width >= width_of(there) && width_of(there)) ||
           (is_text(here) && is_text(there)) || (!width && !width_of(there));
}

static void
compare_types(struct scene *scene, size_t statement, const struct effect *effect)
{
    const struct sql_constraint *key = effect->constraint;
    const struct catalog_table *from = catalog_table(scene->catalog, effect->schema, effect->name);
    const struct catalog_table *to = catalog_table(scene->catalog, key->to_schema, key->to_table);

    for (size_t i = 0; from && to && i < key->column_count; i++) {
        const char *column = referred_column(to, key, i);
        const char *here = type_of(from, key->columns[i]);
        const char *there = column ? type_of(to, column) : NULL;
        if (here && there && !is_wide_enough(here, there)) {
            scene_find_effect(
                scene, statement, effect, "%s.%s is %s and refers to %s.%s, which is %s",
                scene_name(scene, effect->schema, effect->name), key->columns[i], here,
                scene_name(scene, key->to_schema, key->to_table), column, there);
        }
    }
}

/* At the end of the file: all columns are known then. */
static void
check_types(struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_CREATE && effect->constraint &&
                effect->constraint->kind == CONSTRAINT_FOREIGN_KEY) {
                compare_types(scene, i, effect);
            }
        }
    }
}

const struct rule rules_constraint[] = {
    {.id = "SK035",
     .name = "add-check",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .is_fixable = false,
     .why = "Adding a CHECK reads all rows under an ACCESS EXCLUSIVE lock.",
     .instead = "ADD CONSTRAINT … CHECK (…) NOT VALID, and in another migration VALIDATE "
                "CONSTRAINT, which lets everybody work.",
     .bad = "ALTER TABLE users ADD CONSTRAINT age_sane CHECK (age > 0);\n",
     .good = "ALTER TABLE users ADD CONSTRAINT age_sane CHECK (age > 0) NOT VALID;\n",
     .also = "squawk constraint-missing-not-valid; strong_migrations add_check_constraint; eugene "
             "E1; pgfence add-constraint-check; Atlas PG305",
     .check = check_check},
    {.id = "SK036",
     .name = "add-foreign-key",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "Adding a FOREIGN KEY looks up every row while a SHARE ROW EXCLUSIVE lock keeps writes "
            "out of both tables.",
     .instead = "ADD CONSTRAINT … FOREIGN KEY … NOT VALID, and in another migration VALIDATE "
                "CONSTRAINT.",
     .bad = "ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users "
            "(id);\n",
     .good = "ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users "
             "(id) NOT VALID;\n",
     .also = "squawk adding-foreign-key-constraint; strong_migrations add_foreign_key; eugene E1; "
             "pgfence add-constraint-fk-no-not-valid; Atlas PG306",
     .check = check_foreign_key},
    {.id = "SK037",
     .name = "add-unique",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "Adding a UNIQUE constraint builds its index under an ACCESS EXCLUSIVE lock.",
     .instead = "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … "
                "UNIQUE USING INDEX.",
     .bad = "ALTER TABLE users ADD CONSTRAINT users_email UNIQUE (email);\n",
     .good = "ALTER TABLE users ADD CONSTRAINT users_email UNIQUE USING INDEX users_email_index;\n",
     .also = "squawk disallowed-unique-constraint; strong_migrations add_unique_constraint; eugene "
             "E7; pgfence add-constraint-unique; Atlas PG304",
     .check = check_unique},
    {.id = "SK038",
     .name = "add-primary-key",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "Adding a PRIMARY KEY builds its index, and reads every row for nulls, under an ACCESS "
            "EXCLUSIVE lock.",
     .instead = "Make the columns NOT NULL by a validated CHECK, CREATE UNIQUE INDEX CONCURRENTLY, "
                "then ADD PRIMARY KEY USING INDEX.",
     .bad = "ALTER TABLE users ADD PRIMARY KEY (id);\n",
     .good = "ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_id;\n",
     .also = "squawk adding-serial-primary-key-field; pgfence add-pk-without-using-index; Atlas "
             "PG304",
     .check = check_primary_key},
    {.id = "SK039",
     .name = "add-exclusion",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "An EXCLUDE constraint is built under an ACCESS EXCLUSIVE lock, and there is no way to "
            "build it beside those who work.",
     .instead = "Have it from the beginning, in CREATE TABLE; for a large table, make a new table "
                "with it, fill it in batches and change over.",
     .bad = "ALTER TABLE rooms ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&);\n",
     .good = "CREATE TABLE rooms (id bigint PRIMARY KEY, during tsrange,\n"
             "    CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&));\n",
     .also =
         "strong_migrations add_exclusion_constraint; eugene E8; pgfence add-constraint-exclude",
     .check = check_exclusion},
    {.id = "SK040",
     .name = "validate-in-same-transaction",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "The lock of ADD CONSTRAINT is held to the end of the transaction, so validating in it "
            "gives away all that NOT VALID was good for.",
     .instead = "VALIDATE CONSTRAINT in the next migration.",
     .bad = "ALTER TABLE users ADD CONSTRAINT age_sane CHECK (age > 0) NOT VALID;\n"
            "ALTER TABLE users VALIDATE CONSTRAINT age_sane;\n",
     .good = "-- file: 0001_add.up.sql\n"
             "ALTER TABLE users ADD CONSTRAINT age_sane CHECK (age > 0) NOT VALID;\n"
             "-- file: 0002_validate.up.sql\n"
             "ALTER TABLE users VALIDATE CONSTRAINT age_sane;\n",
     .also = "squawk constraint-missing-not-valid; pgfence not-valid-validate-same-tx; "
             "strong_migrations validate_constraint",
     .check = check_validate},
    {.id = "SK041",
     .name = "constraint-unnamed",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "PostgreSQL chooses the name by what is free, so it can differ from database to "
            "database, and whoever drops the constraint has to guess.",
     .instead = "ALTER TABLE … ADD CONSTRAINT name ….",
     .bad = "ALTER TABLE users ADD CHECK (age > 0) NOT VALID;\n",
     .good = "ALTER TABLE users ADD CONSTRAINT age_sane CHECK (age > 0) NOT VALID;\n",
     .also = "Atlas CD101 (names)",
     .check = check_unnamed},
    {.id = "SK042",
     .name = "drop-foreign-key",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why =
         "Without the constraint rows can be left that refer to nothing, and it cannot come back "
         "while they are there.",
     .instead = "Be sure that the code keeps the rows together, and say so in the migration.",
     .bad = "-- file: 0001_orders.up.sql\n"
            "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint,\n"
            "    CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id));\n"
            "-- file: 0002_other.up.sql\n"
            "CREATE TABLE other (id bigint PRIMARY KEY);\n"
            "-- file: 0003_drop.up.sql\n"
            "ALTER TABLE orders DROP CONSTRAINT orders_user;\n",
     .good = "ALTER TABLE orders DROP CONSTRAINT orders_check;\n",
     .also = "squawk ban-drop-constraint; Atlas CD101",
     .check = check_drop},
    {.id = "SK043",
     .name = "foreign-key-type",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .why = "A column that refers to one of another type cannot hold all of its values, and every "
            "join has to convert.",
     .instead = "Give the referring column the type of the key.",
     .bad = "CREATE TABLE users (id bigint PRIMARY KEY);\n"
            "CREATE TABLE orders (id bigint PRIMARY KEY, user_id integer REFERENCES users (id));\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\n"
             "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id));\n",
     .check = check_types},
    {0}};
