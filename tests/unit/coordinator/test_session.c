#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/session.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

static struct message
hello(void)
{
    struct message message = {.type = MESSAGE_HELLO};

    message.hello = (struct hello){
        .version_min = 1, .version_max = 1, .software = "0.1.0", .boot_id = desk_id(77)};
    return message;
}

static const char *
rejected(const struct desk *desk)
{
    const struct message *reject = desk_last(desk, MESSAGE_REJECT);
    return reject ? reject->reject.fault.code : "";
}

static void
a_hello_is_welcomed_with_a_lease_of_three_heartbeats(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);

    desk_hear(desk, 0, hello());

    const struct message *message = desk_last(desk, MESSAGE_WELCOME);
    assert_non_null(message);
    assert_int_equal(message->welcome.version, PROTO_VERSION);
    assert_int_equal(message->welcome.heartbeat_ms, 5000);
    assert_int_equal(message->welcome.lease_ms, 15000);
    assert_int_equal(message->welcome.token.epoch, 1);
    assert_true(id_equal(&message->cluster_id, &desk->config.cluster_id));
    assert_int_equal(desk->save_count - 4, 0);
}

static void
a_ping_is_answered_with_its_number(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    struct message message = {.type = MESSAGE_PING};
    message.ping.sequence = 17;
    desk_hear(desk, 0, message);

    assert_int_equal(desk_last(desk, MESSAGE_PONG)->pong.sequence, 17);
}

static void
heartbeats_become_rarer_with_many_agents(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);

    for (unsigned i = 0; i < 5000; i++) {
        char name[16];
        struct record record = {.kind = RECORD_AGENT};
        snprintf(name, sizeof name, "many-%u", i);
        record.agent = (struct agent_record){name, desk_key(10000 + i), true, 1};
        core_load(desk->core, &record);
    }
    desk_hello(desk, 0);

    assert_int_equal(desk_last(desk, MESSAGE_WELCOME)->welcome.heartbeat_ms, 20004);
}

static void
an_unknown_key_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct message message = hello();
    desk_forget(desk);

    desk_event(desk,
               (struct event){.kind = EVENT_AGENT, .key = desk_key(999), .message = &message});

    assert_string_equal(rejected(desk), "E-AUTH-REVOKED");
    assert_null(desk_last(desk, MESSAGE_WELCOME));
    assert_int_equal(desk->save_count, 0);
}

static void
a_message_before_hello_is_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);

    desk_hear(desk, 0, (struct message){.type = MESSAGE_PING});

    assert_string_equal(rejected(desk), "E-PROTO-STATE");
}

static void
a_message_of_an_old_session_is_sent_away(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    struct id old = desk->agents[0].session;
    desk_hello(desk, 0);
    desk_forget(desk);

    struct message message = {.type = MESSAGE_PING};
    message.ping.session = old;
    desk_hear(desk, 0, message);

    const struct message *bye = desk_last(desk, MESSAGE_BYE);
    assert_non_null(bye);
    assert_true(id_equal(&bye->bye.session, &old));
    assert_null(desk_last(desk, MESSAGE_PONG));
}

static void
a_bye_of_an_old_session_is_not_answered(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    desk_forget(desk);

    struct message message = {.type = MESSAGE_BYE};
    message.bye.session = desk_id(3);
    desk_hear(desk, 0, message);

    assert_int_equal(desk->said_count, 0);
}

static void
the_same_session_by_another_connection_is_sent_away(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    desk->agents[0].route = 99;
    desk_hear(desk, 0, (struct message){.type = MESSAGE_PING});

    assert_non_null(desk_last(desk, MESSAGE_BYE));
}

static void
a_second_session_of_a_key_replaces_the_first_and_is_written_down(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    desk->agents[0].route = 99;
    desk_hear(desk, 0, hello());

    assert_true(desk_has_audit(desk, "session replaced", "a0"));
    assert_int_equal(desk_count(desk, MESSAGE_WELCOME), 2);
}

/* A HELLO of one of several processes, each with a connection and an id of its own. */
static void
greet(struct desk *desk, unsigned process)
{
    struct message message = hello();

    message.hello.boot_id = desk_id(5000 + process);
    desk->agents[0].route = 100 + process;
    desk_hear(desk, 0, message);
}

static void
two_processes_with_one_key_are_shut_out_until_one_is_gone(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);

    for (unsigned i = 0; i <= TWIN_SWAPS_MAX + 1; i++) {
        assert_string_equal(rejected(desk), "");
        greet(desk, i % 2);
    }
    assert_string_equal(rejected(desk), "E-AGENT-TWIN");
    assert_non_null(desk_last(desk, MESSAGE_BYE));
    assert_true(desk_has_audit(desk, "quarantine", "a0"));
    const struct message *view =
        desk_ask(desk, DESK_VIEWER, (struct message){.type = MESSAGE_AGENTS});
    assert_string_equal(view->agents_view.rows[0].fault.code, "E-AGENT-TWIN");
    assert_false(view->agents_view.rows[0].is_connected);

    desk_forget(desk);
    greet(desk, 0);
    assert_string_equal(rejected(desk), "E-AGENT-TWIN");
    desk->agents[0].is_up = false;
    desk_pass(desk, QUARANTINE_MS);
    greet(desk, 0);
    assert_non_null(desk_last(desk, MESSAGE_WELCOME));
    view = desk_ask(desk, DESK_VIEWER, (struct message){.type = MESSAGE_AGENTS});
    assert_null(view->agents_view.rows[0].fault.code);
}

static void
a_process_that_is_started_over_and_over_is_no_twin(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);

    for (unsigned i = 0; i < 20; i++) {
        greet(desk, i);
        desk_pass(desk, 1000);
    }
    assert_int_equal(desk_count(desk, MESSAGE_WELCOME), 20);
    for (unsigned i = 0; i < 10; i++) { /* and who changes seldom enough is not shut out either */
        greet(desk, 100 + i % 2);
        desk_pass(desk, 40000);
    }
    assert_false(desk_has_audit(desk, "quarantine", NULL));
}

static void
silence_ends_a_session_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    desk->agents[0].is_up = false;

    desk_pass(desk, 15000);
    assert_true(desk_has_trace(desk, "session a0 silent"));
    desk_forget(desk);

    desk_hear(desk, 0, (struct message){.type = MESSAGE_PING});
    assert_non_null(desk_last(desk, MESSAGE_BYE));
    assert_int_equal(desk->save_count, 0);
}

static void
pings_keep_a_session(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    desk_pass(desk, 60000);

    assert_false(desk_has_trace(desk, "silent"));
}

static void
an_agent_that_leaves_is_gone_at_once(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    desk_hear(desk, 0, (struct message){.type = MESSAGE_BYE});

    assert_true(desk_has_trace(desk, "session a0 absent"));
}

static void
a_lost_connection_ends_the_session_it_carried(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);
    desk_hello(desk, 0);
    desk_hello(desk, 1);

    desk_event(desk,
               (struct event){.kind = EVENT_UNSENT, .key = desk_agent_key(0), .route = {12345}});
    assert_false(desk_has_trace(desk, "absent"));
    desk_event(desk, (struct event){.kind = EVENT_UNSENT, .route = {desk->agents[1].route}});
    assert_true(desk_has_trace(desk, "session a1 absent"));
    desk_event(desk, (struct event){.kind = EVENT_UNSENT, .route = {4711}});
}

static void
too_many_hellos_in_a_second_wait(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct message message = hello();

    for (unsigned i = 0; i < HELLO_RATE_MAX + 5; i++) {
        char name[16];
        struct record record = {.kind = RECORD_AGENT};
        snprintf(name, sizeof name, "many-%u", i);
        record.agent = (struct agent_record){name, desk_key(10000 + i), true, 1};
        core_load(desk->core, &record);
        desk_event(desk, (struct event){.kind = EVENT_AGENT,
                                        .key = desk_key(10000 + i),
                                        .route = {100 + i},
                                        .message = &message});
    }
    assert_int_equal(desk_count(desk, MESSAGE_WELCOME), HELLO_RATE_MAX);
    assert_int_equal(desk_count(desk, MESSAGE_WAIT), 5);
    assert_in_range(desk_last(desk, MESSAGE_WAIT)->wait.retry_after_ms, 250, 1250);

    desk_pass(desk, 1000);
    desk_hear(desk, 0, hello());
    assert_int_equal(desk_count(desk, MESSAGE_WELCOME), HELLO_RATE_MAX + 1);
}

static void
one_agent_cannot_say_hello_for_all(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);

    for (int i = 0; i < HELLO_RATE_MAX + 5; i++) {
        desk_hear(desk, 0, hello());
    }
    assert_int_equal(desk_count(desk, MESSAGE_WELCOME), HELLO_RATE_OF_ONE_MAX);

    desk_hear(desk, 1, hello());
    assert_int_equal(desk_count(desk, MESSAGE_WELCOME), HELLO_RATE_OF_ONE_MAX + 1);
}

static void
versions_and_tokens_must_fit(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct message message = hello();

    message.hello.version_min = 2;
    message.hello.version_max = 3;
    desk_hear(desk, 0, message);
    assert_string_equal(rejected(desk), "E-PROTO-VERSION");

    message = hello();
    message.hello.token_seen = (struct token){5, desk_id(8)};
    desk_hear(desk, 0, message);
    assert_string_equal(rejected(desk), "E-FENCED");

    message.hello.token_seen = (struct token){1, desk_id(8)};
    desk_hear(desk, 0, message);
    assert_string_equal(rejected(desk), "E-EPOCH-COLLISION");

    assert_true(desk_has_audit(desk, "hello refused", "a0"));
    assert_null(desk_last(desk, MESSAGE_WELCOME));
}

static void
a_message_for_another_cluster_is_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    struct message message = {.type = MESSAGE_PING, .cluster_id = desk_id(9)};
    desk_hear(desk, 0, message);

    assert_string_equal(rejected(desk), "E-PROTO-CLUSTER");
}

static void
an_agent_may_not_say_what_operators_say(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    struct message message = {.type = MESSAGE_APPLY, .cluster_id = desk->config.cluster_id};

    desk_hear(desk, 0, message);

    assert_string_equal(rejected(desk), "E-PROTO-STATE");
}

static void
malformed_frames_shut_a_key_out_for_a_minute(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct error error;
    struct event event = {
        .kind = EVENT_MALFORMED, .key = desk_agent_key(0), .route = {1}, .error = &error};
    error_set(&error, "E-PROTO-DECODE", "a float");
    desk_hello(desk, 0);

    for (int i = 0; i < MALFORMED_MAX; i++) {
        desk_event(desk, event);
    }
    assert_int_equal(desk_count(desk, MESSAGE_REJECT), MALFORMED_MAX);
    assert_true(desk_has_audit(desk, "quarantine", "a0"));

    desk_forget(desk);
    desk_event(desk, event);
    desk_hear(desk, 0, hello());
    assert_int_equal(desk->said_count, 0);

    desk->agents[0].is_up = false;
    desk_pass(desk, QUARANTINE_MS);
    desk_hear(desk, 0, hello());
    assert_non_null(desk_last(desk, MESSAGE_WELCOME));
}

static void
malformed_frames_that_are_rare_are_only_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct error error;
    error_set(&error, "E-PROTO-DECODE", "a float");
    desk_hello(desk, 0);

    for (int i = 0; i < 20; i++) {
        desk_event(desk, (struct event){.kind = EVENT_MALFORMED,
                                        .key = desk_agent_key(0),
                                        .route = {1},
                                        .error = &error});
        desk_pass(desk, 20000);
    }
    desk_event(desk,
               (struct event){.kind = EVENT_MALFORMED, .key = desk_key(4242), .error = &error});
    assert_false(desk_has_audit(desk, "quarantine", NULL));
}

static void
a_fetch_is_answered_with_the_bundle(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    desk_forget(desk);

    struct message message = {.type = MESSAGE_FETCH};
    message.fetch.digest.bytes[0] = 9;
    message.fetch.offset = 262144;
    desk_hear(desk, 0, message);

    assert_int_equal(desk->other_count, 1);
    assert_int_equal(desk->others[0].kind, ACTION_SEND_CHUNK);
    assert_int_equal(desk->others[0].digest.bytes[0], 9);
    assert_int_equal(desk->others[0].offset, 262144);
    assert_int_equal(desk->others[0].route.number, desk->agents[0].route);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_welcomed_with_a_lease_of_three_heartbeats),
        cmocka_unit_test(a_ping_is_answered_with_its_number),
        cmocka_unit_test(heartbeats_become_rarer_with_many_agents),
        cmocka_unit_test(an_unknown_key_changes_nothing),
        cmocka_unit_test(a_message_before_hello_is_refused),
        cmocka_unit_test(a_message_of_an_old_session_is_sent_away),
        cmocka_unit_test(a_bye_of_an_old_session_is_not_answered),
        cmocka_unit_test(the_same_session_by_another_connection_is_sent_away),
        cmocka_unit_test(a_second_session_of_a_key_replaces_the_first_and_is_written_down),
        cmocka_unit_test(two_processes_with_one_key_are_shut_out_until_one_is_gone),
        cmocka_unit_test(a_process_that_is_started_over_and_over_is_no_twin),
        cmocka_unit_test(silence_ends_a_session_and_nothing_else),
        cmocka_unit_test(pings_keep_a_session),
        cmocka_unit_test(an_agent_that_leaves_is_gone_at_once),
        cmocka_unit_test(a_lost_connection_ends_the_session_it_carried),
        cmocka_unit_test(too_many_hellos_in_a_second_wait),
        cmocka_unit_test(one_agent_cannot_say_hello_for_all),
        cmocka_unit_test(versions_and_tokens_must_fit),
        cmocka_unit_test(a_message_for_another_cluster_is_refused),
        cmocka_unit_test(an_agent_may_not_say_what_operators_say),
        cmocka_unit_test(malformed_frames_shut_a_key_out_for_a_minute),
        cmocka_unit_test(malformed_frames_that_are_rare_are_only_refused),
        cmocka_unit_test(a_fetch_is_answered_with_the_bundle),
    };
    return RUN_TESTS(tests);
}
