#include "coordinator/shell/hold.h"

#include <czmq.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#include "coordinator/shell/recall.h"

#define MOMENT_MS 500
#define SAY_AGAIN_MS 30000
#define TAKE_MAX 1000

/* Tell an operator why nothing happens. What an agent says is dropped: it says it again. */
static void
refuse(const struct loop_parts *parts, const struct frame *frame, const struct error *why)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text bytes = {0};
    struct message request, answer;
    struct error ignored;

    if (!gate_allows(parts->gate, PARTY_OPERATOR, &frame->key) ||
        !codec_decode(frame->data, frame->size, FROM_OPERATOR, &arena, &request, &ignored)) {
        return;
    }
    recall_refuse(&request, why, &arena, &answer);
    answer.cluster_id = store_cluster_id(parts->store);
    codec_encode(&answer, &bytes);
    (void)doors_send(parts->doors, PARTY_OPERATOR, frame->route, bytes.data, bytes.size);
}

static void
drain(const struct loop_parts *parts, const struct error *why)
{
    struct frame frame;

    for (int i = 0; i < TAKE_MAX && doors_receive(parts->doors, PARTY_AGENT, &frame); i++) {
    }
    for (int i = 0; i < TAKE_MAX && doors_receive(parts->doors, PARTY_OPERATOR, &frame); i++) {
        refuse(parts, &frame, why);
    }
}

/* Once, and again every now and then: a full disk is not helped by a long log. */
static void
say_why(const struct error *why)
{
    static int64_t said_ms;
    int64_t now_ms = clock_now_ms();

    if (!said_ms || now_ms - said_ms > SAY_AGAIN_MS) {
        said_ms = now_ms;
        log_error("%s: %s; holding until it can be saved", why->code, why->text);
    }
}

bool
hold_a_moment(const struct loop_parts *parts, const struct error *why)
{
    int64_t until_ms = clock_now_ms() + MOMENT_MS;
    zmq_pollitem_t items[] = {
        {.fd = parts->signals, .events = ZMQ_POLLIN},
        {.socket = doors_socket(parts->doors, PARTY_AGENT), .events = ZMQ_POLLIN},
        {.socket = doors_socket(parts->doors, PARTY_OPERATOR), .events = ZMQ_POLLIN},
    };

    say_why(why);
    for (int64_t left_ms = MOMENT_MS; left_ms > 0; left_ms = until_ms - clock_now_ms()) {
        if (zmq_poll(items, sizeof items / sizeof *items, left_ms) < 0) {
            break;
        }
        if (items[0].revents) {
            return false;
        }
        drain(parts, why);
    }
    return true;
}
