/*
 * intent: what the journal knows of statements outside a transaction that were begun: by this step,
 * or by an earlier one of the same migration that has had no success since. The session must be our
 * own, without the migration's role.
 */
#ifndef AGENT_EXECUTE_INTENT_H
#define AGENT_EXECUTE_INTENT_H

#include "agent/execute/try.h"

/*
 * The cursor of the running statement's first intent, in the arena; null when there is none. Each
 * is false when the journal could not be read.
 */
bool intent_find(struct step_try *try, const char **cursor);

/* Whether there is one. */
bool intent_exists(struct step_try *try, bool *found);

/*
 * The last statement that was ever begun, from 1; 0: none. All before it have taken effect, and may
 * not look like it any more: ADD CONSTRAINT … USING INDEX renames the index.
 */
bool intent_reached(struct step_try *try, uint64_t *statement);

#endif
