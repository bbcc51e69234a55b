/*
 * cost: what a step has cost the application, in words and as JSON: which locks it took, who waited
 * behind it, whom it waited for.
 */
#ifndef COORDINATOR_CLI_COST_H
#define COORDINATOR_CLI_COST_H

#include <jansson.h>

#include "common/base/text.h"
#include "common/migration/outcome.h"

/*
 * "waited 7.0 s for pid 4711 (billing), 3 tries for locks", and what was warned of; nothing when
 * there is nothing to say.
 */
void cost_append_step(const struct outcome *outcome, struct text *out);

/* "ACCESS EXCLUSIVE on users 12 ms, rewritten; 3 waited 40 ms; 1.2 MiB of WAL". */
void cost_append_statement(const struct outcome *outcome, const struct statement_outcome *statement,
                           struct text *out);

/* "ACCESS EXCLUSIVE" */
const char *cost_lock_name(enum table_lock mode);

/* Lists; the caller owns them. */
json_t *cost_locks_json(const struct outcome *outcome);
json_t *cost_warnings_json(const struct outcome *outcome);
json_t *cost_blockers_json(const struct outcome *outcome);

#endif
