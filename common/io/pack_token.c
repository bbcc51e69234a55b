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

/* One of the heads that are a single byte. */
static void
read_short(uint8_t head, struct token *token)
{
    if (head < 0x80) {
        token->kind = TOKEN_UINT;
        token->number = head;
    } else if (head < 0x90) {
        token->kind = TOKEN_REFUSED; /* a map */
    } else if (head < 0xa0) {
        token->kind = TOKEN_ARRAY;
        token->number = head & 0x0f;
    } else if (head < 0xc0) {
        token->kind = TOKEN_TEXT;
        token->number = head & 0x1f;
    } else {
        token->kind = TOKEN_NEGATIVE;
    }
}

/* Whether the number behind a head was worth its bytes. */
static bool
is_shortest(const struct form *form, uint64_t number)
{
    if (form->kind != TOKEN_NEGATIVE) {
        return number >= form->least;
    }
    unsigned sign = 8u * form->width - 1;
    uint64_t mask = UINT64_MAX >> (63 - sign);
    return number >> sign && (~number & mask) >= form->least;
}

/* A head with its number behind it. */
static void
read_long(const uint8_t *data, size_t size, uint8_t head, struct token *token)
{
    const struct form *form = &forms[head - 0xc0];

    token->kind = form->kind;
    if (form->width > size - token->end) {
        token->kind = TOKEN_TRUNCATED;
        return;
    }
    for (unsigned i = 0; i < form->width; i++) {
        token->number = token->number << 8 | data[token->end++];
    }
    if (form->kind == TOKEN_BOOL) {
        token->number = head & 1;
    } else if (form->width && !is_shortest(form, token->number)) {
        token->kind = TOKEN_TOO_LONG;
    }
}

void
token_read(const uint8_t *data, size_t size, size_t offset, struct token *token)
{
    *token = (struct token){.end = offset + 1};
    if (offset == size) {
        token->kind = TOKEN_TRUNCATED;
        token->end = size;
        return;
    }
    uint8_t head = data[offset];
    if (head < 0xc0 || head >= 0xe0) {
        read_short(head, token);
    } else {
        read_long(data, size, head, token);
    }
    if (token->kind == TOKEN_TEXT || token->kind == TOKEN_BYTES) {
        token->content = token->end;
        if (token->number > size - token->end) {
            token->kind = TOKEN_TRUNCATED;
        } else {
            token->end += token->number;
        }
    }
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
        [TOKEN_BYTES] = "a byte string",
        [TOKEN_ARRAY] = "an array",
        [TOKEN_TRUNCATED] = "the end of the bytes",
        [TOKEN_TOO_LONG] = "a number that is not in its shortest form",
        [TOKEN_REFUSED] = "a type that is not used (float, map, extension)",
    };
    return names[kind];
}
