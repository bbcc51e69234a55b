/*
 * mem: memory that is there or the process is not. Running out of memory ends the process with
 * a line in the log: a restart is a tested event, half-handled exhaustion is not.
 */
#ifndef COMMON_BASE_MEM_H
#define COMMON_BASE_MEM_H

#include <stddef.h>

/* Declares a local that frees itself: CLEANUP(wave_destroy) struct wave *wave = wave_new(…). */
#define CLEANUP(destroy) __attribute__((cleanup(destroy)))

/* Zero-filled memory of size bytes; the caller frees it with free(). */
void *mem_zalloc(size_t size);

/* A copy of size bytes; the caller frees it. */
void *mem_copy(const void *data, size_t size);

/* A copy of a text, null for null; the caller frees it. */
char *mem_text(const char *text);

/* Printf into fresh memory; the caller frees it. */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Make room for at least one more element behind `count` in an array that *capacity elements fit
 * into; returns the array, perhaps moved, grown by half as much again.
 */
void *mem_grow(void *array, size_t count, size_t *capacity, size_t element_size);

/* free() in the shape that CLEANUP wants: CLEANUP(mem_free) char *text = …. */
void mem_free(void *pointer_p);

#endif
