/* pictures: terminals as tests want them, and what was drawn for them. */
#ifndef TESTS_UNIT_CLI_PICTURES_H
#define TESTS_UNIT_CLI_PICTURES_H

#include <stdint.h>
#include <string.h>

#include "coordinator/cli/terminal.h"

/* A pipe: nothing is cut, nothing coloured. */
static inline struct terminal
pipe_terminal(void)
{
    return (struct terminal){
        .out = stdout, .has_utf8 = true, .width = SIZE_MAX, .height = SIZE_MAX};
}

static inline struct terminal
wide_terminal(size_t width)
{
    return (struct terminal){
        .out = stdout, .is_terminal = true, .has_utf8 = true, .width = width, .height = 24};
}

/* The columns of the widest line. */
static inline size_t
widest_line(const char *text)
{
    size_t widest = 0;

    while (*text) {
        char line[1024] = "";
        size_t size = strcspn(text, "\n");
        memcpy(line, text, size < sizeof line - 1 ? size : sizeof line - 1);
        size_t columns = terminal_columns(line);
        widest = columns > widest ? columns : widest;
        text += size + (text[size] == '\n');
    }
    return widest;
}

#endif
