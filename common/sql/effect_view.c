/*
 * Views and materialized views.
 * https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html: ACCESS EXCLUSIVE, or
 * EXCLUSIVE when CONCURRENTLY.
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- CREATE VIEW ----------------------------------------------------------------------------- */

static bool
look_for_star(void *context, const ProtobufCMessage *message)
{
    *(bool *)context |= WALK_IS(message, a__star);
    return true;
}

/* None when it says *, which names them all. */
void
query_columns(struct reading *reading, const PgQuery__Node *query, struct sql_table *made)
{
    bool has_star = false;

    walk_node(query, look_for_star, &has_star);
    if (!has_star) {
        made->used = expression_columns(query, reading->arena, &made->used_count);
    }
}

static void
read_create(struct reading *reading, const PgQuery__ViewStmt *statement)
{
    struct object_name name = name_of_new(reading, statement->view);
    struct sql_table *made = arena_alloc(reading->arena, sizeof *made);
    bool is_there = name.table || !reading->catalog;
    enum effect_verb verb = statement->replace && is_there ? EFFECT_REPLACE : EFFECT_CREATE;
    struct effect *effect = reading_effect(reading, verb, OBJECT_VIEW, &name, NULL);

    effect->table = made;
    query_columns(reading, statement->query, made);
    bool is_new = !name.table && !statement->replace;
    struct sql_relation *relation =
        reading_lock(reading, &name, OBJECT_VIEW, LOCK_ACCESS_EXCLUSIVE);
    relation->is_new = relation->is_new || is_new;
    if (tree_option_is_on(statement->options, statement->n_options, "security_invoker")) {
        reading_needs(reading, 15);
    }
    read_query(reading, statement->query, false);
}

/* ---- REFRESH --------------------------------------------------------------------------------- */

static void
read_sources(struct reading *reading, const struct catalog_table *view)
{
    for (const struct catalog_kin *kin = view->reads; kin; kin = kin->next) {
        struct object_name name = name_of_table(kin->table);
        lock_rows(reading, &name, false, true, LOCK_ACCESS_SHARE);
    }
}

static void
read_refresh(struct reading *reading, const PgQuery__RefreshMatViewStmt *statement)
{
    struct object_name name = name_of_relation(reading, statement->relation);
    struct effect *effect =
        reading_effect(reading, EFFECT_REFRESH, OBJECT_MATERIALIZED_VIEW, &name, NULL);

    effect->is_concurrent = statement->concurrent;
    effect->rewrites = !statement->concurrent;
    effect->scans = true;
    reading->effects->class = CLASS_DATA;
    struct sql_relation *relation =
        reading_lock(reading, &name, OBJECT_MATERIALIZED_VIEW,
                     statement->concurrent ? LOCK_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
    relation->rewrites = !statement->concurrent;
    relation->scans = statement->concurrent || !name.table || name.table->indexes;
    for (const struct catalog_index *index =
             !statement->concurrent && name.table ? name.table->indexes : NULL;
         index; index = index->next) {
        reading_lock_index(reading, index, LOCK_ACCESS_EXCLUSIVE)->rewrites = true;
    }
    if (name.table && !statement->skip_data) {
        read_sources(reading, name.table);
    }
}

bool
read_view(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(VIEW_STMT):
        read_create(reading, tree->view_stmt);
        return true;
    case NODE(REFRESH_MAT_VIEW_STMT):
        read_refresh(reading, tree->refresh_mat_view_stmt);
        return true;
    default:
        return false;
    }
}
