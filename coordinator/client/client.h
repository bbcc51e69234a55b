/*
 * client: asks a coordinator, with a deadline, as often as needed: every request has an id and may
 * be said again without being done again. It learns the coordinator's cluster from its first
 * answer.
 *
 * Errors: what the coordinator has refused, as it said it; and
 *   E-NET-UNREACHABLE      nobody answers; says whether the request may have been stored
 *   E-KEY-SERVER-MISMATCH  somebody answers who has not the key of the context
 *   E-AUTH-REVOKED         the coordinator does not let this key in
 *   E-NET-INTERRUPTED      the caller wished to stop
 */
#ifndef COORDINATOR_CLIENT_CLIENT_H
#define COORDINATOR_CLIENT_CLIENT_H

#include "common/base/arena.h"
#include "proto/message.h"
#include "coordinator/client/context.h"

struct client;

/* The caller owns the result; the context is only read here. Null with E-CFG-RANGE. */
struct client *client_new(const struct context *context, int64_t timeout_ms, struct error *error);
void client_destroy(struct client **client_p);

/* How long an answer is waited for from now on. */
void client_set_timeout(struct client *client, int64_t timeout_ms);

/* Have all waits end with E-NET-INTERRUPTED as soon as is_stopped says true (after a signal). */
void client_stop_when(struct client *client, bool (*is_stopped)(void));

/*
 * Say the request and wait for the answer that belongs to it, whose texts live in the arena. The
 * request gets an id when it has none, and the cluster's.
 */
bool client_ask(struct client *client, struct message *request, struct arena *arena,
                struct message *answer, struct error *error);

/* The id of an operator's request, or of the request that an answer belongs to. */
struct id *client_request_id(struct message *message);

#endif
