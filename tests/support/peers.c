#include "tests/support/peers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uthash.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#define HELLO_AGAIN_MS 1000
#define SWEEP_MS 50

/* A step that a target was given, as its journal has it. */
struct journal_row {
    struct id step_id;
    uint64_t attempt;
    bool is_done, is_acked;
    UT_hash_handle hh;
};

struct peer {
    void *socket;
    struct id session, target_id, boot_id, cluster_id;
    struct token token;
    bool is_live, has_fetched;
    int64_t hello_ms, ping_ms, heartbeat_ms;
    uint64_t sequence;
    size_t applied; /* migrations that are in effect, from the first on */
    struct journal_row *journal;
};

struct peers {
    struct peers_options options;
    void *context;
    int ready; /* epoll */
    struct peer *items;
    struct peers_counts counts;
    uint64_t doubled;
    int64_t swept_ms;
    struct arena arena;
    struct text frame;
};

/* ---- making --------------------------------------------------------------------------------- */

static void
set_option(void *socket, int option, int value)
{
    int status = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(status == 0);
}

static void
connect_peer(struct peers *peers, size_t index)
{
    struct peer *peer = &peers->items[index];
    const struct key_pair *keys = &peers->options.keys[index];
    int descriptor;
    size_t size = sizeof descriptor;

    peer->socket = zmq_socket(peers->context, ZMQ_DEALER);
    assert(peer->socket);
    zmq_setsockopt(peer->socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, KEYS_SIZE);
    zmq_setsockopt(peer->socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, KEYS_SIZE);
    zmq_setsockopt(peer->socket, ZMQ_CURVE_SERVERKEY, peers->options.server_key, KEYS_SIZE);
    set_option(peer->socket, ZMQ_LINGER, 0);
    set_option(peer->socket, ZMQ_IMMEDIATE, 1); /* nothing is queued for a connection to come */
    set_option(peer->socket, ZMQ_RECONNECT_IVL, 100);
    set_option(peer->socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    zmq_getsockopt(peer->socket, ZMQ_FD, &descriptor, &size);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.u64 = index}};
    epoll_ctl(peers->ready, EPOLL_CTL_ADD, descriptor, &event);
    peer->boot_id = id_random();
    peer->target_id = id_random();
    zmq_connect(peer->socket, peers->options.endpoint);
}

struct peers *
peers_new(const struct peers_options *options)
{
    struct peers *peers = mem_zalloc(sizeof *peers);

    peers->options = *options;
    peers->context = zmq_ctx_new();
    zmq_ctx_set(peers->context, ZMQ_MAX_SOCKETS, (int)options->count + 16);
    peers->ready = epoll_create1(EPOLL_CLOEXEC);
    peers->items = mem_zalloc(options->count * sizeof *peers->items);
    for (size_t i = 0; i < options->count; i++) {
        connect_peer(peers, i);
    }
    return peers;
}

void
peers_destroy(struct peers **peers_p)
{
    struct peers *peers = *peers_p;

    if (!peers) {
        return;
    }
    for (size_t i = 0; i < peers->options.count; i++) {
        struct journal_row *row, *next;
        HASH_ITER(hh, peers->items[i].journal, row, next)
        {
            HASH_DEL(peers->items[i].journal, row);
            free(row);
        }
        zmq_close(peers->items[i].socket);
    }
    zmq_ctx_term(peers->context);
    close(peers->ready);
    arena_release(&peers->arena);
    text_release(&peers->frame);
    free(peers->items);
    free(peers);
    *peers_p = NULL;
}

/* ---- saying --------------------------------------------------------------------------------- */

static bool
say(struct peers *peers, struct peer *peer, struct message *message)
{
    message->cluster_id = peer->cluster_id;
    text_clear(&peers->frame);
    codec_encode(message, &peers->frame);
    return zmq_send(peer->socket, peers->frame.data, peers->frame.size, ZMQ_DONTWAIT) >= 0;
}

static void
say_hello(struct peers *peers, struct peer *peer)
{
    struct message message = {.type = MESSAGE_HELLO};

    message.hello = (struct hello){.version_min = 1,
                                   .version_max = PROTO_VERSION,
                                   .software = "peers",
                                   .boot_id = peer->boot_id,
                                   .token_seen = peer->token};
    if (say(peers, peer, &message)) {
        peer->hello_ms = clock_now_ms() + HELLO_AGAIN_MS;
    }
}

static const char *
version_applied(const struct peers *peers, const struct peer *peer)
{
    return peer->applied ? peers->options.manifest->migrations[peer->applied - 1].version : NULL;
}

static void
say_target(struct peers *peers, struct peer *peer)
{
    struct message message = {.type = MESSAGE_TARGET};
    char name[32];
    size_t index = (size_t)(peer - peers->items);

    snprintf(name, sizeof name, "bench-%zu", index);
    message.target = (struct target_report){
        .session = peer->session,
        .target_id = peer->target_id,
        .name = name,
        .service = peers->options.manifest->service,
        .state = TARGET_READY,
        .server_version = 150000,
        .system_identifier = 1000 + index,
        .database_oid = 16384,
        .timeline = 1,
        .applied_count = peer->applied,
        .applied_version = version_applied(peers, peer),
        .journal_count = peer->applied,
    };
    say(peers, peer, &message);
}

static void
say_ping(struct peers *peers, struct peer *peer, int64_t now_ms)
{
    struct message message = {.type = MESSAGE_PING};

    message.ping = (struct ping){.session = peer->session, .sequence = ++peer->sequence};
    say(peers, peer, &message);
    peer->ping_ms = now_ms + peer->heartbeat_ms;
}

static void
say_result(struct peers *peers, struct peer *peer, const struct journal_row *row)
{
    struct statement_outcome statement = {.line = 1, .tag = "CREATE TABLE", .duration_us = 900};
    struct message message = {.type = MESSAGE_RESULT};

    message.result = (struct result){
        .session = peer->session,
        .step_id = row->step_id,
        .target_id = peer->target_id,
        .attempt = row->attempt,
        .outcome = {.kind = OUTCOME_DONE,
                    .duration_us = 1500,
                    .journal_count = peer->applied,
                    .statements = &statement,
                    .statement_count = 1},
    };
    say(peers, peer, &message);
    peers->counts.results++;
}

static void
say_not_started(struct peers *peers, struct peer *peer, const struct id *step_id, uint64_t attempt)
{
    struct message message = {.type = MESSAGE_STATE};

    message.state = (struct state){.session = peer->session,
                                   .step_id = *step_id,
                                   .attempt = attempt,
                                   .report = STEP_REPORT_NOT_STARTED};
    say(peers, peer, &message);
}

static void
say_surveyed(struct peers *peers, struct peer *peer, const struct survey *survey)
{
    struct message message = {.type = MESSAGE_SURVEYED};
    struct applied *applied = arena_alloc(&peers->arena, peer->applied * sizeof *applied);

    for (size_t i = 0; i < peer->applied; i++) {
        const struct migration *migration = &peers->options.manifest->migrations[i];
        applied[i].version = migration->version;
        memcpy(applied[i].checksum, migration_checksum(migration), CHECKSUM_SIZE);
    }
    message.surveyed = (struct surveyed){.session = peer->session,
                                         .survey_id = survey->survey_id,
                                         .target_id = survey->target_id,
                                         .succeeded = true,
                                         .applied = applied,
                                         .applied_count = peer->applied};
    say(peers, peer, &message);
}

/* A large table, the larger the later the peer; one that another schema has too. */
static void
say_measured(struct peers *peers, struct peer *peer, const struct measure *measure)
{
    struct message message = {.type = MESSAGE_MEASURED};
    uint64_t number = (uint64_t)(peer - peers->items);
    struct table_measure tables[] = {{"public", "t1", 1000000, (number + 1) << 29, 7200},
                                     {"public", "t2", 20, 2 << 20, 0}};

    message.measured = (struct measured){.session = peer->session,
                                         .measure_id = measure->measure_id,
                                         .target_id = measure->target_id,
                                         .succeeded = true,
                                         .server_version = 150004,
                                         .replicas = 1,
                                         .below = 1 << 20,
                                         .tables = tables,
                                         .table_count = 2};
    say(peers, peer, &message);
}

static void
say_fetch(struct peers *peers, struct peer *peer, const struct digest *digest)
{
    struct message message = {.type = MESSAGE_FETCH};

    peer->has_fetched = true;
    message.fetch = (struct fetch){.session = peer->session, .digest = *digest};
    say(peers, peer, &message);
}

/* ---- taking --------------------------------------------------------------------------------- */

static void
take_welcome(struct peers *peers, struct peer *peer, const struct message *message)
{
    peers->counts.welcomes++;
    peer->is_live = true;
    peer->has_fetched = false;
    peer->session = message->welcome.session;
    peer->token = message->welcome.token;
    peer->cluster_id = message->cluster_id;
    peer->heartbeat_ms = (int64_t)message->welcome.heartbeat_ms;
    /* Spread over the interval, as a fleet's are. */
    peer->ping_ms = clock_now_ms() + rand() % (peer->heartbeat_ms + 1);
    say_target(peers, peer);
}

static struct journal_row *
find_row(struct peer *peer, const struct id *step_id)
{
    struct journal_row *row;

    HASH_FIND(hh, peer->journal, step_id, sizeof *step_id, row);
    return row;
}

static void
take_assign(struct peers *peers, struct peer *peer, const struct assign *assign)
{
    struct journal_row *row = find_row(peer, &assign->step_id);

    peers->counts.assigned++;
    if (peers->options.fetches && !peer->has_fetched) {
        say_fetch(peers, peer, &assign->digest);
    }
    if (!row) {
        row = mem_zalloc(sizeof *row);
        row->step_id = assign->step_id;
        HASH_ADD(hh, peer->journal, step_id, sizeof row->step_id, row);
    }
    row->attempt = assign->attempt;
    if (!row->is_done) {
        row->is_done = true;
        peers->counts.effects++;
        peer->applied += assign->direction == DIRECTION_UP ? 1 : (size_t)-1;
        /* The migration that comes next is the only one that may take effect now. */
        bool is_next = assign->direction == DIRECTION_DOWN ||
                       text_equal(version_applied(peers, peer), assign->version);
        peers->doubled += !is_next;
    }
    say_result(peers, peer, row);
}

static void
take_question(struct peers *peers, struct peer *peer, const struct id *step_id, uint64_t attempt)
{
    struct journal_row *row = find_row(peer, step_id);

    if (row && row->is_done) {
        row->attempt = attempt;
        say_result(peers, peer, row);
    } else {
        say_not_started(peers, peer, step_id, attempt);
    }
}

static void
take_ack(struct peers *peers, struct peer *peer, const struct result_ack *ack)
{
    struct journal_row *row = find_row(peer, &ack->step_id);

    if (row && !row->is_acked) {
        row->is_acked = true;
        peers->counts.acks++;
    }
}

static void
take(struct peers *peers, struct peer *peer, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_WELCOME:
        take_welcome(peers, peer, message);
        break;
    case MESSAGE_WAIT:
        peer->hello_ms = clock_now_ms() + (int64_t)message->wait.retry_after_ms;
        break;
    case MESSAGE_PONG:
        peers->counts.pongs++;
        break;
    case MESSAGE_ASSIGN:
        take_assign(peers, peer, &message->assign);
        break;
    case MESSAGE_QUERY:
        take_question(peers, peer, &message->query.step_id, message->query.attempt);
        break;
    case MESSAGE_CANCEL:
        take_question(peers, peer, &message->cancel.step_id, message->cancel.attempt);
        break;
    case MESSAGE_SURVEY:
        say_surveyed(peers, peer, &message->survey);
        break;
    case MESSAGE_MEASURE:
        say_measured(peers, peer, &message->measure);
        break;
    case MESSAGE_RESULT_ACK:
        take_ack(peers, peer, &message->result_ack);
        break;
    case MESSAGE_BYE:
        peers->counts.byes++;
        peer->is_live = false;
        say_hello(peers, peer);
        break;
    case MESSAGE_CHUNK:
        peers->counts.chunks++;
        break;
    case MESSAGE_REJECT:
        peers->counts.rejects++;
        break;
    default:
        break;
    }
}

/* The descriptor tells of changes only, so whoever is called reads until nothing is left. */
static void
drain(struct peers *peers, struct peer *peer)
{
    struct message message;
    struct error error;
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, peer->socket, ZMQ_DONTWAIT) >= 0) {
        bool is_read = codec_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), FROM_COORDINATOR,
                                    &peers->arena, &message, &error);
        assert(is_read);
        take(peers, peer, &message);
        arena_clear(&peers->arena);
    }
    zmq_msg_close(&frame);
}

/* ---- turning -------------------------------------------------------------------------------- */

static void
say_what_is_due(struct peers *peers, struct peer *peer, int64_t now_ms)
{
    if (!peer->is_live && now_ms >= peer->hello_ms) {
        say_hello(peers, peer);
    } else if (peer->is_live && now_ms >= peer->ping_ms) {
        say_ping(peers, peer, now_ms);
    } else {
        return;
    }
    drain(peers, peer);
}

void
peers_turn(struct peers *peers, int wait_ms)
{
    struct epoll_event events[256];
    int64_t now_ms = clock_now_ms();

    if (now_ms - peers->swept_ms >= SWEEP_MS) {
        peers->swept_ms = now_ms;
        for (size_t i = 0; i < peers->options.count; i++) {
            say_what_is_due(peers, &peers->items[i], now_ms);
        }
    }
    int until_sweep_ms = (int)(peers->swept_ms + SWEEP_MS - clock_now_ms());
    int bound_ms = wait_ms < until_sweep_ms ? wait_ms : until_sweep_ms;
    int count = epoll_wait(peers->ready, events, 256, bound_ms > 0 ? bound_ms : 0);
    for (int i = 0; i < count; i++) {
        struct peer *peer = &peers->items[events[i].data.u64];
        drain(peers, peer);
        if (!peer->is_live && now_ms >= peer->hello_ms) {
            say_hello(peers, peer);
            drain(peers, peer);
        }
    }
}

/* ---- looking -------------------------------------------------------------------------------- */

struct peers_counts
peers_counts(const struct peers *peers)
{
    return peers->counts;
}

size_t
peers_live(const struct peers *peers)
{
    size_t live = 0;

    for (size_t i = 0; i < peers->options.count; i++) {
        live += peers->items[i].is_live;
    }
    return live;
}

size_t
peers_applied(const struct peers *peers, size_t index)
{
    return peers->items[index].applied;
}

uint64_t
peers_doubled(const struct peers *peers)
{
    return peers->doubled;
}

void
peers_each_acked(const struct peers *peers, void (*visit)(void *context, const struct id *step_id),
                 void *context)
{
    for (size_t i = 0; i < peers->options.count; i++) {
        for (struct journal_row *row = peers->items[i].journal; row; row = row->hh.next) {
            if (row->is_acked) {
                visit(context, &row->step_id);
            }
        }
    }
}
