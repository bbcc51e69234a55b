#include "common/migration/history_digest.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/base/text.h"
#include "common/migration/history.h"

static const char *
hex_of(const EVP_MD *kind, const void *data, size_t size, struct arena *arena)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    int is_made = EVP_Digest(data, size, digest, &digest_size, kind, NULL);

    assert(is_made == 1);
    (void)is_made;
    char *hex = arena_alloc(arena, 2 * (size_t)digest_size + 1);
    text_hex(digest, digest_size, hex);
    return hex;
}

const char *
history_sha1(const void *data, size_t size, struct arena *arena)
{
    return hex_of(EVP_sha1(), data, size, arena);
}

const char *
history_sha256(const void *data, size_t size, struct arena *arena)
{
    return hex_of(EVP_sha256(), data, size, arena);
}

const char *
history_sha384(const void *data, size_t size, struct arena *arena)
{
    return hex_of(EVP_sha384(), data, size, arena);
}

const char *
history_crc32_of_lines(const char *text, size_t size, struct arena *arena)
{
    static const char mark[] = "\xef\xbb\xbf";
    uint32_t crc = 0;
    size_t at = size >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;

    while (at < size) {
        size_t end = at;
        while (end < size && text[end] != '\n' && text[end] != '\r') {
            end++;
        }
        crc = history_crc32(crc, text + at, end - at);
        at = end + 1 + (end + 1 < size && text[end] == '\r' && text[end + 1] == '\n');
    }
    return arena_format(arena, "%" PRId32, (int32_t)crc);
}
