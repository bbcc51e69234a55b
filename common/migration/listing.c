#include "common/migration/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/manifest.h"

struct names {
    struct listed_file *files;
    size_t count, capacity;
};

static int
by_name(const void *a, const void *b)
{
    const struct listed_file *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static bool
cannot(struct error *error, const char *code, const char *path, const char *what, int cause)
{
    error_set(error, code, "%s: %s", what, strerror(cause));
    return error_where(error, "%s", path);
}

/* Links are followed here: where they lead is looked at when something is loaded. */
static bool
is_folder(DIR *directory, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) {
        return entry->d_type == DT_DIR;
    }
    return fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/* Add what stands in an open folder; `prefix` is its path below the listing's, "" or "a/b/". */
static bool
list(struct listing *listing, DIR *directory, const char *prefix, struct names *names,
     struct error *error)
{
    struct dirent *entry = NULL;

    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (names->count == LISTED_MAX) {
            error_set(error, "E-MIG-COUNT", "too many files in a folder of migrations");
            error_where(error, "%s", listing->path);
            return error_found(error, "more than %d", LISTED_MAX);
        }
        if (names->count == names->capacity) {
            names->files =
                mem_grow(names->files, names->count, &names->capacity, sizeof *names->files);
        }
        names->files[names->count++] = (struct listed_file){
            .name = arena_format(&listing->arena, "%s%s", prefix, entry->d_name),
            .is_folder = is_folder(directory, entry)};
    }
    return true;
}

/* readdir has no order; ours must be the same everywhere. */
static void
keep_names(struct listing *listing, struct names *names)
{
    if (names->count) {
        qsort(names->files, names->count, sizeof *names->files, by_name);
    }
    listing->count = names->count;
    listing->files = arena_copy(&listing->arena, names->files, names->count * sizeof *names->files);
}

static bool
refuse_folder(const char *path, int cause, struct error *error)
{
    bool is_missing = cause == ENOENT || cause == ENOTDIR;

    cannot(error, is_missing ? "E-MIG-MISSING" : "E-MIG-OPEN", path,
           "cannot open the folder of migrations", cause);
    return error_hint(error, "the migrations key of skein.yaml names the folder");
}

/* What stands in <real>/<folder>, or in <real> itself when that is "". */
static bool
list_folder(struct listing *listing, const char *real, const char *folder, struct names *names,
            struct error *error)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", real, folder);
    CLEANUP(mem_free) char *prefix = mem_format("%s%s", folder, folder[0] ? "/" : "");
    DIR *directory = opendir(path);

    if (!directory) {
        CLEANUP(mem_free)
        char *shown = mem_format("%s%s%s", listing->path, folder[0] ? "/" : "", folder);
        return refuse_folder(shown, errno, error);
    }
    bool succeeded = list(listing, directory, prefix, names, error);
    closedir(directory);
    return succeeded;
}

static bool
open_folders(const char *path, const char *const *folders, size_t count, struct listing **listing_p,
             struct error *error)
{
    CLEANUP(mem_free) char *real_path = realpath(path, NULL);
    struct names names = {0};
    bool succeeded = true;

    *listing_p = NULL;
    if (!real_path) {
        return refuse_folder(path, errno, error);
    }
    struct listing *listing = mem_zalloc(sizeof *listing);
    listing->path = arena_text(&listing->arena, path);
    listing->real_path = arena_text(&listing->arena, real_path);
    for (size_t i = 0; succeeded && i < count; i++) {
        succeeded = list_folder(listing, real_path, folders[i], &names, error);
    }
    if (succeeded) {
        keep_names(listing, &names);
        *listing_p = listing;
    } else {
        listing_destroy(&listing);
    }
    free(names.files);
    return succeeded;
}

bool
listing_open(const char *path, struct listing **listing_p, struct error *error)
{
    static const char *const itself = "";

    return open_folders(path, &itself, 1, listing_p, error);
}

bool
listing_open_folders(const char *path, const char *const *folders, size_t count,
                     struct listing **listing_p, struct error *error)
{
    if (!open_folders(path, folders, count, listing_p, error)) {
        return false;
    }
    (*listing_p)->is_of_several = true;
    return true;
}

void
listing_destroy(struct listing **listing_p)
{
    if (*listing_p) {
        struct arena arena = (*listing_p)->arena;
        arena_release(&arena);
        free(*listing_p);
        *listing_p = NULL;
    }
}

/* ---- folders in it --------------------------------------------------------------------------- */

bool
listing_has(const struct listing *listing, const char *path)
{
    CLEANUP(mem_free) char *whole = mem_format("%s/%s", listing->real_path, path);

    return access(whole, F_OK) == 0;
}

struct listed_file *
listing_file(struct listing *listing, const char *path)
{
    struct listed_file wanted = {.name = path};
    struct listed_file *listed =
        listing->count ? bsearch(&wanted, listing->files, listing->count, sizeof wanted, by_name)
                       : NULL;

    if (listed || !listing_has(listing, path)) {
        return listed;
    }
    struct listed_file *file = arena_alloc(&listing->arena, sizeof *file);
    file->name = arena_text(&listing->arena, path);
    return file;
}

/* One folder below; a link that leads up would never end, so links are not gone into. */
static bool
descend(struct listing *listing, const char *name, struct names *names, struct error *error)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", listing->real_path, name);
    CLEANUP(mem_free) char *prefix = mem_format("%s/", name);
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);

    if (!directory) {
        int cause = errno;
        if (descriptor >= 0) {
            close(descriptor);
        }
        return cause == ELOOP || cause == ENOTDIR ||
               cannot(error, "E-MIG-OPEN", path, "cannot open the folder", cause);
    }
    bool succeeded = list(listing, directory, prefix, names, error);
    closedir(directory);
    return succeeded;
}

bool
listing_descend(struct listing *listing, struct error *error)
{
    struct names names = {.files = mem_copy(listing->files, listing->count * sizeof *names.files),
                          .count = listing->count,
                          .capacity = listing->count};
    bool succeeded = true;

    /* What is found is appended, and so gone into in its turn. */
    for (size_t i = 0; succeeded && i < names.count; i++) {
        const char *name = names.files[i].name;
        const char *last = strrchr(name, '/');
        if (names.files[i].is_folder && (last ? last[1] : name[0]) != '.') {
            succeeded = descend(listing, name, &names, error);
        }
    }
    if (succeeded) {
        keep_names(listing, &names);
    }
    free(names.files);
    return succeeded;
}

/* ---- one file -------------------------------------------------------------------------------- */

/* Whether a path lies in a folder; both are real. */
static bool
is_inside(const char *folder, const char *path)
{
    size_t size = strlen(folder);
    return strncmp(folder, path, size) == 0 && (path[size] == '/' || folder[size - 1] == '/');
}

static bool
check_kind(const struct stat *status, const char *path, struct error *error)
{
    if (S_ISREG(status->st_mode)) {
        return true;
    }
    error_set(error, "E-MIG-TYPE", "a migration is a regular file");
    error_where(error, "%s", path);
    error_found(error, "%s",
                S_ISDIR(status->st_mode)    ? "a folder"
                : S_ISFIFO(status->st_mode) ? "a pipe"
                : S_ISSOCK(status->st_mode) ? "a socket"
                                            : "a device");
    return error_hint(error, "remove it, or put the migration in its place");
}

static bool
check_size(const struct stat *status, const char *path, struct error *error)
{
    if ((uint64_t)status->st_size <= SCRIPT_SIZE_MAX) {
        return true;
    }
    error_set(error, "E-MIG-SIZE", "the file is larger than a migration may be");
    error_where(error, "%s", path);
    error_found(error, "%lld bytes, at most %zu", (long long)status->st_size, SCRIPT_SIZE_MAX);
    return error_hint(error, "split it into several migrations");
}

/* Read what is open; the file may shrink meanwhile, and what is read is what counts. */
static bool
read_all(int file, size_t size, struct arena *arena, struct listed_file *out)
{
    char *text = arena_alloc(arena, size + 1);
    size_t done = 0;

    while (done < size) {
        ssize_t step = read(file, text + done, size - done);
        if (step < 0 && errno == EINTR) {
            continue;
        }
        if (step < 0) {
            return false;
        }
        if (step == 0) {
            break;
        }
        done += (size_t)step;
    }
    text[done] = '\0';
    out->text = text;
    out->size = done;
    return true;
}

static bool
load_open(struct listing *listing, int descriptor, const char *path, struct listed_file *file,
          struct error *error)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0) {
        return cannot(error, "E-MIG-OPEN", path, "cannot look at the file", errno);
    }
    if (!check_kind(&status, path, error) || !check_size(&status, path, error)) {
        return false;
    }
    return read_all(descriptor, (size_t)status.st_size, &listing->arena, file) ||
           cannot(error, "E-MIG-OPEN", path, "cannot read the file", errno);
}

/* O_NONBLOCK: a pipe without a writer must not hold us. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY)

/* A link: followed, but not out of the folder. -1 with the error. */
static int
open_link(const struct listing *listing, const char *path, struct error *error)
{
    CLEANUP(mem_free) char *real = realpath(path, NULL);

    if (!real) {
        cannot(error, "E-MIG-OPEN", path, "cannot open the file", errno);
        return -1;
    }
    if (!is_inside(listing->real_path, real)) {
        error_set(error, "E-MIG-PATH", "the link leads out of the folder of migrations");
        error_where(error, "%s", path);
        error_found(error, "%s", real);
        error_hint(error, "put a copy of the file in its place");
        return -1;
    }
    int descriptor = open(real, OPEN_FLAGS);
    if (descriptor < 0) {
        cannot(error, errno == ENXIO ? "E-MIG-TYPE" : "E-MIG-OPEN", path, "cannot open the file",
               errno);
    }
    return descriptor;
}

/* What lies in the folder itself and is no link cannot lead out of it. */
static int
open_plain(const struct listing *listing, const char *name)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", listing->real_path, name);

    return strchr(name, '/') ? -1 : open(path, OPEN_FLAGS);
}

bool
listing_load(struct listing *listing, struct listed_file *file, struct error *error)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", listing->path, file->name);

    if (file->text) {
        return true;
    }
    int descriptor = open_plain(listing, file->name);
    if (descriptor < 0) {
        descriptor = open_link(listing, path, error);
    }
    if (descriptor < 0) {
        return false;
    }
    bool succeeded = load_open(listing, descriptor, path, file, error);
    close(descriptor);
    return succeeded;
}
