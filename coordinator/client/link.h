/*
 * link: one encrypted connection to a coordinator's operators' socket, and what is known about it:
 * never reached, reached but not recognised, turned away, up. It reconnects by itself; nothing is
 * queued while it is down. A frame that was taken by link_send may have arrived, one that was not
 * has not.
 */
#ifndef COORDINATOR_CLIENT_LINK_H
#define COORDINATOR_CLIENT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"
#include "common/io/keys.h"

struct link;

enum link_state {
    LINK_UNREACHED, /* no connection was made */
    LINK_STRANGER,  /* connected more than once, and every handshake failed: another key is there */
    LINK_REFUSED,   /* it is the right one, and it does not let our key in */
    LINK_CONNECTING,
    LINK_UP
};

/* The caller owns the result; it connects from now on. Null when the endpoint is none. */
struct link *link_new(const char *endpoint, const uint8_t server_key[KEYS_SIZE],
                      const struct key_pair *pair);
void link_destroy(struct link **link_p);

enum link_state link_state(const struct link *link);

/* How often the connection came up: a change means that whoever was there may have forgotten us. */
unsigned link_sessions(const struct link *link);

/* Hand a frame over; false when the link is down: nothing of it leaves. */
bool link_send(struct link *link, const void *data, size_t size);

/*
 * Wait until a frame has come or the state has changed, at most wait_ms (or until a signal).
 * True with the frame in *frame, whose former content is lost; false when there is none.
 */
bool link_receive(struct link *link, int64_t wait_ms, struct text *frame);

#endif
