/* diesel: a row per migration, with its folder's name up to the first "_", without dashes. */
#include "common/migration/history.h"

const struct history_tool history_diesel = {
    .name = "diesel",
    .layout = "diesel",
    .table = "__diesel_schema_migrations",
    .fields = {{"version", "character varying"},
               {"run_on", "timestamp without time zone|timestamp with time zone"}},
    .key = "version",
    .append_rows = history_version_rows,
    .append_write = history_version_write,
};
