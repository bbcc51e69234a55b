/*
 * Tables that the history has not made, because an older dump or another tool did: what it does to
 * their constraints is kept beside the others, so that a CHECK that it has added and validated is
 * known. They are no tables of the catalog: nobody takes them for new, or for complete.
 */
#include <string.h>

#include "common/sql/catalog_store.h"

static struct table_entry *
find(const struct catalog *catalog, const char *schema, const char *name)
{
    struct table_entry *entry;
    char key[KEY_SIZE];

    store_key(key, schema, name);
    HASH_FIND_STR(catalog->strangers, key, entry);
    return entry;
}

static struct table_entry *
make(struct catalog *catalog, const char *schema, const char *name)
{
    struct table_entry *entry = store_entry(catalog, schema, name);

    entry->table.object = OBJECT_TABLE;
    HASH_ADD_STR(catalog->strangers, key, entry);
    return entry;
}

void
stranger_remove(struct catalog *catalog, const char *schema, const char *name)
{
    struct table_entry *entry = find(catalog, schema, name);

    if (entry) {
        HASH_DEL(catalog->strangers, entry);
    }
}

/* What was found under one name goes on under another. */
static void
move(struct catalog *catalog, struct table_entry *entry, const char *schema, const char *name)
{
    struct catalog_constraint *constraints = entry->table.constraints;

    HASH_DEL(catalog->strangers, entry);
    stranger_remove(catalog, schema, name);
    make(catalog, schema, name)->table.constraints = constraints;
}

static void
drop(struct catalog *catalog, struct table_entry *entry, const struct effect *effect)
{
    if (effect->object == OBJECT_TABLE) {
        HASH_DEL(catalog->strangers, entry);
    } else if (effect->object == OBJECT_COLUMN && effect->part) {
        column_drop(catalog, &entry->table, effect->part);
    } else if (effect->object == OBJECT_CONSTRAINT && effect->part) {
        constraint_drop(catalog, &entry->table, effect->part);
    }
}

static void
rename_part(struct catalog *catalog, struct table_entry *entry, const struct effect *effect)
{
    if (effect->object == OBJECT_TABLE) {
        move(catalog, entry, effect->schema, effect->new_name);
    } else if (effect->object == OBJECT_COLUMN && effect->part) {
        column_rename(catalog, &entry->table, effect->part, effect->new_name);
    } else if (effect->object == OBJECT_CONSTRAINT && effect->part) {
        constraint_rename(catalog, &entry->table, effect->part, effect->new_name);
    }
}

void
stranger_apply(struct catalog *catalog, const struct effect *effect)
{
    struct table_entry *entry = find(catalog, effect->schema, effect->name);
    bool is_added = effect->verb == EFFECT_CREATE && effect->object == OBJECT_CONSTRAINT;

    if (is_added && effect->constraint) {
        entry = entry ? entry : make(catalog, effect->schema, effect->name);
        constraint_create(catalog, &entry->table, effect->constraint);
    } else if (entry && effect->verb == EFFECT_DROP) {
        drop(catalog, entry, effect);
    } else if (entry && effect->verb == EFFECT_RENAME) {
        rename_part(catalog, entry, effect);
    } else if (entry && effect->verb == EFFECT_MOVE && effect->object == OBJECT_TABLE) {
        move(catalog, entry, effect->new_name, effect->name);
    } else if (entry && effect->verb == EFFECT_VALIDATE && effect->part) {
        constraint_validate(catalog, &entry->table, effect->part);
    }
}

const struct catalog_table *
catalog_constrained(const struct catalog *catalog, const char *schema, const char *name)
{
    const struct catalog_table *table = catalog_table(catalog, schema, name);
    const struct table_entry *entry = NULL;

    for (size_t i = 0; !table && !entry && i < (schema ? 1 : catalog->path_count); i++) {
        entry = find(catalog, schema ? schema : catalog->path[i], name);
    }
    return entry ? &entry->table : table;
}
