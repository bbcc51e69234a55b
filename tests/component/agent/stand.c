#include "tests/component/agent/stand.h"

#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "proto/codec.h"

#define ENFORCE_DOMAIN 93 /* ZMQ_ZAP_ENFORCE_DOMAIN */

extern char **environ;

/* ---- the coordinator's end ---------------------------------------------------------------- */

static void
set_number(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

void
stand_listen(struct stand *stand)
{
    size_t size = sizeof stand->endpoint;

    stand->router = zmq_socket(stand->context, ZMQ_ROUTER);
    set_number(stand->router, ZMQ_LINGER, 0);
    set_number(stand->router, ZMQ_ROUTER_MANDATORY, 1);
    set_number(stand->router, ZMQ_CURVE_SERVER, 1);
    set_number(stand->router, ENFORCE_DOMAIN, 1);
    zmq_setsockopt(stand->router, ZMQ_CURVE_SECRETKEY, stand->keys.secret_key, KEYS_SIZE);
    zmq_setsockopt(stand->router, ZMQ_ZAP_DOMAIN, "agent", 5);
    const char *endpoint = stand->endpoint[0] ? stand->endpoint : "tcp://127.0.0.1:*";
    /* A closed socket lets go of its port a little later. */
    int64_t until_ms = clock_now_ms() + STAND_WAIT_MS;
    int status;
    do {
        status = zmq_bind(stand->router, endpoint);
    } while (status < 0 && clock_now_ms() < until_ms);
    assert_int_equal(status, 0);
    if (!stand->endpoint[0]) {
        zmq_getsockopt(stand->router, ZMQ_LAST_ENDPOINT, stand->endpoint, &size);
    }
}

void
stand_hang_up(struct stand *stand)
{
    zmq_close(stand->router);
    stand->router = NULL;
    stand->route_size = 0;
}

/* Whoever has the agent's key comes in (ZAP, RFC 27). */
static void
judge(struct stand *stand)
{
    uint8_t parts[8][256];
    size_t sizes[8] = {0}, count = 0;
    int more = 1;
    size_t more_size = sizeof more;

    while (more && count < 8) {
        int size = zmq_recv(stand->gate, parts[count], sizeof parts[count], 0);
        sizes[count++] = size < 0 ? 0 : (size_t)size;
        zmq_getsockopt(stand->gate, ZMQ_RCVMORE, &more, &more_size);
    }
    bool is_known = count == 7 && sizes[6] == KEYS_SIZE && !stand->refuses_key &&
                    memcmp(parts[6], stand->agent_keys.public_key, KEYS_SIZE) == 0;
    zmq_send(stand->gate, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(stand->gate, parts[1], sizes[1], ZMQ_SNDMORE);
    zmq_send(stand->gate, is_known ? "200" : "400", 3, ZMQ_SNDMORE);
    zmq_send(stand->gate, "", 0, ZMQ_SNDMORE);
    zmq_send(stand->gate, "agent", 5, ZMQ_SNDMORE);
    zmq_send(stand->gate, "", 0, 0);
}

/* ---- making ------------------------------------------------------------------------------- */

static void
write_config(struct stand *stand)
{
    char path[128], key[KEYS_HEX_SIZE], base[128];
    struct error error;

    snprintf(base, sizeof base, "%s/agent", stand->folder);
    assert_true(keys_save(&stand->agent_keys, base, &error));
    text_hex(stand->keys.public_key, KEYS_SIZE, key);
    snprintf(path, sizeof path, "%s/agent.yaml", stand->folder);
    FILE *file = fdopen(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "w");
    fprintf(file,
            "agent: stand\ncoordinator: {endpoint: '%s', key: %s}\nkey: %s/agent.key\n"
            "cache: %s/cache\ntargets:\n",
            stand->endpoint, key, stand->folder, stand->folder);
    for (int i = 0; i < STAND_TARGETS; i++) {
        char database[8];
        snprintf(database, sizeof database, "db%d", i);
        CLEANUP(mem_free) char *conninfo = cluster_conninfo(stand->cluster, database, "postgres");
        fprintf(file,
                "  - {name: t%d, service: auth, database: '%s', labels: {env: test, n: n%d}}\n", i,
                conninfo, i);
    }
    fclose(file);
}

/* The stand of a test that has failed, and so could not clear up behind itself. */
static struct stand *present;

void
stand_clear_up(void)
{
    if (present) {
        stand_destroy(&present);
    }
}

struct stand *
stand_new(struct cluster *cluster)
{
    stand_clear_up();
    struct stand *stand = present = mem_zalloc(sizeof *stand);

    strcpy(stand->folder, "/tmp/skein-stand-XXXXXX");
    assert_non_null(mkdtemp(stand->folder));
    stand->cluster = cluster;
    stand->piece_max = CHUNK_SIZE_MAX;
    stand->cluster_id = id_random();
    stand->run_id = id_random();
    stand->token = (struct token){.epoch = 1, .instance = id_random()};
    keys_generate(&stand->keys);
    keys_generate(&stand->agent_keys);
    stand->context = zmq_ctx_new();
    stand->gate = zmq_socket(stand->context, ZMQ_REP);
    assert_int_equal(zmq_bind(stand->gate, "inproc://zeromq.zap.01"), 0);
    stand_listen(stand);
    for (int i = 0; i < STAND_TARGETS; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS db%d WITH (FORCE)", i);
        cluster_tell(cluster, "postgres", sql);
        snprintf(sql, sizeof sql, "CREATE DATABASE db%d STRATEGY wal_log", i);
        cluster_tell(cluster, "postgres", sql);
    }
    write_config(stand);
    return stand;
}

void
stand_destroy(struct stand **stand_p)
{
    struct stand *stand = *stand_p;
    char command[128];

    stand_kill_agent(stand);
    if (stand->router) {
        stand_hang_up(stand);
    }
    zmq_close(stand->gate);
    zmq_ctx_term(stand->context);
    snprintf(command, sizeof command, "rm -rf %s", stand->folder);
    assert_int_equal(system(command), 0);
    bundle_destroy(&stand->bundle);
    arena_release(&stand->arena);
    free(stand->heard);
    free(stand);
    *stand_p = present = NULL;
}

/* ---- the agent's process ------------------------------------------------------------------ */

static const char *
program(void)
{
    static char path[512];
    const char *build = getenv("SKEIN_BUILD");

    if (build) {
        snprintf(path, sizeof path, "%s/bin/skein-agent", build);
        return path;
    }
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 32);
    assert_true(size > 0);
    path[size] = '\0';
    strcpy(strrchr(path, '/'), "/../bin/skein-agent");
    return path;
}

void
stand_start_agent(struct stand *stand, const char *failpoint)
{
    char config[128], log[128], option[] = "--config";
    CLEANUP(mem_free) char *name = mem_text(program());
    char *words[] = {name, option, config, NULL};
    posix_spawn_file_actions_t files;

    snprintf(config, sizeof config, "%s/agent.yaml", stand->folder);
    snprintf(log, sizeof log, "%s/log", stand->folder);
    if (failpoint) {
        setenv("SKEIN_FAILPOINT", failpoint, 1);
    }
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    assert_int_equal(posix_spawn(&stand->agent, words[0], &files, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    unsetenv("SKEIN_FAILPOINT");
}

static void serve(struct stand *stand, int wait_ms);

int
stand_await_end(struct stand *stand, int wait_ms)
{
    int64_t until_ms = clock_now_ms() + wait_ms;
    int status;

    while (clock_now_ms() < until_ms) {
        if (waitpid(stand->agent, &status, WNOHANG) == stand->agent) {
            stand->agent = 0;
            return status;
        }
        serve(stand, 10);
    }
    fail_msg("the agent does not end:\n%s", stand_log(stand));
    return -1;
}

void
stand_kill_agent(struct stand *stand)
{
    if (stand->agent) {
        kill(stand->agent, SIGKILL);
        waitpid(stand->agent, NULL, 0);
        stand->agent = 0;
    }
}

const char *
stand_log(struct stand *stand)
{
    CLEANUP(text_release) struct text log = {0};
    char path[128], piece[4096];

    snprintf(path, sizeof path, "%s/log", stand->folder);
    FILE *file = fopen(path, "r");
    for (size_t size; file && (size = fread(piece, 1, sizeof piece, file)) > 0;) {
        text_append_bytes(&log, piece, size);
    }
    if (file) {
        fclose(file);
    }
    return arena_text(&stand->arena, text_of(&log));
}

void
stand_await_log(struct stand *stand, const char *piece)
{
    int64_t until_ms = clock_now_ms() + STAND_WAIT_MS;

    while (!strstr(stand_log(stand), piece)) {
        if (clock_now_ms() > until_ms) {
            fail_msg("the agent does not log '%s':\n%s", piece, stand_log(stand));
        }
        serve(stand, 20);
    }
}

/* ---- saying ------------------------------------------------------------------------------- */

void
stand_say_bytes(struct stand *stand, const void *data, size_t size)
{
    assert_true(stand->route_size > 0);
    int sent = zmq_send(stand->router, stand->route, stand->route_size, ZMQ_SNDMORE);
    assert_int_equal(sent, (int)stand->route_size);
    assert_int_equal(zmq_send(stand->router, data, size, 0), (int)size);
}

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
    case MESSAGE_MEASURE:
        return &message->measure.session;
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
stand_say(struct stand *stand, struct message message)
{
    CLEANUP(text_release) struct text frame = {0};
    struct id *session = session_of(&message);

    if (session && id_is_none(session)) {
        *session = stand->session;
    }
    message.cluster_id = stand->cluster_id;
    codec_encode(&message, &frame);
    stand_say_bytes(stand, frame.data, frame.size);
}

/* ---- hearing ------------------------------------------------------------------------------ */

static void
answer_fetch(struct stand *stand, const struct fetch *fetch)
{
    const struct bundle *bundle = stand->bundle;

    if (!bundle || memcmp(&bundle->digest, &fetch->digest, sizeof fetch->digest) != 0) {
        stand_say(stand,
                  (struct message){.type = MESSAGE_REJECT,
                                   .reject = {.fault = {.code = "E-BUNDLE-UNKNOWN",
                                                        .text = "there is no such bundle"}}});
        return;
    }
    size_t left = bundle->bytes.size - (size_t)fetch->offset;
    size_t size = left < stand->piece_max ? left : stand->piece_max;
    stand_say(stand,
              (struct message){
                  .type = MESSAGE_CHUNK,
                  .chunk = {.digest = fetch->digest,
                            .offset = fetch->offset,
                            .total = bundle->bytes.size,
                            .bytes = {(const char *)bundle->bytes.data + fetch->offset, size}}});
}

static void
take(struct stand *stand)
{
    uint8_t frame[FRAME_SIZE_MAX];
    struct message message;
    struct error error;

    int size = zmq_recv(stand->router, stand->route, sizeof stand->route, 0);
    stand->route_size = (size_t)size;
    size = zmq_recv(stand->router, frame, sizeof frame, 0);
    if (!codec_decode(frame, (size_t)size, FROM_AGENT, &stand->arena, &message, &error)) {
        fail_msg("the agent says something malformed: %s: %s (%s)", error.code, error.text,
                 error.where);
    }
    if (message.type == MESSAGE_PING && !stand->is_deaf) {
        stand_say(stand, (struct message){.type = MESSAGE_PONG,
                                          .pong = {.session = message.ping.session,
                                                   .sequence = message.ping.sequence}});
    } else if (message.type == MESSAGE_FETCH) {
        answer_fetch(stand, &message.fetch);
    }
    stand->heard =
        mem_grow(stand->heard, stand->heard_count, &stand->heard_capacity, sizeof *stand->heard);
    stand->heard[stand->heard_count++] = message;
}

/* Take in what comes, waiting at most so long for the first. */
static void
serve(struct stand *stand, int wait_ms)
{
    zmq_pollitem_t items[] = {{.socket = stand->gate, .events = ZMQ_POLLIN},
                              {.socket = stand->router, .events = ZMQ_POLLIN}};

    if (zmq_poll(items, stand->router ? 2 : 1, wait_ms) <= 0) {
        return;
    }
    if (items[0].revents & ZMQ_POLLIN) {
        judge(stand);
    }
    if (stand->router && (items[1].revents & ZMQ_POLLIN)) {
        take(stand);
    }
}

/* Take the first that matches out of what was heard. */
static const struct message *
find(struct stand *stand, bool (*matches)(const struct message *message, const void *wanted),
     const void *wanted)
{
    for (size_t i = 0; i < stand->heard_count; i++) {
        if (matches(&stand->heard[i], wanted)) {
            struct message *message = arena_copy(&stand->arena, &stand->heard[i], sizeof *message);
            stand->heard_count--;
            memmove(&stand->heard[i], &stand->heard[i + 1],
                    (stand->heard_count - i) * sizeof *stand->heard);
            return message;
        }
    }
    return NULL;
}

static bool
is_type(const struct message *message, const void *wanted)
{
    return message->type == *(const enum message_type *)wanted;
}

static bool
is_of_step(const struct message *message, const void *wanted)
{
    const struct id *step_id = wanted;

    return (message->type == MESSAGE_STATE && id_equal(&message->state.step_id, step_id)) ||
           (message->type == MESSAGE_RESULT && id_equal(&message->result.step_id, step_id));
}

static const struct message *
await(struct stand *stand, bool (*matches)(const struct message *message, const void *wanted),
      const void *wanted, const char *what)
{
    int64_t until_ms = clock_now_ms() + STAND_WAIT_MS;

    for (;;) {
        const struct message *message = find(stand, matches, wanted);
        if (message) {
            return message;
        }
        if (clock_now_ms() > until_ms) {
            fail_msg("the agent does not say %s:\n%s", what, stand_log(stand));
        }
        serve(stand, 50);
    }
}

const struct message *
stand_hear(struct stand *stand, enum message_type type)
{
    return await(stand, is_type, &type, message_name(type));
}

const struct message *
stand_hear_of(struct stand *stand, unsigned number)
{
    struct id step_id = stand_step(number);

    return await(stand, is_of_step, &step_id, "anything of a step");
}

bool
stand_is_silent(struct stand *stand, enum message_type type, int wait_ms)
{
    int64_t until_ms = clock_now_ms() + wait_ms;

    while (clock_now_ms() < until_ms) {
        serve(stand, 50);
        if (find(stand, is_type, &type)) {
            return false;
        }
    }
    return true;
}

void
stand_forget(struct stand *stand)
{
    stand->heard_count = 0;
}

/* ---- sessions and steps ------------------------------------------------------------------- */

void
stand_welcome(struct stand *stand)
{
    stand_hear(stand, MESSAGE_HELLO);
    stand->session = id_random();
    stand_say(stand, (struct message){.type = MESSAGE_WELCOME,
                                      .welcome = {.version = PROTO_VERSION,
                                                  .session = stand->session,
                                                  .token = stand->token,
                                                  .heartbeat_ms = STAND_HEARTBEAT_MS,
                                                  .lease_ms = STAND_LEASE_MS}});
}

void
stand_begin(struct stand *stand)
{
    stand_welcome(stand);
    for (int i = 0; i < STAND_TARGETS;) {
        const struct target_report *report = &stand_hear(stand, MESSAGE_TARGET)->target;
        assert_true(id_equal(&report->session, &stand->session));
        if (report->state == TARGET_READY) {
            stand->target_ids[report->name[1] - '0'] = report->target_id;
            i++;
        }
    }
}

struct id
stand_step(unsigned number)
{
    struct id id = {.bytes = {[15] = 1}};

    memcpy(id.bytes, &number, sizeof number);
    return id;
}

void
stand_assign(struct stand *stand, size_t target, unsigned number, const char *version,
             uint64_t position, uint64_t attempt)
{
    stand_say(stand, (struct message){.type = MESSAGE_ASSIGN,
                                      .assign = {.token = stand->token,
                                                 .step_id = stand_step(number),
                                                 .run_id = stand->run_id,
                                                 .target_id = stand->target_ids[target],
                                                 .digest = stand->bundle->digest,
                                                 .version = version,
                                                 .attempt = attempt,
                                                 .position = position}});
}

void
stand_query(struct stand *stand, size_t target, unsigned number, uint64_t attempt)
{
    stand_say(stand, (struct message){.type = MESSAGE_QUERY,
                                      .query = {.step_id = stand_step(number),
                                                .target_id = stand->target_ids[target],
                                                .attempt = attempt}});
}

void
stand_cancel(struct stand *stand, size_t target, unsigned number, uint64_t attempt)
{
    stand_say(stand, (struct message){.type = MESSAGE_CANCEL,
                                      .cancel = {.step_id = stand_step(number),
                                                 .target_id = stand->target_ids[target],
                                                 .attempt = attempt}});
}

void
stand_acknowledge(struct stand *stand, unsigned number, uint64_t attempt)
{
    stand_say(stand,
              (struct message){.type = MESSAGE_RESULT_ACK,
                               .result_ack = {.step_id = stand_step(number), .attempt = attempt}});
}

long
stand_count(struct stand *stand, size_t target, const char *sql)
{
    char database[8];

    snprintf(database, sizeof database, "db%zu", target);
    return cluster_count(stand->cluster, database, sql);
}
