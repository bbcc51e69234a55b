/*
 * pattern_show: the library of patterns as people read it: the list, one explained, all of it as a
 * page of Markdown (docs/patterns.md).
 */
#ifndef COORDINATOR_CLI_PATTERN_SHOW_H
#define COORDINATOR_CLI_PATTERN_SHOW_H

#include <jansson.h>

#include "common/patterns/pattern.h"
#include "coordinator/cli/terminal.h"

void pattern_show_list(const struct library *library, const struct terminal *terminal,
                       struct text *out);
void pattern_show_one(const struct pattern *pattern, const struct terminal *terminal,
                      struct text *out);
void pattern_show_markdown(const struct library *library, struct text *out);

/* Name, title, parameters, migrations. */
json_t *pattern_show_json(const struct pattern *pattern);

#endif
