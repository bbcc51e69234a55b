#include "coordinator/cli/grid.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/mem.h"

#define GAP 2          /* spaces between two columns */
#define SHRINK_LEAST 8 /* a column is never cut below this */

struct cell {
    const char *text;
    enum style style;
};

struct column {
    const char *title;
    unsigned flags;
};

struct grid {
    struct column columns[GRID_COLUMNS_MAX];
    size_t column_count;
    struct cell (*rows)[GRID_COLUMNS_MAX];
    size_t row_count, row_capacity;
    size_t filled; /* cells of the last row */
    struct arena arena;
};

struct grid *
grid_new(void)
{
    return mem_zalloc(sizeof(struct grid));
}

void
grid_destroy(struct grid **grid_p)
{
    if (*grid_p) {
        free((*grid_p)->rows);
        arena_release(&(*grid_p)->arena);
        free(*grid_p);
        *grid_p = NULL;
    }
}

void
grid_column(struct grid *grid, const char *title, unsigned flags)
{
    assert(grid->column_count < GRID_COLUMNS_MAX && grid->row_count == 0);
    grid->columns[grid->column_count++] = (struct column){title, flags};
}

void
grid_row(struct grid *grid)
{
    grid->rows = mem_grow(grid->rows, grid->row_count, &grid->row_capacity, sizeof grid->rows[0]);
    for (size_t i = 0; i < GRID_COLUMNS_MAX; i++) {
        grid->rows[grid->row_count][i] = (struct cell){"", STYLE_PLAIN};
    }
    grid->row_count++;
    grid->filled = 0;
}

void
grid_cell(struct grid *grid, enum style style, const char *format, ...)
{
    CLEANUP(mem_free) char *text = NULL;
    va_list arguments;

    assert(grid->row_count > 0 && grid->filled < grid->column_count);
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    grid->rows[grid->row_count - 1][grid->filled++] =
        (struct cell){arena_text(&grid->arena, text), style};
}

size_t
grid_rows(const struct grid *grid)
{
    return grid->row_count;
}

/* How wide a column would be if there were room; 0: it is not shown. */
static size_t
natural_width(const struct grid *grid, size_t column)
{
    size_t width = 0;

    for (size_t row = 0; row < grid->row_count; row++) {
        size_t columns = terminal_columns(grid->rows[row][column].text);
        width = columns > width ? columns : width;
    }
    if (width == 0 && grid->columns[column].flags & GRID_HIDE_EMPTY) {
        return 0;
    }
    size_t title = terminal_columns(grid->columns[column].title);
    return title > width ? title : width > 0 ? width : 1;
}

static size_t
total_width(const size_t *widths, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        total += widths[i] ? widths[i] + GAP : 0;
    }
    return total > GAP ? total - GAP : total;
}

/* Make the columns fit into `room`: leave out what may be left out, then cut the widest. */
static void
fit(const struct grid *grid, size_t *widths, size_t room)
{
    for (size_t i = grid->column_count; i-- > 0;) {
        if (total_width(widths, grid->column_count) <= room) {
            return;
        }
        if (grid->columns[i].flags & GRID_DROPS) {
            widths[i] = 0;
        }
    }
    while (total_width(widths, grid->column_count) > room) {
        size_t widest = grid->column_count;
        for (size_t i = 0; i < grid->column_count; i++) {
            if (grid->columns[i].flags & GRID_SHRINKS && widths[i] > SHRINK_LEAST &&
                (widest == grid->column_count || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (widest == grid->column_count) {
            return;
        }
        widths[widest]--;
    }
}

/* One line; the last column shown is not padded. */
static void
render_line(const struct grid *grid, const struct terminal *terminal, const struct cell *cells,
            const size_t *widths, size_t indent, struct text *out)
{
    size_t pad = indent;

    for (size_t i = 0; i < grid->column_count; i++) {
        if (widths[i] == 0) {
            continue;
        }
        size_t wide = terminal_columns(cells[i].text);
        wide = wide > widths[i] ? widths[i] : wide;
        size_t before = grid->columns[i].flags & GRID_RIGHT ? widths[i] - wide : 0;
        if (wide > 0) {
            text_format(out, "%*s", (int)(pad + before), "");
            terminal_clip_styled(terminal, cells[i].style, cells[i].text, widths[i], out);
            pad = widths[i] - wide - before;
        } else {
            pad += widths[i];
        }
        pad += GAP;
    }
    text_append(out, "\n");
}

void
grid_render(const struct grid *grid, const struct terminal *terminal, size_t indent,
            struct text *out)
{
    size_t widths[GRID_COLUMNS_MAX];
    struct cell titles[GRID_COLUMNS_MAX];

    for (size_t i = 0; i < grid->column_count; i++) {
        widths[i] = natural_width(grid, i);
        titles[i] = (struct cell){grid->columns[i].title, STYLE_FAINT};
    }
    if (terminal->width != SIZE_MAX) {
        fit(grid, widths, terminal->width > indent ? terminal->width - indent : 1);
    }
    if (total_width(widths, grid->column_count) > 0) {
        render_line(grid, terminal, titles, widths, indent, out);
    }
    for (size_t row = 0; row < grid->row_count; row++) {
        render_line(grid, terminal, grid->rows[row], widths, indent, out);
    }
}

void
grid_print(const struct grid *grid, const struct terminal *terminal, size_t indent)
{
    CLEANUP(text_release) struct text out = {0};

    grid_render(grid, terminal, indent, &out);
    fputs(text_of(&out), terminal->out);
}
