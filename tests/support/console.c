#include "tests/support/console.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#define AGAIN_MS 1000

struct console {
    void *context, *socket;
    struct arena arena;
    struct text frame;
    struct message answer;
};

struct console *
console_new(const char *endpoint, const uint8_t server_key[KEYS_SIZE], const struct key_pair *keys)
{
    struct console *console = mem_zalloc(sizeof *console);
    int zero = 0, interval_ms = 20, interval_max_ms = 200;

    console->context = zmq_ctx_new();
    console->socket = zmq_socket(console->context, ZMQ_DEALER);
    zmq_setsockopt(console->socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, KEYS_SIZE);
    zmq_setsockopt(console->socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, KEYS_SIZE);
    zmq_setsockopt(console->socket, ZMQ_CURVE_SERVERKEY, server_key, KEYS_SIZE);
    zmq_setsockopt(console->socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(console->socket, ZMQ_RECONNECT_IVL, &interval_ms, sizeof interval_ms);
    zmq_setsockopt(console->socket, ZMQ_RECONNECT_IVL_MAX, &interval_max_ms,
                   sizeof interval_max_ms);
    zmq_connect(console->socket, endpoint);
    return console;
}

void
console_destroy(struct console **console_p)
{
    struct console *console = *console_p;

    if (console) {
        zmq_close(console->socket);
        zmq_ctx_term(console->context);
        arena_release(&console->arena);
        text_release(&console->frame);
        free(console);
        *console_p = NULL;
    }
}

static bool
receive(struct console *console, int wait_ms)
{
    zmq_pollitem_t item = {.socket = console->socket, .events = ZMQ_POLLIN};
    zmq_msg_t frame;
    struct error error;

    if (zmq_poll(&item, 1, wait_ms) <= 0) {
        return false;
    }
    zmq_msg_init(&frame);
    zmq_msg_recv(&frame, console->socket, 0);
    arena_clear(&console->arena);
    bool is_read = codec_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), FROM_COORDINATOR,
                                &console->arena, &console->answer, &error);
    assert(is_read);
    zmq_msg_close(&frame);
    return true;
}

const struct message *
console_ask(struct console *console, struct message *request, int wait_ms)
{
    int64_t until_ms = clock_now_ms() + wait_ms, again_ms = 0;

    if (id_is_none(&request->offer.request)) {
        request->offer.request = id_random();
    }
    text_clear(&console->frame);
    codec_encode(request, &console->frame);
    for (int64_t now_ms; (now_ms = clock_now_ms()) < until_ms;) {
        if (now_ms >= again_ms) {
            (void)zmq_send(console->socket, console->frame.data, console->frame.size, ZMQ_DONTWAIT);
            again_ms = now_ms + AGAIN_MS;
        }
        int64_t until = again_ms < until_ms ? again_ms : until_ms;
        if (receive(console, (int)(until - now_ms)) &&
            (console->answer.type == MESSAGE_REJECT ||
             id_equal(&console->answer.refused.request, &request->offer.request))) {
            return &console->answer;
        }
    }
    return NULL;
}

const struct message *
console_send(struct console *console, const void *data, size_t size, int wait_ms)
{
    (void)zmq_send(console->socket, data, size, ZMQ_DONTWAIT);
    return receive(console, wait_ms) ? &console->answer : NULL;
}
