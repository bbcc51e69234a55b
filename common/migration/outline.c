#include "common/migration/outline.h"

#include <string.h>

#include "common/base/text.h"

#define RELATION_SIZE_MAX 256 /* no table has a longer name */
#define NAME_SIZE_MAX 64

static const char *const directions[] = {"up", "down"};
static const char *const work_kinds[] = {"scan", "index", "write", "rewrite"};

static const struct pack_field outline_table_fields[] = {
    PACK_FIELD_NAME(struct outline_table, relation, RELATION_SIZE_MAX),
    PACK_FIELD_ENUM(struct outline_table, mode, TABLE_LOCK_COUNT - 1),
    PACK_FIELD_BOOL(struct outline_table, needs_owner),
    PACK_FIELD_UINT(struct outline_table, statement, INT32_MAX),
};
static const struct pack_shape outline_table_shape =
    PACK_SHAPE(struct outline_table, outline_table_fields);

static const struct pack_field outline_work_fields[] = {
    PACK_FIELD_NAME(struct outline_work, schema, NAME_SIZE_MAX),
    PACK_FIELD_NAME(struct outline_work, table, NAME_SIZE_MAX),
    PACK_FIELD_NAMED_ENUM(struct outline_work, kind, work_kinds),
};
static const struct pack_shape outline_work_shape =
    PACK_SHAPE(struct outline_work, outline_work_fields);

static const struct pack_field outline_schema_fields[] = {
    PACK_FIELD_TEXT(struct outline_schema, name, NAME_SIZE_MAX),
};
static const struct pack_shape outline_schema_shape =
    PACK_SHAPE(struct outline_schema, outline_schema_fields);

static const struct pack_field outline_fields[] = {
    PACK_FIELD_NAME(struct outline, version, 128),
    PACK_FIELD_NAMED_ENUM(struct outline, direction, directions),
    PACK_FIELD_LIST(struct outline, tables, table_count, outline_table_shape, OUTLINE_TABLES_MAX),
    PACK_FIELD_LIST(struct outline, works, work_count, outline_work_shape, OUTLINE_WORKS_MAX),
    PACK_FIELD_LIST(struct outline, schemas, schema_count, outline_schema_shape,
                    OUTLINE_SCHEMAS_MAX),
};
const struct pack_shape outline_shape = PACK_SHAPE(struct outline, outline_fields);

/* ---- the tables ------------------------------------------------------------------------------ */

void
outline_want(struct outline_table *tables, size_t *count, size_t max,
             const struct outline_table *table)
{
    for (size_t i = 0; i < *count; i++) {
        struct outline_table *known = &tables[i];
        if (strcmp(known->relation, table->relation) == 0) {
            known->mode = table->mode > known->mode ? table->mode : known->mode;
            known->needs_owner = known->needs_owner || table->needs_owner;
            return;
        }
    }
    if (*count < max) {
        tables[(*count)++] = *table;
    }
}

/* SET, or set_config(): behind it a name without its schema may mean something else. */
static bool
may_set(const struct statement *statement)
{
    return text_equal(statement->tag, "SET") || text_equal(statement->tag, "SELECT");
}

static bool
needs_owner(const struct statement *statement, const struct wanted_lock *lock, bool has_set)
{
    bool alters =
        lock->mode == TABLE_LOCK_ACCESS_EXCLUSIVE && text_equal(statement->tag, "ALTER TABLE");
    bool is_known = !has_set || strchr(lock->relation, '.');

    return is_known && (alters || text_equal(statement->tag, "CREATE INDEX"));
}

size_t
outline_tables(const struct script *script, struct outline_table *tables, size_t max)
{
    size_t count = 0;
    bool has_set = false;

    for (size_t i = 0; i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        has_set = has_set || may_set(statement);
        for (size_t k = 0; k < statement->lock_count; k++) {
            const struct wanted_lock *lock = &statement->locks[k];
            struct outline_table table = {.relation = lock->relation,
                                          .mode = lock->mode,
                                          .needs_owner = needs_owner(statement, lock, has_set),
                                          .statement = i};
            /* Nobody in an application waits behind a weaker one. */
            if (lock->mode >= TABLE_LOCK_SHARE) {
                outline_want(tables, &count, max, &table);
            }
        }
    }
    return count;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static size_t
outline_works(const struct script *script, struct outline_work *works)
{
    size_t count = 0;

    for (size_t i = 0; i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        for (size_t k = 0; k < statement->work_count && count < OUTLINE_WORKS_MAX; k++) {
            const struct statement_work *work = &statement->works[k];
            if (strlen(work->schema) <= NAME_SIZE_MAX && strlen(work->table) <= NAME_SIZE_MAX) {
                works[count++] = (struct outline_work){work->schema, work->table, work->kind};
            }
        }
    }
    return count;
}

static bool
is_told(const struct outline_schema *schemas, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(schemas[i].name, name)) {
            return true;
        }
    }
    return false;
}

static size_t
outline_schemas(const struct script *script, struct outline_schema *schemas)
{
    size_t count = 0;
    bool has_set = false;

    for (size_t i = 0; i < script->statement_count && count < OUTLINE_SCHEMAS_MAX; i++) {
        const struct statement *statement = &script->statements[i];
        const char *name = statement->creates_in;
        has_set = has_set || may_set(statement);
        if (!name || (has_set && !name[0]) || strlen(name) > NAME_SIZE_MAX) {
            continue;
        }
        name = name[0] ? name : NULL;
        if (!is_told(schemas, count, name)) {
            schemas[count++].name = name;
        }
    }
    return count;
}

static void
drop_overlong(struct outline *outline)
{
    size_t kept = 0;

    for (size_t i = 0; i < outline->table_count; i++) {
        if (strlen(outline->tables[i].relation) <= RELATION_SIZE_MAX) {
            outline->tables[kept++] = outline->tables[i];
        }
    }
    outline->table_count = kept;
}

bool
outline_is_empty(const struct outline *outline)
{
    return !outline->table_count && !outline->work_count && !outline->schema_count;
}

struct outline
outline_of(const struct migration *migration, enum direction direction, struct arena *arena)
{
    const struct script *script = migration_script(migration, direction);
    struct outline_table tables[OUTLINE_TABLES_MAX];
    struct outline_work works[OUTLINE_WORKS_MAX];
    struct outline_schema schemas[OUTLINE_SCHEMAS_MAX];
    struct outline outline = {.version = migration->version,
                              .direction = direction,
                              .tables = tables,
                              .works = works,
                              .schemas = schemas};
    struct outline copy = {.direction = direction};

    if (script) {
        outline.table_count = outline_tables(script, tables, OUTLINE_TABLES_MAX);
        outline.work_count = outline_works(script, works);
        outline.schema_count = outline_schemas(script, schemas);
        drop_overlong(&outline);
    }
    if (!outline_is_empty(&outline)) {
        pack_copy(&outline_shape, &outline, arena, &copy);
    }
    return copy;
}
