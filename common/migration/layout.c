#include "common/migration/layout.h"

#include <string.h>

#include "common/base/text.h"

/* A file belongs to the first that claims it: those that look closest come first. */
static const struct layout *const layouts[] = {
    &layout_sqitch,          &layout_drizzle,     &layout_graphile_migrate,
    &layout_prisma,          &layout_sourcegraph, &layout_diesel,
    &layout_flyway,          &layout_popx,        &layout_pairs,
    &layout_goose,           &layout_dbmate,      &layout_sql_migrate,
    &layout_node_pg_migrate, &layout_supabase,    &layout_sqlx};

#define LAYOUT_COUNT (sizeof layouts / sizeof *layouts)

/* Other names for the same thing. */
static const struct {
    const char *name, *layout;
} other_names[] = {{"golang-migrate", "pairs"}, {"graphile", "graphile-migrate"}};

/* What was found of a layout: how many files, and one of them. */
struct evidence {
    size_t count;
    const char *name;
};

static size_t
index_of(const char *name)
{
    size_t index = 0;

    while (index < LAYOUT_COUNT && !text_equal(layouts[index]->name, name)) {
        index++;
    }
    return index;
}

const char *
layout_names(void)
{
    return "auto, pairs (golang-migrate), dbmate, diesel, drizzle, flyway, goose, "
           "graphile-migrate, "
           "node-pg-migrate, popx, prisma, sourcegraph, sql-migrate, sqitch, sqlx, supabase";
}

/* ---- what the folder's files look like ------------------------------------------------------- */

static void
look(struct listing *listing, struct evidence evidence[LAYOUT_COUNT])
{
    for (size_t i = 0; i < listing->count; i++) {
        struct listed_file *file = &listing->files[i];
        for (size_t layout = 0; layout < LAYOUT_COUNT; layout++) {
            if (file->name[0] != '.' && layouts[layout]->claims(listing, file)) {
                evidence[layout].name =
                    evidence[layout].count++ ? evidence[layout].name : file->name;
                break;
            }
        }
    }
}

/* What could be its own anyway says nothing beside what only it has. */
static void
absorb(struct evidence evidence[LAYOUT_COUNT])
{
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        const char *const *absorbed = layouts[i]->absorbs;
        for (; evidence[i].count && absorbed && *absorbed; absorbed++) {
            evidence[index_of(*absorbed)].count = 0;
        }
    }
}

static const struct layout *
refuse_none(const struct listing *listing, struct error *error)
{
    error_set(error, "E-MIG-MISSING", "no migrations in the folder");
    error_where(error, "%s", listing->path);
    error_found(error, "%zu files, none of them called %s, nor as another tool calls them",
                listing->count, layout_pairs.pattern);
    error_hint(error, "layouts: %s; the migrations key of skein.yaml names the folder",
               layout_names());
    return NULL;
}

/* Half one thing and half another: say what is which. */
static const struct layout *
refuse_two(const struct listing *listing, const struct evidence evidence[LAYOUT_COUNT],
           struct error *error)
{
    struct text found = {0};

    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        if (evidence[i].count) {
            text_format(&found, "%s%s: %zu, such as %.60s", found.size ? "; " : "",
                        layouts[i]->name, evidence[i].count, evidence[i].name);
        }
    }
    error_set(error, "E-MIG-LAYOUT", "the folder holds files of more than one layout");
    error_where(error, "%s", listing->path);
    error_found(error, "%.300s", text_of(&found));
    text_mend_utf8(error->found);
    error_hint(error, "move the others elsewhere, or say whose rules count: layout: NAME in "
                      "skein.yaml, or --layout NAME");
    text_release(&found);
    return NULL;
}

static const struct layout *
detect(struct listing *listing, struct error *error)
{
    struct evidence evidence[LAYOUT_COUNT] = {{0}};
    const struct layout *found = NULL;
    size_t count = 0;

    look(listing, evidence);
    absorb(evidence);
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        if (evidence[i].count) {
            found = layouts[i];
            count++;
        }
    }
    if (count == 1) {
        return found;
    }
    return count ? refuse_two(listing, evidence, error) : refuse_none(listing, error);
}

const struct layout *
layout_find(const char *name, struct listing *listing, struct error *error)
{
    if (text_equal(name, "auto")) {
        return detect(listing, error);
    }
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++) {
        name = text_equal(other_names[i].name, name) ? other_names[i].layout : name;
    }
    size_t index = index_of(name);
    if (index < LAYOUT_COUNT) {
        return layouts[index];
    }
    error_set(error, "E-MIG-LAYOUT", "there is no such layout");
    error_where(error, "%s", listing->path);
    error_found(error, "%.100s", name);
    error_hint(error, "%s", layout_names());
    return NULL;
}
