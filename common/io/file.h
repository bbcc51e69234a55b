/*
 * file: a small file read whole, and only if nobody but its owner could have written it (or even
 * read it). Opening is not fooled by links, devices and pipes.
 */
#ifndef COMMON_IO_FILE_H
#define COMMON_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/text.h"

enum file_trust {
    FILE_ANY,   /* any regular file, links followed */
    FILE_OWNED, /* not a link, of root or the process's user, and only that one may write it */
    FILE_SECRET /* and only that one may read it */
};

/*
 * Append the file's content to `out`. False with open_code (cannot be opened or read, not a regular
 * file, larger than size_max) or E-CFG-PERM (the mode found and wanted); where: the path.
 */
bool file_read(const char *path, enum file_trust trust, size_t size_max, const char *open_code,
               struct text *out, struct error *error);

/*
 * Make a file that must not exist, with this mode, and make it durable. False with open_code, or
 * exists_code when there is something of that name.
 */
bool file_create(const char *path, unsigned mode, const char *content, const char *open_code,
                 const char *exists_code, struct error *error);

/* Make a folder, and those above it that are missing; one that is there is fine. False with code.
 */
bool file_make_folder(const char *path, const char *code, struct error *error);

/*
 * Take the lock of an open file (flock(2)); it goes with the last descriptor. False: somebody holds
 * it, and did not let go of it within FILE_HOLD_WAIT_MS. There is a wait because a process that was
 * killed has its locks until the kernel has taken it apart, which nobody is told: without it, who
 * kills one and starts the next would now and then be refused.
 */
#define FILE_HOLD_WAIT_MS 3000
bool file_hold(int descriptor);

#endif
