/*
 * network: connections between peers (agents, operators) and the coordinator, and the messages on
 * their way. A connection behaves as a ZeroMQ one over TCP: it stands or it is gone, and whoever
 * wants it back takes a new socket; what was on its way when it broke may or may not arrive. On top
 * of that come the faults that only a transport of our own can have: messages are lost, doubled,
 * late, overtaken, or arrive long after over a later connection.
 */
#ifndef TESTS_SIM_NETWORK_H
#define TESTS_SIM_NETWORK_H

#include "proto/message.h"
#include "coordinator/core/event.h"
#include "tests/sim/faults.h"
#include "tests/sim/world.h"

#define PEERS_MAX 64

struct letter;

/* One end: a process with one socket to the coordinator. */
struct peer {
    struct network *network;
    size_t index;
    struct key key;
    enum message_sender side;
    const char *name;
    void *subject;
    void (*link_up)(void *subject);
    void (*link_down)(void *subject);
    void (*receive)(void *subject, const struct message *message);
    int64_t paused_until_us; /* the process is stopped: nothing reaches it before */
    bool cut_in, cut_out;    /* the way to it, the way from it */

    bool is_up;
    uint64_t generation;  /* of the connection */
    uint64_t socket;      /* a closed socket takes what it has not handed out along */
    uint64_t incarnation; /* of the coordinator at the other end */
    int64_t last_in_us, last_out_us;
};

struct network {
    struct world *world;
    const struct faults *faults;
    struct peer *peers[PEERS_MAX];
    size_t peer_count;
    bool coordinator_is_up;
    uint64_t incarnation;
    void *coordinator;
    bool (*is_admitted)(void *coordinator, const struct peer *peer);
    void (*receive)(void *coordinator, const struct peer *peer, struct route route,
                    const struct message *message);
    uint64_t letter_count;
    struct letter *spare, *all;
};

void network_init(struct network *network, struct world *world, const struct faults *faults);
void network_release(struct network *network);

/* Make a peer known; the caller has filled key, side, name, subject and the three functions. */
void network_add(struct network *network, struct peer *peer);

/* Take a new socket and connect with it after a delay; link_up or link_down is called, once. */
void network_open(struct peer *peer, int64_t delay_us);

/* The process closes its socket, or is dead. */
void network_close(struct peer *peer);

/* The connection breaks; both ends notice. */
void network_break(struct peer *peer);

/* Cut or heal the two ways; nobody notices but by silence. */
void network_cut(struct peer *peer, bool in, bool out);

/* The peer says something to the coordinator. */
void network_say(struct peer *peer, const struct message *message);

/* The coordinator says something to whoever is at the route's end; false: nobody is there. */
bool network_answer(struct network *network, struct route route, const struct message *message);

void network_coordinator_up(struct network *network);
void network_coordinator_down(struct network *network);

#endif
