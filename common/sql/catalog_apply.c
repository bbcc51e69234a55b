/* Replaying a statement: its effects, one after the other, as changes of the catalog. */
#include <string.h>

#include "common/sql/catalog_store.h"
#include "common/sql/facts.h"

static bool
is_table(enum sql_object object)
{
    return object <= OBJECT_RELATION;
}

static bool
is_part(enum sql_object object)
{
    return object == OBJECT_TRIGGER || object == OBJECT_RULE || object == OBJECT_POLICY ||
           object == OBJECT_STATISTICS;
}

static bool
is_type(enum sql_object object)
{
    return object == OBJECT_ENUM || object == OBJECT_DOMAIN || object == OBJECT_TYPE;
}

static struct catalog_table *
table_of(const struct catalog *catalog, const struct effect *effect)
{
    return effect->schema && effect->name ? store_find_table(catalog, effect->schema, effect->name)
                                          : NULL;
}

/* ---- types ----------------------------------------------------------------------------------- */

static void
create_type(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_type *type = store_find_type(catalog, effect->schema, effect->name);

    if (type && effect->is_conditional) {
        return;
    }
    if (!type) {
        type = store_type(catalog, effect->schema, effect->name);
    }
    type->object = effect->object;
    type->file = catalog->file;
    type->value_count = 0;
    if (effect->column) {
        type->base = arena_text(&catalog->arena, effect->column->type);
        type->is_constrained = effect->column->is_not_null;
    }
}

static void
add_value(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_type *type = store_find_type(catalog, effect->schema, effect->name);
    size_t count = type ? type->value_count : 0;

    if (!type || !effect->part) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(type->values[i], effect->part) == 0) {
            return;
        }
    }
    const char **values = arena_alloc(&catalog->arena, (count + 1) * sizeof *values);
    size_t *files = arena_alloc(&catalog->arena, (count + 1) * sizeof *files);
    if (count) {
        memcpy(values, type->values, count * sizeof *values);
        memcpy(files, type->value_files, count * sizeof *files);
    }
    values[count] = arena_text(&catalog->arena, effect->part);
    files[count] = catalog->file;
    type->values = values;
    type->value_files = files;
    type->value_count = count + 1;
}

static void
rename_value(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_type *type = store_find_type(catalog, effect->schema, effect->name);

    for (size_t i = 0; type && i < type->value_count; i++) {
        if (strcmp(type->values[i], effect->part) == 0) {
            type->values[i] = arena_text(&catalog->arena, effect->new_name);
        }
    }
}

static void
rename_type(struct catalog *catalog, const struct effect *effect, const char *schema,
            const char *name)
{
    struct catalog_type *type = store_find_type(catalog, effect->schema, effect->name);

    struct catalog_type *in_the_way = store_find_type(catalog, schema, name);
    if (!type || in_the_way == type) {
        return;
    }
    if (in_the_way) {
        store_remove_type(catalog, in_the_way);
    }
    struct catalog_type copy = *type;
    store_remove_type(catalog, type);
    struct catalog_type *renamed = store_type(catalog, schema, name);
    copy.schema = renamed->schema;
    copy.name = renamed->name;
    *renamed = copy;
}

/* ---- publications ---------------------------------------------------------------------------- */

static void
publish(struct catalog *catalog, const struct effect *effect, const struct effects *effects)
{
    struct publication_entry *entry;

    HASH_FIND_STR(catalog->publications, effect->name, entry);
    if (!entry) {
        entry = arena_alloc(&catalog->arena, sizeof *entry);
        entry->name = arena_text(&catalog->arena, effect->name);
        HASH_ADD_KEYPTR(hh, catalog->publications, entry->name, strlen(entry->name), entry);
    }
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *other = &effects->effects[i];
        struct catalog_table *table = other->verb == EFFECT_ATTACH && other->object == OBJECT_TABLE
                                          ? table_of(catalog, other)
                                          : NULL;
        if (table) {
            struct catalog_kin *kin = arena_alloc(&catalog->arena, sizeof *kin);
            kin->table = table;
            LL_APPEND(entry->tables, kin);
        }
    }
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

static void
create(struct catalog *catalog, const struct effect *effect, const struct effects *effects)
{
    struct catalog_table *table = table_of(catalog, effect);

    if (is_table(effect->object)) {
        table_create(catalog, effect, effects);
        return;
    }
    if (effect->object == OBJECT_COLUMN && table && effect->column) {
        column_create(catalog, table, effect->column);
    } else if (effect->object == OBJECT_CONSTRAINT && table && effect->constraint) {
        constraint_create(catalog, table, effect->constraint);
    } else if (effect->object == OBJECT_INDEX && table && effect->index) {
        bool is_constraint = effect->is_implied && catalog_constraint(table, effect->part);
        index_create(catalog, table, effect->index, is_constraint ? effect->part : NULL);
    } else if (is_part(effect->object) && table) {
        part_create(catalog, table, effect);
    } else if (is_type(effect->object)) {
        create_type(catalog, effect);
    } else if (effect->object == OBJECT_ENUM_VALUE) {
        add_value(catalog, effect);
    } else if (effect->object == OBJECT_DOMAIN_CONSTRAINT) {
        struct catalog_type *type = store_find_type(catalog, effect->schema, effect->name);
        if (type) {
            type->is_constrained = true;
        }
    } else if (effect->object == OBJECT_PUBLICATION) {
        publish(catalog, effect, effects);
    }
    store_made(catalog, effect->object, effect->schema, effect->name, effect->part);
}

static void
replace(struct catalog *catalog, const struct effect *effect, const struct effects *effects)
{
    struct catalog_table *table = table_of(catalog, effect);

    if (effect->object == OBJECT_VIEW) {
        table_replace_view(catalog, effect, effects);
        return;
    }
    if (is_part(effect->object) && table) {
        part_drop(table, effect->object, effect->part);
        part_create(catalog, table, effect);
    }
    if (!catalog_made(catalog, effect->object, effect->schema, effect->name, effect->part)) {
        store_made(catalog, effect->object, effect->schema, effect->name, effect->part);
    }
}

/* ---- DROP ------------------------------------------------------------------------------------ */

static void
drop_schema(struct catalog *catalog, const char *schema)
{
    for (bool is_found = true; is_found;) { /* one table may take others along */
        struct table_entry *entry, *next;
        is_found = false;
        HASH_ITER(hh, catalog->tables, entry, next)
        {
            if (strcmp(entry->table.schema, schema) == 0) {
                table_drop(catalog, &entry->table, true);
                is_found = true;
                break;
            }
        }
    }
}

static void
drop_index(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_index *index =
        effect->part ? store_find_index(catalog, effect->schema, effect->part) : NULL;

    if (index) {
        LL_DELETE(index->table->indexes, index);
        store_remove_index(catalog, index);
    }
}

static void
drop(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_table *table = table_of(catalog, effect);

    if (is_table(effect->object)) {
        if (table) {
            table_drop(catalog, table, effect->cascades);
        }
    } else if (effect->object == OBJECT_COLUMN && table) {
        column_drop(catalog, table, effect->part);
    } else if (effect->object == OBJECT_CONSTRAINT && table) {
        constraint_drop(catalog, table, effect->part);
    } else if (effect->object == OBJECT_INDEX) {
        drop_index(catalog, effect);
    } else if (is_part(effect->object) && table) {
        part_drop(table, effect->object, effect->part);
    } else if (is_type(effect->object)) {
        struct catalog_type *type = store_find_type(catalog, effect->schema, effect->name);
        if (type) {
            store_remove_type(catalog, type);
            store_lost(catalog, type->object, type->schema, type->name, NULL, NULL);
        }
    } else if (effect->object == OBJECT_SCHEMA && effect->cascades) {
        drop_schema(catalog, effect->name);
    }
    store_lost(catalog, effect->object, effect->schema, effect->name, effect->part, NULL);
}

/* ---- RENAME, SET SCHEMA ---------------------------------------------------------------------- */

static void
rename_schema(struct catalog *catalog, const char *schema, const char *new_name)
{
    for (bool is_found = true; is_found;) {
        struct table_entry *entry, *next;
        is_found = false;
        HASH_ITER(hh, catalog->tables, entry, next)
        {
            if (strcmp(entry->table.schema, schema) == 0 && strcmp(schema, new_name) != 0) {
                table_rename(catalog, &entry->table, new_name, entry->table.name);
                is_found = true;
                break;
            }
        }
    }
}

static void
rename_index(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_index *index = store_find_index(catalog, effect->schema, effect->part);

    if (index && index->constraint) {
        constraint_rename(catalog, index->table, index->constraint, effect->new_name);
    } else if (index) {
        index_rename(catalog, index, effect->schema, effect->new_name);
    }
}

static void
rename_object(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_table *table = table_of(catalog, effect);
    const char *name = effect->new_name;

    if (is_table(effect->object)) {
        if (table) {
            table_rename(catalog, table, effect->schema, name);
            return;
        }
    } else if (effect->object == OBJECT_COLUMN && table) {
        column_rename(catalog, table, effect->part, name);
        return;
    } else if (effect->object == OBJECT_CONSTRAINT && table) {
        constraint_rename(catalog, table, effect->part, name);
        return;
    } else if (effect->object == OBJECT_INDEX) {
        rename_index(catalog, effect);
    } else if (is_part(effect->object) && table && effect->part) {
        part_rename(catalog, table, effect->object, effect->part, name);
    } else if (is_type(effect->object)) {
        rename_type(catalog, effect, effect->schema, name);
    } else if (effect->object == OBJECT_ENUM_VALUE) {
        rename_value(catalog, effect);
    } else if (effect->object == OBJECT_SCHEMA) {
        rename_schema(catalog, effect->name, name);
    }
    store_lost(catalog, effect->object, effect->schema, effect->name, effect->part, name);
    store_made(catalog, effect->object, effect->schema, effect->part ? effect->name : name,
               effect->part ? name : NULL);
}

static void
move(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_table *table = table_of(catalog, effect);
    struct catalog_kin *kin;

    if (is_table(effect->object) && table) {
        table_rename(catalog, table, effect->new_name, table->name);
        LL_FOREACH(table->sequences, kin)
        {
            table_rename(catalog, kin->table, effect->new_name, kin->table->name);
        }
    } else if (is_type(effect->object)) {
        rename_type(catalog, effect, effect->new_name, effect->name);
    }
}

/* ---- the others ------------------------------------------------------------------------------ */

static void
attach_index(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_index *index = store_find_index(catalog, effect->schema, effect->name);
    struct catalog_kin *kin;
    size_t children = 0;

    if (!index) {
        return;
    }
    LL_COUNT(index->table->children, kin, children);
    index->attached++;
    index->index.is_valid = index->index.is_valid || index->attached >= children;
}

static void
attach(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_table *parent = table_of(catalog, effect);
    bool is_kin = effect->object == OBJECT_PARTITION || effect->object == OBJECT_INHERITANCE;
    struct catalog_table *child = is_kin && effect->new_name
                                      ? store_find_table(catalog, effect->new_name, effect->part)
                                      : NULL;

    if (effect->object == OBJECT_INDEX) {
        attach_index(catalog, effect);
        return;
    }
    if (!parent || !child || parent == child) {
        return;
    }
    table_remove_child(parent, child);
    if (effect->verb == EFFECT_ATTACH) {
        bool is_partition = effect->object == OBJECT_PARTITION;
        table_add_child(catalog, parent, child, is_partition, is_partition && !effect->is_bounded);
    }
}

static void
fill(struct catalog *catalog, struct catalog_table *table)
{
    table->was_filled = true;
    if (!table->filled) {
        table->filled = catalog->file;
    }
}

static void
alter(struct catalog *catalog, const struct effect *effect)
{
    struct catalog_table *table = table_of(catalog, effect);

    if (!table) {
        return;
    }
    if (effect->object == OBJECT_COLUMN && effect->part) {
        column_alter(catalog, table, effect);
    } else if (effect->verb == EFFECT_VALIDATE) {
        constraint_validate(catalog, table, effect->part);
    } else if (effect->verb == EFFECT_SET_LOGGED || effect->verb == EFFECT_SET_UNLOGGED) {
        table->is_unlogged = effect->verb == EFFECT_SET_UNLOGGED;
    } else if (effect->verb == EFFECT_SET_TABLESPACE || effect->verb == EFFECT_SET_ACCESS_METHOD) {
        table->is_stored_elsewhere = true;
    } else if (effect->verb == EFFECT_INSERT || effect->verb == EFFECT_UPDATE) {
        fill(catalog, table);
    } else if (effect->object == OBJECT_SEQUENCE && effect->table) {
        table_own(catalog, table, effect->table);
    }
}

static void
apply(struct catalog *catalog, const struct effect *effect, const struct effects *effects)
{
    if (effect->schema && !table_of(catalog, effect)) {
        stranger_apply(catalog, effect);
    }
    switch (effect->verb) {
    case EFFECT_CREATE:
        create(catalog, effect, effects);
        break;
    case EFFECT_REPLACE:
        replace(catalog, effect, effects);
        break;
    case EFFECT_DROP:
        drop(catalog, effect);
        break;
    case EFFECT_RENAME:
        rename_object(catalog, effect);
        break;
    case EFFECT_MOVE:
        move(catalog, effect);
        break;
    case EFFECT_ATTACH:
    case EFFECT_DETACH:
        attach(catalog, effect);
        break;
    case EFFECT_SET_NOT_NULL:
        if (effect->object == OBJECT_DOMAIN) {
            struct catalog_type *type = store_find_type(catalog, effect->schema, effect->name);
            if (type) {
                type->is_constrained = true;
            }
        }
        alter(catalog, effect);
        break;
    default:
        alter(catalog, effect);
    }
}

void
catalog_apply(struct catalog *catalog, const struct effects *effects)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        bool is_somewhere = effect->schema || effect->object >= OBJECT_FUNCTION;
        if (!effect->is_noop && effect->name && is_somewhere) {
            apply(catalog, effect, effects);
        }
    }
    for (size_t i = 0; i < effects->setting_count; i++) {
        const struct sql_setting *setting = &effects->settings[i];
        if (strcmp(setting->name, "search_path") == 0) {
            store_set_path(catalog, setting->value ? setting->value : "public");
        }
    }
}
