/*
 * folder: the names in a folder of migrations, and the files among them that a layout asks for.
 * Nothing in there is trusted: links that lead out, pipes and devices, files that are too large are
 * refused, and no open waits for anybody.
 */
#ifndef COMMON_MIGRATION_FOLDER_H
#define COMMON_MIGRATION_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/migration/error_list.h"

#define FOLDER_NAMES_MAX 20000

struct folder_file {
    const char *name;
    const char *text; /* null until it is loaded */
    size_t size;
};

struct folder {
    const char *path; /* as it was given */
    const char *real_path;
    struct folder_file *files; /* not the folders in it; by name, byte for byte */
    size_t count;
    struct arena arena;
};

/* List the folder. False with E-MIG-MISSING, E-MIG-OPEN, E-MIG-COUNT. The caller owns the result.
 */
bool folder_open(const char *path, struct folder **folder_p, struct error *error);

void folder_destroy(struct folder **folder_p);

/* Read a file; its text lives as long as the folder. False with E-MIG-PATH, -TYPE, -SIZE, -OPEN. */
bool folder_load(struct folder *folder, struct folder_file *file, struct error *error);

#endif
