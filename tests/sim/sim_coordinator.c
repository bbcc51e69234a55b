#include "tests/sim/sim_coordinator.h"

#include <assert.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/mutation.h"
#include "tests/sim/recollection.h"

#define NEVER INT64_MAX
#define TURN_MAX 64 /* events in one turn */
#define TICKS_IN_A_ROW_MAX 1000
#define ANSWERS_MAX 10000 /* to questions of one turn */
#define WALL_START_MS 1750000000000

static void begin_turn(void *subject, uint64_t life);

static int64_t
now_ms(const struct sim_coordinator *coordinator)
{
    return coordinator->world->now_us / MS + coordinator->clock_ms;
}

static void
trace_core(void *context, const char *line)
{
    struct sim_coordinator *coordinator = context;
    world_trace(coordinator->world, "coordinator", "%s", line);
}

static void
plan_turn(struct sim_coordinator *coordinator, int64_t delay_us)
{
    world_plan(coordinator->world, delay_us, begin_turn, coordinator, coordinator->life);
}

static void
plan_next_turn(struct sim_coordinator *coordinator)
{
    if (coordinator->is_in_turn || coordinator->is_turn_planned || !coordinator->inbox.first) {
        return;
    }
    coordinator->is_turn_planned = true;
    plan_turn(coordinator, world_between(coordinator->world, 10, 200));
}

/* ---- the inbox ----------------------------------------------------------------------------- */

/* As the ZAP handler decides when a connection is made, and the shell at every message. */
static bool
is_admitted(void *subject, const struct peer *peer)
{
    const struct sim_coordinator *coordinator = subject;
    enum party kind = peer->side == FROM_AGENT ? PARTY_AGENT : PARTY_OPERATOR;

    for (size_t i = 0; i < coordinator->admitted_count; i++) {
        const struct admitted *admitted = &coordinator->admitted[i];
        if (admitted->party == kind && memcmp(&admitted->key, &peer->key, sizeof peer->key) == 0) {
            return true;
        }
    }
    return false;
}

static void
receive(void *subject, const struct peer *peer, struct route route, const struct message *message)
{
    struct sim_coordinator *coordinator = subject;

    if (!coordinator->is_up || !is_admitted(coordinator, peer)) {
        return;
    }
    struct inbox_item *item =
        inbox_add(&coordinator->inbox, peer->side == FROM_AGENT ? EVENT_AGENT : EVENT_OPERATOR);
    item->key = peer->key;
    item->route = route;
    message_copy(message, &item->arena, &item->message);
    plan_next_turn(coordinator);
}

void
sim_coordinator_hear_noise(struct sim_coordinator *coordinator, const struct peer *peer)
{
    if (coordinator->is_up && peer->is_up && is_admitted(coordinator, peer)) {
        struct inbox_item *item = inbox_add(&coordinator->inbox, EVENT_MALFORMED);
        item->key = peer->key;
        item->route = (struct route){peer->generation << 8 | peer->index};
        plan_next_turn(coordinator);
    }
}

/* ---- what the core asks the store ---------------------------------------------------------- */

static void
answer_question(struct sim_coordinator *coordinator, size_t index)
{
    struct actions *actions = &coordinator->actions;
    struct action question = actions->items[index];
    CLEANUP(recollection_release) struct recollection recollection = {0};
    struct event event = {.now_ms = now_ms(coordinator), .wall_ms = coordinator->wall_ms};

    event.id = question.id;
    event.number = question.number;
    event.digest = question.digest;
    if (question.kind == ACTION_NEED_BUNDLE) {
        const struct edition *edition = repository_find(coordinator->repository, &question.digest);
        event.kind = EVENT_BUNDLE;
        event.manifest = edition ? &edition->manifest : NULL;
    } else {
        recollection = recollection_of(&coordinator->disk, actions, &question);
        event.kind = question.kind == ACTION_NEED_RUN ? EVENT_RUN : EVENT_STEP;
        event.records = recollection.items;
        event.record_count = recollection.count;
    }
    core_step(coordinator->core, &event, actions);
}

/* ---- a turn -------------------------------------------------------------------------------- */

static void
step(struct sim_coordinator *coordinator, struct event *event)
{
    struct actions *actions = &coordinator->actions;
    size_t first = actions->count, answers = 0;

    event->now_ms = now_ms(coordinator);
    event->wall_ms = coordinator->wall_ms = WALL_START_MS + coordinator->world->now_us / MS;
    core_step(coordinator->core, event, actions);
    for (size_t i = first; i < actions->count; i++) {
        enum action_kind kind = actions->items[i].kind;
        if (kind != ACTION_NEED_BUNDLE && kind != ACTION_NEED_RUN && kind != ACTION_NEED_STEP) {
            continue;
        }
        if (++answers > ANSWERS_MAX) {
            world_violated(coordinator->world, "LOOP", "the core asks the store again and again");
            return;
        }
        answer_question(coordinator, i);
    }
}

static void
take_inbox(struct sim_coordinator *coordinator)
{
    struct error error;

    error_set(&error, "E-PROTO-DECODE", "no message");
    for (unsigned i = 0; i < TURN_MAX && coordinator->inbox.first; i++) {
        struct inbox_item *item = inbox_take(&coordinator->inbox);
        struct event event = {.kind = item->kind,
                              .key = item->key,
                              .route = item->route,
                              .message = &item->message,
                              .error = item->kind == EVENT_MALFORMED ? &error : NULL};
        step(coordinator, &event);
        inbox_discard(&coordinator->inbox, item);
    }
}

static void
take_tick(struct sim_coordinator *coordinator)
{
    struct world *world = coordinator->world;
    int64_t now = now_ms(coordinator);

    if (core_wake_ms(coordinator->core) > now) {
        return;
    }
    coordinator->ticks_in_a_row = now == coordinator->last_ms ? coordinator->ticks_in_a_row + 1 : 0;
    coordinator->last_ms = now;
    if (coordinator->ticks_in_a_row > TICKS_IN_A_ROW_MAX) {
        world_violated(world, "LOOP", "the coordinator wants a tick again and again");
        return;
    }
    step(coordinator, &(struct event){.kind = EVENT_TICK});
}

static void
tick(void *subject, uint64_t life)
{
    struct sim_coordinator *coordinator = subject;

    if (life != coordinator->life || !coordinator->is_up) {
        return;
    }
    coordinator->tick_ms = NEVER;
    if (!coordinator->is_in_turn && !coordinator->is_turn_planned) {
        coordinator->is_turn_planned = true;
        plan_turn(coordinator, 0);
    }
}

static void
plan_tick(struct sim_coordinator *coordinator)
{
    int64_t wake_ms = core_wake_ms(coordinator->core);

    if (wake_ms == NEVER || wake_ms >= coordinator->tick_ms) {
        return;
    }
    coordinator->tick_ms = wake_ms;
    world_plan(coordinator->world,
               (wake_ms - coordinator->clock_ms) * MS - coordinator->world->now_us, tick,
               coordinator, coordinator->life);
}

static void
start_again(void *subject, uint64_t life)
{
    struct sim_coordinator *coordinator = subject;

    if (!coordinator->is_up && life == coordinator->life) {
        sim_coordinator_start(coordinator);
    }
}

/* It may be killed at this very place of its turn. */
static bool
dies_here(struct sim_coordinator *coordinator, unsigned permille, const char *where)
{
    struct world *world = coordinator->world;

    if (!world_chance(world, permille)) {
        return false;
    }
    world_trace(world, "coordinator", "is killed %s", where);
    sim_coordinator_kill(coordinator);
    world_plan(world, world_between(world, 100 * MS, 5 * SECOND), start_again, coordinator,
               coordinator->life);
    return true;
}

/* ---- saying -------------------------------------------------------------------------------- */

static void
tell(struct sim_coordinator *coordinator, struct route route, const struct message *message)
{
    if (!network_answer(coordinator->network, route, message)) {
        inbox_add(&coordinator->inbox, EVENT_UNSENT)->route = route;
    }
}

static void
send_chunk(struct sim_coordinator *coordinator, const struct action *action)
{
    static const unsigned char bytes[PIECE_SIZE];
    const struct edition *edition = repository_find(coordinator->repository, &action->digest);
    struct message message = {.cluster_id = coordinator->cluster_id};

    if (!edition || action->offset >= edition->size) {
        message.type = MESSAGE_REJECT;
        message.reject.fault =
            (struct fault){.code = "E-BUNDLE-UNKNOWN", .text = "there is no such bundle"};
    } else {
        uint64_t left = edition->size - action->offset;
        message.type = MESSAGE_CHUNK;
        message.chunk = (struct chunk){.digest = action->digest,
                                       .offset = action->offset,
                                       .total = edition->size,
                                       .bytes = {bytes, left < PIECE_SIZE ? left : PIECE_SIZE}};
    }
    tell(coordinator, action->route, &message);
}

/* What only the store has: here that is little. */
static void
recall(struct sim_coordinator *coordinator, const struct action *action)
{
    const struct message *asked = action->message;
    struct message message = {.type = MESSAGE_REFUSED, .cluster_id = coordinator->cluster_id};

    message.refused = (struct refused){
        .request = asked->status.request,
        .fault = {.code = "E-RUN-UNKNOWN", .text = "the simulated store has no views"}};
    if (asked->type == MESSAGE_OFFER || asked->type == MESSAGE_PUT) {
        message.type = MESSAGE_OFFERED;
        message.offered = (struct offered){.request = asked->offer.request, .is_complete = true};
    }
    tell(coordinator, action->route, &message);
}

static void
admit(struct sim_coordinator *coordinator, enum party party, const struct key *key)
{
    assert(coordinator->admitted_count < ADMITTED_MAX);
    coordinator->admitted[coordinator->admitted_count++] =
        (struct admitted){.key = *key, .party = party};
}

static void
expel(struct sim_coordinator *coordinator, enum party party, const struct key *key)
{
    size_t kept = 0;

    for (size_t i = 0; i < coordinator->admitted_count; i++) {
        const struct admitted *admitted = &coordinator->admitted[i];
        if (admitted->party != party || memcmp(&admitted->key, key, sizeof *key) != 0) {
            coordinator->admitted[kept++] = *admitted;
        }
    }
    coordinator->admitted_count = kept;
}

static void
carry_out(struct sim_coordinator *coordinator, const struct action *action)
{
    switch (action->kind) {
    case ACTION_TELL_AGENT:
        check_told(coordinator->check, action->message);
        tell(coordinator, action->route, action->message);
        break;
    case ACTION_TELL_OPERATOR:
        network_answer(coordinator->network, action->route, action->message);
        break;
    case ACTION_SEND_CHUNK:
        send_chunk(coordinator, action);
        break;
    case ACTION_RECALL:
        recall(coordinator, action);
        break;
    case ACTION_ADMIT:
        expel(coordinator, action->party, &action->key);
        admit(coordinator, action->party, &action->key);
        break;
    case ACTION_EXPEL:
        expel(coordinator, action->party, &action->key);
        break;
    case ACTION_SAVE:
    case ACTION_NEED_BUNDLE:
    case ACTION_NEED_RUN:
    case ACTION_NEED_STEP:
        break;
    }
}

static void
say_all(struct sim_coordinator *coordinator)
{
    uint64_t life = coordinator->life;

    for (size_t i = 0; i < coordinator->actions.count && coordinator->life == life; i++) {
        carry_out(coordinator, &coordinator->actions.items[i]);
        if (dies_here(coordinator, coordinator->faults->dies_while_sending, "while it sends")) {
            return;
        }
    }
}

static void
save_all(struct sim_coordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->actions.count; i++) {
        if (coordinator->actions.items[i].kind == ACTION_SAVE) {
            check_saved(coordinator->check, coordinator->actions.items[i].record);
            disk_save(&coordinator->disk, coordinator->actions.items[i].record);
        }
    }
    check_turn_is_saved(coordinator->check);
}

/* The transaction is committed: what it holds may be said. */
static void
end_turn(void *subject, uint64_t life)
{
    struct sim_coordinator *coordinator = subject;
    struct world *world = coordinator->world;

    if (life != coordinator->life || !coordinator->is_up) {
        return;
    }
    if (coordinator->paused_until_us > world->now_us) {
        world_plan(world, coordinator->paused_until_us - world->now_us, end_turn, coordinator,
                   life);
        return;
    }
    if (dies_here(coordinator, coordinator->faults->dies_before_save, "before it saves")) {
        return;
    }
    save_all(coordinator);
    if (dies_here(coordinator, coordinator->faults->dies_after_save, "after it has saved")) {
        return;
    }
    if (!MUTATION(SEND_BEFORE_SAVE)) {
        say_all(coordinator);
    }
    if (coordinator->life != life) {
        return;
    }
    actions_clear(&coordinator->actions);
    coordinator->is_in_turn = false;
    plan_next_turn(coordinator);
    plan_tick(coordinator);
}

static bool
has_records(const struct actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        if (actions->items[i].kind == ACTION_SAVE) {
            return true;
        }
    }
    return false;
}

/* An fsync takes its time; a turn without records takes none. */
static void
plan_end_of_turn(struct sim_coordinator *coordinator)
{
    struct world *world = coordinator->world;
    int64_t delay_us = 0;

    if (has_records(&coordinator->actions)) {
        delay_us = world_chance(world, 20) ? world_between(world, 10 * MS, 300 * MS)
                                           : world_between(world, 300, 5 * MS);
    }
    if (MUTATION(SEND_BEFORE_SAVE)) {
        uint64_t life = coordinator->life;
        say_all(coordinator);
        if (coordinator->life != life) {
            return;
        }
    }
    if (delay_us) {
        world_plan(world, delay_us, end_turn, coordinator, coordinator->life);
    } else {
        end_turn(coordinator, coordinator->life);
    }
}

static void
begin_turn(void *subject, uint64_t life)
{
    struct sim_coordinator *coordinator = subject;
    struct world *world = coordinator->world;

    if (life != coordinator->life || !coordinator->is_up) {
        return;
    }
    if (coordinator->paused_until_us > world->now_us) {
        plan_turn(coordinator, coordinator->paused_until_us - world->now_us);
        return;
    }
    coordinator->is_turn_planned = false;
    coordinator->is_in_turn = true;
    take_inbox(coordinator);
    take_tick(coordinator);
    plan_end_of_turn(coordinator);
}

/* ---- the process --------------------------------------------------------------------------- */

void
sim_coordinator_init(struct sim_coordinator *coordinator, struct world *world,
                     const struct faults *faults, const struct repository *repository,
                     struct network *network)
{
    *coordinator = (struct sim_coordinator){
        .world = world, .faults = faults, .repository = repository, .network = network};
    coordinator->cluster_id = id_draw(&world->random);
    coordinator->clock_ms = world_between(world, 1000, 1000000000);
    coordinator->disk.next_number = 1;
    coordinator->check = check_new(world, &coordinator->disk);
    network->coordinator = coordinator;
    network->is_admitted = is_admitted;
    network->receive = receive;
}

static bool
is_open(const struct disk *disk, const struct id *run_id)
{
    const struct record *record = disk_find(disk, RECORD_RUN, run_id, NULL);
    return record && record->run.state <= RUN_CANCELLING;
}

/* The open runs with all that belongs to them, and who may come in. */
static void
load(void *context, const struct record *record)
{
    struct sim_coordinator *coordinator = context;
    const struct disk *disk = &coordinator->disk;

    const struct id *run_id = record_run_id(record);

    if (run_id && !is_open(disk, run_id)) {
        return;
    }
    if (record->kind == RECORD_AGENT && record->agent.is_active) {
        admit(coordinator, PARTY_AGENT, &record->agent.key);
    } else if (record->kind == RECORD_OPERATOR && record->operator.is_active) {
        admit(coordinator, PARTY_OPERATOR, &record->operator.key);
    }
    core_load(coordinator->core, record);
}

static struct core_config
config_of(struct sim_coordinator *coordinator)
{
    struct world *world = coordinator->world;
    struct core_config config = core_config_default();

    config.cluster_id = coordinator->cluster_id;
    config.token.epoch = ++coordinator->disk.epoch;
    config.token.instance = id_draw(&world->random);
    config.seed = random_next(&world->random);
    config.next_number = coordinator->disk.next_number;
    if (world->listener.sink) {
        config.trace = (struct trace){.sink = trace_core, .context = coordinator};
    }
    return config;
}

void
sim_coordinator_start(struct sim_coordinator *coordinator)
{
    struct core_config config = config_of(coordinator);

    assert(!coordinator->is_up);
    world_trace(coordinator->world, "coordinator", "starts, epoch %llu",
                (unsigned long long)config.token.epoch);
    coordinator->is_up = true;
    coordinator->life++;
    coordinator->tick_ms = NEVER;
    coordinator->is_turn_planned = false;
    coordinator->core = core_new(&config);
    coordinator->admitted_count = 0;
    for (int kind = 0; kind < RECORD_AUDIT; kind++) {
        disk_each(&coordinator->disk, (enum record_kind)kind, load, coordinator);
    }
    coordinator->is_in_turn = true;
    network_coordinator_up(coordinator->network);
    step(coordinator, &(struct event){.kind = EVENT_LOADED});
    plan_end_of_turn(coordinator);
}

void
sim_coordinator_kill(struct sim_coordinator *coordinator)
{
    if (!coordinator->is_up) {
        return;
    }
    world_trace(coordinator->world, "coordinator", "dies");
    coordinator->is_up = false;
    coordinator->life++;
    coordinator->is_in_turn = false;
    coordinator->paused_until_us = 0;
    inbox_clear(&coordinator->inbox);
    core_destroy(&coordinator->core);
    actions_clear(&coordinator->actions);
    network_coordinator_down(coordinator->network);
}

void
sim_coordinator_pause(struct sim_coordinator *coordinator, int64_t for_us)
{
    world_trace(coordinator->world, "coordinator", "is stopped for %lld ms",
                (long long)(for_us / MS));
    coordinator->paused_until_us = coordinator->world->now_us + for_us;
}

void
sim_coordinator_release(struct sim_coordinator *coordinator)
{
    inbox_release(&coordinator->inbox);
    if (coordinator->is_up) {
        core_destroy(&coordinator->core);
    }
    actions_release(&coordinator->actions);
    check_destroy(&coordinator->check);
    disk_release(&coordinator->disk);
}
