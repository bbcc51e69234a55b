#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/io/pack.h"
#include "common/io/pack_field.h"
#include "common/io/pack_place.h"

static bool
refuse(const struct place *place, const char *text, struct error *error)
{
    CLEANUP(text_release) struct text way = {0};

    place_text(place, &way);
    error_set(error, "E-PROTO-LIMIT", "%s", text);
    return error_where(error, "%s", text_of(&way));
}

static bool
check_most(const struct place *place, const char *what, uint64_t found, uint64_t most,
           struct error *error)
{
    if (found <= most) {
        return true;
    }
    refuse(place, what, error);
    return error_found(error, "%" PRIu64 ", at most %" PRIu64 " allowed", found, most);
}

static bool
check_text(const struct pack_field *field, const char *content, const struct place *place,
           struct error *error)
{
    if (!content) {
        return field->kind == PACK_TEXT || refuse(place, "a text is missing", error);
    }
    size_t size = strlen(content);
    return check_most(place, "a text is too long", size, field->max, error) &&
           (text_is_utf8(content, size) || refuse(place, "a text is not UTF-8", error));
}

static bool check_struct(const struct pack_shape *shape, const void *value,
                         const struct place *place, struct error *error);

static bool
check_list(const struct pack_field *field, const void *value, const struct place *place,
           struct error *error)
{
    struct place element = {.parent = place};
    size_t count = field_count(field, value);

    if (!check_most(place, "a list is too long", count, field->max, error)) {
        return false;
    }
    for (; element.index < count; element.index++) {
        if (!check_struct(field->shape, field_element(field, value, element.index), &element,
                          error)) {
            return false;
        }
    }
    return true;
}

static bool
check_field(const struct pack_field *field, const void *value, const struct place *place,
            struct error *error)
{
    uint64_t most = field->kind == PACK_UINT && field->max == 0 ? UINT64_MAX : field->max;

    switch (field->kind) {
    case PACK_UINT:
        return check_most(place, "a number is too large", field_uint(field, value), most, error);
    case PACK_ENUM:
        return check_most(place, "a number is too large", field_enum(field, value), most, error);
    case PACK_TEXT:
    case PACK_NAME:
        return check_text(field, field_text(field, value), place, error);
    case PACK_BYTES:
        return check_most(place, "a byte string is too long", field_bytes(field, value).size, most,
                          error);
    case PACK_STRUCT:
        return check_struct(field->shape, field_at(field, value), place, error);
    case PACK_LIST:
        return check_list(field, value, place, error);
    case PACK_INT:
    case PACK_BOOL:
    case PACK_FIXED:
        return true;
    }
    return false;
}

static bool
check_struct(const struct pack_shape *shape, const void *value, const struct place *place,
             struct error *error)
{
    struct place here = {.parent = place};

    for (size_t i = 0; i < shape->field_count; i++) {
        here.name = shape->fields[i].name;
        if (!check_field(&shape->fields[i], value, &here, error)) {
            return false;
        }
    }
    return true;
}

bool
pack_check(const struct pack_shape *shape, const void *value, struct error *error)
{
    return check_struct(shape, value, NULL, error);
}
