/*
 * intruder: speaks ZMTP and CURVE by hand over a TCP connection, so that it can lie where libzmq
 * would not: in the greeting, in the metadata, in the frames.
 */
#ifndef TESTS_SUPPORT_INTRUDER_H
#define TESTS_SUPPORT_INTRUDER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/io/keys.h"

/* A connection to a port of this machine; every read from it waits a second at most. */
int intruder_connect(int port);

/* Whether the other side closes the connection within wait_ms; what it sends is thrown away. */
bool intruder_is_cut_off(int connection, int wait_ms);

/* A ZMTP 3.0 greeting that names this mechanism; true when one came back. */
bool intruder_greet(int connection, const char *mechanism);

/* One property that the client claims about itself. */
struct intruder_claim {
    const char *name, *value;
};

struct intruder {
    int connection;
    uint8_t server_transient[32], own_transient[32]; /* public of the server, secret of ours */
    uint64_t nonce;
};

/* The whole CURVE handshake; false when it is refused. */
bool intruder_enter(struct intruder *intruder, int port, const uint8_t server_key[KEYS_SIZE],
                    const struct key_pair *keys, const struct intruder_claim *claims,
                    size_t claim_count);

/* One encrypted message of a single part. */
void intruder_say(struct intruder *intruder, const char *text);

#endif
