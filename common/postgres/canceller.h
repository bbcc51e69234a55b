/*
 * canceller: asks a server to cancel the query of a connection, without waiting for it: libpq's
 * cancel call connects anew and blocks, so it has a thread of its own. A request must be over
 * before the connection's next query is sent, or it might hit that one.
 */
#ifndef COMMON_POSTGRES_CANCELLER_H
#define COMMON_POSTGRES_CANCELLER_H

#include <stdbool.h>

#include <libpq-fe.h>

struct canceller;

/* Ask; null when that was not possible. The caller owns the result. */
struct canceller *canceller_start(PGconn *pg);

/* Whether the request is delivered, or has failed. */
bool canceller_is_over(const struct canceller *canceller);

/*
 * Wait for its end, at most wait_ms. False when it has not ended: then it goes on by itself and may
 * still hit what the connection does next.
 */
bool canceller_end(struct canceller **canceller_p, int wait_ms);

#endif
