/*
 * concurrently: a step that PostgreSQL does not run inside a transaction: CREATE and DROP INDEX
 * CONCURRENTLY. What is about to be done is written down first (an intent in the journal), and
 * after a crash the catalog is looked at before anything is done again.
 */
#ifndef AGENT_EXECUTE_CONCURRENTLY_H
#define AGENT_EXECUTE_CONCURRENTLY_H

#include "agent/execute/try.h"

/* The target's lock is held and what is applied has been read (sitting_attend). */
enum try_end concurrently_try(struct step_try *try);

/* Have the session as the migration wants it; and as our own rows want it. */
bool concurrently_enter(struct step_try *try);
bool concurrently_leave(struct step_try *try);

/*
 * For every step that has no transaction around it: write an intent down, which begins the step
 * under its fence; and, when all its statements have taken effect, verify and write the verdict.
 */
bool concurrently_write_intent(struct step_try *try, const char *cursor, enum try_end *end);
enum try_end concurrently_conclude(struct step_try *try);

/*
 * An intent was found without a verdict, and nobody works on it any more. When its effect is
 * complete, write that down: *is_done and the outcome. Otherwise remove a half-made index. False
 * when the database could not be asked.
 */
bool concurrently_settle(struct sitting *sitting, struct journal_row *intent, bool *is_done,
                         struct outcome *outcome, struct error *error);

#endif
