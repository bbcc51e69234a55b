#include "common/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define CLOSED (-1)

/* A cleanup for descriptors. */
static void
close_file(const int *descriptor)
{
    if (*descriptor != CLOSED) {
        close(*descriptor);
    }
}

static bool
refuse(struct error *error, const char *code, const char *path, const char *text, int number)
{
    error_set(error, code, "%s", text);
    error_where(error, "%s", path);
    return number ? error_found(error, "%s", strerror(number)) : false;
}

static bool
refuse_mode(struct error *error, const char *path, mode_t mode, enum file_trust trust)
{
    const char *wanted = trust == FILE_SECRET ? "0600" : "0644";

    refuse(error, "E-CFG-PERM", path,
           trust == FILE_SECRET ? "others than its owner may read or write this file"
                                : "others than its owner may write this file",
           0);
    error_found(error, "mode %04o, %s or stricter wanted", mode & 07777u, wanted);
    return error_hint(error, "chmod %s %s", wanted, path);
}

static bool
check_trust(int file, const char *path, enum file_trust trust, const char *open_code,
            struct error *error)
{
    struct stat status;
    mode_t forbidden = trust == FILE_SECRET ? 077 : 022;

    if (fstat(file, &status) < 0) {
        return refuse(error, open_code, path, "cannot look at the file", errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return refuse(error, trust == FILE_ANY ? open_code : "E-CFG-PERM", path,
                      "this is not a regular file", 0);
    }
    if (trust == FILE_ANY) {
        return true;
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        refuse(error, "E-CFG-PERM", path, "the file belongs to somebody else", 0);
        return error_found(error, "user id %u, %u or root wanted", status.st_uid, geteuid());
    }
    return (status.st_mode & forbidden) == 0 || refuse_mode(error, path, status.st_mode, trust);
}

static bool
read_all(int file, const char *path, size_t size_max, const char *open_code, struct text *out,
         struct error *error)
{
    char buffer[16384];
    size_t total = 0;

    for (;;) {
        ssize_t size = read(file, buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return refuse(error, open_code, path, "cannot read the file", errno);
        }
        if (size == 0) {
            explicit_bzero(buffer, sizeof buffer);
            return true;
        }
        total += (size_t)size;
        if (total > size_max) {
            refuse(error, open_code, path, "the file is too large", 0);
            return error_found(error, "more than %zu bytes", size_max);
        }
        text_append_bytes(out, buffer, (size_t)size);
    }
}

bool
file_read(const char *path, enum file_trust trust, size_t size_max, const char *open_code,
          struct text *out, struct error *error)
{
    /* O_NONBLOCK: or a pipe of that name would be waited for. */
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (trust == FILE_ANY ? 0 : O_NOFOLLOW);
    CLEANUP(close_file) int file = open(path, flags);

    if (file < 0 && errno == ELOOP && trust != FILE_ANY) {
        refuse(error, "E-CFG-PERM", path, "this is a symbolic link", 0);
        return error_hint(error, "name the file itself");
    }
    if (file < 0) {
        return refuse(error, open_code, path, "cannot open the file", errno);
    }
    return check_trust(file, path, trust, open_code, error) &&
           read_all(file, path, size_max, open_code, out, error);
}

static bool
write_all(int file, const char *content)
{
    size_t left = strlen(content);

    while (left) {
        ssize_t size = write(file, content, left);
        if (size < 0 && errno != EINTR) {
            return false;
        }
        if (size > 0) {
            content += size;
            left -= (size_t)size;
        }
    }
    return fsync(file) == 0;
}

/* A new name is durable once its folder is. */
static bool
sync_folder(const char *path)
{
    CLEANUP(mem_free) char *copy = mem_text(path);
    CLEANUP(close_file) int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return folder >= 0 && fsync(folder) == 0;
}

bool
file_create(const char *path, unsigned mode, const char *content, const char *open_code,
            const char *exists_code, struct error *error)
{
    CLEANUP(close_file)
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

    if (file < 0 && errno == EEXIST) {
        refuse(error, exists_code, path, "there is a file of this name", 0);
        return error_hint(error, "choose another name, or remove it if nothing uses it any more");
    }
    if (file < 0) {
        return refuse(error, open_code, path, "cannot make the file", errno);
    }
    /* The process's umask may have taken away more than was meant. */
    if (fchmod(file, mode) < 0 || !write_all(file, content) || !sync_folder(path)) {
        refuse(error, open_code, path, "cannot write the file", errno);
        (void)unlink(path);
        return false;
    }
    return true;
}

bool
file_make_folder(const char *path, const char *code, struct error *error)
{
    CLEANUP(mem_free) char *part = mem_text(path);

    for (char *slash = part + strspn(part, "/"); (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(part, 0777);
        *slash = '/';
    }
    if (mkdir(path, 0777) == 0 || errno == EEXIST) {
        return true;
    }
    return refuse(error, code, path, "the folder cannot be made", errno);
}

bool
file_hold(int descriptor)
{
    static const struct timespec rest = {.tv_nsec = 10 * 1000 * 1000};
    int64_t deadline_ms = clock_now_ms() + FILE_HOLD_WAIT_MS;

    while (flock(descriptor, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK || clock_now_ms() >= deadline_ms) {
            return false;
        }
        nanosleep(&rest, NULL);
    }
    return true;
}
