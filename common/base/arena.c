#include "common/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define BLOCK_SIZE ((size_t)4096)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

void *
arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;

    if (!block || block->size - block->used < rounded) {
        size_t room = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
        block = mem_zalloc(sizeof *block + room);
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    return memory;
}

char *
arena_text(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text) + 1) : NULL;
}

void *
arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *
arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = arena_alloc(arena, (size_t)(size < 0 ? 0 : size) + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)(size < 0 ? 0 : size) + 1, format, arguments);
    va_end(arguments);
    return text;
}

void
arena_clear(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;

    if (!kept) {
        return;
    }
    while (kept->next) {
        struct arena_block *next = kept->next;
        free(kept);
        kept = next;
    }
    memset(kept->data, 0, kept->used);
    kept->used = 0;
    arena->blocks = kept;
}

void
arena_release(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
