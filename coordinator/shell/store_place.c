/*
 * Where the store lies and who holds it: the file system, the permissions, the lock file. The lock
 * file `PATH.lock` is never removed: it holds the holder's process id and the highest epoch that
 * was ever given out here, so a store that went back in time is noticed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/file.h"

#include "coordinator/shell/store_private.h"

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif

/* The folder that a file is in. */
static char *
folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        return mem_text(".");
    }
    return slash == path ? mem_text("/") : mem_format("%.*s", (int)(slash - path), path);
}

static bool
refuse_place(struct error *error, const char *code, const char *path, const char *text)
{
    error_set(error, code, "the store cannot be kept here: %s", text);
    return error_where(error, "%s", path);
}

static bool
check_file_system(const struct store_options *options, const char *folder, struct error *error)
{
    struct statfs about;

    if (statfs(folder, &about) < 0) {
        return refuse_place(error, "E-STORE-PERM", folder, strerror(errno));
    }
    switch ((uint32_t)about.f_type) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case V9FS_MAGIC:
        refuse_place(error, "E-STORE-FS", folder, "it is a network file system");
        return error_hint(error, "use a folder on a disk of this machine");
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
        if (options->refuses_volatile) {
            refuse_place(error, "E-STORE-FS", folder, "it is in memory and forgets at a restart");
            return error_hint(error, "use a folder on a disk, or say volatile: allow for a test");
        }
        log_warn("E-STORE-FS: %s is in memory: the store is gone when this machine restarts",
                 folder);
        return true;
    default:
        return true;
    }
}

static bool
check_kind(const char *path, const struct stat *about, struct error *error)
{
    return S_ISREG(about->st_mode) ||
           refuse_place(error, "E-STORE-PERM", path, "it is not a regular file");
}

/* A file that is there must be an ordinary one, ours, and closed to everyone else. */
static bool
check_file(const char *path, struct error *error)
{
    struct stat about;

    if (lstat(path, &about) < 0) {
        return errno == ENOENT || refuse_place(error, "E-STORE-PERM", path, strerror(errno));
    }
    if (!check_kind(path, &about, error)) {
        return false;
    }
    if (about.st_uid != geteuid() && geteuid() != 0) {
        return refuse_place(error, "E-STORE-PERM", path, "it belongs to another user");
    }
    if (about.st_mode & (S_IRWXG | S_IRWXO)) {
        refuse_place(error, "E-STORE-PERM", path, "others may read or write it");
        error_found(error, "mode %04o, wanted 0600", (unsigned)about.st_mode & 07777);
        return error_hint(error, "chmod 600 %s", path);
    }
    if (access(path, R_OK | W_OK) < 0) {
        return refuse_place(error, "E-STORE-PERM", path, strerror(errno));
    }
    return true;
}

bool
store_place_check(const struct store_options *options, struct error *error)
{
    CLEANUP(mem_free) char *folder = folder_of(options->path);
    struct stat about;

    if (options->inspects) {
        return lstat(options->path, &about) == 0
                   ? check_kind(options->path, &about, error)
                   : refuse_place(error, "E-STORE-PERM", options->path, strerror(errno));
    }
    if (!check_file_system(options, folder, error)) {
        return false;
    }
    if (access(folder, W_OK | X_OK) < 0) {
        return refuse_place(error, "E-STORE-PERM", folder, strerror(errno));
    }
    return check_file(options->path, error);
}

/* What the last holder wrote: zeros when there was none. */
static void
read_witness(int file, long *pid, uint64_t *epoch)
{
    char content[128] = "";

    *pid = 0;
    *epoch = 0;
    if (pread(file, content, sizeof content - 1, 0) > 0 &&
        sscanf(content, "pid %ld\nepoch %" SCNu64, pid, epoch) < 1) {
        *pid = 0;
    }
}

bool
store_lock(struct store *store, uint64_t *epoch_seen, struct error *error)
{
    CLEANUP(mem_free) char *path = mem_format("%s.lock", store->path);
    long pid;

    int flags = store->inspects ? O_RDONLY : O_RDWR | O_CREAT;
    store->lock_file = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock_file < 0 && store->inspects && errno == ENOENT) {
        return true; /* nobody holds it, and nothing is known of before */
    }
    if (store->lock_file < 0) {
        const char *code = errno == ENOSPC || errno == EDQUOT ? "E-STORE-FULL" : "E-STORE-PERM";
        return refuse_place(error, code, path, strerror(errno));
    }
    bool is_ours = file_hold(store->lock_file);
    read_witness(store->lock_file, &pid, epoch_seen);
    if (!is_ours) {
        error_set(error, "E-STORE-LOCKED", "the store is held by process %ld", pid);
        error_where(error, "%s", store->path);
        return error_hint(error, "one coordinator at a time: stop the other, or use another store");
    }
    return true;
}

bool
store_lock_witness(struct store *store, struct error *error)
{
    char content[128];
    int size = snprintf(content, sizeof content, "pid %ld\nepoch %" PRIu64 "\n", (long)getpid(),
                        store->epoch);

    if (pwrite(store->lock_file, content, (size_t)size, 0) != size ||
        ftruncate(store->lock_file, size) < 0 || fsync(store->lock_file) < 0) {
        const char *code = errno == ENOSPC || errno == EDQUOT ? "E-STORE-FULL" : "E-STORE-IO";
        return refuse_place(error, code, store->path, strerror(errno));
    }
    return true;
}

void
store_unlock(struct store *store)
{
    if (store->lock_file >= 0) {
        close(store->lock_file);
        store->lock_file = -1;
    }
}
