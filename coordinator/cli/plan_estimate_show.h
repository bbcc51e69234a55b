/*
 * plan_estimate_show: how long what a plan shows will take, where it takes longest, and what that
 * rests on.
 */
#ifndef COORDINATOR_CLI_PLAN_ESTIMATE_SHOW_H
#define COORDINATOR_CLI_PLAN_ESTIMATE_SHOW_H

#include <jansson.h>

#include "proto/message.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/terminal.h"

/* A line for the whole, and one for each migration that goes through tables; else nothing. */
void plan_estimate_render(const struct planned *planned, const struct terminal *terminal,
                          struct text *out);

/* "~40 s"; "" when nothing takes time; "?" when the sizes are not known. */
const char *plan_estimate_time(const struct estimate *estimate, char out[FORMAT_SIZE]);

json_t *plan_estimate_json(const struct estimate *estimate);
json_t *plan_estimate_migrations_json(const struct planned *planned);

#endif
