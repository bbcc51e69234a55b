/*
 * batch: a step whose statements are carried out as many small transactions over ranges of a key.
 * Each batch writes how far it has come into the journal, in its own transaction: so every row is
 * changed exactly once, whatever dies when, and whoever carries the migration out next goes on at
 * the row where the last one stopped, be it the same step or another.
 */
#ifndef AGENT_EXECUTE_BATCH_H
#define AGENT_EXECUTE_BATCH_H

#include "agent/execute/try.h"

/* Whether the script is of this kind. */
bool batch_is_script(const struct script *script);

/* The target's lock is held and what is applied has been read (sitting_attend). */
enum try_end batch_try(struct step_try *try);

#endif
