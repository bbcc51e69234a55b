#include "tests/unit/agent/bench.h"

#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

static void
remember_line(void *context, const char *line)
{
    struct bench *bench = context;
    char *longer = mem_format("%s%s\n", bench->trace ? bench->trace : "", line);

    free(bench->trace);
    bench->trace = longer;
}

struct id
bench_id(unsigned number)
{
    struct id id = {0};

    memcpy(id.bytes, &number, sizeof number);
    id.bytes[15] = 1;
    return id;
}

struct digest
bench_digest(unsigned number)
{
    struct digest digest = {0};

    memcpy(digest.bytes, &number, sizeof number);
    digest.bytes[DIGEST_SIZE - 1] = 1;
    return digest;
}

struct id
bench_target_id(size_t target)
{
    return bench_id(70000 + (unsigned)target);
}

struct bench *
bench_new(size_t target_count)
{
    struct bench *bench = mem_zalloc(sizeof *bench);

    bench->now_ms = 1000000;
    bench->target_count = target_count;
    bench->cluster_id = bench_id(90000);
    bench->token = (struct token){.epoch = 7, .instance = bench_id(90001)};
    for (size_t i = 0; i < target_count; i++) {
        bench->names[i] = mem_format("t%zu", i);
        bench->services[i] = mem_text("auth");
    }
    bench->core = agent_core_new(&(struct agent_core_config){
        .boot_id = bench_id(90002),
        .seed = 4,
        .target_count = target_count,
        .target_names = (const char *const *)bench->names,
        .target_services = (const char *const *)bench->services,
        .queue_max = 4,
        .wants_notes = true,
        .trace = {remember_line, bench},
    });
    return bench;
}

void
bench_destroy(struct bench **bench_p)
{
    struct bench *bench = *bench_p;

    for (size_t i = 0; i < bench->target_count; i++) {
        free(bench->names[i]);
        free(bench->services[i]);
    }
    agent_core_destroy(&bench->core);
    agent_actions_release(&bench->actions);
    free(bench->trace);
    free(bench);
    *bench_p = NULL;
}

void
bench_forget(struct bench *bench)
{
    agent_actions_clear(&bench->actions);
}

void
bench_event(struct bench *bench, struct agent_event event)
{
    event.now_ms = bench->now_ms;
    bench_forget(bench);
    agent_core_step(bench->core, &event, &bench->actions);
}

/* Where a message says its session; null when it does not. */
static struct id *
session_of(struct message *message)
{
    switch (message->type) {
    case MESSAGE_PONG:
        return &message->pong.session;
    case MESSAGE_ASSIGN:
        return &message->assign.session;
    case MESSAGE_QUERY:
        return &message->query.session;
    case MESSAGE_CANCEL:
        return &message->cancel.session;
    case MESSAGE_SURVEY:
        return &message->survey.session;
    case MESSAGE_TARGET_REFUSED:
        return &message->target_refused.session;
    case MESSAGE_BYE:
        return &message->bye.session;
    default:
        return NULL;
    }
}

void
bench_hear(struct bench *bench, struct message message)
{
    struct id *session = session_of(&message);

    if (session && id_is_none(session)) {
        *session = bench->session;
    }
    if (id_is_none(&message.cluster_id)) {
        message.cluster_id = bench->cluster_id;
    }
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_MESSAGE, .message = &message});
}

/* Answer the PING when it is the last action. */
static void
answer_ping(struct bench *bench)
{
    const struct agent_action *last = &bench->actions.items[bench->actions.count - 1];

    if (bench->actions.count && last->kind == AGENT_TELL && last->message->type == MESSAGE_PING) {
        struct message pong = {
            .type = MESSAGE_PONG,
            .cluster_id = bench->cluster_id,
            .pong = {.session = bench->session, .sequence = last->message->ping.sequence}};
        struct agent_event event = {
            .kind = AGENT_EVENT_MESSAGE, .now_ms = bench->now_ms, .message = &pong};
        agent_core_step(bench->core, &event, &bench->actions);
    }
}

void
bench_pass(struct bench *bench, int64_t duration_ms)
{
    int64_t until_ms = bench->now_ms + duration_ms;
    int ticks = 0;

    bench_forget(bench);
    while (agent_core_wake_ms(bench->core) <= until_ms) {
        int64_t wake_ms = agent_core_wake_ms(bench->core);
        assert_true(ticks++ < 100000); /* a core that is not content with its tick */
        bench->now_ms = wake_ms > bench->now_ms ? wake_ms : bench->now_ms;
        struct agent_event event = {.kind = AGENT_EVENT_TICK, .now_ms = bench->now_ms};
        size_t count = bench->actions.count;
        agent_core_step(bench->core, &event, &bench->actions);
        if (bench->answers_pings && bench->actions.count > count) {
            answer_ping(bench);
        }
    }
    bench->now_ms = until_ms;
}

void
bench_pass_until(struct bench *bench, enum message_type type)
{
    bench_forget(bench);
    for (int ticks = 0; bench_count_said(bench, type) == 0; ticks++) {
        int64_t wake_ms = agent_core_wake_ms(bench->core);
        assert_true(ticks < 1000 && wake_ms < INT64_MAX);
        bench_pass(bench, wake_ms > bench->now_ms ? wake_ms - bench->now_ms : 0);
    }
}

void
bench_welcome(struct bench *bench, unsigned number)
{
    bench->session = bench_id(number);
    bench_hear(bench, (struct message){.type = MESSAGE_WELCOME,
                                       .welcome = {.version = PROTO_VERSION,
                                                   .session = bench->session,
                                                   .token = bench->token,
                                                   .heartbeat_ms = BENCH_HEARTBEAT_MS,
                                                   .lease_ms = BENCH_LEASE_MS}});
}

void
bench_examined(struct bench *bench, size_t target, const char *broken_code)
{
    struct target_report report = {.state = TARGET_READY, .server_version = 150020};

    if (broken_code) {
        report.state = TARGET_BROKEN;
        report.fault = (struct fault){.code = broken_code, .text = "it does not work"};
    } else {
        report.target_id = bench_target_id(target);
    }
    bench_event(bench, (struct agent_event){
                           .kind = AGENT_EVENT_EXAMINED, .target = target, .report = &report});
}

void
bench_live(struct bench *bench)
{
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, 100);
    for (size_t i = 0; i < bench->target_count; i++) {
        bench_examined(bench, i, NULL);
    }
    for (size_t i = 0; i < bench->target_count; i++) {
        bench_hear(bench, (struct message){.type = MESSAGE_SURVEY,
                                           .survey = {.survey_id = bench_id(1),
                                                      .target_id = bench_target_id(i)}});
        struct surveyed surveyed = {.succeeded = true};
        bench_event(bench, (struct agent_event){
                               .kind = AGENT_EVENT_SURVEYED, .target = i, .surveyed = &surveyed});
    }
    bench_forget(bench);
}

struct message
bench_assign(const struct bench *bench, size_t target, unsigned number, uint64_t position)
{
    return (struct message){.type = MESSAGE_ASSIGN,
                            .assign = {.session = bench->session,
                                       .token = bench->token,
                                       .step_id = bench_id(number),
                                       .run_id = bench_id(80001),
                                       .target_id = bench_target_id(target),
                                       .digest = bench_digest(1),
                                       .version = "20250101",
                                       .attempt = 1,
                                       .position = position}};
}

void
bench_hear_assign(struct bench *bench, size_t target, unsigned number, uint64_t position)
{
    bench_hear(bench, bench_assign(bench, target, number, position));
}

void
bench_bundle(struct bench *bench, unsigned number, enum bundle_state state, uint64_t offset)
{
    struct fault fault = {.code = "E-BUNDLE-FORMAT", .text = "damaged"};

    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_BUNDLE,
                                            .digest = bench_digest(number),
                                            .bundle = state,
                                            .offset = offset,
                                            .fault = state == BUNDLE_BAD ? &fault : NULL});
}

void
bench_ended(struct bench *bench, size_t target, unsigned number, enum outcome_kind kind)
{
    struct outcome outcome = {.kind = kind};

    if (kind == OUTCOME_FAILED) {
        outcome.fault = (struct fault){.code = "E-SQL", .text = "no such table"};
    }
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_ENDED,
                                            .target = target,
                                            .step_id = bench_id(number),
                                            .attempt = 1,
                                            .outcome = &outcome});
}

void
bench_pong(struct bench *bench)
{
    uint64_t sequence = bench_said(bench, MESSAGE_PING)->ping.sequence;

    bench_hear(bench, (struct message){.type = MESSAGE_PONG, .pong = {.sequence = sequence}});
}

size_t
bench_count(const struct bench *bench, enum agent_action_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < bench->actions.count; i++) {
        count += bench->actions.items[i].kind == kind;
    }
    return count;
}

size_t
bench_count_said(const struct bench *bench, enum message_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < bench->actions.count; i++) {
        const struct agent_action *action = &bench->actions.items[i];
        count += action->kind == AGENT_TELL && action->message->type == type;
    }
    return count;
}

const struct agent_action *
bench_action(const struct bench *bench, enum agent_action_kind kind)
{
    for (size_t i = bench->actions.count; i-- > 0;) {
        if (bench->actions.items[i].kind == kind) {
            return &bench->actions.items[i];
        }
    }
    fail_msg("no action of kind %d", (int)kind);
    return NULL;
}

const struct message *
bench_said(const struct bench *bench, enum message_type type)
{
    for (size_t i = bench->actions.count; i-- > 0;) {
        const struct agent_action *action = &bench->actions.items[i];
        if (action->kind == AGENT_TELL && action->message->type == type) {
            return action->message;
        }
    }
    fail_msg("%s was not said", message_name(type));
    return NULL;
}

bool
bench_said_state(const struct bench *bench, unsigned number, enum step_report report)
{
    struct id step_id = bench_id(number);

    for (size_t i = 0; i < bench->actions.count; i++) {
        const struct agent_action *action = &bench->actions.items[i];
        if (action->kind == AGENT_TELL && action->message->type == MESSAGE_STATE &&
            id_equal(&action->message->state.step_id, &step_id) &&
            action->message->state.report == report) {
            return true;
        }
    }
    return false;
}

bool
bench_traced(const struct bench *bench, const char *piece)
{
    return bench->trace && strstr(bench->trace, piece);
}
