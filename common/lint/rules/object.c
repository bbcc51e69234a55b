/* Enums, triggers, partitions, policies, code: objects with dangers of their own. */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

/* Whether a later statement of this transaction writes the value that this one adds. */
static void
check_enum_value(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb != EFFECT_CREATE || effect->object != OBJECT_ENUM_VALUE || !effect->part ||
        effect->is_implied || !scene->script->is_transactional ||
        scene_is_new_type(scene, effect->schema, effect->name)) {
        return;
    }
    const char *quoted = arena_format(scene->arena, "'%s'", effect->part);
    for (size_t i = scene->statement_index + 1; i < scene->script->sql.statement_count; i++) {
        const struct stretch *stretch = &scene->script->sql.statements[i].stretch;
        bool adds_values = text_equal(scene->script->sql.statements[i].facts.tag, "ALTER TYPE");
        if (!adds_values && memmem(scene->script->text + stretch->place.offset, stretch->size,
                                   quoted, strlen(quoted))) {
            scene_find_in(scene, i, "%s cannot be used in the transaction that adds it to %s",
                          quoted, effect->name);
            return;
        }
    }
}

static void
check_enum_order(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_CREATE && effect->object == OBJECT_ENUM_VALUE &&
        !effect->is_implied && text_equal(scene->statement->facts.tag, "ALTER TYPE") &&
        !scene_has_word(scene, "BEFORE") && !scene_has_word(scene, "AFTER")) {
        scene_find(scene, "'%s' comes last, after whatever others each database has", effect->part);
    }
}

static bool
holds(const struct scene *scene, const char *piece)
{
    size_t size = 0;
    const char *text = scene_text(scene, &size);

    return memmem(text, size, piece, strlen(piece)) != NULL;
}

static void
check_hidden_type(struct scene *scene)
{
    if (text_equal(scene->statement->facts.tag, "DO") &&
        (holds(scene, "duplicate_object") || holds(scene, "DUPLICATE_OBJECT")) &&
        (holds(scene, "CREATE TYPE") || holds(scene, "create type"))) {
        scene_find(scene, "a type of that name with other values would be taken for this one");
    }
}

static void
check_opaque(struct scene *scene)
{
    if (text_equal(scene->statement->facts.tag, "DO") && holds(scene, "EXECUTE")) {
        scene_find(scene, "what this block executes is made up while it runs: nobody has looked at "
                          "it");
    }
}

/* Whether the script drops a trigger of the same table first: one takes the place of another. */
static bool
replaces_trigger(const struct scene *scene)
{
    for (size_t i = 0; i < scene->statement_index; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_DROP && effect->object == OBJECT_TRIGGER &&
                !effect->is_noop && text_equal(effect->name, scene->effect->name) &&
                text_equal(effect->schema, scene->effect->schema) &&
                !text_equal(effect->part, scene->effect->part)) {
                return true;
            }
        }
    }
    return false;
}

static void
check_trigger(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_CREATE && effect->object == OBJECT_TRIGGER && !effect->is_implied &&
        !scene->is_new && !replaces_trigger(scene)) {
        scene_find(scene, "writes to %s wait for the lock, and from then on do more",
                   scene_object(scene));
    }
}

static void
check_disable_trigger(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_DISABLE && effect->object == OBJECT_TRIGGER && !scene->is_new) {
        scene_find(scene, "what the trigger of %s keeps in order is not kept meanwhile",
                   scene_object(scene));
    }
}

/* Whether the history has validated a CHECK of the table, which spares ATTACH the reading. */
static bool
has_valid_check(const struct scene *scene, const char *name)
{
    const struct sql_relation *relation = NULL;

    for (size_t i = 0; !relation && i < scene->effects->relation_count; i++) {
        const struct sql_relation *candidate = &scene->effects->relations[i];
        relation = text_equal(candidate->name, name) ? candidate : NULL;
    }
    const struct catalog_table *table =
        catalog_constrained(scene->catalog, relation ? relation->schema : NULL, name);
    const struct catalog_constraint *constraint = table ? table->constraints : NULL;
    for (; constraint; constraint = constraint->next) {
        if (constraint->constraint.kind == CONSTRAINT_CHECK && constraint->constraint.is_valid) {
            return true;
        }
    }
    return false;
}

static void
check_attach(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_ATTACH && effect->object == OBJECT_PARTITION && effect->scans &&
        effect->part && !scene_is_new(scene, NULL, effect->part) &&
        !has_valid_check(scene, effect->part)) {
        scene_find(scene,
                   "all of %s is read, while nobody can work with it, to see that its rows "
                   "belong there",
                   effect->part);
    }
}

static void
check_detach(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_DETACH && effect->object == OBJECT_PARTITION &&
        !effect->is_concurrent && !scene->is_new) {
        scene_find(scene, "nobody can work with %s meanwhile", scene_object(scene));
    }
}

/* Row security without a policy shows no row to anybody but the owner. */
static void
check_row_security(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb != EFFECT_ENABLE || effect->is_implied || scene->is_new ||
        !scene_has_word(scene, "SECURITY")) {
        return;
    }
    const struct catalog_table *table = scene_catalog_table(scene);
    for (const struct catalog_part *part = table ? table->parts : NULL; part; part = part->next) {
        if (part->object == OBJECT_POLICY) {
            return;
        }
    }
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        if (text_equal(scene->script->sql.statements[i].facts.tag, "CREATE POLICY")) {
            return;
        }
    }
    scene_find(scene, "%s is empty for everybody but its owner from then on: there is no policy",
               scene_object(scene));
}

static void
check_replica_identity(struct scene *scene)
{
    if (scene->effect->verb == EFFECT_SET_REPLICA_IDENTITY && !scene->is_new &&
        scene_has_word(scene, "FULL")) {
        scene_find(scene, "every UPDATE and DELETE of %s writes the whole old row into the WAL",
                   scene_object(scene));
    }
}

static void
check_domain(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_CREATE && effect->object == OBJECT_DOMAIN_CONSTRAINT &&
        text_equal(scene->statement->facts.tag, "ALTER DOMAIN") &&
        !scene_has_word(scene, "VALID") &&
        !scene_is_new_type(scene, effect->schema, effect->name)) {
        scene_find(scene, "every table with a column of %s is read, while it is locked",
                   scene_object(scene));
    }
}

/* What inherits is read and locked with its parent. */
static void
check_inherit(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if ((effect->verb == EFFECT_ATTACH || effect->verb == EFFECT_DETACH) &&
        effect->object == OBJECT_INHERITANCE && !scene->is_new) {
        scene_find(scene, "queries of %s give other rows from then on", scene_object(scene));
    }
}

const struct rule rules_object[] = {
    {.id = "SK100",
     .name = "enum-value-used-at-once",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .why = "PostgreSQL refuses a new value of an enum until the transaction that has added it is "
            "committed.",
     .instead = "Add the value in one migration and use it in the next.",
     .bad = "ALTER TYPE mood ADD VALUE 'bored';\nUPDATE users SET mood = 'bored' WHERE id = 1;\n",
     .good = "ALTER TYPE mood ADD VALUE 'bored';\n",
     .also = "pgfence add-enum-value; Atlas (transaction mode)",
     .check = check_enum_value},
    {.id = "SK101",
     .name = "enum-value-without-place",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_EFFECT,
     .why = "The order of an enum is that of its values; one that is added without BEFORE or AFTER "
            "comes last.",
     .instead = "ALTER TYPE … ADD VALUE … AFTER ….",
     .bad = "ALTER TYPE mood ADD VALUE 'bored';\n",
     .good = "ALTER TYPE mood ADD VALUE 'bored' AFTER 'sad';\n",
     .also = "squawk require-enum-value-ordering",
     .check = check_enum_order},
    {.id = "SK102",
     .name = "type-hidden-by-handler",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_STATEMENT,
     .why = "EXCEPTION WHEN duplicate_object looks at the name alone: an enum of that name with "
            "other values stays as it is, and nobody hears of it.",
     .instead = "CREATE TYPE as it is: the history knows whether it is there.",
     .bad = "DO $$ BEGIN CREATE TYPE mood AS ENUM ('sad', 'ok');\n"
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n",
     .good = "CREATE TYPE mood AS ENUM ('sad', 'ok');\n",
     .check = check_hidden_type},
    {.id = "SK103",
     .name = "trigger-on-existing-table",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "CREATE TRIGGER takes a SHARE ROW EXCLUSIVE lock, and what it does happens in every "
            "transaction of code that does not know of it.",
     .instead = "Keep it in a migration of its own, with a short lock_timeout, and its function "
                "quick.",
     .bad =
         "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();\n",
     .good =
         "CREATE TABLE users (id bigint PRIMARY KEY);\n"
         "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();\n",
     .also = "pgfence create-trigger",
     .check = check_trigger},
    {.id = "SK104",
     .name = "disable-trigger",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .why = "A disabled trigger is disabled for everybody, not only for the migration; ALL "
            "disables foreign keys, too.",
     .instead = "SET LOCAL session_replication_role = replica, if need be, for one batch; or make "
                "the trigger look at a setting.",
     .bad = "ALTER TABLE users DISABLE TRIGGER touched;\n",
     .good = "ALTER TABLE users ENABLE TRIGGER touched;\n",
     .also = "squawk ban-disable-trigger; pgfence disable-trigger",
     .check = check_disable_trigger},
    {.id = "SK105",
     .name = "attach-partition",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .follows_size = true,
     .why = "ATTACH PARTITION reads the whole partition under an ACCESS EXCLUSIVE lock, unless a "
            "CHECK says already that its rows belong there.",
     .instead = "Add a CHECK of the same bounds NOT VALID, validate it in another migration, then "
                "attach, and drop the CHECK.",
     .bad = "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO "
            "('2027-01-01');\n",
     .good = "CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO "
             "('2028-01-01');\n",
     .also = "pgfence attach-partition",
     .check = check_attach},
    {.id = "SK106",
     .name = "detach-partition",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .why = "DETACH PARTITION takes an ACCESS EXCLUSIVE lock on the whole partitioned table.",
     .instead = "DETACH PARTITION … CONCURRENTLY (PostgreSQL 14 and later), outside of a "
                "transaction.",
     .bad = "ALTER TABLE events DETACH PARTITION events_2020;\n",
     .good = "CREATE TABLE events (at date) PARTITION BY RANGE (at);\n"
             "CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO "
             "('2021-01-01');\n"
             "ALTER TABLE events DETACH PARTITION events_2020;\n",
     .also = "squawk require-concurrent-partition-detach; pgfence detach-partition",
     .check = check_detach},
    {.id = "SK107",
     .name = "row-security-without-policy",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "With row security on and no policy, every role but the owner sees no rows at all.",
     .instead = "Create the policies in the same migration.",
     .bad = "ALTER TABLE users ENABLE ROW LEVEL SECURITY;\n",
     .good = "ALTER TABLE users ENABLE ROW LEVEL SECURITY;\n"
             "CREATE POLICY own ON users USING (name = current_user);\n",
     .also = "squawk ban-alter-row-level-security; pgfence rls",
     .check = check_row_security},
    {.id = "SK108",
     .name = "replica-identity-full",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "REPLICA IDENTITY FULL writes whole old rows into the WAL, and subscribers look for "
            "each row by reading the table.",
     .instead = "REPLICA IDENTITY USING INDEX with a unique index.",
     .bad = "ALTER TABLE users REPLICA IDENTITY FULL;\n",
     .good = "ALTER TABLE users REPLICA IDENTITY USING INDEX users_email;\n",
     .also = "squawk ban-replica-identity; pgfence replica-identity-full",
     .check = check_replica_identity},
    {.id = "SK109",
     .name = "dynamic-sql",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_STATEMENT,
     .why = "Statements that are put together at run time can be another on every database, and no "
            "rule, plan or preview sees them.",
     .instead = "Write the statements out.",
     .bad = "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'users'; END $$;\n",
     .good = "DROP TABLE IF EXISTS old_users;\n",
     .check = check_opaque},
    {.id = "SK110",
     .name = "domain-constraint",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .why = "A constraint that is added to a domain is checked in every row of every table that "
            "uses it.",
     .instead = "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in another migration; or a "
                "CHECK of the table.",
     .bad = "ALTER DOMAIN email ADD CONSTRAINT sane CHECK (value LIKE '%@%');\n",
     .good = "ALTER DOMAIN email ADD CONSTRAINT sane CHECK (value LIKE '%@%') NOT VALID;\n",
     .also = "squawk ban-alter-domain-with-add-constraint; pgfence alter-domain",
     .check = check_domain},
    {.id = "SK111",
     .name = "inheritance",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_EFFECT,
     .why = "INHERIT and NO INHERIT change what every query of the parent gives, in one moment.",
     .instead = "Declarative partitioning.",
     .bad = "ALTER TABLE cities INHERIT places;\n",
     .good = "CREATE TABLE cities (id bigint PRIMARY KEY);\n",
     .also = "squawk ban-detach-inheritance; pgfence inherit",
     .check = check_inherit},
    {0}};
