/*
 * INSERT, UPDATE, DELETE, MERGE, COPY, TRUNCATE, LOCK. ROW EXCLUSIVE on what is written, with its
 * partitions; what foreign keys look at by the way (ri_triggers.c) and the sequences of defaults.
 * https://www.postgresql.org/docs/current/explicit-locking.html
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- foreign keys ---------------------------------------------------------------------------- */

static bool
is_given(PgQuery__Node **columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *column = columns[i]->node_case == NODE(RES_TARGET)
                                 ? columns[i]->res_target->name
                                 : tree_string(columns[i]);
        if (column && strcmp(column, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Rows of the tables that a new or changed row refers to are locked FOR KEY SHARE. */
static void
check_references(struct reading *reading, const struct catalog_table *table,
                 PgQuery__Node **columns, size_t count)
{
    for (const struct catalog_constraint *known = table->constraints; known; known = known->next) {
        const struct sql_constraint *constraint = &known->constraint;
        bool is_touched = false;
        for (size_t i = 0; i < constraint->column_count && !is_touched; i++) {
            is_touched = is_given(columns, count, constraint->columns[i]);
        }
        if (constraint->kind == CONSTRAINT_FOREIGN_KEY && is_touched) {
            lock_by_name(reading, constraint->to_schema, constraint->to_table, LOCK_ROW_SHARE);
        }
    }
}

/* The same for a new row: columns that get nothing are NULL and refer to nothing. */
static void
check_new_row(struct reading *reading, const struct catalog_table *table, PgQuery__Node **columns,
              size_t count, bool is_default)
{
    for (const struct catalog_constraint *known = table->constraints; known; known = known->next) {
        const struct sql_constraint *constraint = &known->constraint;
        bool is_filled = count == 0 && !is_default;
        for (size_t i = 0; i < constraint->column_count && !is_filled; i++) {
            const struct catalog_column *column = catalog_column(table, constraint->columns[i]);
            is_filled = is_given(columns, count, constraint->columns[i]) ||
                        (column && column->column.default_volatility != VOLATILITY_NONE);
        }
        if (constraint->kind == CONSTRAINT_FOREIGN_KEY && is_filled) {
            lock_by_name(reading, constraint->to_schema, constraint->to_table, LOCK_ROW_SHARE);
        }
    }
}

/* Whether SET changes a column that the foreign key refers to. */
static bool
update_touches_key(const PgQuery__UpdateStmt *update, const struct catalog_table *table,
                   const struct sql_constraint *constraint)
{
    for (size_t i = 0; i < update->n_target_list; i++) {
        const char *column = update->target_list[i]->res_target->name;
        if (column && constraint_refers_to_column(constraint, table, column)) {
            return true;
        }
    }
    return false;
}

/* What happens to the rows that refer to one that goes: ON DELETE. */
static void
act_on_referencing(struct reading *reading, const struct catalog_table *table, bool is_delete,
                   const PgQuery__UpdateStmt *update)
{
    const struct catalog_table *other = NULL;

    if (++reading->depth > 32) {
        return;
    }
    while ((other = catalog_next(reading->catalog, other))) {
        for (const struct catalog_constraint *known = other->constraints; known;
             known = known->next) {
            const struct sql_constraint *constraint = &known->constraint;
            if (!constraint_refers_to(constraint, table) ||
                (update && !update_touches_key(update, table, constraint))) {
                continue;
            }
            char action = is_delete ? constraint->on_delete : constraint->on_update;
            bool acts = action == 'c' || action == 'n' || action == 'd';
            reading_lock_table(reading, other, acts ? LOCK_ROW_EXCLUSIVE : LOCK_ROW_SHARE);
            if (acts && is_delete && action == 'c' && other != table) {
                act_on_referencing(reading, other, true, NULL);
            }
        }
    }
    reading->depth--;
}

/* ---- sequences ------------------------------------------------------------------------------- */

/* The sequences of the columns that get no value of their own. */
static void
use_sequences(struct reading *reading, const struct catalog_table *table, PgQuery__Node **columns,
              size_t count)
{
    for (const struct catalog_kin *kin = table->sequences; kin; kin = kin->next) {
        const struct catalog_column *column = catalog_column(table, kin->table->owner_column);
        bool draws = column && (column->column.is_serial || column->column.is_identity);
        if (draws && !is_given(columns, count, kin->table->owner_column)) {
            reading_lock_table(reading, kin->table, LOCK_ROW_EXCLUSIVE);
        }
    }
}

/* ---- what is written to ---------------------------------------------------------------------- */

/* The table that rows of a simple view go into. */
static const struct catalog_table *
table_behind(const struct catalog_table *table)
{
    for (int depth = 0; table && table->object == OBJECT_VIEW && depth < 32; depth++) {
        table = table->reads ? table->reads->table : NULL;
    }
    return table;
}

struct change {
    enum effect_verb verb;
    struct object_name name;
    const struct catalog_table *table; /* that the rows are in */
    bool is_only, is_bounded, is_run;
    size_t row_count;
};

static struct change
begin_change(struct reading *reading, enum effect_verb verb, const PgQuery__RangeVar *range,
             bool is_run)
{
    struct change change = {.verb = verb,
                            .name = name_of_relation(reading, range),
                            .is_only = !range->inh,
                            .is_run = is_run};

    change.table = is_run ? table_behind(change.name.table) : NULL;
    return change;
}

static void
note_change(struct reading *reading, const struct change *change)
{
    enum sql_object object = change->name.table ? change->name.table->object : OBJECT_TABLE;
    struct effect *effect = reading_effect(reading, change->verb, object, &change->name, NULL);

    effect->is_bounded = change->is_bounded;
    effect->row_count = change->row_count;
    effect->scans = !change->is_bounded && change->verb != EFFECT_INSERT;
    if (name_is_system(&change->name)) {
        return;
    }
    lock_rows(reading, &change->name, change->is_only, change->is_run, LOCK_ROW_EXCLUSIVE);
    if (effect->scans && change->is_run) {
        struct object_name scanned = change->table ? name_of_table(change->table) : change->name;
        if (change->is_only) {
            scanned.table = NULL;
        }
        reading_scan(reading, &scanned);
    }
}

/* ---- INSERT, UPDATE, DELETE, MERGE ----------------------------------------------------------- */

static void
read_insert(struct reading *reading, const PgQuery__InsertStmt *insert, bool is_run)
{
    struct change change = begin_change(reading, EFFECT_INSERT, insert->relation, is_run);
    const PgQuery__Node *source = insert->select_stmt;

    if (source && source->node_case == NODE(SELECT_STMT)) {
        change.row_count = source->select_stmt->n_values_lists;
    }
    change.is_bounded = !source || change.row_count > 0;
    note_change(reading, &change);
    if (change.table) {
        check_new_row(reading, change.table, insert->cols, insert->n_cols, !source);
        use_sequences(reading, change.table, insert->cols, insert->n_cols);
    }
    read_query(reading, source, is_run);
    for (size_t i = 0; i < insert->n_returning_list; i++) {
        read_query(reading, insert->returning_list[i], is_run);
    }
    if (insert->on_conflict_clause) {
        read_below(reading, &insert->on_conflict_clause->base, is_run);
    }
}

static void
read_update(struct reading *reading, const PgQuery__UpdateStmt *update, bool is_run)
{
    struct change change = begin_change(reading, EFFECT_UPDATE, update->relation, is_run);

    change.is_bounded = update->where_clause || update->n_from_clause;
    note_change(reading, &change);
    if (change.table) {
        check_references(reading, change.table, update->target_list, update->n_target_list);
        act_on_referencing(reading, change.table, false, update);
    }
    for (size_t i = 0; i < update->n_target_list; i++) {
        read_query(reading, update->target_list[i], is_run);
    }
    for (size_t i = 0; i < update->n_from_clause; i++) {
        read_query(reading, update->from_clause[i], is_run);
    }
    read_query(reading, update->where_clause, is_run);
    for (size_t i = 0; i < update->n_returning_list; i++) {
        read_query(reading, update->returning_list[i], is_run);
    }
}

static void
read_delete(struct reading *reading, const PgQuery__DeleteStmt *delete, bool is_run)
{
    struct change change = begin_change(reading, EFFECT_DELETE, delete->relation, is_run);

    change.is_bounded = delete->where_clause || delete->n_using_clause;
    note_change(reading, &change);
    if (change.table) {
        act_on_referencing(reading, change.table, true, NULL);
    }
    for (size_t i = 0; i < delete->n_using_clause; i++) {
        read_query(reading, delete->using_clause[i], is_run);
    }
    read_query(reading, delete->where_clause, is_run);
    for (size_t i = 0; i < delete->n_returning_list; i++) {
        read_query(reading, delete->returning_list[i], is_run);
    }
}

/* https://www.postgresql.org/docs/release/15.0/: MERGE. */
static void
read_merge(struct reading *reading, const PgQuery__MergeStmt *merge, bool is_run)
{
    bool inserts = false, others = false;

    reading_needs(reading, 15);
    for (size_t i = 0; i < merge->n_merge_when_clauses; i++) {
        const PgQuery__MergeWhenClause *when = merge->merge_when_clauses[i]->merge_when_clause;
        enum effect_verb verb = EFFECT_UPDATE;
        if (when->command_type == PG_QUERY__CMD_TYPE__CMD_INSERT) {
            verb = EFFECT_INSERT;
            inserts = true;
        } else if (when->command_type == PG_QUERY__CMD_TYPE__CMD_DELETE) {
            verb = EFFECT_DELETE;
        }
        struct change change = begin_change(reading, verb, merge->relation, is_run);
        change.is_bounded = others = true;
        note_change(reading, &change);
        if (change.table && verb != EFFECT_DELETE) {
            check_new_row(reading, change.table, NULL, 0, false);
        }
        read_below(reading, &when->base, is_run);
    }
    if (!others) { /* DO NOTHING alone still locks */
        struct object_name name = name_of_relation(reading, merge->relation);
        lock_rows(reading, &name, false, is_run, LOCK_ROW_EXCLUSIVE);
    }
    if (inserts && is_run) {
        struct change change = begin_change(reading, EFFECT_INSERT, merge->relation, is_run);
        if (change.table) {
            use_sequences(reading, change.table, NULL, 0);
        }
    }
    read_query(reading, merge->source_relation, is_run);
    read_query(reading, merge->join_condition, is_run);
}

/* The queries of WITH, which every kind of statement may begin with. */
static void
read_with(struct reading *reading, const PgQuery__WithClause *with, bool is_run)
{
    if (with) {
        read_below(reading, &with->base, is_run);
    }
}

bool
read_change(struct reading *reading, const ProtobufCMessage *message, bool is_run)
{
    if (WALK_IS(message, insert_stmt)) {
        const PgQuery__InsertStmt *insert = (const void *)message;
        read_with(reading, insert->with_clause, is_run);
        read_insert(reading, insert, is_run);
    } else if (WALK_IS(message, update_stmt)) {
        const PgQuery__UpdateStmt *update = (const void *)message;
        read_with(reading, update->with_clause, is_run);
        read_update(reading, update, is_run);
    } else if (WALK_IS(message, delete_stmt)) {
        const PgQuery__DeleteStmt *delete = (const void *)message;
        read_with(reading, delete->with_clause, is_run);
        read_delete(reading, delete, is_run);
    } else if (WALK_IS(message, merge_stmt)) {
        const PgQuery__MergeStmt *merge = (const void *)message;
        read_with(reading, merge->with_clause, is_run);
        read_merge(reading, merge, is_run);
    } else {
        return false;
    }
    return true;
}

void
read_copied(struct reading *reading, const struct object_name *name, PgQuery__Node **columns,
            size_t count)
{
    lock_rows(reading, name, false, true, LOCK_ROW_EXCLUSIVE);
    if (name->table) {
        check_new_row(reading, name->table, columns, count, false);
        use_sequences(reading, name->table, columns, count);
    }
}
