/*
 * history_digest: the digests that other tools have their checksums made with, as lower-case hex.
 */
#ifndef COMMON_MIGRATION_HISTORY_DIGEST_H
#define COMMON_MIGRATION_HISTORY_DIGEST_H

#include <stddef.h>

#include "common/base/arena.h"

/* In the arena. */
const char *history_sha1(const void *data, size_t size, struct arena *arena);
const char *history_sha256(const void *data, size_t size, struct arena *arena);
const char *history_sha384(const void *data, size_t size, struct arena *arena);

/*
 * Flyway's: CRC-32 over the lines of a text without their ends and without a byte order mark, as a
 * signed number.
 */
const char *history_crc32_of_lines(const char *text, size_t size, struct arena *arena);

#endif
