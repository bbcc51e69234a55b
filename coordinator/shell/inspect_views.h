/*
 * inspect_views: targets, agents and operators as the store has them, for a coordinator without a
 * core. Nobody is connected to it, so no target is reachable and no agent there.
 */
#ifndef COORDINATOR_SHELL_INSPECT_VIEWS_H
#define COORDINATOR_SHELL_INSPECT_VIEWS_H

#include "coordinator/shell/store.h"

/*
 * Answer TARGETS, AGENTS or OPERATORS; the answer's memory is the arena's. False with an error of
 * the store or of the request.
 */
bool inspect_view(struct store *store, const struct message *request, struct arena *arena,
                  struct message *answer, struct error *error);

#endif
