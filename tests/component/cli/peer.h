/*
 * peer: the other end of a client: a CURVE ROUTER on loopback that answers each request as the test
 * says. Not a coordinator: it knows nothing but the messages.
 */
#ifndef TESTS_COMPONENT_CLI_PEER_H
#define TESTS_COMPONENT_CLI_PEER_H

#include "common/io/keys.h"
#include "proto/message.h"

struct peer;

/* Who a peer is, whom it lets in, what it says. */
struct peer_config {
    const struct key_pair *server;
    const uint8_t *client_key;
    /*
     * Fill the answer to a request; its texts may live in the arena. False: stay silent. Called in
     * the peer's thread, one request after the other. The request's id is filled in.
     */
    bool (*answer)(void *context, const struct message *request, struct arena *arena,
                   struct message *answer);
    void *context;
};

/* Listens when it returns. */
struct peer *peer_new(const struct peer_config *config);
void peer_destroy(struct peer **peer_p);

/* "tcp://127.0.0.1:PORT"; the peer's cluster. */
const char *peer_endpoint(const struct peer *peer);
struct id peer_cluster(const struct peer *peer);

#endif
