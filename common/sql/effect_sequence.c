/* Sequences. ALTER SEQUENCE takes SHARE ROW EXCLUSIVE (AlterSequence in sequence.c). */
#include <string.h>

#include "common/sql/reading.h"

/* OWNED BY [schema.]table.column; null for NONE or when it is not said. */
static struct sql_table *
read_owner(struct reading *reading, PgQuery__Node **options, size_t count)
{
    const PgQuery__DefElem *option = tree_option(options, count, "owned_by");

    if (!option || !option->arg || option->arg->node_case != NODE(LIST)) {
        return NULL;
    }
    struct sql_table *made = arena_alloc(reading->arena, sizeof *made);
    const PgQuery__List *list = option->arg->list;
    if (list->n_items < 2) { /* NONE */
        return made;
    }
    struct object_name table = name_of_list(reading, list->items, list->n_items, 1);
    made->owner_schema = table.schema;
    made->owner_table = table.name;
    made->owner_column = tree_string(list->items[list->n_items - 1]);
    reading_lock(reading, &table, OBJECT_TABLE, LOCK_ACCESS_SHARE);
    return made;
}

static void
read_create(struct reading *reading, const PgQuery__CreateSeqStmt *statement)
{
    struct object_name name = name_of_new(reading, statement->sequence);
    struct effect *effect = reading_effect(reading, EFFECT_CREATE, OBJECT_SEQUENCE, &name, NULL);

    effect->if_not_exists = statement->if_not_exists;
    effect->is_noop = (statement->if_not_exists || reading->is_inside) && name.table;
    if (effect->is_noop) {
        return;
    }
    name.table = NULL;
    reading_lock(reading, &name, OBJECT_SEQUENCE, LOCK_ACCESS_EXCLUSIVE)->is_new = true;
    effect->table = read_owner(reading, statement->options, statement->n_options);
}

static void
read_alter(struct reading *reading, const PgQuery__AlterSeqStmt *statement)
{
    struct object_name name = name_of_relation(reading, statement->sequence);
    struct effect *effect = reading_effect(reading, EFFECT_ALTER, OBJECT_SEQUENCE, &name, NULL);

    effect->if_exists = statement->missing_ok;
    reading_lock(reading, &name, OBJECT_SEQUENCE, LOCK_SHARE_ROW_EXCLUSIVE);
    effect->table = read_owner(reading, statement->options, statement->n_options);
}

bool
read_sequence(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(CREATE_SEQ_STMT):
        read_create(reading, tree->create_seq_stmt);
        return true;
    case NODE(ALTER_SEQ_STMT):
        read_alter(reading, tree->alter_seq_stmt);
        return true;
    default:
        return false;
    }
}
