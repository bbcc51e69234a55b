/*
 * Tables that are used before the history makes them. That it was too early shows only when the
 * table is made: until then the use is kept as a finding that may be.
 */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/linting.h"

/* The first use of a table that is not known. */
struct early_use {
    UT_hash_handle hh;
    struct finding finding;
    char name[]; /* schema.name */
};

/* Whether an effect fails when its relation is not there. */
static bool
needs(const struct effect *effect)
{
    bool is_relation = effect->object == OBJECT_TABLE || effect->object == OBJECT_RELATION ||
                       effect->object == OBJECT_COLUMN || effect->object == OBJECT_CONSTRAINT ||
                       effect->object == OBJECT_TRIGGER;
    bool is_made = effect->object == OBJECT_TABLE &&
                   (effect->verb == EFFECT_CREATE || effect->verb == EFFECT_REPLACE);

    return is_relation && !is_made && effect->name && !effect->if_exists && !effect->is_temporary &&
           !effect->is_implied;
}

/* Whether the relation has its name no more: it was there, whoever made it, and it is free now. */
static bool
goes_away(const struct effect *effect)
{
    bool is_relation = effect->object == OBJECT_TABLE || effect->object == OBJECT_RELATION;
    bool is_gone =
        effect->verb == EFFECT_RENAME || effect->verb == EFFECT_MOVE || effect->verb == EFFECT_DROP;

    return is_relation && is_gone && !effect->part && effect->name;
}

static char *
key_of(const struct linting *linting, const char *schema, const char *name)
{
    return mem_format("%s.%s", schema ? schema : catalog_schema(linting->catalog), name);
}

static void
note(struct script_look *scene, size_t statement, const struct effect *effect, const char *schema,
     const char *name)
{
    struct linting *linting = scene->linting;
    CLEANUP(mem_free) char *key = key_of(linting, schema, name);
    struct early_use *use = NULL;

    HASH_FIND_STR(linting->early_uses, key, use);
    if (use || catalog_table(linting->catalog, schema, name) ||
        catalog_lost(linting->catalog, OBJECT_TABLE, schema, name, NULL)) {
        return;
    }
    size_t before = linting->findings->count;
    struct finding *finding =
        script_find(scene, RULE_NOT_YET,
                    effect->offset ? effect->offset
                                   : scene->script.sql.statements[statement].stretch.place.offset,
                    strlen(name), statement, "");
    use = mem_zalloc(sizeof *use + strlen(key) + 1);
    memcpy(use->name, key, strlen(key) + 1);
    if (finding) {
        use->finding = *finding;
        linting->findings->count = before;
    }
    HASH_ADD_STR(linting->early_uses, name, use);
}

static void
forget(struct linting *linting, const struct effect *effect)
{
    CLEANUP(mem_free) char *key = key_of(linting, effect->schema, effect->name);
    struct early_use *use = NULL;

    HASH_FIND_STR(linting->early_uses, key, use);
    if (use) {
        HASH_DEL(linting->early_uses, use);
        free(use);
    }
}

static bool
is_allowed(const struct script_look *scene, size_t statement)
{
    const struct stretch *stretch = &scene->script.sql.statements[statement].stretch;
    size_t from = statement ? scene->script.sql.statements[statement - 1].stretch.place.offset : 0;

    return annotations_allow(&scene->script.annotations, RULE_NOT_YET, from,
                             stretch->place.offset + stretch->size);
}

void
not_yet_use(struct script_look *scene, size_t statement, const struct effects *effects)
{
    if (scene->linting->is_incomplete || is_allowed(scene, statement)) {
        return;
    }
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        const struct sql_relation *relation =
            effects_relation(effects, effect->schema, effect->name);
        if (goes_away(effect)) {
            forget(scene->linting, effect);
        } else if (needs(effect) && !(relation && (relation->is_new || relation->is_temporary))) {
            note(scene, statement, effect, effect->schema, effect->name);
        }
        const struct sql_constraint *key = effect->constraint;
        if (key && key->kind == CONSTRAINT_FOREIGN_KEY && key->to_table &&
            !text_equal(key->to_table, effect->name)) {
            note(scene, statement, effect, key->to_schema, key->to_table);
        }
    }
}

/* The table is made: whoever used it before was too early. */
static void
make(struct script_look *scene, const struct effect *effect)
{
    struct linting *linting = scene->linting;
    CLEANUP(mem_free) char *key = key_of(linting, effect->schema, effect->name);
    struct early_use *use = NULL;

    HASH_FIND_STR(linting->early_uses, key, use);
    if (!use) {
        return;
    }
    if (use->finding.rule && !effect->if_not_exists) {
        struct finding *finding = finding_list_add(linting->findings);
        *finding = use->finding;
        finding->text =
            arena_format(&linting->findings->arena, "%s is not there yet: it is made in %s",
                         effect->name, scene->script.source->file->name);
    }
    HASH_DEL(linting->early_uses, use);
    free(use);
}

void
not_yet_make(struct script_look *scene, const struct effects *effects)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        bool is_made = effect->verb == EFFECT_CREATE || effect->verb == EFFECT_REPLACE;
        bool is_relation = effect->object == OBJECT_TABLE || effect->object == OBJECT_VIEW ||
                           effect->object == OBJECT_MATERIALIZED_VIEW ||
                           effect->object == OBJECT_FOREIGN_TABLE;
        if (is_made && is_relation && effect->name && !effect->is_temporary) {
            make(scene, effect);
        }
    }
}

void
not_yet_release(struct linting *linting)
{
    struct early_use *use = NULL, *next = NULL;

    HASH_ITER(hh, linting->early_uses, use, next)
    {
        HASH_DEL(linting->early_uses, use);
        free(use);
    }
}
