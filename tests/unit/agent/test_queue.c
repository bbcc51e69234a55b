/* Assigning, beginning, failing, results and sessions: what waits for a target, and what runs. */
#include "tests/unit/agent/queue_scene.h"

/* ---- assign and begin --------------------------------------------------------------------- */

static void
begins_an_assigned_step_and_says_so(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);

    const struct agent_action *action = bench_action(bench, AGENT_EXECUTE);
    struct id step_id = bench_id(1);
    assert_true(id_equal(&action->assign->step_id, &step_id));
    assert_string_equal(action->assign->version, "20250101");
    assert_int_equal(action->assign->token.epoch, 7);
    assert_true(id_equal(&action->cluster_id, &bench->cluster_id));
    assert_false(agent_core_is_idle(bench->core));
    bench_pass(bench, 750);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_RUNNING));
}

static void
gives_a_target_one_job_at_a_time(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);

    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
says_where_steps_are_half_a_second_later_and_once(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    bench_pass(bench, 499);
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 0);
    bench_pass(bench, 251);
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 2);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_RUNNING));
    assert_true(bench_said_state(bench, 2, STEP_REPORT_ACCEPTED));
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_pass(bench, 750);
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 1);
    assert_true(bench_said_state(bench, 2, STEP_REPORT_RUNNING));
    bench_pass(bench, 2000);
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 0);
}

static void
says_nothing_of_steps_that_are_over_at_once_but_their_results(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_ended(bench, 0, 2, OUTCOME_DONE);
    bench_pass(bench, 2000);

    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 0);
}

static void
goes_on_behind_a_step_that_was_done_already(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    bench_ended(bench, 0, 1, OUTCOME_ALREADY);

    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
carries_steps_out_by_position_whatever_order_they_came_in(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 4, 3);
    assign(bench, 3, 2);
    assign(bench, 2, 1);
    for (unsigned number = 1; number <= 3; number++) {
        struct id next_id = bench_id(number + 1);
        bench_ended(bench, 0, number, OUTCOME_DONE);
        assert_true(id_equal(&bench_action(bench, AGENT_EXECUTE)->assign->step_id, &next_id));
    }
}

static void
waits_for_an_assignment_that_got_lost(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 2, 1);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
    assign(bench, 1, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
    bench_ended(bench, 0, 1, OUTCOME_DONE);

    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
gives_steps_back_whose_forerunner_never_comes(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 2, 1);
    bench_pass(bench, 4999);
    assert_false(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
    bench_pass(bench, 1);

    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
    assert_true(agent_core_is_idle(bench->core));
}

static void
believes_the_coordinator_about_what_is_done(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    struct message message = bench_assign(bench, 0, 5, 4);
    message.assign.run_id = bench_id(80002);
    bench_hear(bench, message);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
    message.assign.done_count = 4; /* said again, later, knowing more */
    bench_hear(bench, message);

    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
an_assignment_said_again_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    assign(bench, 2, 1);
    assert_int_equal(bench->actions.count, 1);
    assert_true(bench_said_state(bench, 2, STEP_REPORT_ACCEPTED));
    assign(bench, 1, 0);
    assert_int_equal(bench->actions.count, 1);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_RUNNING));
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assign(bench, 1, 0);
    assert_int_equal(bench->actions.count, 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    acknowledge(bench, 1, 1);
    assign(bench, 1, 0);
    assert_int_equal(bench->actions.count, 0);
    assert_true(bench_traced(bench, "that attempt is over"));
}

static void
a_later_attempt_begins_anew(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    bench_ended(bench, 0, 1, OUTCOME_FAILED);
    struct message message = bench_assign(bench, 0, 1, 0);
    message.assign.attempt = 2; /* the acknowledgement got lost, but the result had arrived */
    bench_hear(bench, message);

    assert_int_equal(bench_action(bench, AGENT_EXECUTE)->attempt, 2);
}

static void
a_later_attempt_replaces_the_one_that_waits(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    struct message again = bench_assign(bench, 0, 2, 1);
    again.assign.run_id = bench_id(80002);
    again.assign.attempt = 3;
    bench_hear(bench, again);
    bench_ended(bench, 0, 1, OUTCOME_DONE);

    assert_int_equal(bench_action(bench, AGENT_EXECUTE)->attempt, 3);
}

static void
remembers_a_bounded_number_of_attempts_that_are_over(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    for (unsigned i = 0; i < 1100; i++) {
        assign(bench, 10000 + i, i);
        bench_ended(bench, 0, 10000 + i, OUTCOME_DONE);
        acknowledge(bench, 10000 + i, 1);
    }
    assign(bench, 10000 + 1099, 1099);
    assert_int_equal(bench->actions.count, 0);
    assign(bench, 10000, 0); /* forgotten; the journal still knows */
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
drops_work_of_another_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    struct message message = bench_assign(bench, 0, 1, 0);
    message.assign.session = bench_id(55);
    bench_hear(bench, message);

    assert_int_equal(bench->actions.count, 0);
    assert_true(bench_traced(bench, "ASSIGN ignored: it is of another session"));
}

static void
drops_work_without_a_live_lease_and_says_hello_again(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    bench->now_ms += BENCH_LEASE_MS; /* the process was stopped for a while */
    assign(bench, 1, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
    assert_int_equal(bench_count(bench, AGENT_RECONNECT), 1);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});

    assert_int_equal(bench_count_said(bench, MESSAGE_HELLO), 1);
}

static void
fences_off_a_leader_that_has_been_replaced(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);
    struct message message = bench_assign(bench, 0, 1, 0);

    message.assign.token.epoch = 6;
    bench_hear(bench, message);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_REFUSED));
    assert_string_equal(bench_said(bench, MESSAGE_STATE)->state.fault.code, "E-FENCED");

    message.assign.token = (struct token){.epoch = 7, .instance = bench_id(91000)};
    bench_hear(bench, message);
    assert_string_equal(bench_said(bench, MESSAGE_STATE)->state.fault.code, "E-EPOCH-COLLISION");

    message.assign.token.epoch = 8; /* later, but no session was ever opened under it */
    bench_hear(bench, message);
    assert_int_equal(bench->actions.count, 0);
}

static void
refuses_a_step_for_a_target_it_does_not_serve(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    bench_hear_assign(bench, 7, 1, 0);

    assert_string_equal(bench_said(bench, MESSAGE_STATE)->state.fault.code, "E-TARGET-UNKNOWN");
}

static void
refuses_more_steps_than_its_queue_holds(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    for (unsigned i = 0; i <= 4; i++) {
        assign(bench, 1 + i, i);
        assert_false(bench_said_state(bench, 1 + i, STEP_REPORT_REFUSED));
    }
    assign(bench, 6, 5);

    assert_true(bench_said_state(bench, 6, STEP_REPORT_REFUSED));
    assert_string_equal(bench_said(bench, MESSAGE_STATE)->state.fault.code, "E-STEP-QUEUE");
    assert_true(bench_said(bench, MESSAGE_STATE)->state.fault.is_retryable);
}

/* ---- failure ------------------------------------------------------------------------------ */

static void
gives_the_rest_of_the_run_back_when_a_step_fails(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    assign(bench, 3, 2);
    struct message other = bench_assign(bench, 0, 9, 0);
    other.assign.run_id = bench_id(80009);
    bench_hear(bench, other);
    bench_ended(bench, 0, 1, OUTCOME_FAILED);

    assert_int_equal(bench_said(bench, MESSAGE_RESULT)->result.outcome.kind, OUTCOME_FAILED);
    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
    assert_true(bench_said_state(bench, 3, STEP_REPORT_NOT_STARTED));
    struct id other_id = bench_id(9);
    assert_true(id_equal(&bench_action(bench, AGENT_EXECUTE)->step_id,
                         &other_id)); /* another run's business */
}

static void
does_not_begin_the_next_step_after_a_failure_when_it_comes_late(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    bench_ended(bench, 0, 1, OUTCOME_FAILED);
    assign(bench, 2, 1); /* was on its way */

    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
    ask(bench, MESSAGE_CANCEL, 2, 1);
    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
}

/* ---- results ------------------------------------------------------------------------------ */

static void
says_the_results_of_small_steps_together_a_tenth_of_a_second_later(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    assign(bench, 3, 2);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_pass(bench, 60);
    bench_ended(bench, 0, 2, OUTCOME_DONE);
    bench_pass(bench, 39);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
    bench_pass(bench, 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 2);
    acknowledge(bench, 1, 1);
    acknowledge(bench, 2, 1);
    bench_ended(bench, 0, 3, OUTCOME_DONE); /* none follows: at once */
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
}

static void
says_a_failure_at_once_and_what_was_done_before_it(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    assign(bench, 3, 2);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
    bench_ended(bench, 0, 2, OUTCOME_FAILED);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 2);
}

static void
says_what_waited_first_in_the_next_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    begin_new_session(bench, 101);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    bench_pass(bench, 4999);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
}

static void
says_a_result_again_until_it_is_acknowledged(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    bench->answers_pings = true;
    assign(bench, 1, 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_pass(bench, 4999);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
    bench_pass(bench, 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    bench_pass(bench, 5000);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    acknowledge(bench, 1, 2); /* another attempt's */
    assert_false(agent_core_is_idle(bench->core));
    acknowledge(bench, 1, 1);
    assert_true(agent_core_is_idle(bench->core));
    acknowledge(bench, 1, 1);
    bench_pass(bench, 5000);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
}

static void
keeps_results_over_a_lost_link_and_says_them_in_the_next_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assert_int_equal(bench->actions.count, 1); /* a note, nothing said */
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, 101);

    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    struct id session = bench_id(101);
    assert_true(id_equal(&bench_said(bench, MESSAGE_RESULT)->result.session, &session));
    /* Behind the report of its target, so that the coordinator knows whose it is. */
    assert_ptr_equal(bench->actions.items[bench->actions.count - 1].message,
                     bench_said(bench, MESSAGE_RESULT));
    begin_new_session(bench, 102);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
}

/* ---- sessions ----------------------------------------------------------------------------- */

static void
drops_the_queue_but_not_what_runs_when_the_session_is_over(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    assert_int_equal(bench_count(bench, AGENT_STOP), 0);
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);

    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, 101);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
    assign(bench, 2, 1); /* it is still known here that position 0 is done */
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
names_what_runs_and_how_far_it_is_with_every_ping(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);
    struct id step_id = bench_id(1);

    assign(bench, 1, 0);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_PROGRESS,
                                            .step_id = step_id,
                                            .statement = 3,
                                            .note = "waits for pid 4711"});
    bench_event(bench, (struct agent_event){
                           .kind = AGENT_EVENT_PROGRESS, .step_id = bench_id(55), .statement = 9});
    bench_pass_until(bench, MESSAGE_PING);

    const struct ping *ping = &bench_said(bench, MESSAGE_PING)->ping;
    assert_int_equal(ping->running_count, 1);
    assert_true(id_equal(&ping->running[0].step_id, &step_id));
    assert_int_equal(ping->running[0].statement, 3);
    assert_string_equal(ping->running[0].note, "waits for pid 4711");
    assert_in_range(ping->running[0].elapsed_ms, 1, 6000);
}

static void
a_ping_names_no_more_steps_than_a_frame_holds(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(BENCH_TARGETS_MAX);

    bench_live(bench);
    bench_hear_assign(bench, 0, 1000, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    for (unsigned i = 1; i < BENCH_TARGETS_MAX; i++) {
        bench_hear_assign(bench, i, 1000 + i, 0);
        assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
    }
    bench_pass_until(bench, MESSAGE_PING);

    assert_in_range(bench_said(bench, MESSAGE_PING)->ping.running_count, 1, 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_an_assigned_step_and_says_so),
        cmocka_unit_test(gives_a_target_one_job_at_a_time),
        cmocka_unit_test(says_where_steps_are_half_a_second_later_and_once),
        cmocka_unit_test(says_nothing_of_steps_that_are_over_at_once_but_their_results),
        cmocka_unit_test(goes_on_behind_a_step_that_was_done_already),
        cmocka_unit_test(carries_steps_out_by_position_whatever_order_they_came_in),
        cmocka_unit_test(waits_for_an_assignment_that_got_lost),
        cmocka_unit_test(gives_steps_back_whose_forerunner_never_comes),
        cmocka_unit_test(believes_the_coordinator_about_what_is_done),
        cmocka_unit_test(an_assignment_said_again_changes_nothing),
        cmocka_unit_test(a_later_attempt_begins_anew),
        cmocka_unit_test(a_later_attempt_replaces_the_one_that_waits),
        cmocka_unit_test(remembers_a_bounded_number_of_attempts_that_are_over),
        cmocka_unit_test(drops_work_of_another_session),
        cmocka_unit_test(drops_work_without_a_live_lease_and_says_hello_again),
        cmocka_unit_test(fences_off_a_leader_that_has_been_replaced),
        cmocka_unit_test(refuses_a_step_for_a_target_it_does_not_serve),
        cmocka_unit_test(refuses_more_steps_than_its_queue_holds),
        cmocka_unit_test(gives_the_rest_of_the_run_back_when_a_step_fails),
        cmocka_unit_test(does_not_begin_the_next_step_after_a_failure_when_it_comes_late),
        cmocka_unit_test(says_the_results_of_small_steps_together_a_tenth_of_a_second_later),
        cmocka_unit_test(says_a_failure_at_once_and_what_was_done_before_it),
        cmocka_unit_test(says_what_waited_first_in_the_next_session),
        cmocka_unit_test(says_a_result_again_until_it_is_acknowledged),
        cmocka_unit_test(keeps_results_over_a_lost_link_and_says_them_in_the_next_session),
        cmocka_unit_test(drops_the_queue_but_not_what_runs_when_the_session_is_over),
        cmocka_unit_test(names_what_runs_and_how_far_it_is_with_every_ping),
        cmocka_unit_test(a_ping_names_no_more_steps_than_a_frame_holds),
    };
    return RUN_TESTS(tests);
}
