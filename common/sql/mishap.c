#include "common/sql/mishap.h"

#include <ctype.h>
#include <pg_query/pg_query.pb-c.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define WORD_MAX 40
#define COPY_MAX 8 /* how many places are looked at for a COPY … FROM STDIN */

/* ---- rows of COPY FROM STDIN ----------------------------------------------------------------- */

/*
 * Rows that follow a COPY … FROM STDIN are no SQL, so the parser trips over them somewhere, often
 * far behind. To find the statement: cut the text behind each "stdin …;" in front of the trouble;
 * the first that parses and ends with such a COPY is it. The grammar decides, the search for the
 * word only says where to ask.
 */
static bool
ends_with_copy(const char *text, size_t size, size_t *begin)
{
    CLEANUP(mem_free) char *head = mem_zalloc(size + 1);
    bool is_copy = false;

    memcpy(head, text, size);
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(head);
    PgQuery__ParseResult *tree = NULL;
    if (!result.error) {
        tree = pg_query__parse_result__unpack(NULL, result.parse_tree.len,
                                              (const uint8_t *)result.parse_tree.data);
    }
    if (tree && tree->n_stmts) {
        const PgQuery__RawStmt *last = tree->stmts[tree->n_stmts - 1];
        if (last->stmt->node_case == PG_QUERY__NODE__NODE_COPY_STMT) {
            const PgQuery__CopyStmt *copy = last->stmt->copy_stmt;
            is_copy = copy->is_from && !copy->is_program && !(copy->filename && *copy->filename);
            *begin = (size_t)last->stmt_location;
        }
    }
    if (tree) {
        pg_query__parse_result__free_unpacked(tree, NULL);
    }
    pg_query_free_protobuf_parse_result(result);
    return is_copy;
}

/* The word COPY itself: the statement's stretch begins with the blanks and comments before it. */
static size_t
copy_word(const char *text, size_t begin, size_t end)
{
    for (size_t at = end; at > begin; at--) {
        if (strncasecmp(text + at - 1, "copy", 4) == 0) {
            return at - 1;
        }
    }
    return begin;
}

static bool
find_copy(const char *text, size_t trouble, size_t *begin)
{
    const char *at = text;

    for (int tries = 0; tries < COPY_MAX; tries++) {
        const char *word = strcasestr(at, "stdin");
        if (!word || (size_t)(word - text) >= trouble) {
            return false;
        }
        const char *semicolon = strchr(word, ';');
        if (!semicolon) {
            return false;
        }
        if (ends_with_copy(text, (size_t)(semicolon - text) + 1, begin)) {
            *begin = copy_word(text, *begin, (size_t)(word - text));
            return true;
        }
        at = word + 1;
    }
    return false;
}

/* ---- what probably happened ------------------------------------------------------------------ */

/* The word at a place, without control characters, whole characters only. */
static const char *
word_at(const char *text, char out[WORD_MAX])
{
    size_t size = 0;

    while (size < WORD_MAX - 1 && ((unsigned char)text[size] > ' ' && text[size] != 0x7f)) {
        out[size] = text[size];
        size++;
    }
    while (size > 0 && !text_is_utf8(out, size)) {
        size--;
    }
    out[size] = '\0';
    return out;
}

static void
explain_psql(const char *at, struct error *error)
{
    char word[WORD_MAX];

    if (at[0] == '\\') {
        error_set(error, "E-MIG-PSQL", "a command of psql, not of PostgreSQL");
        error_found(error, "%s", word_at(at, word));
        error_hint(error, "write what it does as SQL, or take it out");
        return;
    }
    error_set(error, "E-MIG-PSQL", "a variable of psql, not SQL");
    error_found(error, "%s", word_at(at, word));
    error_hint(error, "write the value itself, or list it under substitutions of the service in "
                      "skein.yaml");
}

/* `:name`, `:'name'`, `:"name"`: psql would have put a value there. */
static bool
is_variable(const char *text, size_t offset)
{
    const char *at = text + offset;
    bool has_name = isalpha((unsigned char)at[0]) || at[0] == '_' || at[0] == '\'' || at[0] == '"';

    if (at[0] == ':') {
        return isalpha((unsigned char)at[1]) || (at[1] && strchr("_'\"", at[1]));
    }
    return has_name && offset > 0 && at[-1] == ':' && (offset == 1 || at[-2] != ':');
}

static bool
is_template(const char *text, size_t offset)
{
    const char *at = text + offset;
    return strncmp(at, "{{", 2) == 0 || strncmp(at, "${", 2) == 0 ||
           (at[0] == '{' && offset > 0 && (at[-1] == '$' || at[-1] == '{'));
}

/* "unterminated quoted string", without the text behind it. */
static void
explain_unterminated(const char *message, struct error *error)
{
    const char *end = strstr(message, " at or near");
    size_t size = end ? (size_t)(end - message) : strlen(message);

    error_set(error, "E-MIG-LEX", "%.*s", (int)size, message);
    error_found(error, "it begins here and does not end in this file");
}

static void
explain_syntax(const char *text, size_t size, size_t offset, const char *message,
               struct error *error)
{
    char word[WORD_MAX];
    const char *at = text + offset;
    const char *near = strstr(message, " at or near");
    int what = near ? (int)(near - message) : (int)strlen(message);

    if (is_template(text, offset)) {
        error_set(error, "E-MIG-SYNTAX", "a template that is not filled in");
        error_found(error, "%s", word_at(at, word));
        error_hint(error, "list it under substitutions of the service in skein.yaml");
        return;
    }
    if (!near) {
        error_set(error, "E-MIG-SYNTAX", "%s", message);
    } else if (offset < size && strchr("'$", *at)) {
        error_set(error, "E-MIG-SYNTAX", "%.*s at or near a string", what, message);
    } else {
        error_set(error, "E-MIG-SYNTAX", "%.*s at or near \"%s\"", what, message,
                  word_at(at, word));
    }
    error_hint(error, "the grammar is that of PostgreSQL 15");
}

void
sql_mishap(const char *text, size_t size, const PgQueryError *said, struct place *place,
           struct error *error)
{
    size_t character = said->cursorpos > 0 ? (size_t)said->cursorpos - 1 : 0, copy = 0;
    size_t offset = place_of_character(text, size, character);

    if (find_copy(text, offset, &copy)) {
        offset = copy;
        error_set(error, "E-MIG-PSQL", "rows of a COPY … FROM STDIN in the file");
        error_hint(error, "write the rows as INSERT … VALUES");
    } else if (text_starts_with(said->message, "unterminated")) {
        explain_unterminated(said->message, error);
    } else if (text_starts_with(said->message, "memory exhausted")) {
        error_set(error, "E-MIG-COMPLEX", "the statement nests too deeply to be looked at");
        error_hint(error, "write it as a list, a join or several statements");
    } else if (text[offset] == '\\' || is_variable(text, offset)) {
        explain_psql(text + offset, error);
    } else {
        explain_syntax(text, size, offset, said->message, error);
    }
    *place = place_after(place_start(), text, offset);
}
