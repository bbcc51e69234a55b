#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define LINE_SIZE 2000

/* What is planned; the heap holds the earliest on top, and of equal times the first planned. */
struct occasion {
    int64_t at_us;
    uint64_t order;
    void (*happen)(void *, uint64_t);
    void *subject;
    uint64_t number;
};

void
world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .random = random_seeded(seed)};
}

void
world_release(struct world *world)
{
    free(world->heap);
    *world = (struct world){0};
}

static bool
is_before(const struct occasion *a, const struct occasion *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void
world_plan(struct world *world, int64_t delay_us, void (*happen)(void *, uint64_t), void *subject,
           uint64_t number)
{
    struct occasion occasion = {.at_us = world->now_us + (delay_us > 0 ? delay_us : 0),
                                .order = world->order++,
                                .happen = happen,
                                .subject = subject,
                                .number = number};

    world->heap = mem_grow(world->heap, world->count, &world->capacity, sizeof *world->heap);
    size_t hole = world->count++;
    while (hole > 0 && is_before(&occasion, &world->heap[(hole - 1) / 2])) {
        world->heap[hole] = world->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    world->heap[hole] = occasion;
}

static struct occasion
take_first(struct world *world)
{
    struct occasion first = world->heap[0], last = world->heap[--world->count];
    size_t hole = 0;

    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= world->count) {
            break;
        }
        if (child + 1 < world->count && is_before(&world->heap[child + 1], &world->heap[child])) {
            child++;
        }
        if (!is_before(&world->heap[child], &last)) {
            break;
        }
        world->heap[hole] = world->heap[child];
        hole = child;
    }
    world->heap[hole] = last;
    return first;
}

bool
world_go_on(struct world *world)
{
    if (!world->count || !world_is_sound(world)) {
        return false;
    }
    struct occasion occasion = take_first(world);
    world->now_us = occasion.at_us;
    world->event_count++;
    world_note(world, (uint64_t)occasion.at_us);
    occasion.happen(occasion.subject, occasion.number);
    return true;
}

void
world_run_until(struct world *world, int64_t until_us)
{
    while (world->count && world->heap[0].at_us <= until_us) {
        if (!world_go_on(world)) {
            return;
        }
    }
    world->now_us = until_us;
}

void
world_note(struct world *world, uint64_t number)
{
    world->hash = (world->hash ^ number) * 0x100000001b3;
    world->hash ^= world->hash >> 29;
}

int64_t
world_between(struct world *world, int64_t min, int64_t max)
{
    if (world->is_calm) {
        return min + (max - min) / 2;
    }
    return min + (int64_t)random_below(&world->random, (uint64_t)(max - min + 1));
}

bool
world_chance(struct world *world, unsigned permille)
{
    return permille && random_below(&world->random, 1000) < permille;
}

void
world_draw_bytes(struct world *world, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)random_next(&world->random);
    }
}

void
world_trace(struct world *world, const char *who, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    if (!world->listener.sink) {
        return;
    }
    int size = snprintf(line, sizeof line, "%10.3f %-13s ", (double)world->now_us / SECOND, who);
    va_start(arguments, format);
    vsnprintf(line + size, sizeof line - (size_t)size, format, arguments);
    va_end(arguments);
    for (const char *c = line; *c; c++) {
        world->trace_hash = (world->trace_hash ^ (unsigned char)*c) * 0x100000001b3;
    }
    world->listener.sink(world->listener.context, line);
}

void
world_violated(struct world *world, const char *promise, const char *format, ...)
{
    va_list arguments;

    if (!world_is_sound(world)) {
        return;
    }
    snprintf(world->violated, sizeof world->violated, "%s", promise);
    va_start(arguments, format);
    vsnprintf(world->violation, sizeof world->violation, format, arguments);
    va_end(arguments);
    world_trace(world, "VIOLATION", "%s: %s", world->violated, world->violation);
}

bool
world_is_sound(const struct world *world)
{
    return !world->violated[0];
}
