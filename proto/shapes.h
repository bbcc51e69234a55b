/*
 * shapes: the tables behind message.h: of every message its name, the shape of its struct and who
 * may send it. The codec, the grammar in README.md and the tests follow them.
 */
#ifndef PROTO_SHAPES_H
#define PROTO_SHAPES_H

#include "proto/message.h"

struct message_kind {
    const char *name;
    const struct pack_shape *shape;
    enum message_sender sender;
};

/* By enum message_type; MESSAGE_NONE has no shape. */
extern const struct message_kind message_kinds[MESSAGE_TYPE_COUNT];

/* What is also kept: in the coordinator's records. */
extern const struct pack_shape label_shape;
extern const struct pack_shape run_spec_shape;

/* What is kept in memory. */
extern const struct pack_shape adopt_result_shape;

#endif
