#include "coordinator/core/show.h"

#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"
#include "coordinator/core/run_window.h"
#include "coordinator/core/selector.h"
#include "coordinator/core/target.h"
#include "coordinator/core/view.h"

static void
recall(struct core *core, const struct event *event)
{
    runs_flush(core);
    actions_recall(core->actions, event->route, event->message);
}

/* ---- STATUS -------------------------------------------------------------------------------- */

static uint64_t
attempt_of(const struct leg *leg)
{
    bool is_past = leg->done_count >= leg->itinerary->step_count;
    return leg->steps && !is_past ? leg->steps[leg->done_count].attempt : 0;
}

static void
show_leg(struct core *core, struct run_viewer *viewer, const struct leg *leg)
{
    struct leg_record record = leg_record_of(leg);
    bool is_open = leg->state < LEG_DONE || leg->in_flight > 0;
    struct view_leg shown = {
        .leg = &record,
        .target = leg->name,
        .service = leg->service,
        .attempt = attempt_of(leg),
        .note = leg->note ? leg->note : run_window_note(core, leg),
        .unreachable_ms = is_open && leg->target ? target_unreachable_ms(core, leg->target) : 0,
    };

    view_leg(viewer, &shown);
}

static void
show_status(struct core *core, const struct event *event)
{
    const struct status *status = &event->message->status;
    struct message message = {.type = MESSAGE_RUN_VIEW};
    struct run *run = NULL;
    struct run_viewer viewer;
    struct id run_id;
    uint64_t number;

    if (run_is_named(core, status->run, &run_id, &number)) {
        run = id_is_none(&run_id) ? run_numbered(core, number) : run_with_id(core, &run_id);
    }
    if (!run) {
        recall(core, event);
        return;
    }
    struct run_record record = run_record_of(run);
    view_begin(&viewer, &record, status, (uint64_t)core->wall_ms, &core->scratch,
               &message.run_view);
    for (size_t i = 0; i < run->leg_count; i++) {
        show_leg(core, &viewer, &run->legs[i]);
    }
    view_end(&viewer);
    core_tell_operator(core, event->route, &message);
}

/* ---- TARGETS ------------------------------------------------------------------------------- */

static struct target_row
row_of_target(const struct target *target)
{
    return (struct target_row){.target_id = target->target_id,
                               .name = target->name,
                               .service = target->service,
                               .agent = target->agent->name,
                               .labels = target->labels,
                               .label_count = target->label_count,
                               .is_reachable = target_is_claimed(target),
                               .state = target->state,
                               .fault = fault_of(target->fault),
                               .version = target->applied_version,
                               .applied_count = target->applied_count,
                               .server_version = target->server_version,
                               .run_number = target->leg ? target->leg->run->number : 0};
}

static void
show_targets(struct core *core, const struct event *event)
{
    const struct targets *wish = &event->message->targets;
    CLEANUP(selector_destroy) struct selector *selector = NULL;
    struct target_row rows[PAGE_SIZE_MAX];
    struct message message = {.type = MESSAGE_TARGETS_VIEW};
    struct targets_view *view = &message.targets_view;
    struct error error;

    if (!selector_parse(wish->select, &selector, &error)) {
        core_refuse(core, event->route, &wish->request, &error);
        return;
    }
    *view = (struct targets_view){.request = wish->request, .offset = wish->offset, .rows = rows};
    for (struct target *target = targets_sorted(core); target; target = target->by_name.next) {
        struct selectable selectable = {target->name, target->service, target->labels,
                                        target->label_count};
        if (!selector_matches(selector, &selectable)) {
            continue;
        }
        if (view->total++ >= view->offset && view->row_count < PAGE_SIZE_MAX) {
            rows[view->row_count++] = row_of_target(target);
        }
    }
    core_tell_operator(core, event->route, &message);
}

/* ---- AGENTS, OPERATORS --------------------------------------------------------------------- */

static int
compare_agents(const struct agent *a, const struct agent *b)
{
    return strcmp(a->name, b->name);
}

static int
compare_operators(const struct person *a, const struct person *b)
{
    return strcmp(a->name, b->name);
}

static struct agent_row
row_of_agent(const struct core *core, const struct agent *agent)
{
    int64_t silent = core->now_ms - agent->heard_ms;

    return (struct agent_row){.name = agent->name,
                              .key = agent->key,
                              .is_connected = agent->state == SESSION_LIVE,
                              .silent_ms = agent->was_heard && silent > 0 ? (uint64_t)silent : 0,
                              .was_heard = agent->was_heard,
                              .target_count = agent->target_count,
                              .software = agent->software,
                              .fault = fault_of(agent->fault)};
}

static void
show_agents(struct core *core, const struct event *event)
{
    const struct agents *wish = &event->message->agents;
    struct agent_row rows[PAGE_SIZE_MAX];
    struct message message = {.type = MESSAGE_AGENTS_VIEW};
    struct agents_view *view = &message.agents_view;

    *view = (struct agents_view){.request = wish->request, .offset = wish->offset, .rows = rows};
    if (!core->agents_are_sorted) {
        HASH_SRT(by_name, core->agents_by_name, compare_agents);
        core->agents_are_sorted = true;
    }
    for (struct agent *agent = core->agents_by_name; agent; agent = agent->by_name.next) {
        if (agent->is_active && view->total++ >= view->offset && view->row_count < PAGE_SIZE_MAX) {
            rows[view->row_count++] = row_of_agent(core, agent);
        }
    }
    core_tell_operator(core, event->route, &message);
}

static void
show_operators(struct core *core, const struct event *event)
{
    const struct operators *wish = &event->message->operators;
    struct operator_row rows[PAGE_SIZE_MAX];
    struct message message = {.type = MESSAGE_OPERATORS_VIEW};
    struct operators_view *view = &message.operators_view;

    *view = (struct operators_view){.request = wish->request, .offset = wish->offset, .rows = rows};
    HASH_SRT(by_name, core->operators_by_name, compare_operators);
    for (struct person *person = core->operators_by_name; person; person = person->by_name.next) {
        if (person->is_active && view->total++ >= view->offset && view->row_count < PAGE_SIZE_MAX) {
            rows[view->row_count++] =
                (struct operator_row){person->name, person->key, person->role};
        }
    }
    core_tell_operator(core, event->route, &message);
}

void
show_take(struct core *core, const struct event *event)
{
    switch (event->message->type) {
    case MESSAGE_STATUS:
        show_status(core, event);
        break;
    case MESSAGE_TARGETS:
        show_targets(core, event);
        break;
    case MESSAGE_AGENTS:
        show_agents(core, event);
        break;
    case MESSAGE_OPERATORS:
        show_operators(core, event);
        break;
    default:
        recall(core, event);
        break;
    }
}
