#include "common/io/pack.h"

#include <inttypes.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/io/pack_field.h"

/* ---- encode -------------------------------------------------------------------------------- */

/* What msgpack-c writes with; most pieces are a byte or two, and most of the time there is room. */
static int
write_text(void *out, const char *data, size_t size)
{
    struct text *text = out;

    if (size && text->capacity - text->size > size) {
        memcpy(text->data + text->size, data, size);
        text->size += size;
    } else {
        text_append_bytes(text, data, size);
    }
    return 0;
}

static void
encode_text(const char *content, msgpack_packer *packer)
{
    if (content) {
        msgpack_pack_str_with_body(packer, content, strlen(content));
    } else {
        msgpack_pack_nil(packer);
    }
}

static void encode_struct(const struct pack_shape *shape, const void *value,
                          msgpack_packer *packer);

static void
encode_list(const struct pack_field *field, const void *value, msgpack_packer *packer)
{
    size_t count = field_count(field, value);

    msgpack_pack_array(packer, count);
    for (size_t i = 0; i < count; i++) {
        encode_struct(field->shape, field_element(field, value, i), packer);
    }
}

static void
encode_field(const struct pack_field *field, const void *value, msgpack_packer *packer)
{
    struct bytes bytes;

    switch (field->kind) {
    case PACK_UINT:
        msgpack_pack_uint64(packer, field_uint(field, value));
        break;
    case PACK_INT:
        msgpack_pack_int64(packer, field_int(field, value));
        break;
    case PACK_BOOL:
        field_bool(field, value) ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        break;
    case PACK_ENUM:
        msgpack_pack_uint64(packer, field_enum(field, value));
        break;
    case PACK_TEXT:
    case PACK_NAME:
        encode_text(field_text(field, value), packer);
        break;
    case PACK_BYTES:
        bytes = field_bytes(field, value);
        msgpack_pack_bin_with_body(packer, bytes.data, bytes.size);
        break;
    case PACK_FIXED:
        msgpack_pack_bin_with_body(packer, field_at(field, value), field->max);
        break;
    case PACK_STRUCT:
        encode_struct(field->shape, field_at(field, value), packer);
        break;
    case PACK_LIST:
        encode_list(field, value, packer);
        break;
    }
}

static void
encode_struct(const struct pack_shape *shape, const void *value, msgpack_packer *packer)
{
    msgpack_pack_array(packer, shape->field_count);
    for (size_t i = 0; i < shape->field_count; i++) {
        encode_field(&shape->fields[i], value, packer);
    }
}

void
pack_encode(const struct pack_shape *shape, const void *value, struct text *out)
{
    msgpack_packer packer;
    struct error error;

    if (!pack_check(shape, value, &error)) {
        log_error("a %s cannot be sent: %s: %s (%s)", shape->name, error.where, error.text,
                  error.found);
        abort();
    }
    msgpack_packer_init(&packer, out, write_text);
    encode_struct(shape, value, &packer);
    text_append_bytes(out, "", 0); /* the NUL behind it */
}

/* ---- copy ---------------------------------------------------------------------------------- */

static void copy_fields(const struct pack_shape *shape, struct arena *arena, void *value);

static void
copy_list(const struct pack_field *field, struct arena *arena, void *value)
{
    size_t count = field_count(field, value);
    char *elements = NULL;

    if (count) {
        elements = arena_copy(arena, field_elements(field, value), count * field->shape->size);
    }
    field_set_elements(field, value, elements);
    for (size_t i = 0; i < count; i++) {
        copy_fields(field->shape, arena, elements + i * field->shape->size);
    }
}

/* Give a shallow copy its own texts, bytes and lists. */
static void
copy_fields(const struct pack_shape *shape, struct arena *arena, void *value)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct pack_field *field = &shape->fields[i];
        struct bytes bytes;

        switch (field->kind) {
        case PACK_TEXT:
        case PACK_NAME:
            field_set_text(field, value, arena_text(arena, field_text(field, value)));
            break;
        case PACK_BYTES:
            bytes = field_bytes(field, value);
            bytes.data = bytes.size ? arena_copy(arena, bytes.data, bytes.size) : NULL;
            field_set_bytes(field, value, bytes);
            break;
        case PACK_STRUCT:
            copy_fields(field->shape, arena, field_place(field, value));
            break;
        case PACK_LIST:
            copy_list(field, arena, value);
            break;
        default:
            break;
        }
    }
}

void
pack_copy(const struct pack_shape *shape, const void *value, struct arena *arena, void *copy)
{
    memmove(copy, value, shape->size);
    copy_fields(shape, arena, copy);
}

/* ---- equal --------------------------------------------------------------------------------- */

static bool
equal_list(const struct pack_field *field, const void *a, const void *b)
{
    size_t count = field_count(field, a);

    if (count != field_count(field, b)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!pack_equal(field->shape, field_element(field, a, i), field_element(field, b, i))) {
            return false;
        }
    }
    return true;
}

static bool
equal_bytes(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool
equal_field(const struct pack_field *field, const void *a, const void *b)
{
    switch (field->kind) {
    case PACK_UINT:
        return field_uint(field, a) == field_uint(field, b);
    case PACK_INT:
        return field_int(field, a) == field_int(field, b);
    case PACK_BOOL:
        return field_bool(field, a) == field_bool(field, b);
    case PACK_ENUM:
        return field_enum(field, a) == field_enum(field, b);
    case PACK_TEXT:
    case PACK_NAME:
        return text_equal(field_text(field, a), field_text(field, b));
    case PACK_BYTES:
        return equal_bytes(field_bytes(field, a), field_bytes(field, b));
    case PACK_FIXED:
        return memcmp(field_at(field, a), field_at(field, b), field->max) == 0;
    case PACK_STRUCT:
        return pack_equal(field->shape, field_at(field, a), field_at(field, b));
    case PACK_LIST:
        return equal_list(field, a, b);
    }
    return false;
}

bool
pack_equal(const struct pack_shape *shape, const void *a, const void *b)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        if (!equal_field(&shape->fields[i], a, b)) {
            return false;
        }
    }
    return true;
}

/* ---- print --------------------------------------------------------------------------------- */

#define PRINTED_BYTES_MAX 32

static void
print_text(const char *content, struct text *out)
{
    if (!content) {
        text_append(out, "nil");
        return;
    }
    text_append(out, "\"");
    for (; *content; content++) {
        unsigned char byte = (unsigned char)*content;
        if (byte == '"' || byte == '\\') {
            text_format(out, "\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            text_format(out, "\\x%02x", byte);
        } else {
            text_append_bytes(out, content, 1);
        }
    }
    text_append(out, "\"");
}

static void
print_bytes(const void *data, size_t size, struct text *out)
{
    char hex[2 * PRINTED_BYTES_MAX + 1];
    size_t printed = size < PRINTED_BYTES_MAX ? size : PRINTED_BYTES_MAX;

    text_hex(data, printed, hex);
    text_append(out, hex);
    if (printed < size) {
        text_format(out, "… (%zu bytes)", size);
    }
}

static void
print_enum(const struct pack_field *field, unsigned content, struct text *out)
{
    if (field->names && content <= field->max) {
        text_append(out, field->names[content]);
    } else {
        text_format(out, "%u", content);
    }
}

static void
print_list(const struct pack_field *field, const void *value, struct text *out)
{
    text_append(out, "[");
    for (size_t i = 0; i < field_count(field, value); i++) {
        text_append(out, i ? ", " : "");
        pack_print(field->shape, field_element(field, value, i), out);
    }
    text_append(out, "]");
}

static void
print_field(const struct pack_field *field, const void *value, struct text *out)
{
    struct bytes bytes;

    switch (field->kind) {
    case PACK_UINT:
        text_format(out, "%" PRIu64, field_uint(field, value));
        break;
    case PACK_INT:
        text_format(out, "%" PRId64, field_int(field, value));
        break;
    case PACK_BOOL:
        text_append(out, field_bool(field, value) ? "true" : "false");
        break;
    case PACK_ENUM:
        print_enum(field, field_enum(field, value), out);
        break;
    case PACK_TEXT:
    case PACK_NAME:
        print_text(field_text(field, value), out);
        break;
    case PACK_BYTES:
        bytes = field_bytes(field, value);
        print_bytes(bytes.data, bytes.size, out);
        break;
    case PACK_FIXED:
        print_bytes(field_at(field, value), field->max, out);
        break;
    case PACK_STRUCT:
        pack_print(field->shape, field_at(field, value), out);
        break;
    case PACK_LIST:
        print_list(field, value, out);
        break;
    }
}

void
pack_print(const struct pack_shape *shape, const void *value, struct text *out)
{
    text_append(out, "{");
    for (size_t i = 0; i < shape->field_count; i++) {
        text_format(out, "%s%s: ", i ? ", " : "", shape->fields[i].name);
        print_field(&shape->fields[i], value, out);
    }
    text_append(out, "}");
}
