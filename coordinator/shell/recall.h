/*
 * recall: answers what operators ask of the store itself: bundles to keep, and runs that are no
 * longer in the core's memory. Every request gets one answer; a store that cannot be read is an
 * answer too.
 */
#ifndef COORDINATOR_SHELL_RECALL_H
#define COORDINATOR_SHELL_RECALL_H

#include "coordinator/shell/bundles.h"

/* Whether answering the request writes to the store, so that it needs a transaction. */
bool recall_writes(const struct message *request);

/*
 * Answer OFFER, PUT, STATUS, RUNS or LOG. The answer's texts and lists are the arena's. False, with
 * nothing to be answered yet, only for an error of the store itself.
 */
bool recall_answer(struct store *store, struct bundles *bundles, const struct message *request,
                   struct arena *arena, struct message *answer, struct error *error);

/* REFUSED for an operator's request. */
void recall_refuse(const struct message *request, const struct error *error, struct arena *arena,
                   struct message *answer);

#endif
