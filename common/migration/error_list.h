/*
 * error_list: everything that is wrong, not only the first of it, so that a folder is put right in
 * one go.
 */
#ifndef COMMON_MIGRATION_ERROR_LIST_H
#define COMMON_MIGRATION_ERROR_LIST_H

#include <stddef.h>

#include "common/base/error.h"

/* In the order they were found; `dropped` more were not kept. */
struct error_list {
    struct error *errors;
    size_t count, capacity;
    size_t dropped;
};

#define ERROR_LIST_MAX 1000

/* Keep a copy of the error. Always false, so that `return error_list_add(…)`. */
bool error_list_add(struct error_list *list, const struct error *error);

/* A cleanup: CLEANUP(error_list_release) struct error_list errors = {0}. */
void error_list_release(struct error_list *list);

#endif
