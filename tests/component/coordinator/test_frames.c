/*
 * Frames that no honest peer sends, to a coordinator that runs: each gets its answer, and nothing
 * changes by it.
 */
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "proto/codec.h"

#include "tests/support/console.h"
#include "tests/support/daemon.h"
#include "tests/support/intruder.h"
#include "tests/support/unit.h"

#define SOON_MS 10000
#define NEVER_MS 400

/* ---- a coordinator and its admin ------------------------------------------------------------ */

struct desk {
    struct daemon daemon;
    struct console *admin;
};

static int
set_up(void **state)
{
    struct desk *desk = mem_zalloc(sizeof *desk);

    daemon_make(&desk->daemon, "times: {heartbeat: 1s, resend: 500ms}\n");
    daemon_begin(&desk->daemon);
    desk->admin = console_new(desk->daemon.endpoints[PARTY_OPERATOR], desk->daemon.keys.public_key,
                              &desk->daemon.admin);
    *state = desk;
    return 0;
}

static int
tear_down(void **state)
{
    struct desk *desk = *state;
    int status = 0;
    bool has_ended = daemon_has_ended(&desk->daemon, &status);

    if (has_ended) {
        CLEANUP(mem_free) char *log = daemon_log(&desk->daemon);
        print_error("the coordinator has ended with %d:\n%s\n", status, log);
    }
    console_destroy(&desk->admin);
    daemon_remove(&desk->daemon);
    free(desk);
    return has_ended;
}

static const struct message *
asked(struct desk *desk, struct message *request)
{
    const struct message *answer = console_ask(desk->admin, request, SOON_MS);

    assert_non_null(answer);
    return answer;
}

/* Somebody new, enrolled, and their connection. */
static struct console *
newcomer(struct desk *desk, enum party party, const char *name)
{
    struct message enrol = {.type = MESSAGE_ENROL};
    struct key_pair pair;

    keys_generate(&pair);
    enrol.enrol.party = party;
    enrol.enrol.name = name;
    enrol.enrol.role = ROLE_VIEWER;
    memcpy(enrol.enrol.key.bytes, pair.public_key, KEY_SIZE);
    const struct message *answer = asked(desk, &enrol);
    if (answer->type != MESSAGE_DONE) {
        fail_msg("%s: %s: %s", name, message_name(answer->type), answer->refused.fault.text);
    }
    return console_new(desk->daemon.endpoints[party], desk->daemon.keys.public_key, &pair);
}

static const struct message *
said(struct console *console, const struct message *message, int wait_ms)
{
    CLEANUP(text_release) struct text frame = {0};

    codec_encode(message, &frame);
    return console_send(console, frame.data, frame.size, wait_ms);
}

static const struct message *
said_hello(struct console *agent, int wait_ms)
{
    struct message hello = {.type = MESSAGE_HELLO};

    hello.hello = (struct hello){
        .version_min = 1, .version_max = PROTO_VERSION, .software = "test", .boot_id = id_random()};
    return said(agent, &hello, wait_ms);
}

static void
assert_rejected(const struct message *answer, const char *code)
{
    assert_non_null(answer);
    assert_string_equal("REJECT", message_name(answer->type));
    assert_string_equal(code, answer->reject.fault.code);
}

/* How many rows a query counts; the store is read beside the running coordinator. */
static int64_t
counted(const struct desk *desk, const char *sql)
{
    CLEANUP(mem_free) char *path = mem_format("%s/store.db", desk->daemon.folder);
    sqlite3 *database;
    sqlite3_stmt *statement;

    assert_int_equal(SQLITE_OK, sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(database, sql, -1, &statement, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

/* ---- what is no message --------------------------------------------------------------------- */

#define HEAD "\x94\xc4\x04SKN1\xc4\x10"
#define ID "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *data;
    size_t size;
    const char *code;
} no_messages[] = {
    {BYTES(""), "E-PROTO-MAGIC"},
    {BYTES("hello"), "E-PROTO-MAGIC"},
    {BYTES("\x94\xc4\x04SKN2\xc4\x10" ID "\1\x90"), "E-PROTO-MAGIC"},
    {BYTES("\x94\xc4\x04SK"), "E-PROTO-DECODE"},
    {BYTES(HEAD ID), "E-PROTO-DECODE"},
    {BYTES(HEAD ID "\1"), "E-PROTO-DECODE"},
    {BYTES(HEAD ID "\1\x90"), "E-PROTO-DECODE"}, /* too few fields */
    {BYTES(HEAD ID "\1\x95\1\1\xa1x\xc4\x10" ID "\x92\1\xc4\x10" ID "x"), "E-PROTO-DECODE"},
    {BYTES(HEAD ID "\1\x95\xca\0\0\0\0\1\xa1x\xc4\x10" ID "\x92\1\xc4\x10" ID),
     "E-PROTO-DECODE"}, /* a float */
    {BYTES(HEAD ID "\1\x95\xcc\1\1\xa1x\xc4\x10" ID "\x92\1\xc4\x10" ID),
     "E-PROTO-DECODE"}, /* a longer 1 */
    {BYTES(HEAD ID "\1\x95\1\1\xa1\xff\xc4\x10" ID "\x92\1\xc4\x10" ID),
     "E-PROTO-DECODE"},                                          /* no UTF-8 */
    {BYTES(HEAD ID "\1\xdd\xff\xff\xff\xff"), "E-PROTO-LIMIT"},  /* 4 milliard elements */
    {BYTES(HEAD ID "\1\xdf\xff\xff\xff\xff"), "E-PROTO-DECODE"}, /* a map */
    {BYTES(HEAD ID "\1\xc7\1\1x"), "E-PROTO-DECODE"},            /* an extension */
    {BYTES(HEAD ID "\x7f\x90"), "E-PROTO-TYPE"},
    {BYTES(HEAD ID "\0\x90"), "E-PROTO-TYPE"},
};

static void
rejects_what_is_no_message_and_says_why(void **state)
{
    struct desk *desk = *state;

    for (size_t i = 0; i < sizeof no_messages / sizeof *no_messages; i++) {
        char name[32];
        snprintf(name, sizeof name, "rude-%zu", i);
        CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, name);
        const struct message *answer =
            console_send(agent, no_messages[i].data, no_messages[i].size, SOON_MS);
        if (!answer || answer->type != MESSAGE_REJECT ||
            !text_equal(answer->reject.fault.code, no_messages[i].code)) {
            fail_msg("frame %zu: wanted %s, got %s %s", i, no_messages[i].code,
                     answer ? message_name(answer->type) : "nothing",
                     answer ? answer->reject.fault.code : "");
        }
        /* Once is forgiven: it may say hello. */
        assert_int_equal(MESSAGE_WELCOME, said_hello(agent, SOON_MS)->type);
    }
    CLEANUP(console_destroy)
    struct console *viewer = newcomer(desk, PARTY_OPERATOR, "rude-viewer");
    for (size_t i = 0; i < sizeof no_messages / sizeof *no_messages; i++) {
        const struct message *answer =
            console_send(viewer, no_messages[i].data, no_messages[i].size, SOON_MS);
        assert_non_null(answer);
        assert_int_equal(MESSAGE_REJECT, answer->type);
    }
}

static void
rejects_deep_and_wide_frames_before_it_makes_room_for_them(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "bomber");
    static char deep[FRAME_SIZE_MAX], wide[FRAME_SIZE_MAX];
    size_t head = sizeof(HEAD ID "\1") - 1;
    long before_kib = daemon_resident_kib(&desk->daemon);

    memcpy(deep, HEAD ID "\1", head);
    memset(deep + head, '\x91', 64);
    assert_rejected(console_send(agent, deep, head + 64, SOON_MS), "E-PROTO-LIMIT");
    memcpy(wide, HEAD ID "\1\xdd\0\x0f\xff\0", head + 5);
    memset(wide + head + 5, '\xc0', sizeof wide - head - 5);
    const struct message *answer = console_send(agent, wide, sizeof wide, SOON_MS);
    assert_non_null(answer);
    assert_int_equal(MESSAGE_REJECT, answer->type);
    assert_true(text_equal(answer->reject.fault.code, "E-PROTO-LIMIT") ||
                text_equal(answer->reject.fault.code, "E-PROTO-DECODE"));
    assert_true(daemon_resident_kib(&desk->daemon) - before_kib < 32 * 1024);
}

static void
quarantines_an_agent_that_talks_nonsense(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *rude = newcomer(desk, PARTY_AGENT, "rude");
    CLEANUP(console_destroy) struct console *polite = newcomer(desk, PARTY_AGENT, "polite");

    for (int i = 0; i < 5; i++) {
        assert_rejected(console_send(rude, "nonsense", 8, SOON_MS), "E-PROTO-MAGIC");
    }
    assert_null(said_hello(rude, NEVER_MS));
    assert_int_equal(MESSAGE_WELCOME, said_hello(polite, SOON_MS)->type);
    assert_int_equal(1, counted(desk, "SELECT count(*) FROM audit WHERE verb = 'quarantine'"));
}

static void
goes_on_when_a_frame_is_larger_than_any_may_be(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "large");
    CLEANUP(mem_free) char *large = mem_zalloc(2 << 20);

    assert_null(console_send(agent, large, 2 << 20, NEVER_MS));
    CLEANUP(console_destroy) struct console *other = newcomer(desk, PARTY_AGENT, "small");
    assert_int_equal(MESSAGE_WELCOME, said_hello(other, SOON_MS)->type);
}

/* ---- what is not theirs to say -------------------------------------------------------------- */

static void
lets_nobody_say_what_is_another_party_s(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "upstart");
    CLEANUP(console_destroy)
    struct console *viewer = newcomer(desk, PARTY_OPERATOR, "looks-on");
    struct message enrol = {.type = MESSAGE_ENROL}, ping = {.type = MESSAGE_PING};
    struct message welcome = {.type = MESSAGE_WELCOME};

    enrol.enrol.name = "friend-of-mine";
    assert_rejected(said(agent, &enrol, SOON_MS), "E-AUTH-TYPE");
    assert_rejected(said(agent, &welcome, SOON_MS), "E-AUTH-TYPE");
    assert_rejected(said(viewer, &ping, SOON_MS), "E-AUTH-TYPE");

    const struct message *answer = console_ask(viewer, &enrol, SOON_MS);
    assert_non_null(answer);
    assert_int_equal(MESSAGE_REFUSED, answer->type);
    assert_string_equal("E-AUTH-ROLE", answer->refused.fault.code);
    assert_int_equal(0, counted(desk, "SELECT count(*) FROM agent WHERE name = 'friend-of-mine'"));
}

static void
rejects_messages_for_another_cluster(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "lost");
    struct message ping = {.type = MESSAGE_PING, .cluster_id = id_random()};
    struct message agents = {.type = MESSAGE_AGENTS, .cluster_id = id_random()};

    assert_rejected(said(agent, &ping, SOON_MS), "E-PROTO-CLUSTER");
    agents.agents.request = id_random();
    const struct message *answer = console_ask(desk->admin, &agents, SOON_MS);
    assert_non_null(answer);
    assert_true(answer->type == MESSAGE_REJECT || answer->type == MESSAGE_REFUSED);
}

/* ---- sessions ------------------------------------------------------------------------------- */

static void
takes_nothing_from_a_session_it_does_not_know(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "early");
    struct message ping = {.type = MESSAGE_PING};
    struct message hello_again;

    const struct message *answer = said_hello(agent, SOON_MS);
    assert_int_equal(MESSAGE_WELCOME, answer->type);
    ping.cluster_id = answer->cluster_id;
    struct id first = answer->welcome.session;
    ping.ping.session = id_random();
    assert_int_equal(MESSAGE_BYE, said(agent, &ping, SOON_MS)->type);
    ping.ping.session = first;
    assert_int_equal(MESSAGE_PONG, said(agent, &ping, SOON_MS)->type);

    hello_again = *said_hello(agent, SOON_MS); /* a new session takes the place of the old one */
    assert_int_equal(MESSAGE_WELCOME, hello_again.type);
    assert_false(id_equal(&first, &hello_again.welcome.session));
    assert_int_equal(MESSAGE_BYE, said(agent, &ping, SOON_MS)->type);
    ping.ping.session = hello_again.welcome.session;
    assert_int_equal(MESSAGE_PONG, said(agent, &ping, SOON_MS)->type);
}

static void
knows_a_restart_by_its_sessions(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "patient");
    struct message ping = {.type = MESSAGE_PING};
    const struct message *answer = said_hello(agent, SOON_MS);

    assert_int_equal(MESSAGE_WELCOME, answer->type);
    uint64_t epoch = answer->welcome.token.epoch;
    ping.cluster_id = answer->cluster_id;
    ping.ping.session = answer->welcome.session;
    daemon_end(&desk->daemon, SIGKILL);
    daemon_begin(&desk->daemon);
    assert_int_equal(MESSAGE_BYE, said(agent, &ping, SOON_MS)->type);
    answer = said_hello(agent, SOON_MS);
    assert_int_equal(MESSAGE_WELCOME, answer->type);
    assert_true(answer->welcome.token.epoch > epoch);
}

/* ---- connections that say nothing ----------------------------------------------------------- */

static void
lets_agents_in_again_after_a_crowd_that_says_nothing(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "honest");
    struct rlimit limit, small;
    int crowd[300];

    /* A coordinator with few descriptors: as many connections as it can take, and more. */
    daemon_end(&desk->daemon, SIGTERM);
    CLEANUP(mem_free) char *config = mem_format("%s/coordinator.yaml", desk->daemon.folder);
    FILE *file = fopen(config, "a");
    fputs("limits: {agents: 10, operators: 10}\n", file);
    fclose(file);
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &limit));
    small = (struct rlimit){160, 160};
    assert_int_equal(0, prlimit(0, RLIMIT_NOFILE, &(struct rlimit){160, limit.rlim_max}, NULL));
    daemon_start(&desk->daemon, NULL);
    assert_int_equal(0, prlimit(desk->daemon.pid, RLIMIT_NOFILE, &small, NULL));
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
    assert_true(daemon_is_ready(&desk->daemon, SOON_MS));
    assert_int_equal(0, prlimit(desk->daemon.pid, RLIMIT_NOFILE, &small, NULL));

    for (size_t i = 0; i < 300; i++) {
        crowd[i] = intruder_connect(desk->daemon.ports[PARTY_AGENT]);
        assert_true(crowd[i] >= 0);
    }
    const struct message *answer = said_hello(agent, 20000);
    assert_non_null(answer);
    assert_int_equal(MESSAGE_WELCOME, answer->type);
    for (size_t i = 0; i < 300; i++) {
        close(crowd[i]);
    }
}

/* Ten thousand questions, and not one answer read: others are answered as ever. */
static void
is_not_held_up_by_an_operator_who_does_not_read(void **state)
{
    struct desk *desk = *state;
    struct message enrol = {.type = MESSAGE_ENROL}, view = {.type = MESSAGE_OPERATORS};
    struct key_pair pair;
    CLEANUP(text_release) struct text frame = {0};
    void *context = zmq_ctx_new(), *deaf = zmq_socket(context, ZMQ_DEALER);
    const int zero = 0, one = 1, small = 4096;
    char name[32];

    for (int i = 0; i < 40; i++) { /* so that an answer has some size */
        snprintf(name, sizeof name, "operator-%d", i);
        keys_generate(&pair);
        enrol.enrol = (struct enrol){.party = PARTY_OPERATOR, .name = name};
        memcpy(enrol.enrol.key.bytes, pair.public_key, KEY_SIZE);
        assert_int_equal(MESSAGE_DONE, asked(desk, &enrol)->type);
    }
    zmq_setsockopt(deaf, ZMQ_RCVHWM, &one, sizeof one);
    zmq_setsockopt(deaf, ZMQ_RCVBUF, &small, sizeof small);
    zmq_setsockopt(deaf, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(deaf, ZMQ_CURVE_PUBLICKEY, pair.public_key, KEYS_SIZE);
    zmq_setsockopt(deaf, ZMQ_CURVE_SECRETKEY, pair.secret_key, KEYS_SIZE);
    zmq_setsockopt(deaf, ZMQ_CURVE_SERVERKEY, desk->daemon.keys.public_key, KEYS_SIZE);
    zmq_connect(deaf, desk->daemon.endpoints[PARTY_OPERATOR]);
    view.operators.request = id_random();
    codec_encode(&view, &frame);
    for (int i = 0; i < 10000; i++) {
        assert_true(zmq_send(deaf, frame.data, frame.size, 0) >= 0);
    }
    long before_kib = daemon_resident_kib(&desk->daemon);
    for (int i = 0; i < 20; i++) {
        int64_t begun_ms = clock_now_ms();
        view.operators.request = id_random();
        assert_int_equal(MESSAGE_OPERATORS_VIEW, asked(desk, &view)->type);
        assert_true(clock_now_ms() - begun_ms < SOON_MS / 2);
    }
    assert_true(daemon_resident_kib(&desk->daemon) - before_kib < 64 * 1024);
    zmq_close(deaf);
    zmq_ctx_term(context);
}

/* ---- rights that end ------------------------------------------------------------------------ */

static void
refuses_a_removed_agent_with_its_very_next_message(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *agent = newcomer(desk, PARTY_AGENT, "leaves");
    struct message ping = {.type = MESSAGE_PING}, expel = {.type = MESSAGE_EXPEL};
    const struct message *answer = said_hello(agent, SOON_MS);

    assert_int_equal(MESSAGE_WELCOME, answer->type);
    ping.cluster_id = answer->cluster_id;
    ping.ping.session = answer->welcome.session;
    assert_int_equal(MESSAGE_PONG, said(agent, &ping, SOON_MS)->type);
    expel.expel.party = PARTY_AGENT;
    expel.expel.name = "leaves";
    assert_int_equal(MESSAGE_DONE, asked(desk, &expel)->type);
    int64_t begun_ms = clock_now_ms();
    do {
        answer = said(agent, &ping, SOON_MS); /* a BYE may be on its way */
        assert_non_null(answer);
        assert_int_not_equal(MESSAGE_PONG, answer->type);
    } while (answer->type != MESSAGE_REJECT && clock_now_ms() - begun_ms < SOON_MS);
    assert_rejected(answer, "E-AUTH-REVOKED");
    assert_true(clock_now_ms() - begun_ms < 1000);
}

static void
refuses_a_removed_operator_with_the_very_next_request(void **state)
{
    struct desk *desk = *state;
    CLEANUP(console_destroy) struct console *viewer = newcomer(desk, PARTY_OPERATOR, "retires");
    struct message expel = {.type = MESSAGE_EXPEL}, agents = {.type = MESSAGE_AGENTS};

    assert_int_equal(MESSAGE_AGENTS_VIEW, console_ask(viewer, &agents, SOON_MS)->type);
    expel.expel.party = PARTY_OPERATOR;
    expel.expel.name = "retires";
    assert_int_equal(MESSAGE_DONE, asked(desk, &expel)->type);
    agents.agents.request = id_random();
    assert_rejected(console_ask(viewer, &agents, SOON_MS), "E-AUTH-REVOKED");
    CLEANUP(mem_free) char *log = daemon_log(&desk->daemon);
    assert_null(strstr(log, "error"));
}

/* ---- bundles -------------------------------------------------------------------------------- */

static void
takes_no_bundle_that_is_not_what_its_digest_says(void **state)
{
    struct desk *desk = *state;
    static char content[300000];
    struct message put = {.type = MESSAGE_PUT}, offer = {.type = MESSAGE_OFFER};

    put.put.digest = digest_of("something else", 14);
    put.put.total = sizeof content;
    put.put.bytes = (struct bytes){content, CHUNK_SIZE_MAX};
    const struct message *answer = asked(desk, &put);
    assert_int_equal(MESSAGE_OFFERED, answer->type);
    assert_int_equal(CHUNK_SIZE_MAX, answer->offered.offset);
    assert_false(answer->offered.is_complete);

    put.put.request = id_random();
    put.put.offset = CHUNK_SIZE_MAX;
    put.put.bytes.size = sizeof content - CHUNK_SIZE_MAX;
    answer = asked(desk, &put);
    assert_int_equal(MESSAGE_REFUSED, answer->type);
    assert_string_equal("E-SIG-DIGEST", answer->refused.fault.code);
    assert_int_equal(0, counted(desk, "SELECT count(*) FROM piece"));

    offer.offer.digest = put.put.digest;
    offer.offer.service = "auth";
    offer.offer.size = sizeof content;
    answer = asked(desk, &offer);
    assert_int_equal(MESSAGE_OFFERED, answer->type);
    assert_int_equal(0, answer->offered.offset);

    CLEANUP(console_destroy)
    struct console *viewer = newcomer(desk, PARTY_OPERATOR, "may-not-upload");
    put.put.request = id_random();
    put.put.offset = 0;
    answer = console_ask(viewer, &put, SOON_MS);
    assert_int_equal(MESSAGE_REFUSED, answer->type);
    assert_string_equal("E-AUTH-ROLE", answer->refused.fault.code);
    assert_int_equal(0, counted(desk, "SELECT count(*) FROM piece"));
}

#define AT_THE_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        AT_THE_DESK(rejects_what_is_no_message_and_says_why),
        AT_THE_DESK(rejects_deep_and_wide_frames_before_it_makes_room_for_them),
        AT_THE_DESK(quarantines_an_agent_that_talks_nonsense),
        AT_THE_DESK(goes_on_when_a_frame_is_larger_than_any_may_be),
        AT_THE_DESK(lets_nobody_say_what_is_another_party_s),
        AT_THE_DESK(rejects_messages_for_another_cluster),
        AT_THE_DESK(takes_nothing_from_a_session_it_does_not_know),
        AT_THE_DESK(knows_a_restart_by_its_sessions),
        AT_THE_DESK(lets_agents_in_again_after_a_crowd_that_says_nothing),
        AT_THE_DESK(is_not_held_up_by_an_operator_who_does_not_read),
        AT_THE_DESK(refuses_a_removed_agent_with_its_very_next_message),
        AT_THE_DESK(refuses_a_removed_operator_with_the_very_next_request),
        AT_THE_DESK(takes_no_bundle_that_is_not_what_its_digest_says),
    };
    return RUN_TESTS(tests);
}
