/*
 * single: an ordinary statement of a script that as a whole runs outside a transaction. It has a
 * transaction of its own, and in it the row of the journal that says it is done; so whoever tries
 * the script again, in this step or a later one of the same migration, goes on behind it.
 */
#ifndef AGENT_EXECUTE_SINGLE_H
#define AGENT_EXECUTE_SINGLE_H

#include "agent/execute/try.h"

/*
 * Carry the running statement out, or find that it is done. The session is our own, without the
 * migration's role and settings. False: *end says why.
 */
bool single_carry_out(struct step_try *try, const struct statement *statement, enum try_end *end);

/*
 * Append what the statements before the running one have set (SET search_path = …): each runs in a
 * session that knows none of it.
 */
void single_append_settings(const struct step_try *try, struct text *sql);

/* Whether an intent's cursor is one of these: its effect is in the database. */
bool single_is_cursor(const char *cursor);

#endif
