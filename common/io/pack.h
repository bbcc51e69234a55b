/*
 * pack: plain C structs to msgpack and back, driven by a description of the struct. Messages,
 * bundle manifests and stored values all travel this way, so there is one encoder, one decoder,
 * one bounds check. This is the only part that knows msgpack-c.
 *
 * A struct is written as one msgpack array of its fields in order. Decoding is strict: one
 * validating pass over the raw bytes before anything is allocated (arity, types, depth, number of
 * nodes, every declared size against the bytes left, UTF-8, shortest integers, nothing behind the
 * end), then the fields. Floats, maps, extensions are not used and refused.
 */
#ifndef COMMON_IO_PACK_H
#define COMMON_IO_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/text.h"

/* Bytes with a length; the memory belongs to someone else, usually an arena. */
struct bytes {
    const void *data;
    size_t size;
};

enum pack_kind {
    PACK_UINT,   /* uint64_t, at most .max when that is not 0 */
    PACK_INT,    /* int64_t */
    PACK_BOOL,   /* bool */
    PACK_ENUM,   /* an enum (int-sized), 0 … .max */
    PACK_TEXT,   /* const char *, UTF-8 without NUL, at most .max bytes; null is nil */
    PACK_NAME,   /* the same, but never null: what must be said */
    PACK_BYTES,  /* struct bytes, at most .max bytes */
    PACK_FIXED,  /* uint8_t[.max]: an id, a key, a checksum; exactly .max bytes */
    PACK_STRUCT, /* a struct in place, described by .shape */
    PACK_LIST    /* `T *` and a size_t count at .count_offset; elements by .shape; at most .max */
};

struct pack_field {
    const char *name;
    enum pack_kind kind;
    size_t offset;
    size_t count_offset;            /* PACK_LIST */
    const struct pack_shape *shape; /* PACK_LIST, PACK_STRUCT */
    uint64_t max;
    const char *const *names; /* PACK_ENUM: a word for each value, for people; may be null */
};

struct pack_shape {
    const char *name;
    size_t size;
    const struct pack_field *fields;
    size_t field_count;
};

/* Helpers to write a table of fields: PACK_FIELD_TEXT(struct hello, name, 128), … */
#define PACK_FIELD(field, kind, offset, count_offset, shape, max, names)                           \
    {                                                                                              \
        field, kind, offset, count_offset, shape, max, names                                       \
    }
#define PACK_FIELD_PLAIN(type, field, kind, max)                                                   \
    PACK_FIELD(#field, kind, offsetof(type, field), 0, NULL, max, NULL)
#define PACK_FIELD_UINT(type, field, limit) PACK_FIELD_PLAIN(type, field, PACK_UINT, limit)
#define PACK_FIELD_INT(type, field) PACK_FIELD_PLAIN(type, field, PACK_INT, 0)
#define PACK_FIELD_BOOL(type, field) PACK_FIELD_PLAIN(type, field, PACK_BOOL, 0)
#define PACK_FIELD_ENUM(type, field, last) PACK_FIELD_PLAIN(type, field, PACK_ENUM, last)
#define PACK_FIELD_NAMED_ENUM(type, field, words)                                                  \
    PACK_FIELD(#field, PACK_ENUM, offsetof(type, field), 0, NULL,                                  \
               sizeof(words) / sizeof *(words)-1, words)
#define PACK_FIELD_TEXT(type, field, limit) PACK_FIELD_PLAIN(type, field, PACK_TEXT, limit)
#define PACK_FIELD_NAME(type, field, limit) PACK_FIELD_PLAIN(type, field, PACK_NAME, limit)
#define PACK_FIELD_BYTES(type, field, limit) PACK_FIELD_PLAIN(type, field, PACK_BYTES, limit)
#define PACK_FIELD_FIXED(type, field)                                                              \
    PACK_FIELD_PLAIN(type, field, PACK_FIXED, sizeof(((type *)NULL)->field))
#define PACK_FIELD_STRUCT(type, field, of)                                                         \
    PACK_FIELD(#field, PACK_STRUCT, offsetof(type, field), 0, &(of), 0, NULL)
#define PACK_FIELD_LIST(type, field, count, of, limit)                                             \
    PACK_FIELD(#field, PACK_LIST, offsetof(type, field), offsetof(type, count), &(of), limit, NULL)
#define PACK_SHAPE(type, table)                                                                    \
    {                                                                                              \
#type, sizeof(type), table, sizeof(table) / sizeof *(table)                                \
    }

struct pack_limits {
    size_t depth_max;
    size_t node_max;
};

/*
 * What a frame from a socket may be: depth 8, 16,384 nodes. Every message that keeps its shape's
 * limits fits (a test computes the largest of each).
 */
extern const struct pack_limits pack_frame_limits;

/* What a bundle's manifest may be, after its digest was checked: depth 8, 4,000,000 nodes. */
extern const struct pack_limits pack_manifest_limits;

/*
 * Whether a value keeps its shape's limits: false with E-PROTO-LIMIT (where: the field; found: how
 * much, and what is allowed). For whoever sends what a person has typed or a file has said.
 */
bool pack_check(const struct pack_shape *shape, const void *value, struct error *error);

/*
 * Append `value`, a struct of this shape, to `out`. The value must keep its shape's limits; one
 * that does not is a mistake of ours and ends the process with the field's name in the log.
 */
void pack_encode(const struct pack_shape *shape, const void *value, struct text *out);

/*
 * Read size bytes into `value`. Texts, bytes and lists are copied into the arena. False with
 * E-PROTO-DECODE (where: field and byte offset) or E-PROTO-LIMIT when the bytes are not exactly one
 * value of the shape; nothing is allocated before the bytes are known to be well formed.
 */
bool pack_decode(const struct pack_shape *shape, const void *data, size_t size,
                 const struct pack_limits *limits, struct arena *arena, void *value,
                 struct error *error);

/* A deep copy of a value in the arena's memory, into *copy (which may be the value itself). */
void pack_copy(const struct pack_shape *shape, const void *value, struct arena *arena, void *copy);

/* Whether two values are equal, deeply. */
bool pack_equal(const struct pack_shape *shape, const void *a, const void *b);

/* The value as one line of readable text, for traces, `skein debug frame` and failing tests. */
void pack_print(const struct pack_shape *shape, const void *value, struct text *out);

/* Fill `value` with random content that keeps the shape's limits (tests, fuzzing, golden files). */
struct random;
void pack_random(const struct pack_shape *shape, struct random *random, struct arena *arena,
                 void *value);

#endif
