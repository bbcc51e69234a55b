#include "proto/message.h"

#include <assert.h>

#include "proto/shapes.h"

static const struct message_kind *
kind_of(enum message_type type)
{
    bool is_known = type > MESSAGE_NONE && type < MESSAGE_TYPE_COUNT;
    return &message_kinds[is_known ? type : MESSAGE_NONE];
}

const char *
message_name(enum message_type type)
{
    return kind_of(type)->name;
}

const struct pack_shape *
message_shape(enum message_type type)
{
    return kind_of(type)->shape;
}

bool
message_may_come_from(enum message_type type, enum message_sender sender)
{
    const struct message_kind *kind = kind_of(type);

    if (!kind->shape) {
        return false;
    }
    return kind->sender == sender || (kind->sender == FROM_ANY && sender != FROM_OPERATOR);
}

void
message_copy(const struct message *message, struct arena *arena, struct message *copy)
{
    const struct pack_shape *shape = message_shape(message->type);

    assert(shape);
    *copy = *message;
    pack_copy(shape, &message->hello, arena, &copy->hello);
}
