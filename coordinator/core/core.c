#include "coordinator/core/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/adopting.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/operator.h"
#include "coordinator/core/pace.h"
#include "coordinator/core/party.h"
#include "coordinator/core/planning.h"
#include "coordinator/core/run.h"
#include "coordinator/core/run_window.h"
#include "coordinator/core/session.h"
#include "coordinator/core/sizing.h"
#include "coordinator/core/state.h"
#include "coordinator/core/step.h"
#include "coordinator/core/target.h"

struct core_config
core_config_default(void)
{
    return (struct core_config){.next_number = 1,
                                .window = 8,
                                .attempts_max = 3,
                                .heartbeat_min_ms = 5000,
                                .resend_ms = 2000};
}

struct core *
core_new(const struct core_config *config)
{
    struct core *core = mem_zalloc(sizeof *core);

    core->config = *config;
    core->random = random_seeded(config->seed);
    return core;
}

static void
release_inquiry(struct core *core, struct inquiry *inquiry)
{
    DL_DELETE(core->inquiries, inquiry);
    core->inquiry_count--;
    arena_release(&inquiry->arena);
    free(inquiry);
}

void
core_destroy(struct core **core_p)
{
    struct core *core = *core_p;

    *core_p = NULL;
    if (!core) {
        return;
    }
    plannings_release(core);
    adoptings_release(core);
    sizings_release(core);
    runs_release(core);
    targets_release(core);
    party_release(core);
    paces_release(core);
    known_bundles_sweep(&core->known_bundles, 0);
    while (core->inquiries) {
        release_inquiry(core, core->inquiries);
    }
    for (size_t i = 0; i < ANSWERED_MAX; i++) {
        free(core->answered[i].text);
    }
    timers_release(&core->timers);
    arena_release(&core->scratch);
    free(core);
}

/* ---- saying things ------------------------------------------------------------------------- */

void
core_tell_route(struct core *core, struct route route, struct message *message)
{
    message->cluster_id = core->config.cluster_id;
    actions_tell_agent(core->actions, route, message);
}

void
core_tell_agent(struct core *core, const struct agent *agent, struct message *message)
{
    core_tell_route(core, agent->route, message);
}

void
core_tell_operator(struct core *core, struct route route, struct message *message)
{
    message->cluster_id = core->config.cluster_id;
    actions_tell_operator(core->actions, route, message);
}

void
core_reject(struct core *core, struct route route, const struct error *error)
{
    struct message message = {.type = MESSAGE_REJECT};

    message.reject.fault = fault_from_error(error, &core->scratch);
    TRACE(core, "reject: %s", error->code);
    core_tell_route(core, route, &message);
}

void
core_refuse(struct core *core, struct route route, const struct id *request,
            const struct error *error)
{
    struct message message = {.type = MESSAGE_REFUSED};

    message.refused = (struct refused){*request, fault_from_error(error, &core->scratch)};
    core_tell_operator(core, route, &message);
}

static const char *format_list(struct core *core, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static const char *
format_list(struct core *core, const char *format, va_list arguments)
{
    char text[2048];

    vsnprintf(text, sizeof text, format, arguments);
    return arena_text(&core->scratch, text);
}

const char *
core_format(struct core *core, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const char *text = format_list(core, format, arguments);
    va_end(arguments);
    return text;
}

void
core_audit(struct core *core, const char *actor, const char *verb, const char *subject,
           const char *format, ...)
{
    struct record record = {.kind = RECORD_AUDIT};
    va_list arguments;

    va_start(arguments, format);
    record.audit = (struct audit_record){.wall_ms = (uint64_t)core->wall_ms,
                                         .actor = actor ? actor : "coordinator",
                                         .verb = verb,
                                         .subject = subject,
                                         .detail = format_list(core, format, arguments)};
    va_end(arguments);
    actions_save(core->actions, &record);
}

void
core_alarm(struct core *core, struct agent *agent, const char *verb, const char *subject,
           const struct error *error)
{
    const char *alarm = core_format(core, "%s %s %s", verb, subject, error->code);

    TRACE(core, "alarm %s: %s", agent->name, alarm);
    if (agent->alarm && strcmp(agent->alarm, alarm) == 0) {
        return;
    }
    free(agent->alarm);
    agent->alarm = mem_text(alarm);
    core_audit(core, agent->name, verb, subject, "%s: %s", error->code, error->text);
}

void
core_wake_at(struct core *core, struct timer *timer, enum timer_kind kind, void *owner,
             int64_t at_ms)
{
    timer->kind = (int)kind;
    timer->owner = owner;
    timer_set(&core->timers, timer, at_ms);
}

/* ---- asking the store ---------------------------------------------------------------------- */

bool
core_inquire(struct core *core, const struct event *event, const struct action *question)
{
    if (core->inquiry_count >= INQUIRY_MAX) {
        return false;
    }
    struct inquiry *inquiry = mem_zalloc(sizeof *inquiry);
    inquiry->kind = question->kind;
    inquiry->id = question->id;
    inquiry->number = question->number;
    inquiry->digest = question->digest;
    inquiry->source = event->kind;
    inquiry->key = event->key;
    inquiry->route = event->route;
    inquiry->lacks_bundle = core->lacking != NULL;
    if (core->lacking) {
        inquiry->lacking = *core->lacking;
    }
    message_copy(event->message, &inquiry->arena, &inquiry->message);
    DL_APPEND(core->inquiries, inquiry);
    core->inquiry_count++;
    actions_add(core->actions, question);
    return true;
}

static bool
is_answer(const struct inquiry *inquiry, const struct event *event)
{
    switch (inquiry->kind) {
    case ACTION_NEED_BUNDLE:
        return event->kind == EVENT_BUNDLE &&
               memcmp(&inquiry->digest, &event->digest, sizeof event->digest) == 0;
    case ACTION_NEED_RUN:
        return event->kind == EVENT_RUN && id_equal(&inquiry->id, &event->id) &&
               inquiry->number == event->number;
    default:
        return event->kind == EVENT_STEP && id_equal(&inquiry->id, &event->id);
    }
}

static void
take_message(struct core *core, const struct event *event)
{
    if (event->kind == EVENT_AGENT) {
        session_message(core, event);
    } else {
        operator_message(core, event);
    }
}

/* The store has answered: take every message again that has waited for it. */
static void
take_answer(struct core *core, const struct event *event)
{
    struct inquiry *inquiry, *next, *answered = NULL;

    if (event->kind == EVENT_BUNDLE && event->manifest) {
        known_bundle_learn(&core->known_bundles, &event->digest, event->manifest);
    }
    DL_FOREACH_SAFE(core->inquiries, inquiry, next)
    {
        if (is_answer(inquiry, event)) {
            DL_DELETE(core->inquiries, inquiry);
            DL_APPEND(answered, inquiry);
        }
    }
    core->recalled = event;
    while (answered) {
        inquiry = answered;
        struct event again = {.kind = inquiry->source,
                              .now_ms = event->now_ms,
                              .wall_ms = event->wall_ms,
                              .key = inquiry->key,
                              .route = inquiry->route,
                              .message = &inquiry->message};
        core->lacking = inquiry->lacks_bundle ? &inquiry->lacking : NULL;
        if (event->kind == EVENT_BUNDLE && !event->manifest) {
            core->lacking = &event->digest;
        }
        take_message(core, &again);
        DL_DELETE(answered, inquiry);
        DL_APPEND(core->inquiries, inquiry);
        release_inquiry(core, inquiry);
    }
    core->recalled = NULL;
    core->lacking = NULL;
}

/* ---- taking back --------------------------------------------------------------------------- */

void
core_load(struct core *core, const struct record *record)
{
    switch (record->kind) {
    case RECORD_AGENT:
        agent_load(core, &record->agent);
        break;
    case RECORD_OPERATOR:
        person_load(core, &record->operator);
        break;
    case RECORD_TARGET:
        target_load(core, &record->target);
        break;
    case RECORD_RUN:
        run_load(core, &record->run);
        break;
    case RECORD_LEG:
        run_load_leg(core, &record->leg);
        break;
    case RECORD_STEP:
        run_load_step(core, &record->step);
        break;
    case RECORD_LOAD:
        run_load_load(core, &record->load);
        break;
    case RECORD_PACE:
        pace_load(core, &record->pace);
        break;
    default:
        break;
    }
}

static void
begin(struct core *core)
{
    struct error error;

    core->begun_ms = core->now_ms;
    party_admit_all(core);
    for (struct run *run = core->runs_by_id; run; run = run->by_id.next) {
        run_claim_targets(core, run, &error);
        run_loaded(core, run);
    }
    TRACE(core, "begin epoch %llu", (unsigned long long)core->config.token.epoch);
}

/* ---- one event ------------------------------------------------------------------------------ */

static void
tick(struct core *core)
{
    struct timer *timer;

    while ((timer = timers_take_due(&core->timers, core->now_ms)) != NULL) {
        switch ((enum timer_kind)timer->kind) {
        case TIMER_AGENT:
            session_tick(core, timer->owner);
            break;
        case TIMER_STEP:
            step_tick(core, timer->owner);
            break;
        case TIMER_LEG:
            leg_tick(core, timer->owner);
            break;
        case TIMER_RUN:
            run_tick(core, timer->owner);
            break;
        case TIMER_PLANNING:
            planning_tick(core, timer->owner);
            break;
        case TIMER_ADOPTING:
            adopting_tick(core, timer->owner);
            break;
        case TIMER_SIZING:
            sizing_tick(core, timer->owner);
            break;
        case TIMER_WINDOW:
            run_window_tick(core, timer->owner);
            break;
        }
    }
}

static void
take(struct core *core, const struct event *event)
{
    switch (event->kind) {
    case EVENT_LOADED:
        begin(core);
        break;
    case EVENT_AGENT:
    case EVENT_OPERATOR:
        take_message(core, event);
        break;
    case EVENT_MALFORMED:
        session_malformed(core, event);
        break;
    case EVENT_UNSENT:
        session_unsent(core, event);
        break;
    case EVENT_BUNDLE:
    case EVENT_RUN:
    case EVENT_STEP:
        take_answer(core, event);
        break;
    case EVENT_TICK:
        tick(core);
        break;
    }
}

void
core_step(struct core *core, const struct event *event, struct actions *actions)
{
    core->now_ms = event->now_ms;
    core->wall_ms = event->wall_ms;
    core->actions = actions;
    take(core, event);
    runs_settle(core);
    core->actions = NULL;
    arena_clear(&core->scratch);
}

int64_t
core_wake_ms(const struct core *core)
{
    return timers_next_ms(&core->timers);
}
