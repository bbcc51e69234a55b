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

struct id
desk_request(struct desk *desk)
{
    return desk_id(1000000 + ++desk->requests);
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
    case RECORD_LOAD:
        return id_equal(&a->load.run_id, &b->load.run_id) && a->load.ordinal == b->load.ordinal &&
               a->load.position == b->load.position;
    case RECORD_PACE:
        return id_equal(&a->pace.target_id, &b->pace.target_id) && a->pace.kind == b->pace.kind;
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
    for (int kind = RECORD_LEG; run && kind <= RECORD_LOAD; kind++) {
        for (size_t i = 0; i < desk->record_count; i++) {
            const struct record *record = &desk->records[i];
            if ((int)record->kind == kind && id_equal(record_run_id(record), &run->run_id)) {
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
        message.runs.request = desk_request(desk);
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
            const struct id *run_id = record_run_id(record);
            bool is_open = true;
            if ((int)record->kind != kind) {
                continue;
            }
            for (size_t j = 0; j < desk->record_count; j++) {
                const struct record *run = &desk->records[j];
                if (run->kind == RECORD_RUN && run->run.state >= RUN_DONE && run_id &&
                    id_equal(&run->run.run_id, run_id)) {
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
