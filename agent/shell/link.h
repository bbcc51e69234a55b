/*
 * link: the one connection to the coordinator: a DEALER with CURVE, which knows whom it talks to
 * by the coordinator's public key. It is opened, stands or not, and is closed; connecting again is
 * the core's decision, so libzmq does not do it behind our back.
 */
#ifndef AGENT_SHELL_LINK_H
#define AGENT_SHELL_LINK_H

#include "common/io/keys.h"
#include "proto/message.h"

struct agent_link;

struct agent_link_config {
    const char *agent; /* for hints */
    const char *endpoint;
    uint8_t server_key[KEYS_SIZE];
    struct key_pair keys;
};

/* What has become of the connection. */
enum agent_link_change {
    AGENT_LINK_SAME,
    AGENT_LINK_UP,  /* both ends have proved who they are */
    AGENT_LINK_LOST /* it is gone, or could not be made; agent_link_why says more */
};

/* False with E-LIB-VERSION, E-NET-ENDPOINT. The caller owns the result; nothing is open yet. */
bool agent_link_new(const struct agent_link_config *config, struct agent_link **link_p,
                    struct error *error);
void agent_link_destroy(struct agent_link **link_p);

/* Make a socket and begin to connect; false with E-NET-ENDPOINT. */
bool agent_link_open(struct agent_link *link, struct error *error);

/* Close the socket; what was in it is gone. */
void agent_link_close(struct agent_link *link);

/* Whether there is a socket. */
bool agent_link_is_open(const struct agent_link *link);

/*
 * While it is open: descriptors that become readable when there may be messages, or a change. They
 * only tell of something new: take until there is nothing more, also after sending, before waiting.
 */
int agent_link_message_descriptor(const struct agent_link *link);
int agent_link_change_descriptor(const struct agent_link *link);

/* The next change; AGENT_LINK_SAME when there is none. */
enum agent_link_change agent_link_change(struct agent_link *link);

/* Why the last connection was lost, for people: a code and a sentence. */
const struct error *agent_link_why(const struct agent_link *link);

/* Send one frame; false when the connection does not take it. */
bool agent_link_send(struct agent_link *link, const void *data, size_t size);

/* The next frame, valid until the next call; false when there is none. */
bool agent_link_receive(struct agent_link *link, const void **data, size_t *size);

#endif
