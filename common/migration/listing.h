/*
 * listing: the names in a folder of migrations, and the files among them that a layout asks for.
 * Nothing in there is trusted: links that lead out, pipes and devices, files that are too large are
 * refused, and no open waits for anybody.
 */
#ifndef COMMON_MIGRATION_LISTING_H
#define COMMON_MIGRATION_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/migration/error_list.h"
#include "common/migration/naming.h"

#define LISTED_MAX 20000

struct listed_file {
    const char *name; /* below the folder: "a.sql", "deploy/a.sql" */
    const char *text; /* null until it is loaded */
    size_t size;
    bool is_folder;
};

struct listing {
    const char *path; /* as it was given */
    const char *real_path;
    struct listed_file *files; /* folders too; by name, byte for byte */
    size_t count;
    bool is_of_several;          /* only some folders below it are listed */
    const struct naming *naming; /* what Flyway calls its files; null: as it does by itself */
    struct arena arena;
};

/* List the folder. False with E-MIG-MISSING, E-MIG-OPEN, E-MIG-COUNT. The caller owns the result.
 */
bool listing_open(const char *path, struct listing **listing_p, struct error *error);

/* The same with some folders below it ("a", "b/c"), and nothing else; names then hold slashes. */
bool listing_open_folders(const char *path, const char *const *folders, size_t count,
                          struct listing **listing_p, struct error *error);

void listing_destroy(struct listing **listing_p);

/* Whether there is a file (or folder) with this path below the folder. */
bool listing_has(const struct listing *listing, const char *path);

/* The file with this path below the folder, to be loaded; null when there is none. */
struct listed_file *listing_file(struct listing *listing, const char *path);

/*
 * List what lies in the folders of the folder, too, but for hidden ones; names then hold slashes.
 * What listing->files pointed to stays good. False with E-MIG-COUNT, E-MIG-OPEN.
 */
bool listing_descend(struct listing *listing, struct error *error);

/* Read a file; its text lives as long as the folder. False with E-MIG-PATH, -TYPE, -SIZE, -OPEN. */
bool listing_load(struct listing *listing, struct listed_file *file, struct error *error);

#endif
