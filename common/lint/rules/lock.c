/* Locks: what keeps others out for longer than a moment, and what adds up in one transaction. */
#include <string.h>

#include "common/base/text.h"
#include "common/lint/rules/rules.h"

#define TABLES_MAX 64

static bool
is_existing(const struct scene *scene, const struct sql_relation *relation)
{
    return !relation->is_new && !relation->is_temporary &&
           !scene_is_new(scene, relation->schema, relation->name);
}

static bool
is_table(const struct sql_relation *relation)
{
    return relation->object == OBJECT_TABLE || relation->object == OBJECT_RELATION ||
           relation->object == OBJECT_MATERIALIZED_VIEW;
}

static bool
holds(const struct sql_relation *const *tables, size_t count, const struct sql_relation *relation)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(tables[i]->name, relation->name) &&
            text_equal(tables[i]->schema, relation->schema)) {
            return true;
        }
    }
    return false;
}

/* Whether a statement above has given the table this name: it is one that was met before. */
static bool
is_renamed(const struct scene *scene, size_t statement, const struct sql_relation *relation)
{
    for (size_t i = 0; i < statement; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->effect_count; j++) {
            const struct effect *effect = &effects->effects[j];
            if (effect->verb == EFFECT_RENAME && !effect->part &&
                text_equal(effect->new_name, relation->name) &&
                text_equal(effect->schema, relation->schema)) {
                return true;
            }
        }
    }
    return false;
}

/*
 * Tables that several statements of one transaction lock against everybody. What one statement
 * locks at once (a foreign key both of its tables) is not held against it.
 */
static void
check_several(struct scene *scene)
{
    const struct sql_relation *tables[TABLES_MAX];
    size_t count = 0;

    for (size_t i = 0; scene->script->is_transactional && i < scene->script->sql.statement_count;
         i++) {
        const struct effects *effects = &scene->script->effects[i];
        size_t before = count;
        for (size_t j = 0; j < effects->relation_count && count < TABLES_MAX; j++) {
            const struct sql_relation *relation = &effects->relations[j];
            if (relation->lock != LOCK_ACCESS_EXCLUSIVE || !is_table(relation) ||
                !is_existing(scene, relation) || holds(tables, count, relation) ||
                is_renamed(scene, i, relation)) {
                continue;
            }
            tables[count++] = relation;
            if (before > 0) {
                scene_find_in(scene, i, "%s is locked while %s is still locked",
                              scene_name(scene, relation->schema, relation->name),
                              scene_name(scene, tables[0]->schema, tables[0]->name));
                return;
            }
        }
    }
}

/*
 * Something that takes its time, reading all of a table that has rows, and would be no danger by
 * itself.
 */
static const struct sql_relation *
long_work(const struct scene *scene, size_t statement)
{
    const struct effects *effects = &scene->script->effects[statement];

    for (size_t i = 0; effects->class != CLASS_DATA && i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        if ((relation->scans || relation->rewrites) && is_table(relation) &&
            relation->lock < LOCK_SHARE && is_existing(scene, relation)) {
            return relation;
        }
    }
    return NULL;
}

static void
check_work(struct scene *scene)
{
    const struct sql_relation *locked = NULL;

    for (size_t i = 0; scene->script->is_transactional && i < scene->script->sql.statement_count;
         i++) {
        const struct effects *effects = &scene->script->effects[i];
        const struct sql_relation *work = locked ? long_work(scene, i) : NULL;
        if (work) {
            scene_find_in(scene, i,
                          "nobody can work with %s, which is locked above, until all of %s "
                          "is read",
                          scene_name(scene, locked->schema, locked->name),
                          scene_name(scene, work->schema, work->name));
            return;
        }
        for (size_t j = 0; !locked && j < effects->relation_count; j++) {
            const struct sql_relation *relation = &effects->relations[j];
            bool is_held = relation->lock == LOCK_ACCESS_EXCLUSIVE && is_table(relation) &&
                           is_existing(scene, relation);
            locked = is_held ? relation : NULL;
        }
    }
}

/* Whether the file sets it, or an annotation does. */
static bool
sets(const struct scene *scene, const char *name, bool is_annotated)
{
    for (size_t i = 0; !is_annotated && i < scene->script->sql.statement_count; i++) {
        const struct sql_facts *facts = &scene->script->sql.statements[i].facts;
        for (size_t j = 0; j < facts->setting_count; j++) {
            is_annotated = is_annotated || text_equal(facts->settings[j].name, name);
        }
    }
    return is_annotated;
}

/* The first statement that waits for others, or has them wait; FINDING_OF_FILE: none does. */
static size_t
first_strong(const struct scene *scene)
{
    for (size_t i = 0; i < scene->script->sql.statement_count; i++) {
        const struct effects *effects = &scene->script->effects[i];
        for (size_t j = 0; j < effects->relation_count; j++) {
            const struct sql_relation *relation = &effects->relations[j];
            if (relation->lock >= LOCK_SHARE && is_existing(scene, relation)) {
                return i;
            }
        }
    }
    return FINDING_OF_FILE;
}

static void
check_lock_timeout(struct scene *scene)
{
    size_t strong = first_strong(scene);

    if (strong != FINDING_OF_FILE &&
        !sets(scene, "lock_timeout", scene->script->annotations.lock_timeout_ms > 0)) {
        scene_find_in(scene, strong,
                      "nothing in the file says how long this may wait for its lock, "
                      "and everybody waits behind it");
    }
}

static void
check_statement_timeout(struct scene *scene)
{
    size_t strong = first_strong(scene);

    if (strong != FINDING_OF_FILE &&
        !sets(scene, "statement_timeout", scene->script->annotations.timeout_ms > 0)) {
        scene_find_in(scene, strong, "nothing in the file says how long this may take");
    }
}

static void
check_lock_table(struct scene *scene)
{
    const struct effect *effect = scene->effect;

    if (effect->verb == EFFECT_LOCK && text_equal(scene->statement->facts.tag, "LOCK TABLE") &&
        scene->table && scene->table->lock >= LOCK_SHARE && !scene->is_new) {
        scene_find(scene, "%s is locked in %s mode to the end of the transaction",
                   scene_table(scene), lock_mode_name(scene->table->lock));
    }
}

static void
check_full(struct scene *scene)
{
    if (scene->effect->verb == EFFECT_CLUSTER && !scene->is_new) {
        scene_find(scene, "%s is written anew while nobody can read it",
                   scene->effect->name ? scene_object(scene) : "every table");
    }
}

static void
check_storage(struct scene *scene)
{
    const struct effect *effect = scene->effect;
    bool is_storage = effect->verb == EFFECT_SET_TABLESPACE || effect->verb == EFFECT_SET_LOGGED ||
                      effect->verb == EFFECT_SET_UNLOGGED ||
                      effect->verb == EFFECT_SET_ACCESS_METHOD;

    if (is_storage && effect->rewrites && !scene->is_new) {
        scene_find(scene, "%s is written anew while nobody can read it", scene_table(scene));
    }
}

static void
check_refresh(struct scene *scene)
{
    if (scene->effect->verb == EFFECT_REFRESH && !scene->effect->is_concurrent && !scene->is_new &&
        !scene_has_word(scene, "NO")) {
        scene_find(scene, "nobody can read %s until it is filled again", scene_object(scene));
    }
}

const struct rule rules_lock[] = {
    {.id = "SK065",
     .name = "several-strong-locks",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .parts = ON_UP,
     .why =
         "The first table stays locked while the transaction waits for the second, and code that "
         "takes the two the other way round makes a deadlock of it.",
     .instead = "A migration for each table.",
     .bad = "ALTER TABLE users ADD COLUMN a integer;\nALTER TABLE orders ADD COLUMN b integer;\n",
     .good = "ALTER TABLE users ADD COLUMN a integer;\nALTER TABLE users ADD COLUMN b integer;\n",
     .also = "eugene E4; pgfence multiple ACCESS EXCLUSIVE",
     .check = check_several},
    {.id = "SK066",
     .name = "work-while-locked",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_SCRIPT_END,
     .follows_size = true,
     .why =
         "An ACCESS EXCLUSIVE lock is cheap when it is given back at once; here it is held while "
         "a table is read.",
     .instead = "Put the long work into another migration, before or after.",
     .bad = "ALTER TABLE users ADD COLUMN a integer;\n"
            "ALTER TABLE orders VALIDATE CONSTRAINT orders_user;\n",
     .good = "ALTER TABLE orders VALIDATE CONSTRAINT orders_user;\n",
     .also = "eugene E4",
     .check = check_work},
    {.id = "SK067",
     .name = "lock-timeout-missing",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_SCRIPT_END,
     .parts = ON_UP | ON_DOWN,
     .why = "A statement that waits for a lock has everybody wait behind it, for as long as the "
            "longest query before it runs. Skein keeps a budget for that by itself; other tools "
            "do not.",
     .instead = "-- skein: lock_timeout=2s at the top, or SET lock_timeout = '2s'.",
     .bad = "ALTER TABLE users ADD COLUMN a integer;\n",
     .good = "-- skein: lock_timeout=2s\nALTER TABLE users ADD COLUMN a integer;\n",
     .also = "squawk require-lock-timeout; strong_migrations lock_timeout; eugene E9; pgfence "
             "missing-lock-timeout",
     .check = check_lock_timeout},
    {.id = "SK068",
     .name = "statement-timeout-missing",
     .severity = SEVERITY_OFF,
     .scope = RULE_OF_SCRIPT_END,
     .parts = ON_UP | ON_DOWN,
     .why = "A statement that takes a hundred times as long as it did in the test holds its locks "
            "for as long.",
     .instead = "-- skein: timeout=5m at the top, or SET statement_timeout = '5min'.",
     .bad = "ALTER TABLE users ADD COLUMN a integer;\n",
     .good = "-- skein: timeout=5m\nALTER TABLE users ADD COLUMN a integer;\n",
     .also = "squawk require-statement-timeout; strong_migrations statement_timeout; pgfence "
             "missing-statement-timeout",
     .check = check_statement_timeout},
    {.id = "SK069",
     .name = "lock-table",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .why = "An explicit lock keeps others out to the end of the transaction, whether the "
            "statements behind it need that or not.",
     .instead = "Leave it to the statements; each takes the weakest lock that is enough for it.",
     .bad = "LOCK TABLE users IN ACCESS EXCLUSIVE MODE;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\nLOCK TABLE users;\n",
     .check = check_lock_table},
    {.id = "SK070",
     .name = "vacuum-full-cluster",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .follows_size = true,
     .why = "VACUUM FULL and CLUSTER write a table anew under an ACCESS EXCLUSIVE lock.",
     .instead = "pg_repack or pg_squeeze, outside of migrations.",
     .bad = "CLUSTER users USING users_pkey;\n",
     .good = "ANALYZE users;\n",
     .also = "squawk prefer-repack; pgfence vacuum-full, cluster",
     .check = check_full},
    {.id = "SK071",
     .name = "change-of-storage",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .follows_size = true,
     .why = "SET TABLESPACE, SET LOGGED, SET UNLOGGED and SET ACCESS METHOD write the table anew "
            "under an ACCESS EXCLUSIVE lock.",
     .instead = "Make a new table where it belongs, fill it in batches and change over; or "
                "pg_repack.",
     .bad = "ALTER TABLE users SET UNLOGGED;\n",
     .good = "ALTER TABLE users SET (fillfactor = 90);\n",
     .also = "pgfence set-tablespace, set-logged",
     .check = check_storage},
    {.id = "SK072",
     .name = "refresh-not-concurrent",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_EFFECT,
     .parts = ON_UP | ON_DOWN,
     .follows_size = true,
     .why = "REFRESH MATERIALIZED VIEW holds an ACCESS EXCLUSIVE lock while the query runs.",
     .instead = "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on it.",
     .bad = "REFRESH MATERIALIZED VIEW totals;\n",
     .good = "REFRESH MATERIALIZED VIEW CONCURRENTLY totals;\n",
     .also = "pgfence refresh-materialized-view",
     .check = check_refresh},
    {0}};
