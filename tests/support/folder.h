/*
 * folder: a fresh folder for one test and the files in it, gone afterwards. The path is short
 * enough for a socket in it.
 */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <ftw.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
};

static inline struct folder
folder_make(void)
{
    struct folder folder = {"/tmp/skein-test-XXXXXX"};
    if (!mkdtemp(folder.path)) {
        perror(folder.path);
        abort();
    }
    return folder;
}

/* The path of a file in it; good until the next call but seven. */
static inline const char *
folder_path(const struct folder *folder, const char *name)
{
    static char paths[8][384];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder->path, name);
    return path;
}

/* Make the folders that a file's path below the folder names. */
static inline void
folder_make_parents(const struct folder *folder, const char *name)
{
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        char parent[256];
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - name), name);
        (void)mkdir(folder_path(folder, parent), 0700);
    }
}

/* The name may hold slashes: the folders are made. */
static inline const char *
folder_write(const struct folder *folder, const char *name, const void *data, size_t size)
{
    folder_make_parents(folder, name);
    const char *path = folder_path(folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        abort();
    }
    return path;
}

/* The same for a text; the mode is exactly this one. */
static inline const char *
folder_text(const struct folder *folder, const char *name, const char *text, mode_t mode)
{
    const char *path = folder_write(folder, name, text, strlen(text));
    if (chmod(path, mode) != 0) {
        perror(path);
        abort();
    }
    return path;
}

static inline int
folder_remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* Remove it with everything in it; a cleanup. */
static inline void
folder_remove(struct folder *folder)
{
    (void)nftw(folder->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
