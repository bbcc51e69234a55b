#include "agent/shell/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/mem.h"
#include "proto/codec.h"

#define HANDSHAKE_MS 10000 /* a coordinator whose whole fleet comes back needs a while */
#define CONNECT_MS 5000
#define SEND_QUEUE 10000 /* messages it may hold back before the connection counts as lost */
#define RECEIVE_QUEUE 1000

struct agent_link {
    struct agent_link_config config;
    char *agent, *endpoint;
    void *context, *socket, *monitor;
    unsigned opened;
    bool is_lost; /* said once for every opening */
    struct error why;
    zmq_msg_t frame; /* the one received last */
};

bool
agent_link_new(const struct agent_link_config *config, struct agent_link **link_p,
               struct error *error)
{
    int major, minor, patch;

    zmq_version(&major, &minor, &patch);
    if (major * 10000 + minor * 100 + patch < 40304 || !zmq_has("curve")) {
        error_set(error, "E-LIB-VERSION", "libzmq does not do");
        error_found(error, "%d.%d.%d%s, wanted 4.3.4 or later with CURVE", major, minor, patch,
                    zmq_has("curve") ? "" : " without CURVE");
        return error_hint(error, "deploy/install-dependencies installs what is needed");
    }
    struct agent_link *link = mem_zalloc(sizeof *link);
    link->config = *config;
    link->agent = mem_text(config->agent);
    link->endpoint = mem_text(config->endpoint);
    link->context = zmq_ctx_new();
    if (!link->context) {
        agent_link_destroy(&link);
        return error_set(error, "E-RLIMIT", "no ZeroMQ context: %s", strerror(errno));
    }
    zmq_ctx_set(link->context, ZMQ_IO_THREADS, 1);
    zmq_ctx_set(link->context, ZMQ_MAX_SOCKETS, 8);
    zmq_msg_init(&link->frame);
    *link_p = link;
    return true;
}

void
agent_link_destroy(struct agent_link **link_p)
{
    struct agent_link *link = *link_p;

    if (!link) {
        return;
    }
    *link_p = NULL;
    if (link->context) {
        agent_link_close(link);
        zmq_msg_close(&link->frame);
        zmq_ctx_term(link->context);
    }
    keys_wipe(&link->config.keys);
    free(link->agent);
    free(link->endpoint);
    free(link);
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool
set_number(struct agent_link *link, int option, int value)
{
    return zmq_setsockopt(link->socket, option, &value, sizeof value) == 0;
}

static bool
set_key(struct agent_link *link, int option, const uint8_t key[KEYS_SIZE])
{
    return zmq_setsockopt(link->socket, option, key, KEYS_SIZE) == 0;
}

/* ZMTP's own heartbeats stay off: liveness is PING. */
static bool
configure(struct agent_link *link)
{
    const struct agent_link_config *config = &link->config;
    int64_t frame_max = FRAME_SIZE_MAX;

    return set_key(link, ZMQ_CURVE_SERVERKEY, config->server_key) &&
           set_key(link, ZMQ_CURVE_PUBLICKEY, config->keys.public_key) &&
           set_key(link, ZMQ_CURVE_SECRETKEY, config->keys.secret_key) &&
           set_number(link, ZMQ_LINGER, 0) && set_number(link, ZMQ_RECONNECT_IVL, -1) &&
           set_number(link, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_number(link, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) &&
           set_number(link, ZMQ_HEARTBEAT_IVL, 0) && set_number(link, ZMQ_SNDHWM, SEND_QUEUE) &&
           set_number(link, ZMQ_RCVHWM, RECEIVE_QUEUE) && set_number(link, ZMQ_TCP_KEEPALIVE, 1) &&
           zmq_setsockopt(link->socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0;
}

static bool
watch(struct agent_link *link)
{
    char name[64];
    int none = 0;

    snprintf(name, sizeof name, "inproc://link-%u", link->opened);
    link->monitor = zmq_socket(link->context, ZMQ_PAIR);
    return link->monitor &&
           zmq_socket_monitor(link->socket, name,
                              ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED |
                                  ZMQ_EVENT_CLOSED) == 0 &&
           zmq_setsockopt(link->monitor, ZMQ_LINGER, &none, sizeof none) == 0 &&
           zmq_connect(link->monitor, name) == 0;
}

bool
agent_link_open(struct agent_link *link, struct error *error)
{
    agent_link_close(link);
    link->opened++;
    link->is_lost = false;
    link->socket = zmq_socket(link->context, ZMQ_DEALER);
    if (!link->socket || !configure(link) || !watch(link) ||
        zmq_connect(link->socket, link->endpoint) < 0) {
        error_set(error, "E-NET-ENDPOINT", "cannot connect: %s", zmq_strerror(zmq_errno()));
        error_where(error, "%s", link->endpoint);
        agent_link_close(link);
        return false;
    }
    return true;
}

void
agent_link_close(struct agent_link *link)
{
    if (link->socket) {
        zmq_socket_monitor(link->socket, NULL, 0);
        zmq_close(link->socket);
        link->socket = NULL;
    }
    if (link->monitor) {
        zmq_close(link->monitor);
        link->monitor = NULL;
    }
}

bool
agent_link_is_open(const struct agent_link *link)
{
    return link->socket != NULL;
}

static int
descriptor_of(void *socket)
{
    int descriptor = -1;
    size_t size = sizeof descriptor;

    zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size);
    return descriptor;
}

int
agent_link_message_descriptor(const struct agent_link *link)
{
    return descriptor_of(link->socket);
}

int
agent_link_change_descriptor(const struct agent_link *link)
{
    return descriptor_of(link->monitor);
}

/* ---- changes ------------------------------------------------------------------------------ */

/* An event is two frames: number and value; then the endpoint. False when there is none. */
static bool
next_event(struct agent_link *link, int *number, int *value)
{
    struct {
        uint8_t bytes[6];
    } event;
    uint16_t number_16;
    int32_t value_32;
    char endpoint[256];

    if (!link->monitor ||
        zmq_recv(link->monitor, event.bytes, sizeof event.bytes, ZMQ_DONTWAIT) != 6) {
        return false;
    }
    zmq_recv(link->monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
    memcpy(&number_16, event.bytes, sizeof number_16);
    memcpy(&value_32, event.bytes + sizeof number_16, sizeof value_32);
    *number = number_16;
    *value = value_32;
    return true;
}

static void
explain(struct agent_link *link, int number, int value)
{
    struct error *why = &link->why;

    if (number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        error_set(why, "E-AUTH-KEY", "the coordinator does not let this agent's key in (%d)",
                  value);
        error_hint(why, "skein agent add %s --key FILE.pub", link->agent);
    } else if (number == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL ||
               number == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
        error_set(why, "E-KEY-SERVER-MISMATCH",
                  "the coordinator's end does not prove that it has "
                  "the configured key");
        error_hint(why, "coordinator.key must be the public key of the coordinator at this "
                        "endpoint");
    } else if (number == ZMQ_EVENT_DISCONNECTED) {
        error_set(why, "E-NET-LOST", "the connection to the coordinator is lost");
    } else {
        error_set(why, "E-NET-UNREACHABLE", "the coordinator cannot be reached");
    }
    error_where(why, "%s", link->endpoint);
}

enum agent_link_change
agent_link_change(struct agent_link *link)
{
    int number, value;

    while (!link->is_lost && next_event(link, &number, &value)) {
        if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            return AGENT_LINK_UP;
        }
        link->is_lost = true;
        explain(link, number, value);
        return AGENT_LINK_LOST;
    }
    return AGENT_LINK_SAME;
}

const struct error *
agent_link_why(const struct agent_link *link)
{
    return &link->why;
}

/* ---- frames ------------------------------------------------------------------------------- */

bool
agent_link_send(struct agent_link *link, const void *data, size_t size)
{
    return link->socket && zmq_send(link->socket, data, size, ZMQ_DONTWAIT) >= 0;
}

bool
agent_link_receive(struct agent_link *link, const void **data, size_t *size)
{
    if (!link->socket || zmq_msg_recv(&link->frame, link->socket, ZMQ_DONTWAIT) < 0) {
        return false;
    }
    *data = zmq_msg_data(&link->frame);
    *size = zmq_msg_size(&link->frame);
    return true;
}
