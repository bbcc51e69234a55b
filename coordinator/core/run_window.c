#include "coordinator/core/run_window.h"

#include "coordinator/core/estimate.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"
#include "coordinator/core/target.h"

#define LOOK_MS 60000 /* the time of day may be set meanwhile */

/* A leg is within both: its run's, which may be none, and its target's, which may not be known. */
static const struct window always;

static const struct window *
window_of_target(const struct leg *leg)
{
    return leg->target ? &leg->target->window : &always;
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
left_ms_of(const struct core *core, const struct leg *leg)
{
    return least(window_left_ms(&leg->run->spec.window, core->wall_ms),
                 window_left_ms(window_of_target(leg), core->wall_ms));
}

bool
run_window_is_closed(const struct core *core, const struct leg *leg)
{
    return left_ms_of(core, leg) <= 0;
}

/* How long the leg's steps up to this position take at least, as far as is known. */
static uint64_t
needed_ms_of(const struct core *core, const struct leg *leg, size_t position)
{
    uint64_t needed_ms = 0;

    for (size_t i = leg->done_count; leg->loads && i <= position; i++) {
        needed_ms += estimate_least_ms(core, &leg->target_id, &leg->loads[i]);
    }
    return needed_ms;
}

static bool
suffices(int64_t left_ms, uint64_t needed_ms)
{
    return left_ms > 0 && needed_ms <= (uint64_t)left_ms;
}

bool
run_window_lets(const struct core *core, const struct leg *leg, size_t position)
{
    return suffices(left_ms_of(core, leg), needed_ms_of(core, leg, position));
}

static const char *
note_on(struct core *core, const struct window *window)
{
    char text[WINDOW_TEXT_SIZE], clock[WINDOW_TEXT_SIZE];
    int64_t left_ms = window_left_ms(window, core->wall_ms);
    int64_t wait_ms = window_wait_ms(window, core->wall_ms + left_ms) + left_ms;

    return core_format(
        core, "waits for its window (%s) until %s, in %lld min%s", window_text(window, text),
        window_clock(window, core->wall_ms + wait_ms, clock), (long long)(wait_ms / 60000),
        left_ms > 0 ? ": the next step would not end before it closes" : "");
}

const char *
run_window_note(struct core *core, const struct leg *leg)
{
    const struct run *run = leg->run;
    const struct window *windows[] = {&run->spec.window, window_of_target(leg)};
    bool is_meant = (windows[0]->days || windows[1]->days) && run->state == RUN_RUNNING &&
                    !leg_has_ended(leg) && leg->in_flight == 0 && leg->wave <= run->wave &&
                    leg->done_count < leg->itinerary->step_count;

    for (size_t i = 0; is_meant && i < 2; i++) {
        if (!suffices(window_left_ms(windows[i], core->wall_ms),
                      needed_ms_of(core, leg, leg->done_count))) {
            return note_on(core, windows[i]);
        }
    }
    return NULL;
}

/* ---- opening and closing --------------------------------------------------------------------- */

/* When it opens, or closes. */
static int64_t
change_ms_of(const struct core *core, const struct window *window)
{
    int64_t left_ms = window_left_ms(window, core->wall_ms);

    return left_ms > 0 ? left_ms : window_wait_ms(window, core->wall_ms);
}

static void
wake_in(struct core *core, struct run *run, int64_t wait_ms)
{
    core_wake_at(core, &run->window_timer, TIMER_WINDOW, run,
                 core->now_ms + least(wait_ms, LOOK_MS));
}

void
run_window_watch(struct core *core, struct run *run)
{
    bool has_one = run->spec.window.days;
    int64_t change_ms = change_ms_of(core, &run->spec.window);

    run->window_is_closed = window_left_ms(&run->spec.window, core->wall_ms) <= 0;
    for (size_t i = 0; i < run->leg_count; i++) {
        struct leg *leg = &run->legs[i];
        const struct window *window = window_of_target(leg);
        leg->window_is_closed = run_window_is_closed(core, leg);
        if (window->days && !leg_has_ended(leg)) {
            has_one = true;
            change_ms = least(change_ms, change_ms_of(core, window));
        }
    }
    if (has_one) {
        wake_in(core, run, change_ms);
    }
}

void
run_window_heed(struct core *core, struct leg *leg)
{
    struct run *run = leg->run;
    int64_t change_ms = change_ms_of(core, window_of_target(leg));

    leg->window_is_closed = run_window_is_closed(core, leg);
    if (window_of_target(leg)->days &&
        (!timer_is_set(&run->window_timer) || run->window_timer.at_ms > core->now_ms + change_ms)) {
        wake_in(core, run, change_ms);
    }
}

/* What still runs on the target is stopped; or it goes on there. */
static void
turn(struct core *core, struct leg *leg)
{
    if (leg->window_is_closed) {
        leg_withdraw(core, leg);
    } else {
        leg_settle(core, leg);
    }
}

static void
tell(struct core *core, const struct run *run)
{
    bool is_closed = run->window_is_closed;

    TRACE(core, "run %llu: its window %s", (unsigned long long)run->number,
          is_closed ? "closes" : "opens");
    core_audit(core, NULL, is_closed ? "window closes" : "window opens",
               core_format(core, "run %llu", (unsigned long long)run->number), "%s",
               is_closed ? "what runs is stopped" : "it goes on");
}

/* The target's own. Nothing is said in the audit of one behind which nothing is stopped. */
static void
tell_of_target(struct core *core, const struct leg *leg)
{
    TRACE(core, "%s: its window %s", leg->name, leg->window_is_closed ? "closes" : "opens");
    if (leg->window_is_closed && leg->in_flight > 0) {
        core_audit(core, NULL, "window closes", leg->name, "what run %llu does there is stopped",
                   (unsigned long long)leg->run->number);
    }
}

void
run_window_tick(struct core *core, struct run *run)
{
    bool was_closed = run->window_is_closed;

    if (run_has_ended(run)) {
        return;
    }
    bool *were_closed = arena_alloc(&core->scratch, (run->leg_count + 1) * sizeof *were_closed);
    for (size_t i = 0; i < run->leg_count; i++) {
        were_closed[i] = run->legs[i].window_is_closed;
    }
    run_window_watch(core, run);
    bool is_of_run = was_closed != run->window_is_closed;
    if (is_of_run) {
        tell(core, run);
    }
    for (size_t i = 0; i < run->leg_count; i++) {
        if (were_closed[i] == run->legs[i].window_is_closed) {
            continue;
        }
        if (!is_of_run) {
            tell_of_target(core, &run->legs[i]);
        }
        turn(core, &run->legs[i]);
    }
    run_touch(core, run);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static bool
suffices_for(const struct core *core, const struct window *window, const struct entry *entry,
             struct error *error)
{
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

bool
run_window_suffices(struct core *core, const struct planning *planning, const struct entry *entry,
                    struct error *error)
{
    const struct target *target = target_with_id(core, &entry->target_id);

    return suffices_for(core, &planning->spec.window, entry, error) &&
           (!target || suffices_for(core, &target->window, entry, error));
}
