/*
 * peers: agents as the coordinator sees them, by the thousand in one process: real sockets, real
 * CURVE, a session, a heartbeat, and a target that takes every step at once and remembers it, as
 * a database would. For tests and benches of the coordinator; no PostgreSQL is behind them.
 */
#ifndef TESTS_SUPPORT_PEERS_H
#define TESTS_SUPPORT_PEERS_H

#include "common/io/keys.h"
#include "proto/message.h"

struct peers;

struct peers_options {
    const char *endpoint;
    uint8_t server_key[KEYS_SIZE];
    const struct key_pair *keys; /* one for each peer */
    size_t count;
    const struct manifest *manifest; /* what the targets know of migrations: for what is applied */
    bool fetches; /* ask for the bundle's first piece with every session's first step */
};

/* The caller owns the result. Nothing is sent before peers_turn. */
struct peers *peers_new(const struct peers_options *options);
void peers_destroy(struct peers **peers_p);

/* Take and answer what has come, say what is due; wait at most wait_ms for something to come. */
void peers_turn(struct peers *peers, int wait_ms);

/* Counted over all peers, and growing only. */
struct peers_counts {
    uint64_t welcomes, pongs, assigned, effects, results, acks, rejects, byes, chunks;
};
struct peers_counts peers_counts(const struct peers *peers);

/* How many have a session now, and how many have reported their target in it. */
size_t peers_live(const struct peers *peers);

/* How many steps have taken effect on a peer's target, and how many of those more than once. */
size_t peers_applied(const struct peers *peers, size_t index);
uint64_t peers_doubled(const struct peers *peers);

/* Visit every step that was acknowledged. */
void peers_each_acked(const struct peers *peers,
                      void (*visit)(void *context, const struct id *step_id), void *context);

#endif
