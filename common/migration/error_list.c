#include "common/migration/error_list.h"

#include <stdlib.h>

#include "common/base/mem.h"

bool
error_list_add(struct error_list *list, const struct error *error)
{
    if (list->count == ERROR_LIST_MAX) {
        list->dropped++;
        return false;
    }
    if (list->count == list->capacity) {
        list->errors = mem_grow(list->errors, list->count, &list->capacity, sizeof *list->errors);
    }
    list->errors[list->count++] = *error;
    return false;
}

void
error_list_release(struct error_list *list)
{
    free(list->errors);
    *list = (struct error_list){0};
}
