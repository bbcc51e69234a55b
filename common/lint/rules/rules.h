/*
 * rules: the tables of this folder, one for each file, each with an empty row at its end. They are
 * put together in ../rules.c.
 */
#ifndef COMMON_LINT_RULES_RULES_H
#define COMMON_LINT_RULES_RULES_H

#include "common/lint/scene.h"

extern const struct rule rules_engine[];
extern const struct rule rules_index[];
extern const struct rule rules_column[];
extern const struct rule rules_constraint[];
extern const struct rule rules_drop[];
extern const struct rule rules_data[];
extern const struct rule rules_lock[];
extern const struct rule rules_type[];
extern const struct rule rules_migration[];
extern const struct rule rules_server[];
extern const struct rule rules_object[];
extern const struct rule rules_history[];
extern const struct rule rules_compat[];

#endif
