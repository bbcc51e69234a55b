#include "common/migration/history.h"

#include <string.h>

const struct history_tool *const history_tools[] = {
    &history_golang_migrate,
    &history_dbmate,
    &history_goose,
    &history_sql_migrate,
    &history_flyway,
    &history_sqitch,
    &history_diesel,
    &history_sqlx,
    &history_prisma,
    &history_supabase,
    &history_node_pg_migrate,
    &history_graphile_migrate,
    &history_drizzle,
    &history_maragu,
    &history_popx,
    &history_sourcegraph,
    &history_typeorm,
    &history_postgres_migrations,
    &history_go_pg,
    NULL,
};

const struct history_tool *
history_of_layout(const char *layout)
{
    for (size_t i = 0; history_tools[i]; i++) {
        if (text_equal(history_tools[i]->layout, layout)) {
            return history_tools[i];
        }
    }
    return NULL;
}

/* ---- recognising ----------------------------------------------------------------------------- */

/* Whether `word` is one of the words between the bars. */
static bool
is_one_of(const char *word, const char *words)
{
    size_t size = strlen(word);

    for (const char *at = words; *at;) {
        size_t next = strcspn(at, "|");
        if (next == size && memcmp(at, word, size) == 0) {
            return true;
        }
        at += next + (at[next] == '|');
    }
    return false;
}

static const struct history_field *
field_named(const struct history_tool *tool, const char *name)
{
    for (const struct history_field *field = tool->fields; field->name; field++) {
        if (strcmp(field->name, name) == 0) {
            return field;
        }
    }
    return NULL;
}

bool
history_fits(const struct history_tool *tool, const char *schema, const char *table,
             const struct history_found *columns, size_t column_count)
{
    size_t wanted = 0, had = 0;

    if (table &&
        (strcmp(tool->table, table) != 0 || (tool->schema && strcmp(tool->schema, schema) != 0))) {
        return false;
    }
    while (tool->fields[wanted].name) {
        wanted++;
    }
    for (size_t i = 0; i < column_count; i++) {
        const struct history_field *field = field_named(tool, columns[i].name);
        if (field ? !is_one_of(columns[i].type, field->types) : !columns[i].is_optional) {
            return false;
        }
        had += field != NULL;
    }
    return had == wanted;
}

/* ---- into SQL -------------------------------------------------------------------------------- */

/* With a backslash in it the E form means the same under every setting. */
void
history_literal(struct text *sql, const char *value)
{
    if (!value) {
        text_append(sql, "NULL");
        return;
    }
    text_append(sql, strchr(value, '\\') ? " E'" : "'");
    for (const char *byte = value; *byte; byte++) {
        if (*byte == '\'' || *byte == '\\') {
            text_append_bytes(sql, byte, 1);
        }
        text_append_bytes(sql, byte, 1);
    }
    text_append(sql, "'");
}

void
history_identifier(struct text *sql, const char *name)
{
    text_append(sql, "\"");
    for (const char *byte = name; *byte; byte++) {
        if (*byte == '"') {
            text_append(sql, "\"");
        }
        text_append_bytes(sql, byte, 1);
    }
    text_append(sql, "\"");
}

void
history_sister(const struct history_place *place, const char *table, struct text *sql)
{
    history_identifier(sql, place->schema);
    text_append(sql, ".");
    history_identifier(sql, table);
}

void
history_table(const struct history_place *place, struct text *sql)
{
    history_sister(place, place->table, sql);
}

void
history_key(const struct history_step *step, const char *name, struct text *sql)
{
    history_literal(sql, migration_key(step->migration, name));
}

size_t
history_delete(const struct history_step *step, const char *column, const char *key,
               struct text *sql)
{
    text_append(sql, "DELETE FROM ");
    history_table(step->place, sql);
    text_format(sql, " WHERE %s = ", column);
    history_key(step, key, sql);
    text_append(sql, ";");
    return 1;
}

size_t
history_insert_or_delete(const struct history_step *step, const char *column, const char *key,
                         struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        return history_delete(step, column, key, sql);
    }
    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_format(sql, " (%s) VALUES (", column);
    history_key(step, key, sql);
    text_append(sql, ");");
    return 1;
}

void
history_version_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT version::text, NULL::text, 'applied', NULL::text FROM ");
    history_table(place, sql);
    text_append(sql, " ORDER BY version");
}

size_t
history_version_write(const struct history_step *step, struct text *sql)
{
    return history_insert_or_delete(step, "version", "version", sql);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static const char *
without_zeros(const char *number)
{
    while (number[0] == '0' && number[1]) {
        number++;
    }
    return number;
}

static bool
is_number(const char *text)
{
    return text[0] && text[strspn(text, "0123456789")] == '\0';
}

bool
history_same_key(const char *a, const char *b)
{
    if (is_number(a) && is_number(b)) {
        return strcmp(without_zeros(a), without_zeros(b)) == 0;
    }
    return strcmp(a, b) == 0;
}

uint32_t
history_crc32(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}
