#include "coordinator/core/session.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/core/adopting.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/party.h"
#include "coordinator/core/planning.h"
#include "coordinator/core/sizing.h"
#include "coordinator/core/step.h"
#include "coordinator/core/target.h"

#define AGENTS_PER_SECOND 250 /* so many heartbeats in a second, at most */

enum session_event {
    SESSION_HELLO,
    SESSION_EXPIRE,
    SESSION_PART,
    SESSION_MISBEHAVE,
    SESSION_TWIN,
    SESSION_RELEASE,
    SESSION_EVENT_COUNT
};

static const char *const states[] = {"absent", "live", "silent", "quarantined"};
static const char *const events[] = {"hello", "expire", "part", "misbehave", "twin", "release"};

static const struct machine_edge edges[] = {
    {SESSION_ABSENT, SESSION_HELLO, SESSION_LIVE, "an enrolled key has said HELLO"},
    {SESSION_LIVE, SESSION_HELLO, SESSION_LIVE, "a new session replaces the one before"},
    {SESSION_SILENT, SESSION_HELLO, SESSION_LIVE, "it is back; its open steps are asked about"},
    {SESSION_LIVE, SESSION_EXPIRE, SESSION_SILENT,
     "not heard of for a lease: its targets are unreachable, nothing has failed"},
    {SESSION_LIVE, SESSION_PART, SESSION_ABSENT, "it has left, or its connection is gone"},
    {SESSION_SILENT, SESSION_PART, SESSION_ABSENT, "its connection is gone"},
    {SESSION_ABSENT, SESSION_MISBEHAVE, SESSION_QUARANTINED, "too many malformed frames"},
    {SESSION_LIVE, SESSION_MISBEHAVE, SESSION_QUARANTINED, "too many malformed frames"},
    {SESSION_SILENT, SESSION_MISBEHAVE, SESSION_QUARANTINED, "too many malformed frames"},
    {SESSION_LIVE, SESSION_TWIN, SESSION_QUARANTINED,
     "two processes with its key take turns: neither can be relied on"},
    {SESSION_QUARANTINED, SESSION_RELEASE, SESSION_ABSENT, "its quarantine is over"},
};

const struct machine session_machine = {
    "session",           states, SESSION_STATE_COUNT,         events,
    SESSION_EVENT_COUNT, edges,  sizeof edges / sizeof *edges};

static bool
move(struct core *core, struct agent *agent, enum session_event event)
{
    const struct machine_edge *edge = machine_find(&session_machine, (int)agent->state, (int)event);

    if (edge) {
        agent->state = (enum session_state)edge->to;
        TRACE(core, "session %s %s: %s", agent->name, states[agent->state], edge->why);
    }
    return edge != NULL;
}

/* The session is over: none of its targets is served by it any more. */
static void
end_session(struct core *core, struct agent *agent)
{
    agent->session = (struct id){0};
    for (struct target *target = agent->targets; target; target = target->next) {
        target_lost(core, target);
    }
}

void
session_part(struct core *core, struct agent *agent, const char *why)
{
    if (move(core, agent, SESSION_PART)) {
        TRACE(core, "part %s: %s", agent->name, why);
        timer_clear(&core->timers, &agent->timer);
        end_session(core, agent);
    }
}

void
session_tick(struct core *core, struct agent *agent)
{
    if (agent->state == SESSION_QUARANTINED) {
        agent->malformed_count = agent->swap_count = 0;
        fault_replace(&agent->fault, &(struct fault){0});
        move(core, agent, SESSION_RELEASE);
        return;
    }
    if (agent->state != SESSION_LIVE) {
        return;
    }
    if (core->now_ms < agent->heard_ms + agent->lease_ms) {
        core_wake_at(core, &agent->timer, TIMER_AGENT, agent, agent->heard_ms + agent->lease_ms);
        return;
    }
    move(core, agent, SESSION_EXPIRE);
    end_session(core, agent);
}

/* ---- quarantine ---------------------------------------------------------------------------- */

static void
shut_out(struct core *core, struct agent *agent, enum session_event event,
         const struct error *error)
{
    struct fault fault = fault_from_error(error, &core->scratch);

    move(core, agent, event);
    fault_replace(&agent->fault, &fault);
    end_session(core, agent);
    core_wake_at(core, &agent->timer, TIMER_AGENT, agent, core->now_ms + QUARANTINE_MS);
    core_audit(core, NULL, "quarantine", agent->name, "%s: %s", error->code, error->text);
}

/*
 * A process that is started anew never comes back as the one that it was. One that does has lived
 * on beside another: true when that has happened too often.
 */
static bool
takes_turns(const struct core *core, struct agent *agent, const struct id *boot_id)
{
    bool is_back = false;

    if (id_equal(&agent->boot_id, boot_id)) {
        return false;
    }
    for (size_t i = 0; i < TWIN_BOOTS; i++) {
        is_back = is_back || id_equal(&agent->boots[i], boot_id);
    }
    memmove(&agent->boots[1], &agent->boots[0], (TWIN_BOOTS - 1) * sizeof *agent->boots);
    agent->boots[0] = agent->boot_id;
    if (core->now_ms - agent->swap_since_ms > 60000) {
        agent->swap_since_ms = core->now_ms;
        agent->swap_count = 0;
    }
    agent->swap_count += is_back;
    return agent->swap_count >= TWIN_SWAPS_MAX;
}

static void
reject_twin(struct core *core, const struct agent *agent, const struct route route)
{
    struct error error;

    fault_to_error(agent->fault, &error);
    core_reject(core, route, &error);
}

static void
part_twins(struct core *core, struct agent *agent, const struct event *event)
{
    struct message message = {.type = MESSAGE_BYE};
    struct error error;

    message.bye = (struct bye){.session = agent->session, .reason = "another process has its key"};
    core_tell_agent(core, agent, &message);
    error_set(&error, "E-AGENT-TWIN",
              "two processes with the key of agent %s have taken turns, %u times in a minute",
              agent->name, agent->swap_count);
    error_found(&error, "the key is not listened to for %d s, again and again",
                QUARANTINE_MS / 1000);
    error_hint(&error,
               "end one of them, or give it a key of its own; if you know of one only, the "
               "key is in other hands: skein agent remove %s",
               agent->name);
    shut_out(core, agent, SESSION_TWIN, &error);
    reject_twin(core, agent, event->route);
}

/* ---- HELLO --------------------------------------------------------------------------------- */

int64_t
session_heartbeat_ms(const struct core *core)
{
    uint64_t grown = core->active_agents * 1000 / AGENTS_PER_SECOND;
    return (int64_t)(grown > core->config.heartbeat_min_ms ? grown : core->config.heartbeat_min_ms);
}

/*
 * Above a bound the surplus is told to wait, before anything else is done for it. One agent that
 * says HELLO over and over does not use up what is there for all.
 */
static bool
is_surplus(struct core *core, struct agent *agent)
{
    int64_t second = core->now_ms / 1000;

    if (agent->hello_second != second) {
        agent->hello_second = second;
        agent->hello_count = 0;
    }
    if (++agent->hello_count > HELLO_RATE_OF_ONE_MAX) {
        return true;
    }
    if (core->hello_second != second) {
        core->hello_second = second;
        core->hello_count = 0;
    }
    return ++core->hello_count > HELLO_RATE_MAX;
}

static bool
check_hello(struct core *core, const struct hello *hello, struct error *error)
{
    const struct token *seen = &hello->token_seen, *ours = &core->config.token;

    if (hello->version_min > PROTO_VERSION || hello->version_max < PROTO_VERSION) {
        error_set(error, "E-PROTO-VERSION", "the agent speaks versions %llu to %llu",
                  (unsigned long long)hello->version_min, (unsigned long long)hello->version_max);
        return error_found(error, "this coordinator speaks version %d", PROTO_VERSION);
    }
    if (seen->epoch > ours->epoch) {
        error_set(error, "E-FENCED", "this coordinator's epoch %llu is behind",
                  (unsigned long long)ours->epoch);
        error_found(error, "the agent has seen epoch %llu", (unsigned long long)seen->epoch);
        return error_hint(error, "another coordinator leads, or this one's store was restored "
                                 "from an older copy");
    }
    if (seen->epoch == ours->epoch && !id_equal(&seen->instance, &ours->instance)) {
        return error_set(error, "E-EPOCH-COLLISION",
                         "epoch %llu is used by another coordinator instance",
                         (unsigned long long)ours->epoch);
    }
    return true;
}

static void
welcome(struct core *core, struct agent *agent, const struct event *event)
{
    struct message message = {.type = MESSAGE_WELCOME};
    const struct hello *hello = &event->message->hello;

    end_session(core, agent);
    agent->session = id_draw(&core->random);
    agent->route = event->route;
    agent->boot_id = hello->boot_id;
    agent->heard_ms = core->now_ms;
    agent->was_heard = true;
    free(agent->software);
    agent->software = mem_text(hello->software);

    int64_t heartbeat = session_heartbeat_ms(core);
    agent->lease_ms = SESSION_LEASE_HEARTBEATS * heartbeat;
    agent->begun_ms = core->now_ms;
    agent->has_left = false;
    core_wake_at(core, &agent->timer, TIMER_AGENT, agent, core->now_ms + agent->lease_ms);
    message.welcome = (struct welcome){.version = PROTO_VERSION,
                                       .session = agent->session,
                                       .token = core->config.token,
                                       .heartbeat_ms = (uint64_t)heartbeat,
                                       .lease_ms = (uint64_t)agent->lease_ms};
    core_tell_agent(core, agent, &message);
}

static void
take_hello(struct core *core, struct agent *agent, const struct event *event)
{
    struct message message = {.type = MESSAGE_WAIT};
    struct error error;

    if (is_surplus(core, agent)) {
        message.wait.retry_after_ms = 250 + random_below(&core->random, 1000);
        TRACE(core, "wait %s", agent->name);
        core_tell_route(core, event->route, &message);
        return;
    }
    if (!check_hello(core, &event->message->hello, &error)) {
        core_audit(core, agent->name, "hello refused", agent->name, "%s: %s", error.code,
                   error.text);
        core_reject(core, event->route, &error);
        return;
    }
    if (agent->state == SESSION_LIVE && agent->route.number != event->route.number) {
        bool is_same = id_equal(&agent->boot_id, &event->message->hello.boot_id);
        core_audit(core, agent->name, "session replaced", agent->name, "%s",
                   is_same ? "the same process has connected again"
                           : "another process with the same key");
        if (takes_turns(core, agent, &event->message->hello.boot_id)) {
            part_twins(core, agent, event);
            return;
        }
    }
    if (move(core, agent, SESSION_HELLO)) {
        welcome(core, agent, event);
    }
}

/* ---- messages within a session ------------------------------------------------------------- */

static struct id
session_of(const struct message *message)
{
    switch (message->type) {
    case MESSAGE_TARGET:
        return message->target.session;
    case MESSAGE_PING:
        return message->ping.session;
    case MESSAGE_FETCH:
        return message->fetch.session;
    case MESSAGE_STATE:
        return message->state.session;
    case MESSAGE_RESULT:
        return message->result.session;
    case MESSAGE_SURVEYED:
        return message->surveyed.session;
    case MESSAGE_ADOPTED:
        return message->adopted.session;
    case MESSAGE_MEASURED:
        return message->measured.session;
    case MESSAGE_BYE:
        return message->bye.session;
    default:
        return (struct id){0};
    }
}

/* Tell someone whose session is over, or was never begun. */
static void
send_away(struct core *core, const struct event *event, const struct id *session)
{
    struct message message = {.type = MESSAGE_BYE};
    struct error error;

    if (event->message->type == MESSAGE_BYE) {
        return;
    }
    if (id_is_none(session)) {
        error_set(&error, "E-PROTO-STATE", "%s before HELLO", message_name(event->message->type));
        core_reject(core, event->route, &error);
        return;
    }
    message.bye = (struct bye){.session = *session, .reason = "this session is over: say HELLO"};
    core_tell_route(core, event->route, &message);
}

static void
take_ping(struct core *core, struct agent *agent, const struct ping *ping)
{
    struct message message = {.type = MESSAGE_PONG};

    for (size_t i = 0; i < ping->running_count; i++) {
        step_progress(core, agent, &ping->running[i]);
    }
    message.pong = (struct pong){.session = agent->session, .sequence = ping->sequence};
    core_tell_agent(core, agent, &message);
}

static void
take_fetch(struct core *core, const struct agent *agent, const struct fetch *fetch)
{
    struct action action = {.kind = ACTION_SEND_CHUNK,
                            .route = agent->route,
                            .digest = fetch->digest,
                            .offset = fetch->offset};
    actions_add(core->actions, &action);
}

static void
take(struct core *core, struct agent *agent, const struct event *event)
{
    const struct message *message = event->message;
    struct error error;

    switch (message->type) {
    case MESSAGE_TARGET:
        target_report(core, agent, &message->target);
        break;
    case MESSAGE_PING:
        take_ping(core, agent, &message->ping);
        break;
    case MESSAGE_FETCH:
        take_fetch(core, agent, &message->fetch);
        break;
    case MESSAGE_STATE:
        step_report(core, agent, &message->state);
        break;
    case MESSAGE_RESULT:
        step_result(core, agent, event);
        break;
    case MESSAGE_SURVEYED:
        planning_surveyed(core, agent, &message->surveyed);
        break;
    case MESSAGE_ADOPTED:
        adopting_answered(core, agent, &message->adopted);
        break;
    case MESSAGE_MEASURED:
        if (!planning_measured(core, agent, &message->measured)) {
            sizing_measured(core, agent, &message->measured);
        }
        break;
    case MESSAGE_BYE:
        agent->has_left = true;
        session_part(core, agent, "it says BYE");
        break;
    default:
        error_set(&error, "E-AUTH-TYPE", "an agent may not say %s", message_name(message->type));
        core_reject(core, event->route, &error);
        break;
    }
}

static bool
is_of_session(const struct agent *agent, const struct event *event, const struct id *session)
{
    return agent->state == SESSION_LIVE && agent->route.number == event->route.number &&
           id_equal(&agent->session, session);
}

static bool
is_of_cluster(const struct core *core, const struct message *message)
{
    return id_equal(&message->cluster_id, &core->config.cluster_id) ||
           (message->type == MESSAGE_HELLO && id_is_none(&message->cluster_id));
}

void
session_message(struct core *core, const struct event *event)
{
    struct agent *agent = agent_with_key(core, &event->key);
    struct id session = session_of(event->message);
    struct error error;

    if (!agent) {
        error_set(&error, "E-AUTH-REVOKED", "this key is not enrolled");
        core_reject(core, event->route, &error);
        return;
    }
    if (agent->state == SESSION_QUARANTINED) {
        if (event->message->type == MESSAGE_HELLO && !is_surplus(core, agent) &&
            text_equal(fault_of(agent->fault).code, "E-AGENT-TWIN")) {
            reject_twin(core, agent, event->route);
        }
        TRACE(core, "ignored %s of %s: quarantined", message_name(event->message->type),
              agent->name);
        return;
    }
    if (!is_of_cluster(core, event->message)) {
        error_set(&error, "E-PROTO-CLUSTER", "this message is for another cluster");
        core_reject(core, event->route, &error);
        return;
    }
    if (event->message->type == MESSAGE_HELLO) {
        take_hello(core, agent, event);
        return;
    }
    if (!is_of_session(agent, event, &session) &&
        !(MUTATION(ACCEPT_STALE_SESSION) && agent->state == SESSION_LIVE)) {
        TRACE(core, "stale %s of %s", message_name(event->message->type), agent->name);
        send_away(core, event, &session);
        return;
    }
    agent->heard_ms = core->now_ms;
    take(core, agent, event);
}

/* ---- what is no message -------------------------------------------------------------------- */

void
session_malformed(struct core *core, const struct event *event)
{
    struct agent *agent = agent_with_key(core, &event->key);

    if (!agent || agent->state == SESSION_QUARANTINED) {
        return;
    }
    if (core->now_ms - agent->malformed_since_ms > 60000) {
        agent->malformed_since_ms = core->now_ms;
        agent->malformed_count = 0;
    }
    core_reject(core, event->route, event->error);
    if (++agent->malformed_count < MALFORMED_MAX) {
        return;
    }
    struct error error = *event->error;
    error_prefix(&error, "%u malformed frames within a minute; the last", agent->malformed_count);
    shut_out(core, agent, SESSION_MISBEHAVE, &error);
}

void
session_unsent(struct core *core, const struct event *event)
{
    struct agent *agent = agent_with_key(core, &event->key);

    if (!agent) {
        /* The shell may know the connection only. */
        for (agent = core->agents_by_key; agent; agent = agent->by_key.next) {
            if (agent->state == SESSION_LIVE && agent->route.number == event->route.number) {
                break;
            }
        }
    }
    if (agent && agent->route.number == event->route.number) {
        session_part(core, agent, "its connection is gone");
    }
}
