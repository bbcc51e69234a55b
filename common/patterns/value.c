#include "common/patterns/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/sql/fragment.h"
#include "common/sql/split.h"

#define PIECES_MAX 64

struct making {
    const struct pattern_parameter *parameter;
    struct arena *arena;
    struct value *value;
    struct error *error;
};

static const char *const allowed[VALUE_OF_COUNT] = {
    [VALUE_OF_TABLE] = "a table as in SQL: users, app.users, app.\"Users\"",
    [VALUE_OF_NAME] = "a name as in SQL: email, \"Email\"; at most 63 bytes",
    [VALUE_OF_NAMES] = "names as in SQL with commas: street, city",
    [VALUE_OF_COLUMNS] = "names and types with commas: street text, price numeric(10, 2)",
    [VALUE_OF_TYPE] = "a type: text, bigint, numeric(10, 2), text[]",
    [VALUE_OF_EXPRESSION] = "one expression over the row: lower(email)",
    [VALUE_OF_CONSTANT] = "the same value for every row: 0, 'new', false, now()",
    [VALUE_OF_ASSIGNMENTS] = "assignments as behind SET: a = 1, b = lower(c)",
    [VALUE_OF_ELEMENTS] = "what is indexed: email, lower(name) DESC",
    [VALUE_OF_LITERAL] = "any text",
    [VALUE_OF_LITERALS] = "texts with commas: new, paid, sent",
    [VALUE_OF_DURATION] = "a time: 250ms, 2s, 5m, 1h, 7d",
};

const char *
value_allowed(const struct pattern_parameter *parameter, struct arena *arena)
{
    if (parameter->kind != VALUE_OF_CHOICE) {
        return allowed[parameter->kind];
    }
    char *words = arena_format(arena, "one of: %s", parameter->choices);
    for (char *bar = words; (bar = strchr(bar, '|'));) {
        *bar = ' ';
    }
    return words;
}

static bool
refuse(const struct making *making, const char *text, const char *why)
{
    error_set(making->error, "E-PATTERN-VALUE", "%s cannot be '%.100s': %s",
              making->parameter->name, text, why);
    error_where(making->error, "--set %s=…", making->parameter->name);
    return error_found(making->error, "allowed is %s",
                       value_allowed(making->parameter, making->arena));
}

/* ---- names ----------------------------------------------------------------------------------- */

/* A name between double quotes, which may hold doubled ones; behind them, or at the text's end. */
static const char *
cut_quoted(const char *from, char *out, bool *is_closed)
{
    *is_closed = false;
    for (from++; *from && !*is_closed; from++) {
        if (*from == '"' && from[1] != '"') {
            *is_closed = true;
        } else {
            from += *from == '"';
            *out++ = *from;
        }
    }
    return from;
}

static bool
is_name_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 128;
}

/* Cut one name, quoted or not, from the text; why it is none, or null. */
static const char *
cut_name(const char **text, struct arena *arena, char **name)
{
    const char *from = *text;
    bool is_quoted = *from == '"', is_closed = true, has_capital = false;
    char *out = *name = arena_alloc(arena, strlen(from) + 1);

    if (is_quoted) {
        *text = cut_quoted(from, out, &is_closed);
    } else {
        for (; is_name_byte(**text); ++*text) {
            has_capital = has_capital || isupper((unsigned char)**text);
            *out++ = **text;
        }
    }
    if (has_capital) {
        return "PostgreSQL folds capital letters; write them in double quotes";
    }
    bool is_number = !is_quoted && isdigit((unsigned char)*from);
    return !is_closed                          ? "the quotes do not end"
           : !**name                           ? "a name is missing"
           : is_number                         ? "a name does not begin with a digit"
           : strlen(*name) > SQL_NAME_SIZE_MAX ? "a name is longer than 63 bytes"
                                               : NULL;
}

static char
in_lower_case(char byte)
{
    return (char)tolower((unsigned char)byte);
}

/* The letters of a text that may stand in a name; others become one "_". */
static const char *
as_word(const char *text, struct arena *arena)
{
    char *word = arena_alloc(arena, strlen(text) + 1), *end = word;

    for (; *text; text++) {
        if (is_name_byte(*text) && *text != '_') {
            *end++ = in_lower_case(*text);
        } else if (end > word && end[-1] != '_') {
            *end++ = '_';
        }
    }
    while (end > word && end[-1] == '_') {
        *--end = '\0';
    }
    return word;
}

static const char *
skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

static bool
make_table(const struct making *making, const char *text)
{
    const char *rest = skip_blanks(text), *why;
    char *first = NULL, *second = NULL;

    why = cut_name(&rest, making->arena, &first);
    if (!why && *rest == '.') {
        rest++;
        why = cut_name(&rest, making->arena, &second);
    }
    if (!why && *skip_blanks(rest)) {
        why = "there is more than a name";
    }
    if (why) {
        return refuse(making, text, why);
    }
    struct value *value = making->value;
    value->name = sql_fragment_name(second ? second : first, making->arena);
    value->schema =
        second ? arena_format(making->arena, "%s.", sql_fragment_name(first, making->arena)) : "";
    value->sql = arena_format(making->arena, "%s%s", value->schema, value->name);
    value->bare = second ? second : first;
    return true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* The size of what stands before the next comma that is in no quotes and no parentheses. */
static size_t
piece_size(const char *text)
{
    size_t size = 0, depth = 0;
    char quote = '\0';

    for (; text[size] && (text[size] != ',' || depth || quote); size++) {
        char byte = text[size];
        if (quote && byte == quote) {
            quote = '\0';
        } else if (quote) {
            continue;
        } else if (byte == '\'' || byte == '"') {
            quote = byte;
        } else if (byte == '(' || byte == '[') {
            depth++;
        } else if ((byte == ')' || byte == ']') && depth) {
            depth--;
        }
    }
    return size;
}

/* One column: a name, and with VALUE_OF_COLUMNS a type behind it. */
static bool
add_column(const struct making *making, const char *piece, const char *whole)
{
    struct value *value = making->value;
    const char *rest = skip_blanks(piece);
    char *name = NULL;
    const char *why = cut_name(&rest, making->arena, &name);
    const char *type = skip_blanks(rest);
    bool wants_type = making->parameter->kind == VALUE_OF_COLUMNS;

    if (!why && wants_type && !*type) {
        why = "a column has no type";
    } else if (!why && !wants_type && *type) {
        why = "there is more than a name";
    } else if (!why && wants_type && !sql_fragment_check(SQL_FRAGMENT_TYPE, type, making->error)) {
        why = "a type is none (NOT NULL and defaults are not part of it)";
    }
    if (why) {
        return refuse(making, whole, why);
    }
    value->pieces[value->piece_count] = sql_fragment_name(name, making->arena);
    value->types[value->piece_count++] = type;
    value->bare = *value->bare ? arena_format(making->arena, "%s_%s", value->bare, name) : name;
    return true;
}

static bool
add_literal(const struct making *making, const char *piece, const char *whole)
{
    struct value *value = making->value;
    size_t size = strlen(piece);

    while (size && piece[size - 1] == ' ') {
        size--;
    }
    const char *text = arena_format(making->arena, "%.*s", (int)size, piece);
    if (!size || size > SQL_NAME_SIZE_MAX) {
        return refuse(making, whole, size ? "a text is longer than 63 bytes" : "a text is empty");
    }
    const char *literal = value_literal(text, making->arena);
    for (size_t i = 0; i < value->piece_count; i++) {
        if (text_equal(value->pieces[i], literal)) {
            return refuse(making, whole, "a text stands there twice");
        }
    }
    value->pieces[value->piece_count++] = literal;
    return true;
}

static bool
make_list(const struct making *making, const char *text)
{
    struct value *value = making->value;
    CLEANUP(text_release) struct text sql = {0};
    bool is_literal = making->parameter->kind == VALUE_OF_LITERALS;

    value->pieces = arena_alloc(making->arena, PIECES_MAX * sizeof *value->pieces);
    value->types = arena_alloc(making->arena, PIECES_MAX * sizeof *value->types);
    value->bare = "";
    for (const char *at = text;;) {
        size_t size = is_literal ? strcspn(at, ",") : piece_size(at);
        const char *piece = arena_format(making->arena, "%.*s", (int)size, at);
        piece = skip_blanks(piece);
        if (value->piece_count == PIECES_MAX) {
            return refuse(making, text, "there are more than 64");
        }
        if (is_literal ? !add_literal(making, piece, text) : !add_column(making, piece, text)) {
            return false;
        }
        text_format(&sql, "%s%s", sql.size ? ", " : "", value->pieces[value->piece_count - 1]);
        if (!at[size]) {
            break;
        }
        at += size + 1;
    }
    value->sql = arena_text(making->arena, text_of(&sql));
    return true;
}

/* ---- pieces of SQL ----------------------------------------------------------------------------
 */

static bool
make_fragment(const struct making *making, enum sql_fragment fragment, const char *text)
{
    struct error said;

    if (!sql_fragment_check(fragment, text, &said)) {
        return refuse(making, text, said.text);
    }
    making->value->sql = arena_text(making->arena, text);
    making->value->bare = as_word(text, making->arena);
    return true;
}

/* ---- the rest ---------------------------------------------------------------------------------
 */

const char *
value_literal(const char *text, struct arena *arena)
{
    char *out = arena_alloc(arena, 2 * strlen(text) + 4), *end = out;

    *end++ = '\'';
    for (; *text; text++) {
        if (*text == '\'') {
            *end++ = *text;
        }
        *end++ = *text;
    }
    *end = '\'';
    return out;
}

const char *
value_fitting_name(const char *name, struct arena *arena)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    size_t size = SQL_NAME_SIZE_MAX - 9;

    if (strlen(name) <= SQL_NAME_SIZE_MAX) {
        return name;
    }
    for (const char *byte = name; *byte; byte++) {
        hash = (hash ^ (unsigned char)*byte) * 16777619u;
    }
    while (size && ((unsigned char)name[size] & 0xc0) == 0x80) {
        size--;
    }
    return arena_format(arena, "%.*s_%08" PRIx32, (int)size, name, hash);
}

static bool
make_duration(const struct making *making, const char *text)
{
    int64_t duration_ms;

    if (!text_to_duration_ms(text, &duration_ms)) {
        return refuse(making, text, "this is no time");
    }
    making->value->sql = making->value->bare = arena_text(making->arena, text);
    return true;
}

static bool
make_choice(const struct making *making, const char *text)
{
    size_t size = strlen(text);

    for (const char *word = making->parameter->choices; *word;) {
        size_t word_size = strcspn(word, "|");
        if (word_size == size && strncmp(word, text, size) == 0) {
            making->value->sql = making->value->bare = arena_text(making->arena, text);
            making->value->is_set = !text_equal(text, "no");
            return true;
        }
        word += word_size + (word[word_size] == '|');
    }
    return refuse(making, text, "it is not among the words allowed");
}

static bool
make_name(const struct making *making, const char *text)
{
    if (!make_list(making, text)) {
        return false;
    }
    return making->value->piece_count == 1 || refuse(making, text, "there is more than a name");
}

/* Whether it can stand in a line of SQL, and in a body between the library's own dollar quotes. */
static bool
is_one_line(const char *text)
{
    if (strstr(text, "$skein$")) {
        return false;
    }
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

bool
value_make(const struct pattern_parameter *parameter, const char *text, struct arena *arena,
           struct value *value, struct error *error)
{
    struct making making = {parameter, arena, value, error};

    *value = (struct value){.parameter = parameter, .is_set = true, .schema = "", .name = ""};
    if (!is_one_line(text) || !text_is_utf8(text, strlen(text)) || !*skip_blanks(text)) {
        return refuse(&making, "", "it is empty, or more than a line of text");
    }
    switch (parameter->kind) {
    case VALUE_OF_TABLE:
        return make_table(&making, text);
    case VALUE_OF_NAME:
        return make_name(&making, text);
    case VALUE_OF_NAMES:
    case VALUE_OF_COLUMNS:
    case VALUE_OF_LITERALS:
        return make_list(&making, text);
    case VALUE_OF_TYPE:
        return make_fragment(&making, SQL_FRAGMENT_TYPE, text);
    case VALUE_OF_EXPRESSION:
        return make_fragment(&making, SQL_FRAGMENT_EXPRESSION, text);
    case VALUE_OF_CONSTANT:
        return make_fragment(&making, SQL_FRAGMENT_CONSTANT, text);
    case VALUE_OF_ASSIGNMENTS:
        return make_fragment(&making, SQL_FRAGMENT_ASSIGNMENTS, text);
    case VALUE_OF_ELEMENTS:
        return make_fragment(&making, SQL_FRAGMENT_ELEMENTS, text);
    case VALUE_OF_LITERAL:
        value->sql = value_literal(text, arena);
        value->bare = arena_text(arena, text);
        return true;
    case VALUE_OF_DURATION:
        return make_duration(&making, text);
    case VALUE_OF_CHOICE:
        return make_choice(&making, text);
    case VALUE_OF_COUNT:
        break;
    }
    return false;
}
