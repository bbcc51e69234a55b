/*
 * gate: who may come in. Its thread answers every CURVE handshake (ZAP, RFC 27): a key that is in
 * the table of the socket's domain gets in and is named by the key itself, everyone else is
 * refused. The loop asks the same table again for every message, because a connection outlives
 * the right to it.
 *
 * One gate per process and before any socket is bound: libzmq has one handler for all sockets, and
 * lets everybody in when there is none.
 */
#ifndef COORDINATOR_SHELL_GATE_H
#define COORDINATOR_SHELL_GATE_H

#include "common/base/error.h"
#include "proto/message.h"

/* The ZAP domain of the socket of each party. */
extern const char *const gate_domains[PARTY_COUNT];

#define GATE_USER_SIZE (2 * KEY_SIZE + 1) /* the key in hex: what a frame's User-Id says */

struct gate;

/* Start the handler. False with E-GATE when another one runs in this process. */
bool gate_open(struct gate **gate_p, struct error *error);
void gate_close(struct gate **gate_p);

/* The key may connect as this party, from the next handshake and message on; or may not any more.
 */
void gate_admit(struct gate *gate, enum party party, const struct key *key);
void gate_expel(struct gate *gate, enum party party, const struct key *key);

/* Whether the key may speak as this party now. */
bool gate_allows(const struct gate *gate, enum party party, const struct key *key);

/* The key behind a frame's User-Id; false for anything that is not one of ours. */
bool gate_read_user(const char *user, struct key *key);

/* How many handshakes were refused since the start. */
uint64_t gate_refused_count(struct gate *gate);

/* The strangers who knock now are our own, sent to see that they are refused: not worth a word. */
void gate_prove(struct gate *gate, bool is_proving);

#endif
