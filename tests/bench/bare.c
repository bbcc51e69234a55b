#include "tests/bench/bare.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/keys.h"
#include "tests/support/daemon.h"

static double
seconds_since(int64_t begun_us)
{
    return (double)(clock_now_us() - begun_us) / 1e6;
}

/* Lets everybody in; the least that a ZAP handler can do. */
static void
admit_all(void *zap)
{
    char parts[7][256];
    int sizes[7];

    for (int i = 0; i < 7; i++) {
        sizes[i] = zmq_recv(zap, parts[i], sizeof parts[i], 0);
    }
    zmq_send(zap, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(zap, parts[1], (size_t)sizes[1], ZMQ_SNDMORE);
    zmq_send(zap, "200", 3, ZMQ_SNDMORE);
    zmq_send(zap, "", 0, ZMQ_SNDMORE);
    zmq_send(zap, "x", 1, ZMQ_SNDMORE);
    zmq_send(zap, "", 0, 0);
}

static void
echo_for_ever(const char *endpoint, const struct key_pair *keys)
{
    void *context = zmq_ctx_new(), *zap = zmq_socket(context, ZMQ_REP);
    void *router = zmq_socket(context, ZMQ_ROUTER);
    int one = 1, backlog = 4096, zero = 0;

    zmq_bind(zap, "inproc://zeromq.zap.01");
    zmq_setsockopt(router, ZMQ_CURVE_SERVER, &one, sizeof one);
    zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, keys->secret_key, KEYS_SIZE);
    zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, "x", 1);
    zmq_setsockopt(router, ZMQ_BACKLOG, &backlog, sizeof backlog);
    zmq_setsockopt(router, ZMQ_LINGER, &zero, sizeof zero);
    zmq_bind(router, endpoint);
    zmq_pollitem_t items[] = {{.socket = zap, .events = ZMQ_POLLIN},
                              {.socket = router, .events = ZMQ_POLLIN}};
    for (;;) {
        zmq_msg_t route, body;
        zmq_poll(items, 2, -1);
        if (items[0].revents) {
            admit_all(zap);
        }
        zmq_msg_init(&route);
        zmq_msg_init(&body);
        for (int i = 0; i < 1000 && zmq_msg_recv(&route, router, ZMQ_DONTWAIT) >= 0; i++) {
            zmq_msg_recv(&body, router, 0);
            zmq_msg_send(&route, router, ZMQ_SNDMORE | ZMQ_DONTWAIT);
            zmq_msg_send(&body, router, ZMQ_DONTWAIT);
        }
        zmq_msg_close(&route);
        zmq_msg_close(&body);
    }
}

static long
cpu_ms_of(pid_t pid)
{
    const struct daemon daemon = {.pid = pid};
    return daemon_cpu_ms(&daemon);
}

/* One message of each every 20 s, for so long; the processor that answering them costs. */
static double
bare_heartbeats(pid_t child, void **sockets, size_t count, double seconds)
{
    double interval_us = 20e6 / (double)count;
    int64_t begun_us = clock_now_us();
    long begun_ms = cpu_ms_of(child);
    char body[200] = {0};

    for (size_t i = 0; seconds_since(begun_us) < seconds; i++) {
        void *socket = sockets[i % count];
        while (zmq_recv(socket, body, sizeof body, ZMQ_DONTWAIT) >= 0) {
        }
        zmq_send(socket, body, 60, ZMQ_DONTWAIT);
        int64_t left_us = begun_us + (int64_t)(interval_us * (double)(i + 1)) - clock_now_us();
        if (left_us > 0) {
            usleep((useconds_t)left_us);
        }
    }
    return (double)(cpu_ms_of(child) - begun_ms) / 10 / seconds_since(begun_us);
}

void
bare_measure(size_t count, double idle_s, struct bare *bare)
{
    struct key_pair server, client;
    char body[200] = {0};
    int zero = 0, interval_ms = 100;

    keys_generate(&server);
    pid_t child = fork();
    if (child == 0) {
        echo_for_ever("tcp://127.0.0.1:27461", &server);
    }
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)count + 16);
    void **sockets = mem_zalloc(count * sizeof *sockets);
    zmq_pollitem_t *items = mem_zalloc(count * sizeof *items);
    int64_t begun_us = clock_now_us();
    for (size_t i = 0; i < count; i++) {
        sockets[i] = zmq_socket(context, ZMQ_DEALER);
        keys_generate(&client);
        zmq_setsockopt(sockets[i], ZMQ_CURVE_PUBLICKEY, client.public_key, KEYS_SIZE);
        zmq_setsockopt(sockets[i], ZMQ_CURVE_SECRETKEY, client.secret_key, KEYS_SIZE);
        zmq_setsockopt(sockets[i], ZMQ_CURVE_SERVERKEY, server.public_key, KEYS_SIZE);
        zmq_setsockopt(sockets[i], ZMQ_LINGER, &zero, sizeof zero);
        zmq_setsockopt(sockets[i], ZMQ_RECONNECT_IVL, &interval_ms, sizeof interval_ms);
        zmq_connect(sockets[i], "tcp://127.0.0.1:27461");
        zmq_send(sockets[i], body, sizeof body, ZMQ_DONTWAIT);
        items[i] = (zmq_pollitem_t){.socket = sockets[i], .events = ZMQ_POLLIN};
    }
    for (size_t i = 0; i < count; i++) {
        zmq_recv(sockets[i], body, sizeof body, 0);
    }
    bare->join_s = seconds_since(begun_us);
    for (size_t i = 0; i < count; i++) {
        zmq_send(sockets[i], body, sizeof body, 0);
    }
    uint64_t trips = 0;
    for (begun_us = clock_now_us(); seconds_since(begun_us) < 3;) {
        zmq_poll(items, (int)count, 100);
        for (size_t i = 0; i < count; i++) {
            if (items[i].revents && zmq_recv(sockets[i], body, sizeof body, ZMQ_DONTWAIT) >= 0) {
                zmq_send(sockets[i], body, sizeof body, ZMQ_DONTWAIT);
                trips++;
            }
        }
    }
    bare->round_trips_per_s = (double)trips / seconds_since(begun_us);
    for (size_t i = 0; i < count; i++) {
        zmq_recv(sockets[i], body, sizeof body, 0);
    }
    bare->heartbeat_percent = idle_s > 0 ? bare_heartbeats(child, sockets, count, idle_s) : 0;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        zmq_close(sockets[i]);
    }
    zmq_ctx_term(context);
    free(sockets);
    free(items);
}
