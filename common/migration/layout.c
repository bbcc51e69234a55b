#include "common/migration/layout.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

/* In the order in which they are tried for "auto". */
static const struct layout *const layouts[] = {&layout_pairs, NULL};

/* Other names for the same thing, and what is asked for but not there yet. */
static const struct {
    const char *name, *layout;
} other_names[] = {
    {"golang-migrate", "pairs"},
    {"dbmate", NULL},
    {"goose", NULL},
    {"flyway", NULL},
    {"sqitch", NULL},
    {"diesel", NULL},
    {"prisma", NULL},
    {"sqlx", NULL},
    {"node-pg-migrate", NULL},
    {"graphile", NULL},
    {"typeorm", NULL},
};

static const struct layout *
by_name(const char *name)
{
    for (size_t i = 0; layouts[i]; i++) {
        if (text_equal(layouts[i]->name, name)) {
            return layouts[i];
        }
    }
    return NULL;
}

static const struct layout *
detect(const struct listing *listing, struct error *error)
{
    for (size_t i = 0; layouts[i]; i++) {
        if (layouts[i]->fits(listing)) {
            return layouts[i];
        }
    }
    error_set(error, "E-MIG-MISSING", "no migrations in the folder");
    error_where(error, "%s", listing->path);
    error_found(error, "%zu files, none of them called %s", listing->count, layout_pairs.pattern);
    error_hint(error, "other layouts than pairs (golang-migrate) cannot be read in this version");
    return NULL;
}

const struct layout *
layout_find(const char *name, const struct listing *listing, struct error *error)
{
    bool is_known = false;

    if (text_equal(name, "auto")) {
        return detect(listing, error);
    }
    const struct layout *layout = by_name(name);
    for (size_t i = 0; !layout && i < sizeof other_names / sizeof *other_names; i++) {
        if (text_equal(other_names[i].name, name)) {
            is_known = true;
            layout = other_names[i].layout ? by_name(other_names[i].layout) : NULL;
        }
    }
    if (!layout) {
        error_set(error, "E-MIG-LAYOUT",
                  is_known ? "the layout cannot be read in this version"
                           : "there is no such layout");
        error_where(error, "%s", listing->path);
        error_found(error, "%s", name);
        error_hint(error, "auto, pairs, golang-migrate");
    }
    return layout;
}

struct source_migration *
source_list_add(struct source_list *sources)
{
    if (sources->count == sources->capacity) {
        sources->items =
            mem_grow(sources->items, sources->count, &sources->capacity, sizeof *sources->items);
    }
    struct source_migration *item = &sources->items[sources->count++];
    *item = (struct source_migration){0};
    return item;
}

void
source_list_release(struct source_list *sources)
{
    free(sources->items);
    arena_release(&sources->arena);
    *sources = (struct source_list){0};
}
