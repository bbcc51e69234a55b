/*
 * maragu: <name>.up.sql and <name>.down.sql, as maragu.dev/migrate has them. The whole name is the
 * version, in the order of the text: several may begin with the same number.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<name>.up.sql and .down.sql of letters, digits, _ and -"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

enum part { PART_UP, PART_DOWN };

/* Told from golang-migrate's only by several that have one number: see layout.c. */
static bool
claims(struct listing *listing, struct listed_file *file)
{
    (void)listing;
    (void)file;
    return false;
}

static bool
take_apart(struct collection *collection, struct listed_file *file, const char *ending,
           struct versioned *out)
{
    size_t size = strspn(file->name, LETTERS);

    if (size == 0 || !text_equal(file->name + size, ending)) {
        return false;
    }
    out->version = collection_piece(collection, file->name, size);
    out->name = out->version;
    out->file = file;
    return true;
}

static bool
take(struct collection *collection, struct listed_file *file, struct versioned *out)
{
    if (file->is_folder || collection_refuse_program(collection, file) ||
        !collection_takes(collection, file, ".sql")) {
        return false;
    }
    if (take_apart(collection, file, ".down.sql", out)) {
        out->part = PART_DOWN;
        return true;
    }
    return take_apart(collection, file, ".up.sql", out) ||
           collection_pass_over(collection, file->name, "files are called " PATTERN);
}

static int
compare(const void *a, const void *b)
{
    const struct versioned *left = a, *right = b;
    int order = strcmp(left->version, right->version);

    return order ? order : left->part - right->part;
}

/* An up and its down stand side by side. */
static size_t
collect_one(struct collection *collection, const struct versioned *files, size_t count)
{
    struct source_migration migration = {.version = files->version, .name = files->name};
    bool has_down = count > 1 && text_equal(files[0].version, files[1].version);

    if (files->part == PART_DOWN) {
        collection_refuse_lonely(collection, files->file);
        return 1;
    }
    if (collection_load(collection, files->file)) {
        migration.up = collection_whole(collection, files->file);
    }
    if (has_down && collection_load(collection, files[1].file)) {
        migration.down = collection_whole(collection, files[1].file);
    }
    collection_add(collection, files->file->name, &migration);
    return 1 + has_down;
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
    qsort(files, count, sizeof *files, compare);
    for (size_t i = 0; i < count;) {
        i += collect_one(collection, &files[i], count - i);
    }
}

const struct layout layout_maragu = {
    .name = "maragu", .pattern = PATTERN, .claims = claims, .collect = collect};
