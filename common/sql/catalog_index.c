/* Constraints and indexes of the catalog's tables. */
#include <string.h>

#include "common/sql/catalog_store.h"
#include "common/sql/reading.h"

const char *const *
store_texts(struct catalog *catalog, const char *const *texts, size_t count)
{
    const char **copies = arena_alloc(&catalog->arena, count * sizeof *copies);

    for (size_t i = 0; i < count; i++) {
        copies[i] = arena_text(&catalog->arena, texts[i]);
    }
    return copies;
}

/* ---- indexes --------------------------------------------------------------------------------- */

/* Every partition gets an index of its own, named after itself. */
static void
create_below(struct catalog *catalog, struct catalog_table *table, const struct sql_index *index)
{
    struct catalog_kin *kin;

    LL_FOREACH(table->children, kin)
    {
        struct sql_index copy = *index;
        const char *columns = NULL;
        for (size_t i = 0; i < index->column_count; i++) {
            const char *column = index->columns[i] ? index->columns[i] : "expr";
            columns = columns ? arena_format(&catalog->arena, "%s_%s", columns, column) : column;
        }
        copy.name = name_chosen(&catalog->arena, kin->table->name, columns, "idx");
        index_create(catalog, kin->table, &copy, NULL);
    }
}

void
index_create(struct catalog *catalog, struct catalog_table *table, const struct sql_index *index,
             const char *constraint)
{
    struct catalog_index *old = store_find_index(catalog, table->schema, index->name);

    if (old) { /* IF NOT EXISTS, or made again after something that was not read */
        return;
    }
    struct catalog_index *made = store_index(catalog, table->schema, index->name);
    const char *name = made->index.name;
    made->index = *index;
    made->index.name = name;
    made->index.method = arena_text(&catalog->arena, index->method);
    made->index.columns = store_texts(catalog, index->columns, index->column_count);
    made->index.used = store_texts(catalog, index->used, index->used_count);
    made->table = table;
    made->constraint = arena_text(&catalog->arena, constraint);
    LL_APPEND(table->indexes, made);
    store_made(catalog, OBJECT_INDEX, table->schema, table->name, name);
    if (table->is_partitioned && !index->is_only) {
        create_below(catalog, table, index);
    }
}

void
index_rename(struct catalog *catalog, struct catalog_index *index, const char *schema,
             const char *name)
{
    struct catalog_index copy = *index;
    struct catalog_table *table = index->table;
    struct catalog_index *in_the_way = store_find_index(catalog, schema, name);

    if (in_the_way == index) {
        return;
    }
    if (in_the_way) { /* dropped by something that was not read */
        LL_DELETE(in_the_way->table->indexes, in_the_way);
        store_remove_index(catalog, in_the_way);
    }
    LL_DELETE(table->indexes, index);
    store_remove_index(catalog, index);
    struct catalog_index *renamed = store_index(catalog, schema, name);
    const char *new_schema = renamed->schema, *new_name = renamed->index.name;
    *renamed = copy;
    renamed->schema = new_schema;
    renamed->index.name = new_name;
    LL_APPEND(table->indexes, renamed);
}

/* ---- constraints ----------------------------------------------------------------------------- */

static struct catalog_constraint *
find(struct catalog_table *table, const char *name)
{
    struct catalog_constraint *constraint;

    LL_FOREACH(table->constraints, constraint)
    {
        if (strcmp(constraint->constraint.name, name) == 0) {
            return constraint;
        }
    }
    return NULL;
}

static struct sql_constraint
copied(struct catalog *catalog, const struct sql_constraint *constraint)
{
    struct sql_constraint copy = *constraint;

    copy.name = arena_text(&catalog->arena, constraint->name);
    copy.index = arena_text(&catalog->arena, constraint->index);
    copy.columns = store_texts(catalog, constraint->columns, constraint->column_count);
    copy.not_null_column = arena_text(&catalog->arena, constraint->not_null_column);
    copy.to_schema = arena_text(&catalog->arena, constraint->to_schema);
    copy.to_table = arena_text(&catalog->arena, constraint->to_table);
    copy.to_columns = store_texts(catalog, constraint->to_columns, constraint->to_column_count);
    return copy;
}

/* A primary key makes its columns NOT NULL. */
static void
set_not_null(struct catalog_table *table, const struct sql_constraint *constraint)
{
    struct catalog_column *column;

    LL_FOREACH(table->columns, column)
    {
        for (size_t i = 0; i < constraint->column_count; i++) {
            if (strcmp(column->column.name, constraint->columns[i]) == 0) {
                column->column.is_not_null = true;
            }
        }
    }
}

/* USING INDEX: it takes the constraint's name, and its columns are the constraint's. */
static void
adopt_index(struct catalog *catalog, struct catalog_table *table, struct sql_constraint *constraint)
{
    struct catalog_index *index = store_find_index(catalog, table->schema, constraint->index);

    if (!index) {
        return;
    }
    constraint->columns = index->index.columns;
    constraint->column_count = index->index.column_count;
    index->constraint = constraint->name;
    if (strcmp(index->index.name, constraint->name) != 0) {
        index_rename(catalog, index, table->schema, constraint->name);
    }
}

void
constraint_create(struct catalog *catalog, struct catalog_table *table,
                  const struct sql_constraint *constraint)
{
    struct catalog_constraint *made = arena_alloc(&catalog->arena, sizeof *made);
    bool goes_below =
        constraint->kind == CONSTRAINT_CHECK || constraint->kind == CONSTRAINT_FOREIGN_KEY;
    struct catalog_kin *kin;

    if (find(table, constraint->name)) { /* made conditionally, or again */
        return;
    }
    made->constraint = copied(catalog, constraint);
    made->file = catalog->file;
    made->validated = constraint->is_valid ? catalog->file : 0;
    if (constraint->index) {
        adopt_index(catalog, table, &made->constraint);
    }
    if (constraint->kind == CONSTRAINT_PRIMARY_KEY) {
        set_not_null(table, &made->constraint);
    }
    LL_APPEND(table->constraints, made);
    store_made(catalog, OBJECT_CONSTRAINT, table->schema, table->name, made->constraint.name);
    LL_FOREACH(table->children, kin)
    {
        if (goes_below && (constraint->kind == CONSTRAINT_CHECK || kin->is_partition)) {
            constraint_create(catalog, kin->table, constraint);
        }
    }
}

void
constraint_drop(struct catalog *catalog, struct catalog_table *table, const char *name)
{
    struct catalog_constraint *constraint = find(table, name);
    struct catalog_index *index, *next;

    store_lost(catalog, OBJECT_CONSTRAINT, table->schema, table->name, name, NULL);
    if (!constraint) {
        return;
    }
    LL_DELETE(table->constraints, constraint);
    LL_FOREACH_SAFE(table->indexes, index, next)
    {
        if (index->constraint && strcmp(index->constraint, name) == 0) {
            LL_DELETE(table->indexes, index);
            store_remove_index(catalog, index);
        }
    }
}

void
constraint_validate(struct catalog *catalog, struct catalog_table *table, const char *name)
{
    struct catalog_constraint *constraint;
    struct catalog_kin *kin;

    LL_FOREACH(table->constraints, constraint)
    {
        if (strcmp(constraint->constraint.name, name) == 0 && !constraint->constraint.is_valid) {
            constraint->constraint.is_valid = true;
            constraint->validated = catalog->file;
        }
    }
    LL_FOREACH(table->children, kin)
    {
        constraint_validate(catalog, kin->table, name);
    }
}

void
constraint_rename(struct catalog *catalog, struct catalog_table *table, const char *name,
                  const char *new_name)
{
    struct catalog_constraint *constraint = find(table, name);
    struct catalog_index *index, *next;

    if (!constraint) {
        return;
    }
    constraint->constraint.name = arena_text(&catalog->arena, new_name);
    LL_FOREACH_SAFE(table->indexes, index, next)
    {
        if (index->constraint && strcmp(index->constraint, name) == 0) {
            index->constraint = constraint->constraint.name;
            index_rename(catalog, index, index->schema, new_name);
        }
    }
    store_lost(catalog, OBJECT_CONSTRAINT, table->schema, table->name, name, new_name);
    store_made(catalog, OBJECT_CONSTRAINT, table->schema, table->name, new_name);
}
