/*
 * sourcegraph: <number>[_<name>]/up.sql, down.sql, metadata.yaml. Each names its parents in there;
 * the order is one in which parents come before their children, and the smaller number first.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config.h"
#include "common/migration/collection.h"

#define PATTERN "<number>_<name>/up.sql, down.sql, metadata.yaml"

static bool
claims(struct listing *listing, struct listed_file *file)
{
    CLEANUP(mem_free) char *up = mem_format("%s/up.sql", file->name);
    CLEANUP(mem_free) char *metadata = mem_format("%s/metadata.yaml", file->name);

    return file->is_folder && isdigit((unsigned char)file->name[0]) && listing_has(listing, up) &&
           listing_has(listing, metadata);
}

/* ---- metadata.yaml --------------------------------------------------------------------------- */

static void
add_parent(struct collection *collection, struct source_migration *migration, const char *parent)
{
    const char **parents =
        arena_alloc(&collection->sources->arena, (migration->parent_count + 1) * sizeof *parents);

    if (migration->parent_count) {
        memcpy(parents, migration->parents, migration->parent_count * sizeof *parents);
    }
    parents[migration->parent_count++] = arena_text(&collection->sources->arena, parent);
    migration->parents = parents;
}

/* parent: 1, or parents: [1, 2], or none; what else stands there is not about SQL. */
static bool
read_keys(struct collection *collection, const struct config_node *root,
          struct source_migration *migration, struct error *error)
{
    const struct config_node *parents = NULL;
    const char *parent = NULL, *name = NULL;

    if (!config_text(root, "parent", NULL, &parent, error) ||
        !config_text(root, "name", NULL, &name, error) ||
        !config_list(root, "parents", &parents, error)) {
        return false;
    }
    if (name && name[0]) {
        migration->name = arena_text(&collection->sources->arena, name);
    }
    if (parent) {
        add_parent(collection, migration, parent);
    }
    for (size_t i = 0; parents && i < config_count(parents); i++) {
        const char *text = config_scalar(config_item(parents, i));
        if (!text) {
            error_set(error, "E-CFG-TYPE", "a parent is a number");
            return config_where(config_item(parents, i), error);
        }
        add_parent(collection, migration, text);
    }
    return true;
}

static bool
read_metadata(struct collection *collection, const char *folder, struct source_migration *migration)
{
    CLEANUP(mem_free) char *path = mem_format("%s/metadata.yaml", folder);
    CLEANUP(mem_free) char *shown = mem_format("%s/%s", collection->listing->path, path);
    CLEANUP(config_destroy) struct config *config = NULL;
    struct listed_file *file = listing_file(collection->listing, path);
    struct error error;

    if (!file) {
        return collection_refuse(collection, path, "E-MIG-MISSING",
                                 "the migration does not say its parents", PATTERN, "add the file");
    }
    if (!collection_load(collection, file)) {
        return false;
    }
    return (config_parse(shown, file->text, file->size, &config, &error) &&
            read_keys(collection, config_root(config), migration, &error)) ||
           error_list_add(collection->errors, &error);
}

/* ---- the files ------------------------------------------------------------------------------- */

static void
collect_folder(struct collection *collection, const struct listed_file *folder)
{
    CLEANUP(mem_free) char *up = mem_format("%s/up.sql", folder->name);
    size_t digits = strspn(folder->name, "0123456789");
    const char *behind = folder->name + digits;
    struct source_migration migration = {
        .version = collection_piece(collection, folder->name, digits),
        .name = behind[0] == '_' && behind[1] ? behind + 1 : folder->name};

    if (digits == 0 || (*behind && *behind != '_')) {
        collection_pass_over(collection, folder->name, "folders are called " PATTERN);
        return;
    }
    if (!listing_has(collection->listing, up)) {
        collection_refuse(collection, up, "E-MIG-MISSING", "the version has no up file", PATTERN,
                          "add it, or put the folder elsewhere");
        return;
    }
    if (read_metadata(collection, folder->name, &migration) &&
        collection_load_script(collection, folder->name, "up.sql", &migration.up) &&
        collection_load_script(collection, folder->name, "down.sql", &migration.down)) {
        collection_add(collection, up, &migration);
    }
}

/* ---- parents before children ----------------------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
    const struct source_migration *left = a, *right = b;
    return version_compare_numbers(left->version, right->version);
}

/* The index of a version in what is sorted by number; the count when it is not there. */
static size_t
find(const struct source_list *sources, const char *version)
{
    size_t first = 0, end = sources->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = version_compare_numbers(sources->items[middle].version, version);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return sources->count;
}

static bool
check_parents(struct collection *collection)
{
    const struct source_list *sources = collection->sources;
    bool succeeded = true;

    for (size_t i = 0; i < sources->count; i++) {
        const struct source_migration *migration = &sources->items[i];
        for (size_t parent = 0; parent < migration->parent_count; parent++) {
            if (find(sources, migration->parents[parent]) == sources->count) {
                succeeded =
                    collection_refuse(collection, migration->up.file->name, "E-MIG-MISSING",
                                      "a parent of it is not there", migration->parents[parent],
                                      "add it, or put metadata.yaml right");
            }
        }
    }
    return succeeded;
}

/* Whether all parents are taken already. */
static bool
is_ready(const struct source_list *sources, const bool *is_taken, size_t index)
{
    const struct source_migration *migration = &sources->items[index];

    for (size_t i = 0; i < migration->parent_count; i++) {
        if (!is_taken[find(sources, migration->parents[i])]) {
            return false;
        }
    }
    return true;
}

static size_t
next_ready(const struct source_list *sources, const bool *is_taken)
{
    for (size_t i = 0; i < sources->count; i++) {
        if (!is_taken[i] && is_ready(sources, is_taken, i)) {
            return i;
        }
    }
    return sources->count;
}

static void
refuse_circle(struct collection *collection, const bool *is_taken)
{
    const struct source_list *sources = collection->sources;

    for (size_t i = 0; i < sources->count; i++) {
        if (!is_taken[i]) {
            collection_refuse(collection, sources->items[i].up.file->name, "E-MIG-ORDER",
                              "its parents go round in a circle", sources->items[i].parents[0],
                              "put the parents in metadata.yaml right");
            return;
        }
    }
}

static void
order_by_parents(struct collection *collection)
{
    struct source_list *sources = collection->sources;
    size_t count = sources->count;
    CLEANUP(mem_free) bool *is_taken = mem_zalloc(count);
    CLEANUP(mem_free) struct source_migration *order = mem_zalloc(count * sizeof *order);

    for (size_t i = 0; i < count; i++) {
        size_t next = next_ready(sources, is_taken);
        if (next == count) {
            refuse_circle(collection, is_taken);
            return;
        }
        is_taken[next] = true;
        order[i] = sources->items[next];
    }
    memcpy(sources->items, order, count * sizeof *order);
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    struct source_list *sources = collection->sources;

    for (size_t i = 0; i < listing->count; i++) {
        const struct listed_file *file = &listing->files[i];
        if (file->is_folder && file->name[0] != '.' && is_printable_name(file->name)) {
            collect_folder(collection, file);
        }
    }
    if (!sources->count) {
        return;
    }
    qsort(sources->items, sources->count, sizeof *sources->items, by_number);
    if (check_parents(collection)) {
        order_by_parents(collection);
    }
}

const struct layout layout_sourcegraph = {.name = "sourcegraph",
                                          .pattern = PATTERN,
                                          .claims = claims,
                                          .collect = collect,
                                          .runs_mixed = true};
