/* dbmate: a row per applied migration, with the digits that its file's name begins with. */
#include "common/migration/history.h"

const struct history_tool history_dbmate = {
    .name = "dbmate",
    .layout = "dbmate",
    .table = "schema_migrations",
    .fields = {{"version", "character varying|text"}},
    .key = "version",
    .append_rows = history_version_rows,
    .append_write = history_version_write,
};
