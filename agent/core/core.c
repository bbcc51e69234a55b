#include "agent/core/state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define QUEUE_MAX 16 /* what core.h promises for 0 */
#define CONNECT_FIRST_MS 1000
#define CONNECT_MOST_MS 60000
#define LEAVE_STOP_MS 3000  /* what runs may finish for so long after the wish to leave */
#define LEAVE_END_MS 8000   /* then the process goes in any case */
#define LEAVE_HURRY_MS 2000 /* the same after the second wish */

const char *
agent_short_id(const struct id *id, char out[SHORT_ID_SIZE])
{
    text_hex(id->bytes + sizeof id->bytes - 4, 4, out);
    return out;
}

void
agent_tell(struct agent_core *core, struct message *message)
{
    message->cluster_id = core->session.cluster_id;
    trace_line(&core->trace, "say %s", message_name(message->type));
    agent_actions_tell(core->actions, message);
}

void
agent_note(struct agent_core *core, bool is_warning, const char *format, ...)
{
    char note[512];
    struct agent_action action = {.kind = AGENT_NOTE, .is_warning = is_warning, .note = note};
    va_list arguments;

    if (!core->wants_notes) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(note, sizeof note, format, arguments);
    va_end(arguments);
    agent_actions_add(core->actions, &action);
}

struct agent_core *
agent_core_new(const struct agent_core_config *config)
{
    struct agent_core *core = mem_zalloc(sizeof *core);

    core->trace = config->trace;
    core->wants_notes = config->wants_notes;
    core->boot_id = config->boot_id;
    core->random = random_seeded(config->seed);
    core->queue_max = config->queue_max ? config->queue_max : QUEUE_MAX;
    core->session.due_ms = NEVER_MS;
    core->session.backoff =
        (struct backoff){.first_ms = CONNECT_FIRST_MS, .most_ms = CONNECT_MOST_MS};
    core->stop_ms = core->end_ms = NEVER_MS;
    core->target_wake_ms = NEVER_MS;
    core->target_count = config->target_count;
    core->targets = mem_zalloc((config->target_count + 1) * sizeof *core->targets);
    for (size_t i = 0; i < core->target_count; i++) {
        struct agent_target *target = &core->targets[i];
        target->index = i;
        target->name = config->target_names[i];
        target->service = config->target_services[i];
        target->backoff =
            (struct backoff){.first_ms = CONNECT_FIRST_MS, .most_ms = CONNECT_MOST_MS};
        target->claim_ms = target->examine_ms = NEVER_MS;
        target->resolve_ms = target->gap_ms = target->answer_ms = target->slow_ms = NEVER_MS;
    }
    return core;
}

/* Without a session and without an audience: everything is let go of. */
static void
release_target(struct agent_core *core, struct agent_target *target)
{
    agent_target_part(core, target);
    while (target->queue) {
        struct agent_step *step = target->queue;
        DL_DELETE(target->queue, step);
        agent_step_forget(core, &step);
    }
    free(target->asked);
    agent_adopt_release(target);
    arena_release(&target->arena);
}

void
agent_core_destroy(struct agent_core **core_p)
{
    struct agent_core *core = *core_p;
    struct agent_actions nobody = {0};
    struct agent_step *step, *next;
    struct agent_bundle *bundle, *other;

    if (!core) {
        return;
    }
    *core_p = NULL;
    core->actions = &nobody;
    core->trace = (struct trace){0};
    core->session.state = AGENT_SESSION_DISCONNECTED;
    for (size_t i = 0; i < core->target_count; i++) {
        release_target(core, &core->targets[i]);
    }
    agent_step_part(core);
    HASH_ITER(hh, core->steps, step, next)
    {
        agent_step_forget(core, &step);
    }
    HASH_ITER(hh, core->bundles, bundle, other)
    {
        HASH_DEL(core->bundles, bundle);
        free(bundle);
    }
    HASH_CLEAR(hh, core->targets_by_id);
    agent_actions_release(&nobody);
    free(core->targets);
    free(core);
}

/* ---- leaving ------------------------------------------------------------------------------ */

static void
leave(struct agent_core *core)
{
    if (core->leaving == AGENT_STAYS) {
        trace_line(&core->trace, "leave: nothing new begins");
        core->leaving = AGENT_LEAVES;
        core->stop_ms = core->now_ms + LEAVE_STOP_MS;
        core->end_ms = core->now_ms + LEAVE_END_MS;
        for (size_t i = 0; i < core->target_count; i++) {
            agent_queue_drop(core, &core->targets[i], NULL);
        }
        return;
    }
    core->leaving = AGENT_HURRIES;
    core->stop_ms = core->now_ms;
    if (core->end_ms > core->now_ms + LEAVE_HURRY_MS) {
        core->end_ms = core->now_ms + LEAVE_HURRY_MS;
    }
}

/* Whether the process has nothing left to do, or no time left to do it. */
static bool
is_through(const struct agent_core *core)
{
    bool is_heard = core->session.state == AGENT_SESSION_LIVE;

    return core->now_ms >= core->end_ms || (!core->running && (!core->unacked || !is_heard));
}

static void
go_on_leaving(struct agent_core *core)
{
    struct agent_action end = {.kind = AGENT_END};
    struct message message = {.type = MESSAGE_BYE,
                              .bye = {.session = core->session.id, .reason = "the agent leaves"}};

    if (core->now_ms >= core->stop_ms) {
        core->stop_ms = NEVER_MS;
        for (size_t i = 0; i < core->target_count; i++) {
            agent_queue_stop(core, &core->targets[i]);
        }
    }
    if (!is_through(core)) {
        return;
    }
    if (core->session.state == AGENT_SESSION_LIVE) {
        agent_tell(core, &message);
    }
    trace_line(&core->trace, "leave: gone");
    agent_actions_add(core->actions, &end);
    core->leaving = AGENT_GONE;
}

/* ---- events ------------------------------------------------------------------------------- */

static void
take_message(struct agent_core *core, const struct message *message)
{
    const struct id *cluster_id = &core->session.cluster_id;

    if (core->session.state == AGENT_SESSION_LIVE && !id_equal(&message->cluster_id, cluster_id) &&
        !id_is_none(&message->cluster_id)) {
        trace_line(&core->trace, "%s ignored: it is of another cluster",
                   message_name(message->type));
        return;
    }
    switch (message->type) {
    case MESSAGE_WELCOME:
        agent_session_welcome(core, message);
        break;
    case MESSAGE_WAIT:
        agent_session_wait(core, &message->wait);
        break;
    case MESSAGE_PONG:
        agent_session_pong(core, &message->pong);
        break;
    case MESSAGE_BYE:
        agent_session_bye(core, &message->bye);
        break;
    case MESSAGE_REJECT:
        agent_session_reject(core, &message->reject);
        break;
    case MESSAGE_CHUNK:
        agent_bundle_chunk(core, &message->chunk);
        break;
    case MESSAGE_ASSIGN:
        agent_queue_assign(core, &message->assign);
        break;
    case MESSAGE_RESULT_ACK:
        agent_step_ack(core, &message->result_ack);
        break;
    case MESSAGE_QUERY:
        agent_queue_query(core, &message->query);
        break;
    case MESSAGE_CANCEL:
        agent_queue_cancel(core, &message->cancel);
        break;
    case MESSAGE_SURVEY:
        agent_target_survey(core, &message->survey);
        break;
    case MESSAGE_MEASURE:
        agent_target_measure(core, &message->measure);
        break;
    case MESSAGE_ADOPT:
        agent_adopt_ask(core, &message->adopt);
        break;
    case MESSAGE_TARGET_REFUSED:
        agent_target_refused(core, &message->target_refused);
        break;
    default:
        trace_line(&core->trace, "%s ignored: it is not for agents", message_name(message->type));
        break;
    }
}

static void
tick(struct agent_core *core)
{
    agent_session_tick(core);
    agent_step_tick(core);
    agent_target_tick(core);
    agent_bundle_tick(core);
}

static void
take_event(struct agent_core *core, const struct agent_event *event)
{
    switch (event->kind) {
    case AGENT_EVENT_LINK_UP:
        agent_session_link_up(core);
        break;
    case AGENT_EVENT_LINK_DOWN:
        agent_session_link_down(core);
        break;
    case AGENT_EVENT_MESSAGE:
        take_message(core, event->message);
        break;
    case AGENT_EVENT_EXAMINED:
        agent_target_examined(core, event);
        break;
    case AGENT_EVENT_PROGRESS:
        agent_queue_progress(core, event);
        break;
    case AGENT_EVENT_ENDED:
        agent_queue_ended(core, event);
        break;
    case AGENT_EVENT_RESOLVED:
        agent_target_resolved(core, event);
        break;
    case AGENT_EVENT_SURVEYED:
        agent_target_surveyed(core, event);
        break;
    case AGENT_EVENT_MEASURED:
        agent_target_measured(core, event);
        break;
    case AGENT_EVENT_ADOPTED:
        agent_target_adopted(core, event);
        break;
    case AGENT_EVENT_BUNDLE:
        agent_bundle_event(core, event);
        break;
    case AGENT_EVENT_LEAVE:
        leave(core);
        break;
    case AGENT_EVENT_TICK:
        tick(core);
        break;
    }
}

void
agent_core_step(struct agent_core *core, const struct agent_event *event,
                struct agent_actions *actions)
{
    assert(event->now_ms >= core->now_ms);

    core->now_ms = event->now_ms;
    core->actions = actions;
    if (core->leaving == AGENT_GONE) {
        return;
    }
    agent_session_check(core);
    take_event(core, event);
    if (core->leaving != AGENT_STAYS) {
        go_on_leaving(core);
    }
    core->actions = NULL;
}

static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

int64_t
agent_core_wake_ms(const struct agent_core *core)
{
    int64_t wake_ms = core->session.due_ms;

    if (core->leaving == AGENT_GONE) {
        return NEVER_MS;
    }
    if (core->session.state == AGENT_SESSION_LIVE) {
        wake_ms = sooner(wake_ms, core->session.lease_until_ms);
    }
    wake_ms = sooner(wake_ms, agent_step_wake_ms(core));
    wake_ms = sooner(wake_ms, core->target_wake_ms);
    wake_ms = sooner(wake_ms, agent_bundle_wake_ms(core));
    return sooner(wake_ms, sooner(core->stop_ms, core->end_ms));
}

bool
agent_core_is_idle(const struct agent_core *core)
{
    for (size_t i = 0; i < core->target_count; i++) {
        if (core->targets[i].queue || core->targets[i].current) {
            return false;
        }
    }
    return !core->unacked;
}
