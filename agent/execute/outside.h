/*
 * outside: the statements that PostgreSQL only runs outside a transaction, beside CREATE and DROP
 * INDEX CONCURRENTLY (concurrently.h): REINDEX CONCURRENTLY, DETACH PARTITION CONCURRENTLY, VACUUM
 * and its kind, and what its author's own query tells the outcome of. Each is looked at before it
 * is begun again, and what a broken-off one has left behind is cleared away or brought to its end.
 */
#ifndef AGENT_EXECUTE_OUTSIDE_H
#define AGENT_EXECUTE_OUTSIDE_H

#include "agent/execute/try.h"

/* Carry the running statement out, or find that this migration has done it. False: *end. */
bool outside_carry_out(struct step_try *try, const struct statement *statement, enum try_end *end);

/* Whether an intent's cursor is one of these. */
bool outside_is_cursor(const char *cursor);

/*
 * An intent without a verdict: bring to its end or clear away what it has left; *is_effective when
 * its effect is there. False when the database could not be asked.
 */
bool outside_settle(struct step_try *try, const char *cursor, bool *is_effective,
                    struct error *error);

#endif
