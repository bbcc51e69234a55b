#include "tests/sim/inbox.h"

#include <stdlib.h>

#include "common/base/mem.h"

struct inbox_item *
inbox_add(struct inbox *inbox, enum event_kind kind)
{
    struct inbox_item *item = inbox->spare;

    if (item) {
        inbox->spare = item->next;
    } else {
        item = mem_zalloc(sizeof *item);
    }
    item->kind = kind;
    item->next = NULL;
    if (inbox->first) {
        inbox->last->next = item;
    } else {
        inbox->first = item;
    }
    inbox->last = item;
    return item;
}

struct inbox_item *
inbox_take(struct inbox *inbox)
{
    struct inbox_item *item = inbox->first;

    if (item) {
        inbox->first = item->next;
    }
    return item;
}

void
inbox_discard(struct inbox *inbox, struct inbox_item *item)
{
    arena_clear(&item->arena);
    item->next = inbox->spare;
    inbox->spare = item;
}

void
inbox_clear(struct inbox *inbox)
{
    struct inbox_item *item;

    while ((item = inbox_take(inbox))) {
        inbox_discard(inbox, item);
    }
}

void
inbox_release(struct inbox *inbox)
{
    inbox_clear(inbox);
    while (inbox->spare) {
        struct inbox_item *item = inbox->spare;
        inbox->spare = item->next;
        arena_release(&item->arena);
        free(item);
    }
}
