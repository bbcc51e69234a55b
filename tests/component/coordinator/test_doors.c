/*
 * The gate and the doors against clients that mean no good: everything goes over real sockets.
 */
#include "coordinator/shell/doors.h"

#include <czmq.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/text.h"

#include "tests/support/intruder.h"
#include "tests/support/unit.h"

#define SOON_MS 5000 /* within this what must happen happens */
#define NEVER_MS 400 /* and what has not happened by then is held not to */

/* ---- a house with two doors ----------------------------------------------------------------- */

struct house {
    struct gate *gate;
    struct doors *doors;
    struct key_pair keys, friend;
    struct key friend_key;
};

static struct key
key_of(const struct key_pair *pair)
{
    struct key key;

    memcpy(key.bytes, pair->public_key, KEY_SIZE);
    return key;
}

static int
build(void **state)
{
    struct house *house = mem_zalloc(sizeof *house);
    const struct doors_options options = {.endpoints = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:*"},
                                          .keys = &house->keys};
    struct error error;

    zsys_handler_set(NULL);
    keys_generate(&house->keys);
    keys_generate(&house->friend);
    house->friend_key = key_of(&house->friend);
    if (!gate_open(&house->gate, &error) ||
        !doors_open(&options, house->gate, &house->doors, &error)) {
        fail_msg("%s: %s", error.code, error.text);
    }
    assert_int_equal(gate_refused_count(house->gate), 0); /* the strangers of the proof */
    gate_admit(house->gate, PARTY_AGENT, &house->friend_key);
    *state = house;
    return 0;
}

static int
tear_down(void **state)
{
    struct house *house = *state;

    doors_close(&house->doors);
    gate_close(&house->gate);
    free(house);
    return 0;
}

static int
port_of(const struct house *house, enum party party)
{
    return atoi(strrchr(doors_endpoint(house->doors, party), ':') + 1);
}

/* A libzmq client with these keys; null: without CURVE. */
static zsock_t *
client_of(const struct house *house, enum party party, const struct key_pair *keys)
{
    zsock_t *client = zsock_new(ZMQ_DEALER);
    void *raw = zsock_resolve(client);

    zsock_set_linger(client, 0);
    if (keys) {
        zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, keys->public_key, KEYS_SIZE);
        zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, keys->secret_key, KEYS_SIZE);
        zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, house->keys.public_key, KEYS_SIZE);
    }
    zsock_connect(client, "%s", doors_endpoint(house->doors, party));
    return client;
}

/* The next frame within wait_ms. */
static bool
hears(struct house *house, enum party party, struct frame *frame, int wait_ms)
{
    int64_t until_ms = clock_now_ms() + wait_ms;

    for (int64_t left_ms = wait_ms; left_ms > 0; left_ms = until_ms - clock_now_ms()) {
        zmq_pollitem_t item = {.socket = doors_socket(house->doors, party), .events = ZMQ_POLLIN};
        if (doors_receive(house->doors, party, frame)) {
            return true;
        }
        zmq_poll(&item, 1, left_ms);
    }
    return false;
}

static bool
is_text(const struct frame *frame, const char *text)
{
    return frame->size == strlen(text) && memcmp(frame->data, text, frame->size) == 0;
}

/* Whoever else tried before: the friend is heard now. */
static void
assert_friend_is_heard(struct house *house)
{
    struct frame frame;
    zsock_t *client = client_of(house, PARTY_AGENT, &house->friend);

    zstr_send(client, "it is me");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    assert_true(is_text(&frame, "it is me"));
    assert_memory_equal(&frame.key, &house->friend_key, sizeof frame.key);
    zsock_destroy(&client);
}

/* ---- friends -------------------------------------------------------------------------------- */

static void
names_a_friend_by_the_key_and_answers_by_the_route(void **state)
{
    struct house *house = *state;
    struct frame frame;
    zsock_t *client = client_of(house, PARTY_AGENT, &house->friend);

    zstr_send(client, "good morning");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    assert_true(is_text(&frame, "good morning"));
    assert_memory_equal(&frame.key, &house->friend_key, sizeof frame.key);
    assert_true(gate_allows(house->gate, PARTY_AGENT, &frame.key));

    assert_int_equal(DOORS_SENT,
                     doors_send(house->doors, PARTY_AGENT, frame.route, "good evening", 12));
    zsock_set_rcvtimeo(client, SOON_MS);
    char *answer = zstr_recv(client);
    assert_string_equal("good evening", answer);
    zstr_free(&answer);
    zsock_destroy(&client);
}

static void
says_when_a_connection_is_gone_and_when_it_does_not_read(void **state)
{
    struct house *house = *state;
    static char page[65536];
    struct frame frame;
    struct route route;
    enum doors_sent sent = DOORS_SENT;
    zsock_t *client = client_of(house, PARTY_AGENT, &house->friend);

    zstr_send(client, "x");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    route = frame.route;
    for (int i = 0; i < 20000 && sent == DOORS_SENT; i++) {
        sent = doors_send(house->doors, PARTY_AGENT, route, page, sizeof page);
    }
    assert_int_equal(DOORS_FULL, sent);
    zsock_destroy(&client);
    int64_t until_ms = clock_now_ms() + SOON_MS;
    while (sent != DOORS_GONE && clock_now_ms() < until_ms) {
        assert_false(hears(house, PARTY_AGENT, &frame, 5)); /* libzmq notices while it looks */
        sent = doors_send(house->doors, PARTY_AGENT, route, "x", 1);
    }
    assert_int_equal(DOORS_GONE, sent);
    route.number += 1;
    assert_int_equal(DOORS_GONE, doors_send(house->doors, PARTY_AGENT, route, "x", 1));
}

/* ---- strangers ------------------------------------------------------------------------------ */

static void
refuses_a_key_that_nobody_enrolled(void **state)
{
    struct house *house = *state;
    struct key_pair stranger;
    struct frame frame;

    keys_generate(&stranger);
    uint64_t before = gate_refused_count(house->gate);
    zsock_t *client = client_of(house, PARTY_AGENT, &stranger);
    zstr_send(client, "let me in");
    assert_false(hears(house, PARTY_AGENT, &frame, NEVER_MS));
    assert_true(gate_refused_count(house->gate) > before);
    assert_friend_is_heard(house);
    zsock_destroy(&client);
}

static void
refuses_an_agent_at_the_door_of_the_operators(void **state)
{
    struct house *house = *state;
    struct frame frame;
    zsock_t *client = client_of(house, PARTY_OPERATOR, &house->friend);

    zstr_send(client, "I am an operator");
    assert_false(hears(house, PARTY_OPERATOR, &frame, NEVER_MS));
    assert_friend_is_heard(house);
    zsock_destroy(&client);
}

static void
refuses_other_mechanisms(void **state)
{
    struct house *house = *state;
    struct frame frame;
    zsock_t *null = client_of(house, PARTY_AGENT, NULL), *plain = zsock_new(ZMQ_DEALER);

    zstr_send(null, "no mechanism at all");
    zsock_set_linger(plain, 0);
    zsock_set_plain_username(plain, "admin");
    zsock_set_plain_password(plain, "admin");
    zsock_connect(plain, "%s", doors_endpoint(house->doors, PARTY_AGENT));
    zstr_send(plain, "a password");
    assert_false(hears(house, PARTY_AGENT, &frame, NEVER_MS));
    assert_friend_is_heard(house);
    zsock_destroy(&null);
    zsock_destroy(&plain);
}

static void
refuses_keys_that_are_no_points_of_the_curve_worth_the_name(void **state)
{
    struct house *house = *state;
    struct key_pair zero = {{0}, {0}}, one = {{1}, {0}};
    struct intruder intruder;

    assert_false(intruder_enter(&intruder, port_of(house, PARTY_AGENT), house->keys.public_key,
                                &zero, NULL, 0));
    close(intruder.connection);
    assert_false(intruder_enter(&intruder, port_of(house, PARTY_AGENT), house->keys.public_key,
                                &one, NULL, 0));
    close(intruder.connection);
    assert_friend_is_heard(house);
}

static void
believes_the_key_and_nothing_that_a_client_claims(void **state)
{
    struct house *house = *state;
    struct key_pair other;
    struct intruder intruder;
    struct frame frame;
    char victim[GATE_USER_SIZE];

    keys_generate(&other);
    struct key other_key = key_of(&other);
    gate_admit(house->gate, PARTY_AGENT, &other_key);
    text_hex(house->friend_key.bytes, KEY_SIZE, victim);
    const struct intruder_claim claims[] = {
        {"User-Id", victim}, {"Peer-Address", "10.0.0.1"}, {"name", "admin"}, {"Identity", ""}};
    assert_true(intruder_enter(&intruder, port_of(house, PARTY_AGENT), house->keys.public_key,
                               &other, claims, 4));
    intruder_say(&intruder, "I am your friend");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    assert_true(is_text(&frame, "I am your friend"));
    assert_memory_equal(&frame.key, &other_key, sizeof frame.key);
    close(intruder.connection);
}

static void
does_not_listen_to_who_chose_a_routing_id(void **state)
{
    struct house *house = *state;
    struct key_pair other;
    struct frame frame;

    keys_generate(&other);
    struct key other_key = key_of(&other);
    gate_admit(house->gate, PARTY_AGENT, &other_key);
    zsock_t *client = zsock_new(ZMQ_DEALER);
    void *raw = zsock_resolve(client);
    zsock_set_linger(client, 0);
    zsock_set_identity(client, "agent-1");
    zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, other.public_key, KEYS_SIZE);
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, other.secret_key, KEYS_SIZE);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, house->keys.public_key, KEYS_SIZE);
    zsock_connect(client, "%s", doors_endpoint(house->doors, PARTY_AGENT));
    zstr_send(client, "call me agent-1");
    assert_false(hears(house, PARTY_AGENT, &frame, NEVER_MS));
    assert_friend_is_heard(house);
    zsock_destroy(&client);
}

static void
takes_no_message_of_several_parts(void **state)
{
    struct house *house = *state;
    struct frame frame;
    zsock_t *client = client_of(house, PARTY_AGENT, &house->friend);

    zstr_sendx(client, "one", "two", "three", NULL);
    zstr_sendx(client, "", "after an empty part", NULL);
    zstr_send(client, "a single one");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    assert_true(is_text(&frame, "a single one"));
    zsock_destroy(&client);
}

static void
cuts_off_who_sends_more_than_a_frame_may_have(void **state)
{
    struct house *house = *state;
    CLEANUP(mem_free) char *large = mem_zalloc(2 << 20);
    struct frame frame;
    zsock_t *client = client_of(house, PARTY_AGENT, &house->friend);

    zstr_send(client, "hello");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    zmq_send(zsock_resolve(client), large, 2 << 20, 0);
    assert_false(hears(house, PARTY_AGENT, &frame, NEVER_MS));
    zsock_destroy(&client);
    assert_friend_is_heard(house);
}

static void
survives_rubbish_on_the_wire(void **state)
{
    struct house *house = *state;
    struct random random = random_seeded(11);
    static const char version_1[] = "\x01\x00\x03\x00xyz",
                      version_2[] = "\xff\0\0\0\0\0\0\0\1\x7f\1\5";
    int connections[60];
    char rubbish[512];

    for (size_t i = 0; i < 60; i++) {
        connections[i] = intruder_connect(port_of(house, i % 2 ? PARTY_AGENT : PARTY_OPERATOR));
        assert_true(connections[i] >= 0);
        for (size_t k = 0; k < sizeof rubbish; k++) {
            rubbish[k] = (char)random_next(&random);
        }
        switch (i % 6) {
        case 0:
            (void)send(connections[i], rubbish, sizeof rubbish, MSG_NOSIGNAL);
            break;
        case 1:
            (void)send(connections[i], version_1, sizeof version_1 - 1, MSG_NOSIGNAL);
            break;
        case 2:
            (void)send(connections[i], version_2, sizeof version_2 - 1, MSG_NOSIGNAL);
            break;
        case 3: /* a good greeting, then a command that claims an exabyte */
            (void)intruder_greet(connections[i], "CURVE");
            (void)send(connections[i], "\x06\x10\0\0\0\0\0\0\0\5HELLO", 15, MSG_NOSIGNAL);
            break;
        case 4:
            (void)intruder_greet(connections[i], "CURVE");
            (void)send(connections[i], rubbish, sizeof rubbish, MSG_NOSIGNAL);
            break;
        default:
            break; /* silent: cut off by the handshake's time limit */
        }
    }
    assert_friend_is_heard(house);
    for (size_t i = 0; i < 60; i++) {
        assert_true(intruder_is_cut_off(connections[i], 15000));
        close(connections[i]);
    }
    assert_friend_is_heard(house);
}

/* ---- rights that end ------------------------------------------------------------------------ */

static void
allows_nothing_any_more_with_the_very_next_message(void **state)
{
    struct house *house = *state;
    struct frame frame;
    zsock_t *client = client_of(house, PARTY_AGENT, &house->friend);

    zstr_send(client, "before");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    assert_true(gate_allows(house->gate, PARTY_AGENT, &frame.key));
    gate_expel(house->gate, PARTY_AGENT, &house->friend_key);
    zstr_send(client, "after");
    assert_true(hears(house, PARTY_AGENT, &frame, SOON_MS));
    assert_false(gate_allows(house->gate, PARTY_AGENT, &frame.key));

    zsock_t *again = client_of(house, PARTY_AGENT, &house->friend);
    zstr_send(again, "a new connection");
    assert_false(hears(house, PARTY_AGENT, &frame, NEVER_MS));
    gate_admit(house->gate, PARTY_AGENT, &house->friend_key);
    zsock_destroy(&again);
    assert_friend_is_heard(house);
    zsock_destroy(&client);
}

static void
slows_down_a_key_that_connects_without_end(void **state)
{
    struct house *house = *state;
    struct key_pair eager;
    struct intruder intruder;
    int let_in = 0;

    keys_generate(&eager);
    struct key eager_key = key_of(&eager);
    gate_admit(house->gate, PARTY_AGENT, &eager_key);
    int64_t begun_ms = clock_now_ms();
    for (int i = 0; i < 60; i++) {
        let_in += intruder_enter(&intruder, port_of(house, PARTY_AGENT), house->keys.public_key,
                                 &eager, NULL, 0);
        close(intruder.connection);
    }
    assert_in_range(let_in, 20, 21 + (clock_now_ms() - begun_ms) / 1000);
    assert_friend_is_heard(house);
}

/* ---- the house itself ----------------------------------------------------------------------- */

static void
does_not_open_when_strangers_get_in(void **state)
{
    struct house *house = *state;
    struct doors *doors = NULL;
    const struct doors_options options = {.endpoints = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:*"},
                                          .keys = &house->keys};
    struct error error;

#ifndef SKEIN_TESTING
    print_message("skipped: this build has no failpoints\n");
    skip();
#endif
    setenv("SKEIN_FAILPOINT", "doors-proof:1:fail", 1);
    assert_false(doors_open(&options, house->gate, &doors, &error));
    unsetenv("SKEIN_FAILPOINT");
    assert_string_equal(error.code, "E-GATE-OPEN");
    assert_null(doors);
}

/* The strangers of the proof may be refused before they have said anything. */
static void
opens_however_slowly_it_proves_itself(void **state)
{
    struct house *house = *state;
    const struct doors_options options = {.endpoints = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:*"},
                                          .keys = &house->keys};
    struct error error;

    setenv("SKEIN_FAILPOINT", "doors-knock:0:pause:2", 1);
    for (int i = 0; i < 25; i++) {
        CLEANUP(doors_close) struct doors *doors = NULL;
        assert_true(doors_open(&options, house->gate, &doors, &error));
    }
    unsetenv("SKEIN_FAILPOINT");
}

static void
does_not_open_where_somebody_listens_already(void **state)
{
    struct house *house = *state;
    struct doors *doors = NULL;
    const struct doors_options options = {
        .endpoints = {"tcp://127.0.0.1:*", doors_endpoint(house->doors, PARTY_AGENT)},
        .keys = &house->keys};
    struct error error;

    assert_false(doors_open(&options, house->gate, &doors, &error));
    assert_string_equal(error.code, "E-LISTEN");
    assert_string_equal(error.where, doors_endpoint(house->doors, PARTY_AGENT));
}

static void
has_one_gate_and_no_second(void **state)
{
    struct gate *second = NULL;
    struct error error;
    (void)state;

    assert_false(gate_open(&second, &error));
    assert_string_equal(error.code, "E-GATE");
    assert_null(second);
}

#define IN_A_HOUSE(test) cmocka_unit_test_setup_teardown(test, build, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_HOUSE(names_a_friend_by_the_key_and_answers_by_the_route),
        IN_A_HOUSE(says_when_a_connection_is_gone_and_when_it_does_not_read),
        IN_A_HOUSE(refuses_a_key_that_nobody_enrolled),
        IN_A_HOUSE(refuses_an_agent_at_the_door_of_the_operators),
        IN_A_HOUSE(refuses_other_mechanisms),
        IN_A_HOUSE(refuses_keys_that_are_no_points_of_the_curve_worth_the_name),
        IN_A_HOUSE(believes_the_key_and_nothing_that_a_client_claims),
        IN_A_HOUSE(does_not_listen_to_who_chose_a_routing_id),
        IN_A_HOUSE(takes_no_message_of_several_parts),
        IN_A_HOUSE(cuts_off_who_sends_more_than_a_frame_may_have),
        IN_A_HOUSE(survives_rubbish_on_the_wire),
        IN_A_HOUSE(allows_nothing_any_more_with_the_very_next_message),
        IN_A_HOUSE(slows_down_a_key_that_connects_without_end),
        IN_A_HOUSE(does_not_open_when_strangers_get_in),
        IN_A_HOUSE(opens_however_slowly_it_proves_itself),
        IN_A_HOUSE(does_not_open_where_somebody_listens_already),
        IN_A_HOUSE(has_one_gate_and_no_second),
    };
    return RUN_TESTS(tests);
}
