#include "coordinator/shell/doors.h"

#include <czmq.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "proto/codec.h"

#include "coordinator/shell/doors_proof.h"

#define ENFORCE_DOMAIN                                                                             \
    93                    /* ZMQ_ZAP_ENFORCE_DOMAIN: Debian's header hides it, the library has it  \
                           */
#define HANDSHAKE_MS 5000 /* silent connections give their descriptor back after this */
#define BACKLOG 4096      /* a whole fleet comes back at once */
#define SEND_QUEUE 1000   /* messages for one peer that does not read */
#define CURVE_SIZE 1024   /* more than what CURVE adds to a frame */
#define ROUTE_SIZE 5      /* of the ids that libzmq gives: a zero byte and a number */

struct doors {
    struct gate *gate;
    zsock_t *sockets[PARTY_COUNT];
    char *endpoints[PARTY_COUNT];
    zmq_msg_t body; /* what the last frame's bytes belong to */
};

/* ---- opening -------------------------------------------------------------------------------- */

static bool
set_number(zsock_t *socket, int option, int value, struct error *error)
{
    if (zmq_setsockopt(zsock_resolve(socket), option, &value, sizeof value) < 0) {
        return error_set(error, "E-LIB-VERSION", "libzmq refuses option %d: %s", option,
                         zmq_strerror(zmq_errno()));
    }
    return true;
}

/*
 * CURVE lets everybody in unless a handler answers and the domain is enforced; ROUTER drops
 * without a word unless it is told to be strict. ZMTP's own heartbeats stay off: liveness is PING.
 */
static bool
harden(zsock_t *socket, enum party party, const struct key_pair *keys, struct error *error)
{
    void *raw = zsock_resolve(socket);
    const char *domain = gate_domains[party];

    if (zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, keys->secret_key, KEYS_SIZE) < 0 ||
        zmq_setsockopt(raw, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) < 0) {
        return error_set(error, "E-LIB-VERSION", "libzmq refuses CURVE: %s",
                         zmq_strerror(zmq_errno()));
    }
    int64_t frame_max = FRAME_SIZE_MAX + CURVE_SIZE; /* it counts what is on the wire */
    if (zmq_setsockopt(raw, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) < 0) {
        return error_set(error, "E-LIB-VERSION", "libzmq refuses a size limit");
    }
    return set_number(socket, ZMQ_CURVE_SERVER, 1, error) &&
           set_number(socket, ENFORCE_DOMAIN, 1, error) &&
           set_number(socket, ZMQ_ROUTER_MANDATORY, 1, error) &&
           set_number(socket, ZMQ_ROUTER_HANDOVER, 0, error) &&
           set_number(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS, error) &&
           set_number(socket, ZMQ_BACKLOG, BACKLOG, error) &&
           set_number(socket, ZMQ_SNDHWM, SEND_QUEUE, error) &&
           set_number(socket, ZMQ_HEARTBEAT_IVL, 0, error) &&
           set_number(socket, ZMQ_LINGER, 0, error);
}

static bool
open_door(struct doors *doors, enum party party, const struct doors_options *options,
          struct error *error)
{
    /* Routing ids count on from rand(): whoever could guess the next one could take it. */
    struct random random = random_from_system();
    srand((unsigned)random_next(&random));
    zsock_t *socket = zsock_new(ZMQ_ROUTER);
    doors->sockets[party] = socket;

    if (!harden(socket, party, options->keys, error) ||
        !doors_prove(socket, party, options->keys, doors->gate, error)) {
        return false;
    }
    if (zsock_bind(socket, "%s", options->endpoints[party]) < 0) {
        error_set(error, "E-LISTEN", "cannot listen for %s: %s", gate_domains[party],
                  zmq_strerror(zmq_errno()));
        return error_where(error, "%s", options->endpoints[party]);
    }
    char *endpoint = zsock_last_endpoint(socket);
    doors->endpoints[party] = mem_text(endpoint);
    freen(endpoint);
    return true;
}

bool
doors_open(const struct doors_options *options, struct gate *gate, struct doors **doors_p,
           struct error *error)
{
    struct doors *doors = mem_zalloc(sizeof *doors);

    doors->gate = gate;
    zmq_msg_init(&doors->body);
    for (enum party party = 0; party < PARTY_COUNT; party++) {
        if (options->endpoints[party] && !open_door(doors, party, options, error)) {
            doors_close(&doors);
            return false;
        }
    }
    *doors_p = doors;
    return true;
}

void
doors_close(struct doors **doors_p)
{
    struct doors *doors = *doors_p;

    if (!doors) {
        return;
    }
    for (enum party party = 0; party < PARTY_COUNT; party++) {
        zsock_destroy(&doors->sockets[party]);
        free(doors->endpoints[party]);
    }
    zmq_msg_close(&doors->body);
    free(doors);
    *doors_p = NULL;
}

void *
doors_socket(const struct doors *doors, enum party party)
{
    return zsock_resolve(doors->sockets[party]);
}

const char *
doors_endpoint(const struct doors *doors, enum party party)
{
    return doors->endpoints[party];
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Throw away what is left of a message of several frames. */
static void
skip_rest(void *socket, zmq_msg_t *part)
{
    while (zmq_msg_more(part) && zmq_msg_recv(part, socket, ZMQ_DONTWAIT) >= 0) {
    }
}

/* The number in a routing id of libzmq's own; ids that peers chose themselves are none. */
static bool
read_route(zmq_msg_t *part, struct route *route)
{
    const unsigned char *bytes = zmq_msg_data(part);

    route->number = 0;
    if (zmq_msg_size(part) != ROUTE_SIZE || bytes[0] != 0) {
        return false;
    }
    for (int i = 1; i < ROUTE_SIZE; i++) {
        route->number = route->number << 8 | bytes[i];
    }
    return true;
}

/*
 * One message: routing id and a single body. *is_ours is false when it is anything else; false is
 * returned when nothing waits. Only the body's User-Id may be trusted, and only here: libzmq
 * loses it on the first frame after a poll, and on every copy.
 */
static bool
receive_one(struct doors *doors, void *socket, struct frame *frame, bool *is_ours)
{
    *is_ours = false;
    if (zmq_msg_recv(&doors->body, socket, ZMQ_DONTWAIT) < 0) {
        return false;
    }
    bool has_route = read_route(&doors->body, &frame->route);
    if (!zmq_msg_more(&doors->body) || zmq_msg_recv(&doors->body, socket, ZMQ_DONTWAIT) < 0) {
        return true;
    }
    if (!has_route || zmq_msg_more(&doors->body)) {
        skip_rest(socket, &doors->body);
        return true;
    }
    *is_ours = gate_read_user(zmq_msg_gets(&doors->body, "User-Id"), &frame->key);
    frame->data = zmq_msg_data(&doors->body);
    frame->size = zmq_msg_size(&doors->body);
    return true;
}

bool
doors_receive(struct doors *doors, enum party party, struct frame *frame)
{
    void *socket = doors_socket(doors, party);
    bool is_ours;

    /* Bounded: a peer that sends nothing but rubbish must not hold the loop. */
    for (int i = 0; i < 100 && receive_one(doors, socket, frame, &is_ours); i++) {
        if (is_ours) {
            return true;
        }
        log_debug("a message that is no single frame of a known key was dropped");
    }
    return false;
}

/* ---- sending -------------------------------------------------------------------------------- */

/* The routing id goes first; when it is taken, so is the rest. */
static enum doors_sent
send_route(void *socket, struct route route)
{
    unsigned char bytes[ROUTE_SIZE] = {0};

    for (int i = 1; i < ROUTE_SIZE; i++) {
        bytes[i] = (unsigned char)(route.number >> (8 * (ROUTE_SIZE - 1 - i)));
    }
    if (zmq_send(socket, bytes, sizeof bytes, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0) {
        return DOORS_SENT;
    }
    return zmq_errno() == EAGAIN ? DOORS_FULL : DOORS_GONE;
}

enum doors_sent
doors_send(struct doors *doors, enum party party, struct route route, const void *data, size_t size)
{
    void *socket = doors_socket(doors, party);
    enum doors_sent sent = send_route(socket, route);

    if (sent == DOORS_SENT && zmq_send(socket, data, size, ZMQ_DONTWAIT) < 0) {
        return DOORS_GONE;
    }
    return sent;
}
