/* Tables, views and sequences of the catalog, and what hangs on them. */
#include <string.h>

#include "common/sql/catalog_store.h"

static struct catalog_kin *
kin_new(struct catalog *catalog, struct catalog_table *table)
{
    struct catalog_kin *kin = arena_alloc(&catalog->arena, sizeof *kin);

    kin->table = table;
    return kin;
}

/* ---- kin ------------------------------------------------------------------------------------- */

/* Whether a table is another or inherits from it; PostgreSQL refuses circles, so there are none. */
static bool
is_below(const struct catalog_table *table, const struct catalog_table *other)
{
    const struct catalog_kin *kin;

    if (table == other) {
        return true;
    }
    LL_FOREACH(table->parents, kin)
    {
        if (is_below(kin->table, other)) {
            return true;
        }
    }
    return false;
}

/* Whether a view is another or reads it, perhaps through others. */
static bool
reads(const struct catalog_table *view, const struct catalog_table *other)
{
    const struct catalog_kin *kin;

    if (view == other) {
        return true;
    }
    LL_FOREACH(view->reads, kin)
    {
        if (reads(kin->table, other)) {
            return true;
        }
    }
    return false;
}

void
table_add_child(struct catalog *catalog, struct catalog_table *parent, struct catalog_table *child,
                bool is_partition, bool is_default)
{
    if (is_below(parent, child)) {
        return;
    }
    struct catalog_kin *below = kin_new(catalog, child), *above = kin_new(catalog, parent);
    below->is_partition = above->is_partition = is_partition;
    below->is_default = above->is_default = is_default;
    LL_APPEND(parent->children, below);
    LL_APPEND(child->parents, above);
}

static void
remove_kin(struct catalog_kin **list, const struct catalog_table *table)
{
    struct catalog_kin *kin, *next, *head = *list;

    LL_FOREACH_SAFE(head, kin, next)
    {
        if (kin->table == table) {
            LL_DELETE(head, kin);
        }
    }
    *list = head;
}

void
table_remove_child(struct catalog_table *parent, struct catalog_table *child)
{
    remove_kin(&parent->children, child);
    remove_kin(&child->parents, parent);
}

void
table_own(struct catalog *catalog, struct catalog_table *sequence, const struct sql_table *owner)
{
    struct catalog_table *old =
        sequence->owner_table
            ? store_find_table(catalog, sequence->owner_schema, sequence->owner_table)
            : NULL;

    if (old) {
        remove_kin(&old->sequences, sequence);
    }
    sequence->owner_schema = arena_text(&catalog->arena, owner->owner_schema);
    sequence->owner_table = arena_text(&catalog->arena, owner->owner_table);
    sequence->owner_column = arena_text(&catalog->arena, owner->owner_column);
    struct catalog_table *table =
        owner->owner_table ? store_find_table(catalog, owner->owner_schema, owner->owner_table)
                           : NULL;
    if (table) {
        struct catalog_kin *kin = kin_new(catalog, sequence);
        LL_APPEND(table->sequences, kin);
    }
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

static void
add_parents(struct catalog *catalog, struct catalog_table *table, const struct sql_table *made)
{
    for (size_t i = 0; i < made->parent_count; i++) {
        struct catalog_table *parent =
            store_find_table(catalog, made->parents[i].schema, made->parents[i].name);
        if (parent) {
            table_add_child(catalog, parent, table, made->is_partition, made->is_default);
        }
    }
}

/* What a view's query reads is among the effects of the statement that makes it. */
static void
add_sources(struct catalog *catalog, struct catalog_table *table, const struct effects *effects)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        struct catalog_table *source = effect->verb == EFFECT_READ && effect->schema
                                           ? store_find_table(catalog, effect->schema, effect->name)
                                           : NULL;
        if (source && !reads(source, table)) {
            struct catalog_kin *kin = kin_new(catalog, source);
            LL_APPEND(table->reads, kin);
        }
    }
}

static void
describe(struct catalog *catalog, struct catalog_table *table, const struct sql_table *made)
{
    table->is_unlogged = made->is_unlogged;
    table->is_partitioned = made->is_partitioned;
    table->is_stored_elsewhere = made->is_stored_elsewhere;
    table->is_complete = made->is_complete;
    table->was_filled = made->is_filled;
    table->key = store_texts(catalog, made->key, made->key_count);
    table->key_count = made->key_count;
    table->filled = made->is_filled ? catalog->file : 0;
    table->used = store_texts(catalog, made->used, made->used_count);
    table->used_count = made->used_count;
    add_parents(catalog, table, made);
    if (table->object == OBJECT_SEQUENCE) {
        table_own(catalog, table, made);
    }
}

void
table_create(struct catalog *catalog, const struct effect *effect, const struct effects *effects)
{
    struct catalog_table *old = store_find_table(catalog, effect->schema, effect->name);

    if (old && (effect->if_not_exists || effect->is_conditional)) {
        return;
    }
    if (old) { /* dropped by something that was not read */
        table_drop(catalog, old, false);
    }
    struct catalog_table *table = store_table(catalog, effect->schema, effect->name);
    table->object = effect->object;
    table->was_perhaps_there = effect->if_not_exists || effect->is_conditional;
    table->is_temporary = effect->is_temporary;
    if (effect->table) {
        describe(catalog, table, effect->table);
    }
    if (effect->object == OBJECT_VIEW || effect->object == OBJECT_MATERIALIZED_VIEW) {
        add_sources(catalog, table, effects);
    }
    store_made(catalog, effect->object, effect->schema, effect->name, NULL);
}

void
table_replace_view(struct catalog *catalog, const struct effect *effect,
                   const struct effects *effects)
{
    struct catalog_table *table = store_find_table(catalog, effect->schema, effect->name);

    if (!table) {
        table_create(catalog, effect, effects);
        return;
    }
    table->reads = NULL;
    if (effect->table) {
        table->used = store_texts(catalog, effect->table->used, effect->table->used_count);
        table->used_count = effect->table->used_count;
    }
    add_sources(catalog, table, effects);
}

/* ---- DROP ------------------------------------------------------------------------------------ */

/* Foreign keys that refer to it, views that read it: they go, too. */
static void
drop_dependent(struct catalog *catalog, const struct catalog_table *gone)
{
    struct table_entry *entry, *next;

    HASH_ITER(hh, catalog->tables, entry, next)
    {
        struct catalog_table *table = &entry->table;
        struct catalog_constraint *constraint, *next_constraint;
        LL_FOREACH_SAFE(table->constraints, constraint, next_constraint)
        {
            const struct sql_constraint *known = &constraint->constraint;
            if (known->to_table && strcmp(known->to_table, gone->name) == 0 &&
                strcmp(known->to_schema, gone->schema) == 0) {
                constraint_drop(catalog, table, known->name);
            }
        }
    }
    for (bool is_found = true; is_found;) { /* a view that goes may take others along */
        is_found = false;
        HASH_ITER(hh, catalog->tables, entry, next)
        {
            if (catalog_view_reads(&entry->table, gone, NULL)) {
                table_drop(catalog, &entry->table, true);
                is_found = true;
                break;
            }
        }
    }
}

static void
drop_indexes(struct catalog *catalog, struct catalog_table *table)
{
    struct catalog_index *index, *next;
    struct catalog_kin *kin, *next_kin;

    LL_FOREACH_SAFE(table->indexes, index, next)
    {
        store_lost(catalog, OBJECT_INDEX, table->schema, table->name, index->index.name, NULL);
        store_remove_index(catalog, index);
    }
    LL_FOREACH_SAFE(table->sequences, kin, next_kin)
    {
        store_lost(catalog, OBJECT_SEQUENCE, kin->table->schema, kin->table->name, NULL, NULL);
        store_remove_table(catalog, kin->table);
    }
}

void
table_drop(struct catalog *catalog, struct catalog_table *table, bool cascades)
{
    struct catalog_kin *kin, *next;
    struct publication_entry *publication, *next_publication;
    struct table_entry *entry, *next_entry;

    store_lost(catalog, table->object, table->schema, table->name, NULL, NULL);
    store_remove_table(catalog, table);
    drop_indexes(catalog, table);
    LL_FOREACH_SAFE(table->parents, kin, next)
    {
        remove_kin(&kin->table->children, table);
    }
    LL_FOREACH_SAFE(table->children, kin, next)
    {
        remove_kin(&kin->table->parents, table);
        if (kin->is_partition || cascades) {
            table_drop(catalog, kin->table, cascades);
        }
    }
    if (cascades) {
        drop_dependent(catalog, table);
    }
    HASH_ITER(hh, catalog->publications, publication, next_publication)
    {
        remove_kin(&publication->tables, table);
    }
    struct catalog_table *owner =
        table->owner_table ? store_find_table(catalog, table->owner_schema, table->owner_table)
                           : NULL;
    if (owner) {
        remove_kin(&owner->sequences, table);
    }
    HASH_ITER(hh, catalog->tables, entry, next_entry)
    { /* nothing points at what is gone */
        remove_kin(&entry->table.reads, table);
    }
}

/* ---- RENAME ---------------------------------------------------------------------------------- */

/* Foreign keys and sequences know their tables by name. */
static void
rename_references(struct catalog *catalog, const struct catalog_table *table, const char *schema,
                  const char *name)
{
    struct table_entry *entry, *next;

    HASH_ITER(hh, catalog->tables, entry, next)
    {
        struct catalog_constraint *constraint;
        LL_FOREACH(entry->table.constraints, constraint)
        {
            struct sql_constraint *known = &constraint->constraint;
            if (known->to_table && strcmp(known->to_table, name) == 0 &&
                strcmp(known->to_schema, schema) == 0) {
                known->to_schema = table->schema;
                known->to_table = table->name;
            }
        }
    }
    struct catalog_kin *kin;
    LL_FOREACH(table->sequences, kin)
    {
        kin->table->owner_schema = table->schema;
        kin->table->owner_table = table->name;
    }
}

void
table_rename(struct catalog *catalog, struct catalog_table *table, const char *schema,
             const char *name)
{
    struct table_entry *entry = (struct table_entry *)(void *)table;
    const char *old_schema = table->schema, *old_name = table->name;
    struct catalog_index *index, *next;
    struct catalog_table *in_the_way = store_find_table(catalog, schema, name);

    if (in_the_way == table) {
        return;
    }
    if (in_the_way) { /* dropped by something that was not read */
        table_drop(catalog, in_the_way, false);
    }
    /* The address stays, since others point at it; only the key is another. */
    HASH_DEL(catalog->tables, entry);
    table->schema = arena_text(&catalog->arena, schema);
    table->name = arena_text(&catalog->arena, name);
    char key[KEY_SIZE];
    store_key(key, schema, name);
    char *kept = arena_text(&catalog->arena, key);
    HASH_ADD_KEYPTR(hh, catalog->tables, kept, strlen(kept), entry);
    rename_references(catalog, table, old_schema, old_name);
    LL_FOREACH_SAFE(table->indexes, index, next)
    {
        if (strcmp(index->schema, schema) != 0) {
            index_rename(catalog, index, schema, index->index.name);
        }
    }
    store_lost(catalog, table->object, old_schema, old_name, NULL, name);
    store_made(catalog, table->object, schema, name, NULL);
}

/* ---- triggers, rules, policies, statistics -----------------------------------------------------
 */

static struct catalog_part *
find_part(struct catalog_table *table, enum sql_object object, const char *name)
{
    struct catalog_part *part;

    LL_FOREACH(table->parts, part)
    {
        if (part->object == object && strcmp(part->name, name) == 0) {
            return part;
        }
    }
    return NULL;
}

void
part_create(struct catalog *catalog, struct catalog_table *table, const struct effect *effect)
{
    if (!effect->part || find_part(table, effect->object, effect->part)) {
        return;
    }
    struct catalog_part *part = arena_alloc(&catalog->arena, sizeof *part);
    part->object = effect->object;
    part->name = arena_text(&catalog->arena, effect->part);
    part->function = arena_text(&catalog->arena, effect->function);
    part->file = catalog->file;
    LL_APPEND(table->parts, part);
}

void
part_drop(struct catalog_table *table, enum sql_object object, const char *name)
{
    struct catalog_part *part = find_part(table, object, name);

    if (part) {
        LL_DELETE(table->parts, part);
    }
}

void
part_rename(struct catalog *catalog, struct catalog_table *table, enum sql_object object,
            const char *name, const char *new_name)
{
    struct catalog_part *part = find_part(table, object, name);

    if (part) {
        part->name = arena_text(&catalog->arena, new_name);
    }
}
