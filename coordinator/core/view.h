/*
 * view: how a run is shown. Whoever has its legs hands them in one by one, in their order, and gets
 * the rows of the page that was asked for, the waves counted, the time that is left estimated.
 * Texts are not copied.
 */
#ifndef COORDINATOR_CORE_VIEW_H
#define COORDINATOR_CORE_VIEW_H

#include "common/base/arena.h"
#include "coordinator/core/record.h"

/* One leg as it is shown. */
struct view_leg {
    const struct leg_record *leg;
    const char *target, *service;
    const char *note;        /* what its running step does or waits for; null: nothing */
    uint64_t attempt;        /* of the step that runs or failed; 0: not known */
    uint64_t unreachable_ms; /* 0: its agent is there, or it does not matter any more */
};

/* A RUN_VIEW in the making: begin, every leg in its order, end. */
struct run_viewer {
    struct arena *arena; /* of the rows */
    struct run_view *view;
    enum leg_filter filter;
    bool names_no_service;
    const char *services[SERVICES_MAX]; /* of the legs, each once */
    size_t service_count;
    uint64_t step_count, step_done_count;
    size_t wave_capacity;
};

void view_begin(struct run_viewer *viewer, const struct run_record *run,
                const struct status *status, uint64_t wall_ms, struct arena *arena,
                struct run_view *view);
void view_leg(struct run_viewer *viewer, const struct view_leg *leg);
void view_end(struct run_viewer *viewer);

#endif
