/* What the history says besides its tables: which functions are triggers', which tables lists. */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/lint/linting.h"

/*
 * From so many rows on that migrations write out themselves, a table is a list that they keep: the
 * rows come with the code. One or two are a first user, a default.
 */
#define LIST_ROWS_MIN 3

struct known_thing {
    UT_hash_handle hh;
    const char *text; /* of a function; in the arena of the folder */
    size_t rows;      /* of a table, written out so far */
    char name[];
};

static struct known_thing *
find(struct known_thing *things, const char *name)
{
    struct known_thing *thing = NULL;

    HASH_FIND_STR(things, name, thing);
    return thing;
}

static struct known_thing *
find_or_add(struct known_thing **things, const char *name)
{
    struct known_thing *thing = find(*things, name);

    if (!thing) {
        thing = mem_zalloc(sizeof *thing + strlen(name) + 1);
        strcpy(thing->name, name);
        HASH_ADD_STR(*things, name, thing);
    }
    return thing;
}

static char *
key_of(const char *schema, const char *name)
{
    return mem_format("%s.%s", schema ? schema : "", name);
}

/* Nobody can call a function that RETURNS trigger but a trigger. */
static void
learn_function(struct linting *linting, const struct effect *effect, const char *text, size_t size)
{
    size_t offset = 0, found = 0;

    if (text_has_words(text, size, "RETURNS TRIGGER", &offset, &found)) {
        struct known_thing *function = find_or_add(&linting->trigger_functions, effect->name);
        function->text = arena_format(&linting->arena, "%.*s", (int)size, text);
    }
}

static void
learn_rows(struct linting *linting, const struct effect *effect)
{
    CLEANUP(mem_free) char *key = key_of(effect->schema, effect->name);

    find_or_add(&linting->lists, key)->rows += effect->row_count;
}

void
known_learn(struct script_look *scene, size_t statement, const struct effects *effects)
{
    const struct stretch *stretch = &scene->script.sql.statements[statement].stretch;
    const char *text = scene->script.text + stretch->place.offset;

    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        bool is_made = effect->verb == EFFECT_CREATE || effect->verb == EFFECT_REPLACE;
        if (is_made && effect->object == OBJECT_FUNCTION) {
            learn_function(scene->linting, effect, text, stretch->size);
        } else if (is_made && effect->object == OBJECT_TRIGGER && effect->function) {
            find_or_add(&scene->linting->trigger_functions, effect->function);
        } else if (effect->verb == EFFECT_INSERT && effect->row_count && !effect->is_temporary) {
            learn_rows(scene->linting, effect);
        }
    }
}

/* A unique index that the present script has dropped. */
struct dropped_key {
    const char *schema, *table;
    struct sql_index index;
    struct dropped_key *next;
};

void
known_note_drops(struct script_look *scene, const struct effects *effects)
{
    struct linting *linting = scene->linting;

    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        bool is_key = effect->object == OBJECT_INDEX || effect->object == OBJECT_CONSTRAINT;
        const char *name = effect->object == OBJECT_INDEX ? scene_index(effect) : effect->part;
        const struct catalog_index *index =
            effect->verb == EFFECT_DROP && is_key && name
                ? catalog_index(linting->catalog, effect->schema, name)
                : NULL;
        if (index && index->index.is_unique && index->table) {
            struct dropped_key *key = arena_alloc(scene->arena, sizeof *key);
            *key = (struct dropped_key){.schema = index->table->schema,
                                        .table = index->table->name,
                                        .index = index->index,
                                        .next = linting->dropped_keys};
            linting->dropped_keys = key;
        }
    }
}

const struct sql_index *
scene_dropped_key(const struct scene *scene, size_t index)
{
    for (const struct dropped_key *key = scene->linting->dropped_keys; key; key = key->next) {
        if (scene->table && text_equal(key->table, scene->table->name) &&
            text_equal(key->schema, scene->table->schema) && index-- == 0) {
            return &key->index;
        }
    }
    return NULL;
}

bool
scene_is_trigger_function(const struct scene *scene, const char *name)
{
    return find(scene->linting->trigger_functions, name) != NULL;
}

const char *
scene_trigger_text(const struct scene *scene, const char *name)
{
    const struct known_thing *function = find(scene->linting->trigger_functions, name);
    return function ? function->text : NULL;
}

bool
known_is_list(const struct linting *linting, const char *key)
{
    const struct known_thing *table = find(linting->lists, key);
    return table && table->rows >= LIST_ROWS_MIN;
}

static void
release(struct known_thing **things)
{
    struct known_thing *thing = NULL, *next = NULL;

    HASH_ITER(hh, *things, thing, next)
    {
        HASH_DEL(*things, thing);
        free(thing);
    }
}

void
known_release(struct linting *linting)
{
    release(&linting->trigger_functions);
    release(&linting->lists);
}
