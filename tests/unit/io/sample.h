/* sample: a struct with a field of every kind that pack knows, for its tests. */
#ifndef TESTS_UNIT_IO_SAMPLE_H
#define TESTS_UNIT_IO_SAMPLE_H

#include "common/io/pack.h"

enum colour { RED, GREEN, BLUE };

struct leaf {
    const char *name;
    int64_t number;
};

struct sample {
    uint64_t small; /* at most 100 */
    uint64_t large;
    int64_t number;
    bool is_set;
    enum colour colour;
    enum colour shade;
    const char *text; /* at most 40 bytes, or null */
    const char *name; /* at most 8 bytes */
    struct bytes bytes;
    uint8_t fixed[4];
    struct leaf leaf;
    struct leaf *leaves; /* at most 20 */
    size_t leaf_count;
};

static const char *const colours[] = {"red", "green", "blue"};

static const struct pack_field leaf_fields[] = {
    PACK_FIELD_NAME(struct leaf, name, 300),
    PACK_FIELD_INT(struct leaf, number),
};

static const struct pack_shape leaf_shape = PACK_SHAPE(struct leaf, leaf_fields);

static const struct pack_field sample_fields[] = {
    PACK_FIELD_UINT(struct sample, small, 100),
    PACK_FIELD_UINT(struct sample, large, 0),
    PACK_FIELD_INT(struct sample, number),
    PACK_FIELD_BOOL(struct sample, is_set),
    PACK_FIELD_NAMED_ENUM(struct sample, colour, colours),
    PACK_FIELD_ENUM(struct sample, shade, BLUE),
    PACK_FIELD_TEXT(struct sample, text, 40),
    PACK_FIELD_NAME(struct sample, name, 8),
    PACK_FIELD_BYTES(struct sample, bytes, 70000),
    PACK_FIELD_FIXED(struct sample, fixed),
    PACK_FIELD_STRUCT(struct sample, leaf, leaf_shape),
    PACK_FIELD_LIST(struct sample, leaves, leaf_count, leaf_shape, 20),
};

static const struct pack_shape sample_shape = PACK_SHAPE(struct sample, sample_fields);

#endif
