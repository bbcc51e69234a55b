#include "common/migration/manifest.h"

#include <string.h>

/* A file is at most 8 MiB and a bundle 64 MiB, so no place or size in them is larger. */
#define PLACE_MAX ((uint64_t)64 << 20)
#define STATEMENTS_MAX 200000
#define DEPENDS_SIZE_MAX 1024

static const char *const statement_kinds[] = {"transactional",
                                              "create_index_concurrently",
                                              "drop_index_concurrently",
                                              "batch",
                                              "reindex_concurrently",
                                              "detach_concurrently",
                                              "repeatable",
                                              "verified",
                                              "script"};

static const struct pack_field wanted_lock_fields[] = {
    PACK_FIELD_NAME(struct wanted_lock, relation, 512),
    PACK_FIELD_ENUM(struct wanted_lock, mode, TABLE_LOCK_COUNT - 1),
};

static const struct pack_shape wanted_lock_shape =
    PACK_SHAPE(struct wanted_lock, wanted_lock_fields);

static const char *const work_kinds[] = {"scan", "index", "write", "rewrite"};

static const struct pack_field work_fields[] = {
    PACK_FIELD_NAME(struct statement_work, schema, 256),
    PACK_FIELD_NAME(struct statement_work, table, 256),
    PACK_FIELD_NAMED_ENUM(struct statement_work, kind, work_kinds),
    PACK_FIELD_BOOL(struct statement_work, is_partial),
    PACK_FIELD_TEXT(struct statement_work, made_by, 128),
};

static const struct pack_shape work_shape = PACK_SHAPE(struct statement_work, work_fields);

static const struct pack_field statement_fields[] = {
    PACK_FIELD_UINT(struct statement, offset, PLACE_MAX),
    PACK_FIELD_UINT(struct statement, size, PLACE_MAX),
    PACK_FIELD_UINT(struct statement, line, PLACE_MAX),
    PACK_FIELD_UINT(struct statement, column, PLACE_MAX),
    PACK_FIELD_NAMED_ENUM(struct statement, kind, statement_kinds),
    PACK_FIELD_TEXT(struct statement, tag, 64),
    PACK_FIELD_LIST(struct statement, locks, lock_count, wanted_lock_shape, WANTED_LOCKS_MAX),
    PACK_FIELD_LIST(struct statement, works, work_count, work_shape, STATEMENT_WORKS_MAX),
    PACK_FIELD_TEXT(struct statement, creates_in, 256),
    PACK_FIELD_TEXT(struct statement, object, 512),
    PACK_FIELD_TEXT(struct statement, schema, 256),
    PACK_FIELD_TEXT(struct statement, table, 512),
    PACK_FIELD_BOOL(struct statement, is_unique),
    PACK_FIELD_BOOL(struct statement, if_exists),
    PACK_FIELD_TEXT(struct statement, scope, 16),
    PACK_FIELD_TEXT(struct statement, verify, STATEMENT_QUERY_SIZE_MAX),
    PACK_FIELD_TEXT(struct statement, cleanup, STATEMENT_QUERY_SIZE_MAX),
};

static const struct pack_shape statement_shape = PACK_SHAPE(struct statement, statement_fields);

static const struct pack_field script_fields[] = {
    PACK_FIELD_TEXT(struct script, path, 1024),
    PACK_FIELD_UINT(struct script, offset, PLACE_MAX),
    PACK_FIELD_UINT(struct script, size, PLACE_MAX),
    PACK_FIELD_FIXED(struct script, checksum),
    PACK_FIELD_BOOL(struct script, is_transactional),
    PACK_FIELD_UINT(struct script, lock_timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
    PACK_FIELD_UINT(struct script, statement_timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
    PACK_FIELD_UINT(struct script, timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
    PACK_FIELD_LIST(struct script, statements, statement_count, statement_shape, STATEMENTS_MAX),
    PACK_FIELD_LIST(struct script, batches, batch_count, batch_shape, STATEMENTS_MAX),
};

static const struct pack_shape script_shape = PACK_SHAPE(struct script, script_fields);

static const struct pack_field key_fields[] = {
    PACK_FIELD_NAME(struct migration_key, name, 32),
    PACK_FIELD_NAME(struct migration_key, value, KEY_SIZE_MAX),
};

static const struct pack_shape key_shape = PACK_SHAPE(struct migration_key, key_fields);

static const struct pack_field migration_fields[] = {
    PACK_FIELD_NAME(struct migration, version, 128),
    PACK_FIELD_NAME(struct migration, name, 256),
    PACK_FIELD_TEXT(struct migration, stage, 64),
    PACK_FIELD_TEXT(struct migration, irreversible, 512),
    PACK_FIELD_TEXT(struct migration, depends, DEPENDS_SIZE_MAX),
    PACK_FIELD_BOOL(struct migration, is_repeatable),
    PACK_FIELD_BOOL(struct migration, has_up),
    PACK_FIELD_BOOL(struct migration, has_down),
    PACK_FIELD_BOOL(struct migration, has_verify),
    PACK_FIELD_STRUCT(struct migration, up, script_shape),
    PACK_FIELD_STRUCT(struct migration, down, script_shape),
    PACK_FIELD_STRUCT(struct migration, verify, script_shape),
    PACK_FIELD_LIST(struct migration, keys, key_count, key_shape, KEYS_MAX),
};

static const struct pack_shape migration_shape = PACK_SHAPE(struct migration, migration_fields);

static const struct pack_field manifest_fields[] = {
    PACK_FIELD_UINT(struct manifest, format, 1),
    PACK_FIELD_NAME(struct manifest, service, 128),
    PACK_FIELD_NAME(struct manifest, layout, 32),
    PACK_FIELD_TEXT(struct manifest, history_table, 256),
    PACK_FIELD_BOOL(struct manifest, mirrors_history),
    PACK_FIELD_LIST(struct manifest, migrations, migration_count, migration_shape, MIGRATIONS_MAX),
};

const struct pack_shape manifest_shape = PACK_SHAPE(struct manifest, manifest_fields);

const struct script *
migration_script(const struct migration *migration, enum direction direction)
{
    if (direction == DIRECTION_UP) {
        return migration->has_up ? &migration->up : NULL;
    }
    return migration->has_down ? &migration->down : NULL;
}

const char *
migration_key(const struct migration *migration, const char *name)
{
    for (size_t i = 0; i < migration->key_count; i++) {
        if (strcmp(migration->keys[i].name, name) == 0) {
            return migration->keys[i].value;
        }
    }
    return NULL;
}

const struct batch *
script_batch(const struct script *script, size_t statement)
{
    for (size_t i = 0; i < script->batch_count; i++) {
        if (script->batches[i].statement == statement) {
            return &script->batches[i];
        }
    }
    return NULL;
}

const struct migration *
manifest_find(const struct manifest *manifest, const char *version)
{
    for (size_t i = 0; i < manifest->migration_count; i++) {
        if (strcmp(manifest->migrations[i].version, version) == 0) {
            return &manifest->migrations[i];
        }
    }
    return NULL;
}

const uint8_t *
migration_checksum(const struct migration *migration)
{
    return migration->up.checksum;
}
