#include "common/sql/psql.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WORD_SIZE 64

struct skim {
    const char *text;
    size_t size, at;
};

static bool
is_name_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || (byte & 0x80);
}

static bool
stands(const struct skim *skim, const char *piece)
{
    size_t size = strlen(piece);
    return skim->size - skim->at >= size && memcmp(skim->text + skim->at, piece, size) == 0;
}

/* ---- what no command stands in --------------------------------------------------------------- */

/* Behind the closing quote; a doubled one is part of the string, and so is an escaped one. */
static void
skip_quoted(struct skim *skim, char quote, bool has_escapes)
{
    for (skim->at++; skim->at < skim->size; skim->at++) {
        if (has_escapes && skim->text[skim->at] == '\\') {
            skim->at++;
        } else if (skim->text[skim->at] == quote) {
            if (skim->at + 1 >= skim->size || skim->text[skim->at + 1] != quote) {
                break;
            }
            skim->at++;
        }
    }
    skim->at++;
}

static void
skip_block_comment(struct skim *skim)
{
    size_t depth = 0;

    do {
        if (stands(skim, "/*")) {
            depth++;
            skim->at += 2;
        } else if (stands(skim, "*/")) {
            depth--;
            skim->at += 2;
        } else {
            skim->at++;
        }
    } while (depth && skim->at < skim->size);
}

/* $tag$ … $tag$; false when that is not what begins here. */
static bool
skip_dollar_quoted(struct skim *skim)
{
    const char *begin = skim->text + skim->at;
    size_t left = skim->size - skim->at, size = 1;

    while (size < left && is_name_byte(begin[size]) &&
           !(size == 1 && isdigit((unsigned char)begin[size]))) {
        size++;
    }
    if (size >= left || begin[size] != '$') {
        return false;
    }
    size++;
    const char *end = memmem(begin + size, left - size, begin, size);
    skim->at = end ? (size_t)(end - skim->text) + size : skim->size;
    return true;
}

/* Go behind whatever begins here and is no command. */
static void
skip_one(struct skim *skim)
{
    char byte = skim->text[skim->at];
    bool is_word = skim->at > 0 && is_name_byte(skim->text[skim->at - 1]);
    bool is_escape = is_word && strchr("eE", skim->text[skim->at - 1]) &&
                     (skim->at < 2 || !is_name_byte(skim->text[skim->at - 2]));

    if (byte == '\'' || byte == '"') {
        skip_quoted(skim, byte, byte == '\'' && is_escape);
    } else if (stands(skim, "--")) {
        const char *end = memchr(skim->text + skim->at, '\n', skim->size - skim->at);
        skim->at = end ? (size_t)(end - skim->text) : skim->size;
    } else if (stands(skim, "/*")) {
        skip_block_comment(skim);
    } else if (byte != '$' || is_word || !skip_dollar_quoted(skim)) {
        skim->at++;
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

/* The next word of a command; "" behind the last. */
static const char *
next_word(const char *command, size_t size, size_t *at, char word[WORD_SIZE])
{
    size_t length = 0;

    while (*at < size && strchr(" \t\r", command[*at])) {
        (*at)++;
    }
    for (; *at < size && !strchr(" \t\r", command[*at]); (*at)++) {
        if (length < WORD_SIZE - 1) {
            word[length++] = command[*at];
        }
    }
    word[length] = '\0';
    return word;
}

static bool
is_one_of(const char *word, const char *const *words)
{
    while (*words && strcasecmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

/* The variables that say how psql shows things; and to stop at an error, as we do. */
static bool
is_harmless_variable(const char *name, const char *value)
{
    static const char *const shown[] = {"QUIET",     "ECHO",         "ECHO_HIDDEN",
                                        "VERBOSITY", "SHOW_CONTEXT", NULL};
    static const char *const on[] = {"on", "1", "true", "yes", "", NULL};

    return is_one_of(name, shown) || (strcmp(name, "ON_ERROR_STOP") == 0 && is_one_of(value, on));
}

/* A command from its backslash to the end of its line. */
static bool
is_harmless(const char *command, size_t size)
{
    static const char *const plain[] = {"\\pset",     "\\timing",   "\\x",          "\\a",
                                        "\\t",        "\\echo",     "\\qecho",      "\\warn",
                                        "\\conninfo", "\\restrict", "\\unrestrict", NULL};
    static const char *const encodings[] = {"utf8", "utf-8", "'utf8'", "'utf-8'", "unicode", NULL};
    char name[WORD_SIZE], first[WORD_SIZE], second[WORD_SIZE];
    size_t at = 0;

    if (memchr(command, '`', size) || memchr(command + 1, '\\', size - 1)) {
        return false;
    }
    next_word(command, size, &at, name);
    next_word(command, size, &at, first);
    next_word(command, size, &at, second);
    if (strcmp(name, "\\set") == 0) {
        return is_harmless_variable(first, second);
    }
    if (strcmp(name, "\\unset") == 0) {
        return is_harmless_variable(first, "") && strcmp(first, "ON_ERROR_STOP") != 0;
    }
    return is_one_of(name, plain) ||
           (strcmp(name, "\\encoding") == 0 && is_one_of(first, encodings));
}

const char *
psql_pass_over(const char *text, size_t size, struct arena *arena)
{
    struct skim skim = {.text = text, .size = size};
    char *out = NULL;

    if (!memchr(text, '\\', size)) {
        return NULL;
    }
    while (skim.at < size) {
        if (text[skim.at] != '\\') {
            skip_one(&skim);
            continue;
        }
        const char *end = memchr(text + skim.at, '\n', size - skim.at);
        size_t stop = end ? (size_t)(end - text) : size;
        if (is_harmless(text + skim.at, stop - skim.at)) {
            out = out ? out : arena_copy(arena, text, size);
            memset(out + skim.at, ' ', stop - skim.at);
        }
        skim.at = stop;
    }
    return out;
}
