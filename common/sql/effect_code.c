/*
 * DO blocks in PL/pgSQL: the statements that stand in them are read as if they stood alone; each
 * may be carried out, or not, or many times. What is put together when it runs (EXECUTE), and
 * functions that are called, stay unread.
 */
#include <pg_query.h>
#include <string.h>

#include "common/sql/parse.h"
#include "common/sql/reading.h"

/*
 * libpg_query tells about a block in JSON that it prints itself: no blanks, and a quote inside a
 * string has a backslash before it, so that these cannot occur in one.
 */
#define STATEMENT_MARK "\"sqlstmt\":{\"PLpgSQL_expr\":{\"query\":\""
#define QUERY_MARK "{\"PLpgSQL_expr\":{\"query\":\""

/* ---- the words of a JSON text ---------------------------------------------------------------- */

static size_t
hex_value(const char *digits)
{
    size_t value = 0;

    for (int i = 0; i < 4; i++) {
        const char *found = strchr("0123456789abcdef", digits[i] | 0x20);
        value = 16 * value + (found && digits[i] ? (size_t)(found - "0123456789abcdef") % 16 : 0);
    }
    return value;
}

/* What an escape behind a backslash stands for, and how many bytes it has. Control characters alone
 * are printed as \u. */
static char
unescape(const char *escape, size_t *size)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *found = strchr(from, *escape);

    *size = 1;
    if (*escape == 'u' && strlen(escape) >= 5) {
        *size = 5;
        return (char)hex_value(escape + 1);
    }
    return found && *escape ? to[found - from] : *escape;
}

/* A JSON string behind its opening quote, as the text that it is. */
static const char *
string_at(const char *json, struct arena *arena)
{
    size_t end = 0, size = 0;

    while (json[end] && json[end] != '"') {
        end += json[end] == '\\' && json[end + 1] ? 2 : 1;
    }
    char *text = arena_alloc(arena, end + 1);
    for (size_t at = 0; at < end;) {
        size_t step = 1;
        if (json[at] == '\\') {
            text[size++] = unescape(json + at + 1, &step);
            at += 1 + step;
        } else {
            text[size++] = json[at++];
        }
    }
    return text;
}

/* ---- the pieces of a block ------------------------------------------------------------------- */

static void
read_piece(struct reading *reading, const char *sql, bool is_statement)
{
    PgQueryProtobufParseResult said;
    const PgQuery__ParseResult *tree = parse(sql, reading->arena, &said);

    pg_query_free_protobuf_parse_result(said);
    if (!tree && !is_statement) { /* an expression: of IF, of an assignment */
        tree = parse(arena_format(reading->arena, "SELECT %s", sql), reading->arena, &said);
        pg_query_free_protobuf_parse_result(said);
    }
    reading->effects->is_opaque |= !tree;
    for (size_t i = 0; tree && i < tree->n_stmts; i++) {
        if (is_statement) {
            read_statement(reading, tree->stmts[i]->stmt);
        } else {
            read_query(reading, tree->stmts[i]->stmt, true);
        }
    }
}

/* All queries and expressions of a block, in the order in which they stand. */
static void
read_pieces(struct reading *reading, const char *json)
{
    const size_t statement_size = strlen(STATEMENT_MARK), query_size = strlen(QUERY_MARK);
    const char *at = json;

    while ((at = strstr(at, QUERY_MARK))) {
        const char *text = at + query_size;
        const char *mark = text - statement_size;
        bool is_statement = mark >= json && strncmp(mark, STATEMENT_MARK, statement_size) == 0;
        read_piece(reading, string_at(text, reading->arena), is_statement);
        at = text;
    }
    reading->effects->is_opaque |= strstr(json, "{\"PLpgSQL_stmt_dynexecute\":") ||
                                   strstr(json, "{\"PLpgSQL_stmt_dynfors\":") ||
                                   strstr(json, "{\"PLpgSQL_stmt_call\":");
}

/* ---- the block ------------------------------------------------------------------------------- */

/* DO LANGUAGE plpgsql '…' with the body in it. */
static const char *
quoted_block(const char *body, struct arena *arena)
{
    static const char head[] = "DO LANGUAGE plpgsql '";
    size_t size = sizeof head - 1;
    char *text = arena_alloc(arena, sizeof head + 2 * strlen(body) + 2);

    memcpy(text, head, size);
    for (const char *letter = body; *letter; letter++) {
        if (*letter == '\'') {
            text[size++] = '\'';
        }
        text[size++] = *letter;
    }
    text[size] = '\'';
    return text;
}

static enum sql_class
class_of(const struct effects *effects, size_t first)
{
    bool has_schema = false, has_data = false;

    for (size_t i = first; i < effects->effect_count; i++) {
        enum effect_verb verb = effects->effects[i].verb;
        bool is_data = verb == EFFECT_INSERT || verb == EFFECT_UPDATE || verb == EFFECT_DELETE ||
                       verb == EFFECT_TRUNCATE;
        bool is_nothing = verb == EFFECT_READ || verb == EFFECT_LOCK || verb == EFFECT_CALL;
        has_data |= is_data;
        has_schema |= !is_data && !is_nothing;
    }
    if (effects->is_opaque || (has_schema && has_data)) {
        return CLASS_BOTH;
    }
    return has_schema ? CLASS_SCHEMA : has_data ? CLASS_DATA : CLASS_READ;
}

void
read_block(struct reading *reading, const PgQuery__DoStmt *statement)
{
    const PgQuery__DefElem *body = tree_option(statement->args, statement->n_args, "as");
    const PgQuery__DefElem *language = tree_option(statement->args, statement->n_args, "language");
    const char *text = body ? tree_string(body->arg) : NULL;
    const char *name = language ? tree_string(language->arg) : "plpgsql";
    struct effects *effects = reading->effects;
    size_t first = effects->effect_count;

    if (!text || !name || strcmp(name, "plpgsql") != 0 || reading->is_inside) {
        effects->is_opaque = true;
        effects->class = CLASS_BOTH;
        return;
    }
    PgQueryPlpgsqlParseResult result = pg_query_parse_plpgsql(quoted_block(text, reading->arena));
    reading->is_inside = true;
    if (!result.error && result.plpgsql_funcs) {
        read_pieces(reading, result.plpgsql_funcs);
    } else {
        effects->is_opaque = true;
    }
    reading->is_inside = false;
    pg_query_free_plpgsql_parse_result(result);
    for (size_t i = first; i < effects->effect_count; i++) {
        effects->effects[i].is_conditional = true;
    }
    if (!effects->is_opaque) { /* then what can be undone is said by the pieces */
        effects->effects[first - 1].can_undo = true;
    }
    effects->class = class_of(effects, first);
}
