/*
 * Tools whose layouts cannot be read, or whose migrations are programs: their tables are
 * recognised, so that nobody works past them unawares.
 */
#include "common/migration/history.h"

static void
append_names(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT name::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY id");
}

static void
append_versions(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " WHERE version > 0 ORDER BY id");
}

const struct history_tool history_typeorm = {
    .name = "TypeORM",
    .table = "migrations",
    .fields = {{"id", "integer"}, {"timestamp", "bigint"}, {"name", "character varying"}},
    .key = "name",
    .append_rows = append_names,
};

const struct history_tool history_postgres_migrations = {
    .name = "postgres-migrations",
    .table = "migrations",
    .fields = {{"id", "integer"},
               {"name", "character varying"},
               {"hash", "character varying"},
               {"executed_at", "timestamp without time zone|timestamp with time zone"}},
    .key = "name",
    .append_rows = append_names,
};

const struct history_tool history_go_pg = {
    .name = "go-pg",
    .table = "gopg_migrations",
    .fields = {{"id", "integer|bigint"},
               {"version", "bigint"},
               {"created_at", "timestamp with time zone"}},
    .key = "version",
    .append_rows = append_versions,
};
