/*
 * sqlx: <number>_<name>.sql, or <number>_<name>.up.sql and .down.sql. A file that begins with
 * `-- no-transaction` is run without one.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<number>_<name>.sql, or .up.sql and .down.sql"
#define OUTSIDE "-- no-transaction"

enum part { PART_UP, PART_DOWN };

/* x.up.sql and its like, in any case: what is wrong with their names, pairs knows best. */
static bool
is_half(const char *name)
{
    static const char *const endings[] = {".up.sql", ".down.sql", ".verify.sql"};
    size_t size = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (size > ending && strcasecmp(name + size - ending, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Numbered files without a mark of anybody else's; reversible ones are claimed as pairs. */
static bool
claims(struct listing *listing, struct listed_file *file)
{
    (void)listing;
    return !file->is_folder && name_is_numbered(file->name, "_", ".sql") && !is_half(file->name);
}

static bool
take(struct collection *collection, struct listed_file *file, struct versioned *out)
{
    if (file->is_folder || collection_refuse_program(collection, file) ||
        !collection_takes(collection, file, ".sql")) {
        return false;
    }
    if (collection_take_apart(collection, file, "_", ".down.sql", out)) {
        out->part = PART_DOWN;
        return true;
    }
    return collection_take_apart(collection, file, "_", ".up.sql", out) ||
           collection_take_apart(collection, file, "_", ".sql", out) ||
           collection_refuse_name(collection, file, PATTERN);
}

static struct source
load(struct collection *collection, struct listed_file *file)
{
    struct source source = {0};

    if (collection_load(collection, file)) {
        source = collection_whole(collection, file);
        source.mark = text_starts_with(file->text, OUTSIDE) ? MARK_OUTSIDE : MARK_NONE;
    }
    return source;
}

/* The files of one version stand side by side: the up, then the down. */
static size_t
collect_one(struct collection *collection, const struct versioned *files, size_t count)
{
    struct source_migration migration = {.version = files->version, .name = files->name};
    size_t taken = 1;

    if (files->part == PART_DOWN) {
        collection_refuse_lonely(collection, files->file);
        return 1;
    }
    migration.up = load(collection, files->file);
    for (; taken < count && version_compare_numbers(files[taken].version, files->version) == 0;
         taken++) {
        if (collection_check_twin(collection, &files[taken - 1], &files[taken])) {
            migration.down = load(collection, files[taken].file);
        }
    }
    collection_add(collection, files->file->name, &migration);
    return taken;
}

/* Names of two kinds and no way back: to be one row is not what golang-migrate makes of it. */
static void
note_mixed(struct collection *collection, const struct versioned *files, size_t count)
{
    size_t downs = 0, ups = 0;
    struct error error;

    for (size_t i = 0; i < count; i++) {
        downs += files[i].part == PART_DOWN;
        ups += text_ends_with(files[i].file->name, ".up.sql");
    }
    if (downs || ups == 0 || ups == count) {
        return;
    }
    error_set(&error, "E-MIG-LAYOUT", "read as one row, in the order of their numbers");
    error_where(&error, "%s", collection->listing->path);
    error_found(&error, "%zu files .up.sql, %zu without .up", ups, count - ups);
    error_hint(&error, "golang-migrate passes over the latter: if it is yours, layout: pairs");
    error_list_add(collection->notes, &error);
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    CLEANUP(mem_free) struct versioned *files = mem_zalloc((listing->count + 1) * sizeof *files);
    size_t count = 0;

    for (size_t i = 0; i < listing->count; i++) {
        count += take(collection, &listing->files[i], &files[count]);
    }
    note_mixed(collection, files, count);
    qsort(files, count, sizeof *files, versioned_compare);
    for (size_t i = 0; i < count;) {
        i += collect_one(collection, &files[i], count - i);
    }
}

const struct layout layout_sqlx = {.name = "sqlx",
                                   .pattern = PATTERN,
                                   .claims = claims,
                                   .collect = collect,
                                   .claims_numbers = true,
                                   .runs_mixed = true};
