/* What the sub-commands of ALTER TABLE share: which relations are drawn in, and how strongly. */
#include <string.h>

#include "common/sql/alteration.h"

void
alteration_lock(struct alteration *alteration, enum lock_mode mode, bool goes_to_children)
{
    if (goes_to_children && !alteration->is_only) {
        reading_lock_family(alteration->reading, &alteration->name, alteration->object, mode);
    } else {
        reading_lock(alteration->reading, &alteration->name, alteration->object, mode);
    }
}

/* The table without the children that ONLY leaves out. */
static struct object_name
reached(const struct alteration *alteration)
{
    struct object_name name = alteration->name;

    if (alteration->is_only) {
        name.table = NULL;
    }
    return name;
}

void
alteration_scan(struct alteration *alteration)
{
    struct object_name name = reached(alteration);
    reading_scan(alteration->reading, &name);
}

void
alteration_rewrite(struct alteration *alteration)
{
    struct object_name name = reached(alteration);
    reading_rewrite(alteration->reading, &name);
}

void
alteration_rewrite_only(struct alteration *alteration)
{
    const struct catalog_table *table = alteration->name.table;

    if (!table || !table->children) {
        reading_rewrite(alteration->reading, &alteration->name);
        return;
    }
    if (table->is_partitioned) {
        return;
    }
    struct catalog_table alone = *table;
    alone.children = NULL;
    struct object_name name = alteration->name;
    name.table = &alone;
    reading_rewrite(alteration->reading, &name);
}

void
alteration_lock_sequences(struct reading *reading, const struct catalog_table *table,
                          const char *column, enum lock_mode mode)
{
    for (const struct catalog_kin *kin = table ? table->sequences : NULL; kin; kin = kin->next) {
        if (!column || strcmp(kin->table->owner_column, column) == 0) {
            reading_lock_table(reading, kin->table, mode);
        }
    }
}

void
alteration_lock_indexes(struct reading *reading, const struct catalog_table *table,
                        enum lock_mode mode)
{
    for (const struct catalog_index *index = table ? table->indexes : NULL; index;
         index = index->next) {
        reading_lock_index(reading, index, mode);
    }
}

void
lock_by_name(struct reading *reading, const char *schema, const char *name, enum lock_mode mode)
{
    struct object_name other = {.schema = schema, .name = name};

    other.table = reading->catalog ? catalog_table(reading->catalog, schema, name) : NULL;
    reading_lock(reading, &other, OBJECT_TABLE, mode);
}

void
lock_for_dropped_constraint(struct reading *reading, const struct catalog_table *table,
                            const struct catalog_constraint *constraint)
{
    if (constraint->constraint.kind == CONSTRAINT_FOREIGN_KEY) {
        lock_by_name(reading, constraint->constraint.to_schema, constraint->constraint.to_table,
                     LOCK_ACCESS_EXCLUSIVE);
    }
    for (const struct catalog_index *index = table->indexes; index; index = index->next) {
        if (index->constraint && strcmp(index->constraint, constraint->constraint.name) == 0) {
            reading_lock_index(reading, index, LOCK_ACCESS_EXCLUSIVE);
        }
    }
}

bool
constraint_refers_to(const struct sql_constraint *constraint, const struct catalog_table *table)
{
    return constraint->kind == CONSTRAINT_FOREIGN_KEY &&
           strcmp(constraint->to_table, table->name) == 0 &&
           strcmp(constraint->to_schema, table->schema) == 0;
}

bool
constraint_names(const struct sql_constraint *constraint, const char *column)
{
    for (size_t i = 0; i < constraint->column_count; i++) {
        if (constraint->columns[i] && strcmp(constraint->columns[i], column) == 0) {
            return true;
        }
    }
    return false;
}

bool
constraint_refers_to_column(const struct sql_constraint *constraint,
                            const struct catalog_table *table, const char *column)
{
    for (size_t i = 0; i < constraint->to_column_count; i++) {
        if (strcmp(constraint->to_columns[i], column) == 0) {
            return true;
        }
    }
    for (const struct catalog_constraint *own = table->constraints;
         own && constraint->to_column_count == 0; own = own->next) {
        if (own->constraint.kind == CONSTRAINT_PRIMARY_KEY) {
            return constraint_names(&own->constraint, column);
        }
    }
    return false;
}

void
lock_referencing(struct reading *reading, const struct catalog_table *table, const char *column,
                 enum lock_mode mode, bool scans)
{
    const struct catalog_table *other = NULL;

    while (table && (other = catalog_next(reading->catalog, other))) {
        for (const struct catalog_constraint *constraint = other->constraints; constraint;
             constraint = constraint->next) {
            if (!constraint_refers_to(&constraint->constraint, table) ||
                (column && !constraint_refers_to_column(&constraint->constraint, table, column))) {
                continue;
            }
            struct sql_relation *relation = reading_lock_table(reading, other, mode);
            relation->scans |= scans;
        }
    }
}

bool
index_names(const struct sql_index *index, const char *column)
{
    for (size_t i = 0; i < index->column_count; i++) {
        if (index->columns[i] && strcmp(index->columns[i], column) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < index->used_count; i++) {
        if (strcmp(index->used[i], column) == 0) {
            return true;
        }
    }
    return false;
}

bool
index_is_part(const struct sql_index *index, const struct sql_index *of)
{
    if (index->column_count != of->column_count || index->column_count == 0) {
        return false;
    }
    const char *own = index->columns[0], *other = of->columns[0];
    return own && other ? strcmp(own, other) == 0 : own == other;
}

void
lock_views(struct reading *reading, const struct catalog_table *table, const char *column,
           enum lock_mode mode)
{
    const struct catalog_table *view = NULL;

    while (table && (view = catalog_next(reading->catalog, view))) {
        if (!catalog_view_reads(view, table, column)) {
            continue;
        }
        reading_lock_table(reading, view, mode);
        alteration_lock_indexes(reading, view, mode);
        lock_views(reading, view, NULL, mode);
    }
}
