/* Columns of the catalog's tables; what happens to a parent's happens to its children's. */
#include <string.h>

#include "common/sql/catalog_store.h"

static struct catalog_column *
find(struct catalog_table *table, const char *name)
{
    struct catalog_column *column;

    LL_FOREACH(table->columns, column)
    {
        if (strcmp(column->column.name, name) == 0) {
            return column;
        }
    }
    return NULL;
}

static struct sql_column
copied(struct catalog *catalog, const struct sql_column *column)
{
    struct sql_column copy = *column;

    copy.name = arena_text(&catalog->arena, column->name);
    copy.type = arena_text(&catalog->arena, column->type);
    copy.collation = arena_text(&catalog->arena, column->collation);
    copy.default_text = arena_text(&catalog->arena, column->default_text);
    return copy;
}

void
column_create(struct catalog *catalog, struct catalog_table *table, const struct sql_column *column)
{
    struct catalog_kin *kin;

    if (find(table, column->name)) { /* then what is below it has it, too */
        return;
    }
    struct catalog_column *made = arena_alloc(&catalog->arena, sizeof *made);
    made->column = copied(catalog, column);
    made->file = catalog->file;
    LL_APPEND(table->columns, made);
    store_made(catalog, OBJECT_COLUMN, table->schema, table->name, column->name);
    LL_FOREACH(table->children, kin)
    {
        column_create(catalog, kin->table, column);
    }
}

/* ---- DROP COLUMN ----------------------------------------------------------------------------- */

static bool
names(const char *const *columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (columns[i] && strcmp(columns[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void
drop_what_names(struct catalog *catalog, struct catalog_table *table, const char *name)
{
    struct catalog_constraint *constraint, *next;
    struct catalog_index *index, *next_index;

    LL_FOREACH_SAFE(table->constraints, constraint, next)
    {
        if (names(constraint->constraint.columns, constraint->constraint.column_count, name)) {
            constraint_drop(catalog, table, constraint->constraint.name);
        }
    }
    LL_FOREACH_SAFE(table->indexes, index, next_index)
    {
        if (names(index->index.columns, index->index.column_count, name) ||
            names(index->index.used, index->index.used_count, name)) {
            LL_DELETE(table->indexes, index);
            store_remove_index(catalog, index);
        }
    }
}

static void
drop_owned(struct catalog *catalog, struct catalog_table *table, const char *name)
{
    struct catalog_kin *kin, *next;

    LL_FOREACH_SAFE(table->sequences, kin, next)
    {
        if (strcmp(kin->table->owner_column, name) == 0) {
            LL_DELETE(table->sequences, kin);
            store_remove_table(catalog, kin->table);
        }
    }
}

void
column_drop(struct catalog *catalog, struct catalog_table *table, const char *name)
{
    struct catalog_column *column = find(table, name);
    struct catalog_kin *kin;

    if (column) {
        LL_DELETE(table->columns, column);
    }
    drop_what_names(catalog, table, name);
    drop_owned(catalog, table, name);
    store_lost(catalog, OBJECT_COLUMN, table->schema, table->name, name, NULL);
    LL_FOREACH(table->children, kin)
    {
        column_drop(catalog, kin->table, name);
    }
}

/* ---- RENAME ---------------------------------------------------------------------------------- */

/* A list of columns with one of them renamed; the list is the catalog's own. */
static void
rename_in(struct catalog *catalog, const char *const **columns, size_t count, const char *name,
          const char *new_name)
{
    if (!names(*columns, count, name)) {
        return;
    }
    const char **copy = arena_copy(&catalog->arena, *columns, count * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        if (copy[i] && strcmp(copy[i], name) == 0) {
            copy[i] = arena_text(&catalog->arena, new_name);
        }
    }
    *columns = copy;
}

static void
rename_in_constraints(struct catalog *catalog, struct catalog_table *table, const char *name,
                      const char *new_name)
{
    struct catalog_constraint *constraint;

    LL_FOREACH(table->constraints, constraint)
    {
        struct sql_constraint *known = &constraint->constraint;
        rename_in(catalog, &known->columns, known->column_count, name, new_name);
        if (known->not_null_column && strcmp(known->not_null_column, name) == 0) {
            known->not_null_column = arena_text(&catalog->arena, new_name);
        }
    }
}

void
column_rename(struct catalog *catalog, struct catalog_table *table, const char *name,
              const char *new_name)
{
    struct catalog_column *column = find(table, name);
    struct catalog_index *index;
    struct catalog_kin *kin;

    if (column) {
        column->column.name = arena_text(&catalog->arena, new_name);
    }
    rename_in_constraints(catalog, table, name, new_name);
    LL_FOREACH(table->indexes, index)
    {
        rename_in(catalog, &index->index.columns, index->index.column_count, name, new_name);
        rename_in(catalog, &index->index.used, index->index.used_count, name, new_name);
    }
    LL_FOREACH(table->sequences, kin)
    {
        if (strcmp(kin->table->owner_column, name) == 0) {
            kin->table->owner_column = arena_text(&catalog->arena, new_name);
        }
    }
    store_lost(catalog, OBJECT_COLUMN, table->schema, table->name, name, new_name);
    store_made(catalog, OBJECT_COLUMN, table->schema, table->name, new_name);
    LL_FOREACH(table->children, kin)
    {
        column_rename(catalog, kin->table, name, new_name);
    }
}

/* ---- ALTER COLUMN ---------------------------------------------------------------------------- */

static void
alter_default(struct catalog *catalog, struct sql_column *known, const struct sql_column *column)
{
    known->default_volatility = column ? column->default_volatility : VOLATILITY_NONE;
    known->default_text = column ? arena_text(&catalog->arena, column->default_text) : NULL;
    known->is_serial = false;
}

static void
alter(struct catalog *catalog, struct sql_column *known, const struct effect *effect)
{
    switch (effect->verb) {
    case EFFECT_SET_TYPE:
        known->type = arena_text(&catalog->arena, effect->column->type);
        break;
    case EFFECT_SET_NOT_NULL:
        known->is_not_null = true;
        break;
    case EFFECT_DROP_NOT_NULL:
        known->is_not_null = false;
        break;
    case EFFECT_SET_DEFAULT:
    case EFFECT_DROP_DEFAULT:
        alter_default(catalog, known, effect->column);
        break;
    case EFFECT_SET_IDENTITY:
        known->is_identity = true;
        break;
    case EFFECT_DROP_IDENTITY:
        known->is_identity = false;
        break;
    case EFFECT_SET_EXPRESSION:
        known->is_generated = false;
        break;
    default:
        break;
    }
}

void
column_alter(struct catalog *catalog, struct catalog_table *table, const struct effect *effect)
{
    struct catalog_column *column = find(table, effect->part);
    struct catalog_kin *kin;

    if (column) {
        alter(catalog, &column->column, effect);
    }
    LL_FOREACH(table->children, kin)
    {
        column_alter(catalog, kin->table, effect);
    }
}
