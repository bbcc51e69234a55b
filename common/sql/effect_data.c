/* Whole statements about rows: queries, COPY, TRUNCATE, LOCK, EXPLAIN, PREPARE, cursors. */
#include <string.h>

#include "common/sql/reading.h"

static enum sql_class
class_of(const struct effects *effects)
{
    for (size_t i = 0; i < effects->effect_count; i++) {
        switch (effects->effects[i].verb) {
        case EFFECT_INSERT:
        case EFFECT_UPDATE:
        case EFFECT_DELETE:
            return CLASS_DATA;
        case EFFECT_CALL:
            if (effects->effects[i].object == OBJECT_FUNCTION) {
                return CLASS_BOTH;
            }
            return CLASS_DATA;
        default:
            break;
        }
    }
    return CLASS_READ;
}

/* SELECT … INTO makes a table. */
static const PgQuery__IntoClause *
into_of(const PgQuery__SelectStmt *select)
{
    while (select->larg && !select->into_clause) {
        select = select->larg;
    }
    return select->into_clause;
}

static void
read_select(struct reading *reading, const PgQuery__Node *tree)
{
    const PgQuery__IntoClause *into = into_of(tree->select_stmt);

    if (into) {
        struct object_name name = name_of_new(reading, into->rel);
        struct sql_table *made = arena_alloc(reading->arena, sizeof *made);
        made->is_filled = true;
        name.table = NULL;
        reading_effect(reading, EFFECT_CREATE, OBJECT_TABLE, &name, NULL)->table = made;
        reading_lock(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE)->is_new = true;
    }
    read_query(reading, tree, true);
    reading->effects->class = into ? CLASS_BOTH : class_of(reading->effects);
}

static void
read_copy(struct reading *reading, const PgQuery__CopyStmt *copy)
{
    reading->effects->class = copy->is_from ? CLASS_DATA : CLASS_READ;
    if (!copy->relation) {
        read_query(reading, copy->query, true);
        return;
    }
    struct object_name name = name_of_relation(reading, copy->relation);
    reading_effect(reading, copy->is_from ? EFFECT_INSERT : EFFECT_READ, OBJECT_TABLE, &name, NULL)
        ->scans = !copy->is_from;
    if (copy->is_from) {
        read_copied(reading, &name, copy->attlist, copy->n_attlist);
        return;
    }
    reading_lock(reading, &name, OBJECT_TABLE, LOCK_ACCESS_SHARE);
    struct object_name alone = name;
    alone.table = NULL; /* COPY TO is about the one table */
    reading_scan(reading, &alone);
}

/* ---- TRUNCATE, LOCK -------------------------------------------------------------------------- */

/* The table and its partitions get new, empty files. */
static void
empty(struct reading *reading, const struct object_name *name)
{
    const struct catalog_table *table = name->table;

    reading_lock(reading, name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE)->rewrites |=
        !table || !table->is_partitioned;
    for (const struct catalog_index *index = table ? table->indexes : NULL;
         index && !table->is_partitioned; index = index->next) {
        reading_lock_index(reading, index, LOCK_ACCESS_EXCLUSIVE)->rewrites = true;
    }
    for (const struct catalog_kin *kin = table ? table->children : NULL; kin; kin = kin->next) {
        struct object_name child = name_of_table(kin->table);
        empty(reading, &child);
    }
}

static void
empty_referencing(struct reading *reading, const struct catalog_table *table)
{
    const struct catalog_table *other = NULL;

    if (++reading->depth > 32) {
        return;
    }
    while ((other = catalog_next(reading->catalog, other))) {
        for (const struct catalog_constraint *known = other->constraints; known;
             known = known->next) {
            struct object_name name = name_of_table(other);
            const struct sql_relation *met =
                effects_relation(reading->effects, other->schema, other->name);
            bool is_done = met && met->lock == LOCK_ACCESS_EXCLUSIVE;
            if (constraint_refers_to(&known->constraint, table) && !is_done) {
                struct effect *effect =
                    reading_effect(reading, EFFECT_TRUNCATE, OBJECT_TABLE, &name, NULL);
                effect->is_implied = true;
                empty(reading, &name);
                empty_referencing(reading, other);
            }
        }
    }
    reading->depth--;
}

static void
read_truncate(struct reading *reading, const PgQuery__TruncateStmt *statement)
{
    bool cascades = statement->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;

    for (size_t i = 0; i < statement->n_relations; i++) {
        const PgQuery__RangeVar *range = statement->relations[i]->range_var;
        struct object_name name = name_of_relation(reading, range);
        reading_effect(reading, EFFECT_TRUNCATE, OBJECT_TABLE, &name, NULL)->cascades = cascades;
        struct object_name reached = name;
        if (!range->inh) {
            reached.table = NULL;
        }
        empty(reading, &reached);
        if (cascades && name.table) {
            empty_referencing(reading, name.table);
        }
        if (statement->restart_seqs) {
            alteration_lock_sequences(reading, name.table, NULL, LOCK_ACCESS_EXCLUSIVE);
        }
    }
}

static void
read_lock(struct reading *reading, const PgQuery__LockStmt *statement)
{
    for (size_t i = 0; i < statement->n_relations; i++) {
        const PgQuery__RangeVar *range = statement->relations[i]->range_var;
        struct object_name name = name_of_relation(reading, range);
        reading_effect(reading, EFFECT_LOCK, OBJECT_RELATION, &name, NULL);
        lock_rows(reading, &name, !range->inh, true, (enum lock_mode)statement->mode);
    }
}

/* ---- what wraps a query ---------------------------------------------------------------------- */

static void
read_explain(struct reading *reading, const PgQuery__ExplainStmt *statement)
{
    size_t first = reading->effects->effect_count;
    bool is_run = tree_option_is_on(statement->options, statement->n_options, "analyze");

    read_statement(reading, statement->query);
    for (size_t i = first; !is_run && i < reading->effects->effect_count; i++) {
        struct effect *effect = &reading->effects->effects[i];
        effect->verb = EFFECT_READ; /* planned, not carried out */
        effect->loses_data = effect->scans = effect->rewrites = false;
        effect->can_undo = true;
    }
    for (size_t i = 0; !is_run && i < reading->effects->relation_count; i++) {
        reading->effects->relations[i].scans = reading->effects->relations[i].rewrites = false;
    }
    if (!is_run) {
        reading->effects->class = CLASS_READ;
    }
}

bool
read_rows(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(SELECT_STMT):
        read_select(reading, tree);
        return true;
    case NODE(INSERT_STMT):
    case NODE(UPDATE_STMT):
    case NODE(DELETE_STMT):
    case NODE(MERGE_STMT):
        read_query(reading, tree, true);
        reading->effects->class = CLASS_DATA;
        return true;
    case NODE(COPY_STMT):
        read_copy(reading, tree->copy_stmt);
        return true;
    case NODE(TRUNCATE_STMT):
        read_truncate(reading, tree->truncate_stmt);
        reading->effects->class = CLASS_DATA;
        return true;
    case NODE(LOCK_STMT):
        read_lock(reading, tree->lock_stmt);
        reading->effects->class = CLASS_SESSION;
        return true;
    case NODE(EXPLAIN_STMT):
        read_explain(reading, tree->explain_stmt);
        return true;
    case NODE(PREPARE_STMT):
        read_query(reading, tree->prepare_stmt->query, false);
        reading->effects->class = CLASS_SESSION;
        return true;
    case NODE(DECLARE_CURSOR_STMT):
        read_query(reading, tree->declare_cursor_stmt->query, true);
        reading->effects->class = CLASS_READ;
        return true;
    default:
        return false;
    }
}
