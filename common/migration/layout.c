#include "common/migration/layout.h"

#include <string.h>

#include "common/base/text.h"
#include "common/migration/collection.h"

/* A file belongs to the first that claims it: those that look closest come first. */
static const struct layout *const layouts[] = {
    &layout_sqitch,          &layout_drizzle,     &layout_graphile_migrate,
    &layout_prisma,          &layout_sourcegraph, &layout_diesel,
    &layout_flyway,          &layout_popx,        &layout_pairs,
    &layout_goose,           &layout_dbmate,      &layout_sql_migrate,
    &layout_node_pg_migrate, &layout_supabase,    &layout_sqlx,
    &layout_maragu};

#define LAYOUT_COUNT (sizeof layouts / sizeof *layouts)

/* Other names for the same thing. */
static const struct {
    const char *name, *layout;
} other_names[] = {{"golang-migrate", "pairs"}, {"graphile", "graphile-migrate"}};

/* What was found of a layout: how many files, and one of them. */
struct evidence {
    size_t count;
    size_t weak; /* those of them that any numbered file could be */
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
           "maragu, node-pg-migrate, popx, prisma, sourcegraph, sql-migrate, sqitch, sqlx, "
           "supabase";
}

/* ---- what the folder's files look like ------------------------------------------------------- */

/* Whether a file that only has a number says nothing more: it is empty, or cannot be read. */
static bool
is_weak(const struct layout *layout, struct listing *listing, struct listed_file *file)
{
    struct error error;

    return layout->claims_numbers &&
           (!listing_load(listing, file, &error) || listing_is_silent(listing, file));
}

static void
look(struct listing *listing, struct evidence evidence[LAYOUT_COUNT])
{
    for (size_t i = 0; i < listing->count; i++) {
        struct listed_file *file = &listing->files[i];
        for (size_t layout = 0; layout < LAYOUT_COUNT; layout++) {
            if (file->name[0] != '.' && layouts[layout]->claims(listing, file)) {
                evidence[layout].name =
                    evidence[layout].count++ ? evidence[layout].name : file->name;
                evidence[layout].weak += is_weak(layouts[layout], listing, file);
                break;
            }
        }
    }
}

/* What could be anybody's says nothing where there is something else. */
static void
weigh(struct evidence evidence[LAYOUT_COUNT])
{
    size_t strong = 0;

    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        strong += evidence[i].count - evidence[i].weak;
    }
    for (size_t i = 0; strong && i < LAYOUT_COUNT; i++) {
        evidence[i].count -= evidence[i].weak;
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

/* A folder in here that has a usual name for one with migrations; null when there is none. */
static const char *
folder_that_may_be_meant(const struct listing *listing)
{
    static const char *const names[] = {"migrations", "migration", "db", "sql", "deploy"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t k = 0; k < listing->count; k++) {
            if (listing->files[k].is_folder && text_equal(listing->files[k].name, names[i])) {
                return names[i];
            }
        }
    }
    return NULL;
}

static const struct layout *
refuse_none(const struct listing *listing, struct error *error)
{
    const char *meant = folder_that_may_be_meant(listing);

    error_set(error, "E-MIG-MISSING", "no migrations in the folder");
    error_where(error, "%s", listing->path);
    error_found(error, "%zu files, none of them called %s, nor as another tool calls them",
                listing->count, layout_pairs.pattern);
    if (meant) {
        error_hint(error, "is %s/%s meant? The migrations key of skein.yaml names the folder",
                   listing->path, meant);
    } else {
        error_hint(error, "layouts: %s; the migrations key of skein.yaml names the folder",
                   layout_names());
    }
    return NULL;
}

/* ---- x.up.sql, which several tools have -------------------------------------------------------
 */

/* Whether a file is <digits>_<name><ending>. */
static bool
is_numbered_file(const struct listed_file *file, const char *ending)
{
    return !file->is_folder && name_is_numbered(file->name, "_", ending);
}

/* Whether two files that stand side by side begin with the same number. */
static bool
have_one_number(const struct listed_file *a, const struct listed_file *b)
{
    size_t digits = strspn(a->name, "0123456789");

    return strncmp(a->name, b->name, digits + 1) == 0;
}

/*
 * How many numbers have several ups. golang-migrate refuses a folder where there is one, so that
 * nobody has two for long; where names are versions nobody minds.
 */
static size_t
count_shared_numbers(const struct listing *listing)
{
    const struct listed_file *last = NULL;
    bool was_shared = false;
    size_t count = 0;

    for (size_t i = 0; i < listing->count; i++) {
        if (!is_numbered_file(&listing->files[i], ".up.sql")) {
            continue;
        }
        bool is_shared = last && have_one_number(last, &listing->files[i]);
        count += is_shared && !was_shared;
        was_shared = is_shared;
        last = &listing->files[i];
    }
    return count;
}

/* No way back anywhere: then ".up" says nothing, and all are one row. */
static bool
is_forward_only(const struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (is_numbered_file(&listing->files[i], ".down.sql") ||
            is_numbered_file(&listing->files[i], ".verify.sql")) {
            return false;
        }
    }
    return true;
}

static void
move(struct evidence evidence[LAYOUT_COUNT], const char *from, const char *to)
{
    struct evidence *source = &evidence[index_of(from)], *target = &evidence[index_of(to)];

    target->name = target->count ? target->name : source->name;
    target->count += source->count;
    *source = (struct evidence){0};
}

/* Whose ups they are, where more than the names tells. */
static void
judge_ups(const struct listing *listing, struct evidence evidence[LAYOUT_COUNT])
{
    if (!evidence[index_of("pairs")].count) {
        return;
    }
    if (count_shared_numbers(listing) > 1) {
        move(evidence, "pairs", "maragu");
        evidence[index_of("sqlx")].count = 0; /* passed over, with a note */
    } else if (evidence[index_of("sqlx")].count && is_forward_only(listing)) {
        move(evidence, "pairs", "sqlx");
    }
}

/* What to say for people to be understood: golang-migrate passes over what sqlx would run. */
static void
hint_two(const struct evidence evidence[LAYOUT_COUNT], struct error *error)
{
    if (evidence[index_of("pairs")].count && evidence[index_of("sqlx")].count) {
        error_hint(error, "golang-migrate passes over those without .up: layout: pairs and accept: "
                          "[E-MIG-NAME] in skein.yaml; sqlx runs all as one row: layout: sqlx");
        return;
    }
    error_hint(error, "move the others elsewhere, or say whose rules count: layout: NAME in "
                      "skein.yaml, or --layout NAME");
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
    hint_two(evidence, error);
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
    weigh(evidence);
    absorb(evidence);
    judge_ups(listing, evidence);
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

static const struct layout *
find(const char *name, struct listing *listing, struct error *error)
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

const struct layout *
layout_find(const char *name, struct listing *listing, struct error *error)
{
    const struct layout *layout = find(name, listing, error);

    if (!layout || layout->takes_folders || !listing->is_of_several) {
        return layout;
    }
    error_set(error, "E-MIG-LAYOUT", "this tool keeps its migrations in one folder");
    error_where(error, "%s", listing->path);
    error_found(error, "%s, and a list of folders", layout->name);
    error_hint(error, "dbmate and flyway take several; make each folder a service of its own");
    return NULL;
}
