/*
 * grid: a table of texts, its columns aligned and cut so that no line is wider than the terminal.
 * Columns that may shrink give way first; on a pipe nothing is ever cut.
 */
#ifndef COORDINATOR_CLI_GRID_H
#define COORDINATOR_CLI_GRID_H

#include "coordinator/cli/terminal.h"

#define GRID_COLUMNS_MAX 12

enum grid_flag {
    GRID_LEFT = 0,
    GRID_RIGHT = 1,      /* numbers */
    GRID_SHRINKS = 2,    /* may be cut when the terminal is narrow */
    GRID_HIDE_EMPTY = 4, /* left out when no row has anything in it */
    GRID_DROPS = 8       /* left out altogether before anything is cut, last one first */
};

struct grid;

/* The caller owns the result. */
struct grid *grid_new(void);
void grid_destroy(struct grid **grid_p);

/* Columns first; the title belongs to the caller. */
void grid_column(struct grid *grid, const char *title, unsigned flags);

/* Begin a row; then one cell for each column, from the left. Texts are copied; null is empty. */
void grid_row(struct grid *grid);
void grid_cell(struct grid *grid, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

size_t grid_rows(const struct grid *grid);

/* Append it, every line behind `indent` spaces. */
void grid_render(const struct grid *grid, const struct terminal *terminal, size_t indent,
                 struct text *out);

/* Print it to the terminal's stream. */
void grid_print(const struct grid *grid, const struct terminal *terminal, size_t indent);

#endif
