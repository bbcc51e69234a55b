#include "agent/core/core.h"
#include "tests/support/unit.h"
#include "tests/unit/agent/bench.h"

#include <string.h>

#include "common/base/mem.h"

static void
link_up(struct bench *bench)
{
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
}

static void
link_down(struct bench *bench)
{
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
}

static void
says_hello_as_soon_as_the_link_is_up(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    link_up(bench);

    const struct hello *hello = &bench_said(bench, MESSAGE_HELLO)->hello;
    struct id boot_id = bench_id(90002);
    assert_int_equal(hello->version_max, PROTO_VERSION);
    assert_true(id_equal(&hello->boot_id, &boot_id));
    assert_int_equal(hello->token_seen.epoch, 0);
}

static void
makes_the_connection_anew_when_hello_stays_unanswered(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    link_up(bench);
    bench_pass(bench, 4999);
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 0);
    bench_pass(bench, 1);

    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 1);
}

static void
waits_as_long_as_it_is_told_to_and_a_little_more(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    link_up(bench);
    bench_hear(bench, (struct message){.type = MESSAGE_WAIT, .wait = {.retry_after_ms = 8000}});
    bench_pass(bench, 7999);
    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 0);
    bench_pass(bench, 2002);

    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 1);
}

static void
is_put_off_for_ten_minutes_at_most(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    link_up(bench);
    bench_hear(bench,
               (struct message){.type = MESSAGE_WAIT, .wait = {.retry_after_ms = UINT64_MAX}});
    bench_pass(bench, 600000 * 5 / 4 + 1);

    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 1);
}

static void
examines_and_reports_its_targets_when_it_is_welcome(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(2);

    link_up(bench);
    bench_welcome(bench, 100);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 2);
    bench_examined(bench, 1, NULL);

    const struct message *message = bench_said(bench, MESSAGE_TARGET);
    assert_string_equal(message->target.name, "t1");
    assert_string_equal(message->target.service, "auth");
    assert_true(id_equal(&message->target.session, &bench->session));
    assert_true(id_equal(&message->cluster_id, &bench->cluster_id));
}

static void
reports_known_targets_at_once_in_a_new_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    link_down(bench);
    link_up(bench);
    bench_welcome(bench, 101);

    assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 1);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 0);
}

static void
looks_again_in_a_new_session_when_its_report_is_old(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    link_down(bench);
    bench->now_ms += 60000;
    link_up(bench);
    bench_welcome(bench, 101);

    assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 1);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
}

static void
pings_every_heartbeat_give_or_take_a_fifth(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    uint64_t sequence = 0;

    bench_live(bench);
    for (int i = 0; i < 100; i++) {
        int64_t before_ms = bench->now_ms;
        bench_pass_until(bench, MESSAGE_PING);
        int64_t pause_ms = bench->now_ms - before_ms;

        assert_in_range(pause_ms, BENCH_HEARTBEAT_MS * 4 / 5, BENCH_HEARTBEAT_MS * 6 / 5);
        assert_int_equal(bench_said(bench, MESSAGE_PING)->ping.sequence, ++sequence);
        bench_pong(bench);
    }
}

static void
counts_the_lease_from_the_moment_the_answered_ping_was_sent(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_pass_until(bench, MESSAGE_PING);
    int64_t sent_ms = bench->now_ms;
    bench->now_ms += 3000; /* the PONG takes its time */
    bench_pong(bench);

    bench_pass(bench, sent_ms + BENCH_LEASE_MS - 1 - bench->now_ms);
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 0);
    bench_pass(bench, 1);
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 1);
    assert_true(bench_traced(bench, "no PING was answered for a whole lease"));
}

static void
counts_the_first_lease_from_hello(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    link_up(bench);
    bench->now_ms += 4000;
    bench_welcome(bench, 100);
    bench_pass(bench, BENCH_LEASE_MS - 4000 - 1);
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 0);
    bench_pass(bench, 1);

    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 1);
}

static void
takes_no_pong_that_answers_nothing(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    static const uint64_t sequences[] = {0, 1, 2, UINT64_MAX};

    bench_live(bench);
    int64_t end_ms = bench->now_ms + BENCH_LEASE_MS;
    bench_pass(bench, BENCH_LEASE_MS - 1000);
    for (size_t i = 0; i < 4; i++) {
        struct pong pong = {.sequence = sequences[i]};
        if (i == 1) {
            pong.session = bench_id(55); /* of another session */
        } else if (i == 2) {
            pong.sequence = 1000; /* never sent */
        }
        bench_hear(bench, (struct message){.type = MESSAGE_PONG, .pong = pong});
    }
    bench_pass(bench, end_ms - bench->now_ms);

    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 1);
}

static void
an_old_pong_does_not_shorten_the_lease(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    for (int i = 0; i < 2; i++) {
        bench_pass_until(bench, MESSAGE_PING);
    }
    int64_t sent_ms = bench->now_ms;
    bench_pong(bench);
    bench_hear(bench, (struct message){.type = MESSAGE_PONG, .pong = {.sequence = 1}});
    bench_pass(bench, sent_ms + BENCH_LEASE_MS - 1 - bench->now_ms);

    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 0);
}

static void
comes_back_within_a_second_and_then_ever_more_slowly(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    int64_t bound_ms = 1000, most_ms = 0;

    for (int i = 0; i < 30; i++) {
        link_down(bench);
        int64_t delay_ms = bench_action(bench, AGENT_RECONNECT)->delay_ms;
        assert_in_range(delay_ms, 1, bound_ms);
        bound_ms = bound_ms * 2 < 60000 ? bound_ms * 2 : 60000;
        most_ms = delay_ms > most_ms ? delay_ms : most_ms;
    }
    assert_true(most_ms > 10000);

    /* Only a WELCOME says that it works again, not a connection. */
    link_up(bench);
    link_down(bench);
    link_up(bench);
    bench_welcome(bench, 100);
    link_down(bench);
    assert_in_range(bench_action(bench, AGENT_RECONNECT)->delay_ms, 1, 1000);
}

static void
expects_a_coordinator_it_has_just_lost_back_within_seconds(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    int64_t lost_ms = bench->now_ms;
    while (bench->now_ms < lost_ms + 30000) {
        link_down(bench);
        int64_t delay_ms = bench_action(bench, AGENT_RECONNECT)->delay_ms;
        assert_in_range(delay_ms, 1, 4000);
        bench->now_ms += delay_ms;
    }
    int64_t most_ms = 0;
    for (int i = 0; i < 20; i++) {
        link_down(bench);
        int64_t delay_ms = bench_action(bench, AGENT_RECONNECT)->delay_ms;
        most_ms = delay_ms > most_ms ? delay_ms : most_ms;
    }
    assert_true(most_ms > 10000);
}

static void
says_hello_again_when_the_coordinator_does_not_know_the_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench->now_ms += 5000;
    bench_hear(bench, (struct message){.type = MESSAGE_BYE});
    bench_pass(bench, 0);
    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 1);

    /* But not in a tight loop. */
    bench_welcome(bench, 101);
    bench_hear(bench, (struct message){.type = MESSAGE_BYE});
    bench_pass(bench, 499);
    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 0);
    bench_pass(bench, 1002);
    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 1);
}

static void
suspects_a_twin_when_its_sessions_are_short(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    for (unsigned i = 1; i <= 3; i++) {
        bench->now_ms += 5000;
        bench_hear(bench, (struct message){.type = MESSAGE_BYE});
        bool is_suspicious = strstr(bench_action(bench, AGENT_NOTE)->note, "this agent's key");
        assert_int_equal(is_suspicious, i == 3);
        bench_pass(bench, 2000);
        bench_welcome(bench, 200 + i);
    }
    bench->answers_pings = true;
    bench_pass(bench, 2 * BENCH_LEASE_MS);
    bench_hear(bench, (struct message){.type = MESSAGE_BYE});
    assert_null(strstr(bench_action(bench, AGENT_NOTE)->note, "this agent's key"));
}

static void
a_bye_to_another_session_ends_nothing(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear(bench, (struct message){.type = MESSAGE_BYE, .bye = {.session = bench_id(55)}});
    bench_pass(bench, 2000);

    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 0);
}

static void
takes_a_session_only_once_and_only_as_an_answer(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_welcome(bench, 100); /* nobody has said HELLO */
    assert_int_equal(bench->actions.count, 0);
    link_up(bench);
    bench_welcome(bench, 100); /* it was offered before */
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 0);
    bench_welcome(bench, 101);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
    bench_welcome(bench, 102); /* doubled, late */
    assert_int_equal(bench->actions.count, 0);
    bench->session = bench_id(101);
    bench_hear(bench, (struct message){.type = MESSAGE_BYE});
    bench_pass(bench, 2000);
    bench_welcome(bench, 101); /* over is over */

    assert_true(bench_traced(bench, "WELCOME ignored"));
    assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 0);
}

static void
refuses_a_leader_that_has_been_replaced(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    link_down(bench);
    link_up(bench);
    assert_int_equal(bench_said(bench, MESSAGE_HELLO)->hello.token_seen.epoch, 7);
    bench->token.epoch = 6;
    bench_welcome(bench, 101);

    assert_string_equal(bench_said(bench, MESSAGE_BYE)->bye.reason, "E-FENCED");
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 0);
}

static void
refuses_a_second_leader_with_the_same_epoch(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    link_down(bench);
    link_up(bench);
    bench->token.instance = bench_id(91000);
    bench_welcome(bench, 101);

    assert_string_equal(bench_said(bench, MESSAGE_BYE)->bye.reason, "E-EPOCH-COLLISION");
}

static void
refuses_a_protocol_it_does_not_speak(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    link_up(bench);
    bench_hear(bench, (struct message){.type = MESSAGE_WELCOME,
                                       .welcome = {.version = PROTO_VERSION + 1,
                                                   .session = bench_id(100),
                                                   .token = bench->token}});

    assert_string_equal(bench_said(bench, MESSAGE_BYE)->bye.reason, "E-PROTO-VERSION");
}

static void
tries_later_when_its_hello_is_refused(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    struct message reject = {.type = MESSAGE_REJECT,
                             .reject = {.fault = {.code = "E-AUTH-REVOKED", .text = "go away"}}};

    link_up(bench);
    bench_hear(bench, reject);
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 1);
    assert_non_null(strstr(bench_action(bench, AGENT_NOTE)->note, "E-AUTH-REVOKED"));

    /* Within a session a refused message changes nothing. */
    link_up(bench);
    bench_welcome(bench, 100);
    bench_hear(bench, reject);
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 0);
    bench_hear(bench, (struct message){.type = MESSAGE_REJECT});
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 0);
}

static void
a_connection_that_was_made_anew_needs_a_new_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    link_up(bench);

    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 1);
    bench_hear_assign(bench, 0, 1, 0);
    assert_int_equal(bench->actions.count, 0);
}

static void
ignores_what_is_not_for_agents_or_of_another_cluster(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear(bench, (struct message){.type = MESSAGE_PLANNED});
    assert_int_equal(bench->actions.count, 0);
    bench_hear(bench, (struct message){.type = MESSAGE_BYE, .cluster_id = bench_id(5)});
    assert_int_equal(bench->actions.count, 0);
    assert_true(bench_traced(bench, "BYE ignored: it is of another cluster"));
}

static void
leaves_at_once_when_there_is_nothing_to_do(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    assert_true(agent_core_is_idle(bench->core));
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LEAVE});

    assert_int_equal(bench_count_said(bench, MESSAGE_BYE), 1);
    assert_int_equal(bench_count(bench, AGENT_END), 1);
    assert_int_equal(agent_core_wake_ms(bench->core), INT64_MAX);
    link_down(bench);
    assert_int_equal(bench->actions.count, 0);
}

static void
leaves_at_once_without_a_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LEAVE});

    assert_int_equal(bench_count_said(bench, MESSAGE_BYE), 0);
    assert_int_equal(bench_count(bench, AGENT_END), 1);
}

static void
names_its_states_for_the_manual(void **state)
{
    (void)state;
    const struct machine *machines[] = {&agent_session_machine, &agent_step_machine};

    for (size_t i = 0; i < 2; i++) {
        const struct machine *machine = machines[i];
        for (size_t k = 0; k < machine->edge_count; k++) {
            const struct machine_edge *edge = &machine->edges[k];
            assert_true((size_t)edge->from < machine->state_count);
            assert_true((size_t)edge->to < machine->state_count);
            assert_true((size_t)edge->event < machine->event_count);
            assert_true(strlen(edge->why) > 10);
            assert_ptr_equal(machine_find(machine, edge->from, edge->event), edge);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_hello_as_soon_as_the_link_is_up),
        cmocka_unit_test(makes_the_connection_anew_when_hello_stays_unanswered),
        cmocka_unit_test(waits_as_long_as_it_is_told_to_and_a_little_more),
        cmocka_unit_test(is_put_off_for_ten_minutes_at_most),
        cmocka_unit_test(examines_and_reports_its_targets_when_it_is_welcome),
        cmocka_unit_test(reports_known_targets_at_once_in_a_new_session),
        cmocka_unit_test(looks_again_in_a_new_session_when_its_report_is_old),
        cmocka_unit_test(pings_every_heartbeat_give_or_take_a_fifth),
        cmocka_unit_test(counts_the_lease_from_the_moment_the_answered_ping_was_sent),
        cmocka_unit_test(counts_the_first_lease_from_hello),
        cmocka_unit_test(takes_no_pong_that_answers_nothing),
        cmocka_unit_test(an_old_pong_does_not_shorten_the_lease),
        cmocka_unit_test(comes_back_within_a_second_and_then_ever_more_slowly),
        cmocka_unit_test(expects_a_coordinator_it_has_just_lost_back_within_seconds),
        cmocka_unit_test(says_hello_again_when_the_coordinator_does_not_know_the_session),
        cmocka_unit_test(suspects_a_twin_when_its_sessions_are_short),
        cmocka_unit_test(a_bye_to_another_session_ends_nothing),
        cmocka_unit_test(takes_a_session_only_once_and_only_as_an_answer),
        cmocka_unit_test(refuses_a_leader_that_has_been_replaced),
        cmocka_unit_test(refuses_a_second_leader_with_the_same_epoch),
        cmocka_unit_test(refuses_a_protocol_it_does_not_speak),
        cmocka_unit_test(tries_later_when_its_hello_is_refused),
        cmocka_unit_test(a_connection_that_was_made_anew_needs_a_new_session),
        cmocka_unit_test(ignores_what_is_not_for_agents_or_of_another_cluster),
        cmocka_unit_test(leaves_at_once_when_there_is_nothing_to_do),
        cmocka_unit_test(leaves_at_once_without_a_session),
        cmocka_unit_test(names_its_states_for_the_manual),
    };
    return RUN_TESTS(tests);
}
