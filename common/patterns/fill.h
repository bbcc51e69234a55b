/*
 * fill: a pattern and what somebody says about it become the texts of migrations.
 *
 * In a script stand {param}: the value as SQL; {param.bare}: to be put into a name or a comment;
 * {table.schema} and {table.name}: the parts of a table, {param.text} and {param.plain}: the SQL,
 * and the name without quotes, as a literal; {param.words}: in capitals, "_" as a blank;
 * {param: text}: text for each piece of a list, with @ for the piece and @@ for its type, divided
 * by commas. A default may hold the same; in a default of a name {param} is {param.bare}.
 */
#ifndef COMMON_PATTERNS_FILL_H
#define COMMON_PATTERNS_FILL_H

#include "common/base/arena.h"
#include "common/migration/error_list.h"
#include "common/patterns/pattern.h"

struct filled_migration {
    const char *name;
    const char *up, *down, *verify; /* whole files; null when there is none */
};

struct filled {
    struct filled_migration *migrations;
    size_t count;
};

/*
 * `settings` are "name=value", as they stand behind --set. All that is wrong is added to the
 * errors: E-PATTERN-SET, -PARAM, -DUP, -MISSING, -VALUE; false then. The texts live in the arena.
 */
bool pattern_fill(const struct pattern *pattern, const char *const *settings, size_t setting_count,
                  struct arena *arena, struct filled *filled, struct error_list *errors);

#endif
