#include "coordinator/core/run_window.h"

#include "coordinator/core/estimate.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"

#define LOOK_MS 60000 /* the time of day may be set meanwhile */

bool
run_window_is_closed(const struct core *core, const struct run *run)
{
    return window_left_ms(&run->spec.window, core->wall_ms) <= 0;
}

bool
run_window_lets(const struct core *core, const struct leg *leg, size_t position)
{
    int64_t left_ms = window_left_ms(&leg->run->spec.window, core->wall_ms);
    uint64_t needed_ms = 0;

    for (size_t i = leg->done_count; leg->loads && i <= position; i++) {
        needed_ms += estimate_least_ms(core, &leg->target_id, &leg->loads[i]);
    }
    return left_ms > 0 && needed_ms <= (uint64_t)left_ms;
}

static const char *
time_text(struct core *core, int64_t wall_ms)
{
    int64_t minutes = wall_ms / 60000 % 1440;
    return core_format(core, "%02d:%02d UTC", (int)(minutes / 60), (int)(minutes % 60));
}

const char *
run_window_note(struct core *core, const struct leg *leg)
{
    const struct run *run = leg->run;
    const struct window *window = &run->spec.window;
    char text[WINDOW_TEXT_SIZE];
    bool is_meant = window->days && run->state == RUN_RUNNING && !leg_has_ended(leg) &&
                    leg->in_flight == 0 && leg->wave <= run->wave &&
                    leg->done_count < leg->itinerary->step_count;

    if (!is_meant || run_window_lets(core, leg, leg->done_count)) {
        return NULL;
    }
    int64_t left_ms = window_left_ms(window, core->wall_ms);
    int64_t wait_ms = window_wait_ms(window, core->wall_ms + left_ms) + left_ms;
    return core_format(core, "waits for its window (%s) until %s, in %lld min%s",
                       window_text(window, text), time_text(core, core->wall_ms + wait_ms),
                       (long long)(wait_ms / 60000),
                       left_ms > 0 ? ": the next step would not end before it closes" : "");
}

/* ---- opening and closing --------------------------------------------------------------------- */

void
run_window_watch(struct core *core, struct run *run)
{
    const struct window *window = &run->spec.window;
    int64_t left_ms = window_left_ms(window, core->wall_ms);
    int64_t change_ms = left_ms > 0 ? left_ms : window_wait_ms(window, core->wall_ms);

    if (!window->days) {
        return;
    }
    run->window_is_closed = left_ms <= 0;
    core_wake_at(core, &run->window_timer, TIMER_WINDOW, run,
                 core->now_ms + (change_ms < LOOK_MS ? change_ms : LOOK_MS));
}

void
run_window_tick(struct core *core, struct run *run)
{
    bool was_closed = run->window_is_closed;

    if (run_has_ended(run)) {
        return;
    }
    run_window_watch(core, run);
    if (was_closed == run->window_is_closed) {
        return;
    }
    TRACE(core, "run %llu: its window %s", (unsigned long long)run->number,
          was_closed ? "opens" : "closes");
    core_audit(core, NULL, was_closed ? "window opens" : "window closes",
               core_format(core, "run %llu", (unsigned long long)run->number), "%s",
               was_closed ? "it goes on" : "what runs is stopped");
    for (size_t i = 0; i < run->leg_count; i++) {
        if (run->window_is_closed) {
            leg_withdraw(core, &run->legs[i]);
        } else {
            leg_settle(core, &run->legs[i]);
        }
    }
    run_touch(core, run);
}

/* ---- plans ----------------------------------------------------------------------------------- */

bool
run_window_suffices(const struct core *core, const struct planning *planning,
                    const struct entry *entry, struct error *error)
{
    const struct window *window = &planning->spec.window;
    const struct itinerary *itinerary = entry->prospect ? entry->prospect->itinerary : NULL;
    char text[WINDOW_TEXT_SIZE];

    for (size_t i = 0; window->days && itinerary && entry->loads && i < itinerary->step_count;
         i++) {
        uint64_t least_ms = estimate_least_ms(core, &entry->target_id, &entry->loads[i]);
        if (least_ms > (uint64_t)window_length_ms(window)) {
            error_set(error, "E-PLAN-WINDOW",
                      "migration %s is thought to take longer than the whole window",
                      itinerary->steps[i].version);
            error_found(error, "%llu min, and the window is %s",
                        (unsigned long long)(least_ms / 60000), window_text(window, text));
            return error_hint(error, "give it a longer one, or write it in batches, which go on "
                                     "in the next");
        }
    }
    return true;
}
