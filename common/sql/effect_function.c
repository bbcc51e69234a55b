/*
 * Functions and procedures, and code that is run: DO, CALL, EXECUTE. The body of a function in SQL
 * is analysed when it is made (check_function_bodies), which locks what it reads; that of any other
 * language is not looked at.
 */
#include <string.h>

#include "common/sql/parse.h"
#include "common/sql/reading.h"

/* ---- CREATE FUNCTION ------------------------------------------------------------------------- */

/* A body as text; what it does happens when it is called, so only its locks count. */
static void
read_body(struct reading *reading, const char *body)
{
    PgQueryProtobufParseResult said;
    const PgQuery__ParseResult *tree = parse(body, reading->arena, &said);

    pg_query_free_protobuf_parse_result(said);
    for (size_t i = 0; tree && i < tree->n_stmts; i++) {
        read_query(reading, tree->stmts[i]->stmt, false);
    }
}

static const char *
text_option(const PgQuery__CreateFunctionStmt *statement, const char *name)
{
    const PgQuery__DefElem *option = tree_option(statement->options, statement->n_options, name);

    if (!option || !option->arg) {
        return NULL;
    }
    const PgQuery__Node *argument = option->arg;
    if (argument->node_case == NODE(LIST) && argument->list->n_items) {
        argument = argument->list->items[0];
    }
    return tree_string(argument);
}

static void
create_function(struct reading *reading, const PgQuery__CreateFunctionStmt *statement)
{
    struct object_name name = name_of_new_list(reading, statement->funcname, statement->n_funcname);
    const char *language = text_option(statement, "language");
    const char *body = text_option(statement, "as");

    reading_effect(reading, statement->replace ? EFFECT_REPLACE : EFFECT_CREATE, OBJECT_FUNCTION,
                   &name, NULL);
    size_t kept = reading->effects->effect_count, calls = reading->effects->call_count;
    if (statement->sql_body) { /* https://www.postgresql.org/docs/release/14.0/: BEGIN ATOMIC */
        reading_needs(reading, 14);
        read_query(reading, statement->sql_body, false);
    } else if (language && strcmp(language, "sql") == 0 && body) {
        read_body(reading, body);
    }
    reading->effects->effect_count = kept; /* nothing of it is done */
    reading->effects->call_count = calls;
}

/* ---- code ------------------------------------------------------------------------------------ */

static void
note_code(struct reading *reading, const char *what)
{
    struct object_name name = name_plain(what);

    reading_effect(reading, EFFECT_CALL, OBJECT_CODE, &name, NULL);
    reading->effects->is_opaque = true;
    reading->effects->class = CLASS_BOTH;
}

static void
read_call(struct reading *reading, const PgQuery__CallStmt *statement)
{
    const PgQuery__FuncCall *call = statement->funccall;

    note_code(reading, call && call->n_funcname ? tree_string(call->funcname[call->n_funcname - 1])
                                                : "CALL");
    if (call) {
        read_below(reading, &call->base, true);
    }
}

bool
read_function(struct reading *reading, const PgQuery__Node *tree)
{
    struct object_name name;

    switch (tree->node_case) {
    case NODE(CREATE_FUNCTION_STMT):
        create_function(reading, tree->create_function_stmt);
        return true;
    case NODE(ALTER_FUNCTION_STMT):
        name = name_of_new_list(reading, tree->alter_function_stmt->func->objname,
                                tree->alter_function_stmt->func->n_objname);
        reading_effect(reading, EFFECT_ALTER, OBJECT_FUNCTION, &name, NULL);
        return true;
    case NODE(DO_STMT):
        note_code(reading, "DO");
        reading->effects->is_opaque = false;
        read_block(reading, tree->do_stmt);
        return true;
    case NODE(CALL_STMT):
        read_call(reading, tree->call_stmt);
        return true;
    case NODE(EXECUTE_STMT):
        note_code(reading, "EXECUTE");
        return true;
    default:
        return false;
    }
}
