/* The command tags, as src/backend/tcop/utility.c and cmdtaglist.h of PostgreSQL have them. */
#include <string.h>

#include "common/sql/tree.h"

#define NODE(name) PG_QUERY__NODE__NODE_##name
#define OBJECT(name) PG_QUERY__OBJECT_TYPE__OBJECT_##name

/* What an object is called in DROP … and ALTER …; in the order of the enumeration. */
static const char *const objects[] = {
    [OBJECT(ACCESS_METHOD)] = "ACCESS METHOD",
    [OBJECT(AGGREGATE)] = "AGGREGATE",
    [OBJECT(ATTRIBUTE)] = "TYPE",
    [OBJECT(CAST)] = "CAST",
    [OBJECT(COLUMN)] = "TABLE",
    [OBJECT(COLLATION)] = "COLLATION",
    [OBJECT(CONVERSION)] = "CONVERSION",
    [OBJECT(DATABASE)] = "DATABASE",
    [OBJECT(DOMAIN)] = "DOMAIN",
    [OBJECT(DOMCONSTRAINT)] = "DOMAIN",
    [OBJECT(EVENT_TRIGGER)] = "EVENT TRIGGER",
    [OBJECT(EXTENSION)] = "EXTENSION",
    [OBJECT(FDW)] = "FOREIGN DATA WRAPPER",
    [OBJECT(FOREIGN_SERVER)] = "SERVER",
    [OBJECT(FOREIGN_TABLE)] = "FOREIGN TABLE",
    [OBJECT(FUNCTION)] = "FUNCTION",
    [OBJECT(INDEX)] = "INDEX",
    [OBJECT(LANGUAGE)] = "LANGUAGE",
    [OBJECT(LARGEOBJECT)] = "LARGE OBJECT",
    [OBJECT(MATVIEW)] = "MATERIALIZED VIEW",
    [OBJECT(OPCLASS)] = "OPERATOR CLASS",
    [OBJECT(OPERATOR)] = "OPERATOR",
    [OBJECT(OPFAMILY)] = "OPERATOR FAMILY",
    [OBJECT(POLICY)] = "POLICY",
    [OBJECT(PROCEDURE)] = "PROCEDURE",
    [OBJECT(PUBLICATION)] = "PUBLICATION",
    [OBJECT(ROLE)] = "ROLE",
    [OBJECT(ROUTINE)] = "ROUTINE",
    [OBJECT(RULE)] = "RULE",
    [OBJECT(SCHEMA)] = "SCHEMA",
    [OBJECT(SEQUENCE)] = "SEQUENCE",
    [OBJECT(SUBSCRIPTION)] = "SUBSCRIPTION",
    [OBJECT(STATISTIC_EXT)] = "STATISTICS",
    [OBJECT(TABCONSTRAINT)] = "TABLE",
    [OBJECT(TABLE)] = "TABLE",
    [OBJECT(TABLESPACE)] = "TABLESPACE",
    [OBJECT(TRANSFORM)] = "TRANSFORM",
    [OBJECT(TRIGGER)] = "TRIGGER",
    [OBJECT(TSCONFIGURATION)] = "TEXT SEARCH CONFIGURATION",
    [OBJECT(TSDICTIONARY)] = "TEXT SEARCH DICTIONARY",
    [OBJECT(TSPARSER)] = "TEXT SEARCH PARSER",
    [OBJECT(TSTEMPLATE)] = "TEXT SEARCH TEMPLATE",
    [OBJECT(TYPE)] = "TYPE",
    [OBJECT(USER_MAPPING)] = "USER MAPPING",
    [OBJECT(VIEW)] = "VIEW",
};

/* Statements whose tag does not depend on anything. */
static const struct {
    PgQuery__Node__NodeCase node;
    const char *tag;
} tags[] = {
    {NODE(INSERT_STMT), "INSERT"},
    {NODE(DELETE_STMT), "DELETE"},
    {NODE(UPDATE_STMT), "UPDATE"},
    {NODE(MERGE_STMT), "MERGE"},
    {NODE(ALTER_DOMAIN_STMT), "ALTER DOMAIN"},
    {NODE(ALTER_DEFAULT_PRIVILEGES_STMT), "ALTER DEFAULT PRIVILEGES"},
    {NODE(CLOSE_PORTAL_STMT), "CLOSE CURSOR"},
    {NODE(CLUSTER_STMT), "CLUSTER"},
    {NODE(COPY_STMT), "COPY"},
    {NODE(CREATE_STMT), "CREATE TABLE"},
    {NODE(TRUNCATE_STMT), "TRUNCATE TABLE"},
    {NODE(COMMENT_STMT), "COMMENT"},
    {NODE(FETCH_STMT), "FETCH"},
    {NODE(INDEX_STMT), "CREATE INDEX"},
    {NODE(DO_STMT), "DO"},
    {NODE(RULE_STMT), "CREATE RULE"},
    {NODE(NOTIFY_STMT), "NOTIFY"},
    {NODE(LISTEN_STMT), "LISTEN"},
    {NODE(UNLISTEN_STMT), "UNLISTEN"},
    {NODE(VIEW_STMT), "CREATE VIEW"},
    {NODE(LOAD_STMT), "LOAD"},
    {NODE(CREATE_DOMAIN_STMT), "CREATE DOMAIN"},
    {NODE(CREATEDB_STMT), "CREATE DATABASE"},
    {NODE(DROPDB_STMT), "DROP DATABASE"},
    {NODE(EXPLAIN_STMT), "EXPLAIN"},
    {NODE(CREATE_SEQ_STMT), "CREATE SEQUENCE"},
    {NODE(ALTER_SEQ_STMT), "ALTER SEQUENCE"},
    {NODE(VARIABLE_SHOW_STMT), "SHOW"},
    {NODE(DISCARD_STMT), "DISCARD"},
    {NODE(CREATE_TRIG_STMT), "CREATE TRIGGER"},
    {NODE(CREATE_PLANG_STMT), "CREATE LANGUAGE"},
    {NODE(CREATE_ROLE_STMT), "CREATE ROLE"},
    {NODE(ALTER_ROLE_STMT), "ALTER ROLE"},
    {NODE(ALTER_ROLE_SET_STMT), "ALTER ROLE"},
    {NODE(DROP_ROLE_STMT), "DROP ROLE"},
    {NODE(LOCK_STMT), "LOCK TABLE"},
    {NODE(CONSTRAINTS_SET_STMT), "SET CONSTRAINTS"},
    {NODE(REINDEX_STMT), "REINDEX"},
    {NODE(CHECK_POINT_STMT), "CHECKPOINT"},
    {NODE(CREATE_SCHEMA_STMT), "CREATE SCHEMA"},
    {NODE(ALTER_DATABASE_STMT), "ALTER DATABASE"},
    {NODE(ALTER_DATABASE_REFRESH_COLL_STMT), "ALTER DATABASE"},
    {NODE(ALTER_DATABASE_SET_STMT), "ALTER DATABASE"},
    {NODE(CREATE_CONVERSION_STMT), "CREATE CONVERSION"},
    {NODE(CREATE_CAST_STMT), "CREATE CAST"},
    {NODE(CREATE_OP_CLASS_STMT), "CREATE OPERATOR CLASS"},
    {NODE(CREATE_OP_FAMILY_STMT), "CREATE OPERATOR FAMILY"},
    {NODE(ALTER_OP_FAMILY_STMT), "ALTER OPERATOR FAMILY"},
    {NODE(PREPARE_STMT), "PREPARE"},
    {NODE(EXECUTE_STMT), "EXECUTE"},
    {NODE(DEALLOCATE_STMT), "DEALLOCATE"},
    {NODE(DECLARE_CURSOR_STMT), "DECLARE CURSOR"},
    {NODE(CREATE_TABLE_SPACE_STMT), "CREATE TABLESPACE"},
    {NODE(DROP_TABLE_SPACE_STMT), "DROP TABLESPACE"},
    {NODE(ALTER_OPERATOR_STMT), "ALTER OPERATOR"},
    {NODE(ALTER_TYPE_STMT), "ALTER TYPE"},
    {NODE(DROP_OWNED_STMT), "DROP OWNED"},
    {NODE(REASSIGN_OWNED_STMT), "REASSIGN OWNED"},
    {NODE(COMPOSITE_TYPE_STMT), "CREATE TYPE"},
    {NODE(CREATE_ENUM_STMT), "CREATE TYPE"},
    {NODE(CREATE_RANGE_STMT), "CREATE TYPE"},
    {NODE(ALTER_ENUM_STMT), "ALTER TYPE"},
    {NODE(ALTER_TSDICTIONARY_STMT), "ALTER TEXT SEARCH DICTIONARY"},
    {NODE(ALTER_TSCONFIGURATION_STMT), "ALTER TEXT SEARCH CONFIGURATION"},
    {NODE(CREATE_FDW_STMT), "CREATE FOREIGN DATA WRAPPER"},
    {NODE(ALTER_FDW_STMT), "ALTER FOREIGN DATA WRAPPER"},
    {NODE(CREATE_FOREIGN_SERVER_STMT), "CREATE SERVER"},
    {NODE(ALTER_FOREIGN_SERVER_STMT), "ALTER SERVER"},
    {NODE(CREATE_USER_MAPPING_STMT), "CREATE USER MAPPING"},
    {NODE(ALTER_USER_MAPPING_STMT), "ALTER USER MAPPING"},
    {NODE(DROP_USER_MAPPING_STMT), "DROP USER MAPPING"},
    {NODE(ALTER_TABLE_SPACE_OPTIONS_STMT), "ALTER TABLESPACE"},
    {NODE(SEC_LABEL_STMT), "SECURITY LABEL"},
    {NODE(CREATE_FOREIGN_TABLE_STMT), "CREATE FOREIGN TABLE"},
    {NODE(IMPORT_FOREIGN_SCHEMA_STMT), "IMPORT FOREIGN SCHEMA"},
    {NODE(CREATE_EXTENSION_STMT), "CREATE EXTENSION"},
    {NODE(ALTER_EXTENSION_STMT), "ALTER EXTENSION"},
    {NODE(ALTER_EXTENSION_CONTENTS_STMT), "ALTER EXTENSION"},
    {NODE(CREATE_EVENT_TRIG_STMT), "CREATE EVENT TRIGGER"},
    {NODE(ALTER_EVENT_TRIG_STMT), "ALTER EVENT TRIGGER"},
    {NODE(REFRESH_MAT_VIEW_STMT), "REFRESH MATERIALIZED VIEW"},
    {NODE(ALTER_SYSTEM_STMT), "ALTER SYSTEM"},
    {NODE(CREATE_POLICY_STMT), "CREATE POLICY"},
    {NODE(ALTER_POLICY_STMT), "ALTER POLICY"},
    {NODE(CREATE_TRANSFORM_STMT), "CREATE TRANSFORM"},
    {NODE(CREATE_AM_STMT), "CREATE ACCESS METHOD"},
    {NODE(CREATE_PUBLICATION_STMT), "CREATE PUBLICATION"},
    {NODE(ALTER_PUBLICATION_STMT), "ALTER PUBLICATION"},
    {NODE(CREATE_SUBSCRIPTION_STMT), "CREATE SUBSCRIPTION"},
    {NODE(ALTER_SUBSCRIPTION_STMT), "ALTER SUBSCRIPTION"},
    {NODE(DROP_SUBSCRIPTION_STMT), "DROP SUBSCRIPTION"},
    {NODE(CREATE_STATS_STMT), "CREATE STATISTICS"},
    {NODE(ALTER_COLLATION_STMT), "ALTER COLLATION"},
    {NODE(CALL_STMT), "CALL"},
    {NODE(ALTER_STATS_STMT), "ALTER STATISTICS"},
};

static const char *const transaction_tags[] = {
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN] = "BEGIN",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START] = "START TRANSACTION",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT] = "COMMIT",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK] = "ROLLBACK",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT] = "SAVEPOINT",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE] = "RELEASE",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO] = "ROLLBACK TO SAVEPOINT",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE] = "PREPARE TRANSACTION",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT_PREPARED] = "COMMIT PREPARED",
    [PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_PREPARED] = "ROLLBACK PREPARED",
};

static const char *
object_name(PgQuery__ObjectType object)
{
    size_t index = (size_t)object;
    const char *name = index < sizeof objects / sizeof *objects ? objects[index] : NULL;
    return name ? name : "OBJECT";
}

static const char *
transaction_tag(PgQuery__TransactionStmtKind kind)
{
    size_t index = (size_t)kind, count = sizeof transaction_tags / sizeof *transaction_tags;
    return index < count && transaction_tags[index] ? transaction_tags[index] : "TRANSACTION";
}

/* Statements of which one node stands for several objects. */
static const char *
tag_of_object(const PgQuery__Node *tree, const char **verb)
{
    *verb = "ALTER";
    switch (tree->node_case) {
    case NODE(DROP_STMT):
        *verb = "DROP";
        return object_name(tree->drop_stmt->remove_type);
    case NODE(DEFINE_STMT):
        *verb = "CREATE";
        return object_name(tree->define_stmt->kind);
    case NODE(CREATE_FUNCTION_STMT):
        *verb = "CREATE";
        return tree->create_function_stmt->is_procedure ? "PROCEDURE" : "FUNCTION";
    case NODE(ALTER_TABLE_STMT):
        return object_name(tree->alter_table_stmt->objtype);
    case NODE(ALTER_TABLE_MOVE_ALL_STMT):
        return object_name(tree->alter_table_move_all_stmt->objtype);
    case NODE(ALTER_FUNCTION_STMT):
        return object_name(tree->alter_function_stmt->objtype);
    case NODE(RENAME_STMT): {
        const PgQuery__RenameStmt *rename = tree->rename_stmt;
        bool is_part =
            rename->rename_type == OBJECT(COLUMN) || rename->rename_type == OBJECT(ATTRIBUTE);
        return object_name(is_part ? rename->relation_type : rename->rename_type);
    }
    case NODE(ALTER_OBJECT_DEPENDS_STMT):
        return object_name(tree->alter_object_depends_stmt->object_type);
    case NODE(ALTER_OBJECT_SCHEMA_STMT):
        return object_name(tree->alter_object_schema_stmt->object_type);
    case NODE(ALTER_OWNER_STMT):
        return object_name(tree->alter_owner_stmt->object_type);
    default:
        return NULL;
    }
}

/* Statements of which one node stands for two commands. */
static const char *
tag_of_pair(const PgQuery__Node *tree)
{
    PgQuery__VariableSetKind kind;

    switch (tree->node_case) {
    case NODE(SELECT_STMT):
        return tree->select_stmt->into_clause ? "SELECT INTO" : "SELECT";
    case NODE(CREATE_TABLE_AS_STMT):
        return tree->create_table_as_stmt->objtype == OBJECT(MATVIEW) ? "CREATE MATERIALIZED VIEW"
                                                                      : "CREATE TABLE AS";
    case NODE(GRANT_STMT):
        return tree->grant_stmt->is_grant ? "GRANT" : "REVOKE";
    case NODE(GRANT_ROLE_STMT):
        return tree->grant_role_stmt->is_grant ? "GRANT ROLE" : "REVOKE ROLE";
    case NODE(VACUUM_STMT):
        return tree->vacuum_stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE";
    case NODE(VARIABLE_SET_STMT):
        kind = tree->variable_set_stmt->kind;
        return kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET ||
                       kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL
                   ? "RESET"
                   : "SET";
    case NODE(TRANSACTION_STMT):
        return transaction_tag(tree->transaction_stmt->kind);
    default:
        return NULL;
    }
}

const char *
tree_tag(const PgQuery__Node *tree, struct arena *arena)
{
    const char *verb = NULL, *object = tag_of_object(tree, &verb), *pair = tag_of_pair(tree);

    if (object) {
        return arena_format(arena, "%s %s", verb, object);
    }
    if (pair) {
        return pair;
    }
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (tags[i].node == tree->node_case) {
            return tags[i].tag;
        }
    }
    return "SQL";
}
