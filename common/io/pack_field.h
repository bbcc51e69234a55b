/*
 * pack_field: reading and writing one field of a struct of which only the description is known.
 * For the files of pack alone. All goes through memcpy, so no type is read as another.
 */
#ifndef COMMON_IO_PACK_FIELD_H
#define COMMON_IO_PACK_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/io/pack.h"

#define FIELD_GETTER(name, type)                                                                   \
    static inline type field_##name(const struct pack_field *field, const void *value)             \
    {                                                                                              \
        type content;                                                                              \
        memcpy(&content, (const char *)value + field->offset, sizeof content);                     \
        return content;                                                                            \
    }                                                                                              \
    static inline void field_set_##name(const struct pack_field *field, void *value, type content) \
    {                                                                                              \
        memcpy((char *)value + field->offset, &content, sizeof content);                           \
    }

FIELD_GETTER(uint, uint64_t)
FIELD_GETTER(int, int64_t)
FIELD_GETTER(bool, bool)
FIELD_GETTER(enum, unsigned)
FIELD_GETTER(text, const char *)
FIELD_GETTER(bytes, struct bytes)
FIELD_GETTER(elements, void *)

#undef FIELD_GETTER

/* The place of a field's content, for what lies in the struct itself. */
static inline const void *
field_at(const struct pack_field *field, const void *value)
{
    return (const char *)value + field->offset;
}

static inline void *
field_place(const struct pack_field *field, void *value)
{
    return (char *)value + field->offset;
}

static inline size_t
field_count(const struct pack_field *field, const void *value)
{
    size_t count;
    memcpy(&count, (const char *)value + field->count_offset, sizeof count);
    return count;
}

static inline void
field_set_count(const struct pack_field *field, void *value, size_t count)
{
    memcpy((char *)value + field->count_offset, &count, sizeof count);
}

/* One element of a list. */
static inline const void *
field_element(const struct pack_field *field, const void *value, size_t index)
{
    return (const char *)field_elements(field, value) + index * field->shape->size;
}

#endif
