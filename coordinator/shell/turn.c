#include "coordinator/shell/turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "proto/codec.h"

#include "coordinator/shell/bundles.h"
#include "coordinator/shell/hold.h"
#include "coordinator/shell/recall.h"

#define BUNDLE_MEMORY_MAX ((size_t)128 << 20)
#define CHUNKS_MAX 64  /* pieces of bundles sent in a turn: 16 MiB; who gets none asks again */
#define UNSENT_MAX 64  /* answers kept for operators who do not read */
#define UNSENT_MS 2000 /* and for how long */

/* An answer that its connection did not take. */
struct unsent {
    struct route route;
    struct text frame;
    int64_t since_ms;
};

struct turn {
    const struct loop_parts *parts;
    struct bundles *bundles;
    struct id cluster_id;

    struct actions actions; /* what the core has answered so far */
    size_t looked;          /* so many of them were looked through for questions */
    size_t written;         /* so many were handed to the store */
    struct actions answers; /* what the store says to operators */
    bool is_writing;        /* within a transaction */
    bool is_quiet;          /* agents were answered, and that was all */
    enum turn_end end;      /* anything but TURN_ENDED: nothing more is done */
    struct error failure;

    struct arena inbox; /* of the message being looked at */
    struct text frame;  /* the message being sent */
    size_t chunk_count;
    struct route *gone; /* connections of agents that turned out to be gone */
    size_t gone_count, gone_capacity;
    struct unsent unsent[UNSENT_MAX];
    size_t unsent_count;
};

struct turn *
turn_new(const struct loop_parts *parts)
{
    struct turn *turn = mem_zalloc(sizeof *turn);

    turn->parts = parts;
    turn->bundles = bundles_new(parts->store, BUNDLE_MEMORY_MAX);
    turn->cluster_id = store_cluster_id(parts->store);
    return turn;
}

void
turn_destroy(struct turn **turn_p)
{
    struct turn *turn = *turn_p;

    if (!turn) {
        return;
    }
    bundles_destroy(&turn->bundles);
    actions_release(&turn->actions);
    actions_release(&turn->answers);
    arena_release(&turn->inbox);
    text_release(&turn->frame);
    for (size_t i = 0; i < turn->unsent_count; i++) {
        text_release(&turn->unsent[i].frame);
    }
    free(turn->gone);
    free(turn);
    *turn_p = NULL;
}

/* ---- saving --------------------------------------------------------------------------------- */

static void
fail(struct turn *turn, const struct error *error)
{
    turn->end = TURN_FAILED;
    turn->failure = *error;
}

static bool
wants_transaction(const struct action *action)
{
    return action->kind == ACTION_SAVE ||
           (action->kind == ACTION_RECALL && recall_writes(action->message));
}

/* What a person should see who looks into the log, too. */
static void
warn_of(const struct record *record)
{
    if (record->kind == RECORD_AUDIT && text_equal(record->audit.verb, "quarantine")) {
        log_warn("agent %s is in quarantine: %s", record->audit.subject, record->audit.detail);
    }
}

/* Hand one action to the store, if it is the store's. */
static bool
write_action(struct turn *turn, const struct action *action, struct error *error)
{
    if (wants_transaction(action) && !turn->is_writing) {
        if (!store_begin(turn->parts->store, error)) {
            return false;
        }
        turn->is_writing = true;
    }
    if (action->kind == ACTION_SAVE) {
        FAILPOINT("store-save");
        warn_of(action->record);
        return store_save(turn->parts->store, action->record, error);
    }
    if (action->kind == ACTION_RECALL) {
        struct message answer;
        if (!recall_answer(turn->parts->store, turn->bundles, action->message, &turn->answers.arena,
                           &answer, error)) {
            return false;
        }
        actions_tell_operator(&turn->answers, action->route, &answer);
    }
    return true;
}

/* Hand over what was not handed over yet; after a failure everything is to be done again. */
static bool
write_all(struct turn *turn, bool commits, struct error *error)
{
    bool is_written = true;

    while (is_written && turn->written < turn->actions.count) {
        is_written = write_action(turn, &turn->actions.items[turn->written++], error);
    }
    if (is_written && commits && turn->is_writing) {
        is_written = store_commit(turn->parts->store, error);
        turn->is_writing = !is_written;
    }
    if (!is_written) {
        store_rollback(turn->parts->store);
        turn->is_writing = false;
        turn->written = 0;
        actions_clear(&turn->answers);
    }
    return is_written;
}

/* The same, however long it takes; false when the process is to end instead. */
static bool
write_or_wait(struct turn *turn, bool commits)
{
    struct error error;

    while (turn->end == TURN_ENDED && !write_all(turn, commits, &error)) {
        if (!store_error_passes(&error)) {
            fail(turn, &error);
        } else if (!hold_a_moment(turn->parts, &error)) {
            turn->end = TURN_STOPPED;
        }
    }
    return turn->end == TURN_ENDED;
}

/* ---- deciding ------------------------------------------------------------------------------- */

static struct event
event_of(enum event_kind kind)
{
    return (struct event){.kind = kind, .now_ms = clock_now_ms(), .wall_ms = clock_wall_ms()};
}

static void
answer_bundle(struct turn *turn, const struct digest *digest)
{
    struct event event = event_of(EVENT_BUNDLE);
    struct error error;
    const struct bundle *bundle = bundles_get(turn->bundles, digest, &error);

    if (!bundle && text_starts_with(error.code, "E-STORE-")) {
        fail(turn, &error);
        return;
    }
    event.digest = *digest;
    event.manifest = bundle ? &bundle->manifest : NULL;
    core_step(turn->parts->core, &event, &turn->actions);
}

/* Records that the store reads one by one, in a row. */
struct collected {
    struct arena arena;
    struct record *items;
    size_t count, capacity;
};

static void
collect(void *context, const struct record *record)
{
    struct collected *all = context;

    all->items = mem_grow(all->items, all->count, &all->capacity, sizeof *all->items);
    record_copy(record, &all->arena, &all->items[all->count++]);
}

/* The id of the run that is asked for by its number; none when there is no such run. */
static bool
find_run_id(struct turn *turn, const struct action *action, struct id *run_id, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct record record;
    char name[24];

    *run_id = action->id;
    if (!id_is_none(run_id)) {
        return true;
    }
    snprintf(name, sizeof name, "%llu", (unsigned long long)action->number);
    if (store_find_run(turn->parts->store, action->number ? name : "last", &arena, &record,
                       error)) {
        *run_id = record.run.run_id;
        return true;
    }
    return error_is(error, "E-RUN-UNKNOWN");
}

static void
answer_run(struct turn *turn, const struct action *action)
{
    struct event event = event_of(EVENT_RUN);
    struct collected all = {0};
    const struct store_reader reader = {collect, &all};
    struct error error;
    struct id run_id;

    if (!write_or_wait(turn, false)) {
        return;
    }
    if (find_run_id(turn, action, &run_id, &error) &&
        store_load_run(turn->parts->store, &run_id, &reader, &error)) {
        event.id = action->id;
        event.number = action->number;
        event.records = all.items;
        event.record_count = all.count;
        core_step(turn->parts->core, &event, &turn->actions);
    } else {
        fail(turn, &error);
    }
    free(all.items);
    arena_release(&all.arena);
}

static void
answer_step(struct turn *turn, const struct id *id)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct event event = event_of(EVENT_STEP);
    struct record record;
    struct error error;

    if (!write_or_wait(turn, false)) {
        return;
    }
    if (!store_find_step(turn->parts->store, id, &arena, &record, &error)) {
        fail(turn, &error);
        return;
    }
    event.id = *id;
    event.records = &record;
    event.record_count = record.kind == RECORD_STEP;
    core_step(turn->parts->core, &event, &turn->actions);
}

/* Let the core decide, and answer what it asks of the store on the way. */
static void
step(struct turn *turn, const struct event *event)
{
    if (turn->end != TURN_ENDED) {
        return;
    }
    core_step(turn->parts->core, event, &turn->actions);
    while (turn->end == TURN_ENDED && turn->looked < turn->actions.count) {
        /* A copy: the answers move the array. */
        struct action action = turn->actions.items[turn->looked++];
        if (action.kind == ACTION_NEED_BUNDLE) {
            answer_bundle(turn, &action.digest);
        } else if (action.kind == ACTION_NEED_RUN) {
            answer_run(turn, &action);
        } else if (action.kind == ACTION_NEED_STEP) {
            answer_step(turn, &action.id);
        }
    }
}

/* ---- taking in ------------------------------------------------------------------------------ */

static void
tell(struct turn *turn, enum party party, struct route route, const struct message *message)
{
    if (party == PARTY_AGENT) {
        actions_tell_agent(&turn->actions, route, message);
    } else {
        actions_tell_operator(&turn->actions, route, message);
    }
}

static void
reject(struct turn *turn, enum party party, struct route route, const struct error *error)
{
    struct message message = {.type = MESSAGE_REJECT};

    message.reject.fault = fault_from_error(error, &turn->inbox);
    tell(turn, party, route, &message);
}

/* Read the frame; false with what is wrong with it. */
static bool
read_frame(struct turn *turn, enum party party, const struct frame *frame, struct message *message,
           struct error *error)
{
    enum message_sender sender = party == PARTY_AGENT ? FROM_AGENT : FROM_OPERATOR;
    char id[ID_TEXT_SIZE];

    if (!codec_decode(frame->data, frame->size, sender, &turn->inbox, message, error)) {
        return false;
    }
    if (party == PARTY_OPERATOR && !id_is_none(&message->cluster_id) &&
        !id_equal(&message->cluster_id, &turn->cluster_id)) {
        error_set(error, "E-PROTO-CLUSTER", "this is another cluster's coordinator");
        return error_found(error, "cluster %s", id_text(&turn->cluster_id, id));
    }
    return true;
}

/*
 * The gate is asked for every message: the connection was let in when the key was good, which says
 * nothing about now.
 */
void
turn_take(struct turn *turn, enum party party, const struct frame *frame)
{
    struct event event = event_of(party == PARTY_AGENT ? EVENT_AGENT : EVENT_OPERATOR);
    struct message message;
    struct error error;

    if (!gate_allows(turn->parts->gate, party, &frame->key)) {
        error_set(&error, "E-AUTH-REVOKED", "this key may not speak here");
        reject(turn, party, frame->route, &error);
    } else {
        event.key = frame->key;
        event.route = frame->route;
        event.message = &message;
        bool is_read = read_frame(turn, party, frame, &message, &error);
        if (!is_read) {
            event.kind = EVENT_MALFORMED;
            event.message = NULL;
            event.error = &error;
        }
        if (is_read || party == PARTY_AGENT) {
            step(turn, &event); /* the core rejects, and counts, what an agent's frames are not */
        } else {
            reject(turn, party, frame->route, &error);
        }
    }
    arena_clear(&turn->inbox);
}

void
turn_tick(struct turn *turn)
{
    struct event event = event_of(EVENT_TICK);

    step(turn, &event);
}

/* ---- saying --------------------------------------------------------------------------------- */

/* Keep an answer that its connection did not take; the oldest makes room. */
static void
keep_unsent(struct turn *turn, struct route route)
{
    if (turn->unsent_count == UNSENT_MAX) {
        text_release(&turn->unsent[0].frame);
        memmove(turn->unsent, turn->unsent + 1, --turn->unsent_count * sizeof *turn->unsent);
    }
    struct unsent *unsent = &turn->unsent[turn->unsent_count++];
    *unsent = (struct unsent){.route = route, .since_ms = clock_now_ms()};
    text_append_bytes(&unsent->frame, turn->frame.data, turn->frame.size);
}

static void
send_again(struct turn *turn)
{
    size_t kept = 0;

    for (size_t i = 0; i < turn->unsent_count; i++) {
        struct unsent *unsent = &turn->unsent[i];
        bool is_over = clock_now_ms() - unsent->since_ms > UNSENT_MS ||
                       doors_send(turn->parts->doors, PARTY_OPERATOR, unsent->route,
                                  unsent->frame.data, unsent->frame.size) != DOORS_FULL;
        if (is_over) {
            text_release(&unsent->frame);
        } else {
            turn->unsent[kept++] = *unsent;
        }
    }
    turn->unsent_count = kept;
}

bool
turn_was_quiet(const struct turn *turn)
{
    return turn->is_quiet;
}

bool
turn_has_unsent(const struct turn *turn)
{
    return turn->unsent_count > 0;
}

/* What an agent is owed is said again by the core; an operator waits for this one answer. */
static void
say(struct turn *turn, enum party party, struct route route, struct message *message)
{
    message->cluster_id = turn->cluster_id;
    text_clear(&turn->frame);
    codec_encode(message, &turn->frame);
    enum doors_sent sent =
        doors_send(turn->parts->doors, party, route, turn->frame.data, turn->frame.size);
    if (sent == DOORS_FULL && party == PARTY_OPERATOR) {
        keep_unsent(turn, route);
    } else if (sent == DOORS_GONE && party == PARTY_AGENT) {
        turn->gone =
            mem_grow(turn->gone, turn->gone_count, &turn->gone_capacity, sizeof *turn->gone);
        turn->gone[turn->gone_count++] = route;
    }
}

static void
say_chunk(struct turn *turn, const struct action *action)
{
    struct message message = {.type = MESSAGE_CHUNK};
    struct error error;

    if (turn->chunk_count++ >= CHUNKS_MAX) {
        return;
    }
    const struct bundle *bundle = bundles_get(turn->bundles, &action->digest, &error);
    if (!bundle && text_starts_with(error.code, "E-STORE-")) {
        fail(turn, &error);
        return;
    }
    if (bundle && action->offset < bundle->bytes.size) {
        size_t left = bundle->bytes.size - action->offset;
        message.chunk.digest = action->digest;
        message.chunk.offset = action->offset;
        message.chunk.total = bundle->bytes.size;
        message.chunk.bytes.data = (const char *)bundle->bytes.data + action->offset;
        message.chunk.bytes.size = left < CHUNK_SIZE_MAX ? left : CHUNK_SIZE_MAX;
    } else {
        message.type = MESSAGE_REJECT;
        if (bundle) {
            error_set(&error, "E-BUNDLE-UNKNOWN", "the bundle has nothing at this offset");
        }
        message.reject.fault = fault_from_error(&error, &turn->inbox);
    }
    say(turn, PARTY_AGENT, action->route, &message);
    FAILPOINT("chunk-sent");
}

static void
carry_out(struct turn *turn, const struct action *action)
{
    switch (action->kind) {
    case ACTION_TELL_AGENT:
        turn->is_quiet = turn->is_quiet && action->message->type == MESSAGE_PONG;
        say(turn, PARTY_AGENT, action->route, action->message);
        return;
    case ACTION_TELL_OPERATOR:
        say(turn, PARTY_OPERATOR, action->route, action->message);
        break;
    case ACTION_SEND_CHUNK:
        say_chunk(turn, action);
        break;
    case ACTION_ADMIT:
        gate_admit(turn->parts->gate, action->party, &action->key);
        break;
    case ACTION_EXPEL:
        gate_expel(turn->parts->gate, action->party, &action->key);
        break;
    default:
        break; /* the store's, and done */
    }
    turn->is_quiet = false;
}

void
turn_begin(struct turn *turn)
{
    size_t gone_count = turn->gone_count;

    actions_clear(&turn->actions);
    actions_clear(&turn->answers);
    arena_clear(&turn->inbox);
    turn->looked = turn->written = 0;
    turn->chunk_count = 0;
    turn->is_quiet = true;
    turn->gone_count = 0;
    for (size_t i = 0; i < gone_count; i++) {
        struct event event = event_of(EVENT_UNSENT);
        event.route = turn->gone[i];
        step(turn, &event);
    }
    send_again(turn);
}

enum turn_end
turn_end(struct turn *turn, struct error *error)
{
    if (turn->actions.count) {
        FAILPOINT("turn-stepped");
    }
    if (write_or_wait(turn, true) && turn->actions.count) {
        FAILPOINT("turn-saved");
        for (size_t i = 0; i < turn->actions.count && turn->end == TURN_ENDED; i++) {
            carry_out(turn, &turn->actions.items[i]);
            FAILPOINT("turn-sending");
        }
        for (size_t i = 0; i < turn->answers.count && turn->end == TURN_ENDED; i++) {
            carry_out(turn, &turn->answers.items[i]);
        }
        FAILPOINT("turn-said");
    }
    if (turn->end == TURN_FAILED) {
        *error = turn->failure;
    }
    return turn->end;
}

/* ---- loading -------------------------------------------------------------------------------- */

static void
load(void *context, const struct record *record)
{
    struct turn *turn = context;

    core_load(turn->parts->core, record);
}

bool
turn_load(struct turn *turn, struct error *error)
{
    const struct store_reader reader = {load, turn};
    struct event event = event_of(EVENT_LOADED);

    if (!store_load(turn->parts->store, &reader, error)) {
        return false;
    }
    FAILPOINT("start-loaded");
    turn_begin(turn);
    step(turn, &event);
    return turn_end(turn, error) != TURN_FAILED;
}
