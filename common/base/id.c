#include "common/base/id.h"

#include <string.h>
#include <uuid/uuid.h>

struct id
id_random(void)
{
    struct id id;
    uuid_generate_random(id.bytes);
    return id;
}

struct id
id_draw(struct random *random)
{
    struct id id;
    uint64_t halves[2];

    halves[0] = random_next(random); /* one after the other, with every compiler */
    halves[1] = random_next(random);
    memcpy(id.bytes, halves, sizeof id.bytes);
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

struct id
id_draw_at(struct random *random, int64_t wall_ms)
{
    struct id id = id_draw(random);

    for (int i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
    }
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x70);
    return id;
}

bool
id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool
id_is_none(const struct id *id)
{
    static const struct id none;
    return id_equal(id, &none);
}

const char *
id_text(const struct id *id, char out[ID_TEXT_SIZE])
{
    uuid_unparse_lower(id->bytes, out);
    return out;
}

bool
id_parse(const char *text, struct id *id)
{
    return uuid_parse(text, id->bytes) == 0;
}
