/*
 * diesel: <folder>/up.sql and down.sql. The version is the folder's name up to the first "_",
 * without its dashes; order is that of the text. metadata.toml says run_in_transaction: without the
 * file it is true, in a file without the key it is false.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<version>_<name>/up.sql, down.sql, metadata.toml"
#define KEY "run_in_transaction"

static bool
claims(struct listing *listing, struct listed_file *file)
{
    CLEANUP(mem_free) char *up = mem_format("%s/up.sql", file->name);

    return file->is_folder && file->name[0] != '.' && listing_has(listing, up);
}

/* run_in_transaction = true; a comment begins with "#". */
static bool
read_key(const struct listed_file *file, bool *is_inside)
{
    struct line line = {0};

    *is_inside = false;
    while (line_next(file, &line)) {
        char text[128] = "";
        size_t size = strcspn(file->text + line.offset, "#\r\n");
        if (size >= sizeof text) {
            continue;
        }
        memcpy(text, file->text + line.offset, size);
        char key[64] = "", value[64] = "", more[2] = "";
        if (sscanf(text, " %63[A-Za-z_] = %63s %1s", key, value, more) != 2 ||
            !text_equal(key, KEY)) {
            continue;
        }
        *is_inside = text_equal(value, "true");
        return *is_inside || text_equal(value, "false");
    }
    return true;
}

static bool
read_metadata(struct collection *collection, const char *folder, enum transaction_mark *mark)
{
    CLEANUP(mem_free) char *path = mem_format("%s/metadata.toml", folder);
    struct listed_file *file = listing_file(collection->listing, path);
    bool is_inside;

    *mark = MARK_NONE;
    if (!file) {
        return true;
    }
    if (!collection_load(collection, file)) {
        return false;
    }
    if (!read_key(file, &is_inside)) {
        return collection_refuse(collection, path, "E-MIG-MARK", KEY " is true or false", "",
                                 KEY " = false");
    }
    *mark = is_inside ? MARK_INSIDE : MARK_OUTSIDE;
    return true;
}

static void
take_name(struct collection *collection, const char *folder, struct source_migration *migration)
{
    size_t size = strcspn(folder, "_"), kept = 0;
    char *version = collection_piece(collection, folder, size);

    for (size_t i = 0; i < size; i++) {
        if (version[i] != '-') {
            version[kept++] = version[i];
        }
    }
    version[kept] = '\0';
    migration->version = version;
    migration->name = folder[size] ? folder + size + 1 : "";
}

static void
collect_folder(struct collection *collection, struct listed_file *folder)
{
    CLEANUP(mem_free) char *up = mem_format("%s/up.sql", folder->name);
    struct source_migration migration = {0};
    enum transaction_mark mark;

    if (!claims(collection->listing, folder)) {
        if (folder->is_folder && folder->name[0] != '.') {
            collection_refuse(collection, up, "E-MIG-MISSING", "the version has no up file",
                              PATTERN, "add it, or put the folder elsewhere");
        }
        return;
    }
    take_name(collection, folder->name, &migration);
    if (read_metadata(collection, folder->name, &mark) &&
        collection_load_script(collection, folder->name, "up.sql", &migration.up) &&
        collection_load_script(collection, folder->name, "down.sql", &migration.down)) {
        migration.up.mark = migration.down.mark = mark;
        collection_add(collection, up, &migration);
    }
}

static int
by_version(const void *a, const void *b)
{
    const struct source_migration *left = a, *right = b;
    int order = strcmp(left->version, right->version);

    return order ? order : strcmp(left->up.file->name, right->up.file->name);
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    struct source_list *sources = collection->sources;

    for (size_t i = 0; i < listing->count; i++) {
        if (is_printable_name(listing->files[i].name)) {
            collect_folder(collection, &listing->files[i]);
        } else {
            collection_refuse(collection, listing->files[i].name, "E-MIG-NAME",
                              "the folder's name is not printable UTF-8", "", "rename it");
        }
    }
    if (sources->count) {
        qsort(sources->items, sources->count, sizeof *sources->items, by_version);
    }
}

const struct layout layout_diesel = {
    .name = "diesel", .pattern = PATTERN, .claims = claims, .collect = collect, .runs_mixed = true};
