#include <string.h>

#include "common/base/random.h"
#include "common/io/pack.h"
#include "common/io/pack_field.h"

/* Characters of one to four bytes, and some that need care when printed. */
static const char *const characters[] = {"a", "Z",  "7",  " ", "_", "\"", "\\",
                                         "%", "\n", "\t", "é", "ß", "€",  "𐍈"};

static uint64_t
least_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Numbers of every width, and the limits themselves. */
static uint64_t
random_number(struct random *random, uint64_t most)
{
    if (random_chance(random, 5)) {
        return most;
    }
    uint64_t number = random_next(random) >> random_below(random, 64);
    return number <= most ? number : random_below(random, most);
}

static const char *
random_text(const struct pack_field *field, struct random *random, struct arena *arena)
{
    if (field->kind == PACK_TEXT && random_chance(random, 20)) {
        return NULL;
    }
    uint64_t most = random_chance(random, 5) ? least_of(field->max, 600) : least_of(field->max, 24);
    uint64_t size = random_below(random, most + 1), used = 0;
    char *text = arena_alloc(arena, size + 1);
    for (;;) {
        size_t count = sizeof characters / sizeof *characters;
        const char *piece = characters[random_below(random, count)];
        if (used + strlen(piece) > size) {
            return text;
        }
        memcpy(text + used, piece, strlen(piece));
        used += strlen(piece);
    }
}

static void
random_fill(struct random *random, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)random_next(random);
    }
}

static struct bytes
random_bytes(const struct pack_field *field, struct random *random, struct arena *arena)
{
    struct bytes bytes = {.size = random_below(random, least_of(field->max, 70) + 1)};

    if (bytes.size) {
        uint8_t *data = arena_alloc(arena, bytes.size);
        random_fill(random, data, bytes.size);
        bytes.data = data;
    }
    return bytes;
}

static void
random_list(const struct pack_field *field, struct random *random, struct arena *arena, void *value)
{
    /* Sometimes enough for the longer head of an array. */
    uint64_t most = random_chance(random, 3) ? least_of(field->max, 20) : least_of(field->max, 3);
    size_t count = random_below(random, most + 1), size = field->shape->size;
    char *elements = count ? arena_alloc(arena, count * size) : NULL;

    for (size_t i = 0; i < count; i++) {
        pack_random(field->shape, random, arena, elements + i * size);
    }
    field_set_elements(field, value, elements);
    field_set_count(field, value, count);
}

static void
random_field(const struct pack_field *field, struct random *random, struct arena *arena,
             void *value)
{
    uint64_t number;

    switch (field->kind) {
    case PACK_UINT:
        field_set_uint(field, value, random_number(random, field->max ? field->max : UINT64_MAX));
        break;
    case PACK_INT:
        number = random_number(random, INT64_MAX);
        field_set_int(field, value, random_chance(random, 50) ? (int64_t)number : ~(int64_t)number);
        break;
    case PACK_BOOL:
        field_set_bool(field, value, random_chance(random, 50));
        break;
    case PACK_ENUM:
        field_set_enum(field, value, (unsigned)random_below(random, field->max + 1));
        break;
    case PACK_TEXT:
    case PACK_NAME:
        field_set_text(field, value, random_text(field, random, arena));
        break;
    case PACK_BYTES:
        field_set_bytes(field, value, random_bytes(field, random, arena));
        break;
    case PACK_FIXED:
        random_fill(random, field_place(field, value), field->max);
        break;
    case PACK_STRUCT:
        pack_random(field->shape, random, arena, field_place(field, value));
        break;
    case PACK_LIST:
        random_list(field, random, arena, value);
        break;
    }
}

void
pack_random(const struct pack_shape *shape, struct random *random, struct arena *arena, void *value)
{
    memset(value, 0, shape->size);
    for (size_t i = 0; i < shape->field_count; i++) {
        random_field(&shape->fields[i], random, arena, value);
    }
}
