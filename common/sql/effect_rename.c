/*
 * ALTER … RENAME, SET SCHEMA, OWNER TO, DEPENDS ON EXTENSION; COMMENT and SECURITY LABEL. Locks:
 * RenameRelation and renameatt in tablecmds.c (an index in SHARE UPDATE EXCLUSIVE since 12:
 * https://www.postgresql.org/docs/release/12.0/, "Reduce locking requirements for index renaming"),
 * CommentObject in comment.c and get_object_address in objectaddress.c.
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- RENAME ---------------------------------------------------------------------------------- */

static void
rename_constraint(struct reading *reading, const struct object_name *table, const char *name)
{
    reading_lock(reading, table, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    if (!table->table) {
        return;
    }
    for (const struct catalog_index *index = table->table->indexes; index; index = index->next) {
        if (index->constraint && strcmp(index->constraint, name) == 0) {
            reading_lock_index(reading, index, LOCK_SHARE_UPDATE_EXCLUSIVE);
        }
    }
    const struct catalog_constraint *known = catalog_constraint(table->table, name);
    if (!known || known->constraint.kind == CONSTRAINT_CHECK) {
        reading_lock_family(reading, table, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    }
}

/* The partitions' triggers follow since 15: https://www.postgresql.org/docs/release/15.0/ */
static void
rename_trigger(struct reading *reading, const struct object_name *table)
{
    bool is_partitioned = table->table && table->table->is_partitioned;

    if (is_partitioned && reading->major >= 15) {
        reading_lock_family(reading, table, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    } else {
        reading_lock(reading, table, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    }
}

static void
rename_index(struct reading *reading, const struct object_name *name, struct effect *effect)
{
    const struct catalog_index *index =
        reading->catalog ? catalog_index(reading->catalog, name->schema, name->name) : NULL;

    effect->part = name->name;
    effect->name = index ? index->table->name : name->name;
    reading_lock(reading, name, OBJECT_INDEX, LOCK_SHARE_UPDATE_EXCLUSIVE);
    if (index) {
        reading_lock_index(reading, index, LOCK_SHARE_UPDATE_EXCLUSIVE);
    }
}

static void
read_rename_of(struct reading *reading, const PgQuery__RenameStmt *statement)
{
    enum sql_object object = object_of_type(statement->rename_type);
    bool has_part =
        object_is_part(object) || object == OBJECT_ATTRIBUTE || object == OBJECT_DOMAIN_CONSTRAINT;
    bool has_subject = statement->relation || statement->object;
    struct object_name name = statement->relation ? name_of_relation(reading, statement->relation)
                                                  : name_of_node(reading, statement->object);

    if (!has_subject) { /* roles, schemas, databases stand in the second name */
        name = name_plain(statement->subname);
    }
    if (name.table && object_is_relation(object)) {
        object = name.table->object; /* ALTER TABLE renames views and indexes as well */
    }
    struct effect *effect =
        reading_effect(reading, EFFECT_RENAME, object, &name, has_part ? statement->subname : NULL);
    effect->new_name = statement->newname;
    effect->if_exists = statement->missing_ok;
    effect->cascades = statement->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    if (object == OBJECT_INDEX) {
        rename_index(reading, &name, effect);
    } else if (object == OBJECT_CONSTRAINT) {
        rename_constraint(reading, &name, statement->subname);
    } else if (object == OBJECT_COLUMN) {
        reading_lock_family(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    } else if (object == OBJECT_TRIGGER) {
        rename_trigger(reading, &name);
    } else if (object_is_relation(object) || object_is_part(object)) {
        reading_lock(reading, &name, object_is_part(object) ? OBJECT_TABLE : object,
                     LOCK_ACCESS_EXCLUSIVE);
    }
}

/* ---- SET SCHEMA, OWNER, DEPENDS -------------------------------------------------------------- */

static void
read_move(struct reading *reading, const PgQuery__AlterObjectSchemaStmt *statement)
{
    enum sql_object object = object_of_type(statement->object_type);
    struct object_name name = statement->relation ? name_of_relation(reading, statement->relation)
                                                  : name_of_node(reading, statement->object);
    struct effect *effect = reading_effect(reading, EFFECT_MOVE, object, &name, NULL);

    effect->new_name = statement->newschema;
    effect->if_exists = statement->missing_ok;
    if (object_is_relation(object)) {
        reading_lock(reading, &name, object, LOCK_ACCESS_EXCLUSIVE);
        alteration_lock_sequences(reading, name.table, NULL, LOCK_ACCESS_EXCLUSIVE);
    }
}

static void
read_owner(struct reading *reading, const PgQuery__AlterOwnerStmt *statement)
{
    enum sql_object object = object_of_type(statement->object_type);
    struct object_name name = statement->relation ? name_of_relation(reading, statement->relation)
                                                  : name_of_node(reading, statement->object);

    reading_effect(reading, EFFECT_SET_OWNER, object, &name, NULL);
}

static void
read_depends(struct reading *reading, const PgQuery__AlterObjectDependsStmt *statement)
{
    enum sql_object object = object_of_type(statement->object_type);
    struct object_name name = statement->relation ? name_of_relation(reading, statement->relation)
                                                  : name_of_node(reading, statement->object);

    reading_effect(reading, EFFECT_ALTER, object, &name, NULL);
    if (object_is_relation(object) || object == OBJECT_TRIGGER) {
        reading_lock(reading, &name, object, LOCK_ACCESS_EXCLUSIVE);
    }
}

/* ---- COMMENT --------------------------------------------------------------------------------- */

static void
read_comment(struct reading *reading, PgQuery__ObjectType type, const PgQuery__Node *node)
{
    enum sql_object object = object_of_type(type);
    bool is_list = node && node->node_case == NODE(LIST) && node->list->n_items;
    struct object_name name = name_of_node(reading, node);
    const char *part = NULL;

    if (object_is_part(object) && is_list) {
        part = tree_string(node->list->items[node->list->n_items - 1]);
        name = name_of_list(reading, node->list->items, node->list->n_items, 1);
    }
    reading_effect(reading, EFFECT_COMMENT, object, &name, part);
    if (object_is_relation(object) || object == OBJECT_INDEX || object == OBJECT_COLUMN) {
        bool is_column = object == OBJECT_COLUMN;
        reading_lock(reading, &name, is_column ? OBJECT_RELATION : object,
                     LOCK_SHARE_UPDATE_EXCLUSIVE);
    } else if (object_is_part(object)) {
        reading_lock(reading, &name, OBJECT_TABLE, LOCK_ACCESS_SHARE);
    }
}

bool
read_rename(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(RENAME_STMT):
        read_rename_of(reading, tree->rename_stmt);
        return true;
    case NODE(ALTER_OBJECT_SCHEMA_STMT):
        read_move(reading, tree->alter_object_schema_stmt);
        return true;
    case NODE(ALTER_OWNER_STMT):
        read_owner(reading, tree->alter_owner_stmt);
        return true;
    case NODE(ALTER_OBJECT_DEPENDS_STMT):
        read_depends(reading, tree->alter_object_depends_stmt);
        return true;
    case NODE(COMMENT_STMT):
        read_comment(reading, tree->comment_stmt->objtype, tree->comment_stmt->object);
        return true;
    case NODE(SEC_LABEL_STMT):
        read_comment(reading, tree->sec_label_stmt->objtype, tree->sec_label_stmt->object);
        return true;
    default:
        return false;
    }
}
