/*
 * popx: a row per migration. A version of 14 digits is of an older kind: it stands for all of those
 * whose longer versions begin with it.
 */
#include "common/migration/history.h"

const struct history_tool history_popx = {
    .name = "popx",
    .layout = "popx",
    .table = "schema_migration",
    .fields = {{"version", "character varying"}, {"version_self", "integer"}},
    .key = "version",
    .prefix_size = 14,
    .append_rows = history_version_rows,
    .append_write = history_version_write,
};
