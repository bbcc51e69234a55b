#include "common/sql/skim.h"

#include <ctype.h>
#include <pg_query.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* First words of statements that make and drop nothing. SELECT is none of them: SELECT … INTO. */
static const char *const words[] = {"INSERT", "UPDATE", "DELETE", "COMMENT",
                                    "GRANT",  "REVOKE", "ANALYZE"};

#define WORD_COUNT (sizeof words / sizeof *words)

static bool
begins_with_word(const char *text, size_t size)
{
    for (size_t i = 0; i < WORD_COUNT; i++) {
        size_t length = strlen(words[i]);
        if (size > length && strncasecmp(text, words[i], length) == 0 &&
            isspace((unsigned char)text[length])) {
            return true;
        }
    }
    return false;
}

/* A cheap look whether it is worth the scanner's time. */
static bool
may_hold_rows(const char *text)
{
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (strcasestr(text, words[i])) {
            return true;
        }
    }
    return false;
}

/* Behind the blanks and comments that a statement begins with. */
static size_t
first_word(const char *text, size_t at, size_t end)
{
    while (at < end) {
        if (isspace((unsigned char)text[at])) {
            at++;
        } else if (end - at > 1 && memcmp(text + at, "--", 2) == 0) {
            const char *line = memchr(text + at, '\n', end - at);
            at = line ? (size_t)(line - text) + 1 : end;
        } else {
            break;
        }
    }
    return at;
}

/* Lines stay where they are. */
static void
blank(char *text, size_t begin, size_t end)
{
    for (size_t at = begin; at < end; at++) {
        text[at] = text[at] == '\n' ? '\n' : ' ';
    }
}

const char *
sql_skim(const char *text, size_t size, struct arena *arena)
{
    char *copy = arena_alloc(arena, size + 1);

    memcpy(copy, text, size);
    /* BEGIN ATOMIC … END holds semicolons that end no statement. */
    if (!may_hold_rows(copy) || strcasestr(copy, "ATOMIC")) {
        return text;
    }
    PgQuerySplitResult split = pg_query_split_with_scanner(copy);
    for (int i = 0; !split.error && i < split.n_stmts; i++) {
        size_t begin = (size_t)split.stmts[i]->stmt_location;
        size_t end = begin + (size_t)split.stmts[i]->stmt_len;
        if (end > size) {
            break;
        }
        begin = first_word(copy, begin, end);
        if (begins_with_word(copy + begin, end - begin)) {
            blank(copy, begin, end);
        }
    }
    bool is_split = !split.error;
    pg_query_free_split_result(split);
    return is_split ? copy : text;
}
