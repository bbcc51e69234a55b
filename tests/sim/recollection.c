#include "tests/sim/recollection.h"

#include <stdlib.h>

#include "common/base/mem.h"

static bool
is_wanted(const struct recollection *wanted, const struct record *record)
{
    if (!id_is_none(&wanted->step_id)) {
        return record->kind == RECORD_STEP && id_equal(&record->step.step_id, &wanted->step_id);
    }
    const struct id *run_id = record_run_id(record);
    return run_id && id_equal(run_id, &wanted->run_id);
}

static bool
is_same(const struct record *a, const struct record *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case RECORD_RUN:
        return id_equal(&a->run.run_id, &b->run.run_id);
    case RECORD_LEG:
        return id_equal(&a->leg.target_id, &b->leg.target_id);
    case RECORD_LOAD:
        return a->load.ordinal == b->load.ordinal && a->load.position == b->load.position;
    default:
        return id_equal(&a->step.step_id, &b->step.step_id);
    }
}

static void
recollect(void *context, const struct record *record)
{
    struct recollection *recollection = context;

    if (!is_wanted(recollection, record)) {
        return;
    }
    for (size_t i = 0; i < recollection->count; i++) {
        if (is_same(&recollection->items[i], record)) {
            recollection->items[i] = *record;
            return;
        }
    }
    recollection->items = mem_grow(recollection->items, recollection->count,
                                   &recollection->capacity, sizeof *recollection->items);
    size_t place = recollection->count++;
    while (place > 0 && recollection->items[place - 1].kind > record->kind) {
        recollection->items[place] = recollection->items[place - 1];
        place--;
    }
    recollection->items[place] = *record;
}

/* The run that is meant: by id, by number, or the last. */
static const struct id *
run_meant(const struct disk *disk, const struct action *question)
{
    const struct record_list *runs = &disk->runs;

    if (!id_is_none(&question->id)) {
        return &question->id;
    }
    for (size_t i = runs->count; i-- > 0;) {
        if (!question->number || runs->items[i]->run.number == question->number) {
            return &runs->items[i]->run.run_id;
        }
    }
    return &question->id;
}

struct recollection
recollection_of(const struct disk *disk, const struct actions *turn, const struct action *question)
{
    struct recollection recollection = {0};

    if (question->kind == ACTION_NEED_RUN) {
        recollection.run_id = *run_meant(disk, question);
    } else {
        recollection.step_id = question->id;
    }
    disk_each(disk, RECORD_RUN, recollect, &recollection);
    disk_each(disk, RECORD_LEG, recollect, &recollection);
    disk_each(disk, RECORD_STEP, recollect, &recollection);
    disk_each(disk, RECORD_LOAD, recollect, &recollection);
    for (size_t i = 0; i < turn->count; i++) {
        if (turn->items[i].kind == ACTION_SAVE) {
            recollect(&recollection, turn->items[i].record);
        }
    }
    return recollection;
}

void
recollection_release(struct recollection *recollection)
{
    free(recollection->items);
    *recollection = (struct recollection){0};
}
