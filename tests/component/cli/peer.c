#include "tests/component/cli/peer.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/mem.h"
#include "proto/codec.h"
#include "coordinator/client/client.h"

struct peer {
    void *context, *zap, *router, *stop_here, *stop_there;
    char endpoint[64];
    struct id cluster;
    struct peer_config config;
    uint8_t client_key[KEYS_SIZE];
    pthread_t thread;
};

/* One ZAP request: version, id, domain, address, identity, mechanism, key. */
static void
let_in(struct peer *peer)
{
    char frames[7][256];
    int sizes[7] = {0};
    int more = 1;
    size_t size = sizeof more;

    for (int i = 0; i < 7 && more; i++) {
        sizes[i] = zmq_recv(peer->zap, frames[i], sizeof frames[i], 0);
        zmq_getsockopt(peer->zap, ZMQ_RCVMORE, &more, &size);
    }
    bool is_known = sizes[6] == KEYS_SIZE && memcmp(frames[6], peer->client_key, KEYS_SIZE) == 0;
    zmq_send(peer->zap, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(peer->zap, frames[1], (size_t)sizes[1], ZMQ_SNDMORE);
    zmq_send(peer->zap, is_known ? "200" : "400", 3, ZMQ_SNDMORE);
    zmq_send(peer->zap, "", 0, ZMQ_SNDMORE);
    zmq_send(peer->zap, is_known ? "known" : "", is_known ? 5 : 0, ZMQ_SNDMORE);
    zmq_send(peer->zap, "", 0, 0);
}

static void
answer_frame(struct peer *peer, const void *route, size_t route_size, const void *data,
             size_t data_size)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text frame = {0};
    struct message request, answer = {0};
    struct error error;

    bool is_read = codec_decode(data, data_size, FROM_OPERATOR, &arena, &request, &error);
    assert(is_read);
    if (!peer->config.answer(peer->config.context, &request, &arena, &answer)) {
        return;
    }
    if (client_request_id(&answer)) {
        *client_request_id(&answer) = *client_request_id(&request);
    }
    answer.cluster_id = peer->cluster;
    codec_encode(&answer, &frame);
    zmq_send(peer->router, route, route_size, ZMQ_SNDMORE);
    zmq_send(peer->router, frame.data, frame.size, 0);
}

static void *
serve(void *peer_pointer)
{
    static char data[FRAME_SIZE_MAX];
    struct peer *peer = peer_pointer;
    zmq_pollitem_t items[] = {{.socket = peer->zap, .events = ZMQ_POLLIN},
                              {.socket = peer->router, .events = ZMQ_POLLIN},
                              {.socket = peer->stop_there, .events = ZMQ_POLLIN}};
    char route[256];

    while (zmq_poll(items, 3, -1) >= 0 && !(items[2].revents & ZMQ_POLLIN)) {
        if (items[0].revents & ZMQ_POLLIN) {
            let_in(peer);
        }
        if (items[1].revents & ZMQ_POLLIN) {
            int route_size = zmq_recv(peer->router, route, sizeof route, 0);
            int size = zmq_recv(peer->router, data, sizeof data, 0);
            assert(route_size > 0 && size >= 0 && (size_t)size <= sizeof data);
            answer_frame(peer, route, (size_t)route_size, data, (size_t)size);
        }
    }
    return NULL;
}

static void
must(int result)
{
    if (result != 0) {
        fprintf(stderr, "peer: %s\n", zmq_strerror(zmq_errno()));
        abort();
    }
}

struct peer *
peer_new(const struct peer_config *config)
{
    struct peer *peer = mem_zalloc(sizeof *peer);
    int yes = 1;
    size_t size = sizeof peer->endpoint;

    peer->context = zmq_ctx_new();
    peer->zap = zmq_socket(peer->context, ZMQ_REP);
    peer->router = zmq_socket(peer->context, ZMQ_ROUTER);
    peer->stop_here = zmq_socket(peer->context, ZMQ_PAIR);
    peer->stop_there = zmq_socket(peer->context, ZMQ_PAIR);
    peer->cluster = id_random();
    peer->config = *config;
    memcpy(peer->client_key, config->client_key, KEYS_SIZE);
    must(zmq_bind(peer->zap, "inproc://zeromq.zap.01"));
    must(zmq_bind(peer->stop_here, "inproc://stop"));
    must(zmq_connect(peer->stop_there, "inproc://stop"));
    must(zmq_setsockopt(peer->router, ZMQ_CURVE_SERVER, &yes, sizeof yes));
    must(zmq_setsockopt(peer->router, ZMQ_CURVE_SECRETKEY, config->server->secret_key, KEYS_SIZE));
    must(zmq_setsockopt(peer->router, ZMQ_ZAP_DOMAIN, "test", 4));
    must(zmq_bind(peer->router, "tcp://127.0.0.1:*"));
    must(zmq_getsockopt(peer->router, ZMQ_LAST_ENDPOINT, peer->endpoint, &size));
    must(pthread_create(&peer->thread, NULL, serve, peer));
    return peer;
}

void
peer_destroy(struct peer **peer_p)
{
    struct peer *peer = *peer_p;
    void *sockets[4];

    if (!peer) {
        return;
    }
    zmq_send(peer->stop_here, "", 0, 0);
    pthread_join(peer->thread, NULL);
    memcpy(sockets, (void *[]){peer->zap, peer->router, peer->stop_here, peer->stop_there},
           sizeof sockets);
    for (int i = 0; i < 4; i++) {
        int linger = 0;
        zmq_setsockopt(sockets[i], ZMQ_LINGER, &linger, sizeof linger);
        zmq_close(sockets[i]);
    }
    zmq_ctx_term(peer->context);
    free(peer);
    *peer_p = NULL;
}

const char *
peer_endpoint(const struct peer *peer)
{
    return peer->endpoint;
}

struct id
peer_cluster(const struct peer *peer)
{
    return peer->cluster;
}
