#include "common/sql/catalog.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/sql/catalog_store.h"

#define SEPARATOR '\x01'
#define KEY_PIECE_MAX 120

struct catalog *
catalog_new(void)
{
    struct catalog *catalog = mem_zalloc(sizeof *catalog);

    store_set_path(catalog, "public");
    return catalog;
}

void
catalog_destroy(struct catalog **catalog_p)
{
    struct catalog *catalog = *catalog_p;

    if (!catalog) {
        return;
    }
    HASH_CLEAR(hh, catalog->tables);
    HASH_CLEAR(hh, catalog->strangers);
    HASH_CLEAR(hh, catalog->indexes);
    HASH_CLEAR(hh, catalog->types);
    HASH_CLEAR(hh, catalog->things);
    HASH_CLEAR(hh, catalog->publications);
    arena_release(&catalog->arena);
    free(catalog);
    *catalog_p = NULL;
}

size_t
catalog_begin_file(struct catalog *catalog)
{
    store_set_path(catalog, "public");
    return ++catalog->file;
}

size_t
catalog_file(const struct catalog *catalog)
{
    return catalog->file;
}

const char *
catalog_schema(const struct catalog *catalog)
{
    return catalog->path_count ? catalog->path[0] : "public";
}

/* ---- search path ----------------------------------------------------------------------------- */

/* One name of "a, "B", $user" in the arena; null when there is none left. */
static const char *
next_schema(struct catalog *catalog, const char **at)
{
    const char *from = *at;

    while (*from == ' ' || *from == ',') {
        from++;
    }
    bool is_quoted = *from == '"';
    from += is_quoted;
    size_t size = strcspn(from, is_quoted ? "\"" : ", ");
    *at = from + size + (is_quoted && from[size] == '"');
    return *from ? arena_format(&catalog->arena, "%.*s", (int)size, from) : NULL;
}

void
store_set_path(struct catalog *catalog, const char *value)
{
    size_t room = 1;
    const char *schema;

    for (const char *letter = value; *letter; letter++) {
        room += *letter == ',';
    }
    catalog->path = arena_alloc(&catalog->arena, room * sizeof *catalog->path);
    catalog->path_count = 0;
    while (catalog->path_count < room && (schema = next_schema(catalog, &value))) {
        if (strcmp(schema, "$user") != 0) {
            catalog->path[catalog->path_count++] = schema;
        }
    }
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* One more piece of a key; what does not fit is cut off, far behind PostgreSQL's own 63 bytes. */
static size_t
add_to_key(char key[KEY_SIZE], size_t at, const char *piece)
{
    size_t size = strlen(piece), room = KEY_SIZE - 2 - at;

    if (at) {
        key[at++] = SEPARATOR;
        room--;
    }
    if (size > KEY_PIECE_MAX) {
        size = KEY_PIECE_MAX;
    }
    if (size > room) {
        size = room;
    }
    memcpy(key + at, piece, size);
    key[at + size] = '\0';
    return at + size;
}

void
store_key(char key[KEY_SIZE], const char *schema, const char *name)
{
    size_t at = add_to_key(key, 0, schema);
    add_to_key(key, at, name);
}

static void
set_thing_key(char key[KEY_SIZE], enum sql_object object, const char *schema, const char *name,
              const char *part)
{
    const char kind[] = {(char)('0' + (int)object), '\0'};
    size_t at = add_to_key(key, 0, kind);

    at = add_to_key(key, at, schema ? schema : "");
    at = add_to_key(key, at, name);
    add_to_key(key, at, part ? part : "");
}

/* ---- tables ---------------------------------------------------------------------------------- */

struct catalog_table *
store_find_table(const struct catalog *catalog, const char *schema, const char *name)
{
    struct table_entry *entry;
    char key[KEY_SIZE];

    store_key(key, schema, name);
    HASH_FIND_STR(catalog->tables, key, entry);
    return entry ? &entry->table : NULL;
}

struct table_entry *
store_entry(struct catalog *catalog, const char *schema, const char *name)
{
    char key[KEY_SIZE];

    store_key(key, schema, name);
    size_t size = strlen(key) + 1;
    struct table_entry *entry = arena_alloc(&catalog->arena, sizeof *entry + size);
    memcpy(entry->key, key, size);
    entry->table.schema = arena_text(&catalog->arena, schema);
    entry->table.name = arena_text(&catalog->arena, name);
    return entry;
}

struct catalog_table *
store_table(struct catalog *catalog, const char *schema, const char *name)
{
    struct table_entry *entry = store_entry(catalog, schema, name);

    entry->table.file = catalog->file;
    HASH_ADD_STR(catalog->tables, key, entry);
    stranger_remove(catalog, schema, name);
    return &entry->table;
}

void
store_remove_table(struct catalog *catalog, struct catalog_table *table)
{
    struct table_entry *entry = (struct table_entry *)(void *)table;
    HASH_DEL(catalog->tables, entry);
}

const struct catalog_table *
catalog_table(const struct catalog *catalog, const char *schema, const char *name)
{
    if (schema) {
        return store_find_table(catalog, schema, name);
    }
    for (size_t i = 0; i < catalog->path_count; i++) {
        const struct catalog_table *table = store_find_table(catalog, catalog->path[i], name);
        if (table) {
            return table;
        }
    }
    return store_find_table(catalog, "pg_temp", name);
}

const struct catalog_table *
catalog_next(const struct catalog *catalog, const struct catalog_table *previous)
{
    const struct table_entry *entry = (const struct table_entry *)(const void *)previous;
    const struct table_entry *next = entry ? entry->hh.next : catalog->tables;

    return next ? &next->table : NULL;
}

/* ---- indexes --------------------------------------------------------------------------------- */

struct catalog_index *
store_find_index(const struct catalog *catalog, const char *schema, const char *name)
{
    struct index_entry *entry;
    char key[KEY_SIZE];

    store_key(key, schema, name);
    HASH_FIND_STR(catalog->indexes, key, entry);
    return entry ? &entry->index : NULL;
}

struct catalog_index *
store_index(struct catalog *catalog, const char *schema, const char *name)
{
    char key[KEY_SIZE];

    store_key(key, schema, name);
    size_t size = strlen(key) + 1;
    struct index_entry *entry = arena_alloc(&catalog->arena, sizeof *entry + size);
    memcpy(entry->key, key, size);
    entry->index.schema = arena_text(&catalog->arena, schema);
    entry->index.index.name = arena_text(&catalog->arena, name);
    entry->index.file = catalog->file;
    HASH_ADD_STR(catalog->indexes, key, entry);
    return &entry->index;
}

void
store_remove_index(struct catalog *catalog, struct catalog_index *index)
{
    struct index_entry *entry = (struct index_entry *)(void *)index;
    HASH_DEL(catalog->indexes, entry);
}

const struct catalog_index *
catalog_index(const struct catalog *catalog, const char *schema, const char *name)
{
    if (schema) {
        return store_find_index(catalog, schema, name);
    }
    for (size_t i = 0; i < catalog->path_count; i++) {
        const struct catalog_index *index = store_find_index(catalog, catalog->path[i], name);
        if (index) {
            return index;
        }
    }
    return NULL;
}

/* ---- types ----------------------------------------------------------------------------------- */

struct catalog_type *
store_find_type(const struct catalog *catalog, const char *schema, const char *name)
{
    struct type_entry *entry;
    char key[KEY_SIZE];

    store_key(key, schema, name);
    HASH_FIND_STR(catalog->types, key, entry);
    return entry ? &entry->type : NULL;
}

struct catalog_type *
store_type(struct catalog *catalog, const char *schema, const char *name)
{
    char key[KEY_SIZE];

    store_key(key, schema, name);
    size_t size = strlen(key) + 1;
    struct type_entry *entry = arena_alloc(&catalog->arena, sizeof *entry + size);
    memcpy(entry->key, key, size);
    entry->type.schema = arena_text(&catalog->arena, schema);
    entry->type.name = arena_text(&catalog->arena, name);
    entry->type.file = catalog->file;
    HASH_ADD_STR(catalog->types, key, entry);
    return &entry->type;
}

void
store_remove_type(struct catalog *catalog, struct catalog_type *type)
{
    struct type_entry *entry = (struct type_entry *)(void *)type;
    HASH_DEL(catalog->types, entry);
}

const struct catalog_type *
catalog_type(const struct catalog *catalog, const char *schema, const char *name)
{
    if (schema) {
        return store_find_type(catalog, schema, name);
    }
    for (size_t i = 0; i < catalog->path_count; i++) {
        const struct catalog_type *type = store_find_type(catalog, catalog->path[i], name);
        if (type) {
            return type;
        }
    }
    return NULL;
}

/* ---- whatever has a name --------------------------------------------------------------------- */

static struct thing_entry *
find_thing(const struct catalog *catalog, enum sql_object object, const char *schema,
           const char *name, const char *part)
{
    struct thing_entry *entry;
    char key[KEY_SIZE];

    set_thing_key(key, object, schema, name, part);
    HASH_FIND_STR(catalog->things, key, entry);
    return entry;
}

static struct thing_entry *
thing(struct catalog *catalog, enum sql_object object, const char *schema, const char *name,
      const char *part)
{
    struct thing_entry *entry = find_thing(catalog, object, schema, name, part);
    char key[KEY_SIZE];

    if (!entry) {
        set_thing_key(key, object, schema, name, part);
        size_t size = strlen(key) + 1;
        entry = arena_alloc(&catalog->arena, sizeof *entry + size);
        memcpy(entry->key, key, size);
        HASH_ADD_STR(catalog->things, key, entry);
    }
    return entry;
}

void
store_made(struct catalog *catalog, enum sql_object object, const char *schema, const char *name,
           const char *part)
{
    struct thing_entry *entry = thing(catalog, object, schema, name, part);

    if (entry->is_lost || !entry->made) {
        entry->made = catalog->file;
    }
    entry->is_lost = false;
}

void
store_lost(struct catalog *catalog, enum sql_object object, const char *schema, const char *name,
           const char *part, const char *new_name)
{
    struct thing_entry *entry = thing(catalog, object, schema, name, part);

    entry->is_lost = true;
    entry->loss = (struct catalog_loss){.object = object,
                                        .schema = arena_text(&catalog->arena, schema),
                                        .name = arena_text(&catalog->arena, name),
                                        .part = arena_text(&catalog->arena, part),
                                        .new_name = arena_text(&catalog->arena, new_name),
                                        .file = catalog->file};
}

/* What has no schema is kept under none. */
static bool
has_schema(enum sql_object object)
{
    return object < OBJECT_CAST || object == OBJECT_COLLATION || object == OBJECT_TEXT_SEARCH;
}

/* Try the schema that is said, or those of the search path and none. */
static struct thing_entry *
look_up(const struct catalog *catalog, enum sql_object object, const char *schema, const char *name,
        const char *part)
{
    if (schema || !has_schema(object)) {
        return find_thing(catalog, object, schema, name, part);
    }
    for (size_t i = 0; i < catalog->path_count; i++) {
        struct thing_entry *entry = find_thing(catalog, object, catalog->path[i], name, part);
        if (entry) {
            return entry;
        }
    }
    return NULL;
}

size_t
catalog_made(const struct catalog *catalog, enum sql_object object, const char *schema,
             const char *name, const char *part)
{
    const struct thing_entry *entry = look_up(catalog, object, schema, name, part);
    return entry && !entry->is_lost ? entry->made : 0;
}

const struct catalog_loss *
catalog_lost(const struct catalog *catalog, enum sql_object object, const char *schema,
             const char *name, const char *part)
{
    const struct thing_entry *entry = look_up(catalog, object, schema, name, part);
    return entry && entry->is_lost ? &entry->loss : NULL;
}

bool
catalog_is_new(const struct catalog *catalog, const char *schema, const char *name)
{
    const struct catalog_table *table = catalog_table(catalog, schema, name);
    return table && table->file == catalog->file;
}

/* ---- parts of tables ------------------------------------------------------------------------- */

const struct catalog_column *
catalog_column(const struct catalog_table *table, const char *name)
{
    const struct catalog_column *column;

    LL_FOREACH(table->columns, column)
    {
        if (strcmp(column->column.name, name) == 0) {
            return column;
        }
    }
    return NULL;
}

const struct catalog_constraint *
catalog_constraint(const struct catalog_table *table, const char *name)
{
    const struct catalog_constraint *constraint;

    LL_FOREACH(table->constraints, constraint)
    {
        if (strcmp(constraint->constraint.name, name) == 0) {
            return constraint;
        }
    }
    return NULL;
}

bool
catalog_proves_not_null(const struct catalog_table *table, const char *column)
{
    const struct catalog_constraint *constraint;

    LL_FOREACH(table->constraints, constraint)
    {
        const struct sql_constraint *known = &constraint->constraint;
        if (known->is_valid && known->not_null_column &&
            strcmp(known->not_null_column, column) == 0) {
            return true;
        }
    }
    return false;
}

bool
catalog_view_reads(const struct catalog_table *view, const struct catalog_table *table,
                   const char *column)
{
    const struct catalog_kin *kin;
    bool names_column = !column || view->used_count == 0;

    for (size_t i = 0; i < view->used_count && !names_column; i++) {
        names_column = strcmp(view->used[i], column) == 0;
    }
    LL_FOREACH(view->reads, kin)
    {
        if (kin->table == table) {
            return names_column;
        }
    }
    return false;
}

const struct catalog_kin *
catalog_publication(const struct catalog *catalog, const char *name)
{
    const struct publication_entry *entry;

    HASH_FIND_STR(catalog->publications, name, entry);
    return entry ? entry->tables : NULL;
}
