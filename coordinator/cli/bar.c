#include "coordinator/cli/bar.h"

/* `part` of total in eighths of a column, rounded down: a bar is full only when all is done. */
static size_t
eighths(uint64_t part, uint64_t total, size_t width)
{
    return total == 0 ? 0 : (size_t)((double)part / (double)total * (double)width * 8);
}

static void
repeat(const char *piece, size_t count, struct text *out)
{
    for (size_t i = 0; i < count; i++) {
        text_append(out, piece);
    }
}

static void
append_utf8(const struct terminal *terminal, size_t good, size_t bad, size_t width,
            struct text *out)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    size_t full = good / 8, part = bad > 0 ? 0 : good % 8;
    size_t rest = width - full - bad - (part > 0);

    text_append(out, terminal_style(terminal, STYLE_GOOD));
    repeat("█", full, out);
    text_append(out, parts[part]);
    if (bad > 0) {
        text_append(out, terminal_style(terminal, STYLE_BAD));
        repeat("█", bad, out);
    }
    text_append(out, terminal_style(terminal, STYLE_PLAIN));
    text_append(out, terminal_style(terminal, STYLE_FAINT));
    repeat("·", rest, out);
    text_append(out, terminal_style(terminal, STYLE_PLAIN));
}

void
bar_append(const struct terminal *terminal, uint64_t done, uint64_t failed, uint64_t total,
           size_t width, struct text *out)
{
    if (!terminal->has_utf8) {
        width = width > 2 ? width - 2 : 0; /* for the brackets */
    }
    if (done > total) {
        done = total;
    }
    if (failed > total - done) {
        failed = total - done;
    }
    size_t good = eighths(done, total, width);
    size_t bad = eighths(failed, total, width) / 8;
    if (failed > 0 && bad == 0 && width > 0) {
        bad = 1; /* a failure is never too small to be seen */
    }
    if (good / 8 + bad > width) {
        good = (width - bad) * 8;
    }
    if (bad > 0) {
        good -= good % 8;
    }
    if (terminal->has_utf8) {
        append_utf8(terminal, good, bad, width, out);
        return;
    }
    text_append(out, "[");
    repeat("#", good / 8, out);
    repeat("!", bad, out);
    repeat("-", width - good / 8 - bad, out);
    text_append(out, "]");
}
