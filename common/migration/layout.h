/*
 * layout: how a tool keeps its migrations in a folder: what their files are called, which belong
 * together, and in which order they are applied. One small file each in layouts/; the table of all
 * is in layout.c.
 */
#ifndef COMMON_MIGRATION_LAYOUT_H
#define COMMON_MIGRATION_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/migration/error_list.h"
#include "common/migration/listing.h"

/* A script in a file: all of it, or a stretch; file is null when there is no such script. */
struct source {
    struct listed_file *file;
    size_t offset, size;
};

/* A migration as it lies in the folder. */
struct source_migration {
    const char *version, *name;
    struct source up, down, verify;
};

struct source_list {
    struct source_migration *items;
    size_t count, capacity;
    struct arena arena; /* for texts */
};

struct layout {
    const char *name;
    const char *pattern; /* what its files are called, for people */
    /* Whether the folder's names look like this layout. */
    bool (*fits)(const struct listing *listing);
    /* Load the migrations, in the order in which they are applied; add what is wrong. */
    void (*collect)(struct listing *listing, struct source_list *sources,
                    struct error_list *errors);
};

extern const struct layout layout_pairs;

/* The layout with this name, or the one that fits for "auto". Null with E-MIG-LAYOUT. */
const struct layout *layout_find(const char *name, const struct listing *listing,
                                 struct error *error);

/* Append a migration; texts must live in the list's arena or the folder. */
struct source_migration *source_list_add(struct source_list *sources);
void source_list_release(struct source_list *sources);

#endif
