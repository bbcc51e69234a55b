#include "proto/codec.h"

#include <assert.h>
#include <string.h>

/*
 * A frame is [magic, cluster_id, type, body]. All in front of the body has a fixed size, so the
 * type can be seen before anything is decoded, and says what shape the frame must have.
 */
#define MAGIC_SIZE 4
#define TYPE_OFFSET (sizeof head + 2 + sizeof(struct id)) /* 2: the head of the id's bytes */

static const uint8_t head[] = {0x94, 0xc4, MAGIC_SIZE, 'S', 'K', 'N', '1'};

struct frame {
    uint8_t magic[MAGIC_SIZE];
    struct id cluster_id;
    uint64_t type;
    struct message message; /* the body alone travels */
};

/* The frame's shape for one type of message: the fields must outlive it. */
static struct pack_shape
frame_shape(enum message_type type, struct pack_field fields[4])
{
    const struct pack_shape *body = message_shape(type);
    const struct pack_field table[4] = {
        PACK_FIELD_FIXED(struct frame, magic),
        PACK_FIELD_FIXED(struct frame, cluster_id),
        PACK_FIELD_UINT(struct frame, type, MESSAGE_TYPE_COUNT - 1),
        PACK_FIELD(message_name(type), PACK_STRUCT, offsetof(struct frame, message.hello), 0, body,
                   0, NULL),
    };

    memcpy(fields, table, sizeof table);
    return (struct pack_shape){
        .name = "frame", .size = sizeof(struct frame), .fields = fields, .field_count = 4};
}

void
codec_encode(const struct message *message, struct text *out)
{
    struct pack_field fields[4];
    struct frame frame = {.cluster_id = message->cluster_id, .type = message->type};

    assert(message_shape(message->type));
    memcpy(frame.magic, head + 3, MAGIC_SIZE);
    frame.message = *message;
    struct pack_shape shape = frame_shape(message->type, fields);
    pack_encode(&shape, &frame, out);
}

static bool
refuse(struct error *error, const char *code, const char *text, const char *where, size_t offset)
{
    error_set(error, code, "%s", text);
    return error_where(error, "%s, byte %zu", where, offset);
}

/* The type the frame says it has, if this sender may say it. */
static bool
read_type(const uint8_t *data, size_t size, enum message_sender sender, enum message_type *type,
          struct error *error)
{
    size_t compared = size < sizeof head ? size : sizeof head;

    if (size > FRAME_SIZE_MAX) {
        refuse(error, "E-PROTO-LIMIT", "the frame is too large", "frame", FRAME_SIZE_MAX);
        return error_found(error, "%zu bytes, at most %zu allowed", size, FRAME_SIZE_MAX);
    }
    if (compared == 0 || memcmp(data, head, compared) != 0) {
        return refuse(error, "E-PROTO-MAGIC", "this is not one of our frames", "magic", 0);
    }
    if (size <= TYPE_OFFSET) {
        return refuse(error, "E-PROTO-DECODE", "the bytes end too early", "head", size);
    }
    if (data[TYPE_OFFSET] >= 0x80) {
        return refuse(error, "E-PROTO-DECODE", "the type is malformed", "type", TYPE_OFFSET);
    }
    *type = (enum message_type)data[TYPE_OFFSET];
    if (!message_shape(*type)) {
        refuse(error, "E-PROTO-TYPE", "there is no such message", "type", TYPE_OFFSET);
        return error_found(error, "type %d", data[TYPE_OFFSET]);
    }
    if (!message_may_come_from(*type, sender)) {
        refuse(error, "E-AUTH-TYPE", "this sender may not say this", "type", TYPE_OFFSET);
        return error_found(error, "%s", message_name(*type));
    }
    return true;
}

bool
codec_decode(const void *data, size_t size, enum message_sender sender, struct arena *arena,
             struct message *message, struct error *error)
{
    struct pack_field fields[4];
    struct frame frame;
    enum message_type type = MESSAGE_NONE;

    if (!read_type(data, size, sender, &type, error)) {
        return false;
    }
    struct pack_shape shape = frame_shape(type, fields);
    if (!pack_decode(&shape, data, size, &pack_frame_limits, arena, &frame, error)) {
        return false;
    }
    *message = frame.message;
    message->type = type;
    message->cluster_id = frame.cluster_id;
    return true;
}
