#include "agent/execute/grant.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define NAME_SIZE 256

/* What the server said: "permission denied for KIND NAME", "must be owner of KIND NAME". */
struct denial {
    bool is_owner; /* owners only */
    const struct kind *kind;
    char name[NAME_SIZE];
};

/* Longer words first. The SQL gives one column, the hint, and one row when it is sure. */
static const struct kind {
    const char *word;
    const char *catalog, *name_column, *owner_column; /* null: no such thing is owned */
    const char *object;                               /* behind GRANT … ON, of the row o */
    const char *rights;                               /* null: by the statement */
} kinds[] = {
    {"materialized view ", "pg_class", "relname", "relowner", "o.oid::regclass", NULL},
    {"foreign table ", "pg_class", "relname", "relowner", "o.oid::regclass", NULL},
    {"sequence ", "pg_class", "relname", "relowner", "'SEQUENCE ' || o.oid::regclass",
     "'USAGE, SELECT'"},
    {"relation ", "pg_class", "relname", "relowner", "o.oid::regclass", NULL},
    {"index ", "pg_class", "relname", "relowner", "o.oid::regclass", NULL},
    {"table ", "pg_class", "relname", "relowner", "o.oid::regclass", NULL},
    {"view ", "pg_class", "relname", "relowner", "o.oid::regclass", NULL},
    {"procedure ", "pg_proc", "proname", "proowner", "'PROCEDURE ' || o.oid::regprocedure",
     "'EXECUTE'"},
    {"function ", "pg_proc", "proname", "proowner", "'FUNCTION ' || o.oid::regprocedure",
     "'EXECUTE'"},
    {"domain ", "pg_type", "typname", "typowner", "'TYPE ' || o.oid::regtype", "'USAGE'"},
    {"type ", "pg_type", "typname", "typowner", "'TYPE ' || o.oid::regtype", "'USAGE'"},
    {"schema ", "pg_namespace", "nspname", "nspowner", "'SCHEMA ' || quote_ident(o.nspname)", NULL},
    {"database ", "pg_database", "datname", "datdba", "'DATABASE ' || quote_ident(o.datname)",
     "'CREATE'"},
};

/* ---- what was denied ----------------------------------------------------------------------- */

static bool
read_denial(const char *message, struct denial *denial)
{
    static const char denied[] = "permission denied for ", owner[] = "must be owner of ";
    const char *end = strstr(message, " (42501)");

    denial->is_owner = text_starts_with(message, owner);
    if (!end || !(denial->is_owner || text_starts_with(message, denied))) {
        return false; /* something else, or in another language */
    }
    const char *word = message + (denial->is_owner ? sizeof owner : sizeof denied) - 1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!text_starts_with(word, kinds[i].word)) {
            continue;
        }
        const char *name = word + strlen(kinds[i].word);
        denial->kind = &kinds[i];
        if (name >= end || (size_t)(end - name) >= sizeof denial->name) {
            return false;
        }
        memcpy(denial->name, name, (size_t)(end - name));
        denial->name[end - name] = '\0';
        return strcmp(denial->name, "skein") != 0; /* nobody is to have that */
    }
    return false;
}

/* ---- what it takes ------------------------------------------------------------------------- */

static const struct statement *
failed_statement(const struct step_try *try)
{
    const struct script *script = try->script;

    return try->statement && try->statement <= script->statement_count
               ? &script->statements[try->statement - 1]
               : NULL;
}

/* Whether the statement writes to what is called so, as in "INSERT INTO name". */
static bool
writes_to(const struct step_try *try, const struct statement *statement, const char *name)
{
    CLEANUP(mem_free) char *text = try_statement_text(try, try->script, statement);
    const char *at = strcasestr(text, name);
    const char *end = strpbrk(text + strcspn(text, " \t\n"), "(");

    /* The first relation that a DML statement names is the one that it changes. */
    return at && (!end || at < end) && !strcasestr(text, "select ");
}

/* The rights on a relation that a statement of this kind needs; null: it cannot be known. */
static const char *
rights_on_relation(const struct step_try *try, const char *name)
{
    const struct statement *statement = failed_statement(try);
    const char *tag = statement && statement->tag ? statement->tag : "";

    if (text_starts_with(tag, "INSERT")) {
        return writes_to(try, statement, name) ? "'INSERT'" : NULL;
    }
    if (text_starts_with(tag, "UPDATE")) {
        return "'SELECT, UPDATE'";
    }
    if (text_starts_with(tag, "DELETE")) {
        return "'SELECT, DELETE'";
    }
    if (text_starts_with(tag, "TRUNCATE")) {
        return "'TRUNCATE'";
    }
    if (text_starts_with(tag, "CREATE TRIGGER")) {
        return "'TRIGGER'";
    }
    if (text_starts_with(tag, "ALTER TABLE") || text_starts_with(tag, "CREATE TABLE")) {
        return "'REFERENCES'";
    }
    return text_starts_with(tag, "SELECT") || text_starts_with(tag, "CREATE ") ? "'SELECT'" : NULL;
}

/* What creates something in a schema needs more than what only goes there. */
static const char *
rights_on_schema(const struct step_try *try)
{
    const struct statement *statement = failed_statement(try);
    bool creates = statement && statement->tag && text_starts_with(statement->tag, "CREATE ");

    return creates ? "'USAGE, CREATE'" : "'USAGE'";
}

static const char *
rights_for(const struct step_try *try, const struct denial *denial)
{
    if (denial->kind->rights) {
        return denial->kind->rights;
    }
    return strcmp(denial->kind->catalog, "pg_namespace") == 0
               ? rights_on_schema(try)
               : rights_on_relation(try, denial->name);
}

/* Sure is what there is one of, outside the system's own schemas. */
static void
append_question(const struct step_try *try, const struct denial *denial, const char *rights,
                const char *role, struct text *sql)
{
    struct connection *connection = try->sitting->connection;
    const struct kind *kind = denial->kind;
    bool is_in_schema =
        strcmp(kind->catalog, "pg_namespace") != 0 && strcmp(kind->catalog, "pg_database") != 0;
    char prefix[4] = {kind->name_column[0], kind->name_column[1], kind->name_column[2]};

    text_append(sql, "SELECT ");
    if (denial->is_owner) {
        text_format(sql, "'GRANT ' || quote_ident(pg_get_userbyid(o.%s))", kind->owner_column);
    } else {
        text_format(sql, "'GRANT ' || %s || ' ON ' || %s", rights, kind->object);
    }
    text_append(sql, " || ' TO ' || quote_ident(");
    connection_literal(connection, sql, role);
    text_format(sql, ") FROM pg_catalog.%s o WHERE o.%s = ", kind->catalog, kind->name_column);
    connection_literal(connection, sql, denial->name);
    if (is_in_schema) {
        text_format(sql,
                    " AND o.%snamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE"
                    " nspname IN ('pg_catalog', 'information_schema', 'skein'))",
                    prefix);
    }
}

void
grant_explain(struct step_try *try)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = try->sitting->connection;
    const struct target_config *config = &try->sitting->config;
    struct patience patience = sitting_patience();
    struct denial denial;

    if (!connection || !read_denial(try->error.text, &denial)) {
        return;
    }
    const char *rights = denial.is_owner ? "" : rights_for(try, &denial);
    if (!rights) {
        return;
    }
    append_question(try, &denial, rights, config->role ? config->role : connection_user(connection),
                    &sql);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return; /* whoever asks next finds out what is the matter */
    }
    if (connection_row_count(connection, 0) == 1 && connection_cell(connection, 0, 0, 0)) {
        error_hint(&try->error, "%s", connection_cell(connection, 0, 0, 0));
    }
}
