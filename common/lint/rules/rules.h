/*
 * rules: the tables of this folder, one for each file, each with an empty row at its end. They are
 * put together in ../rules.c.
 */
#ifndef COMMON_LINT_RULES_RULES_H
#define COMMON_LINT_RULES_RULES_H

#include "common/lint/look.h"

extern const struct rule rules_engine[];
extern const struct rule rules_index[];

#endif
