/*
 * terminal: where the output goes, and what can be done there: colours, lines drawn anew, how wide
 * it is. Whatever came from elsewhere (names, PostgreSQL's messages) is printed through here, so
 * that no control character in it reaches the terminal.
 */
#ifndef COORDINATOR_CLI_TERMINAL_H
#define COORDINATOR_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "common/base/text.h"

enum colour_wish { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER, COLOUR_WISH_COUNT };

enum style {
    STYLE_PLAIN,
    STYLE_STRONG,
    STYLE_FAINT,
    STYLE_GOOD,
    STYLE_BAD,
    STYLE_WARN,
    STYLE_NAME
};

struct terminal {
    FILE *out;
    bool is_terminal; /* somebody sits there; lines may be drawn anew */
    bool has_colour;
    bool has_utf8;
    size_t width; /* columns; SIZE_MAX when nobody sits there */
    size_t height;
};

/* Look at the stream, the environment (NO_COLOR, TERM, COLUMNS) and the wish. */
void terminal_open(struct terminal *terminal, FILE *out, enum colour_wish wish);

/* Ask again how large it is: after the window was resized. */
void terminal_measure(struct terminal *terminal);

/* What switches a style on ("" without colours); STYLE_PLAIN switches everything off. */
const char *terminal_style(const struct terminal *terminal, enum style style);

/* How many columns a text takes; broken UTF-8 and control characters count as one each. */
size_t terminal_columns(const char *text);

/*
 * Append a text in at most `columns` columns, cut with an ellipsis, control characters replaced.
 * SIZE_MAX: all of it. Returns the columns it took.
 */
size_t terminal_clip(const struct terminal *terminal, const char *text, size_t columns,
                     struct text *out);

/* The same between a style's switches. */
size_t terminal_clip_styled(const struct terminal *terminal, enum style style, const char *text,
                            size_t columns, struct text *out);

/*
 * Append a text folded at spaces into lines of at most `width` columns, each behind the first
 * `indent` spaces; the first line goes where the cursor is, which is taken to be at `indent`.
 */
void terminal_fold(const struct terminal *terminal, const char *text, size_t indent, size_t width,
                   struct text *out);

#endif
