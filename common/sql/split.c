#include "common/sql/split.h"

#include <assert.h>
#include <ctype.h>
#include <pg_query.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/sql/deep_stack.h"
#include "common/sql/mishap.h"
#include "common/sql/parse.h"
#include "common/sql/tree.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BYTE_ORDER_MARK_SIZE 3
/* What an expression may nest; the stack is deep enough for more than twice of it. */
#define DEPTH_MAX 50000
#define BRACKETS_MAX 10000 /* more than the grammar itself accepts */

struct splitting {
    const char *text; /* NUL-terminated, without the byte order mark */
    size_t size;
    const char *mark;
    struct arena *arena;
    struct sql_script *script;
    struct place *place;
    struct error *error;
    struct arena scratch; /* the tokens */
    PgQuery__ScanToken **tokens;
    size_t token_count;
    bool succeeded;
};

/* ---- libpg_query's trees in an arena --------------------------------------------------------- */

static void *
take(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
leave(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool
is_comment(const PgQuery__ScanToken *token)
{
    return token->token == PG_QUERY__TOKEN__SQL_COMMENT ||
           token->token == PG_QUERY__TOKEN__C_COMMENT;
}

static bool
read_tokens(struct splitting *splitting)
{
    ProtobufCAllocator allocator = {take, leave, &splitting->scratch};
    PgQueryScanResult result = pg_query_scan(splitting->text);

    if (result.error) {
        sql_mishap(splitting->text, splitting->size, result.error, splitting->place,
                   splitting->error);
        pg_query_free_scan_result(result);
        return false;
    }
    PgQuery__ScanResult *scan = pg_query__scan_result__unpack(&allocator, result.pbuf.len,
                                                              (const uint8_t *)result.pbuf.data);
    pg_query_free_scan_result(result);
    assert(scan);
    splitting->tokens = scan->tokens;
    splitting->token_count = scan->n_tokens;
    return true;
}

/* How many bytes of an identifier PostgreSQL would keep if it could; 0 for other tokens. */
static size_t
name_size(const char *text, const PgQuery__ScanToken *token)
{
    size_t size = (size_t)(token->end - token->start), quotes = 0;

    if (token->token != PG_QUERY__TOKEN__IDENT) {
        return 0;
    }
    if (text[token->start] != '"') {
        return size;
    }
    for (int at = token->start + 1; at < token->end - 1; at++) {
        quotes += text[at] == '"';
    }
    return size - 2 - quotes / 2;
}

static void
add_stretch(struct stretch *stretches, size_t *count, struct place place, int32_t end)
{
    stretches[(*count)++] = (struct stretch){.place = place, .size = (size_t)end - place.offset};
}

static bool
is_wanted_comment(const struct splitting *splitting, const PgQuery__ScanToken *token)
{
    size_t size = (size_t)(token->end - token->start), mark_size = strlen(splitting->mark);

    if (token->token != PG_QUERY__TOKEN__SQL_COMMENT) {
        return false;
    }
    for (size_t at = 0; at + mark_size <= size; at++) {
        if (strncasecmp(splitting->text + token->start + at, splitting->mark, mark_size) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_long_name(const struct splitting *splitting, const PgQuery__ScanToken *token)
{
    return name_size(splitting->text, token) > SQL_NAME_SIZE_MAX;
}

/* The comments and the names that are too long, with their places. */
static void
note_tokens(struct splitting *splitting)
{
    struct sql_script *script = splitting->script;
    struct place place = place_start();
    size_t comments = 0, names = 0;

    for (size_t i = 0; i < splitting->token_count; i++) {
        comments += is_wanted_comment(splitting, splitting->tokens[i]);
        names += is_long_name(splitting, splitting->tokens[i]);
    }
    script->comments = arena_alloc(splitting->arena, comments * sizeof *script->comments);
    script->long_names = arena_alloc(splitting->arena, names * sizeof *script->long_names);
    for (size_t i = 0; i < splitting->token_count; i++) {
        const PgQuery__ScanToken *token = splitting->tokens[i];
        bool is_name = is_long_name(splitting, token);
        if (!is_name && !is_wanted_comment(splitting, token)) {
            continue;
        }
        place = place_after(place, splitting->text, (size_t)token->start);
        add_stretch(is_name ? script->long_names : script->comments,
                    is_name ? &script->long_name_count : &script->comment_count, place, token->end);
    }
}

/* ---- depth ----------------------------------------------------------------------------------- */

/*
 * A bound for how deep a statement's tree can be, from its tokens alone: an expression is at most
 * as deep as it is long, a comma begins another one, a bracket one inside it. So a list of a
 * hundred thousand rows is shallow, and 1+1+1+… is as deep as it is.
 */
struct depth {
    size_t here;  /* tokens of the expression that is open, and of those around it */
    size_t count; /* brackets that are open */
    size_t outside[BRACKETS_MAX];
};

/* Count one more token; false when that is too deep. */
static bool
go_deeper(struct depth *depth, PgQuery__Token token)
{
    switch (token) {
    case PG_QUERY__TOKEN__ASCII_40: /* ( */
    case PG_QUERY__TOKEN__ASCII_91: /* [ */
        if (depth->count == BRACKETS_MAX) {
            return false;
        }
        depth->outside[depth->count++] = depth->here;
        break;
    case PG_QUERY__TOKEN__ASCII_41:
    case PG_QUERY__TOKEN__ASCII_93:
        if (depth->count) {
            depth->here = depth->outside[--depth->count];
        }
        break;
    case PG_QUERY__TOKEN__ASCII_44: /* , */
        depth->here = depth->count ? depth->outside[depth->count - 1] : 0;
        break;
    case PG_QUERY__TOKEN__ASCII_59: /* ; */
        depth->here = depth->count = 0;
        break;
    default:
        break;
    }
    return ++depth->here <= DEPTH_MAX;
}

static bool
check_depth(struct splitting *splitting)
{
    struct depth *depth = arena_alloc(&splitting->scratch, sizeof *depth);

    for (size_t i = 0; i < splitting->token_count; i++) {
        const PgQuery__ScanToken *token = splitting->tokens[i];
        if (is_comment(token) || go_deeper(depth, token->token)) {
            continue;
        }
        *splitting->place = place_after(place_start(), splitting->text, (size_t)token->start);
        error_set(splitting->error, "E-MIG-COMPLEX",
                  "the statement nests too deeply to be looked at");
        error_found(splitting->error, "an expression of more than %d parts", DEPTH_MAX);
        return error_hint(splitting->error, "write it as a list, a join or several statements");
    }
    return true;
}

/* ---- whether tokens are needed -----------------------------------------------------------------
 */

static bool
is_name_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || byte == '$' || (byte & 0x80);
}

/*
 * Whether there may be a name that is too long: a word, or something between two quotes on one
 * line. Words in comments and strings count too; the tokens then tell what is what.
 */
static bool
may_hold_long_name(const char *text, size_t size)
{
    size_t word = 0, quoted = 0;

    for (size_t at = 0; at < size; at++) {
        word = is_name_byte(text[at]) ? word + 1 : 0;
        quoted = text[at] == '"' || text[at] == '\n' ? 0 : quoted + 1;
        bool is_quoted = quoted > SQL_NAME_SIZE_MAX && at + 1 < size && text[at + 1] == '"';
        if (word > SQL_NAME_SIZE_MAX || is_quoted) {
            return true;
        }
    }
    return false;
}

/* Most files need no look at their tokens, which takes a quarter of the time. */
static bool
needs_tokens(const struct splitting *splitting)
{
    return splitting->size > DEPTH_MAX || strcasestr(splitting->text, splitting->mark) ||
           may_hold_long_name(splitting->text, splitting->size);
}

/* ---- statements ------------------------------------------------------------------------------ */

static size_t
skip_block_comment(const char *text, size_t at, size_t end)
{
    size_t depth = 0;

    while (at < end) {
        if (strncmp(text + at, "/*", 2) == 0) {
            depth++;
            at += 2;
        } else if (strncmp(text + at, "*/", 2) == 0) {
            depth--;
            at += 2;
            if (depth == 0) {
                break;
            }
        } else {
            at++;
        }
    }
    return at;
}

/* Blanks, comments and empty statements; what follows them begins a statement. */
static size_t
skip_to_statement(const char *text, size_t at, size_t end)
{
    while (at < end) {
        if (strchr(" \t\n\r\f\v;", text[at])) {
            at++;
        } else if (strncmp(text + at, "--", 2) == 0) {
            at += strcspn(text + at, "\r\n");
        } else if (strncmp(text + at, "/*", 2) == 0) {
            at = skip_block_comment(text, at, end);
        } else {
            break;
        }
    }
    return at;
}

/* From the statement's first word to its last byte that is no blank. */
static struct stretch
stretch_of(const struct splitting *splitting, const PgQuery__RawStmt *raw, struct place place)
{
    size_t begin = (size_t)raw->stmt_location;
    size_t end = raw->stmt_len ? begin + (size_t)raw->stmt_len : splitting->size;
    size_t first = skip_to_statement(splitting->text, begin, end);

    while (end > first && strchr(" \t\n\r\f\v", splitting->text[end - 1])) {
        end--;
    }
    assert(first < end && end <= splitting->size);
    return (struct stretch){.place = place_after(place, splitting->text, first),
                            .size = end - first};
}

static void
note_statements(struct splitting *splitting, const PgQuery__ParseResult *tree)
{
    struct sql_script *script = splitting->script;
    struct place place = place_start();

    script->statements = arena_alloc(splitting->arena, tree->n_stmts * sizeof *script->statements);
    for (size_t i = 0; i < tree->n_stmts; i++) {
        const PgQuery__RawStmt *raw = tree->stmts[i];
        struct sql_statement *statement = &script->statements[script->statement_count++];
        assert(raw->stmt);
        statement->stretch = stretch_of(splitting, raw, place);
        place = statement->stretch.place;
        statement->tree = raw->stmt;
        sql_facts_read(raw->stmt, splitting->arena, &statement->facts);
    }
}

static bool
read_tree(struct splitting *splitting)
{
    PgQueryProtobufParseResult said;
    const PgQuery__ParseResult *tree = parse(splitting->text, splitting->arena, &said);

    if (tree) {
        note_statements(splitting, tree);
    } else {
        sql_mishap(splitting->text, splitting->size, said.error, splitting->place,
                   splitting->error);
    }
    pg_query_free_protobuf_parse_result(said);
    return tree != NULL;
}

static void
split(void *context)
{
    struct splitting *splitting = context;

    if (needs_tokens(splitting)) {
        if (!read_tokens(splitting) || !check_depth(splitting)) {
            return;
        }
        note_tokens(splitting);
    }
    splitting->succeeded = read_tree(splitting);
}

/* ---- the mark in front ----------------------------------------------------------------------- */

static void
shift(struct stretch *stretches, size_t count, size_t by)
{
    for (size_t i = 0; i < count; i++) {
        stretches[i].place.offset += by;
    }
}

/* Count offsets from the mark again that the parser was not shown; it takes no column. */
static void
shift_all(struct sql_script *script, struct place *place, size_t by)
{
    shift(script->comments, script->comment_count, by);
    shift(script->long_names, script->long_name_count, by);
    for (size_t i = 0; i < script->statement_count; i++) {
        struct sql_statement *statement = &script->statements[i];
        shift(&statement->stretch, 1, by);
        statement->skipped = by;
        if (statement->facts.secret_offset) {
            statement->facts.secret_offset += by;
        }
    }
    place->offset += by;
}

bool
sql_split(const char *text, size_t size, const char *mark, struct arena *arena,
          struct sql_script *script, struct place *place, struct error *error)
{
    bool has_mark =
        size >= BYTE_ORDER_MARK_SIZE && memcmp(text, BYTE_ORDER_MARK, BYTE_ORDER_MARK_SIZE) == 0;
    size_t skipped = has_mark ? BYTE_ORDER_MARK_SIZE : 0;
    CLEANUP(mem_free) char *copy = mem_zalloc(size - skipped + 1);
    struct splitting splitting = {.text = copy,
                                  .size = size - skipped,
                                  .mark = mark,
                                  .arena = arena,
                                  .script = script,
                                  .place = place,
                                  .error = error};

    memcpy(copy, text + skipped, size - skipped);
    *script = (struct sql_script){0};
    *place = place_start();
    deep_stack_run(split, &splitting);
    arena_release(&splitting.scratch);
    shift_all(script, place, skipped);
    return splitting.succeeded;
}
