/*
 * CREATE TABLE and its kin. Locks: https://www.postgresql.org/docs/current/sql-createtable.html
 * (PARTITION OF takes ACCESS EXCLUSIVE on the parent, REFERENCES takes SHARE ROW EXCLUSIVE on the
 * table referred to), MergeAttributes in tablecmds.c for INHERITS.
 */
#include <string.h>

#include "common/sql/reading.h"

/* ---- what comes with a table ----------------------------------------------------------------- */

/* The sequence of a serial or identity column. */
static void
make_sequence(struct reading *reading, const struct object_name *table, const char *column)
{
    struct sql_table *sequence = arena_alloc(reading->arena, sizeof *sequence);
    struct object_name name = {.schema = table->schema,
                               .name = name_chosen(reading->arena, table->name, column, "seq"),
                               .is_temporary = table->is_temporary};

    *sequence = (struct sql_table){.is_complete = true,
                                   .owner_schema = table->schema,
                                   .owner_table = table->name,
                                   .owner_column = column};
    struct effect *effect = reading_effect(reading, EFFECT_CREATE, OBJECT_SEQUENCE, &name, NULL);
    effect->table = sequence;
    effect->is_implied = true;
    reading_lock(reading, &name, OBJECT_SEQUENCE, LOCK_ACCESS_EXCLUSIVE)->is_new = true;
}

void
table_make_index(struct reading *reading, const struct object_name *table,
                 const struct sql_constraint *constraint)
{
    struct sql_index *index = arena_alloc(reading->arena, sizeof *index);
    struct object_name name = {
        .schema = table->schema, .name = constraint->name, .is_temporary = table->is_temporary};
    bool is_exclusion = constraint->kind == CONSTRAINT_EXCLUSION;

    *index = (struct sql_index){.name = constraint->name,
                                .is_named = constraint->is_named,
                                .is_unique = !is_exclusion,
                                .is_valid = true,
                                .method = is_exclusion ? "gist" : "btree",
                                .columns = constraint->columns,
                                .column_count = constraint->column_count};
    struct effect *effect =
        reading_effect(reading, EFFECT_CREATE, OBJECT_INDEX, table, constraint->name);
    effect->index = index;
    effect->is_implied = true;
    reading_lock(reading, &name, OBJECT_INDEX, LOCK_ACCESS_EXCLUSIVE)->is_new = true;
}

bool
constraint_has_index(const struct sql_constraint *constraint)
{
    return constraint->kind == CONSTRAINT_PRIMARY_KEY || constraint->kind == CONSTRAINT_UNIQUE ||
           constraint->kind == CONSTRAINT_EXCLUSION;
}

struct effect *
table_make_column(struct reading *reading, const struct object_name *table,
                  const struct column_reading *read, int location)
{
    struct effect *effect =
        reading_effect(reading, EFFECT_CREATE, OBJECT_COLUMN, table, read->column->name);
    size_t at = reading->effects->effect_count - 1;

    effect->column = read->column;
    effect->offset = reading_offset(reading, location);
    if (read->column->is_serial || read->column->is_identity) {
        make_sequence(reading, table, read->column->name);
    }
    return &reading->effects->effects[at];
}

/* ---- elements of CREATE TABLE ---------------------------------------------------------------- */

static void
make_constraint(struct reading *reading, const struct object_name *table,
                struct sql_constraint *constraint, int location)
{
    constraint->is_in_new_table = true;
    struct effect *effect = constraint_make(reading, table, constraint, location);
    effect->is_implied = true;
    if (constraint_has_index(constraint)) {
        table_make_index(reading, table, constraint);
    }
}

static void
make_column(struct reading *reading, const struct object_name *table, const PgQuery__ColumnDef *def)
{
    struct column_reading read = column_read(reading, def, table);

    table_make_column(reading, table, &read, def->location)->is_implied = true;
    for (size_t i = 0; i < read.constraint_count; i++) {
        make_constraint(reading, table, read.constraints[i], def->location);
    }
}

static void
copy_column(struct reading *reading, const struct object_name *table,
            const struct sql_column *source, uint32_t options)
{
    struct sql_column *column = arena_copy(reading->arena, source, sizeof *source);
    struct column_reading read = {.column = column};
    bool has_identity = (options & (1U << 5)) != 0; /* CREATE_TABLE_LIKE_IDENTITY */
    bool has_defaults = (options & (1U << 3)) != 0; /* CREATE_TABLE_LIKE_DEFAULTS */

    column->is_serial = false; /* the default is the old sequence, if it is copied at all */
    column->is_identity = source->is_identity && has_identity;
    if (!has_defaults) {
        column->default_volatility = VOLATILITY_NONE;
        column->default_text = NULL;
    }
    table_make_column(reading, table, &read, 0)->is_implied = true;
}

/* LIKE: the columns that the catalog knows. False when it does not. */
static bool
copy_table(struct reading *reading, const struct object_name *table,
           const PgQuery__TableLikeClause *like)
{
    struct object_name source = name_of_relation(reading, like->relation);

    reading_effect(reading, EFFECT_READ, OBJECT_TABLE, &source, NULL)->is_implied = true;
    reading_lock(reading, &source, OBJECT_TABLE, LOCK_ACCESS_SHARE);
    for (const struct catalog_column *column = source.table ? source.table->columns : NULL; column;
         column = column->next) {
        copy_column(reading, table, &column->column, like->options);
    }
    return source.table && source.table->is_complete;
}

/* Columns that come from a parent; constraints on them are found there. */
static bool
inherit(struct reading *reading, const struct object_name *table, const struct object_name *parent)
{
    for (const struct catalog_column *column = parent->table ? parent->table->columns : NULL;
         column; column = column->next) {
        struct column_reading read = {
            .column = arena_copy(reading->arena, &column->column, sizeof column->column)};
        read.column->is_serial = read.column->is_identity = false;
        table_make_column(reading, table, &read, 0)->is_implied = true;
    }
    return parent->table && parent->table->is_complete;
}

static bool
make_elements(struct reading *reading, const struct object_name *table,
              const PgQuery__CreateStmt *statement)
{
    bool is_complete = !statement->of_typename;

    for (size_t i = 0; i < statement->n_table_elts; i++) {
        const PgQuery__Node *element = statement->table_elts[i];
        if (element->node_case == NODE(COLUMN_DEF)) {
            make_column(reading, table, element->column_def);
        } else if (element->node_case == NODE(TABLE_LIKE_CLAUSE)) {
            is_complete = copy_table(reading, table, element->table_like_clause) && is_complete;
        }
    }
    for (size_t i = 0; i < statement->n_table_elts; i++) {
        const PgQuery__Node *element = statement->table_elts[i];
        if (element->node_case == NODE(CONSTRAINT)) {
            struct sql_constraint *constraint =
                constraint_read(reading, element->constraint, table, NULL);
            make_constraint(reading, table, constraint, element->constraint->location);
        }
    }
    return is_complete;
}

/* ---- parents --------------------------------------------------------------------------------- */

/* The parent of a new partition, its default partition too, whose rows may belong into the new one.
 */
static void
lock_for_partition(struct reading *reading, const struct object_name *parent, bool is_default)
{
    reading_lock(reading, parent, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
    alteration_lock_indexes(reading, parent->table, LOCK_SHARE_UPDATE_EXCLUSIVE);
    for (const struct catalog_kin *kin = parent->table ? parent->table->children : NULL; kin;
         kin = kin->next) {
        if (kin->is_default && !is_default) {
            struct object_name name = name_of_table(kin->table);
            reading_lock(reading, &name, OBJECT_TABLE, LOCK_ACCESS_EXCLUSIVE);
            reading_scan(reading, &name);
        }
    }
    /* Foreign keys of the parent become the partition's own. */
    for (const struct catalog_constraint *constraint = parent->table ? parent->table->constraints
                                                                     : NULL;
         constraint; constraint = constraint->next) {
        if (constraint->constraint.kind == CONSTRAINT_FOREIGN_KEY) {
            struct object_name to = {.schema = constraint->constraint.to_schema,
                                     .name = constraint->constraint.to_table};
            to.table = catalog_table(reading->catalog, to.schema, to.name);
            reading_lock(reading, &to, OBJECT_TABLE, LOCK_SHARE_ROW_EXCLUSIVE);
        }
    }
}

static void
make_indexes_of_parent(struct reading *reading, const struct object_name *table,
                       const struct catalog_table *parent)
{
    for (const struct catalog_index *index = parent->indexes; index; index = index->next) {
        struct sql_index *copy = arena_copy(reading->arena, &index->index, sizeof index->index);
        copy->is_valid = true;
        copy->name = name_chosen(reading->arena, table->name,
                                 copy->column_count ? copy->columns[0] : NULL, "idx");
        struct effect *effect =
            reading_effect(reading, EFFECT_CREATE, OBJECT_INDEX, table, copy->name);
        effect->index = copy;
        effect->is_implied = true;
    }
}

static bool
read_parents(struct reading *reading, const struct object_name *table,
             const PgQuery__CreateStmt *statement, struct sql_table *made)
{
    bool is_partition = statement->partbound != NULL, is_complete = true;
    struct sql_table_name *parents =
        arena_alloc(reading->arena, statement->n_inh_relations * sizeof *parents);

    made->is_partition = is_partition;
    made->is_default = is_partition && statement->partbound->is_default;
    made->parents = parents;
    for (size_t i = 0; i < statement->n_inh_relations; i++) {
        struct object_name parent =
            name_of_relation(reading, statement->inh_relations[i]->range_var);
        parents[made->parent_count++] =
            (struct sql_table_name){.schema = parent.schema, .name = parent.name};
        if (is_partition) {
            lock_for_partition(reading, &parent, made->is_default);
            if (parent.table) {
                make_indexes_of_parent(reading, table, parent.table);
            }
        } else {
            reading_lock(reading, &parent, OBJECT_TABLE, LOCK_SHARE_UPDATE_EXCLUSIVE);
        }
        is_complete = inherit(reading, table, &parent) && is_complete;
    }
    return is_complete;
}

/* The columns that rows are parted by; of an expression those that it names. */
static void
read_key(struct reading *reading, const PgQuery__PartitionSpec *spec, struct sql_table *made)
{
    if (!spec) {
        return;
    }
    const char **key = arena_alloc(reading->arena, spec->n_part_params * sizeof *key);
    made->is_partitioned = true;
    made->key = key;
    for (size_t i = 0; i < spec->n_part_params; i++) {
        const PgQuery__PartitionElem *element = spec->part_params[i]->partition_elem;
        size_t count = 0;
        const char *const *names = expression_columns(element->expr, reading->arena, &count);
        const char *written = text_or_null(element->name);
        if (written || count) {
            key[made->key_count++] = written ? written : names[0];
        }
    }
}

/* ---- statements ------------------------------------------------------------------------------ */

static void
read_create(struct reading *reading, const PgQuery__CreateStmt *statement, enum sql_object object)
{
    struct object_name name = name_of_new(reading, statement->relation);
    struct effect *effect = reading_effect(reading, EFFECT_CREATE, object, &name, NULL);
    struct sql_table *made = arena_alloc(reading->arena, sizeof *made);

    effect->if_not_exists = statement->if_not_exists;
    effect->table = made;
    if ((statement->if_not_exists || reading->is_inside) && name.table) {
        effect->is_noop = true;
        return;
    }
    read_key(reading, statement->partspec, made);
    made->is_unlogged = strcmp(statement->relation->relpersistence, "u") == 0;
    made->is_stored_elsewhere = text_or_null(statement->tablespacename) != NULL ||
                                text_or_null(statement->access_method) != NULL;
    name.table = NULL; /* whatever had that name before is gone, or the statement fails */
    reading_lock(reading, &name, object, LOCK_ACCESS_EXCLUSIVE)->is_new = true;
    bool is_complete = read_parents(reading, &name, statement, made);
    made->is_complete = make_elements(reading, &name, statement) && is_complete;
}

static enum sql_object
object_of_as(PgQuery__ObjectType type)
{
    return type == TYPE(MATVIEW) ? OBJECT_MATERIALIZED_VIEW : OBJECT_TABLE;
}

static void
read_create_as(struct reading *reading, const PgQuery__CreateTableAsStmt *statement)
{
    struct object_name name = name_of_new(reading, statement->into->rel);
    enum sql_object object = object_of_as(statement->objtype);
    struct effect *effect = reading_effect(reading, EFFECT_CREATE, object, &name, NULL);
    struct sql_table *made = arena_alloc(reading->arena, sizeof *made);

    made->is_filled = !statement->into->skip_data;
    query_columns(reading, statement->query, made);
    made->is_unlogged = strcmp(statement->into->rel->relpersistence, "u") == 0;
    effect->table = made;
    effect->if_not_exists = statement->if_not_exists;
    if ((statement->if_not_exists || reading->is_inside) && name.table) {
        effect->is_noop = true;
        return;
    }
    name.table = NULL;
    reading->effects->class = made->is_filled && object == OBJECT_TABLE ? CLASS_BOTH : CLASS_SCHEMA;
    reading_lock(reading, &name, object, LOCK_ACCESS_EXCLUSIVE)->is_new = true;
    read_query(reading, statement->query, made->is_filled);
}

bool
read_table(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(CREATE_STMT):
        read_create(reading, tree->create_stmt, OBJECT_TABLE);
        return true;
    case NODE(CREATE_FOREIGN_TABLE_STMT):
        read_create(reading, tree->create_foreign_table_stmt->base_stmt, OBJECT_FOREIGN_TABLE);
        return true;
    case NODE(CREATE_TABLE_AS_STMT):
        read_create_as(reading, tree->create_table_as_stmt);
        return true;
    default:
        return false;
    }
}
