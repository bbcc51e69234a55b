/*
 * prisma: <folder>/migration.sql. The version is the folder's name, its order that of the text.
 * There is no way back in it.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<version>_<name>/migration.sql"

static bool
claims(struct listing *listing, struct listed_file *file)
{
    CLEANUP(mem_free) char *script = mem_format("%s/migration.sql", file->name);

    return file->is_folder && file->name[0] != '.' && listing_has(listing, script);
}

/* migration_lock.toml names the database that the folder is for. */
static bool
check_provider(struct collection *collection)
{
    struct listed_file *file = listing_file(collection->listing, "migration_lock.toml");
    struct line line = {0};

    if (!file || !collection_load(collection, file)) {
        return !file;
    }
    while (line_next(file, &line)) {
        char text[256] = "", provider[64] = "";
        size_t size = line.size < sizeof text - 1 ? line.size : sizeof text - 1;
        memcpy(text, file->text + line.offset, size);
        if (sscanf(text, " provider = \"%63[^\"]\"", provider) == 1 &&
            !text_equal(provider, "postgresql") && !text_equal(provider, "cockroachdb")) {
            return collection_refuse_at(collection, file, line.offset, "E-MIG-LAYOUT",
                                        "the migrations are for another database", provider,
                                        "provider = \"postgresql\" is what can be read");
        }
    }
    return true;
}

static void
collect_folder(struct collection *collection, const struct listed_file *folder)
{
    CLEANUP(mem_free) char *path = mem_format("%s/migration.sql", folder->name);
    struct listed_file *file = listing_file(collection->listing, path);
    const char *behind = strchr(folder->name, '_');
    struct source_migration migration = {.version = folder->name,
                                         .name = behind && behind[1] ? behind + 1 : folder->name};

    if (!file) {
        collection_refuse(collection, path, "E-MIG-MISSING", "the version has no migration.sql",
                          PATTERN, "add it, or put the folder elsewhere");
        return;
    }
    if (collection_load(collection, file)) {
        migration.up = collection_whole(collection, file);
        collection_add(collection, path, &migration);
    }
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;

    if (!check_provider(collection)) {
        return;
    }
    for (size_t i = 0; i < listing->count; i++) {
        const struct listed_file *file = &listing->files[i];
        if (!is_printable_name(file->name)) {
            collection_refuse(collection, file->name, "E-MIG-NAME",
                              "the folder's name is not printable UTF-8", "", "rename it");
        } else if (file->is_folder && file->name[0] != '.') {
            collect_folder(collection, file);
        }
    }
}

const struct layout layout_prisma = {.name = "prisma",
                                     .pattern = PATTERN,
                                     .no_way_back = "Prisma knows no way back",
                                     .claims = claims,
                                     .collect = collect};
