#include "coordinator/shell/loop.h"

#include <czmq.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#include "coordinator/shell/bundles.h"
#include "coordinator/shell/recall.h"
#include "coordinator/shell/turn.h"

#define TAKE_MAX 1000 /* messages of one party in a turn */
#define TAKE_MS 5     /* and how long a turn takes in at most */
#define WAKE_MAX_MS 60000
#define CROWD_MS 10 /* quiet turns that follow each other faster than this are a large fleet's */
#define REST_MS 20  /* and what they are given to become one */
#define RETRY_MS 20 /* between two tries to reach an operator who does not read */

struct loop {
    const struct loop_parts *parts;
    struct turn *turn;
    zloop_t *zloop;
    int timer;           /* the armed timer's id, 0: none */
    int64_t timer_at_ms; /* when it fires */
    int64_t quiet_ms;    /* when the last turn ended, if it was a quiet one */
    struct error *error;
    bool has_failed;
};

static int run_turn(struct loop *loop, bool is_tick);

static int
on_timer(zloop_t *zloop, int timer, void *context)
{
    struct loop *loop = context;

    (void)zloop;
    (void)timer;
    loop->timer = 0;
    return run_turn(loop, true);
}

/* One timer, at the time the core wants; one that fires too early costs a tick and no more. */
static void
arm(struct loop *loop)
{
    int64_t now_ms = clock_now_ms(), wake_ms = core_wake_ms(loop->parts->core);

    if (turn_has_unsent(loop->turn) && wake_ms > now_ms + RETRY_MS) {
        wake_ms = now_ms + RETRY_MS;
    }
    if (wake_ms > now_ms + WAKE_MAX_MS) {
        wake_ms = now_ms + WAKE_MAX_MS;
    }
    if (loop->timer && loop->timer_at_ms <= wake_ms) {
        return;
    }
    if (loop->timer) {
        zloop_timer_end(loop->zloop, loop->timer);
    }
    int64_t delay_ms = wake_ms > now_ms ? wake_ms - now_ms : 1;
    loop->timer_at_ms = now_ms + delay_ms;
    loop->timer = zloop_timer(loop->zloop, (size_t)delay_ms, 1, on_timer, loop);
}

/* Take in what waits, in fair shares, within the bounds of a turn. */
static void
take(struct loop *loop)
{
    int64_t until_ms = clock_now_ms() + TAKE_MS;
    bool is_more[PARTY_COUNT] = {true, true};

    for (int i = 0; i < TAKE_MAX && (is_more[PARTY_AGENT] || is_more[PARTY_OPERATOR]); i++) {
        for (enum party party = 0; party < PARTY_COUNT; party++) {
            struct frame frame;
            is_more[party] = is_more[party] && doors_receive(loop->parts->doors, party, &frame);
            if (is_more[party]) {
                turn_take(loop->turn, party, &frame);
            }
        }
        if (i % 16 == 15 && clock_now_ms() >= until_ms) {
            return;
        }
    }
}

/*
 * A turn in which nothing was decided is heartbeats. Thousands of agents send hundreds a second,
 * and to wake up for each costs more than to answer it; so they are left to gather for a moment.
 */
static void
rest_between_heartbeats(struct loop *loop)
{
    int64_t now_ms = clock_now_ms();

    if (!turn_was_quiet(loop->turn)) {
        loop->quiet_ms = 0;
        return;
    }
    if (now_ms - loop->quiet_ms < CROWD_MS) {
        zclock_sleep(REST_MS);
        now_ms += REST_MS;
    }
    loop->quiet_ms = now_ms;
}

/* One turn; -1 ends the loop. */
static int
run_turn(struct loop *loop, bool is_tick)
{
    turn_begin(loop->turn);
    take(loop);
    if (is_tick || core_wake_ms(loop->parts->core) <= clock_now_ms()) {
        turn_tick(loop->turn);
    }
    enum turn_end end = turn_end(loop->turn, loop->error);
    loop->has_failed = end == TURN_FAILED;
    if (end != TURN_ENDED) {
        return -1;
    }
    arm(loop);
    rest_between_heartbeats(loop);
    return 0;
}

static int
on_message(zloop_t *zloop, zmq_pollitem_t *item, void *context)
{
    (void)zloop;
    (void)item;
    return run_turn(context, false);
}

static int
on_signal(zloop_t *zloop, zmq_pollitem_t *item, void *context)
{
    (void)zloop;
    (void)item;
    (void)context;
    log_info("a signal came: ending");
    FAILPOINT("stop");
    return -1;
}

static void
watch(struct loop *loop)
{
    for (enum party party = 0; party < PARTY_COUNT; party++) {
        zmq_pollitem_t item = {.socket = doors_socket(loop->parts->doors, party),
                               .events = ZMQ_POLLIN};
        zloop_poller(loop->zloop, &item, on_message, loop);
        zloop_poller_set_tolerant(loop->zloop, &item);
    }
    zmq_pollitem_t signals = {.fd = loop->parts->signals, .events = ZMQ_POLLIN};
    zloop_poller(loop->zloop, &signals, on_signal, loop);
    zloop_set_nonstop(loop->zloop, true);
}

bool
loop_run(const struct loop_parts *parts, void (*is_ready)(void), struct error *error)
{
    struct loop loop = {.parts = parts, .error = error, .turn = turn_new(parts)};

    loop.has_failed = !turn_load(loop.turn, error);
    if (!loop.has_failed) {
        loop.zloop = zloop_new();
        watch(&loop);
        arm(&loop);
        is_ready();
        zloop_start(loop.zloop);
        zloop_destroy(&loop.zloop);
    }
    turn_destroy(&loop.turn);
    return !loop.has_failed;
}
