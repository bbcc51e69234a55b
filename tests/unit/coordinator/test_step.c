#include "tests/unit/coordinator/step_scene.h"

static void
steps_are_saved_before_they_are_said_and_carry_all_that_is_needed(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    assert_int_equal(step(&scene, 0)->state, STEP_ASSIGNED);
    assert_int_equal(step(&scene, 0)->owed, OWED_ASSIGN);
    assert_string_equal(step(&scene, 0)->name, "change_1");
    const struct assign *assign = &desk_last(scene.desk, MESSAGE_ASSIGN)->assign;
    assert_int_equal(assign->position, 2);
    assert_int_equal(assign->done_count, 0);
    assert_int_equal(assign->attempt, 1);
    assert_int_equal(assign->lock_timeout_ms, 500);
    assert_int_equal(assign->token.epoch, 1);
    assert_string_equal(assign->version, "3");
    assert_int_equal(assign->digest.bytes[0], 1);
    assert_true(id_equal(&assign->session, &scene.desk->agents[0].session));
}

static void
an_assignment_is_said_again_and_then_asked_about(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    desk_pass(scene.desk, 2000);
    assert_int_equal(count_about(&scene, MESSAGE_ASSIGN, 0), 2);
    desk_pass(scene.desk, 2000);
    assert_int_equal(count_about(&scene, MESSAGE_ASSIGN, 0), 2);
    assert_int_equal(count_about(&scene, MESSAGE_QUERY, 0), 1);
    desk_pass(scene.desk, 4000);
    assert_int_equal(count_about(&scene, MESSAGE_QUERY, 0), 3);
    assert_int_equal(step(&scene, 0)->attempt, 1);
}

static void
what_is_accepted_is_left_alone_for_a_while(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    for (uint64_t i = 0; i < 3; i++) {
        tell_state(&scene, i, i ? STEP_REPORT_ACCEPTED : STEP_REPORT_RUNNING);
    }
    desk_forget(scene.desk);

    desk_pass(scene.desk, 29000);
    assert_int_equal(desk_count(scene.desk, MESSAGE_QUERY), 0);
    desk_pass(scene.desk, 2000);
    assert_int_equal(desk_count(scene.desk, MESSAGE_QUERY), 3);
}

static void
progress_shows_that_a_step_lives(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct progress progress[] = {{step(&scene, 0)->step_id, 1, 100, NULL},
                                  {desk_id(4711), 1, 1, NULL}};
    struct message message = {.type = MESSAGE_PING};
    message.ping.running = progress;
    message.ping.running_count = 2;
    tell_state(&scene, 0, STEP_REPORT_ACCEPTED);

    for (int i = 0; i < 20; i++) {
        desk_pass(scene.desk, 4000);
        desk_hear(scene.desk, 0, message);
    }

    assert_int_equal(count_about(&scene, MESSAGE_QUERY, 0), 0);
    assert_true(desk_has_trace(scene.desk, "step t0 1 attempt 1 running"));
}

static void
what_a_step_waits_for_is_shown_while_it_runs(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct progress progress = {step(&scene, 0)->step_id, 1, 100, "waits for pid 4711"};
    struct message message = {.type = MESSAGE_PING};
    message.ping.running = &progress;
    message.ping.running_count = 1;

    desk_hear(scene.desk, 0, message);
    assert_string_equal(desk_status(scene.desk, "1")->run_view.legs[0].note, "waits for pid 4711");
    progress.note = NULL;
    desk_hear(scene.desk, 0, message);
    assert_null(desk_status(scene.desk, "1")->run_view.legs[0].note);
    progress.note = "builds";
    desk_hear(scene.desk, 0, message);
    tell_result(&scene, 0, OUTCOME_DONE);
    assert_null(desk_status(scene.desk, "1")->run_view.legs[0].note);
}

static void
not_started_is_assigned_again_under_a_higher_attempt(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct message late = state_of(&scene, 0, STEP_REPORT_NOT_STARTED);
    struct id step_id = step(&scene, 0)->step_id;

    desk_hear(scene.desk, 0, late);
    assert_int_equal(step(&scene, 0)->attempt, 2);
    assert_true(id_equal(&step(&scene, 0)->step_id, &step_id));
    desk_forget(scene.desk);
    desk_hear(scene.desk, 0, late);

    assert_int_equal(step(&scene, 0)->attempt, 2);
    assert_int_equal(scene.desk->save_count, 0);
}

static void
an_attempt_that_was_never_assigned_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct message message = result_of(&scene, 0, OUTCOME_DONE);
    message.result.attempt = 9;

    desk_hear(scene.desk, 0, message);

    assert_int_equal(step(&scene, 0)->state, STEP_ASSIGNED);
    assert_string_equal(desk_last(scene.desk, MESSAGE_REJECT)->reject.fault.code, "E-PROTO-STATE");
}

static void
a_refusal_that_may_pass_is_tried_later_and_never_counts(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    for (int i = 0; i < 10; i++) {
        struct message message = state_of(&scene, 0, STEP_REPORT_REFUSED);
        message.state.fault = (struct fault){.code = "E-STEP-QUEUE", .is_retryable = true};
        desk_hear(scene.desk, 0, message);
        tell_state(&scene, 1, STEP_REPORT_NOT_STARTED);
        tell_state(&scene, 2, STEP_REPORT_NOT_STARTED);
        assert_string_equal(desk_status(scene.desk, "1")->run_view.legs[0].fault.code,
                            "E-STEP-QUEUE");
        desk_pass(scene.desk, 31000);
        assert_int_equal(step(&scene, 0)->state, STEP_ASSIGNED);
    }
    tell_result(&scene, 0, OUTCOME_DONE);
    assert_null(desk_status(scene.desk, "1")->run_view.legs[0].fault.code);
}

static void
a_refusal_for_good_fails_the_target(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct message message = state_of(&scene, 0, STEP_REPORT_REFUSED);
    message.state.fault = (struct fault){.code = "E-SIG-DIGEST", .text = "the bundle is damaged"};

    desk_hear(scene.desk, 0, message);

    assert_int_equal(step(&scene, 0)->state, STEP_FAILED);
    assert_string_equal(desk_stored_leg(scene.desk, 1, 0)->fault.code, "E-SIG-DIGEST");
}

static void
in_a_new_session_open_steps_are_asked_about_first(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    tell_result(&scene, 0, OUTCOME_DONE);
    desk_disconnect(scene.desk, 0);
    desk_forget(scene.desk);

    desk_connect(scene.desk, 0);
    assert_int_equal(desk_count(scene.desk, MESSAGE_QUERY), 2);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 0);
    tell_state(&scene, 1, STEP_REPORT_NOT_STARTED);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 0);
    tell_state(&scene, 2, STEP_REPORT_NOT_STARTED);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 2);
    assert_int_equal(desk_last(scene.desk, MESSAGE_ASSIGN)->assign.done_count, 1);
}

static void
a_second_report_in_a_session_asks_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    desk_forget(scene.desk);

    desk_report(scene.desk, 0);

    assert_int_equal(desk_count(scene.desk, MESSAGE_QUERY), 0);
}

static void
silence_is_never_a_verdict(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    desk_disconnect(scene.desk, 0);
    desk_forget(scene.desk);

    desk_pass(scene.desk, 24 * 3600 * 1000);

    assert_int_equal(scene.desk->save_count, 0);
    const struct message *view = desk_status(scene.desk, "1");
    assert_int_equal(view->run_view.state, RUN_RUNNING);
    assert_int_equal(view->run_view.legs[0].state, LEG_RUNNING);
    assert_true(view->run_view.legs[0].unreachable_ms >= 24 * 3600 * 1000);
}

static void
a_step_of_another_agent_is_not_ones_own(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    desk_hear(scene.desk, 1, result_of(&scene, 0, OUTCOME_DONE));
    desk_hear(scene.desk, 1, state_of(&scene, 0, STEP_REPORT_NOT_STARTED));
    struct progress progress = {step(&scene, 0)->step_id, 1, 100, NULL};
    struct message message = {.type = MESSAGE_PING};
    message.ping.running = &progress;
    message.ping.running_count = 1;
    desk_hear(scene.desk, 1, message);

    assert_int_equal(step(&scene, 0)->state, STEP_ASSIGNED);
    assert_string_equal(desk_last(scene.desk, MESSAGE_REJECT)->reject.fault.code, "E-AUTH-STEP");
    assert_true(desk_has_audit(scene.desk, "alarm", NULL));
    assert_false(desk_has_trace(scene.desk, "step t0 1 attempt 1 running"));
}

static void
a_state_of_an_unknown_step_is_ignored(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct message message = state_of(&scene, 0, STEP_REPORT_NOT_STARTED);
    message.state.step_id = desk_id(4711);
    desk_forget(scene.desk);

    desk_hear(scene.desk, 0, message);

    assert_int_equal(scene.desk->said_count, 0);
    assert_int_equal(scene.desk->save_count, 0);
}

static void
a_step_that_another_agent_takes_over_is_asked_about_there(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    desk_disconnect(scene.desk, 0);
    desk_pass(scene.desk, 16000);
    desk_forget(scene.desk);

    scene.desk->targets[0].agent = 1;
    desk_report(scene.desk, 0);
    assert_int_equal(desk_count(scene.desk, MESSAGE_QUERY), 3);
    desk_hear(scene.desk, 1, result_of(&scene, 0, OUTCOME_DONE));

    assert_int_equal(step(&scene, 0)->state, STEP_DONE);
}

static void
only_a_few_steps_are_assigned_ahead(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct digest digest = desk_add_bundle(desk, "auth", 20);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);
    struct run_spec spec = desk_spec(desk, "auth", &digest);

    desk_run(desk, &spec);
    assert_int_equal(desk_count(desk, MESSAGE_ASSIGN), 8);
    struct message message = {.type = MESSAGE_RESULT};
    message.result = (struct result){.step_id = desk_stored_step(desk, 1, 0, 0)->step_id,
                                     .target_id = desk->targets[0].id,
                                     .attempt = 1};
    desk_hear(desk, 0, message);

    assert_int_equal(desk_count(desk, MESSAGE_ASSIGN), 9);
    assert_int_equal(desk_last(desk, MESSAGE_ASSIGN)->assign.done_count, 1);
}

/* Also what was told to a coordinator that has died since. */
static void
an_assignment_tells_which_row_of_the_journal_must_be_there(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    assert_int_equal(desk_last(scene.desk, MESSAGE_ASSIGN)->assign.journal_count, 0);
    struct message done = result_of(&scene, 0, OUTCOME_DONE);
    done.result.outcome.journal_count = 7;
    memset(done.result.outcome.journal_head, 0x77, CHECKSUM_SIZE);
    desk_hear(scene.desk, 0, done);
    struct message already = result_of(&scene, 1, OUTCOME_ALREADY);
    already.result.outcome.journal_count = 9; /* whose row that is, is not known */
    desk_hear(scene.desk, 0, already);

    for (int i = 0; i < 2; i++) {
        desk_forget(scene.desk);
        tell_state(&scene, 2, STEP_REPORT_NOT_STARTED);
        const struct assign *assign = &desk_last(scene.desk, MESSAGE_ASSIGN)->assign;
        assert_int_equal(assign->done_count, 2);
        assert_int_equal(assign->journal_count, 7);
        assert_memory_equal(assign->journal_head, done.result.outcome.journal_head, CHECKSUM_SIZE);
        desk_restart(scene.desk);
        desk_connect_all(scene.desk);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_saved_before_they_are_said_and_carry_all_that_is_needed),
        cmocka_unit_test(an_assignment_is_said_again_and_then_asked_about),
        cmocka_unit_test(what_is_accepted_is_left_alone_for_a_while),
        cmocka_unit_test(progress_shows_that_a_step_lives),
        cmocka_unit_test(what_a_step_waits_for_is_shown_while_it_runs),
        cmocka_unit_test(not_started_is_assigned_again_under_a_higher_attempt),
        cmocka_unit_test(an_attempt_that_was_never_assigned_is_refused),
        cmocka_unit_test(a_refusal_that_may_pass_is_tried_later_and_never_counts),
        cmocka_unit_test(a_refusal_for_good_fails_the_target),
        cmocka_unit_test(in_a_new_session_open_steps_are_asked_about_first),
        cmocka_unit_test(a_second_report_in_a_session_asks_nothing),
        cmocka_unit_test(silence_is_never_a_verdict),
        cmocka_unit_test(a_step_of_another_agent_is_not_ones_own),
        cmocka_unit_test(a_state_of_an_unknown_step_is_ignored),
        cmocka_unit_test(a_step_that_another_agent_takes_over_is_asked_about_there),
        cmocka_unit_test(only_a_few_steps_are_assigned_ahead),
        cmocka_unit_test(an_assignment_tells_which_row_of_the_journal_must_be_there),
    };
    return RUN_TESTS(tests);
}
