/*
 * error_table: every code of every error with a sentence on what it means: `skein help CODE`,
 * docs/errors.md. A test looks for codes in the source that are not in it.
 */
#ifndef COORDINATOR_CLI_ERROR_TABLE_H
#define COORDINATOR_CLI_ERROR_TABLE_H

#include <stddef.h>

#include "common/base/text.h"

struct error_meaning {
    const char *code;
    const char *sentence;
};

/* In the order of their families. */
extern const struct error_meaning error_table[];
extern const size_t error_count;

/* Null when there is no such code. */
const struct error_meaning *error_table_find(const char *code);

/* The whole as Markdown. */
void error_table_markdown(struct text *out);

#endif
