#include "agent/shell/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/file.h"

#define NAME_SIZE (2 * DIGEST_SIZE + 8) /* HEX.bundle, HEX.part */

struct entry {
    struct digest digest;
    struct bundle *bundle;
    UT_hash_handle hh;
};

struct agent_cache {
    char *path;
    int folder;
    int lock;
    uint64_t size_max;
    struct entry *loaded;
    struct digest fresh; /* the part that this process has begun, so that all of it is its own */
};

/* ---- the folder --------------------------------------------------------------------------- */

static bool
cannot(const struct agent_cache *cache, const char *name, struct error *error)
{
    bool is_full = errno == ENOSPC || errno == EDQUOT;
    const char *reason = strerror(errno);

    error_set(error, is_full ? "E-CACHE-FULL" : "E-CACHE-IO", "cannot keep a bundle: %s", reason);
    error_where(error, "%s/%s", cache->path, name);
    return error_hint(error, is_full ? "make room on the disk of the agent's cache"
                                     : "see to the disk of the agent's cache");
}

/* Make the folder and those above it. */
static bool
make_folder(const char *path)
{
    CLEANUP(mem_free) char *copy = mem_text(path);

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    return mkdir(copy, 0700) == 0 || errno == EEXIST;
}

bool
agent_cache_open(const char *path, uint64_t size_max, struct agent_cache **cache_p,
                 struct error *error)
{
    struct agent_cache *cache = mem_zalloc(sizeof *cache);

    cache->path = mem_text(path);
    cache->size_max = size_max;
    cache->folder = cache->lock = -1;
    if (make_folder(path)) {
        cache->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (cache->folder >= 0) {
        cache->lock =
            openat(cache->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (cache->lock < 0) {
        error_set(error, "E-CACHE-OPEN", "cannot use the cache folder: %s", strerror(errno));
        error_where(error, "%s", path);
        agent_cache_close(&cache);
        return false;
    }
    if (!file_hold(cache->lock)) {
        error_set(error, "E-CACHE-LOCKED", "another agent uses the cache folder");
        error_where(error, "%s", path);
        error_hint(error, "every agent on a host has a `cache` of its own");
        agent_cache_close(&cache);
        return false;
    }
    *cache_p = cache;
    return true;
}

void
agent_cache_close(struct agent_cache **cache_p)
{
    struct agent_cache *cache = *cache_p;
    struct entry *entry, *next;

    if (!cache) {
        return;
    }
    *cache_p = NULL;
    HASH_ITER(hh, cache->loaded, entry, next)
    {
        agent_cache_release(cache, &entry->digest);
    }
    if (cache->lock >= 0) {
        close(cache->lock);
    }
    if (cache->folder >= 0) {
        close(cache->folder);
    }
    free(cache->path);
    free(cache);
}

static const char *
name_of(const struct digest *digest, const char *suffix, char name[NAME_SIZE])
{
    text_hex(digest->bytes, DIGEST_SIZE, name);
    memcpy(name + (size_t)2 * DIGEST_SIZE, suffix, strlen(suffix) + 1);
    return name;
}

/* ---- in memory ---------------------------------------------------------------------------- */

static struct entry *
find(struct agent_cache *cache, const struct digest *digest)
{
    struct entry *entry;

    HASH_FIND(hh, cache->loaded, digest, sizeof *digest, entry);
    return entry;
}

const struct bundle *
agent_cache_get(struct agent_cache *cache, const struct digest *digest)
{
    struct entry *entry = find(cache, digest);

    return entry ? entry->bundle : NULL;
}

void
agent_cache_release(struct agent_cache *cache, const struct digest *digest)
{
    struct entry *entry = find(cache, digest);

    if (entry) {
        HASH_DEL(cache->loaded, entry);
        bundle_destroy(&entry->bundle);
        free(entry);
    }
}

/* ---- room --------------------------------------------------------------------------------- */

struct old_file {
    char name[NAME_SIZE];
    struct timespec used;
    off_t size;
};

/* The files of the folder that may go, and the size of all. */
static struct old_file *
list_files(struct agent_cache *cache, size_t *count, uint64_t *total)
{
    struct old_file *files = NULL;
    size_t capacity = 0;
    int copy = dup(cache->folder);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);

    *count = 0;
    *total = 0;
    if (!folder) {
        return NULL;
    }
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct digest digest;
        struct stat status;
        char hex[2 * DIGEST_SIZE + 1];
        if (strlen(entry->d_name) < 2 * DIGEST_SIZE || strlen(entry->d_name) >= NAME_SIZE ||
            fstatat(cache->folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        *total += (uint64_t)status.st_size;
        snprintf(hex, sizeof hex, "%.64s", entry->d_name);
        if (!text_from_hex(hex, digest.bytes, DIGEST_SIZE) || find(cache, &digest)) {
            continue;
        }
        files = mem_grow(files, *count, &capacity, sizeof *files);
        files[*count] = (struct old_file){.used = status.st_mtim, .size = status.st_size};
        memcpy(files[(*count)++].name, entry->d_name, strlen(entry->d_name) + 1);
    }
    closedir(folder);
    return files;
}

static int
compare_use(const void *left, const void *right)
{
    const struct timespec *a = &((const struct old_file *)left)->used;
    const struct timespec *b = &((const struct old_file *)right)->used;

    if (a->tv_sec != b->tv_sec) {
        return a->tv_sec < b->tv_sec ? -1 : 1;
    }
    return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

/* Remove what was used longest ago until no more than size_max is left; `spared` stays. */
static void
make_room(struct agent_cache *cache, uint64_t size_max, const char *spared)
{
    size_t count;
    uint64_t total;
    CLEANUP(mem_free) struct old_file *files = list_files(cache, &count, &total);

    if (count) {
        qsort(files, count, sizeof *files, compare_use);
    }
    for (size_t i = 0; i < count && total > size_max; i++) {
        if (!text_equal(files[i].name, spared) && unlinkat(cache->folder, files[i].name, 0) == 0) {
            log_debug("cache: %s had to go", files[i].name);
            total -= (uint64_t)files[i].size;
        }
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

/* The whole file; false when there is none, or it cannot be read. */
static bool
read_whole(struct agent_cache *cache, const char *name, struct text *content)
{
    char piece[64 << 10];
    ssize_t size;
    int file = openat(cache->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (file < 0) {
        return false;
    }
    while ((size = read(file, piece, sizeof piece)) > 0 &&
           content->size + (size_t)size <= BUNDLE_SIZE_MAX) {
        text_append_bytes(content, piece, (size_t)size);
    }
    if (size == 0) {
        futimens(file, NULL); /* it is used now */
    }
    close(file);
    return size == 0;
}

/* Read and verify a file and have it in memory. */
static bool
load(struct agent_cache *cache, const char *name, const struct digest *digest, struct error *error)
{
    CLEANUP(text_release) struct text content = {0};
    struct bundle *bundle;

    if (!read_whole(cache, name, &content)) {
        return cannot(cache, name, error);
    }
    if (!bundle_read(text_of(&content), content.size, digest, &bundle, error)) {
        return false;
    }
    struct entry *entry = mem_zalloc(sizeof *entry);
    entry->digest = *digest;
    entry->bundle = bundle;
    HASH_ADD(hh, cache->loaded, digest, sizeof entry->digest, entry);
    return true;
}

/*
 * The file has become the bundle; that it does not last is no reason not to use it. Nothing waits
 * for the disk here: what a crash has left is verified when it is read, and fetched again.
 */
static void
keep_whole(struct agent_cache *cache, const char *part, const char *whole)
{
    FAILPOINT("agent.cache-rename");
    if (renameat(cache->folder, part, cache->folder, whole) < 0) {
        log_warn("cache: %s is not kept: %s", whole, strerror(errno));
    }
    make_room(cache, cache->size_max, whole);
}

/*
 * What an earlier life has left of a fetch. Perhaps all of it; if not, its last piece is fetched
 * again, so that there is always something to ask for.
 */
static enum bundle_state
look_at_part(struct agent_cache *cache, const struct digest *digest, uint64_t *offset,
             struct error *error)
{
    char part[NAME_SIZE], whole[NAME_SIZE];
    struct stat status;
    struct error incomplete;

    name_of(digest, ".part", part);
    if (fstatat(cache->folder, part, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        cache->fresh = *digest;
        return BUNDLE_PARTIAL;
    }
    if (S_ISREG(status.st_mode) && status.st_size > 0 &&
        (uint64_t)status.st_size <= BUNDLE_SIZE_MAX) {
        if (load(cache, part, digest, &incomplete)) {
            keep_whole(cache, part, name_of(digest, ".bundle", whole));
            return BUNDLE_THERE;
        }
        *offset = (uint64_t)(status.st_size - 1) / CHUNK_SIZE_MAX * CHUNK_SIZE_MAX;
    } else if (unlinkat(cache->folder, part, 0) < 0) {
        cannot(cache, part, error);
        return BUNDLE_BAD;
    }
    return BUNDLE_PARTIAL;
}

enum bundle_state
agent_cache_look_up(struct agent_cache *cache, const struct digest *digest, uint64_t *offset,
                    struct error *error)
{
    char whole[NAME_SIZE];
    struct stat status;

    *offset = 0;
    if (find(cache, digest)) {
        return BUNDLE_THERE;
    }
    name_of(digest, ".bundle", whole);
    if (fstatat(cache->folder, whole, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        if (load(cache, whole, digest, error)) {
            return BUNDLE_THERE;
        }
        log_warn("cache: %s is damaged and fetched again: %s", whole, error->text);
        unlinkat(cache->folder, whole, 0);
    }
    return look_at_part(cache, digest, offset, error);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Write the piece to its place; what is there is not longer than that. */
static bool
write_piece(struct agent_cache *cache, const char *name, const struct chunk *chunk,
            struct error *error)
{
    const char *data = chunk->bytes.data;
    size_t written = 0;
    struct stat status;
    int file = openat(cache->folder, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (file < 0) {
        return cannot(cache, name, error);
    }
    bool is_good = fstat(file, &status) == 0 && ftruncate(file, (off_t)chunk->offset) == 0;
    if (is_good && (uint64_t)status.st_size < chunk->offset) {
        errno = ESTALE; /* somebody has cleared the folder */
        is_good = false;
    }
    while (is_good && written < chunk->bytes.size) {
        ssize_t size = pwrite(file, data + written, chunk->bytes.size - written,
                              (off_t)(chunk->offset + written));
        is_good = size > 0 || (size < 0 && errno == EINTR);
        written += size > 0 ? (size_t)size : 0;
    }
    if (FAILPOINT_FAILS("agent.cache-write")) {
        errno = ENOSPC;
        is_good = false;
    }
    if (!is_good) {
        cannot(cache, name, error);
    }
    close(file);
    return is_good;
}

/* All pieces are there: verify, and let it count from now on. */
static enum bundle_state
complete(struct agent_cache *cache, const struct chunk *chunk, uint64_t *offset,
         struct error *error)
{
    char part[NAME_SIZE], whole[NAME_SIZE];

    name_of(&chunk->digest, ".part", part);
    name_of(&chunk->digest, ".bundle", whole);
    FAILPOINT("agent.cache-verify");
    if (load(cache, part, &chunk->digest, error)) {
        keep_whole(cache, part, whole);
        return BUNDLE_THERE;
    }
    unlinkat(cache->folder, part, 0);
    if (memcmp(&cache->fresh, &chunk->digest, sizeof cache->fresh) == 0) {
        return BUNDLE_BAD;
    }
    /* What an earlier process had left may be what is wrong with it. */
    log_warn("cache: %s is damaged and fetched again: %s", part, error->text);
    cache->fresh = chunk->digest;
    *offset = 0;
    return BUNDLE_PARTIAL;
}

enum bundle_state
agent_cache_keep(struct agent_cache *cache, const struct chunk *chunk, uint64_t *offset,
                 struct error *error)
{
    char name[NAME_SIZE];

    name_of(&chunk->digest, ".part", name);
    if (!write_piece(cache, name, chunk, error)) {
        if (!error_is(error, "E-CACHE-FULL")) {
            return BUNDLE_BAD;
        }
        /* Other bundles can be had again; then there may be room. */
        make_room(cache, 0, name);
        if (!write_piece(cache, name, chunk, error)) {
            return BUNDLE_BAD;
        }
    }
    *offset = chunk->offset + chunk->bytes.size;
    FAILPOINT("agent.cache-piece");
    return *offset < chunk->total ? BUNDLE_PARTIAL : complete(cache, chunk, offset, error);
}
