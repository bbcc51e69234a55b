#include "coordinator/core/timer.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"

static void
put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void
sift_up(struct timers *timers, size_t place)
{
    struct timer *timer = timers->heap[place];

    while (place > 1 && timers->heap[place / 2]->at_ms > timer->at_ms) {
        put(timers, place, timers->heap[place / 2]);
        place /= 2;
    }
    put(timers, place, timer);
}

static void
sift_down(struct timers *timers, size_t place)
{
    struct timer *timer = timers->heap[place];

    for (;;) {
        size_t child = place * 2;
        if (child > timers->count) {
            break;
        }
        if (child < timers->count && timers->heap[child + 1]->at_ms < timers->heap[child]->at_ms) {
            child++;
        }
        if (timers->heap[child]->at_ms >= timer->at_ms) {
            break;
        }
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

void
timer_set(struct timers *timers, struct timer *timer, int64_t at_ms)
{
    if (timer->place) {
        bool is_later = at_ms > timer->at_ms;
        timer->at_ms = at_ms;
        if (is_later) {
            sift_down(timers, timer->place);
        } else {
            sift_up(timers, timer->place);
        }
        return;
    }
    timers->heap =
        mem_grow(timers->heap, timers->count + 1, &timers->capacity, sizeof *timers->heap);
    timer->at_ms = at_ms;
    timers->count++;
    put(timers, timers->count, timer);
    sift_up(timers, timers->count);
}

void
timer_clear(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;

    if (!place) {
        return;
    }
    assert(timers->heap[place] == timer);
    struct timer *last = timers->heap[timers->count--];
    timer->place = 0;
    if (last != timer) {
        put(timers, place, last);
        sift_up(timers, place);
        sift_down(timers, last->place);
    }
}

bool
timer_is_set(const struct timer *timer)
{
    return timer->place > 0;
}

struct timer *
timers_take_due(struct timers *timers, int64_t now_ms)
{
    if (!timers->count || timers->heap[1]->at_ms > now_ms) {
        return NULL;
    }
    struct timer *timer = timers->heap[1];
    timer_clear(timers, timer);
    return timer;
}

int64_t
timers_next_ms(const struct timers *timers)
{
    return timers->count ? timers->heap[1]->at_ms : INT64_MAX;
}

void
timers_release(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}
