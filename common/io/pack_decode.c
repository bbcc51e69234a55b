#include <assert.h>
#include <inttypes.h>
#include <msgpack.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/io/pack.h"
#include "common/io/pack_field.h"
#include "common/io/pack_place.h"
#include "common/io/pack_token.h"

#define DEPTH_MAX 16 /* of any limits */
#define NIL 0xc0

const struct pack_limits pack_frame_limits = {.depth_max = 8, .node_max = 16384};
const struct pack_limits pack_manifest_limits = {.depth_max = 8, .node_max = 4000000};

/* ---- the validating pass ------------------------------------------------------------------- */

struct reader {
    const uint8_t *data;
    size_t size, offset;
    size_t nodes_left, depth_left;
    const struct place *place;
    struct error *error;
};

static bool
refuse(struct reader *reader, const char *code, const char *text)
{
    CLEANUP(text_release) struct text way = {0};

    place_text(reader->place, &way);
    error_set(reader->error, code, "%s", text);
    return error_where(reader->error, "%s%sbyte %zu", text_of(&way), way.size ? ", " : "",
                       reader->offset);
}

static bool
refuse_size(struct reader *reader, const char *what, uint64_t size, uint64_t most)
{
    refuse(reader, "E-PROTO-DECODE", what);
    return error_found(reader->error, "%" PRIu64 ", at most %" PRIu64 " allowed", size, most);
}

/* Read the next head, which must be of the wanted kind; the reader moves behind it. */
static bool
expect(struct reader *reader, enum token_kind wanted, struct token *token)
{
    token_read(reader->data, reader->size, reader->offset, token);
    if (reader->nodes_left == 0) {
        return refuse(reader, "E-PROTO-LIMIT", "too many values");
    }
    reader->nodes_left--;
    if (token->kind != wanted) {
        refuse(reader, "E-PROTO-DECODE",
               token->kind == TOKEN_TRUNCATED ? "the bytes end too early" : "a value is malformed");
        return error_found(reader->error, "%s where %s is expected", token_name(token->kind),
                           token_name(wanted));
    }
    return true;
}

static bool
check_uint(struct reader *reader, uint64_t most)
{
    struct token token;

    if (!expect(reader, TOKEN_UINT, &token)) {
        return false;
    }
    if (token.number > most) {
        return refuse_size(reader, "a number is too large", token.number, most);
    }
    reader->offset = token.end;
    return true;
}

static bool
check_int(struct reader *reader)
{
    struct token token;

    token_read(reader->data, reader->size, reader->offset, &token);
    if (token.kind != TOKEN_NEGATIVE) {
        return check_uint(reader, INT64_MAX);
    }
    if (!expect(reader, TOKEN_NEGATIVE, &token)) {
        return false;
    }
    reader->offset = token.end;
    return true;
}

static bool
check_bool(struct reader *reader)
{
    struct token token;

    if (!expect(reader, TOKEN_BOOL, &token)) {
        return false;
    }
    reader->offset = token.end;
    return true;
}

static bool
check_text(struct reader *reader, const struct pack_field *field)
{
    struct token token;
    bool is_nil = field->kind == PACK_TEXT && reader->offset < reader->size &&
                  reader->data[reader->offset] == NIL;

    if (!expect(reader, is_nil ? TOKEN_NIL : TOKEN_TEXT, &token)) {
        return false;
    }
    if (!is_nil && token.number > field->max) {
        return refuse_size(reader, "a text is too long", token.number, field->max);
    }
    if (!is_nil && !text_is_utf8(reader->data + token.content, token.number)) {
        return refuse(reader, "E-PROTO-DECODE", "a text is not UTF-8, or has a NUL in it");
    }
    reader->offset = token.end;
    return true;
}

static bool
check_bytes(struct reader *reader, uint64_t least, uint64_t most)
{
    struct token token;

    if (!expect(reader, TOKEN_BYTES, &token)) {
        return false;
    }
    if (token.number > most) {
        return refuse_size(reader, "a byte string is too long", token.number, most);
    }
    if (token.number < least) {
        refuse(reader, "E-PROTO-DECODE", "a byte string is too short");
        return error_found(reader->error, "%" PRIu64 ", %" PRIu64 " needed", token.number, least);
    }
    reader->offset = token.end;
    return true;
}

static bool
check_array(struct reader *reader, size_t *count)
{
    struct token token;

    if (!expect(reader, TOKEN_ARRAY, &token)) {
        return false;
    }
    if (reader->depth_left == 0) {
        return refuse(reader, "E-PROTO-LIMIT", "nested too deeply");
    }
    reader->depth_left--;
    reader->offset = token.end;
    *count = token.number;
    return true;
}

static bool check_struct(struct reader *reader, const struct pack_shape *shape);

static bool
check_list(struct reader *reader, const struct pack_field *field)
{
    struct place place = {.parent = reader->place};
    size_t count = 0, start = reader->offset;

    if (!check_array(reader, &count)) {
        return false;
    }
    if (count > field->max) {
        reader->offset = start;
        return refuse_size(reader, "a list is too long", count, field->max);
    }
    reader->place = &place;
    for (; place.index < count; place.index++) {
        if (!check_struct(reader, field->shape)) {
            return false;
        }
    }
    reader->place = place.parent;
    reader->depth_left++;
    return true;
}

static bool
check_field(struct reader *reader, const struct pack_field *field)
{
    switch (field->kind) {
    case PACK_UINT:
        return check_uint(reader, field->max ? field->max : UINT64_MAX);
    case PACK_INT:
        return check_int(reader);
    case PACK_BOOL:
        return check_bool(reader);
    case PACK_ENUM:
        return check_uint(reader, field->max);
    case PACK_TEXT:
    case PACK_NAME:
        return check_text(reader, field);
    case PACK_BYTES:
        return check_bytes(reader, 0, field->max);
    case PACK_FIXED:
        return check_bytes(reader, field->max, field->max);
    case PACK_STRUCT:
        return check_struct(reader, field->shape);
    case PACK_LIST:
        return check_list(reader, field);
    }
    return false;
}

/* The recursion is as deep as the shapes are, whatever the bytes say. */
static bool
check_struct(struct reader *reader, const struct pack_shape *shape)
{
    struct place place = {.parent = reader->place};
    size_t count = 0, start = reader->offset;

    if (!check_array(reader, &count)) {
        return false;
    }
    if (count != shape->field_count) {
        reader->offset = start;
        refuse(reader, "E-PROTO-DECODE", "a record has the wrong number of fields");
        return error_found(reader->error, "%zu, %zu expected", count, shape->field_count);
    }
    reader->place = &place;
    for (size_t i = 0; i < count; i++) {
        place.name = shape->fields[i].name;
        if (!check_field(reader, &shape->fields[i])) {
            return false;
        }
    }
    reader->place = place.parent;
    reader->depth_left++;
    return true;
}

/*
 * Bytes that are malformed may also try to exhaust us, whatever shape they claim: say that instead.
 * Not recursive; `left` counts the values that each open array still lacks.
 */
static void
blame_limits(struct reader *reader, const struct pack_limits *limits)
{
    size_t left[DEPTH_MAX] = {1}, depth = 0, nodes = 0;

    for (;;) {
        while (left[depth] == 0) {
            if (depth-- == 0) {
                return;
            }
        }
        left[depth]--;
        struct token token;
        token_read(reader->data, reader->size, reader->offset, &token);
        bool is_array = token.kind == TOKEN_ARRAY;
        if (is_array && depth == limits->depth_max) {
            refuse(reader, "E-PROTO-LIMIT", "nested too deeply");
            return;
        }
        if (nodes++ == limits->node_max || (is_array && token.number > limits->node_max)) {
            refuse(reader, "E-PROTO-LIMIT", "too many values");
            return;
        }
        if (token.kind == TOKEN_TRUNCATED && token.number > reader->size) {
            refuse(reader, "E-PROTO-LIMIT", "a size beyond all of the bytes");
            return;
        }
        if (token.kind >= TOKEN_TRUNCATED) {
            return;
        }
        if (is_array) {
            left[++depth] = token.number;
        }
        reader->offset = token.end;
    }
}

static bool
check(const struct pack_shape *shape, const uint8_t *data, size_t size,
      const struct pack_limits *limits, struct error *error)
{
    struct reader reader = {.data = data,
                            .size = size,
                            .nodes_left = limits->node_max,
                            .depth_left = limits->depth_max,
                            .error = error};

    assert(limits->depth_max < DEPTH_MAX);
    if (!check_struct(&reader, shape)) {
        struct reader again = {.data = data, .size = size, .error = error};
        if (error_is(error, "E-PROTO-DECODE")) {
            blame_limits(&again, limits);
        }
        return false;
    }
    if (reader.offset != size) {
        refuse(&reader, "E-PROTO-DECODE", "there is something behind the end");
        return error_found(error, "%zu bytes", size - reader.offset);
    }
    return true;
}

/* ---- fill ------------------------------------------------------------------------------------ */

static void fill_struct(const struct pack_shape *shape, const msgpack_object *object,
                        struct arena *arena, void *value);

static const char *
fill_text(const msgpack_object *object, struct arena *arena)
{
    if (object->type == MSGPACK_OBJECT_NIL) {
        return NULL;
    }
    char *text = arena_alloc(arena, (size_t)object->via.str.size + 1);
    if (object->via.str.size) { /* msgpack-c points an empty text nowhere */
        memcpy(text, object->via.str.ptr, object->via.str.size);
    }
    return text;
}

static struct bytes
fill_bytes(const msgpack_object *object, struct arena *arena)
{
    struct bytes bytes = {.size = object->via.bin.size};

    if (bytes.size) {
        bytes.data = arena_copy(arena, object->via.bin.ptr, bytes.size);
    }
    return bytes;
}

static void
fill_list(const struct pack_field *field, const msgpack_object *object, struct arena *arena,
          void *value)
{
    size_t count = object->via.array.size;
    char *elements = count ? arena_alloc(arena, count * field->shape->size) : NULL;

    for (size_t i = 0; i < count; i++) {
        fill_struct(field->shape, &object->via.array.ptr[i], arena,
                    elements + i * field->shape->size);
    }
    field_set_elements(field, value, elements);
    field_set_count(field, value, count);
}

static void
fill_field(const struct pack_field *field, const msgpack_object *object, struct arena *arena,
           void *value)
{
    switch (field->kind) {
    case PACK_UINT:
        field_set_uint(field, value, object->via.u64);
        break;
    case PACK_INT:
        field_set_int(field, value, object->via.i64);
        break;
    case PACK_BOOL:
        field_set_bool(field, value, object->via.boolean);
        break;
    case PACK_ENUM:
        field_set_enum(field, value, (unsigned)object->via.u64);
        break;
    case PACK_TEXT:
    case PACK_NAME:
        field_set_text(field, value, fill_text(object, arena));
        break;
    case PACK_BYTES:
        field_set_bytes(field, value, fill_bytes(object, arena));
        break;
    case PACK_FIXED:
        memcpy(field_place(field, value), object->via.bin.ptr, field->max);
        break;
    case PACK_STRUCT:
        fill_struct(field->shape, object, arena, field_place(field, value));
        break;
    case PACK_LIST:
        fill_list(field, object, arena, value);
        break;
    }
}

static void
fill_struct(const struct pack_shape *shape, const msgpack_object *object, struct arena *arena,
            void *value)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        fill_field(&shape->fields[i], &object->via.array.ptr[i], arena, value);
    }
}

bool
pack_decode(const struct pack_shape *shape, const void *data, size_t size,
            const struct pack_limits *limits, struct arena *arena, void *value, struct error *error)
{
    msgpack_zone zone;
    msgpack_object object;
    size_t end = 0;

    if (!check(shape, data, size, limits, error)) {
        return false;
    }
    bool has_zone = msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE);
    assert(has_zone);
    msgpack_unpack_return unpacked = msgpack_unpack(data, size, &end, &zone, &object);
    assert(unpacked == MSGPACK_UNPACK_SUCCESS && end == size);
    memset(value, 0, shape->size);
    fill_struct(shape, &object, arena, value);
    msgpack_zone_destroy(&zone);
    return true;
}
