#include "common/sql/facts.h"

#include <string.h>
#include <strings.h>

#include "common/sql/tree.h"

#define NODE(name) PG_QUERY__NODE__NODE_##name

/* ---- transactions, settings, session --------------------------------------------------------- */

static enum sql_kind
kind_of_transaction(const PgQuery__TransactionStmt *statement)
{
    switch (statement->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
        return statement->n_options ? SQL_TRANSACTION : SQL_BEGIN;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
        return statement->chain ? SQL_TRANSACTION : SQL_COMMIT;
    default:
        return SQL_TRANSACTION;
    }
}

/* The values of SET name = a, b as one text; null when they are not all constants. */
static const char *
values_of(const PgQuery__VariableSetStmt *statement, struct arena *arena)
{
    const char *values = NULL;

    for (size_t i = 0; i < statement->n_args; i++) {
        const char *value = tree_constant(statement->args[i], arena);
        if (!value) {
            return NULL;
        }
        values = values ? arena_format(arena, "%s, %s", values, value) : value;
    }
    return values;
}

static enum sql_kind
kind_of_set(const PgQuery__VariableSetStmt *statement, struct arena *arena, struct sql_facts *facts)
{
    if (statement->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL) {
        return SQL_SESSION;
    }
    if (statement->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI) {
        return SQL_TRANSACTION; /* SET TRANSACTION, SET SESSION CHARACTERISTICS */
    }
    struct sql_setting setting = {.name = statement->name, .value = values_of(statement, arena)};
    tree_add_setting(facts, setting, arena);
    return SQL_SET;
}

static enum sql_kind
kind_of_copy(const PgQuery__CopyStmt *statement)
{
    if (statement->is_program) {
        return SQL_COPY_PROGRAM;
    }
    bool has_file = statement->filename && statement->filename[0];
    return has_file ? SQL_ORDINARY : SQL_COPY_CLIENT;
}

/* ---- what cannot run inside a transaction ---------------------------------------------------- */

/* The partition that is detached CONCURRENTLY; null when none is. */
static const PgQuery__RangeVar *
detached_concurrently(const PgQuery__AlterTableStmt *statement)
{
    for (size_t i = 0; i < statement->n_cmds; i++) {
        const PgQuery__Node *command = statement->cmds[i];
        if (command->node_case != NODE(ALTER_TABLE_CMD)) {
            continue;
        }
        const PgQuery__Node *part = command->alter_table_cmd->def;
        if (part && part->node_case == NODE(PARTITION_CMD) && part->partition_cmd->concurrent) {
            return part->partition_cmd->name;
        }
    }
    return NULL;
}

static enum sql_kind
kind_of_reindex(const PgQuery__ReindexStmt *statement, struct arena *arena, struct sql_facts *facts)
{
    static const char *const scopes[] = {
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX] = "INDEX",
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_TABLE] = "TABLE",
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SCHEMA] = "SCHEMA",
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SYSTEM] = "SYSTEM",
        [PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_DATABASE] = "DATABASE",
    };
    const PgQuery__RangeVar *relation = statement->relation;
    const char *name = statement->name && statement->name[0] ? statement->name : "*";
    bool is_one = statement->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX ||
                  statement->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_TABLE;

    facts->scope =
        (size_t)statement->kind < sizeof scopes / sizeof *scopes ? scopes[statement->kind] : NULL;
    facts->index = relation ? tree_quoted(relation->schemaname, relation->relname, arena)
                            : tree_quoted(NULL, name, arena);
    if (tree_option_is_on(statement->params, statement->n_params, "concurrently")) {
        return SQL_REINDEX_CONCURRENTLY;
    }
    return is_one ? SQL_ORDINARY : SQL_REPEATABLE;
}

static enum sql_kind
kind_of_alter(const PgQuery__AlterTableStmt *statement, struct arena *arena,
              struct sql_facts *facts)
{
    const PgQuery__RangeVar *partition = detached_concurrently(statement);

    if (!partition) {
        return SQL_ORDINARY;
    }
    facts->index = tree_quoted(partition->schemaname, partition->relname, arena);
    facts->table =
        tree_quoted(statement->relation->schemaname, statement->relation->relname, arena);
    return SQL_DETACH_CONCURRENTLY;
}

static bool
subscribes_outside(const PgQuery__CreateSubscriptionStmt *statement)
{
    return !tree_option_is_off(statement->options, statement->n_options, "connect") &&
           !tree_option_is_off(statement->options, statement->n_options, "create_slot");
}

static bool
refreshes_outside(const PgQuery__AlterSubscriptionStmt *statement)
{
    switch (statement->kind) {
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_REFRESH:
        return true;
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_SET_PUBLICATION:
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_ADD_PUBLICATION:
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_DROP_PUBLICATION:
        return !tree_option_is_off(statement->options, statement->n_options, "refresh");
    default:
        return false;
    }
}

/* As PreventInTransactionBlock is called in PostgreSQL's sources. */
static bool
runs_outside(const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(CREATEDB_STMT):
    case NODE(DROPDB_STMT):
    case NODE(CREATE_TABLE_SPACE_STMT):
    case NODE(DROP_TABLE_SPACE_STMT):
        return true;
    case NODE(ALTER_DATABASE_STMT):
        return tree_option(tree->alter_database_stmt->options, tree->alter_database_stmt->n_options,
                           "tablespace") != NULL;
    case NODE(CREATE_SUBSCRIPTION_STMT):
        return subscribes_outside(tree->create_subscription_stmt);
    case NODE(ALTER_SUBSCRIPTION_STMT):
        return refreshes_outside(tree->alter_subscription_stmt);
    default:
        return false;
    }
}

/* ---- indexes --------------------------------------------------------------------------------- */

static enum sql_kind
kind_of_index(const PgQuery__IndexStmt *statement, struct arena *arena, struct sql_facts *facts)
{
    const char *schema = statement->relation->schemaname;

    if (!statement->concurrent) {
        return SQL_ORDINARY;
    }
    if (statement->idxname && statement->idxname[0]) {
        facts->index = tree_quoted(schema, statement->idxname, arena);
    }
    facts->schema = schema && schema[0] ? schema : NULL;
    facts->table = tree_quoted(schema, statement->relation->relname, arena);
    facts->is_unique = statement->unique;
    facts->if_not_exists = statement->if_not_exists;
    return SQL_CREATE_INDEX_CONCURRENTLY;
}

static enum sql_kind
kind_of_drop(const PgQuery__DropStmt *statement, struct arena *arena, struct sql_facts *facts)
{
    if (!statement->concurrent || statement->n_objects == 0 ||
        statement->objects[0]->node_case != NODE(LIST)) {
        return SQL_ORDINARY;
    }
    const PgQuery__List *name = statement->objects[0]->list;
    size_t parts = name->n_items;
    const char *index = parts ? tree_string(name->items[parts - 1]) : NULL;
    const char *schema = parts > 1 ? tree_string(name->items[parts - 2]) : NULL;
    facts->index = index ? tree_quoted(schema, index, arena) : NULL;
    facts->schema = schema;
    facts->index_count = statement->n_objects;
    facts->if_exists = statement->missing_ok;
    return SQL_DROP_INDEX_CONCURRENTLY;
}

/* ---- secrets --------------------------------------------------------------------------------- */

/* An option PASSWORD '…': a text, not NULL. */
static void
look_for_password(PgQuery__Node **options, size_t count, struct sql_facts *facts)
{
    const PgQuery__DefElem *option = tree_option(options, count, "password");

    if (option && tree_string(option->arg)) {
        facts->has_secret = true;
        facts->secret_offset = option->location > 0 ? (size_t)option->location : 0;
    }
}

static void
look_for_secret(const PgQuery__Node *tree, struct sql_facts *facts)
{
    const char *conninfo = NULL;

    switch (tree->node_case) {
    case NODE(CREATE_ROLE_STMT):
        look_for_password(tree->create_role_stmt->options, tree->create_role_stmt->n_options,
                          facts);
        break;
    case NODE(ALTER_ROLE_STMT):
        look_for_password(tree->alter_role_stmt->options, tree->alter_role_stmt->n_options, facts);
        break;
    case NODE(CREATE_USER_MAPPING_STMT):
        look_for_password(tree->create_user_mapping_stmt->options,
                          tree->create_user_mapping_stmt->n_options, facts);
        break;
    case NODE(ALTER_USER_MAPPING_STMT):
        look_for_password(tree->alter_user_mapping_stmt->options,
                          tree->alter_user_mapping_stmt->n_options, facts);
        break;
    case NODE(CREATE_SUBSCRIPTION_STMT):
        conninfo = tree->create_subscription_stmt->conninfo;
        break;
    case NODE(ALTER_SUBSCRIPTION_STMT):
        conninfo = tree->alter_subscription_stmt->conninfo;
        break;
    default:
        break;
    }
    if (conninfo && strcasestr(conninfo, "password")) {
        facts->has_secret = true;
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static enum sql_kind
kind_of(const PgQuery__Node *tree, struct arena *arena, struct sql_facts *facts)
{
    switch (tree->node_case) {
    case NODE(TRANSACTION_STMT):
        return kind_of_transaction(tree->transaction_stmt);
    case NODE(VARIABLE_SET_STMT):
        return kind_of_set(tree->variable_set_stmt, arena, facts);
    case NODE(COPY_STMT):
        return kind_of_copy(tree->copy_stmt);
    case NODE(INDEX_STMT):
        return kind_of_index(tree->index_stmt, arena, facts);
    case NODE(DROP_STMT):
        return kind_of_drop(tree->drop_stmt, arena, facts);
    case NODE(ALTER_TABLE_STMT):
        return kind_of_alter(tree->alter_table_stmt, arena, facts);
    case NODE(REINDEX_STMT):
        return kind_of_reindex(tree->reindex_stmt, arena, facts);
    case NODE(VACUUM_STMT):
        return tree->vacuum_stmt->is_vacuumcmd ? SQL_REPEATABLE : SQL_ORDINARY;
    case NODE(CLUSTER_STMT):
        return tree->cluster_stmt->relation ? SQL_ORDINARY : SQL_REPEATABLE;
    case NODE(DEALLOCATE_STMT):
        return tree->deallocate_stmt->name && tree->deallocate_stmt->name[0] ? SQL_ORDINARY
                                                                             : SQL_SESSION;
    case NODE(DISCARD_STMT):
    case NODE(LISTEN_STMT):
    case NODE(UNLISTEN_STMT):
    case NODE(ALTER_SYSTEM_STMT):
        return SQL_SESSION;
    default:
        return runs_outside(tree) ? SQL_OUTSIDE : SQL_ORDINARY;
    }
}

void
sql_facts_read(const struct PgQuery__Node *tree, struct arena *arena, struct sql_facts *facts)
{
    *facts = (struct sql_facts){.tag = tree_tag(tree, arena)};
    facts->kind = kind_of(tree, arena, facts);
    sql_locks_read(tree, arena, &facts->locks);
    look_for_secret(tree, facts);
    tree_search(tree, arena, facts);
}
