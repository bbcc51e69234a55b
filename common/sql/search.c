#include <string.h>

#include "common/sql/tree.h"

#define NODE(name) PG_QUERY__NODE__NODE_##name
#define IS(message, type) ((message)->descriptor == &pg_query__##type##__descriptor)

struct search {
    struct arena *arena;
    struct sql_facts *facts;
};

static void
found(struct search *search, const char *name)
{
    if (!search->facts->own) {
        search->facts->own = name && name[0]
                                 ? arena_format(search->arena, "%s.%s", SQL_OWN_SCHEMA, name)
                                 : SQL_OWN_SCHEMA;
    }
}

static bool
is_own(const char *schema)
{
    return schema && strcmp(schema, SQL_OWN_SCHEMA) == 0;
}

/* set_config('name', 'value', …), with or without pg_catalog in front. */
static void
look_at_call(struct search *search, const PgQuery__FuncCall *call)
{
    const char *name = call->n_funcname ? tree_string(call->funcname[call->n_funcname - 1]) : NULL;

    if (!name || strcmp(name, "set_config") != 0 || call->n_args < 2) {
        return;
    }
    const char *setting = tree_constant(call->args[0], search->arena);
    const char *value = tree_constant(call->args[1], search->arena);
    struct sql_setting found_setting = {
        .name = setting ? setting : "", .value = value, .is_call = true};
    tree_add_setting(search->facts, found_setting, search->arena);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Names that are only read, wherever they stand: columns, functions called, operators. */
static bool
is_reference(const ProtobufCMessage *message)
{
    return IS(message, column_ref) || IS(message, func_call) || IS(message, a__expr);
}

/* A qualified name as a list of strings: DROP FUNCTION skein.f(), ALTER TYPE skein.t … */
static void
look_at_list(struct search *search, const ProtobufCMessage *message,
             const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;
    size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
    PgQuery__Node **nodes = *(PgQuery__Node * *const *)(const void *)(base + field->offset);

    if (field->descriptor == &pg_query__node__descriptor && count > 1 &&
        is_own(tree_string(nodes[0])) && !is_reference(message)) {
        found(search, tree_string(nodes[1]));
    }
}

/* Tables that a statement only reads from. */
static bool
is_source(const ProtobufCMessage *message, const char *field)
{
    return (IS(message, select_stmt) && strcmp(field, "from_clause") == 0) ||
           (IS(message, update_stmt) && strcmp(field, "from_clause") == 0) ||
           (IS(message, delete_stmt) && strcmp(field, "using_clause") == 0) ||
           (IS(message, merge_stmt) && strcmp(field, "source_relation") == 0);
}

static void search_message(struct search *search, const ProtobufCMessage *message, bool is_read);

static void
search_field(struct search *search, const ProtobufCMessage *message,
             const ProtobufCFieldDescriptor *field, bool is_read)
{
    const char *base = (const char *)message;
    const void *member = base + field->offset;

    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return;
    }
    is_read = is_read || is_source(message, field->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
        ProtobufCMessage *const *children = *(ProtobufCMessage *const *const *)member;
        look_at_list(search, message, field);
        for (size_t i = 0; i < count; i++) {
            search_message(search, children[i], is_read);
        }
        return;
    }
    bool is_one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (!is_one_of) { /* those of a node are gone through elsewhere, those of a constant hold none
                       */
        search_message(search, *(ProtobufCMessage *const *)member, is_read);
    }
}

/* Every message of a tree; libpg_query's own descriptors say what hangs where. */
static void
search_message(struct search *search, const ProtobufCMessage *message, bool is_read)
{
    if (!message) {
        return;
    }
    if (IS(message, node)) {
        /* One of 250 members, all pointers in one union: asking each in turn would take long. */
        const PgQuery__Node *node = (const void *)message;
        bool is_set = node->node_case != PG_QUERY__NODE__NODE__NOT_SET;
        search_message(search, is_set ? &node->alias->base : NULL, is_read);
        return;
    }
    if (IS(message, func_call)) {
        look_at_call(search, (const PgQuery__FuncCall *)(const void *)message);
    }
    if (IS(message, range_var) && !is_read) {
        const PgQuery__RangeVar *table = (const void *)message;
        if (is_own(table->schemaname)) {
            found(search, table->relname);
        }
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        search_field(search, message, &message->descriptor->fields[i], is_read);
    }
}

/* ---- the schema itself ----------------------------------------------------------------------- */

static bool
has_own(PgQuery__Node **nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_own(tree_string(nodes[i]))) {
            return true;
        }
    }
    return false;
}

static bool
option_names_own(PgQuery__Node **options, size_t count, const char *name)
{
    const PgQuery__DefElem *option = tree_option(options, count, name);

    if (!option || !option->arg) {
        return false;
    }
    if (option->arg->node_case == NODE(LIST)) {
        return has_own(option->arg->list->items, option->arg->list->n_items);
    }
    return is_own(tree_string(option->arg));
}

static bool
grants_own(const PgQuery__GrantStmt *grant)
{
    bool is_schema = grant->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA ||
                     grant->targtype == PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_ALL_IN_SCHEMA;
    return is_schema && has_own(grant->objects, grant->n_objects);
}

/* Whether the statement makes, changes or drops the schema, or puts something into it. */
static bool
names_own_schema(const PgQuery__Node *tree)
{
    const PgQuery__ObjectType schema = PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA;

    switch (tree->node_case) {
    case NODE(CREATE_SCHEMA_STMT):
        return is_own(tree->create_schema_stmt->schemaname);
    case NODE(DROP_STMT):
        return tree->drop_stmt->remove_type == schema &&
               has_own(tree->drop_stmt->objects, tree->drop_stmt->n_objects);
    case NODE(RENAME_STMT):
        return tree->rename_stmt->rename_type == schema &&
               (is_own(tree->rename_stmt->subname) || is_own(tree->rename_stmt->newname));
    case NODE(ALTER_OWNER_STMT):
        return tree->alter_owner_stmt->object_type == schema &&
               is_own(tree_string(tree->alter_owner_stmt->object));
    case NODE(ALTER_OBJECT_SCHEMA_STMT):
        return is_own(tree->alter_object_schema_stmt->newschema);
    case NODE(COMMENT_STMT):
        return tree->comment_stmt->objtype == schema &&
               is_own(tree_string(tree->comment_stmt->object));
    case NODE(GRANT_STMT):
        return grants_own(tree->grant_stmt);
    case NODE(ALTER_DEFAULT_PRIVILEGES_STMT):
        return option_names_own(tree->alter_default_privileges_stmt->options,
                                tree->alter_default_privileges_stmt->n_options, "schemas");
    case NODE(CREATE_EXTENSION_STMT):
        return option_names_own(tree->create_extension_stmt->options,
                                tree->create_extension_stmt->n_options, "schema");
    case NODE(IMPORT_FOREIGN_SCHEMA_STMT):
        return is_own(tree->import_foreign_schema_stmt->local_schema);
    default:
        return false;
    }
}

void
tree_search(const PgQuery__Node *tree, struct arena *arena, struct sql_facts *facts)
{
    struct search search = {.arena = arena, .facts = facts};

    if (names_own_schema(tree)) {
        found(&search, NULL);
    }
    search_message(&search, &tree->base, false);
}
