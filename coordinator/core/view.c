#include "coordinator/core/view.h"

#include <string.h>

#include "common/base/text.h"

/* "auth, policy" */
static const char *
services_of(const struct run_spec *spec, struct arena *arena)
{
    const char *text = "";

    for (size_t i = 0; i < spec->service_count; i++) {
        text = arena_format(arena, "%s%s%s", text, i ? ", " : "", spec->services[i].service);
    }
    return text;
}

/* A run that undoes another names no service: those of its targets are meant. */
static void
add_service(struct run_viewer *viewer, const char *service)
{
    for (size_t i = 0; i < viewer->service_count; i++) {
        if (text_equal(viewer->services[i], service)) {
            return;
        }
    }
    if (viewer->service_count < SERVICES_MAX) {
        const char *before = viewer->view->services;
        viewer->services[viewer->service_count++] = service;
        viewer->view->services =
            arena_format(viewer->arena, "%s%s%s", before, *before ? ", " : "", service);
    }
}

static uint64_t
elapsed_ms(const struct run_record *run, uint64_t wall_ms)
{
    uint64_t end_ms = run->ended_wall_ms ? run->ended_wall_ms : wall_ms;
    return end_ms > run->started_wall_ms ? end_ms - run->started_wall_ms : 0;
}

void
view_begin(struct run_viewer *viewer, const struct run_record *run, const struct status *status,
           uint64_t wall_ms, struct arena *arena, struct run_view *view)
{
    *viewer = (struct run_viewer){.arena = arena,
                                  .view = view,
                                  .filter = status->filter,
                                  .names_no_service = run->spec.service_count == 0};
    *view = (struct run_view){.request = status->request,
                              .run_id = run->run_id,
                              .number = run->number,
                              .kind = run->spec.kind,
                              .undo_run_id = run->spec.undo_run_id,
                              .state = run->state,
                              .why = run->why,
                              .services = services_of(&run->spec, arena),
                              .select = run->spec.select,
                              .operator_name = run->operator_name,
                              .started_wall_ms = run->started_wall_ms,
                              .ended_wall_ms = run->ended_wall_ms,
                              .elapsed_ms = elapsed_ms(run, wall_ms),
                              .rollback_number = run->rollback_number,
                              .offset = status->offset,
                              .legs = arena_alloc(arena, PAGE_SIZE_MAX * sizeof(struct leg_view))};
}

static struct wave_view *
wave_of(struct run_viewer *viewer, uint64_t number)
{
    struct run_view *view = viewer->view;

    while (view->wave_count < number) {
        if (view->wave_count == viewer->wave_capacity) {
            size_t capacity = viewer->wave_capacity ? 2 * viewer->wave_capacity : 8;
            struct wave_view *grown = arena_alloc(viewer->arena, capacity * sizeof *grown);
            if (view->wave_count) {
                memcpy(grown, view->waves, view->wave_count * sizeof *grown);
            }
            view->waves = grown;
            viewer->wave_capacity = capacity;
        }
        view->waves[view->wave_count++] = (struct wave_view){0};
    }
    return &view->waves[number - 1];
}

static void
count_leg(struct run_viewer *viewer, const struct leg_record *leg)
{
    struct wave_view *wave = wave_of(viewer, leg->wave ? leg->wave : 1);

    wave->target_count++;
    wave->done_count += leg->state == LEG_DONE;
    wave->failed_count += leg->state == LEG_FAILED;
    wave->running_count += leg->state == LEG_RUNNING;
    wave->step_count += leg->step_count;
    wave->step_done_count += leg->done_count;
    viewer->step_count += leg->step_count;
    viewer->step_done_count += leg->done_count;
}

static bool
passes(enum leg_filter filter, const struct leg_record *leg)
{
    switch (filter) {
    case LEGS_FAILING:
        return leg->state == LEG_FAILED || (leg->fault.code && leg->state < LEG_DONE);
    case LEGS_OPEN:
        return leg->state < LEG_DONE;
    default:
        return true;
    }
}

/* The version of the step that runs, has failed, or was last done. */
static const char *
version_of(const struct leg_record *leg)
{
    bool is_at_next = leg->state == LEG_RUNNING || leg->state == LEG_FAILED;

    if (is_at_next && leg->done_count < leg->step_count) {
        return leg->steps[leg->done_count].version;
    }
    if (leg->done_count && leg->done_count <= leg->step_count) {
        return leg->steps[leg->done_count - 1].version;
    }
    return NULL;
}

void
view_leg(struct run_viewer *viewer, const struct view_leg *shown)
{
    const struct leg_record *leg = shown->leg;
    struct run_view *view = viewer->view;

    count_leg(viewer, leg);
    if (viewer->names_no_service) {
        add_service(viewer, shown->service);
    }
    if (!passes(viewer->filter, leg)) {
        return;
    }
    if (view->leg_total++ >= view->offset && view->leg_count < PAGE_SIZE_MAX) {
        view->legs[view->leg_count++] = (struct leg_view){.target = shown->target,
                                                          .service = shown->service,
                                                          .wave = leg->wave,
                                                          .state = leg->state,
                                                          .done_count = leg->done_count,
                                                          .step_count = leg->step_count,
                                                          .version = version_of(leg),
                                                          .attempt = shown->attempt,
                                                          .unreachable_ms = shown->unreachable_ms,
                                                          .note = shown->note,
                                                          .fault = leg->fault};
    }
}

void
view_end(struct run_viewer *viewer)
{
    struct run_view *view = viewer->view;
    uint64_t left = viewer->step_count - viewer->step_done_count;

    if (view->state < RUN_DONE && viewer->step_done_count && left) {
        view->left_ms =
            (uint64_t)((double)view->elapsed_ms * (double)left / (double)viewer->step_done_count);
    }
}
