/* CANCEL and QUERY, and steps whose end is not known. */
#include "tests/unit/agent/queue_scene.h"

/* ---- cancel ------------------------------------------------------------------------------- */

static void
a_cancelled_step_in_the_queue_is_not_begun_nor_are_those_behind_it(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    assign(bench, 3, 2);
    ask(bench, MESSAGE_CANCEL, 2, 1);
    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
    assert_true(bench_said_state(bench, 3, STEP_REPORT_NOT_STARTED));
    assert_int_equal(bench_count(bench, AGENT_STOP), 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);

    assign(bench, 2, 1); /* late */
    assert_int_equal(bench->actions.count, 0);
    struct message again = bench_assign(bench, 0, 2, 1);
    again.assign.run_id = bench_id(80002);
    again.assign.attempt = 2; /* unless it is assigned again */
    bench_hear(bench, again);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
spares_what_runs_when_it_is_told_to(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    bench_hear(bench, (struct message){.type = MESSAGE_CANCEL,
                                       .cancel = {.step_id = bench_id(1),
                                                  .target_id = bench_target_id(0),
                                                  .attempt = 1,
                                                  .spare_running = true}});
    assert_int_equal(bench_count(bench, AGENT_STOP), 0);
    assert_int_equal(bench_count(bench, AGENT_PAUSE), 1); /* it may have places to go on later */
    assert_true(bench_said_state(bench, 1, STEP_REPORT_RUNNING));
    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
}

static void
stops_a_running_step_and_reports_what_the_database_decided(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);
    struct id step_id = bench_id(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    ask(bench, MESSAGE_CANCEL, 1, 1);
    assert_true(id_equal(&bench_action(bench, AGENT_STOP)->step_id, &step_id));
    assert_true(bench_said_state(bench, 1, STEP_REPORT_STOPPING));
    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
    ask(bench, MESSAGE_CANCEL, 1, 1);
    assert_int_equal(bench_count(bench, AGENT_STOP), 0);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_STOPPING));
    bench_ended(bench, 0, 1, OUTCOME_CANCELLED);
    assert_int_equal(bench_said(bench, MESSAGE_RESULT)->result.outcome.kind, OUTCOME_CANCELLED);
    ask(bench, MESSAGE_CANCEL, 1, 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
}

static void
an_old_cancel_does_not_touch_a_later_attempt(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);
    struct message message = bench_assign(bench, 0, 1, 0);

    message.assign.attempt = 2;
    bench_hear(bench, message);
    ask(bench, MESSAGE_CANCEL, 1, 1);

    assert_int_equal(bench->actions.count, 0);
}

static void
asks_the_journal_before_it_says_that_an_unknown_step_was_never_begun(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    ask(bench, MESSAGE_CANCEL, 1, 1);
    assert_int_equal(bench->actions.count, 1);
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 1);
    resolved(bench, 1, false, false);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_NOT_STARTED));

    ask(bench, MESSAGE_CANCEL, 2, 1);
    resolved(bench, 2, true, false);
    assert_int_equal(bench_said(bench, MESSAGE_RESULT)->result.outcome.kind, OUTCOME_DONE);
    acknowledge(bench, 2, 1);
    assert_true(agent_core_is_idle(bench->core));
}

/* ---- query -------------------------------------------------------------------------------- */

static void
answers_from_memory_what_it_knows(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    ask(bench, MESSAGE_QUERY, 1, 1);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_RUNNING));
    ask(bench, MESSAGE_QUERY, 2, 1);
    assert_true(bench_said_state(bench, 2, STEP_REPORT_ACCEPTED));
    ask(bench, MESSAGE_CANCEL, 1, 1);
    ask(bench, MESSAGE_QUERY, 1, 1);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_STOPPING));
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    ask(bench, MESSAGE_QUERY, 1, 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 0);
}

static void
answers_from_the_journal_what_it_does_not_know(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    ask(bench, MESSAGE_QUERY, 1, 1);
    ask(bench, MESSAGE_QUERY, 1, 1); /* said again, one look is enough */
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 0);
    ask(bench, MESSAGE_QUERY, 2, 1);
    ask(bench, MESSAGE_QUERY, 2, 1);
    resolved(bench, 1, false, false);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_NOT_STARTED));
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 1);
    resolved(bench, 2, true, false);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 0);
}

static void
stays_silent_when_the_database_does(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    ask(bench, MESSAGE_QUERY, 1, 1);
    resolved(bench, 1, false, true);
    assert_int_equal(bench->actions.count, 0);
    ask(bench, MESSAGE_QUERY, 1, 1); /* the coordinator asks again */
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 1);
}

static void
does_not_say_never_begun_of_what_was_assigned_meanwhile(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    ask(bench, MESSAGE_CANCEL, 1, 1);
    assign(bench, 1, 0);
    resolved(bench, 1, false, false);

    assert_false(bench_said_state(bench, 1, STEP_REPORT_NOT_STARTED));
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
answers_no_question_of_an_earlier_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    ask(bench, MESSAGE_QUERY, 1, 1);
    ask(bench, MESSAGE_QUERY, 2, 1);
    begin_new_session(bench, 101);
    resolved(bench, 1, false, false);
    assert_int_equal(bench_count_said(bench, MESSAGE_STATE), 0);
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 0);

    bench_hear(bench, (struct message){.type = MESSAGE_QUERY, .query = {.session = bench_id(55)}});
    bench_hear(bench, (struct message){.type = MESSAGE_QUERY, .query = {.step_id = bench_id(1)}});
    assert_int_equal(bench->actions.count, 0);
}

static void
a_question_about_a_later_attempt_settles_the_earlier(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    bench_ended(bench, 0, 1, OUTCOME_FAILED);
    ask(bench, MESSAGE_QUERY, 1, 2);

    assert_int_equal(bench_action(bench, AGENT_RESOLVE)->attempt, 2);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
}

static void
bounds_the_questions_that_wait(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    for (unsigned i = 0; i < 100; i++) {
        ask(bench, MESSAGE_QUERY, 1 + i, 1);
    }

    assert_true(bench_traced(bench, "too many questions"));
    for (unsigned i = 0; i < 65; i++) {
        resolved(bench, 1 + i, false, false);
        assert_true(bench_said_state(bench, 1 + i, STEP_REPORT_NOT_STARTED));
    }
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 0);
}

/* ---- doubt -------------------------------------------------------------------------------- */

static void
lose(struct bench *bench, unsigned number)
{
    bench_event(bench, (struct agent_event){
                           .kind = AGENT_EVENT_ENDED, .step_id = bench_id(number), .attempt = 1});
}

static void
looks_a_step_up_whose_end_could_not_be_found_out(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    ask(bench, MESSAGE_CANCEL, 1, 1);
    lose(bench, 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
    bench_pass(bench, 1000);
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 1);
    resolved(bench, 1, false, true);
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 0);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1); /* what has happened to the target? */
    bench_examined(bench, 0, NULL);
    ask(bench, MESSAGE_QUERY, 1, 1);
    assert_true(bench_said_state(bench, 1, STEP_REPORT_RUNNING));
    bench_pass(bench, 1000);
    assert_int_equal(bench_count(bench, AGENT_RESOLVE), 1);
    resolved(bench, 1, true, false);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
}

static void
gives_a_lost_step_back_of_which_nothing_is_left(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    lose(bench, 1);
    bench_pass(bench, 1000);
    resolved(bench, 1, false, false);

    assert_true(bench_said_state(bench, 1, STEP_REPORT_NOT_STARTED));
    assert_true(agent_core_is_idle(bench->core));
}

static void
ignores_answers_that_nobody_has_asked_for(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    bench_ended(bench, 0, 1, OUTCOME_DONE);
    resolved(bench, 1, true, false);
    assert_int_equal(bench->actions.count, 0);
    assign(bench, 1, 0);
    bench_ended(bench, 0, 2, OUTCOME_DONE);
    assert_int_equal(bench->actions.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancelled_step_in_the_queue_is_not_begun_nor_are_those_behind_it),
        cmocka_unit_test(spares_what_runs_when_it_is_told_to),
        cmocka_unit_test(stops_a_running_step_and_reports_what_the_database_decided),
        cmocka_unit_test(an_old_cancel_does_not_touch_a_later_attempt),
        cmocka_unit_test(asks_the_journal_before_it_says_that_an_unknown_step_was_never_begun),
        cmocka_unit_test(answers_from_memory_what_it_knows),
        cmocka_unit_test(answers_from_the_journal_what_it_does_not_know),
        cmocka_unit_test(stays_silent_when_the_database_does),
        cmocka_unit_test(does_not_say_never_begun_of_what_was_assigned_meanwhile),
        cmocka_unit_test(answers_no_question_of_an_earlier_session),
        cmocka_unit_test(a_question_about_a_later_attempt_settles_the_earlier),
        cmocka_unit_test(bounds_the_questions_that_wait),
        cmocka_unit_test(looks_a_step_up_whose_end_could_not_be_found_out),
        cmocka_unit_test(gives_a_lost_step_back_of_which_nothing_is_left),
        cmocka_unit_test(ignores_answers_that_nobody_has_asked_for),
    };
    return RUN_TESTS(tests);
}
