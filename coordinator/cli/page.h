/*
 * page: a file of the printed documentation, written into a folder.
 */
#ifndef COORDINATOR_CLI_PAGE_H
#define COORDINATOR_CLI_PAGE_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/base/text.h"

/* Write <folder>/<name><suffix>; E-OUTPUT with the path when that fails. */
bool page_write(const char *folder, const char *name, const char *suffix,
                const struct text *content, struct error *error);

#endif
