/*
 * DROP of anything. What goes with it by CASCADE, or because it is a part of it, is locked too;
 * from the catalog, as far as it knows. RemoveRelations and RangeVarCallbackForDropRelation in
 * tablecmds.c, heap_drop_with_catalog in heap.c.
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- tables ---------------------------------------------------------------------------------- */

static void drop_table(struct reading *reading, const struct catalog_table *table, bool cascades);

static void
drop_children(struct reading *reading, const struct catalog_table *table, bool cascades)
{
    for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
        if (kin->is_partition || cascades) {
            drop_table(reading, kin->table, cascades);
        }
    }
}

/* A partition goes while nobody plans a query over the whole. */
static void
lock_parent(struct reading *reading, const struct catalog_table *table)
{
    for (const struct catalog_kin *kin = table->parents; kin; kin = kin->next) {
        if (!kin->is_partition) {
            continue;
        }
        reading_lock_table(reading, kin->table, LOCK_ACCESS_EXCLUSIVE);
        for (const struct catalog_kin *sibling = kin->table->children; sibling;
             sibling = sibling->next) {
            if (sibling->is_default) {
                reading_lock_table(reading, sibling->table, LOCK_ACCESS_EXCLUSIVE);
            }
        }
    }
}

/* The default of a serial column goes with its sequence. */
static void
lock_owner(struct reading *reading, const struct catalog_table *sequence)
{
    const struct catalog_table *owner =
        sequence->owner_table
            ? catalog_table(reading->catalog, sequence->owner_schema, sequence->owner_table)
            : NULL;
    const struct catalog_column *column =
        owner ? catalog_column(owner, sequence->owner_column) : NULL;

    if (column && column->column.is_serial) {
        reading_lock_table(reading, owner, LOCK_ACCESS_EXCLUSIVE);
    }
}

static void
drop_table(struct reading *reading, const struct catalog_table *table, bool cascades)
{
    reading_lock_table(reading, table, LOCK_ACCESS_EXCLUSIVE);
    alteration_lock_indexes(reading, table, LOCK_ACCESS_EXCLUSIVE);
    alteration_lock_sequences(reading, table, NULL, LOCK_ACCESS_EXCLUSIVE);
    lock_parent(reading, table);
    if (cascades && table->object == OBJECT_SEQUENCE) {
        lock_owner(reading, table);
    }
    for (const struct catalog_constraint *constraint = table->constraints; constraint;
         constraint = constraint->next) {
        if (constraint->constraint.kind == CONSTRAINT_FOREIGN_KEY) {
            lock_by_name(reading, constraint->constraint.to_schema, constraint->constraint.to_table,
                         LOCK_ACCESS_EXCLUSIVE);
        }
    }
    if (cascades) {
        lock_referencing(reading, table, NULL, LOCK_ACCESS_EXCLUSIVE, false);
        lock_views(reading, table, NULL, LOCK_ACCESS_EXCLUSIVE);
    }
    drop_children(reading, table, cascades);
}

/* ---- indexes --------------------------------------------------------------------------------- */

static void
drop_index_of_children(struct reading *reading, const struct catalog_table *table,
                       const struct sql_index *index)
{
    for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
        reading_lock_table(reading, kin->table, LOCK_ACCESS_EXCLUSIVE);
        for (const struct catalog_index *other = kin->table->indexes; other; other = other->next) {
            if (index_is_part(&other->index, index)) {
                reading_lock_index(reading, other, LOCK_ACCESS_EXCLUSIVE);
            }
        }
        drop_index_of_children(reading, kin->table, index);
    }
}

static void
drop_index(struct reading *reading, const struct object_name *name, bool is_concurrent)
{
    enum lock_mode lock = is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE;
    const struct catalog_index *index =
        reading->catalog ? catalog_index(reading->catalog, name->schema, name->name) : NULL;

    if (!index) {
        reading_lock(reading, name, OBJECT_INDEX, lock);
        return;
    }
    reading_lock_index(reading, index, lock);
    reading_lock_table(reading, index->table, lock);
    if (index->table->is_partitioned) {
        drop_index_of_children(reading, index->table, &index->index);
    }
}

/* ---- schemas, types, functions --------------------------------------------------------------- */

static void
drop_schema(struct reading *reading, const char *schema)
{
    const struct catalog_table *table = NULL;

    while (reading->catalog && (table = catalog_next(reading->catalog, table))) {
        if (strcmp(table->schema, schema) == 0) {
            drop_table(reading, table, true);
        }
    }
}

/* The columns of the type go with it. */
static void
drop_type(struct reading *reading, const struct object_name *name)
{
    const struct catalog_table *table = NULL;

    while (reading->catalog && (table = catalog_next(reading->catalog, table))) {
        for (const struct catalog_column *column = table->columns; column; column = column->next) {
            if (type_is_named(column->column.type, name->schema, name->name)) {
                reading_lock_table(reading, table, LOCK_ACCESS_EXCLUSIVE);
            }
        }
    }
}

/* The triggers that call the function go with it. */
static void
drop_function(struct reading *reading, const struct object_name *name)
{
    const struct catalog_table *table = NULL;

    while (reading->catalog && (table = catalog_next(reading->catalog, table))) {
        for (const struct catalog_part *part = table->parts; part; part = part->next) {
            if (part->function && strcmp(part->function, name->name) == 0) {
                reading_lock_table(reading, table, LOCK_ACCESS_EXCLUSIVE);
            }
        }
    }
}

/* ---- the statement --------------------------------------------------------------------------- */

static void
drop_relation(struct reading *reading, const struct object_name *name, enum sql_object object,
              bool cascades, bool if_exists)
{
    bool is_gone = if_exists && !name->table && reading->catalog &&
                   catalog_lost(reading->catalog, object, name->schema, name->name, NULL);

    if (name->table) {
        drop_table(reading, name->table, cascades);
    } else if (!is_gone) {
        reading_lock(reading, name, object, LOCK_ACCESS_EXCLUSIVE);
    }
}

static void
drop_one(struct reading *reading, const PgQuery__DropStmt *statement, const PgQuery__Node *node)
{
    bool cascades = statement->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    enum sql_object object = object_of_type(statement->remove_type);
    bool is_part = object == OBJECT_TRIGGER || object == OBJECT_POLICY || object == OBJECT_RULE;
    bool is_list = node->node_case == NODE(LIST) && node->list->n_items;
    struct object_name name = name_of_node(reading, node);
    const char *part = NULL;

    if (is_part && is_list) { /* table.trigger */
        part = tree_string(node->list->items[node->list->n_items - 1]);
        name = name_of_list(reading, node->list->items, node->list->n_items, 1);
    }
    bool is_index = object == OBJECT_INDEX;
    const struct catalog_index *index =
        is_index && reading->catalog ? catalog_index(reading->catalog, name.schema, name.name)
                                     : NULL;
    struct object_name table = index ? name_of_table(index->table) : name;
    if (index) {
        table.is_schema_written = name.is_schema_written;
    }
    struct effect *effect = reading_effect(reading, EFFECT_DROP, object, is_index ? &table : &name,
                                           is_index ? name.name : part);
    effect->if_exists = statement->missing_ok;
    effect->cascades = cascades;
    effect->is_concurrent = statement->concurrent;
    if (is_index) {
        effect->index = index ? &index->index : NULL;
        drop_index(reading, &name, statement->concurrent);
    } else if (is_part) {
        reading_lock(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    } else if (object <= OBJECT_SEQUENCE) {
        drop_relation(reading, &name, object, cascades, statement->missing_ok);
    } else if (object == OBJECT_STATISTICS) {
        lock_statistics(reading, &name);
    } else if (cascades && object == OBJECT_SCHEMA) {
        drop_schema(reading, name.name);
    } else if (cascades && (object == OBJECT_TYPE || object == OBJECT_DOMAIN)) {
        drop_type(reading, &name);
    } else if (cascades && object == OBJECT_FUNCTION) {
        drop_function(reading, &name);
    }
}

bool
read_drop(struct reading *reading, const PgQuery__Node *tree)
{
    if (tree->node_case != NODE(DROP_STMT)) {
        return false;
    }
    for (size_t i = 0; i < tree->drop_stmt->n_objects; i++) {
        drop_one(reading, tree->drop_stmt, tree->drop_stmt->objects[i]);
    }
    return true;
}
