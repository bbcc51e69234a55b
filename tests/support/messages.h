/*
 * messages: a random message of every type, for tests, fuzzing and golden files; the same seed
 * makes the same message.
 */
#ifndef TESTS_SUPPORT_MESSAGES_H
#define TESTS_SUPPORT_MESSAGES_H

#include "common/base/arena.h"
#include "common/base/random.h"

#include "proto/message.h"

/* Somebody who may say it. */
static inline enum message_sender
messages_sender(enum message_type type)
{
    static const enum message_sender senders[] = {FROM_AGENT, FROM_COORDINATOR, FROM_OPERATOR};
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        if (message_may_come_from(type, senders[i])) {
            return senders[i];
        }
    }
    return FROM_ANY;
}

static inline void
messages_random(enum message_type type, struct random *random, struct arena *arena,
                struct message *message)
{
    *message = (struct message){.type = type, .cluster_id = id_draw(random)};
    pack_random(message_shape(type), random, arena, &message->hello);
}

static inline bool
messages_equal(const struct message *a, const struct message *b)
{
    return a->type == b->type && id_equal(&a->cluster_id, &b->cluster_id) &&
           pack_equal(message_shape(a->type), &a->hello, &b->hello);
}

#endif
