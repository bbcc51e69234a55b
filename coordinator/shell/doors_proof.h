/*
 * doors_proof: shows, before a socket is opened to the world, that it keeps strangers out and lets
 * friends in under their own name. CURVE fails open, silently, when any of its conditions is
 * forgotten; so it is tried at every start instead of being believed.
 */
#ifndef COORDINATOR_SHELL_DOORS_PROOF_H
#define COORDINATOR_SHELL_DOORS_PROOF_H

#include <czmq.h>

#include "common/io/keys.h"

#include "coordinator/shell/gate.h"

/*
 * Bind the socket to a loopback address of its own for the moment, and try: a client without
 * CURVE and one with an unknown key must be refused, one with an admitted key must be heard as
 * that key. False with E-GATE-OPEN or E-GATE.
 */
bool doors_prove(zsock_t *socket, enum party party, const struct key_pair *keys, struct gate *gate,
                 struct error *error);

#endif
