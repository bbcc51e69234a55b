#include "common/migration/verified.h"

#include <string.h>

#include "common/base/mem.h"

static struct sql_statement *
statement_below(struct script_reading *script, size_t offset)
{
    for (size_t i = 0; i < script->sql.statement_count; i++) {
        if (script->sql.statements[i].stretch.place.offset > offset) {
            return &script->sql.statements[i];
        }
    }
    return NULL;
}

static bool
refuse(struct script_reading *script, const struct query_annotation *query, const char *text,
       const char *hint)
{
    struct error error;

    error_set(&error, "E-MIG-ANNOTATION", "%s", text);
    error_found(&error, "%s=\"%s\"", query->is_cleanup ? "cleanup" : "verify", query->text);
    error_hint(&error, "%s", hint);
    return script_refuse_at(script, &error, query->place);
}

/* One statement that PostgreSQL's grammar understands; a check must be a query. */
static bool
check_query(struct script_reading *script, const struct query_annotation *query)
{
    CLEANUP(arena_release) struct arena scratch = {0};
    struct sql_script sql;
    struct place place;
    struct error error;

    if (strlen(query->text) > STATEMENT_QUERY_SIZE_MAX) {
        return refuse(script, query, "it is too long", "4,096 bytes at most");
    }
    if (!sql_split(query->text, strlen(query->text), ANNOTATION_MARK, &scratch, &sql, &place,
                   &error)) {
        return refuse(script, query, error.text, "it must be one statement");
    }
    if (sql.statement_count != 1) {
        return refuse(script, query, "it must be one statement", "");
    }
    if (!query->is_cleanup && strcmp(sql.statements[0].facts.tag, "SELECT") != 0) {
        return refuse(script, query, "only a query can tell whether something is done",
                      "verify=\"SELECT EXISTS (…)\"");
    }
    return true;
}

static bool
attach(struct script_reading *script, const struct query_annotation *query)
{
    struct sql_statement *statement = statement_below(script, query->place.offset);
    bool fits = statement &&
                (statement->facts.kind == SQL_OUTSIDE || statement->facts.kind == SQL_VERIFIED);

    if (!fits) {
        return refuse(script, query, "there is no statement below that needs it",
                      "it is for what cannot run in a transaction and nobody can look up");
    }
    if (query->is_cleanup) {
        statement->facts.cleanup = query->text;
    } else {
        statement->facts.verify = query->text;
        statement->facts.kind = SQL_VERIFIED;
    }
    return check_query(script, query);
}

bool
verified_read(struct script_reading *script)
{
    bool succeeded = true;

    for (size_t i = 0; i < script->annotations.query_count; i++) {
        succeeded = attach(script, &script->annotations.queries[i]) && succeeded;
    }
    return succeeded;
}
