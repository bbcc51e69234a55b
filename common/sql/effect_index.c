/*
 * CREATE INDEX. https://www.postgresql.org/docs/current/sql-createindex.html: SHARE on the table,
 * or SHARE UPDATE EXCLUSIVE when CONCURRENTLY.
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- reading --------------------------------------------------------------------------------- */

/* ChooseIndexName: table_column_column_idx. */
static const char *
name_for(const struct reading *reading, const struct object_name *table,
         const struct sql_index *index)
{
    const char *columns = NULL, *name;

    for (size_t i = 0; i < index->column_count; i++) {
        const char *column = index->columns[i] ? index->columns[i] : "expr";
        columns = columns ? arena_format(reading->arena, "%s_%s", columns, column) : column;
    }
    name = name_chosen(reading->arena, table->name, columns, "idx");
    for (int number = 1; reading->catalog && catalog_index(reading->catalog, table->schema, name);
         number++) {
        name = name_chosen(reading->arena, table->name, columns,
                           arena_format(reading->arena, "idx%d", number));
    }
    return name;
}

/* FigureIndexColname: lower(b) is "lower", b::text is "b", what has no name is "expr". */
static const char *
name_of_expression(const PgQuery__Node *node)
{
    const char *name = NULL;

    while (node && node->node_case == NODE(TYPE_CAST)) {
        node = node->type_cast->arg;
    }
    if (node && node->node_case == NODE(FUNC_CALL) && node->func_call->n_funcname) {
        name = tree_string(node->func_call->funcname[node->func_call->n_funcname - 1]);
    } else if (node && node->node_case == NODE(COLUMN_REF) && node->column_ref->n_fields) {
        name = tree_string(node->column_ref->fields[node->column_ref->n_fields - 1]);
    } else if (node && node->node_case == NODE(COALESCE_EXPR)) {
        name = "coalesce";
    } else if (node && node->node_case == NODE(CASE_EXPR)) {
        name = "case";
    }
    return name ? name : "expr";
}

struct used {
    const char **names;
    size_t count;
};

static void
add_used(struct arena *arena, struct used *used, const PgQuery__Node *node)
{
    size_t count;
    const char *const *names = expression_columns(node, arena, &count);
    const char **all = arena_alloc(arena, (used->count + count) * sizeof *all);

    if (used->count) {
        memcpy(all, used->names, used->count * sizeof *all);
    }
    if (count) {
        memcpy(all + used->count, names, count * sizeof *all);
    }
    used->names = all;
    used->count += count;
}

/* Whether an index leaves out no rows but those in which its first column is null. */
static bool
skips_nulls(const PgQuery__IndexStmt *statement)
{
    const PgQuery__Node *condition = statement->where_clause;
    bool is_test = condition && condition->node_case == PG_QUERY__NODE__NODE_NULL_TEST;
    const char *column = is_test ? expression_not_null(condition) : NULL;
    const char *first =
        statement->n_index_params ? statement->index_params[0]->index_elem->name : NULL;

    return column && first && strcmp(column, first) == 0;
}

static struct sql_index *
read_definition(const struct reading *reading, const PgQuery__IndexStmt *statement,
                const struct object_name *table)
{
    struct sql_index *index = arena_alloc(reading->arena, sizeof *index);
    const char **columns = arena_alloc(reading->arena, statement->n_index_params * sizeof *columns);
    const char **named = arena_alloc(reading->arena, statement->n_index_params * sizeof *named);
    struct used used = {0};

    for (size_t i = 0; i < statement->n_index_params; i++) {
        const PgQuery__IndexElem *element = statement->index_params[i]->index_elem;
        columns[i] = text_or_null(element->name);
        named[i] = columns[i] ? columns[i] : name_of_expression(element->expr);
        if (element->expr) {
            add_used(reading->arena, &used, element->expr);
        }
    }
    if (statement->where_clause) {
        add_used(reading->arena, &used, statement->where_clause);
    }
    *index = (struct sql_index){.name = text_or_null(statement->idxname),
                                .is_unique = statement->unique,
                                .is_concurrent = statement->concurrent,
                                .is_partial = statement->where_clause != NULL,
                                .skips_nulls = skips_nulls(statement),
                                .is_only = !statement->relation->inh,
                                .method = text_or_null(statement->access_method),
                                .columns = named,
                                .column_count = statement->n_index_params,
                                .used = used.names,
                                .used_count = used.count};
    index->is_named = index->name != NULL;
    if (!index->name) {
        index->name = name_for(reading, table, index);
    }
    index->columns = columns;
    index->is_valid = !(index->is_only && table->table && table->table->is_partitioned);
    return index;
}

/* ---- making ---------------------------------------------------------------------------------- */

static void
read_create(struct reading *reading, const PgQuery__IndexStmt *statement)
{
    struct object_name table = name_of_relation(reading, statement->relation);
    const struct sql_index *index = read_definition(reading, statement, &table);
    enum lock_mode lock = statement->concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE;
    struct effect *effect =
        reading_effect(reading, EFFECT_CREATE, OBJECT_INDEX, &table, index->name);

    effect->index = index;
    effect->if_not_exists = statement->if_not_exists;
    effect->is_concurrent = statement->concurrent;
    effect->is_noop = statement->if_not_exists && index->is_named && reading->catalog &&
                      catalog_index(reading->catalog, table.schema, index->name);
    bool is_noop = effect->is_noop;
    effect->scans = !is_noop;
    /* What inherits has indexes of its own; partitions get theirs with the table's. */
    bool is_partitioned = table.table && table.table->is_partitioned;
    struct object_name reached = table;
    if (!is_partitioned || index->is_only || is_noop) {
        reached.table = NULL;
    }
    reading_lock(reading, &table, OBJECT_TABLE, lock);
    reading_lock_family(reading, &reached, OBJECT_TABLE, lock);
    if (!is_noop && !(is_partitioned && index->is_only)) {
        reading_scan(reading, &reached);
    }
    if (!is_noop) {
        struct object_name name = {
            .schema = table.schema, .name = index->name, .is_temporary = table.is_temporary};
        reading_lock(reading, &name, OBJECT_INDEX, LOCK_ACCESS_EXCLUSIVE)->is_new = true;
    }
    if (statement->nulls_not_distinct) {
        reading_needs(reading, 15);
    }
}

bool
read_index(struct reading *reading, const PgQuery__Node *tree)
{
    if (tree->node_case != NODE(INDEX_STMT)) {
        return false;
    }
    read_create(reading, tree->index_stmt);
    return true;
}
