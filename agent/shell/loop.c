#include "agent/shell/loop.h"

#include <czmq.h>
#include <sys/signalfd.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#include "agent/core/core.h"
#include "agent/shell/crew.h"
#include "agent/shell/slim.h"

#define TAKE_MAX 100         /* messages or reports taken in at a time */
#define CONNECT_MAX_MS 20000 /* a connection that does not come to anything by then is lost */
#define WAKE_MAX_MS 60000
#define QUIET_MS 3000 /* idle for so long: give memory back */
#define NEVER_MS INT64_MAX

struct loop {
    const struct agent_loop_parts *parts;
    struct agent_core *core;
    struct agent_actions actions;
    struct agent_crew *crew;
    zloop_t *zloop;
    struct text frame;
    struct arena arena;
    struct agent_event *answers; /* of the cache, to be told when the turn's actions are through */
    size_t answer_count, answer_capacity;
    struct error cache_error;
    struct arena answer_arena;

    int timer;
    int64_t timer_at_ms;
    int64_t connect_at_ms; /* when to open the link */
    int64_t give_up_at_ms; /* when an opened link must stand */
    int64_t slim_at_ms;
    char link_code[32]; /* why the link was lost, last; said once */
    struct id cluster_id;
    const char **names, **services;
    bool is_fat;    /* something was done since memory was given back */
    bool is_broken; /* the link has not taken a frame */
    bool has_more;  /* the link has messages left */
    zmq_pollitem_t link_items[2];
    bool has_ended;
};

static void advance(struct loop *loop, struct agent_event *event);

/* ---- the link ----------------------------------------------------------------------------- */

static int on_link(zloop_t *zloop, zmq_pollitem_t *item, void *context);

/* Poll the link's descriptors: cheaper than to have zmq_poll look into its sockets every time. */
static void
watch_link(struct loop *loop)
{
    struct agent_link *link = loop->parts->link;

    loop->link_items[0].fd = agent_link_message_descriptor(link);
    loop->link_items[1].fd = agent_link_change_descriptor(link);
    for (int i = 0; i < 2; i++) {
        loop->link_items[i].events = ZMQ_POLLIN;
        zloop_poller(loop->zloop, &loop->link_items[i], on_link, loop);
        zloop_poller_set_tolerant(loop->zloop, &loop->link_items[i]);
    }
}

static void
close_link(struct loop *loop)
{
    if (agent_link_is_open(loop->parts->link)) {
        zloop_poller_end(loop->zloop, &loop->link_items[0]);
        zloop_poller_end(loop->zloop, &loop->link_items[1]);
    }
    agent_link_close(loop->parts->link);
    loop->give_up_at_ms = NEVER_MS;
}

/* Say why, once, as long as it stays the same. */
static void
note_lost(struct loop *loop, const struct error *why)
{
    if (text_equal(loop->link_code, why->code)) {
        log_debug("%s: %s (%s)", why->code, why->text, why->where);
        return;
    }
    snprintf(loop->link_code, sizeof loop->link_code, "%s", why->code);
    log_warn("%s: %s (%s)%s%s", why->code, why->text, why->where, why->hint[0] ? "; " : "",
             why->hint);
}

static void
lose_link(struct loop *loop, const struct error *why)
{
    struct agent_event event = {.kind = AGENT_EVENT_LINK_DOWN};

    note_lost(loop, why);
    close_link(loop);
    advance(loop, &event);
}

/* Memory is needed again; it is given back when it was quiet for a while. */
static void
grow_fat(struct loop *loop)
{
    loop->is_fat = true;
    loop->slim_at_ms = NEVER_MS;
}

static void
open_link(struct loop *loop)
{
    struct error error;

    loop->connect_at_ms = NEVER_MS;
    close_link(loop);
    if (!agent_link_open(loop->parts->link, &error)) {
        lose_link(loop, &error);
        return;
    }
    loop->give_up_at_ms = clock_now_ms() + CONNECT_MAX_MS;
    grow_fat(loop);
    watch_link(loop);
}

/* ---- actions ------------------------------------------------------------------------------ */

static void
say(struct loop *loop, const struct message *message)
{
    text_clear(&loop->frame);
    codec_encode(message, &loop->frame);
    if (!agent_link_send(loop->parts->link, loop->frame.data, loop->frame.size)) {
        loop->is_broken = true;
    }
    if (message->type == MESSAGE_RESULT) {
        FAILPOINT("agent.result-said");
    }
}

/* What the cache says becomes an event, once this turn's actions are carried out. */
static void
keep_answer(struct loop *loop, const struct digest *digest, enum bundle_state state,
            uint64_t offset, const struct error *error)
{
    loop->answers =
        mem_grow(loop->answers, loop->answer_count, &loop->answer_capacity, sizeof *loop->answers);
    struct agent_event *answer = &loop->answers[loop->answer_count++];
    *answer = (struct agent_event){
        .kind = AGENT_EVENT_BUNDLE, .digest = *digest, .bundle = state, .offset = offset};
    if (state == BUNDLE_BAD) {
        struct fault *fault = arena_alloc(&loop->answer_arena, sizeof *fault);
        *fault = fault_from_error(error, &loop->answer_arena);
        fault->is_retryable = true; /* another time the disk may have room */
        answer->fault = fault;
    }
}

static void
use_cache(struct loop *loop, const struct agent_action *action)
{
    struct agent_cache *cache = loop->parts->cache;
    struct error error;
    uint64_t offset;

    if (action->kind == AGENT_RELEASE) {
        agent_cache_release(cache, &action->digest);
    } else if (action->kind == AGENT_LOOK_UP) {
        enum bundle_state state = agent_cache_look_up(cache, &action->digest, &offset, &error);
        keep_answer(loop, &action->digest, state, offset, &error);
    } else {
        enum bundle_state state = agent_cache_keep(cache, action->chunk, &offset, &error);
        keep_answer(loop, &action->chunk->digest, state, offset, &error);
    }
}

static void
post(struct loop *loop, const struct agent_action *action, const struct bundle *bundle)
{
    grow_fat(loop);
    agent_crew_post(loop->crew, action, bundle, &loop->cluster_id);
}

static void
carry_out(struct loop *loop, const struct agent_action *action)
{
    const struct bundle *bundle = NULL;

    switch (action->kind) {
    case AGENT_TELL:
        say(loop, action->message);
        break;
    case AGENT_RECONNECT:
        close_link(loop);
        loop->connect_at_ms = clock_now_ms() + action->delay_ms;
        break;
    case AGENT_EXECUTE:
        bundle = agent_cache_get(loop->parts->cache, &action->assign->digest);
        post(loop, action, bundle);
        break;
    case AGENT_ADOPT:
        post(loop, action, agent_cache_get(loop->parts->cache, &action->adopt->digest));
        break;
    case AGENT_EXAMINE:
    case AGENT_RESOLVE:
    case AGENT_SURVEY:
    case AGENT_MEASURE:
        post(loop, action, NULL);
        break;
    case AGENT_STOP:
        agent_crew_stop(loop->crew, action->target);
        break;
    case AGENT_PAUSE:
        agent_crew_pause(loop->crew, action->target);
        break;
    case AGENT_LOOK_UP:
    case AGENT_KEEP_CHUNK:
    case AGENT_RELEASE:
        use_cache(loop, action);
        break;
    case AGENT_NOTE:
        log_write(action->is_warning ? LOG_WARN : LOG_INFO, "%s", action->note);
        break;
    case AGENT_END:
        loop->has_ended = true;
        break;
    }
}

/* Where a crash test may strike: what the core knows, and nobody else does yet. */
static void
pass_failpoints(const struct agent_event *event)
{
    enum message_type type = event->message ? event->message->type : MESSAGE_NONE;

    if (type == MESSAGE_ASSIGN) {
        FAILPOINT("agent.assigned");
    } else if (type == MESSAGE_RESULT_ACK) {
        FAILPOINT("agent.acknowledged");
    } else if (event->kind == AGENT_EVENT_ENDED) {
        FAILPOINT("agent.ended");
    } else if (event->kind == AGENT_EVENT_LEAVE) {
        FAILPOINT("agent.leaving");
    }
}

static void
turn(struct loop *loop, struct agent_event *event)
{
    event->now_ms = clock_now_ms();
    agent_actions_clear(&loop->actions);
    agent_core_step(loop->core, event, &loop->actions);
    pass_failpoints(event);
    for (size_t i = 0; i < loop->actions.count; i++) {
        carry_out(loop, &loop->actions.items[i]);
    }
}

/* Let the core decide, carry it out, and whatever follows from that. */
static void
advance(struct loop *loop, struct agent_event *event)
{
    turn(loop, event);
    for (size_t i = 0; i < loop->answer_count; i++) {
        struct agent_event answer = loop->answers[i];
        turn(loop, &answer);
    }
    loop->answer_count = 0;
    arena_clear(&loop->answer_arena);
    if (loop->is_broken) {
        struct error why;
        loop->is_broken = false;
        if (agent_link_is_open(loop->parts->link)) {
            error_set(&why, "E-NET-LOST", "the coordinator does not take our messages");
            lose_link(loop, &why);
        }
    }
}

/* ---- time --------------------------------------------------------------------------------- */

static int on_timer(zloop_t *zloop, int timer, void *context);
static void take_changes(struct loop *loop);
static void take_messages(struct loop *loop);

static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/*
 * The end of every handler: nothing is left in the link, one timer is set to the time that comes
 * first. -1 when the loop is to end.
 */
static int
settle(struct loop *loop)
{
    take_changes(loop);
    take_messages(loop);
    if (loop->has_ended) {
        return -1;
    }
    int64_t now_ms = clock_now_ms();
    if (loop->is_fat && loop->slim_at_ms == NEVER_MS && agent_crew_is_home(loop->crew)) {
        loop->slim_at_ms = now_ms + QUIET_MS;
    }
    int64_t wake_ms =
        sooner(agent_core_wake_ms(loop->core), sooner(loop->connect_at_ms, loop->give_up_at_ms));
    wake_ms = sooner(sooner(wake_ms, loop->slim_at_ms), now_ms + WAKE_MAX_MS);
    wake_ms = loop->has_more ? now_ms : wake_ms;
    if (loop->timer && loop->timer_at_ms <= wake_ms) {
        return 0;
    }
    if (loop->timer) {
        zloop_timer_end(loop->zloop, loop->timer);
    }
    int64_t delay_ms = wake_ms > now_ms ? wake_ms - now_ms : 1;
    loop->timer_at_ms = now_ms + delay_ms;
    loop->timer = zloop_timer(loop->zloop, (size_t)delay_ms, 1, on_timer, loop);
    return 0;
}

static int
on_timer(zloop_t *zloop, int timer, void *context)
{
    struct loop *loop = context;
    struct agent_event tick = {.kind = AGENT_EVENT_TICK};
    int64_t now_ms = clock_now_ms();

    (void)zloop;
    (void)timer;
    loop->timer = 0;
    if (now_ms >= loop->connect_at_ms) {
        open_link(loop);
    }
    if (now_ms >= loop->give_up_at_ms) {
        struct error why;
        error_set(&why, "E-NET-UNREACHABLE", "the coordinator does not answer");
        error_where(&why, "%s", loop->parts->settings->endpoint);
        lose_link(loop, &why);
    }
    if (now_ms >= loop->slim_at_ms) {
        loop->slim_at_ms = NEVER_MS;
        loop->is_fat = false;
        agent_slim();
    }
    if (now_ms >= agent_core_wake_ms(loop->core)) {
        advance(loop, &tick);
    }
    return settle(loop);
}

/* ---- what comes in ------------------------------------------------------------------------ */

static void
hear(struct loop *loop, const void *data, size_t size)
{
    struct message message;
    struct error error;

    arena_clear(&loop->arena);
    if (!codec_decode(data, size, FROM_COORDINATOR, &loop->arena, &message, &error)) {
        log_warn("a frame of the coordinator is dropped: %s: %s (%s)", error.code, error.text,
                 error.where);
        return;
    }
    if (message.type == MESSAGE_WELCOME) {
        loop->cluster_id = message.cluster_id;
        loop->link_code[0] = '\0';
    }
    struct agent_event event = {.kind = AGENT_EVENT_MESSAGE, .message = &message};
    advance(loop, &event);
}

static void
take_changes(struct loop *loop)
{
    struct agent_event event = {.kind = AGENT_EVENT_LINK_UP};

    for (enum agent_link_change change;
         (change = agent_link_change(loop->parts->link)) != AGENT_LINK_SAME;) {
        if (change == AGENT_LINK_UP) {
            loop->give_up_at_ms = NEVER_MS;
            advance(loop, &event);
        } else {
            lose_link(loop, agent_link_why(loop->parts->link));
        }
    }
}

/* Take in what the link has, within a bound; what is left over is for the next round. */
static void
take_messages(struct loop *loop)
{
    const void *data;
    size_t size;
    int taken = 0;

    while (taken < TAKE_MAX && agent_link_receive(loop->parts->link, &data, &size)) {
        hear(loop, data, size);
        taken++;
    }
    loop->has_more = taken == TAKE_MAX;
}

static int
on_link(zloop_t *zloop, zmq_pollitem_t *item, void *context)
{
    (void)zloop;
    (void)item;
    return settle(context);
}

static int
on_report(zloop_t *zloop, zmq_pollitem_t *item, void *context)
{
    struct loop *loop = context;
    struct agent_report *report;

    (void)zloop;
    (void)item;
    for (int i = 0; i < TAKE_MAX && (report = agent_crew_take(loop->crew)); i++) {
        if (!report->is_over) {
            advance(loop, &report->event);
        }
        agent_report_destroy(&report);
    }
    return settle(loop);
}

static int
on_signal(zloop_t *zloop, zmq_pollitem_t *item, void *context)
{
    struct loop *loop = context;
    struct signalfd_siginfo signal;
    struct agent_event leave = {.kind = AGENT_EVENT_LEAVE};

    (void)zloop;
    (void)item;
    while (read(loop->parts->signals, &signal, sizeof signal) == sizeof signal) {
        log_info("a signal came: leaving");
        advance(loop, &leave);
    }
    return settle(loop);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void
trace_to_log(void *context, const char *line)
{
    (void)context;
    log_debug("%s", line);
}

static void
begin(struct loop *loop)
{
    const struct agent_settings *settings = loop->parts->settings;
    struct random random = random_from_system();
    struct agent_core_config config = {
        .boot_id = id_random(),
        .seed = random_next(&random),
        .target_count = settings->target_count,
        .wants_notes = true,
    };

    loop->names = mem_zalloc(settings->target_count * sizeof *loop->names);
    loop->services = mem_zalloc(settings->target_count * sizeof *loop->services);
    for (size_t i = 0; i < settings->target_count; i++) {
        loop->names[i] = settings->targets[i].target.name;
        loop->services[i] = settings->targets[i].service;
    }
    config.target_names = loop->names;
    config.target_services = loop->services;
    if (settings->log_level == LOG_DEBUG) {
        config.trace.sink = trace_to_log;
    }
    loop->core = agent_core_new(&config);
    loop->crew = agent_crew_new(settings);
    loop->zloop = zloop_new();
    loop->connect_at_ms = loop->give_up_at_ms = loop->slim_at_ms = NEVER_MS;
    zloop_set_nonstop(loop->zloop, true);
}

static void
watch(struct loop *loop)
{
    zmq_pollitem_t reports = {.fd = agent_crew_descriptor(loop->crew), .events = ZMQ_POLLIN};
    zmq_pollitem_t signals = {.fd = loop->parts->signals, .events = ZMQ_POLLIN};

    zloop_poller(loop->zloop, &reports, on_report, loop);
    zloop_poller_set_tolerant(loop->zloop, &reports);
    zloop_poller(loop->zloop, &signals, on_signal, loop);
    zloop_poller_set_tolerant(loop->zloop, &signals);
}

bool
agent_loop_run(const struct agent_loop_parts *parts)
{
    struct loop loop = {.parts = parts};

    begin(&loop);
    watch(&loop);
    open_link(&loop);
    if (settle(&loop) == 0) {
        zloop_start(loop.zloop);
    }
    close_link(&loop);
    zloop_destroy(&loop.zloop);
    agent_core_destroy(&loop.core);
    bool is_clean = agent_crew_destroy(&loop.crew);
    agent_actions_release(&loop.actions);
    text_release(&loop.frame);
    arena_release(&loop.arena);
    arena_release(&loop.answer_arena);
    free(loop.answers);
    free(loop.names);
    free(loop.services);
    return is_clean;
}
