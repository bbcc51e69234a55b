#include "agent/core/state.h"

#include "common/base/text.h"
#define HELLO_ANSWER_MS 5000 /* a connection on which HELLO stays unanswered is made anew */
#define HELLO_AGAIN_MS 1000  /* between two HELLOs on one connection, on average */
#define WAIT_MAX_MS 600000   /* no coordinator puts us off for longer */
#define SHORT_SESSIONS 3     /* so many in a row are suspicious */
#define EAGER_MS 30000   /* so long after a session was lost, its coordinator is expected back */
#define EAGER_FAILURES 2 /* and no wait is longer than 4 s */
#define HEARTBEAT_MAX_MS 3600000

enum session_event {
    SESSION_LINK_UP,
    SESSION_LINK_DOWN,
    SESSION_WELCOME,
    SESSION_WAIT,
    SESSION_DUE,
    SESSION_REFUSED,
    SESSION_EXPIRED,
    SESSION_BYE,
    SESSION_EVENT_COUNT
};

static const char *const state_names[] = {"disconnected", "greeting", "held", "live"};
static const char *const event_names[] = {"link_up", "link_down", "welcome", "wait",
                                          "due",     "refused",   "expired", "bye"};

static const struct machine_edge edges[] = {
    {AGENT_SESSION_DISCONNECTED, SESSION_LINK_UP, AGENT_SESSION_GREETING,
     "the connection stands: HELLO is said"},
    {AGENT_SESSION_GREETING, SESSION_LINK_UP, AGENT_SESSION_GREETING,
     "the connection was made anew: HELLO is said again"},
    {AGENT_SESSION_HELD, SESSION_LINK_UP, AGENT_SESSION_GREETING,
     "the connection was made anew: HELLO is said again"},
    {AGENT_SESSION_LIVE, SESSION_LINK_UP, AGENT_SESSION_GREETING,
     "the connection was made anew: the session went with the old one"},
    {AGENT_SESSION_GREETING, SESSION_WELCOME, AGENT_SESSION_LIVE,
     "the coordinator has opened a session"},
    {AGENT_SESSION_GREETING, SESSION_WAIT, AGENT_SESSION_HELD,
     "the coordinator has too much to do: HELLO again later"},
    {AGENT_SESSION_GREETING, SESSION_DUE, AGENT_SESSION_DISCONNECTED,
     "HELLO was not answered: the connection is made anew"},
    {AGENT_SESSION_GREETING, SESSION_REFUSED, AGENT_SESSION_DISCONNECTED,
     "HELLO or its answer was refused: try later"},
    {AGENT_SESSION_HELD, SESSION_DUE, AGENT_SESSION_GREETING, "the wait is over: HELLO is said"},
    {AGENT_SESSION_LIVE, SESSION_EXPIRED, AGENT_SESSION_DISCONNECTED,
     "no PING was answered for a whole lease: nothing new begins, the connection is made anew"},
    {AGENT_SESSION_LIVE, SESSION_BYE, AGENT_SESSION_HELD,
     "the coordinator does not know the session: HELLO again"},
    {AGENT_SESSION_DISCONNECTED, SESSION_LINK_DOWN, AGENT_SESSION_DISCONNECTED,
     "it could not be connected: try later"},
    {AGENT_SESSION_GREETING, SESSION_LINK_DOWN, AGENT_SESSION_DISCONNECTED,
     "the connection is lost"},
    {AGENT_SESSION_HELD, SESSION_LINK_DOWN, AGENT_SESSION_DISCONNECTED, "the connection is lost"},
    {AGENT_SESSION_LIVE, SESSION_LINK_DOWN, AGENT_SESSION_DISCONNECTED,
     "the connection is lost, and the session with it"},
};

const struct machine agent_session_machine = {
    .name = "agent session",
    .states = state_names,
    .state_count = sizeof state_names / sizeof *state_names,
    .events = event_names,
    .event_count = sizeof event_names / sizeof *event_names,
    .edges = edges,
    .edge_count = sizeof edges / sizeof *edges,
};

/* Take the edge when there is one; the session's own goods go with it. */
static bool
move(struct agent_core *core, enum session_event event)
{
    struct agent_session *session = &core->session;
    const struct machine_edge *edge =
        machine_find(&agent_session_machine, (int)session->state, (int)event);

    if (!edge) {
        trace_line(&core->trace, "session: %s ignored while %s", event_names[event],
                   state_names[session->state]);
        return false;
    }
    trace_line(&core->trace, "session: %s -> %s: %s", state_names[edge->from],
               state_names[edge->to], edge->why);
    session->state = (enum agent_session_state)edge->to;
    session->due_ms = NEVER_MS;
    if (edge->from != AGENT_SESSION_LIVE) {
        return true;
    }
    agent_note(core, true, "session over: %s", edge->why);
    session->id = (struct id){0};
    session->lease_until_ms = 0;
    session->eager_until_ms = core->now_ms + EAGER_MS;
    for (size_t i = 0; i < core->target_count; i++) {
        agent_target_part(core, &core->targets[i]);
    }
    agent_step_part(core);
    return true;
}

static void
say_hello(struct agent_core *core)
{
    struct agent_session *session = &core->session;
    struct message message = {
        .type = MESSAGE_HELLO,
        .hello = {.version_min = PROTO_VERSION,
                  .version_max = PROTO_VERSION,
                  .software = SKEIN_VERSION,
                  .boot_id = core->boot_id,
                  .token_seen = session->token_seen},
    };

    session->hello_sent_ms = core->now_ms;
    session->due_ms = core->now_ms + HELLO_ANSWER_MS;
    agent_tell(core, &message);
}

static void
reconnect(struct agent_core *core)
{
    struct agent_session *session = &core->session;
    struct agent_action action = {.kind = AGENT_RECONNECT};

    if (core->now_ms < session->eager_until_ms && session->backoff.failures > EAGER_FAILURES) {
        session->backoff.failures = EAGER_FAILURES;
    }
    action.delay_ms = backoff_next_ms(&session->backoff, &core->random);
    trace_line(&core->trace, "session: connect again in %lld ms", (long long)action.delay_ms);
    agent_actions_add(core->actions, &action);
}

void
agent_session_link_up(struct agent_core *core)
{
    if (move(core, SESSION_LINK_UP)) {
        say_hello(core);
    }
}

void
agent_session_link_down(struct agent_core *core)
{
    if (move(core, SESSION_LINK_DOWN)) {
        reconnect(core);
    }
}

/* Whether this session was offered before; remembers it. */
static bool
was_offered(struct agent_session *session, const struct id *id)
{
    for (size_t i = 0; i < PAST_COUNT; i++) {
        if (id_equal(&session->past[i], id)) {
            return true;
        }
    }
    session->past[session->past_count++ % PAST_COUNT] = *id;
    return false;
}

/* A leader that has been replaced, or another with the same epoch, is not listened to. */
static const char *
token_fault(const struct token *token, const struct token *seen)
{
    if (token->epoch < seen->epoch) {
        return "E-FENCED";
    }
    if (token->epoch == seen->epoch && !id_equal(&token->instance, &seen->instance)) {
        return "E-EPOCH-COLLISION";
    }
    return NULL;
}

static int64_t
next_ping_ms(struct agent_core *core)
{
    int64_t fifth_ms = core->session.heartbeat_ms / 5;
    int64_t jitter_ms = (int64_t)random_below(&core->random, (uint64_t)(2 * fifth_ms + 1));

    return core->now_ms + core->session.heartbeat_ms - fifth_ms + jitter_ms;
}

static int64_t
bounded(uint64_t value, int64_t least, int64_t most)
{
    return value < (uint64_t)least ? least : value > (uint64_t)most ? most : (int64_t)value;
}

static void
refuse_welcome(struct agent_core *core, const struct welcome *welcome, const char *code)
{
    struct message message = {.type = MESSAGE_BYE,
                              .bye = {.session = welcome->session, .reason = code}};

    agent_note(core, true, "%s: the coordinator with epoch %llu was not taken for the leader", code,
               (unsigned long long)welcome->token.epoch);
    agent_tell(core, &message);
    move(core, SESSION_REFUSED);
    reconnect(core);
}

static void
begin(struct agent_core *core, const struct message *message)
{
    struct agent_session *session = &core->session;
    const struct welcome *welcome = &message->welcome;

    session->id = welcome->session;
    session->cluster_id = message->cluster_id;
    session->token = session->token_seen = welcome->token;
    session->heartbeat_ms = bounded(welcome->heartbeat_ms, 1, HEARTBEAT_MAX_MS);
    session->lease_ms = bounded(welcome->lease_ms, session->heartbeat_ms, 3 * HEARTBEAT_MAX_MS);
    session->lease_until_ms = session->hello_sent_ms + session->lease_ms;
    session->sequence = 0;
    session->due_ms = next_ping_ms(core);
    backoff_reset(&session->backoff);
    agent_note(core, false, "session with the coordinator, epoch %llu",
               (unsigned long long)welcome->token.epoch);
    for (size_t i = 0; i < core->target_count; i++) {
        agent_target_greet(core, &core->targets[i]);
    }
    agent_step_tick(core);
}

void
agent_session_welcome(struct agent_core *core, const struct message *message)
{
    const struct welcome *welcome = &message->welcome;
    bool is_stale = was_offered(&core->session, &welcome->session);

    if (is_stale || core->session.state != AGENT_SESSION_GREETING) {
        trace_line(&core->trace, "session: WELCOME ignored: it answers no HELLO");
        return;
    }
    const char *fault = token_fault(&welcome->token, &core->session.token_seen);
    if (!fault && welcome->version != PROTO_VERSION) {
        fault = "E-PROTO-VERSION";
    }
    if (fault) {
        refuse_welcome(core, welcome, fault);
        return;
    }
    move(core, SESSION_WELCOME);
    begin(core, message);
}

void
agent_session_wait(struct agent_core *core, const struct wait *wait)
{
    int64_t wait_ms = bounded(wait->retry_after_ms, 1, WAIT_MAX_MS);

    if (move(core, SESSION_WAIT)) {
        wait_ms += (int64_t)random_below(&core->random, (uint64_t)wait_ms / 4 + 1);
        core->session.due_ms = core->now_ms + wait_ms;
    }
}

void
agent_session_pong(struct agent_core *core, const struct pong *pong)
{
    struct agent_session *session = &core->session;

    if (!agent_session_is(core, &pong->session) || pong->sequence == 0 ||
        pong->sequence > session->sequence || session->sequence - pong->sequence >= PING_COUNT) {
        trace_line(&core->trace, "session: PONG ignored: it answers none of the last PINGs");
        return;
    }
    int64_t until_ms = session->ping_sent_ms[pong->sequence % PING_COUNT] + session->lease_ms;
    if (until_ms > session->lease_until_ms) {
        session->lease_until_ms = until_ms;
        trace_line(&core->trace, "session: lease until %lld", (long long)until_ms);
    }
}

void
agent_session_bye(struct agent_core *core, const struct bye *bye)
{
    struct agent_session *session = &core->session;

    if (!id_is_none(&bye->session) && !agent_session_is(core, &bye->session)) {
        trace_line(&core->trace, "session: BYE ignored: it ends another session");
        return;
    }
    if (!move(core, SESSION_BYE)) {
        return;
    }
    /* At once when the session was a long one, so that work goes on; never in a tight loop. */
    int64_t earliest_ms = session->hello_sent_ms + HELLO_AGAIN_MS / 2 +
                          (int64_t)random_below(&core->random, HELLO_AGAIN_MS);
    session->due_ms = earliest_ms > core->now_ms ? earliest_ms : core->now_ms;
    if (core->now_ms - session->hello_sent_ms > session->lease_ms) {
        session->short_count = 0;
    } else if (++session->short_count == SHORT_SESSIONS) {
        agent_note(core, true,
                   "one session after the other is ended soon: is another process "
                   "using this agent's key?");
    }
}

void
agent_session_reject(struct agent_core *core, const struct reject *reject)
{
    const char *code = reject->fault.code ? reject->fault.code : "";

    agent_note(core, true, "the coordinator has refused a message: %s: %s", code,
               reject->fault.text ? reject->fault.text : "");
    if (core->session.state == AGENT_SESSION_GREETING) {
        move(core, SESSION_REFUSED);
        reconnect(core);
    } else if (text_equal(code, "E-BUNDLE-UNKNOWN")) {
        agent_bundle_unknown(core, &reject->fault);
    } else {
        trace_line(&core->trace, "session: REJECT %s", code);
    }
}

static void
say_ping(struct agent_core *core)
{
    struct agent_session *session = &core->session;
    struct progress running[PING_STEPS_MAX];
    struct message message = {.type = MESSAGE_PING, .ping = {.running = running}};
    struct agent_step *step;

    DL_FOREACH(core->running, step)
    {
        if (message.ping.running_count == PING_STEPS_MAX) {
            break;
        }
        running[message.ping.running_count++] = (struct progress){
            .step_id = step->assign.step_id,
            .statement = step->statement,
            .elapsed_ms = (uint64_t)(core->now_ms - step->begun_ms),
            .note = step->note[0] ? step->note : NULL,
        };
    }
    session->sequence++;
    session->ping_sent_ms[session->sequence % PING_COUNT] = core->now_ms;
    session->due_ms = next_ping_ms(core);
    message.ping.session = session->id;
    message.ping.sequence = session->sequence;
    agent_tell(core, &message);
}

void
agent_session_tick(struct agent_core *core)
{
    struct agent_session *session = &core->session;

    if (core->now_ms < session->due_ms) {
        return;
    }
    if (session->state == AGENT_SESSION_LIVE) {
        say_ping(core);
    } else if (session->state == AGENT_SESSION_HELD) {
        move(core, SESSION_DUE);
        say_hello(core);
    } else if (session->state == AGENT_SESSION_GREETING) {
        move(core, SESSION_DUE);
        reconnect(core);
    }
}

void
agent_session_check(struct agent_core *core)
{
    struct agent_session *session = &core->session;

    if (session->state == AGENT_SESSION_LIVE && core->now_ms >= session->lease_until_ms) {
        move(core, SESSION_EXPIRED);
        reconnect(core);
    }
}

bool
agent_session_is_live(const struct agent_core *core)
{
    return core->session.state == AGENT_SESSION_LIVE && core->now_ms < core->session.lease_until_ms;
}

bool
agent_session_is(const struct agent_core *core, const struct id *id)
{
    return core->session.state == AGENT_SESSION_LIVE && id_equal(&core->session.id, id);
}
