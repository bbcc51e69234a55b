#include "tests/unit/coordinator/desk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "tests/support/unit.h"

/* ---- names --------------------------------------------------------------------------------- */

struct id
desk_id(unsigned number)
{
    struct id id = {{0x10}};

    memcpy(id.bytes + 4, &number, sizeof number);
    return id;
}

struct key
desk_key(unsigned number)
{
    struct key key = {{0x7}};

    memcpy(key.bytes + 4, &number, sizeof number);
    return key;
}

struct key
desk_agent_key(size_t agent)
{
    return desk_key(1000 + (unsigned)agent);
}

static struct id
next_request(struct desk *desk)
{
    return desk_id(1000000 + ++desk->requests);
}

static const char *
target_name(struct desk *desk, size_t target)
{
    return arena_format(&desk->arena, "t%zu", target);
}

/* ---- the store ----------------------------------------------------------------------------- */

static bool
is_same_row(const struct record *a, const struct record *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case RECORD_AGENT:
        return strcmp(a->agent.name, b->agent.name) == 0;
    case RECORD_OPERATOR:
        return strcmp(a->operator.name, b->operator.name) == 0;
    case RECORD_TARGET:
        return id_equal(&a->target.target_id, &b->target.target_id);
    case RECORD_RUN:
        return id_equal(&a->run.run_id, &b->run.run_id);
    case RECORD_LEG:
        return id_equal(&a->leg.run_id, &b->leg.run_id) &&
               id_equal(&a->leg.target_id, &b->leg.target_id);
    case RECORD_STEP:
        return id_equal(&a->step.step_id, &b->step.step_id);
    default:
        return false;
    }
}

static void
keep_record(struct desk *desk, const struct record *record)
{
    struct record *place = NULL;

    for (size_t i = 0; !place && i < desk->record_count; i++) {
        place = is_same_row(&desk->records[i], record) ? &desk->records[i] : NULL;
    }
    if (!place) {
        desk->records = mem_grow(desk->records, desk->record_count, &desk->record_capacity,
                                 sizeof *desk->records);
        place = &desk->records[desk->record_count++];
    }
    record_copy(record, &desk->arena, place);
    desk->save_count++;
    desk->audit_count += record->kind == RECORD_AUDIT;
}

static void
answer_run(struct desk *desk, const struct action *action)
{
    struct event event = {.kind = EVENT_RUN, .id = action->id, .number = action->number};
    struct record *answer = mem_zalloc((desk->record_count + 1) * sizeof *answer);
    const struct run_record *run = NULL;
    size_t count = 0;

    for (size_t i = 0; i < desk->record_count; i++) {
        const struct record *record = &desk->records[i];
        bool is_meant = record->kind == RECORD_RUN &&
                        (id_is_none(&action->id) ? record->run.number == action->number
                                                 : id_equal(&record->run.run_id, &action->id));
        if (is_meant) {
            run = &record->run;
            answer[count++] = *record;
        }
    }
    for (int kind = RECORD_LEG; run && kind <= RECORD_STEP; kind++) {
        for (size_t i = 0; i < desk->record_count; i++) {
            const struct record *record = &desk->records[i];
            if ((int)record->kind == kind &&
                id_equal(kind == RECORD_LEG ? &record->leg.run_id : &record->step.run_id,
                         &run->run_id)) {
                answer[count++] = *record;
            }
        }
    }
    event.records = answer;
    event.record_count = count;
    desk_event(desk, event);
    free(answer);
}

static void
answer_step(struct desk *desk, const struct action *action)
{
    struct event event = {.kind = EVENT_STEP, .id = action->id};

    for (size_t i = 0; i < desk->record_count; i++) {
        if (desk->records[i].kind == RECORD_STEP &&
            id_equal(&desk->records[i].step.step_id, &action->id)) {
            event.records = &desk->records[i];
            event.record_count = 1;
        }
    }
    desk_event(desk, event);
}

static void
answer_bundle(struct desk *desk, const struct action *action)
{
    struct event event = {.kind = EVENT_BUNDLE, .digest = action->digest};

    for (size_t i = 0; i < desk->bundle_count && !desk->forgets_bundles; i++) {
        if (memcmp(&desk->bundles[i].digest, &action->digest, sizeof action->digest) == 0) {
            event.manifest = &desk->bundles[i].manifest;
        }
    }
    desk_event(desk, event);
}

/* ---- events -------------------------------------------------------------------------------- */

static void
keep_said(struct desk *desk, const struct action *action)
{
    desk->said = mem_grow(desk->said, desk->said_count, &desk->said_capacity, sizeof *desk->said);
    struct desk_said *said = &desk->said[desk->said_count++];
    said->is_to_operator = action->kind == ACTION_TELL_OPERATOR;
    said->route = action->route.number;
    message_copy(action->message, &desk->arena, &said->message);
}

static void
keep_other(struct desk *desk, const struct action *action)
{
    desk->others =
        mem_grow(desk->others, desk->other_count, &desk->other_capacity, sizeof *desk->others);
    struct action *kept = &desk->others[desk->other_count++];
    *kept = *action;
    if (action->kind == ACTION_RECALL) {
        kept->message = arena_alloc(&desk->arena, sizeof *kept->message);
        message_copy(action->message, &desk->arena, kept->message);
    }
}

static void
carry_out(struct desk *desk, const struct action *action)
{
    switch (action->kind) {
    case ACTION_SAVE:
        keep_record(desk, action->record);
        break;
    case ACTION_TELL_AGENT:
    case ACTION_TELL_OPERATOR:
        keep_said(desk, action);
        break;
    case ACTION_NEED_BUNDLE:
        answer_bundle(desk, action);
        break;
    case ACTION_NEED_RUN:
        answer_run(desk, action);
        break;
    case ACTION_NEED_STEP:
        answer_step(desk, action);
        break;
    default:
        keep_other(desk, action);
        break;
    }
}

void
desk_event(struct desk *desk, struct event event)
{
    struct actions actions = {0};

    event.now_ms = desk->now_ms;
    event.wall_ms = desk->wall_ms;
    core_step(desk->core, &event, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        carry_out(desk, &actions.items[i]);
    }
    actions_release(&actions);
}

static struct id *
session_place(struct message *message)
{
    switch (message->type) {
    case MESSAGE_TARGET:
        return &message->target.session;
    case MESSAGE_PING:
        return &message->ping.session;
    case MESSAGE_FETCH:
        return &message->fetch.session;
    case MESSAGE_STATE:
        return &message->state.session;
    case MESSAGE_RESULT:
        return &message->result.session;
    case MESSAGE_SURVEYED:
        return &message->surveyed.session;
    case MESSAGE_BYE:
        return &message->bye.session;
    default:
        return NULL;
    }
}

void
desk_hear(struct desk *desk, size_t agent, struct message message)
{
    struct id *session = session_place(&message);

    if (session && id_is_none(session)) {
        *session = desk->agents[agent].session;
    }
    if (message.type != MESSAGE_HELLO && id_is_none(&message.cluster_id)) {
        message.cluster_id = desk->config.cluster_id;
    }
    desk_event(desk, (struct event){.kind = EVENT_AGENT,
                                    .key = desk_agent_key(agent),
                                    .route = {desk->agents[agent].route},
                                    .message = &message});
}

const struct message *
desk_ask(struct desk *desk, enum desk_operator who, struct message message)
{
    size_t before = desk->said_count;

    if (id_is_none(&message.runs.request)) {
        message.runs.request = next_request(desk);
    }
    desk_event(desk, (struct event){.kind = EVENT_OPERATOR,
                                    .key = desk_key(1 + (unsigned)who),
                                    .route = {5000 + (uint64_t)who},
                                    .message = &message});
    for (size_t i = desk->said_count; i > before; i--) {
        if (desk->said[i - 1].is_to_operator) {
            return &desk->said[i - 1].message;
        }
    }
    return NULL;
}

/* ---- life ---------------------------------------------------------------------------------- */

static void
note_trace(void *context, const char *line)
{
    struct desk *desk = context;

    text_append(&desk->trace, line);
    text_append(&desk->trace, "\n");
}

static void
add_operator(struct desk *desk, enum desk_operator who, const char *name, enum role role)
{
    struct record record = {.kind = RECORD_OPERATOR,
                            .operator= {name, desk_key(1 + (unsigned)who), role, true, 1} };
    keep_record(desk, &record);
}

static void
start(struct desk *desk)
{
    desk->core = core_new(&desk->config);
    for (int kind = 0; kind < RECORD_AUDIT; kind++) {
        for (size_t i = 0; i < desk->record_count; i++) {
            const struct record *record = &desk->records[i];
            const struct id *run_id =
                kind == RECORD_LEG ? &record->leg.run_id : &record->step.run_id;
            bool is_open = true;
            if ((int)record->kind != kind) {
                continue;
            }
            for (size_t j = 0; j < desk->record_count; j++) {
                const struct record *run = &desk->records[j];
                if (run->kind == RECORD_RUN && run->run.state >= RUN_DONE &&
                    (kind == RECORD_RUN
                         ? run == record
                         : kind > RECORD_RUN && id_equal(&run->run.run_id, run_id))) {
                    is_open = false;
                }
            }
            if (is_open) {
                core_load(desk->core, record);
            }
        }
    }
    desk_event(desk, (struct event){.kind = EVENT_LOADED});
}

struct desk *
desk_new(size_t agent_count)
{
    struct desk *desk = mem_zalloc(sizeof *desk);

    desk->now_ms = 1000;
    desk->wall_ms = 1700000000000;
    desk->config = core_config_default();
    desk->config.cluster_id = desk_id(1);
    desk->config.token = (struct token){1, desk_id(2)};
    desk->config.seed = 42;
    desk->config.trace = (struct trace){note_trace, desk};
    add_operator(desk, DESK_VIEWER, "vera", ROLE_VIEWER);
    add_operator(desk, DESK_OPERATOR, "otto", ROLE_OPERATOR);
    add_operator(desk, DESK_ADMIN, "anna", ROLE_ADMIN);
    desk->agent_count = agent_count;
    for (size_t i = 0; i < agent_count; i++) {
        struct record record = {
            .kind = RECORD_AGENT,
            .agent = {arena_format(&desk->arena, "a%zu", i), desk_agent_key(i), true, 1}};
        keep_record(desk, &record);
        desk->agents[i].route = 1 + i;
    }
    start(desk);
    return desk;
}

void
desk_destroy(struct desk **desk_p)
{
    struct desk *desk = *desk_p;

    core_destroy(&desk->core);
    free(desk->records);
    free(desk->said);
    free(desk->others);
    text_release(&desk->trace);
    arena_release(&desk->arena);
    free(desk);
    *desk_p = NULL;
}

void
desk_restart(struct desk *desk)
{
    uint64_t next_number = 1;

    core_destroy(&desk->core);
    for (size_t i = 0; i < desk->record_count; i++) {
        if (desk->records[i].kind == RECORD_RUN && desk->records[i].run.number >= next_number) {
            next_number = desk->records[i].run.number + 1;
        }
    }
    desk->config.next_number = next_number;
    desk->config.token.epoch++;
    desk->config.seed++;
    for (size_t i = 0; i < desk->agent_count; i++) {
        desk->agents[i].is_up = false;
        desk->agents[i].route += 100;
    }
    desk->said_taken = desk->said_count;
    start(desk);
}

size_t
desk_add_target(struct desk *desk, size_t agent, const char *service)
{
    struct desk_target *target = &desk->targets[desk->target_count];

    *target = (struct desk_target){.id = desk_id(100 + (unsigned)desk->target_count),
                                   .agent = agent,
                                   .service = service,
                                   .region = desk->target_count % 2 ? "us" : "eu"};
    return desk->target_count++;
}

struct digest
desk_add_bundle(struct desk *desk, const char *service, size_t count)
{
    struct desk_bundle *bundle = &desk->bundles[desk->bundle_count++];

    bundle->digest.bytes[0] = (uint8_t)desk->bundle_count;
    bundle->manifest = (struct manifest){.format = 1, .service = service, .layout = "pairs"};
    bundle->manifest.migrations =
        arena_alloc(&desk->arena, (count + 1) * sizeof *bundle->manifest.migrations);
    bundle->manifest.migration_count = count;
    for (size_t i = 0; i < count; i++) {
        struct migration *migration = &bundle->manifest.migrations[i];
        migration->version = arena_format(&desk->arena, "%zu", i + 1);
        migration->name = arena_format(&desk->arena, "change_%zu", i + 1);
        migration->has_up = migration->has_down = true;
        migration->up.path = arena_format(&desk->arena, "%zu_change.up.sql", i + 1);
        migration->up.checksum[0] = (uint8_t)(i + 1);
    }
    return bundle->digest;
}

/* ---- agents -------------------------------------------------------------------------------- */

void
desk_hello(struct desk *desk, size_t agent)
{
    struct message message = {.type = MESSAGE_HELLO};
    const struct message *welcome;

    message.hello = (struct hello){.version_min = 1,
                                   .version_max = 1,
                                   .software = "0.1.0",
                                   .boot_id = desk_id(500 + (unsigned)agent)};
    desk_hear(desk, agent, message);
    welcome = desk_last(desk, MESSAGE_WELCOME);
    if (welcome) {
        desk->agents[agent].session = welcome->welcome.session;
        desk->agents[agent].is_up = true;
    }
}

void
desk_report(struct desk *desk, size_t target)
{
    const struct desk_target *it = &desk->targets[target];
    struct message message = {.type = MESSAGE_TARGET};
    struct label label = {"region", it->region};

    message.target = (struct target_report){
        .target_id = it->id,
        .name = target_name(desk, target),
        .service = it->service,
        .labels = &label,
        .label_count = 1,
        .state = it->is_broken ? TARGET_BROKEN : TARGET_READY,
        .server_version = 150000,
        .system_identifier = 77,
        .database_oid = 16384 + target,
        .journal_count = it->journal_count,
        .applied_count = it->applied_count,
        .applied_version = it->applied_count ? it->applied[it->applied_count - 1].version : NULL};
    if (it->is_broken) {
        message.target.fault = (struct fault){.code = "E-DB-UNREACHABLE", .text = "it is down"};
    }
    desk_hear(desk, it->agent, message);
}

void
desk_connect(struct desk *desk, size_t agent)
{
    desk_hello(desk, agent);
    for (size_t i = 0; i < desk->target_count; i++) {
        if (desk->targets[i].agent == agent) {
            desk_report(desk, i);
        }
    }
}

void
desk_connect_all(struct desk *desk)
{
    for (size_t i = 0; i < desk->agent_count; i++) {
        desk_connect(desk, i);
    }
}

void
desk_disconnect(struct desk *desk, size_t agent)
{
    desk->agents[agent].is_up = false;
    desk_event(desk, (struct event){.kind = EVENT_UNSENT,
                                    .key = desk_agent_key(agent),
                                    .route = {desk->agents[agent].route}});
    desk->agents[agent].route += 100;
}

static struct desk_target *
target_of(struct desk *desk, const struct id *target_id)
{
    for (size_t i = 0; i < desk->target_count; i++) {
        if (id_equal(&desk->targets[i].id, target_id)) {
            return &desk->targets[i];
        }
    }
    return NULL;
}

static bool
has_done(const struct desk_target *target, const struct id *step_id)
{
    for (size_t i = 0; i < target->done_count; i++) {
        if (id_equal(&target->done[i], step_id)) {
            return true;
        }
    }
    return false;
}

static size_t
applied_at(const struct desk_target *target, const char *version)
{
    for (size_t i = 0; i < target->applied_count; i++) {
        if (strcmp(target->applied[i].version, version) == 0) {
            return i;
        }
    }
    return target->applied_count;
}

static enum outcome_kind
take_effect(struct desk *desk, struct desk_target *target, const struct assign *assign)
{
    size_t place = applied_at(target, assign->version);
    bool is_there = place < target->applied_count;

    if (has_done(target, &assign->step_id)) {
        return OUTCOME_DONE;
    }
    if (is_there == (assign->direction == DIRECTION_UP)) {
        return OUTCOME_ALREADY;
    }
    if (assign->direction == DIRECTION_UP) {
        struct applied *applied = &target->applied[target->applied_count++];
        applied->version = arena_text(&desk->arena, assign->version);
        applied->checksum[0] = (uint8_t)atoi(assign->version);
    } else {
        memmove(&target->applied[place], &target->applied[place + 1],
                (target->applied_count - place - 1) * sizeof target->applied[0]);
        target->applied_count--;
    }
    target->effect_count++;
    target->done[target->done_count++] = assign->step_id;
    return OUTCOME_DONE;
}

static void
tell_state(struct desk *desk, size_t agent, const struct id *step_id, uint64_t attempt,
           enum step_report report)
{
    struct message message = {.type = MESSAGE_STATE};

    message.state = (struct state){.step_id = *step_id, .attempt = attempt, .report = report};
    desk_hear(desk, agent, message);
}

static void
tell_result(struct desk *desk, size_t agent, const struct id *step_id, const struct id *target_id,
            uint64_t attempt, const struct outcome *outcome)
{
    struct message message = {.type = MESSAGE_RESULT};

    message.result = (struct result){
        .step_id = *step_id, .target_id = *target_id, .attempt = attempt, .outcome = *outcome};
    desk_hear(desk, agent, message);
}

static void
work_on(struct desk *desk, size_t agent, const struct assign *assign)
{
    struct desk_target *target = target_of(desk, &assign->target_id);
    struct outcome outcome = {.duration_us = 1000};
    bool fails = target->fails_at && strcmp(target->fails_at, assign->version) == 0;

    if (fails) {
        outcome.kind = OUTCOME_FAILED;
        outcome.fault = (struct fault){
            .code = "E-SQL", .text = "it fails", .is_retryable = target->fails_retryably};
        if (target->fails_times && --target->fails_times == 0) {
            target->fails_at = NULL;
        }
    } else {
        outcome.kind = take_effect(desk, target, assign);
    }
    outcome.journal_count = ++target->journal_count;
    tell_result(desk, agent, &assign->step_id, &assign->target_id, assign->attempt, &outcome);
}

static void
answer_question(struct desk *desk, size_t agent, const struct id *step_id,
                const struct id *target_id, uint64_t attempt)
{
    struct outcome outcome = {.kind = OUTCOME_DONE};

    if (has_done(target_of(desk, target_id), step_id)) {
        tell_result(desk, agent, step_id, target_id, attempt, &outcome);
    } else {
        tell_state(desk, agent, step_id, attempt, STEP_REPORT_NOT_STARTED);
    }
}

static void
answer_survey(struct desk *desk, size_t agent, const struct survey *survey)
{
    struct desk_target *target = target_of(desk, &survey->target_id);
    struct message message = {.type = MESSAGE_SURVEYED};

    message.surveyed = (struct surveyed){.survey_id = survey->survey_id,
                                         .target_id = survey->target_id,
                                         .succeeded = true,
                                         .applied = target->applied,
                                         .applied_count = target->applied_count};
    desk_hear(desk, agent, message);
}

/* Queued steps behind one that has failed are not begun. */
static bool
is_blocked(struct desk *desk, const struct assign *assign)
{
    const struct desk_target *target = target_of(desk, &assign->target_id);
    return target->fails_at && target->fails_at[0] &&
           atoi(assign->version) > atoi(target->fails_at) && assign->direction == DIRECTION_UP;
}

static void
answer(struct desk *desk, size_t agent, const struct message *message)
{
    const struct desk_target *target;

    switch (message->type) {
    case MESSAGE_SURVEY:
        if (!target_of(desk, &message->survey.target_id)->is_silent) {
            answer_survey(desk, agent, &message->survey);
        }
        break;
    case MESSAGE_ASSIGN:
        target = target_of(desk, &message->assign.target_id);
        if (target->is_silent) {
            break;
        }
        if (is_blocked(desk, &message->assign)) {
            tell_state(desk, agent, &message->assign.step_id, message->assign.attempt,
                       STEP_REPORT_NOT_STARTED);
        } else {
            work_on(desk, agent, &message->assign);
        }
        break;
    case MESSAGE_QUERY:
        if (!target_of(desk, &message->query.target_id)->is_silent) {
            answer_question(desk, agent, &message->query.step_id, &message->query.target_id,
                            message->query.attempt);
        }
        break;
    case MESSAGE_CANCEL:
        if (!target_of(desk, &message->cancel.target_id)->is_silent) {
            answer_question(desk, agent, &message->cancel.step_id, &message->cancel.target_id,
                            message->cancel.attempt);
        }
        break;
    default:
        break;
    }
}

void
desk_work(struct desk *desk)
{
    while (desk->said_taken < desk->said_count) {
        struct desk_said said = desk->said[desk->said_taken++];
        for (size_t i = 0; i < desk->agent_count && !said.is_to_operator; i++) {
            if (desk->agents[i].is_up && desk->agents[i].route == said.route) {
                answer(desk, i, &said.message);
            }
        }
    }
}

void
desk_lose(struct desk *desk)
{
    desk->said_taken = desk->said_count;
}

/* ---- time ---------------------------------------------------------------------------------- */

static void
pass(struct desk *desk, int64_t duration_ms, bool works)
{
    int64_t end_ms = desk->now_ms + duration_ms, ping_ms = desk->now_ms + 4000;

    while (desk->now_ms < end_ms) {
        int64_t next_ms = core_wake_ms(desk->core);
        next_ms = next_ms < ping_ms ? next_ms : ping_ms;
        next_ms = next_ms < end_ms ? next_ms : end_ms;
        next_ms = next_ms > desk->now_ms ? next_ms : desk->now_ms;
        desk->wall_ms += next_ms - desk->now_ms;
        desk->now_ms = next_ms;
        for (size_t i = 0; i < desk->agent_count && desk->now_ms >= ping_ms; i++) {
            if (desk->agents[i].is_up) {
                desk_hear(desk, i, (struct message){.type = MESSAGE_PING});
            }
        }
        ping_ms = desk->now_ms >= ping_ms ? desk->now_ms + 4000 : ping_ms;
        desk_event(desk, (struct event){.kind = EVENT_TICK});
        if (works) {
            desk_work(desk);
        }
    }
}

void
desk_pass(struct desk *desk, int64_t duration_ms)
{
    pass(desk, duration_ms, false);
}

void
desk_work_for(struct desk *desk, int64_t duration_ms)
{
    desk_work(desk);
    pass(desk, duration_ms, true);
}

/* ---- asking for things --------------------------------------------------------------------- */

struct run_spec
desk_spec(struct desk *desk, const char *service, const struct digest *digest)
{
    struct service_bundle *bundle = arena_alloc(&desk->arena, sizeof *bundle);

    *bundle = (struct service_bundle){service, *digest};
    return (struct run_spec){
        .kind = RUN_UP, .services = bundle, .service_count = 1, .parallel = 100};
}

struct id
desk_plan(struct desk *desk, const struct run_spec *spec)
{
    struct message message = {.type = MESSAGE_PLAN};

    message.plan = (struct plan){next_request(desk), *spec};
    const struct message *answer_message = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(answer_message);
    if (answer_message->type == MESSAGE_REFUSED) {
        fail_msg("%s: %s", answer_message->refused.fault.code, answer_message->refused.fault.text);
    }
    desk_work_for(desk, 10);
    const struct message *planned = desk_last(desk, MESSAGE_PLANNED);
    if (!planned->planned.is_ready) {
        desk_work_for(desk, 8000);
        planned = desk_last(desk, MESSAGE_PLANNED);
    }
    assert_true(planned->planned.is_ready);
    return planned->planned.plan_id;
}

const char *
desk_plan_refused(struct desk *desk, const struct run_spec *spec)
{
    struct message message = {.type = MESSAGE_PLAN};

    message.plan.spec = *spec;
    const struct message *refused = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(refused);
    return refused->type == MESSAGE_REFUSED ? refused->refused.fault.code : "";
}

const struct message *
desk_try_apply(struct desk *desk, const struct id *plan_id)
{
    struct message message = {.type = MESSAGE_APPLY};

    message.apply.plan_id = *plan_id;
    const struct message *started = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(started);
    return started;
}

uint64_t
desk_apply(struct desk *desk, const struct id *plan_id)
{
    const struct message *started = desk_try_apply(desk, plan_id);

    if (started->type != MESSAGE_STARTED) {
        fail_msg("%s: %s", started->refused.fault.code, started->refused.fault.text);
    }
    return started->started.number;
}

uint64_t
desk_run(struct desk *desk, const struct run_spec *spec)
{
    struct id plan_id = desk_plan(desk, spec);
    return desk_apply(desk, &plan_id);
}

const char *
desk_steer(struct desk *desk, const char *run, enum steer_verb verb)
{
    struct message message = {.type = MESSAGE_STEER};

    message.steer.run = run;
    message.steer.verb = verb;
    const struct message *done = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(done);
    return done->type == MESSAGE_REFUSED ? done->refused.fault.code : NULL;
}

/* ---- looking ------------------------------------------------------------------------------- */

const struct message *
desk_status(struct desk *desk, const char *run)
{
    struct message message = {.type = MESSAGE_STATUS};

    message.status.run = run;
    return desk_ask(desk, DESK_VIEWER, message);
}

const struct message *
desk_last(const struct desk *desk, enum message_type type)
{
    for (size_t i = desk->said_count; i > 0; i--) {
        if (desk->said[i - 1].message.type == type) {
            return &desk->said[i - 1].message;
        }
    }
    return NULL;
}

size_t
desk_count(const struct desk *desk, enum message_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < desk->said_count; i++) {
        count += desk->said[i].message.type == type;
    }
    return count;
}

void
desk_forget(struct desk *desk)
{
    desk->said_count = desk->said_taken = 0;
    desk->other_count = 0;
    desk->save_count = 0;
    text_clear(&desk->trace);
}

const struct run_record *
desk_stored_run(const struct desk *desk, uint64_t number)
{
    for (size_t i = 0; i < desk->record_count; i++) {
        if (desk->records[i].kind == RECORD_RUN && desk->records[i].run.number == number) {
            return &desk->records[i].run;
        }
    }
    return NULL;
}

const struct leg_record *
desk_stored_leg(const struct desk *desk, uint64_t run, size_t target)
{
    const struct run_record *stored = desk_stored_run(desk, run);

    for (size_t i = 0; stored && i < desk->record_count; i++) {
        const struct leg_record *leg = &desk->records[i].leg;
        if (desk->records[i].kind == RECORD_LEG && id_equal(&leg->run_id, &stored->run_id) &&
            id_equal(&leg->target_id, &desk->targets[target].id)) {
            return leg;
        }
    }
    return NULL;
}

const struct step_record *
desk_stored_step(const struct desk *desk, uint64_t run, size_t target, uint64_t position)
{
    const struct run_record *stored = desk_stored_run(desk, run);

    for (size_t i = 0; stored && i < desk->record_count; i++) {
        const struct step_record *step = &desk->records[i].step;
        if (desk->records[i].kind == RECORD_STEP && id_equal(&step->run_id, &stored->run_id) &&
            id_equal(&step->target_id, &desk->targets[target].id) && step->position == position) {
            return step;
        }
    }
    return NULL;
}

const struct target_record *
desk_stored_target(const struct desk *desk, size_t target)
{
    for (size_t i = 0; i < desk->record_count; i++) {
        if (desk->records[i].kind == RECORD_TARGET &&
            id_equal(&desk->records[i].target.target_id, &desk->targets[target].id)) {
            return &desk->records[i].target;
        }
    }
    return NULL;
}

bool
desk_has_audit(const struct desk *desk, const char *verb, const char *subject)
{
    for (size_t i = 0; i < desk->record_count; i++) {
        const struct audit_record *audit = &desk->records[i].audit;
        if (desk->records[i].kind == RECORD_AUDIT && strcmp(audit->verb, verb) == 0 &&
            (!subject || strcmp(audit->subject, subject) == 0)) {
            return true;
        }
    }
    return false;
}

size_t
desk_stored_steps(const struct desk *desk, uint64_t run, enum step_state state)
{
    const struct run_record *stored = desk_stored_run(desk, run);
    size_t count = 0;

    for (size_t i = 0; stored && i < desk->record_count; i++) {
        count += desk->records[i].kind == RECORD_STEP &&
                 id_equal(&desk->records[i].step.run_id, &stored->run_id) &&
                 desk->records[i].step.state == state;
    }
    return count;
}

bool
desk_has_trace(const struct desk *desk, const char *piece)
{
    return strstr(text_of(&desk->trace), piece) != NULL;
}
