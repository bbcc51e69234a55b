#include "coordinator/shell/doors_proof.h"

#include "common/base/failpoint.h"
#include "common/base/mem.h"

#define PROOF_MS 5000 /* for each of the three */
#define KNOCK "let me in"

enum verdict { VERDICT_LET_IN, VERDICT_REFUSED, VERDICT_NONE };

/* What libzmq says about the client's connection, first of the events that decide. */
static enum verdict
watch(void *monitor)
{
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};

    while (zmq_poll(&item, 1, PROOF_MS) > 0) {
        uint16_t event = 0;
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, monitor, 0) >= (int)sizeof event) {
            memcpy(&event, zmq_msg_data(&part), sizeof event);
        }
        while (zmq_msg_more(&part) && zmq_msg_recv(&part, monitor, 0) >= 0) {
        }
        zmq_msg_close(&part);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            return VERDICT_LET_IN;
        }
        if (event & (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED)) {
            return VERDICT_REFUSED;
        }
    }
    return VERDICT_NONE;
}

/* A client of the socket: with these keys, or without CURVE when they are null. */
static zsock_t *
client_new(const struct key_pair *own, const uint8_t server[KEYS_SIZE], void **monitor)
{
    static unsigned made;
    zsock_t *client = zsock_new(ZMQ_DEALER);
    char name[64];
    void *raw = zsock_resolve(client);

    zsock_set_linger(client, 0);
    if (own) {
        zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, own->public_key, KEYS_SIZE);
        zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, own->secret_key, KEYS_SIZE);
        zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, server, KEYS_SIZE);
    }
    /* A name of its own: libzmq lets go of a former one in its own time. */
    snprintf(name, sizeof name, "inproc://skein-proof-%u", ++made);
    zmq_socket_monitor(raw, name, ZMQ_EVENT_ALL);
    *monitor = zmq_socket(zsys_init(), ZMQ_PAIR);
    zmq_connect(*monitor, name);
    return client;
}

static void
client_destroy(zsock_t **client, void **monitor)
{
    zmq_socket_monitor(zsock_resolve(*client), NULL, 0);
    zmq_close(*monitor);
    zsock_destroy(client);
}

/* Without waiting: a stranger who is refused already has nobody to send to, for ever. */
static void
knock(zsock_t *client, const char *endpoint)
{
    zsock_connect(client, "%s", endpoint);
    FAILPOINT("doors-knock");
    (void)zmq_send(zsock_resolve(client), KNOCK, strlen(KNOCK), ZMQ_DONTWAIT);
}

static enum verdict
try_client(const char *endpoint, const struct key_pair *own, const uint8_t server[KEYS_SIZE])
{
    void *monitor;
    zsock_t *client = client_new(own, server, &monitor);

    knock(client, endpoint);
    enum verdict verdict = watch(monitor);
    client_destroy(&client, &monitor);
    return verdict;
}

/* Whether the next message is this text from this key, and from nobody else. */
static bool
is_heard_as(zsock_t *socket, const struct key_pair *friend)
{
    struct key key;
    zsock_set_rcvtimeo(socket, PROOF_MS);
    zmsg_t *message = zmsg_recv(socket);
    zsock_set_rcvtimeo(socket, -1);
    zframe_t *body = message && zmsg_first(message) ? zmsg_next(message) : NULL;
    bool is_heard = body && zframe_streq(body, KNOCK) &&
                    gate_read_user(zframe_meta(body, "User-Id"), &key) &&
                    memcmp(key.bytes, friend->public_key, KEY_SIZE) == 0;

    zmsg_destroy(&message);
    return is_heard;
}

static bool
prove_friend(zsock_t *socket, const char *endpoint, enum party party, struct gate *gate,
             const uint8_t server[KEYS_SIZE])
{
    struct key_pair friend;
    struct key key;
    void *monitor;

    keys_generate(&friend);
    memcpy(key.bytes, friend.public_key, KEY_SIZE);
    gate_admit(gate, party, &key);
    zsock_t *client = client_new(&friend, server, &monitor);
    knock(client, endpoint);
    bool is_heard = is_heard_as(socket, &friend);
    client_destroy(&client, &monitor);
    gate_expel(gate, party, &key);
    keys_wipe(&friend);
    return is_heard;
}

bool
doors_prove(zsock_t *socket, enum party party, const struct key_pair *keys, struct gate *gate,
            struct error *error)
{
    struct key_pair stranger;

    if (zsock_bind(socket, "tcp://127.0.0.1:*") < 0) {
        return error_set(error, "E-LISTEN", "cannot listen on the loopback address: %s",
                         zmq_strerror(zmq_errno()));
    }
    CLEANUP(mem_free) char *endpoint = zsock_last_endpoint(socket);
    keys_generate(&stranger);
    gate_prove(gate, true);
    enum verdict plain = try_client(endpoint, NULL, keys->public_key);
    enum verdict unknown = try_client(endpoint, &stranger, keys->public_key);
    gate_prove(gate, false);
    bool is_heard = prove_friend(socket, endpoint, party, gate, keys->public_key);
    keys_wipe(&stranger);
    zsock_unbind(socket, "%s", endpoint);
    if (plain != VERDICT_REFUSED || unknown != VERDICT_REFUSED || FAILPOINT_FAILS("doors-proof")) {
        error_set(error, "E-GATE-OPEN", "the door for %s does not keep strangers out",
                  gate_domains[party]);
        return error_hint(error, "this is a fault of the program or of libzmq: do not go on");
    }
    if (!is_heard) {
        return error_set(error, "E-GATE", "the door for %s lets nobody in", gate_domains[party]);
    }
    return true;
}
