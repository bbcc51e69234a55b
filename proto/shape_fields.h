/*
 * shape_fields: how the shapes of messages are written down: the limits of what a field holds, and
 * a word for each sort of field. For proto/shapes.c alone.
 */
#ifndef PROTO_SHAPE_FIELDS_H
#define PROTO_SHAPE_FIELDS_H

#include "common/io/pack.h"

/*
 * Limits. A message that keeps them fits a frame: a test computes the largest of each. Numbers stay
 * below 2^63, so that whoever stores or subtracts them need not think of it.
 */
#define NUMBER_MAX ((uint64_t)INT64_MAX)
#define MS_MAX ((uint64_t)10 * 365 * 24 * 3600 * 1000)
#define VERSION_MAX 128 /* of a migration */
#define NAME_MAX_SIZE 128
#define TEXT_MAX 1024
#define LABEL_VALUE_MAX 256
#define SERVICES_TEXT_MAX ((uint64_t)SERVICES_MAX * (NAME_MAX_SIZE + 2)) /* "auth, policy" */

/* One field, and one struct's fields as its shape. */
#define UINT(type, field) PACK_FIELD_UINT(struct type, field, NUMBER_MAX)
#define MS(type, field) PACK_FIELD_UINT(struct type, field, MS_MAX)
#define BOOL(type, field) PACK_FIELD_BOOL(struct type, field)
#define ENUM(type, field, words) PACK_FIELD_NAMED_ENUM(struct type, field, words)
#define NAME(type, field) PACK_FIELD_NAME(struct type, field, NAME_MAX_SIZE)
#define NAME_OR_NIL(type, field) PACK_FIELD_TEXT(struct type, field, NAME_MAX_SIZE)
#define TEXT(type, field) PACK_FIELD_TEXT(struct type, field, TEXT_MAX)
#define VERSION(type, field) PACK_FIELD_NAME(struct type, field, VERSION_MAX)
#define VERSION_OR_NIL(type, field) PACK_FIELD_TEXT(struct type, field, VERSION_MAX)
#define FIXED(type, field) PACK_FIELD_FIXED(struct type, field)
#define INSIDE(type, field, of) PACK_FIELD_STRUCT(struct type, field, of)
#define LIST(type, field, count, of, limit) PACK_FIELD_LIST(struct type, field, count, of, limit)
#define SHAPE(type)                                                                                \
    static const struct pack_shape type##_shape = PACK_SHAPE(struct type, type##_fields)

#endif
