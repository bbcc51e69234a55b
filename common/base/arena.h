/*
 * arena: memory that is taken piece by piece and given back all at once. What lives as long as
 * one message or one turn of a loop lives in an arena.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
};

/* Zero-filled, aligned for any type; lives until the arena is cleared. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy in the arena; null for null. */
char *arena_text(struct arena *arena, const char *text);
void *arena_copy(struct arena *arena, const void *data, size_t size);

/* Printf into the arena. */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Give everything back, but keep one block for the next turn. */
void arena_clear(struct arena *arena);

/* Give everything back; a cleanup: CLEANUP(arena_release) struct arena arena = {0}. */
void arena_release(struct arena *arena);

#endif
