#include "common/io/pack_token.h"

/* The heads from 0xc0 to 0xdf: how many bytes of number follow, and the least number worth them. */
static const struct form {
    enum token_kind kind;
    uint8_t width;
    uint64_t least;
} forms[32] = {
    [0x00] = {TOKEN_NIL, 0, 0},
    [0x01] = {TOKEN_REFUSED, 0, 0},
    [0x02] = {TOKEN_BOOL, 0, 0},
    [0x03] = {TOKEN_BOOL, 0, 0},
    [0x04] = {TOKEN_BYTES, 1, 0},
    [0x05] = {TOKEN_BYTES, 2, 0x100},
    [0x06] = {TOKEN_BYTES, 4, 0x10000},
    [0x07] = {TOKEN_REFUSED, 0, 0}, /* extensions, floats */
    [0x08] = {TOKEN_REFUSED, 0, 0},
    [0x09] = {TOKEN_REFUSED, 0, 0},
    [0x0a] = {TOKEN_REFUSED, 0, 0},
    [0x0b] = {TOKEN_REFUSED, 0, 0},
    [0x0c] = {TOKEN_UINT, 1, 0x80},
    [0x0d] = {TOKEN_UINT, 2, 0x100},
    [0x0e] = {TOKEN_UINT, 4, 0x10000},
    [0x0f] = {TOKEN_UINT, 8, 0x100000000},
    [0x10] = {TOKEN_NEGATIVE, 1, 0x20}, /* of the complement: -33 is the first that needs a byte */
    [0x11] = {TOKEN_NEGATIVE, 2, 0x80},
    [0x12] = {TOKEN_NEGATIVE, 4, 0x8000},
    [0x13] = {TOKEN_NEGATIVE, 8, 0x80000000},
    [0x14] = {TOKEN_REFUSED, 0, 0}, /* extensions */
    [0x15] = {TOKEN_REFUSED, 0, 0},
    [0x16] = {TOKEN_REFUSED, 0, 0},
    [0x17] = {TOKEN_REFUSED, 0, 0},
    [0x18] = {TOKEN_REFUSED, 0, 0},
    [0x19] = {TOKEN_TEXT, 1, 0x20},
    [0x1a] = {TOKEN_TEXT, 2, 0x100},
    [0x1b] = {TOKEN_TEXT, 4, 0x10000},
    [0x1c] = {TOKEN_ARRAY, 2, 0x10},
    [0x1d] = {TOKEN_ARRAY, 4, 0x10000},
    [0x1e] = {TOKEN_REFUSED, 0, 0}, /* maps */
    [0x1f] = {TOKEN_REFUSED, 0, 0},
};

/* Put a text's or a byte string's content behind its head, if it is there. */
static struct token
with_content(struct token token, size_t size)
{
    token.content = token.end;
    if (token.number > size - token.end) {
        token.kind = TOKEN_TRUNCATED;
    } else if (token.kind != TOKEN_ARRAY) {
        token.end += token.number;
    }
    return token;
}

/* One of the heads that are a single byte. */
static struct token
short_token(uint8_t head, size_t end)
{
    struct token token = {.end = end};

    if (head < 0x80) {
        token.kind = TOKEN_UINT;
        token.number = head;
    } else if (head < 0x90) {
        token.kind = TOKEN_REFUSED;
    } else if (head < 0xa0) {
        token.kind = TOKEN_ARRAY;
        token.number = head & 0x0f;
    } else if (head < 0xc0) {
        token.kind = TOKEN_TEXT;
        token.number = head & 0x1f;
    } else {
        token.kind = TOKEN_NEGATIVE;
    }
    return token;
}

/* A head with its number behind it. */
static struct token
long_token(const uint8_t *data, size_t size, size_t offset, const struct form *form)
{
    struct token token = {.kind = form->kind, .end = offset + 1};

    if (form->width > size - token.end) {
        token.kind = TOKEN_TRUNCATED;
        return token;
    }
    for (unsigned i = 0; i < form->width; i++) {
        token.number = token.number << 8 | data[token.end++];
    }
    if (form->kind == TOKEN_BOOL) {
        token.number = data[offset] & 1;
    }
    uint64_t compared = token.number;
    if (form->kind == TOKEN_NEGATIVE) {
        uint64_t mask = form->width == 8 ? UINT64_MAX : ((uint64_t)1 << (8 * form->width)) - 1;
        bool is_negative = token.number >> (8 * form->width - 1);
        compared = is_negative ? ~token.number & mask : 0;
    }
    if (compared < form->least) {
        token.kind = TOKEN_TOO_LONG;
    }
    return token;
}

struct token
token_read(const uint8_t *data, size_t size, size_t offset)
{
    if (offset == size) {
        return (struct token){.kind = TOKEN_TRUNCATED, .end = size};
    }
    uint8_t head = data[offset];
    bool is_short = head < 0xc0 || head >= 0xe0;
    struct token token = is_short ? short_token(head, offset + 1)
                                  : long_token(data, size, offset, &forms[head - 0xc0]);
    bool has_content = token.kind == TOKEN_TEXT || token.kind == TOKEN_BYTES;
    return has_content ? with_content(token, size) : token;
}

const char *
token_name(enum token_kind kind)
{
    static const char *const names[TOKEN_KIND_COUNT] = {
        [TOKEN_UINT] = "a number",
        [TOKEN_NEGATIVE] = "a negative number",
        [TOKEN_BOOL] = "true or false",
        [TOKEN_NIL] = "nil",
        [TOKEN_TEXT] = "a text",
        [TOKEN_BYTES] = "bytes",
        [TOKEN_ARRAY] = "an array",
        [TOKEN_TRUNCATED] = "the end of the bytes",
        [TOKEN_TOO_LONG] = "a number that is not in its shortest form",
        [TOKEN_REFUSED] = "a type that is not used (float, map, extension)",
    };
    return names[kind];
}
