#include "coordinator/client/link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#define STRANGER_AFTER 2 /* failed handshakes; one may be a coordinator that is just ending */
#define MONITOR_ENDPOINT "inproc://skein.link.monitor"

struct link {
    void *context, *socket, *monitor;
    bool is_up;
    bool is_refused;
    bool was_connected;
    unsigned handshakes_failed; /* since the last that succeeded */
    unsigned sessions;
};

static void
set_number(void *socket, int option, int value)
{
    int result = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(result == 0);
}

static void
set_key(void *socket, int option, const uint8_t key[KEYS_SIZE])
{
    int result = zmq_setsockopt(socket, option, key, KEYS_SIZE);
    assert(result == 0);
}

static void
configure(void *socket, const uint8_t server_key[KEYS_SIZE], const struct key_pair *pair)
{
    set_key(socket, ZMQ_CURVE_SERVERKEY, server_key);
    set_key(socket, ZMQ_CURVE_PUBLICKEY, pair->public_key);
    set_key(socket, ZMQ_CURVE_SECRETKEY, pair->secret_key);
    set_number(socket, ZMQ_LINGER, 0);
    set_number(socket, ZMQ_IMMEDIATE, 1); /* a frame is taken only by a connection that is up */
    set_number(socket, ZMQ_HANDSHAKE_IVL, 3000);
    set_number(socket, ZMQ_RECONNECT_IVL, 50);
    set_number(socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    set_number(socket, ZMQ_SNDHWM, 4);
    set_number(socket, ZMQ_IPV6, 1);
    int64_t size_max = FRAME_SIZE_MAX;
    int result = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size_max, sizeof size_max);
    assert(result == 0);
}

struct link *
link_new(const char *endpoint, const uint8_t server_key[KEYS_SIZE], const struct key_pair *pair)
{
    CLEANUP(link_destroy) struct link *link = mem_zalloc(sizeof *link);

    link->context = zmq_ctx_new();
    assert(link->context);
    link->socket = zmq_socket(link->context, ZMQ_DEALER);
    link->monitor = zmq_socket(link->context, ZMQ_PAIR);
    assert(link->socket && link->monitor);
    configure(link->socket, server_key, pair);
    int result = zmq_socket_monitor(link->socket, MONITOR_ENDPOINT, ZMQ_EVENT_ALL);
    assert(result == 0);
    result = zmq_connect(link->monitor, MONITOR_ENDPOINT);
    assert(result == 0);
    if (zmq_connect(link->socket, endpoint) != 0) {
        return NULL;
    }
    struct link *made = link;
    link = NULL;
    return made;
}

void
link_destroy(struct link **link_p)
{
    struct link *link = *link_p;

    if (!link) {
        return;
    }
    set_number(link->monitor, ZMQ_LINGER, 0);
    zmq_close(link->monitor);
    zmq_close(link->socket);
    zmq_ctx_term(link->context);
    free(link);
    *link_p = NULL;
}

enum link_state
link_state(const struct link *link)
{
    if (link->is_up) {
        return LINK_UP;
    }
    if (link->is_refused) {
        return LINK_REFUSED;
    }
    if (link->handshakes_failed >= STRANGER_AFTER) {
        return LINK_STRANGER;
    }
    return link->was_connected || link->sessions > 0 ? LINK_CONNECTING : LINK_UNREACHED;
}

unsigned
link_sessions(const struct link *link)
{
    return link->sessions;
}

static void
note_event(struct link *link, unsigned event)
{
    switch (event) {
    case ZMQ_EVENT_CONNECTED:
        link->was_connected = true;
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        link->is_up = true;
        link->is_refused = false;
        link->handshakes_failed = 0;
        link->sessions++;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        link->is_refused = true;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        link->handshakes_failed++;
        break;
    case ZMQ_EVENT_DISCONNECTED:
        link->is_up = false;
        break;
    default:
        break;
    }
}

/* A monitor's message is two frames: the event's number and value, and the endpoint. */
static void
read_events(struct link *link)
{
    uint8_t event[6];
    uint16_t number;

    while (zmq_recv(link->monitor, event, sizeof event, ZMQ_DONTWAIT) == (int)sizeof event) {
        memcpy(&number, event, sizeof number);
        note_event(link, number);
        zmq_recv(link->monitor, NULL, 0, 0);
    }
}

bool
link_send(struct link *link, const void *data, size_t size)
{
    read_events(link);
    return link->is_up && zmq_send(link->socket, data, size, ZMQ_DONTWAIT) == (int)size;
}

static bool
take_frame(struct link *link, struct text *frame)
{
    zmq_msg_t message;
    bool is_single;

    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, link->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&message);
        return false;
    }
    text_clear(frame);
    text_append_bytes(frame, zmq_msg_data(&message), zmq_msg_size(&message));
    is_single = !zmq_msg_more(&message);
    while (zmq_msg_more(&message) && zmq_msg_recv(&message, link->socket, ZMQ_DONTWAIT) >= 0) {
    }
    zmq_msg_close(&message);
    return is_single; /* our frames stand alone; what comes in parts is not ours */
}

bool
link_receive(struct link *link, int64_t wait_ms, struct text *frame)
{
    zmq_pollitem_t items[] = {{.socket = link->socket, .events = ZMQ_POLLIN},
                              {.socket = link->monitor, .events = ZMQ_POLLIN}};

    if (take_frame(link, frame)) {
        return true;
    }
    zmq_poll(items, 2, wait_ms < 0 ? 0 : (long)wait_ms);
    read_events(link);
    return take_frame(link, frame);
}
