/* Statements that lock no table: schemas, roles, privileges, extensions, settings and the like. */
#include <string.h>

#include "common/sql/reading.h"

/* ---- privileges ------------------------------------------------------------------------------ */

static void
read_grant(struct reading *reading, const PgQuery__GrantStmt *grant)
{
    enum sql_object object = object_of_type(grant->objtype);
    enum effect_verb verb = grant->is_grant ? EFFECT_GRANT : EFFECT_REVOKE;

    if (grant->targtype == PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_ALL_IN_SCHEMA) {
        object = OBJECT_SCHEMA;
    }
    for (size_t i = 0; i < grant->n_objects; i++) {
        struct object_name name = name_of_node(reading, grant->objects[i]);
        reading_effect(reading, verb, object, &name, NULL);
    }
}

static void
read_grant_role(struct reading *reading, const PgQuery__GrantRoleStmt *grant)
{
    for (size_t i = 0; i < grant->n_granted_roles; i++) {
        const PgQuery__Node *role = grant->granted_roles[i];
        struct object_name name =
            name_plain(role->node_case == NODE(ACCESS_PRIV) ? role->access_priv->priv_name : NULL);
        reading_effect(reading, grant->is_grant ? EFFECT_GRANT : EFFECT_REVOKE, OBJECT_ROLE, &name,
                       NULL);
    }
}

/* ---- schemas, extensions, roles -------------------------------------------------------------- */

static void
create_schema(struct reading *reading, const PgQuery__CreateSchemaStmt *statement)
{
    const char *written = text_or_null(statement->schemaname);
    const char *owner = statement->authrole ? text_or_null(statement->authrole->rolename) : NULL;
    struct object_name name = name_plain(written ? written : owner);

    reading_effect(reading, EFFECT_CREATE, OBJECT_SCHEMA, &name, NULL)->if_not_exists =
        statement->if_not_exists;
    reading->schema = name.name;
    for (size_t i = 0; i < statement->n_schema_elts; i++) {
        read_statement(reading, statement->schema_elts[i]);
    }
    reading->schema = NULL;
}

static void
drop_roles(struct reading *reading, const PgQuery__DropRoleStmt *statement)
{
    for (size_t i = 0; i < statement->n_roles; i++) {
        const PgQuery__Node *role = statement->roles[i];
        struct object_name name =
            name_plain(role->node_case == NODE(ROLE_SPEC) ? role->role_spec->rolename : NULL);
        reading_effect(reading, EFFECT_DROP, OBJECT_ROLE, &name, NULL)->if_exists =
            statement->missing_ok;
    }
}

/* What belongs to a role, whichever it is. */
static void
note_owned(struct reading *reading, PgQuery__Node **roles, size_t count, enum effect_verb verb)
{
    for (size_t i = 0; i < count; i++) {
        struct object_name name = name_plain(
            roles[i]->node_case == NODE(ROLE_SPEC) ? roles[i]->role_spec->rolename : NULL);
        struct effect *effect = reading_effect(reading, verb, OBJECT_OTHER, &name, NULL);
        effect->loses_data = verb == EFFECT_DROP;
        effect->can_undo = verb != EFFECT_DROP;
    }
    reading->effects->is_opaque = true;
}

static bool
read_global(struct reading *reading, const PgQuery__Node *tree)
{
    switch (tree->node_case) {
    case NODE(CREATE_SCHEMA_STMT):
        create_schema(reading, tree->create_schema_stmt);
        return true;
    case NODE(DROP_ROLE_STMT):
        drop_roles(reading, tree->drop_role_stmt);
        return true;
    case NODE(DROP_OWNED_STMT):
        note_owned(reading, tree->drop_owned_stmt->roles, tree->drop_owned_stmt->n_roles,
                   EFFECT_DROP);
        return true;
    case NODE(REASSIGN_OWNED_STMT):
        note_owned(reading, tree->reassign_owned_stmt->roles, tree->reassign_owned_stmt->n_roles,
                   EFFECT_SET_OWNER);
        return true;
    case NODE(GRANT_STMT):
        read_grant(reading, tree->grant_stmt);
        return true;
    case NODE(GRANT_ROLE_STMT):
        read_grant_role(reading, tree->grant_role_stmt);
        return true;
    default:
        return false;
    }
}

/* ---- one name, one verb ---------------------------------------------------------------------- */

struct plain {
    enum effect_verb verb;
    enum sql_object object;
    const char *name;
    bool if_exists, if_not_exists;
};

static const char *
last_of(PgQuery__Node **nodes, size_t count)
{
    return count ? tree_string(nodes[count - 1]) : NULL;
}

static bool
read_extension(const PgQuery__Node *tree, struct plain *plain)
{
    switch (tree->node_case) {
    case NODE(CREATE_EXTENSION_STMT):
        *plain =
            (struct plain){EFFECT_CREATE, OBJECT_EXTENSION, tree->create_extension_stmt->extname,
                           false, tree->create_extension_stmt->if_not_exists};
        return true;
    case NODE(ALTER_EXTENSION_STMT):
        *plain = (struct plain){EFFECT_ALTER, OBJECT_EXTENSION, tree->alter_extension_stmt->extname,
                                false, false};
        return true;
    case NODE(ALTER_EXTENSION_CONTENTS_STMT):
        *plain = (struct plain){EFFECT_ALTER, OBJECT_EXTENSION,
                                tree->alter_extension_contents_stmt->extname, false, false};
        return true;
    case NODE(CREATE_PLANG_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_LANGUAGE, tree->create_plang_stmt->plname,
                                false, false};
        return true;
    case NODE(CREATE_EVENT_TRIG_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_EVENT_TRIGGER,
                                tree->create_event_trig_stmt->trigname, false, false};
        return true;
    case NODE(ALTER_EVENT_TRIG_STMT):
        *plain = (struct plain){EFFECT_ALTER, OBJECT_EVENT_TRIGGER,
                                tree->alter_event_trig_stmt->trigname, false, false};
        return true;
    default:
        return false;
    }
}

static const char *
role_of(const PgQuery__RoleSpec *role)
{
    return role ? role->rolename : NULL;
}

static bool
read_role(const PgQuery__Node *tree, struct plain *plain)
{
    switch (tree->node_case) {
    case NODE(CREATE_ROLE_STMT):
        *plain =
            (struct plain){EFFECT_CREATE, OBJECT_ROLE, tree->create_role_stmt->role, false, false};
        return true;
    case NODE(ALTER_ROLE_STMT):
        *plain = (struct plain){EFFECT_ALTER, OBJECT_ROLE, role_of(tree->alter_role_stmt->role),
                                false, false};
        return true;
    case NODE(ALTER_ROLE_SET_STMT):
        *plain = (struct plain){EFFECT_SET_OPTIONS, OBJECT_ROLE,
                                role_of(tree->alter_role_set_stmt->role), false, false};
        return true;
    case NODE(ALTER_DEFAULT_PRIVILEGES_STMT):
        *plain = (struct plain){
            tree->alter_default_privileges_stmt->action->is_grant ? EFFECT_GRANT : EFFECT_REVOKE,
            OBJECT_DEFAULT_PRIVILEGES, "", false, false};
        return true;
    default:
        return false;
    }
}

static bool
read_database(const PgQuery__Node *tree, struct plain *plain)
{
    switch (tree->node_case) {
    case NODE(CREATEDB_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_DATABASE, tree->createdb_stmt->dbname, false,
                                false};
        return true;
    case NODE(DROPDB_STMT):
        *plain = (struct plain){EFFECT_DROP, OBJECT_DATABASE, tree->dropdb_stmt->dbname,
                                tree->dropdb_stmt->missing_ok, false};
        return true;
    case NODE(ALTER_DATABASE_STMT):
        *plain = (struct plain){EFFECT_ALTER, OBJECT_DATABASE, tree->alter_database_stmt->dbname,
                                false, false};
        return true;
    case NODE(ALTER_DATABASE_SET_STMT):
        *plain = (struct plain){EFFECT_SET_OPTIONS, OBJECT_DATABASE,
                                tree->alter_database_set_stmt->dbname, false, false};
        return true;
    case NODE(CREATE_TABLE_SPACE_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_TABLESPACE,
                                tree->create_table_space_stmt->tablespacename, false, false};
        return true;
    case NODE(DROP_TABLE_SPACE_STMT):
        *plain = (struct plain){EFFECT_DROP, OBJECT_TABLESPACE,
                                tree->drop_table_space_stmt->tablespacename,
                                tree->drop_table_space_stmt->missing_ok, false};
        return true;
    default:
        return false;
    }
}

static bool
read_foreign(const PgQuery__Node *tree, struct plain *plain)
{
    switch (tree->node_case) {
    case NODE(CREATE_SUBSCRIPTION_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_SUBSCRIPTION,
                                tree->create_subscription_stmt->subname, false, false};
        return true;
    case NODE(ALTER_SUBSCRIPTION_STMT):
        *plain = (struct plain){EFFECT_ALTER, OBJECT_SUBSCRIPTION,
                                tree->alter_subscription_stmt->subname, false, false};
        return true;
    case NODE(DROP_SUBSCRIPTION_STMT):
        *plain =
            (struct plain){EFFECT_DROP, OBJECT_SUBSCRIPTION, tree->drop_subscription_stmt->subname,
                           tree->drop_subscription_stmt->missing_ok, false};
        return true;
    case NODE(CREATE_FDW_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_FOREIGN_SERVER,
                                tree->create_fdw_stmt->fdwname, false, false};
        return true;
    case NODE(CREATE_FOREIGN_SERVER_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_FOREIGN_SERVER,
                                tree->create_foreign_server_stmt->servername, false, false};
        return true;
    case NODE(CREATE_USER_MAPPING_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_FOREIGN_SERVER,
                                tree->create_user_mapping_stmt->servername, false, false};
        return true;
    default:
        return false;
    }
}

static bool
read_operator(const PgQuery__Node *tree, struct plain *plain)
{
    switch (tree->node_case) {
    case NODE(CREATE_CAST_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_CAST, "", false, false};
        return true;
    case NODE(CREATE_OP_CLASS_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_OPERATOR,
                                last_of(tree->create_op_class_stmt->opclassname,
                                        tree->create_op_class_stmt->n_opclassname),
                                false, false};
        return true;
    case NODE(CREATE_OP_FAMILY_STMT):
        *plain = (struct plain){EFFECT_CREATE, OBJECT_OPERATOR,
                                last_of(tree->create_op_family_stmt->opfamilyname,
                                        tree->create_op_family_stmt->n_opfamilyname),
                                false, false};
        return true;
    default:
        return false;
    }
}

/* ---- the session ----------------------------------------------------------------------------- */

static bool
read_session(struct reading *reading, const PgQuery__Node *tree)
{
    struct object_name name;

    switch (tree->node_case) {
    case NODE(VARIABLE_SET_STMT):
        name = name_plain(tree->variable_set_stmt->name);
        reading_effect(reading, EFFECT_ALTER, OBJECT_SETTING, &name, NULL);
        break;
    case NODE(TRANSACTION_STMT):
    case NODE(DISCARD_STMT):
    case NODE(DEALLOCATE_STMT):
    case NODE(LISTEN_STMT):
    case NODE(UNLISTEN_STMT):
    case NODE(NOTIFY_STMT):
    case NODE(CONSTRAINTS_SET_STMT):
    case NODE(FETCH_STMT):
    case NODE(CLOSE_PORTAL_STMT):
    case NODE(LOAD_STMT):
    case NODE(CHECK_POINT_STMT):
        break;
    case NODE(VARIABLE_SHOW_STMT):
        reading->effects->class = CLASS_READ;
        return true;
    default:
        return false;
    }
    reading->effects->class = CLASS_SESSION;
    return true;
}

/* CREATE TYPE, AGGREGATE, COLLATION and others that are made of a list of settings. */
static bool
read_define(struct reading *reading, const PgQuery__Node *tree)
{
    if (tree->node_case != NODE(DEFINE_STMT)) {
        return false;
    }
    const PgQuery__DefineStmt *define = tree->define_stmt;
    struct object_name name = name_of_new_list(reading, define->defnames, define->n_defnames);
    struct effect *effect =
        reading_effect(reading, define->replace ? EFFECT_REPLACE : EFFECT_CREATE,
                       object_of_type(define->kind), &name, NULL);
    effect->if_not_exists = define->if_not_exists;
    return true;
}

bool
read_other(struct reading *reading, const PgQuery__Node *tree)
{
    struct plain plain;

    if (read_session(reading, tree) || read_global(reading, tree) || read_define(reading, tree)) {
        return true;
    }
    if (!read_extension(tree, &plain) && !read_role(tree, &plain) && !read_database(tree, &plain) &&
        !read_foreign(tree, &plain) && !read_operator(tree, &plain)) {
        plain = (struct plain){EFFECT_ALTER, OBJECT_OTHER, "", false, false};
    }
    struct object_name name = name_plain(plain.name);
    struct effect *effect = reading_effect(reading, plain.verb, plain.object, &name, NULL);
    effect->if_exists = plain.if_exists;
    effect->if_not_exists = plain.if_not_exists;
    return true;
}
