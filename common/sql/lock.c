#include "common/sql/lock.h"

#include <string.h>

#include "common/sql/tree.h"

#define NODE(name) PG_QUERY__NODE__NODE_##name
#define OBJECT(name) PG_QUERY__OBJECT_TYPE__OBJECT_##name
#define COMMAND(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name

struct reading {
    struct arena *arena;
    struct sql_locks *locks;
};

static void
add_name(struct reading *reading, const char *schema, const char *name, enum lock_mode mode)
{
    struct sql_locks *locks = reading->locks;

    const char *relation = name ? tree_quoted(schema, name, reading->arena) : NULL;
    if (!relation || !name[0] || strlen(relation) > SQL_LOCK_NAME_SIZE_MAX) {
        return;
    }
    for (size_t i = 0; i < locks->count; i++) {
        struct sql_lock *lock = &locks->locks[i];
        if (strcmp(lock->relation, relation) == 0) {
            lock->mode = mode > lock->mode ? mode : lock->mode;
            return;
        }
    }
    if (locks->count == SQL_LOCKS_MAX) {
        return;
    }
    if (!locks->locks) {
        locks->locks = arena_alloc(reading->arena, SQL_LOCKS_MAX * sizeof *locks->locks);
    }
    locks->locks[locks->count++] = (struct sql_lock){relation, mode};
}

static void
add(struct reading *reading, const PgQuery__RangeVar *relation, enum lock_mode mode)
{
    if (relation) {
        add_name(reading, relation->schemaname, relation->relname, mode);
    }
}

static void
add_all(struct reading *reading, PgQuery__Node **relations, size_t count, enum lock_mode mode)
{
    for (size_t i = 0; i < count; i++) {
        if (relations[i]->node_case == NODE(RANGE_VAR)) {
            add(reading, relations[i]->range_var, mode);
        }
    }
}

/* ---- ALTER TABLE ----------------------------------------------------------------------------- */

/* A foreign key also locks the table that it refers to. */
static enum lock_mode
mode_of_constraint(struct reading *reading, const PgQuery__Node *definition)
{
    if (!definition || definition->node_case != NODE(CONSTRAINT) ||
        definition->constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN) {
        return LOCK_ACCESS_EXCLUSIVE;
    }
    add(reading, definition->constraint->pktable, LOCK_SHARE_ROW_EXCLUSIVE);
    return LOCK_SHARE_ROW_EXCLUSIVE;
}

/* ADD COLUMN … REFERENCES. */
static void
add_referenced(struct reading *reading, const PgQuery__Node *column)
{
    if (column && column->node_case == NODE(COLUMN_DEF)) {
        for (size_t i = 0; i < column->column_def->n_constraints; i++) {
            mode_of_constraint(reading, column->column_def->constraints[i]);
        }
    }
}

static enum lock_mode
mode_of_partition(struct reading *reading, const PgQuery__AlterTableCmd *command)
{
    const PgQuery__Node *definition = command->def;
    bool is_concurrent = false;

    if (definition && definition->node_case == NODE(PARTITION_CMD)) {
        is_concurrent = definition->partition_cmd->concurrent;
        add(reading, definition->partition_cmd->name, LOCK_ACCESS_EXCLUSIVE);
    }
    bool is_weak = is_concurrent || command->subtype == COMMAND(AttachPartition) ||
                   command->subtype == COMMAND(DetachPartitionFinalize);
    return is_weak ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE;
}

/* As AlterTableGetLockLevel in PostgreSQL's sources has it. */
static enum lock_mode
mode_of_command(struct reading *reading, const PgQuery__AlterTableCmd *command)
{
    switch (command->subtype) {
    case COMMAND(AddConstraint):
        return mode_of_constraint(reading, command->def);
    case COMMAND(AddColumn):
        add_referenced(reading, command->def);
        return LOCK_ACCESS_EXCLUSIVE;
    case COMMAND(AttachPartition):
    case COMMAND(DetachPartition):
    case COMMAND(DetachPartitionFinalize):
        return mode_of_partition(reading, command);
    case COMMAND(AddInherit):
    case COMMAND(DropInherit):
        if (command->def && command->def->node_case == NODE(RANGE_VAR)) {
            add(reading, command->def->range_var, LOCK_SHARE_UPDATE_EXCLUSIVE);
        }
        return LOCK_ACCESS_EXCLUSIVE;
    case COMMAND(ValidateConstraint):
    case COMMAND(SetStatistics):
    case COMMAND(SetOptions):
    case COMMAND(ResetOptions):
    case COMMAND(SetRelOptions):
    case COMMAND(ResetRelOptions):
    case COMMAND(ClusterOn):
    case COMMAND(DropCluster):
        return LOCK_SHARE_UPDATE_EXCLUSIVE;
    case COMMAND(EnableTrig):
    case COMMAND(EnableAlwaysTrig):
    case COMMAND(EnableReplicaTrig):
    case COMMAND(EnableTrigAll):
    case COMMAND(EnableTrigUser):
    case COMMAND(DisableTrig):
    case COMMAND(DisableTrigAll):
    case COMMAND(DisableTrigUser):
        return LOCK_SHARE_ROW_EXCLUSIVE;
    default:
        return LOCK_ACCESS_EXCLUSIVE;
    }
}

static void
read_alter_table(struct reading *reading, const PgQuery__AlterTableStmt *statement)
{
    enum lock_mode strongest = LOCK_SHARE_UPDATE_EXCLUSIVE;

    if (statement->objtype == OBJECT(TYPE)) {
        return;
    }
    for (size_t i = 0; i < statement->n_cmds; i++) {
        if (statement->cmds[i]->node_case == NODE(ALTER_TABLE_CMD)) {
            enum lock_mode mode = mode_of_command(reading, statement->cmds[i]->alter_table_cmd);
            strongest = mode > strongest ? mode : strongest;
        }
    }
    add(reading, statement->relation, strongest);
}

/* ---- CREATE, DROP, RENAME -------------------------------------------------------------------- */

static void
read_create_table(struct reading *reading, const PgQuery__CreateStmt *statement)
{
    for (size_t i = 0; i < statement->n_table_elts; i++) {
        mode_of_constraint(reading, statement->table_elts[i]);
        add_referenced(reading, statement->table_elts[i]);
    }
    /* A partition's parent: ACCESS EXCLUSIVE up to 11, or when there is a default partition. */
    add_all(reading, statement->inh_relations, statement->n_inh_relations,
            statement->partbound ? LOCK_ACCESS_EXCLUSIVE : LOCK_SHARE_UPDATE_EXCLUSIVE);
}

/* The relation among the parts of a name: the last of them, or, of what belongs to one, the one
 * before. */
static void
read_drop(struct reading *reading, const PgQuery__DropStmt *statement)
{
    size_t behind = 0;

    switch (statement->remove_type) {
    case OBJECT(TRIGGER):
    case OBJECT(RULE):
    case OBJECT(POLICY):
        behind = 1;
        break;
    case OBJECT(TABLE):
    case OBJECT(VIEW):
    case OBJECT(MATVIEW):
    case OBJECT(SEQUENCE):
    case OBJECT(INDEX):
    case OBJECT(FOREIGN_TABLE):
        break;
    default:
        return;
    }
    for (size_t i = 0; i < statement->n_objects; i++) {
        const PgQuery__Node *object = statement->objects[i];
        if (object->node_case != NODE(LIST) || object->list->n_items <= behind) {
            continue;
        }
        size_t last = object->list->n_items - behind - 1;
        const char *schema = last ? tree_string(object->list->items[last - 1]) : NULL;
        add_name(reading, schema, tree_string(object->list->items[last]),
                 statement->concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
    }
}

static void
read_rename(struct reading *reading, const PgQuery__RenameStmt *statement)
{
    bool is_index = statement->rename_type == OBJECT(INDEX);

    add(reading, statement->relation,
        is_index ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void
read_definition(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(ALTER_TABLE_STMT):
        read_alter_table(reading, tree->alter_table_stmt);
        break;
    case NODE(CREATE_STMT):
        read_create_table(reading, tree->create_stmt);
        break;
    case NODE(DROP_STMT):
        read_drop(reading, tree->drop_stmt);
        break;
    case NODE(RENAME_STMT):
        read_rename(reading, tree->rename_stmt);
        break;
    case NODE(ALTER_OBJECT_SCHEMA_STMT):
        add(reading, tree->alter_object_schema_stmt->relation, LOCK_ACCESS_EXCLUSIVE);
        break;
    case NODE(INDEX_STMT):
        add(reading, tree->index_stmt->relation,
            tree->index_stmt->concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE);
        break;
    case NODE(CREATE_TRIG_STMT):
        add(reading, tree->create_trig_stmt->relation, LOCK_SHARE_ROW_EXCLUSIVE);
        break;
    case NODE(RULE_STMT):
        add(reading, tree->rule_stmt->relation, LOCK_ACCESS_EXCLUSIVE);
        break;
    case NODE(VIEW_STMT):
        if (tree->view_stmt->replace) {
            add(reading, tree->view_stmt->view, LOCK_ACCESS_EXCLUSIVE);
        }
        break;
    case NODE(CREATE_POLICY_STMT):
        add(reading, tree->create_policy_stmt->table, LOCK_ACCESS_EXCLUSIVE);
        break;
    case NODE(ALTER_POLICY_STMT):
        add(reading, tree->alter_policy_stmt->table, LOCK_ACCESS_EXCLUSIVE);
        break;
    default:
        break;
    }
}

static void
read_upkeep(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(LOCK_STMT):
        if (tree->lock_stmt->mode >= LOCK_SHARE_UPDATE_EXCLUSIVE) {
            add_all(reading, tree->lock_stmt->relations, tree->lock_stmt->n_relations,
                    (enum lock_mode)tree->lock_stmt->mode);
        }
        break;
    case NODE(TRUNCATE_STMT):
        add_all(reading, tree->truncate_stmt->relations, tree->truncate_stmt->n_relations,
                LOCK_ACCESS_EXCLUSIVE);
        break;
    case NODE(CLUSTER_STMT):
        add(reading, tree->cluster_stmt->relation, LOCK_ACCESS_EXCLUSIVE);
        break;
    case NODE(REFRESH_MAT_VIEW_STMT):
        add(reading, tree->refresh_mat_view_stmt->relation,
            tree->refresh_mat_view_stmt->concurrent ? LOCK_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
        break;
    case NODE(REINDEX_STMT):
        add(reading, tree->reindex_stmt->relation,
            tree_option_is_on(tree->reindex_stmt->params, tree->reindex_stmt->n_params,
                              "concurrently")
                ? LOCK_SHARE_UPDATE_EXCLUSIVE
                : LOCK_ACCESS_EXCLUSIVE);
        break;
    default:
        break;
    }
}

void
sql_locks_read(const struct PgQuery__Node *tree, struct arena *arena, struct sql_locks *locks)
{
    struct reading reading = {arena, locks};

    *locks = (struct sql_locks){0};
    read_definition(&reading, tree);
    read_upkeep(&reading, tree);
}
