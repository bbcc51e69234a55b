#include "coordinator/cli/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define WIDTH_LEAST 40
#define WIDTH_FALLBACK 80
#define HEIGHT_FALLBACK 24

static bool
wants_colour(bool is_terminal, enum colour_wish wish)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (wish != COLOUR_AUTO) {
        return wish == COLOUR_ALWAYS;
    }
    return is_terminal && !(no_color && *no_color) && term && !text_equal(term, "dumb");
}

void
terminal_open(struct terminal *terminal, FILE *out, enum colour_wish wish)
{
    const char *term = getenv("TERM");
    bool is_tty = isatty(fileno(out)) == 1;

    *terminal = (struct terminal){.out = out};
    terminal->is_terminal = is_tty && term && !text_equal(term, "dumb");
    terminal->has_colour = wants_colour(is_tty, wish);
    terminal->has_utf8 = text_equal(nl_langinfo(CODESET), "UTF-8");
    terminal_measure(terminal);
}

static size_t
number_from(const char *name)
{
    int64_t number = 0;
    const char *value = getenv(name);

    return value && text_to_number(value, 1, 10000, &number) ? (size_t)number : 0;
}

void
terminal_measure(struct terminal *terminal)
{
    struct winsize size = {0};

    if (!terminal->is_terminal) {
        terminal->width = SIZE_MAX;
        terminal->height = SIZE_MAX;
        return;
    }
    if (ioctl(fileno(terminal->out), TIOCGWINSZ, &size) != 0) {
        size = (struct winsize){0};
    }
    terminal->width = size.ws_col ? size.ws_col : number_from("COLUMNS");
    terminal->height = size.ws_row ? size.ws_row : number_from("LINES");
    if (terminal->width == 0) {
        terminal->width = WIDTH_FALLBACK;
    }
    if (terminal->width < WIDTH_LEAST) {
        terminal->width = WIDTH_LEAST;
    }
    if (terminal->height == 0) {
        terminal->height = HEIGHT_FALLBACK;
    }
}

const char *
terminal_style(const struct terminal *terminal, enum style style)
{
    static const char *const switches[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_STRONG] = "\033[1m", [STYLE_FAINT] = "\033[2m",
        [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[31m",   [STYLE_WARN] = "\033[33m",
        [STYLE_NAME] = "\033[36m",
    };
    return terminal->has_colour ? switches[style] : "";
}

/* How many bytes the UTF-8 character at `at` has, and its code point; 1 byte when it is broken. */
static size_t
character_at(const char *at, uint32_t *code)
{
    const unsigned char *bytes = (const unsigned char *)at;
    size_t size = bytes[0] < 0x80   ? 1
                  : bytes[0] < 0xc2 ? 0
                  : bytes[0] < 0xe0 ? 2
                  : bytes[0] < 0xf0 ? 3
                  : bytes[0] < 0xf5 ? 4
                                    : 0;
    if (size <= 1) {
        *code = size ? bytes[0] : 0xfffd;
        return 1;
    }
    *code = bytes[0] & (0xffU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            *code = 0xfffd;
            return 1;
        }
        *code = *code << 6 | (bytes[i] & 0x3fU);
    }
    return size;
}

/* C0, DEL, C1, and what turns the direction of writing: none of it may come from outside. */
static bool
is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static size_t
columns_of(uint32_t code)
{
    if (is_control(code) || code == 0xfffd) {
        return 1;
    }
    int columns = wcwidth((wchar_t)code);
    return columns < 0 ? 1 : (size_t)columns;
}

size_t
terminal_columns(const char *text)
{
    size_t columns = 0;
    uint32_t code;

    while (*text) {
        text += character_at(text, &code);
        columns += columns_of(code);
    }
    return columns;
}

static void
append_character(const struct terminal *terminal, const char *at, size_t size, uint32_t code,
                 struct text *out)
{
    if (code == '\n' || code == '\t') {
        text_append(out, " ");
    } else if (is_control(code) || code == 0xfffd || (code >= 0x80 && !terminal->has_utf8)) {
        text_append(out, "?");
    } else {
        text_append_bytes(out, at, size);
    }
}

size_t
terminal_clip(const struct terminal *terminal, const char *text, size_t columns, struct text *out)
{
    size_t taken = 0;
    uint32_t code;
    bool fits = columns == SIZE_MAX || terminal_columns(text) <= columns;
    size_t room = fits ? SIZE_MAX : columns > 0 ? columns - 1 : 0;

    while (*text) {
        size_t size = character_at(text, &code);
        size_t wide = columns_of(code);
        if (taken + wide > room) {
            break;
        }
        append_character(terminal, text, size, code, out);
        taken += wide;
        text += size;
    }
    if (!fits && columns > 0) {
        text_append(out, terminal->has_utf8 ? "…" : "~");
        taken++;
    }
    return taken;
}

size_t
terminal_clip_styled(const struct terminal *terminal, enum style style, const char *text,
                     size_t columns, struct text *out)
{
    if (style == STYLE_PLAIN) {
        return terminal_clip(terminal, text, columns, out);
    }
    text_append(out, terminal_style(terminal, style));
    size_t taken = terminal_clip(terminal, text, columns, out);
    text_append(out, terminal_style(terminal, STYLE_PLAIN));
    return taken;
}

/* Where the line that begins at `text` ends: behind its last word that fits into `room`. */
static const char *
line_end(const char *text, size_t room)
{
    const char *end = NULL;
    const char *at = text;
    size_t columns = 0;
    uint32_t code;

    while (*at && *at != '\n') {
        if (*at == ' ' && at > text) {
            end = at;
        }
        size_t size = character_at(at, &code);
        columns += columns_of(code);
        if (columns > room) {
            return end ? end : at > text ? at : at + size;
        }
        at += size;
    }
    return at;
}

void
terminal_fold(const struct terminal *terminal, const char *text, size_t indent, size_t width,
              struct text *out)
{
    size_t room = width == SIZE_MAX ? SIZE_MAX : width > indent + 20 ? width - indent : 20;

    while (*text) {
        const char *end = line_end(text, room);
        for (uint32_t code; text < end;) {
            size_t size = character_at(text, &code);
            append_character(terminal, text, size, code, out);
            text += size;
        }
        while (*text == ' ' || *text == '\n') {
            text++;
        }
        if (*text) {
            text_format(out, "\n%*s", (int)indent, "");
        }
    }
}
