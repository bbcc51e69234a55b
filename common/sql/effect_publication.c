/*
 * Publications: SHARE UPDATE EXCLUSIVE on the tables that are named (OpenTableList in
 * publicationcmds.c).
 */
#include <string.h>

#include "common/sql/reading.h"

static void
read_tables(struct reading *reading, PgQuery__Node **objects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (objects[i]->node_case != NODE(PUBLICATION_OBJ_SPEC)) {
            continue;
        }
        const PgQuery__PublicationObjSpec *object = objects[i]->publication_obj_spec;
        if (!object
                 ->pubtable) { /* TABLES IN SCHEMA: https://www.postgresql.org/docs/release/15.0/ */
            reading_needs(reading, 15);
            continue;
        }
        struct object_name name = name_of_relation(reading, object->pubtable->relation);
        if (object->pubtable->where_clause || object->pubtable->n_columns) {
            reading_needs(reading, 15);
        }
        reading_effect(reading, EFFECT_ATTACH, OBJECT_TABLE, &name, NULL)->is_implied = true;
        if (object->pubtable->relation->inh && name.table && !name.table->is_partitioned) {
            reading_lock_family(reading, &name, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE);
        } else {
            reading_lock(reading, &name, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE);
        }
    }
}

static void
read_alter(struct reading *reading, const PgQuery__AlterPublicationStmt *statement)
{
    struct object_name name = name_plain(statement->pubname);

    reading_effect(reading, EFFECT_ALTER, OBJECT_PUBLICATION, &name, NULL);
    read_tables(reading, statement->pubobjects, statement->n_pubobjects);
    bool sets = statement->action == PG_QUERY__ALTER_PUBLICATION_ACTION__AP_SetObjects;
    if (statement->n_pubobjects == 0 || !sets || !reading->catalog) {
        return;
    }
    for (const struct catalog_kin *kin = catalog_publication(reading->catalog, statement->pubname);
         kin; kin = kin->next) {
        reading_lock_table(reading, kin->table, LOCK_SHARE_UPDATE_EXCLUSIVE);
    }
}

bool
read_publication(struct reading *reading, const PgQuery__Node *tree)
{
    struct object_name name;

    switch (tree->node_case) {
    case NODE(CREATE_PUBLICATION_STMT):
        name = name_plain(tree->create_publication_stmt->pubname);
        reading_effect(reading, EFFECT_CREATE, OBJECT_PUBLICATION, &name, NULL);
        read_tables(reading, tree->create_publication_stmt->pubobjects,
                    tree->create_publication_stmt->n_pubobjects);
        return true;
    case NODE(ALTER_PUBLICATION_STMT):
        read_alter(reading, tree->alter_publication_stmt);
        return true;
    default:
        return false;
    }
}
