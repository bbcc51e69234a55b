#include "common/lint/finding.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

static const char *const names[] = {"off", "note", "warning", "error"};

const char *
severity_name(enum severity severity)
{
    return names[severity];
}

bool
severity_read(const char *name, enum severity *severity)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_equal(names[i], name)) {
            *severity = (enum severity)i;
            return true;
        }
    }
    return false;
}

struct finding *
finding_list_add(struct finding_list *list)
{
    if (list->count == list->capacity) {
        list->items = mem_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    }
    struct finding *finding = &list->items[list->count++];
    *finding = (struct finding){.statement = FINDING_OF_FILE};
    return finding;
}

/* Of equal ones the one that was found first comes first: see finding_list_sort. */
static int
compare(const void *a, const void *b)
{
    const struct finding *left = *(const struct finding *const *)a;
    const struct finding *right = *(const struct finding *const *)b;
    int order = strcmp(left->path, right->path);

    if (order == 0 && left->place.offset != right->place.offset) {
        order = left->place.offset < right->place.offset ? -1 : 1;
    }
    if (order == 0) {
        order = left < right ? -1 : 1;
    }
    return order;
}

void
finding_list_sort(struct finding_list *list)
{
    CLEANUP(mem_free)
    struct finding **order = mem_zalloc((list->count + 1) * sizeof(struct finding *));
    struct finding *sorted = mem_zalloc((list->count + 1) * sizeof *sorted);

    for (size_t i = 0; i < list->count; i++) {
        order[i] = &list->items[i];
    }
    qsort(order, list->count, sizeof(struct finding *), compare);
    for (size_t i = 0; i < list->count; i++) {
        sorted[i] = *order[i];
    }
    free(list->items);
    list->items = sorted;
    list->capacity = list->count + 1;
}

size_t
finding_list_count(const struct finding_list *list, enum severity severity)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        count += list->items[i].severity == severity;
    }
    return count;
}

void
finding_list_release(struct finding_list *list)
{
    free(list->items);
    arena_release(&list->arena);
    *list = (struct finding_list){0};
}
