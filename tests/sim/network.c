#include "tests/sim/network.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#define CODEC_SHARE 64 /* one message of so many really goes through the codec */
#define CONNECT_TIMEOUT_US (3 * SECOND)

struct letter {
    struct network *network;
    struct peer *peer;
    bool is_inbound; /* to the peer */
    bool is_ghost;   /* arrives over whatever connection there is */
    uint64_t generation, socket, incarnation;
    struct message message;
    struct arena arena;
    struct letter *next_spare, *next;
};

void
network_init(struct network *network, struct world *world, const struct faults *faults)
{
    *network = (struct network){.world = world, .faults = faults};
}

void
network_release(struct network *network)
{
    while (network->all) {
        struct letter *letter = network->all;
        network->all = letter->next;
        arena_release(&letter->arena);
        free(letter);
    }
    *network = (struct network){0};
}

void
network_add(struct network *network, struct peer *peer)
{
    assert(network->peer_count < PEERS_MAX);
    peer->network = network;
    peer->index = network->peer_count;
    network->peers[network->peer_count++] = peer;
}

/* ---- connections --------------------------------------------------------------------------- */

/* The connection is lost, or could not be made: the socket is of no more use. */
static void
notice_break(void *subject, uint64_t socket)
{
    struct peer *peer = subject;
    struct world *world = peer->network->world;

    if (socket != peer->socket) {
        return;
    }
    if (peer->paused_until_us > world->now_us) {
        world_plan(world, peer->paused_until_us - world->now_us, notice_break, peer, socket);
        return;
    }
    peer->link_down(peer->subject);
}

static void
connect_now(void *subject, uint64_t socket)
{
    struct peer *peer = subject;
    struct network *network = peer->network;
    struct world *world = network->world;

    if (socket != peer->socket) {
        return;
    }
    if (peer->paused_until_us > world->now_us) {
        world_plan(world, peer->paused_until_us - world->now_us, connect_now, peer, socket);
        return;
    }
    if (peer->cut_in || peer->cut_out) {
        world_plan(world, CONNECT_TIMEOUT_US, notice_break, peer, socket);
        return;
    }
    if (!network->coordinator_is_up || !network->is_admitted(network->coordinator, peer)) {
        world_plan(world, world_between(world, 1 * MS, 20 * MS), notice_break, peer, socket);
        return;
    }
    peer->is_up = true;
    peer->generation++;
    peer->incarnation = network->incarnation;
    peer->last_in_us = peer->last_out_us = 0;
    world_trace(world, peer->name, "is connected (%llu)", (unsigned long long)peer->generation);
    peer->link_up(peer->subject);
}

void
network_open(struct peer *peer, int64_t delay_us)
{
    struct world *world = peer->network->world;

    peer->is_up = false;
    delay_us += world_between(world, 1 * MS, 20 * MS);
    world_plan(world, delay_us, connect_now, peer, ++peer->socket);
}

void
network_close(struct peer *peer)
{
    peer->is_up = false;
    peer->socket++;
}

void
network_break(struct peer *peer)
{
    if (!peer->is_up) {
        return;
    }
    peer->is_up = false;
    world_trace(peer->network->world, peer->name, "loses its connection");
    world_plan(peer->network->world, world_between(peer->network->world, 0, 20 * MS), notice_break,
               peer, peer->socket);
}

/* The other end is a process that is no more: the first sign of life is answered by a reset. */
static bool
is_stale(const struct peer *peer)
{
    return peer->is_up &&
           (!peer->network->coordinator_is_up || peer->incarnation != peer->network->incarnation);
}

void
network_cut(struct peer *peer, bool in, bool out)
{
    world_trace(peer->network->world, peer->name, "network: in %s, out %s", in ? "cut" : "open",
                out ? "cut" : "open");
    peer->cut_in = in;
    peer->cut_out = out;
    if (!in && !out && is_stale(peer)) {
        network_break(peer);
    }
}

void
network_coordinator_up(struct network *network)
{
    network->coordinator_is_up = true;
    network->incarnation++;
}

void
network_coordinator_down(struct network *network)
{
    network->coordinator_is_up = false;
    for (size_t i = 0; i < network->peer_count; i++) {
        if (!network->peers[i]->cut_in) {
            network_break(network->peers[i]);
        }
    }
}

/* ---- letters ------------------------------------------------------------------------------- */

static struct letter *
letter_new(struct peer *peer, bool is_inbound)
{
    struct network *network = peer->network;
    struct letter *letter = network->spare;

    if (letter) {
        network->spare = letter->next_spare;
    } else {
        letter = mem_zalloc(sizeof *letter);
        letter->next = network->all;
        network->all = letter;
    }
    letter->network = network;
    letter->peer = peer;
    letter->is_inbound = is_inbound;
    letter->is_ghost = false;
    letter->generation = peer->generation;
    letter->socket = peer->socket;
    letter->incarnation = peer->incarnation;
    return letter;
}

static void
letter_discard(struct letter *letter)
{
    arena_clear(&letter->arena);
    letter->next_spare = letter->network->spare;
    letter->network->spare = letter;
}

/* Now and then a message travels as bytes, to see that nothing is lost on the way. */
static void
write_letter(struct letter *letter, const struct message *message)
{
    struct network *network = letter->network;

    if (network->letter_count++ % CODEC_SHARE != 0) {
        message_copy(message, &letter->arena, &letter->message);
        return;
    }
    CLEANUP(text_release) struct text frame = {0};
    struct error error = {0};
    enum message_sender sender = letter->is_inbound ? FROM_COORDINATOR : letter->peer->side;
    codec_encode(message, &frame);
    if (frame.size > FRAME_SIZE_MAX ||
        !codec_decode(frame.data, frame.size, sender, &letter->arena, &letter->message, &error)) {
        world_violated(network->world, "CODEC", "%s (%zu bytes) cannot be read back: %s %s",
                       message_name(message->type), frame.size, error.code, error.text);
        message_copy(message, &letter->arena, &letter->message);
        return;
    }
    const struct pack_shape *shape = message_shape(message->type);
    if (letter->message.type != message->type ||
        !pack_equal(shape, &letter->message.hello, &message->hello)) {
        world_violated(network->world, "CODEC", "%s comes out of the codec as something else",
                       message_name(message->type));
    }
}

static bool
arrives(struct letter *letter)
{
    struct peer *peer = letter->peer;
    struct network *network = letter->network;
    bool is_cut = letter->is_inbound ? peer->cut_in : peer->cut_out;

    if (is_cut || !network->coordinator_is_up) {
        return false;
    }
    if (letter->is_ghost) {
        return peer->is_up;
    }
    if (peer->is_up && letter->generation == peer->generation) {
        return letter->incarnation == network->incarnation;
    }
    /* What was sent before the break may have come through; the agent's shell throws it away. */
    return !letter->is_inbound && letter->incarnation == network->incarnation &&
           world_chance(network->world, 500);
}

static void
deliver(void *subject, uint64_t number)
{
    struct letter *letter = subject;
    struct peer *peer = letter->peer;
    struct network *network = letter->network;
    struct world *world = network->world;

    if (letter->is_inbound && peer->paused_until_us > world->now_us) {
        world_plan(world, peer->paused_until_us - world->now_us, deliver, letter, number);
        return;
    }
    if (arrives(letter)) {
        uint64_t generation = letter->is_ghost ? peer->generation : letter->generation;
        world_note(world, (uint64_t)letter->message.type << 8 | peer->index);
        world_trace(world, letter->is_inbound ? peer->name : "coordinator", "%s %s%s",
                    letter->is_inbound ? "hears" : peer->name, message_name(letter->message.type),
                    letter->is_ghost ? " (a ghost)" : "");
        if (letter->is_inbound) {
            peer->receive(peer->subject, &letter->message);
        } else {
            network->receive(network->coordinator, peer,
                             (struct route){generation << 8 | peer->index}, &letter->message);
        }
    }
    letter_discard(letter);
}

static void
post(struct peer *peer, bool is_inbound, const struct message *message)
{
    struct network *network = peer->network;
    struct world *world = network->world;
    const struct faults *faults = network->faults;
    int64_t *last_us = is_inbound ? &peer->last_in_us : &peer->last_out_us;

    if (world_chance(world, faults->lost)) {
        return;
    }
    int64_t arrival_us = world->now_us + world_between(world, 200, 5 * MS);
    if (world_chance(world, faults->delayed)) {
        arrival_us += world_between(world, 50 * MS, 5 * SECOND);
    }
    struct letter *letter = letter_new(peer, is_inbound);
    write_letter(letter, message);
    if (world_chance(world, faults->ghosts)) {
        letter->is_ghost = true;
        arrival_us += world_between(world, 1 * SECOND, 60 * SECOND);
    } else if (!world_chance(world, faults->overtaken)) {
        arrival_us = arrival_us > *last_us ? arrival_us : *last_us;
        *last_us = arrival_us;
    }
    world_plan(world, arrival_us - world->now_us, deliver, letter, 0);
}

static void
post_perhaps_twice(struct peer *peer, bool is_inbound, const struct message *message)
{
    post(peer, is_inbound, message);
    if (world_chance(peer->network->world, peer->network->faults->doubled)) {
        post(peer, is_inbound, message);
    }
}

void
network_say(struct peer *peer, const struct message *message)
{
    if (!peer->is_up) {
        return;
    }
    if (is_stale(peer) && !peer->cut_out) {
        network_break(peer);
        return;
    }
    post_perhaps_twice(peer, false, message);
}

bool
network_answer(struct network *network, struct route route, const struct message *message)
{
    size_t index = route.number & 0xff;
    assert(index < network->peer_count);
    struct peer *peer = network->peers[index];

    if (peer->is_up && peer->generation == route.number >> 8 &&
        peer->incarnation == network->incarnation) {
        post_perhaps_twice(peer, true, message);
        return true;
    }
    return peer->cut_out; /* nobody told the coordinator that the other end is gone */
}
