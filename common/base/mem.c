#include "common/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *memory)
{
    if (!memory) {
        fputs("{\"level\":\"fatal\",\"text\":\"out of memory\"}\n", stderr);
        abort();
    }
    return memory;
}

void *
mem_zalloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *
mem_copy(const void *data, size_t size)
{
    void *copy = checked(malloc(size ? size : 1));
    if (size) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *
mem_text(const char *text)
{
    return text ? mem_copy(text, strlen(text) + 1) : NULL;
}

char *
mem_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(size < 0 ? NULL : text);
}

void *
mem_grow(void *array, size_t count, size_t *capacity, size_t element_size)
{
    if (count < *capacity) {
        return array;
    }
    size_t wanted = *capacity ? *capacity + *capacity / 2 + 1 : 8;
    if (wanted > SIZE_MAX / element_size) {
        checked(NULL);
    }
    *capacity = wanted;
    return checked(realloc(array, wanted * element_size));
}

void
mem_free(void *pointer_p)
{
    void **pointer = pointer_p;
    free(*pointer);
    *pointer = NULL;
}
