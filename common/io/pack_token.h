/*
 * pack_token: one msgpack value's head, read from raw bytes without trusting them. For the files of
 * pack alone. A head is refused when it does not lie within the bytes, is of a type that we do not
 * use (floats, maps, extensions), or is longer than it needs to be: so a value has one spelling.
 */
#ifndef COMMON_IO_PACK_TOKEN_H
#define COMMON_IO_PACK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOKEN_UINT, /* .number is it */
    TOKEN_NEGATIVE,
    TOKEN_BOOL,
    TOKEN_NIL,
    TOKEN_TEXT,  /* .number bytes follow, and are there */
    TOKEN_BYTES, /* the same */
    TOKEN_ARRAY, /* .number values follow; nobody knows whether they are there */
    TOKEN_TRUNCATED,
    TOKEN_TOO_LONG, /* not the shortest spelling */
    TOKEN_REFUSED,  /* a type we do not use */
    TOKEN_KIND_COUNT
};

struct token {
    enum token_kind kind;
    uint64_t number;
    size_t content; /* texts and bytes: where they begin */
    size_t end;     /* the first byte behind it (behind the head, for an array) */
};

/* Read the head at `offset`, which is at most size. */
void token_read(const uint8_t *data, size_t size, size_t offset, struct token *token);

/* "an array", for errors. */
const char *token_name(enum token_kind kind);

#endif
