#include "common/io/keys.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/file.h"

#define FILE_MAX 4096

/* A cleanup for text that had a secret in it. */
static void
wipe_text(struct text *text)
{
    if (text->data) {
        sodium_memzero(text->data, text->capacity);
    }
    text_release(text);
}

static void
start_sodium(void)
{
    if (sodium_init() < 0) {
        abort(); /* no randomness: no keys */
    }
}

void
keys_generate(struct key_pair *pair)
{
    start_sodium();
    crypto_box_keypair(pair->public_key, pair->secret_key);
}

void
keys_wipe(struct key_pair *pair)
{
    sodium_memzero(pair, sizeof *pair);
}

/* ---- write ----------------------------------------------------------------------------------- */

bool
keys_save(const struct key_pair *pair, const char *base, struct error *error)
{
    CLEANUP(mem_free) char *secret_path = mem_format("%s.key", base);
    CLEANUP(mem_free) char *public_path = mem_format("%s.pub", base);
    CLEANUP(wipe_text) struct text public_line = {0};
    CLEANUP(wipe_text) struct text both = {0};
    char hex[KEYS_HEX_SIZE];

    text_hex(pair->public_key, KEYS_SIZE, hex);
    text_format(&public_line, "public: %s\n", hex);
    text_hex(pair->secret_key, KEYS_SIZE, hex);
    text_format(&both, "%ssecret: %s\n", text_of(&public_line), hex);
    sodium_memzero(hex, sizeof hex);
    if (!file_create(public_path, 0644, text_of(&public_line), "E-KEY-OPEN", "E-KEY-EXISTS",
                     error)) {
        return false;
    }
    if (!file_create(secret_path, 0600, text_of(&both), "E-KEY-OPEN", "E-KEY-EXISTS", error)) {
        (void)unlink(public_path);
        return false;
    }
    return true;
}

/* ---- read ------------------------------------------------------------------------------------ */

/* What is in a key file stays out of the error: it may be a secret. */
static bool
refuse_format(struct error *error, const char *text, const char *where)
{
    error_set(error, "E-KEY-FORMAT", "%s", text);
    return error_where(error, "%s", where);
}

/* Also the zero key: whatever is multiplied with a point of low order is known to everyone. */
static bool
is_low_order(const uint8_t public_key[KEYS_SIZE])
{
    static const uint8_t scalar[KEYS_SIZE] = {8};
    uint8_t product[KEYS_SIZE];

    return crypto_scalarmult(product, scalar, public_key) != 0;
}

/* One line; `seen` says which keys were there before. */
static bool
read_line(const char *line, struct key_pair *pair, bool seen[2])
{
    bool is_secret = text_starts_with(line, "secret: ");

    if ((!is_secret && !text_starts_with(line, "public: ")) || seen[is_secret]) {
        return false;
    }
    seen[is_secret] = true;
    return text_from_hex(line + strlen("public: "), is_secret ? pair->secret_key : pair->public_key,
                         KEYS_SIZE);
}

/* The lines of a file; changes the text. */
static bool
read_lines(char *content, const char *path, struct key_pair *pair, bool seen[2],
           struct error *error)
{
    char *rest = content;

    for (unsigned number = 1; rest && *rest; number++) {
        char *line = strsep(&rest, "\n");
        size_t size = strlen(line);
        if (size && line[size - 1] == '\r') {
            line[size - 1] = '\0';
        }
        if (!read_line(line, pair, seen)) {
            refuse_format(error, "this is not a line of a key file", path);
            error_where(error, "%s:%u", path, number);
            return error_found(error,
                               "'public: ' or 'secret: ' and %d hex digits, each once, "
                               "are allowed",
                               2 * KEYS_SIZE);
        }
    }
    if (!seen[0]) {
        return refuse_format(error, "the key file has no 'public: ' line", path);
    }
    return !is_low_order(pair->public_key) ||
           refuse_format(error, "the public key is none: zero, or a point of low order", path);
}

static bool
read_file(const char *path, enum file_trust trust, struct key_pair *pair, bool *has_secret,
          struct error *error)
{
    CLEANUP(wipe_text) struct text content = {0};
    bool seen[2] = {false, false};

    start_sodium();
    if (!file_read(path, trust, FILE_MAX, "E-KEY-OPEN", &content, error)) {
        return false;
    }
    if (content.size == 0 || strlen(content.data) != content.size) {
        return refuse_format(error, "the key file is empty, or has a NUL in it", path);
    }
    if (!read_lines(content.data, path, pair, seen, error)) {
        return false;
    }
    *has_secret = seen[1];
    return true;
}

static bool
check_pair(const struct key_pair *pair, const char *path, struct error *error)
{
    uint8_t derived[KEYS_SIZE];

    if (sodium_is_zero(pair->secret_key, KEYS_SIZE)) {
        return refuse_format(error, "the secret key is zero", path);
    }
    if (crypto_scalarmult_base(derived, pair->secret_key) == 0 &&
        memcmp(derived, pair->public_key, KEYS_SIZE) == 0) {
        return true;
    }
    error_set(error, "E-KEY-PAIR", "the public and the secret key do not belong together");
    error_where(error, "%s", path);
    return error_hint(error, "one of them was changed; make a new pair with 'skein keys new'");
}

bool
keys_load(const char *path, struct key_pair *pair, struct error *error)
{
    bool has_secret = false;

    *pair = (struct key_pair){0};
    if (!read_file(path, FILE_SECRET, pair, &has_secret, error)) {
        keys_wipe(pair);
        return false;
    }
    if (!has_secret) {
        keys_wipe(pair);
        refuse_format(error, "the key file has no 'secret: ' line", path);
        return error_hint(error, "the file that ends in .key has it");
    }
    if (!check_pair(pair, path, error)) {
        keys_wipe(pair);
        return false;
    }
    return true;
}

static bool
is_path(const char *text)
{
    return strchr(text, '/') || strchr(text, '.') || access(text, F_OK) == 0;
}

static bool
read_public_file(const char *path, uint8_t public_key[KEYS_SIZE], struct error *error)
{
    struct key_pair pair = {0};
    bool has_secret = false;

    if (!read_file(path, FILE_ANY, &pair, &has_secret, error)) {
        keys_wipe(&pair);
        return false;
    }
    memcpy(public_key, pair.public_key, KEYS_SIZE);
    keys_wipe(&pair);
    if (has_secret) {
        refuse_format(error, "this file has a secret key in it", path);
        return error_hint(error, "name the public file beside it, which ends in .pub");
    }
    return true;
}

bool
keys_read_public(const char *hex_or_path, uint8_t public_key[KEYS_SIZE], struct error *error)
{
    start_sodium();
    if (!text_from_hex(hex_or_path, public_key, KEYS_SIZE)) {
        if (is_path(hex_or_path)) {
            return read_public_file(hex_or_path, public_key, error);
        }
        refuse_format(error, "this is not a public key", "");
        return error_found(error,
                           "%zu characters; %d hex digits, or the path of a .pub file, "
                           "are allowed",
                           strlen(hex_or_path), 2 * KEYS_SIZE);
    }
    return !is_low_order(public_key) ||
           refuse_format(error, "the public key is none: zero, or a point of low order",
                         hex_or_path);
}
