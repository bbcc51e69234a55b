/*
 * plan_obstacles: what stands against a plan's steps now and what would be done about it, as people
 * and programs see it: what several targets have in common is said once.
 */
#ifndef COORDINATOR_CLI_PLAN_OBSTACLES_H
#define COORDINATOR_CLI_PLAN_OBSTACLES_H

#include <jansson.h>

#include "common/base/text.h"
#include "proto/message.h"
#include "coordinator/cli/terminal.h"

/* Append it, of the targets that take part; at most rows_max, how many more are in *left_out. */
void plan_obstacles_render(const struct planned *planned, const struct terminal *terminal,
                           size_t rows_max, size_t *left_out, struct text *out);

json_t *plan_obstacles_json(const struct plan_leg *leg);

#endif
