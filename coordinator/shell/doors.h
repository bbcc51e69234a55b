/*
 * doors: the two doors of the coordinator, one ROUTER socket for agents and one for operators. It
 * hands over single frames together with the key that has proved to be behind them, and sends
 * single frames without ever waiting. It knows nothing of what is said.
 *
 * Nothing sent is an acknowledgement: what matters is said again by whoever owes it.
 */
#ifndef COORDINATOR_SHELL_DOORS_H
#define COORDINATOR_SHELL_DOORS_H

#include "common/io/keys.h"

#include "coordinator/core/event.h"
#include "coordinator/shell/gate.h"

struct doors;

struct doors_options {
    const char *endpoints[PARTY_COUNT]; /* "tcp://0.0.0.0:7801"; null: this door stays shut */
    const struct key_pair *keys;        /* the coordinator's own */
};

/*
 * Open the sockets, prove that they keep strangers out, bind them. E-LISTEN when an endpoint
 * cannot be bound, E-GATE-OPEN when a stranger gets in.
 */
bool doors_open(const struct doors_options *options, struct gate *gate, struct doors **doors_p,
                struct error *error);
void doors_close(struct doors **doors_p);

/* The socket as libzmq knows it, for polling; and the endpoint it is really bound to. */
void *doors_socket(const struct doors *doors, enum party party);
const char *doors_endpoint(const struct doors *doors, enum party party);

/* A frame and who is behind it; the bytes are valid until the next doors_receive. */
struct frame {
    struct key key;
    struct route route;
    const void *data;
    size_t size;
};

/* The next frame that waits at this door; false when there is none. */
bool doors_receive(struct doors *doors, enum party party, struct frame *frame);

enum doors_sent {
    DOORS_SENT,
    DOORS_FULL, /* the peer does not read: nothing was sent */
    DOORS_GONE  /* the connection is gone: nothing was sent */
};

enum doors_sent doors_send(struct doors *doors, enum party party, struct route route,
                           const void *data, size_t size);

#endif
