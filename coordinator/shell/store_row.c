/*
 * A record and its row: a column for every field of the record's shape, in its order. Numbers,
 * texts and ids are plain columns; what is nested (a run's spec, a leg's steps, an outcome) is one
 * packed value.
 */
#include <string.h>

#include "common/io/pack_field.h"

#include "coordinator/shell/store_private.h"

static const void *
record_value(const struct record *record)
{
    return &record->agent;
}

/* A shape with this one field, so that pack can be asked for it alone. */
static struct pack_shape
shape_of_field(const struct pack_shape *shape, const struct pack_field *field)
{
    return (struct pack_shape){shape->name, shape->size, field, 1};
}

static bool
is_nested(const struct pack_field *field)
{
    return field->kind == PACK_STRUCT || field->kind == PACK_LIST;
}

void
store_columns(enum record_kind kind, const char *prefix, struct text *sql)
{
    const struct pack_shape *shape = record_shape(kind);

    for (size_t i = 0; i < shape->field_count; i++) {
        text_format(sql, "%s%s\"%s\"", i ? ", " : "", prefix, shape->fields[i].name);
    }
}

void
store_selection(enum record_kind kind, const char *prefix, bool has_macs, struct text *sql)
{
    const struct store_table *table = &store_tables[kind];

    store_columns(kind, prefix, sql);
    if (table->identity && has_macs) {
        text_format(sql, ", %smac IS skein_mac('%s', ", prefix, table->name);
        store_columns(kind, prefix, sql);
        text_append(sql, ")");
    } else {
        text_append(sql, ", 1");
    }
}

static int
bind_plain(sqlite3_stmt *statement, int index, const struct pack_field *field, const void *value)
{
    switch (field->kind) {
    case PACK_UINT:
        return sqlite3_bind_int64(statement, index, (sqlite3_int64)field_uint(field, value));
    case PACK_BOOL:
        return sqlite3_bind_int(statement, index, field_bool(field, value));
    case PACK_ENUM:
        return sqlite3_bind_int(statement, index, (int)field_enum(field, value));
    case PACK_FIXED:
        return sqlite3_bind_blob(statement, index, field_at(field, value), (int)field->max,
                                 SQLITE_STATIC);
    default:
        return sqlite3_bind_text(statement, index, field_text(field, value), -1, SQLITE_STATIC);
    }
}

bool
store_bind(struct store *store, sqlite3_stmt *statement, const struct record *record,
           struct error *error)
{
    const struct pack_shape *shape = record_shape(record->kind);
    const void *value = record_value(record);
    size_t sizes[32], start = 0;
    int status = SQLITE_OK;

    /* All nested values first: the buffer may move while it grows. */
    text_clear(&store->packed);
    for (size_t i = 0; i < shape->field_count; i++) {
        if (is_nested(&shape->fields[i])) {
            struct pack_shape part = shape_of_field(shape, &shape->fields[i]);
            pack_encode(&part, value, &store->packed);
        }
        sizes[i] = store->packed.size;
    }
    for (size_t i = 0; i < shape->field_count && status == SQLITE_OK; i++) {
        if (is_nested(&shape->fields[i])) {
            status = sqlite3_bind_blob(statement, (int)i + 1, store->packed.data + start,
                                       (int)(sizes[i] - start), SQLITE_STATIC);
        } else {
            status = bind_plain(statement, (int)i + 1, &shape->fields[i], value);
        }
        start = sizes[i];
    }
    return status == SQLITE_OK || store_fail(store, status, "bind a record", error);
}

static bool
damaged(const struct pack_shape *shape, const struct pack_field *field, struct error *error)
{
    error_set(error, "E-STORE-CORRUPT", "the store holds a row that cannot be read");
    return error_where(error, "%s.%s", shape->name, field->name);
}

/* It can be read, and is not what was written. */
static bool
tampered(sqlite3_stmt *statement, int first, enum record_kind kind, struct error *error)
{
    const struct pack_field *field = &record_shape(kind)->fields[0];
    char hex[65] = "";

    error_set(error, "E-STORE-TAMPERED", "a row of the store was changed by somebody else");
    if (field->kind == PACK_FIXED && field->max <= 32) {
        text_hex(sqlite3_column_blob(statement, first), field->max, hex);
    }
    error_where(error, "%s %s", store_tables[kind].name,
                hex[0] ? hex : (const char *)sqlite3_column_text(statement, first));
    return error_hint(error, "put a backup back, with its .key and .lock files; the databases know "
                             "what was applied to them");
}

static bool
read_fixed(sqlite3_stmt *statement, int column, const struct pack_field *field, void *value)
{
    if (sqlite3_column_bytes(statement, column) != (int)field->max) {
        return false;
    }
    memcpy(field_place(field, value), sqlite3_column_blob(statement, column), field->max);
    return true;
}

static bool
read_enum(sqlite3_stmt *statement, int column, const struct pack_field *field, void *value)
{
    sqlite3_int64 number = sqlite3_column_int64(statement, column);

    field_set_enum(field, value, (unsigned)number);
    return number >= 0 && (uint64_t)number <= field->max;
}

static bool
read_text(sqlite3_stmt *statement, int column, const struct pack_field *field, void *value,
          struct arena *arena)
{
    const char *content = (const char *)sqlite3_column_text(statement, column);

    field_set_text(field, value, arena_text(arena, content));
    return content || field->kind == PACK_TEXT;
}

static bool
read_plain(sqlite3_stmt *statement, int column, const struct pack_field *field, void *value,
           struct arena *arena)
{
    switch (field->kind) {
    case PACK_UINT:
        field_set_uint(field, value, (uint64_t)sqlite3_column_int64(statement, column));
        return true;
    case PACK_BOOL:
        field_set_bool(field, value, sqlite3_column_int(statement, column) != 0);
        return true;
    case PACK_ENUM:
        return read_enum(statement, column, field, value);
    case PACK_FIXED:
        return read_fixed(statement, column, field, value);
    case PACK_TEXT:
    case PACK_NAME:
        return read_text(statement, column, field, value, arena);
    default:
        return false; /* no record has bytes or signed numbers of its own */
    }
}

/* Decoding clears the whole struct, so a list is read into one of its own and taken from there. */
static bool
read_nested(sqlite3_stmt *statement, int column, const struct pack_shape *shape,
            const struct pack_field *field, void *value, struct arena *arena)
{
    const void *data = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    struct pack_shape part = shape_of_field(shape, field);
    struct record list;
    struct error why;

    if (!pack_decode(&part, data, size, &pack_manifest_limits, arena, &list.agent, &why)) {
        return false;
    }
    if (field->kind == PACK_STRUCT) {
        memcpy(field_place(field, value), field_at(field, &list.agent), field->shape->size);
    } else {
        field_set_elements(field, value, field_elements(field, &list.agent));
        field_set_count(field, value, field_count(field, &list.agent));
    }
    return true;
}

bool
store_row(sqlite3_stmt *statement, int first, enum record_kind kind, struct arena *arena,
          struct record *record, struct error *error)
{
    const struct pack_shape *shape = record_shape(kind);

    memset(record, 0, sizeof *record);
    record->kind = kind;
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct pack_field *field = &shape->fields[i];
        int column = first + (int)i;
        bool is_read = is_nested(field)
                           ? read_nested(statement, column, shape, field, &record->agent, arena)
                           : read_plain(statement, column, field, &record->agent, arena);
        if (!is_read) {
            return damaged(shape, field, error);
        }
    }
    return sqlite3_column_int(statement, first + (int)shape->field_count) == 1 ||
           tampered(statement, first, kind, error);
}
