/* The agents at the desk: what they say by themselves, and how they do their work. */
#include "tests/unit/coordinator/desk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

static const char *
target_name(struct desk *desk, size_t target)
{
    return arena_format(&desk->arena, "t%zu", target);
}

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
        .window = it->window,
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
    struct statement_outcome update = {.tag = "UPDATE"};
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
        outcome.duration_us = target->takes_us ? target->takes_us : outcome.duration_us;
        outcome.wal_bytes = target->wal;
        update.rows = target->updated_rows;
        update.duration_us = target->takes_us;
        outcome.statements = &update;
        outcome.statement_count = target->updated_rows > 0;
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

static void
answer_measure(struct desk *desk, size_t agent, const struct measure *measure)
{
    const struct desk_target *target = target_of(desk, &measure->target_id);
    struct table_measure table = {"public", "orders", (int64_t)target->table_bytes / 100,
                                  target->table_bytes, 0};
    struct message message = {.type = MESSAGE_MEASURED};

    message.measured = (struct measured){.session = measure->session,
                                         .measure_id = measure->measure_id,
                                         .target_id = measure->target_id,
                                         .succeeded = true,
                                         .below = MEASURED_BYTES_MIN,
                                         .tables = &table,
                                         .table_count = 1};
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
    case MESSAGE_MEASURE:
        if (target_of(desk, &message->measure.target_id)->table_bytes) {
            answer_measure(desk, agent, &message->measure);
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
