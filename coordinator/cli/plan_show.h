/*
 * plan_show: a plan as people see it: wave by wave, every target with where it is, where it goes
 * and in how many steps; and who cannot take part, and why.
 */
#ifndef COORDINATOR_CLI_PLAN_SHOW_H
#define COORDINATOR_CLI_PLAN_SHOW_H

#include <jansson.h>

#include "coordinator/cli/rollout.h"
#include "coordinator/cli/terminal.h"

/* Append the plan; of each wave at most rows_max targets. */
void plan_render(const struct planned *planned, const struct terminal *terminal, size_t rows_max,
                 struct text *out);

/* Append the SQL of every migration that at least one target takes, once each, in order. */
void plan_render_sql(const struct rollout *rollout, const struct terminal *terminal,
                     struct text *out);

/* "nothing to do: …" */
void plan_render_nothing(const struct planned *planned, struct text *out);

/* The first of the targets that are refused for the gravest reason; null when none is. */
const struct plan_leg *plan_gravest(const struct planned *planned);

json_t *plan_json(const struct planned *planned);

#endif
