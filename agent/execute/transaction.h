/*
 * transaction: one try at a step whose statements all run in one transaction, together with the row
 * that says it is applied and its journal row; docs/protocol.md, T4 to T9.
 */
#ifndef AGENT_EXECUTE_TRANSACTION_H
#define AGENT_EXECUTE_TRANSACTION_H

#include "agent/execute/try.h"

/* The target's lock is held and what is applied has been read (sitting_attend). */
enum try_end transaction_try(struct step_try *try);

/*
 * Append "BEGIN", the fence, and, behind what else is to be done at once, the checks that nothing
 * has changed since; the SELECT is left open for more columns. Once answered, with the checks as
 * the last answer, transaction_check_opening says whether the work may begin: otherwise *end says
 * why.
 */
void transaction_append_opening(const struct step_try *try, struct text *sql);
void transaction_append_checks(struct text *sql);
bool transaction_check_opening(struct step_try *try, enum try_end *end);

/*
 * Append the statement that fails when the transaction or the role is not the one it was, and takes
 * the session's settings and lock again; in front of the journal's row and the COMMIT.
 */
void transaction_append_unharmed(const struct step_try *try, struct text *sql);

/*
 * Append the beginning of that statement, up to the cases of its CASE: who has more to hold against
 * the transaction appends more, and ends it: ELSE '1' END AS integer).
 */
void transaction_append_cases(const struct step_try *try, struct text *sql);

/* The verify script of an up, in the open transaction; true when all of it holds. */
bool transaction_verify(struct step_try *try, enum try_end *end);

#endif
