/*
 * place: where in a text something stands: its byte, and the line and column that people are
 * shown. Lines and columns count from 1; columns count characters, not bytes.
 */
#ifndef COMMON_SQL_PLACE_H
#define COMMON_SQL_PLACE_H

#include <stddef.h>

struct place {
    size_t offset, line, column;
};

/* A stretch of a text and the place of its first byte. */
struct stretch {
    struct place place;
    size_t size;
};

/* The place of byte `offset`, counted on from a place at or before it. */
struct place place_after(struct place from, const char *text, size_t offset);

/* The place of the first byte. */
struct place place_start(void);

/* The byte where the character with this number begins, counted from 0; size when past the end. */
size_t place_of_character(const char *text, size_t size, size_t character);

#endif
