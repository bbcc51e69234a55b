/*
 * Supabase's CLI: a row per migration with its digits, and, in newer versions, its name and the
 * statements that were run.
 */
#include "common/base/mem.h"
#include "common/migration/bundle.h"
#include "common/migration/history.h"

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY version");
}

static void
append_statements(const struct history_step *step, struct text *sql)
{
    const struct script *script = &step->migration->up;
    const char *text = bundle_script_text(step->bundle, script);

    text_append(sql, "ARRAY[");
    for (size_t i = 0; i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        CLEANUP(text_release) struct text one = {0};
        text_append_bytes(&one, text + statement->offset, statement->size);
        text_append(sql, i ? ", " : "");
        history_literal(sql, text_of(&one));
    }
    text_append(sql, "]::text[]");
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, "version", "version", sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (version, name, statements) VALUES (");
    history_key(step, "version", sql);
    text_append(sql, ", ");
    history_key(step, "name", sql);
    text_append(sql, ", ");
    append_statements(step, sql);
    text_append(sql, ");");
    return 1;
}

const struct history_tool history_supabase = {
    .name = "Supabase",
    .layout = "supabase",
    .schema = "supabase_migrations",
    .table = "schema_migrations",
    .fields = {{"version", "text"}, {"statements", "text[]"}, {"name", "text"}},
    .key = "version",
    .append_rows = append_rows,
    .append_write = append_write,
};
