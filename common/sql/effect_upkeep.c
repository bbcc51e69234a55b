/*
 * VACUUM, ANALYZE, REINDEX, CLUSTER. https://www.postgresql.org/docs/current/sql-reindex.html:
 * SHARE on the table and ACCESS EXCLUSIVE on the indexes, or SHARE UPDATE EXCLUSIVE when
 * CONCURRENTLY (since 12).
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- VACUUM, ANALYZE ------------------------------------------------------------------------- */

static void
vacuum_table(struct reading *reading, const PgQuery__VacuumStmt *statement,
             const PgQuery__RangeVar *range)
{
    struct object_name name = name_of_relation(reading, range);
    bool is_full = tree_option_is_on(statement->options, statement->n_options, "full");
    enum effect_verb verb = statement->is_vacuumcmd ? EFFECT_VACUUM : EFFECT_ANALYZE;
    struct effect *effect =
        reading_effect(reading, is_full ? EFFECT_CLUSTER : verb, OBJECT_TABLE, &name, NULL);

    effect->rewrites = is_full;
    if (is_full) {
        reading_lock_family(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
        reading_rewrite(reading, &name);
        return;
    }
    /* What inherits is gone through as well since 18: https://www.postgresql.org/docs/release/18.0/
     */
    bool goes_below =
        range->inh && (reading->major >= 18 || !name.table || name.table->is_partitioned);
    if (goes_below) {
        reading_lock_family(reading, &name, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE);
        return;
    }
    reading_lock(reading, &name, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE);
    if (verb == EFFECT_ANALYZE) { /* a sample of it is taken all the same */
        reading_lock_family(reading, &name, OBJECT_TABLE, LOCK_ACCESS_SHARE);
    }
}

static void
read_vacuum(struct reading *reading, const PgQuery__VacuumStmt *statement)
{
    for (size_t i = 0; i < statement->n_rels; i++) {
        vacuum_table(reading, statement, statement->rels[i]->vacuum_relation->relation);
    }
    if (statement->n_rels == 0) {
        struct object_name all = name_plain("");
        reading_effect(reading, statement->is_vacuumcmd ? EFFECT_VACUUM : EFFECT_ANALYZE,
                       OBJECT_DATABASE, &all, NULL);
    }
}

/* ---- REINDEX --------------------------------------------------------------------------------- */

static void
reindex_one(struct reading *reading, const struct catalog_index *index, bool is_concurrent)
{
    struct sql_relation *relation = reading_lock_index(
        reading, index, is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
    relation->rewrites = true;
}

/* Of a partitioned table or index one by one, each in a transaction of its own. */
static void
leave_transaction(struct reading *reading, const struct catalog_table *table, int major)
{
    if (table && table->is_partitioned) {
        reading->effects->in_transaction = false;
        reading_needs(reading, major);
    }
}

/* One table with some of its indexes; null: all. The lock on the table lets it be read. */
static void
reindex_leaf(struct reading *reading, const struct catalog_table *table,
             const struct sql_index *like, bool is_concurrent)
{
    struct object_name name = name_of_table(table);

    reading_lock(reading, &name, OBJECT_TABLE,
                 is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE)
        ->scans |= table->indexes != NULL;
    for (const struct catalog_index *index = table->indexes; index; index = index->next) {
        if (!like || index_is_part(&index->index, like)) {
            reindex_one(reading, index, is_concurrent);
        }
    }
}

/* The leaves below a partitioned table; what is above them is locked just to find them. */
static void
reindex_leaves(struct reading *reading, const struct catalog_table *table,
               const struct sql_index *like, bool is_concurrent)
{
    for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
        if (kin->table->is_partitioned) {
            reindex_leaves(reading, kin->table, like, is_concurrent);
        } else {
            reindex_leaf(reading, kin->table, like, is_concurrent);
        }
    }
}

static void
reindex_table(struct reading *reading, const struct object_name *name, bool is_concurrent)
{
    const struct catalog_table *table = name->table;

    if (!table) {
        reading_lock(reading, name, OBJECT_TABLE,
                     is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE)
            ->scans = true;
    } else if (table->is_partitioned) {
        leave_transaction(reading, table, 14);
        reading_lock(reading, name, OBJECT_TABLE,
                     is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE);
        reindex_leaves(reading, table, NULL, is_concurrent);
    } else {
        reindex_leaf(reading, table, NULL, is_concurrent);
    }
}

static void
reindex_index(struct reading *reading, const struct object_name *name, bool is_concurrent)
{
    const struct catalog_index *index =
        reading->catalog ? catalog_index(reading->catalog, name->schema, name->name) : NULL;

    if (!index) {
        reading_lock(reading, name, OBJECT_INDEX,
                     is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE)
            ->rewrites = true;
    } else if (index->table->is_partitioned) {
        leave_transaction(reading, index->table, 14);
        reading_lock_table(reading, index->table,
                           is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE);
        reading_lock_index(reading, index,
                           is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
        reindex_leaves(reading, index->table, &index->index, is_concurrent);
    } else {
        reading_lock_table(reading, index->table,
                           is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE)
            ->scans = true;
        reindex_one(reading, index, is_concurrent);
    }
}

static void
read_reindex(struct reading *reading, const PgQuery__ReindexStmt *statement)
{
    bool is_concurrent = tree_option_is_on(statement->params, statement->n_params, "concurrently");
    bool is_index = statement->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX;
    struct object_name name = statement->relation ? name_of_relation(reading, statement->relation)
                                                  : name_plain(statement->name);
    enum sql_object object = OBJECT_DATABASE;
    if (statement->relation) {
        object = is_index ? OBJECT_INDEX : OBJECT_TABLE;
    } else if (statement->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SCHEMA) {
        object = OBJECT_SCHEMA;
    }
    struct effect *effect =
        reading_effect(reading, EFFECT_REINDEX, object, &name, is_index ? name.name : NULL);

    effect->is_concurrent = is_concurrent;
    effect->rewrites = effect->scans = true;
    if (is_index) {
        reindex_index(reading, &name, is_concurrent);
    } else if (statement->relation) {
        reindex_table(reading, &name, is_concurrent);
    }
}

/* ---- CLUSTER --------------------------------------------------------------------------------- */

static void
read_cluster(struct reading *reading, const PgQuery__ClusterStmt *statement)
{
    struct object_name name =
        statement->relation ? name_of_relation(reading, statement->relation) : name_plain("");
    struct effect *effect = reading_effect(
        reading, EFFECT_CLUSTER, statement->relation ? OBJECT_TABLE : OBJECT_DATABASE, &name, NULL);

    effect->rewrites = effect->scans = true;
    if (statement->relation) {
        leave_transaction(reading, name.table, 15);
        reading_lock_family(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
        reading_rewrite(reading, &name);
    }
}

bool
read_upkeep(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(VACUUM_STMT):
        read_vacuum(reading, tree->vacuum_stmt);
        break;
    case NODE(REINDEX_STMT):
        read_reindex(reading, tree->reindex_stmt);
        break;
    case NODE(CLUSTER_STMT):
        read_cluster(reading, tree->cluster_stmt);
        break;
    default:
        return false;
    }
    reading->effects->class = CLASS_UPKEEP;
    return true;
}
