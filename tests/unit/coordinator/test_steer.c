#include "tests/unit/coordinator/steer_scene.h"

static void
a_paused_run_starts_nothing_and_lets_what_runs_end(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    begin_first_step(&scene, 0);
    desk_forget(scene.desk);

    assert_null(desk_steer(scene.desk, "1", STEER_PAUSE));
    assert_int_equal(desk_count(scene.desk, MESSAGE_CANCEL), 5);
    assert_true(desk_last(scene.desk, MESSAGE_CANCEL)->cancel.spare_running);
    tell_state(&scene, 0, 0, STEP_REPORT_RUNNING);
    for (uint64_t i = 1; i < 5; i++) {
        tell_state(&scene, 0, i, STEP_REPORT_NOT_STARTED);
    }
    end_first_step(&scene, 0, OUTCOME_DONE);

    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 0);
    assert_int_equal(state_of(&scene, 1), RUN_PAUSED);
    assert_true(desk_has_audit(scene.desk, "run paused", "run 1"));
    desk_pass(scene.desk, 60000);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 0);
}

static void
a_resumed_run_goes_on_where_it_was(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);
    desk_apply(scene.desk, &scene.plan_id);
    desk_lose(scene.desk);
    assert_null(desk_steer(scene.desk, "1", STEER_PAUSE));
    desk_work(scene.desk);
    assert_int_equal(state_of(&scene, 1), RUN_PAUSED);

    assert_null(desk_steer(scene.desk, "1", STEER_RESUME));
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(scene.desk->targets[i].effect_count, 5);
    }
}

static void
a_run_resumed_before_its_agents_have_answered_loses_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    assert_null(desk_steer(scene.desk, "1", STEER_PAUSE));
    assert_null(desk_steer(scene.desk, "1", STEER_RESUME));

    desk_work_for(scene.desk, 10000);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    assert_int_equal(scene.desk->targets[0].effect_count, 5);
}

static void
a_paused_run_stays_paused_after_a_restart(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_apply(scene.desk, &scene.plan_id);
    assert_null(desk_steer(scene.desk, "1", STEER_PAUSE));
    desk_restart(scene.desk);
    desk_forget(scene.desk);

    desk_connect_all(scene.desk);

    assert_int_equal(desk_count(scene.desk, MESSAGE_ASSIGN), 0);
    assert_int_equal(desk_count(scene.desk, MESSAGE_CANCEL), 10);
    desk_work(scene.desk);
    assert_int_equal(state_of(&scene, 1), RUN_PAUSED);
}

static void
a_paused_run_that_is_through_ends(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    for (uint64_t i = 0; i < 4; i++) {
        struct message message = {.type = MESSAGE_RESULT};
        message.result = (struct result){.step_id = desk_stored_step(scene.desk, 1, 0, i)->step_id,
                                         .target_id = scene.desk->targets[0].id,
                                         .attempt = 1};
        desk_hear(scene.desk, 0, message);
    }
    tell_state(&scene, 0, 4, STEP_REPORT_RUNNING);
    assert_null(desk_steer(scene.desk, "1", STEER_PAUSE));
    struct message message = {.type = MESSAGE_RESULT};
    message.result = (struct result){.step_id = desk_stored_step(scene.desk, 1, 0, 4)->step_id,
                                     .target_id = scene.desk->targets[0].id,
                                     .attempt = 1};
    desk_hear(scene.desk, 0, message);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
}

static void
a_cancelled_run_stops_what_runs(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    begin_first_step(&scene, 0);
    desk_forget(scene.desk);

    assert_null(desk_steer(scene.desk, "1", STEER_CANCEL));
    assert_int_equal(state_of(&scene, 1), RUN_CANCELLING);
    assert_false(desk_last(scene.desk, MESSAGE_CANCEL)->cancel.spare_running);
    tell_state(&scene, 0, 0, STEP_REPORT_RUNNING);
    desk_pass(scene.desk, 2000);
    assert_int_equal(desk_count(scene.desk, MESSAGE_CANCEL), 10);
    tell_state(&scene, 0, 0, STEP_REPORT_STOPPING);
    for (uint64_t i = 1; i < 5; i++) {
        tell_state(&scene, 0, i, STEP_REPORT_NOT_STARTED);
    }
    end_first_step(&scene, 0, OUTCOME_CANCELLED);

    assert_int_equal(state_of(&scene, 1), RUN_CANCELLED);
    assert_int_equal(desk_stored_leg(scene.desk, 1, 0)->state, LEG_CANCELLED);
    assert_int_equal(desk_stored_step(scene.desk, 1, 0, 0)->state, STEP_CANCELLED);
}

static void
what_was_too_late_to_stop_counts(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    assert_null(desk_steer(scene.desk, "1", STEER_CANCEL));

    for (uint64_t i = 0; i < 5; i++) {
        struct message message = {.type = MESSAGE_RESULT};
        message.result = (struct result){.step_id = desk_stored_step(scene.desk, 1, 0, i)->step_id,
                                         .target_id = scene.desk->targets[0].id,
                                         .attempt = 1};
        desk_hear(scene.desk, 0, message);
    }

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    assert_string_equal(desk_stored_run(scene.desk, 1)->why,
                        "every target was there before it could be stopped");
}

static void
a_cancel_waits_for_an_agent_that_is_silent(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_apply(scene.desk, &scene.plan_id);
    desk_lose(scene.desk);
    desk_disconnect(scene.desk, 1);
    assert_null(desk_steer(scene.desk, "1", STEER_CANCEL));
    desk_work_for(scene.desk, 60000);
    assert_int_equal(state_of(&scene, 1), RUN_CANCELLING);

    desk_connect(scene.desk, 1);
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_CANCELLED);
}

static void
cancelling_again_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    assert_null(desk_steer(scene.desk, "1", STEER_CANCEL));

    assert_null(desk_steer(scene.desk, "1", STEER_CANCEL));
    assert_string_equal(desk_steer(scene.desk, "1", STEER_PAUSE), "E-RUN-STATE");
    assert_string_equal(desk_steer(scene.desk, "1", STEER_RESUME), "E-RUN-STATE");
    assert_string_equal(desk_steer(scene.desk, "1", STEER_RETRY), "E-RUN-STATE");
}

static void
pausing_and_resuming_twice_is_fine(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);

    assert_null(desk_steer(scene.desk, "1", STEER_RESUME));
    assert_null(desk_steer(scene.desk, "1", STEER_PAUSE));
    assert_null(desk_steer(scene.desk, "1", STEER_PAUSE));
}

static void
what_has_ended_cannot_be_steered(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);

    for (int i = 0; i < 2; i++) {
        assert_string_equal(desk_steer(scene.desk, "1", STEER_PAUSE), "E-RUN-FINISHED");
        assert_string_equal(desk_steer(scene.desk, "1", STEER_RESUME), "E-RUN-FINISHED");
        assert_string_equal(desk_steer(scene.desk, "1", STEER_CANCEL), "E-STEP-STATE");
        assert_string_equal(desk_steer(scene.desk, "1", STEER_RETRY), "E-STEP-STATE");
        desk_pass(scene.desk, 11000);
    }
    assert_string_equal(desk_steer(scene.desk, "7", STEER_PAUSE), "E-RUN-UNKNOWN");
    assert_string_equal(desk_steer(scene.desk, "x", STEER_PAUSE), "E-RUN-UNKNOWN");
}

static void
what_is_on_its_way_cannot_be_retried(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    desk_apply(scene.desk, &scene.plan_id);

    assert_string_equal(desk_steer(scene.desk, "1", STEER_RETRY), "E-STEP-STATE");
    assert_non_null(desk_last(scene.desk, MESSAGE_REFUSED)->refused.fault.hint);
}

static void
a_retry_takes_up_what_failed_and_what_was_not_begun(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(4);
    scene.spec.parallel = 1;
    scene.plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].fails_at = "3";
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    assert_int_equal(state_of(&scene, 1), RUN_FAILED);

    scene.desk->targets[1].fails_at = NULL;
    assert_null(desk_steer(scene.desk, "1", STEER_RETRY));
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    assert_int_equal(desk_stored_run(scene.desk, 1)->failed_count, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(scene.desk->targets[i].effect_count, 5);
    }
}

static void
a_retry_takes_a_run_back_that_has_left_memory(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);
    struct share waves[] = {{1, false}, {100, true}};
    scene.spec.waves = waves;
    scene.spec.wave_count = 2;
    scene.plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[0].fails_at = "3";
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    desk_restart(scene.desk);
    desk_connect_all(scene.desk);

    scene.desk->targets[0].fails_at = NULL;
    assert_null(desk_steer(scene.desk, "last", STEER_RETRY));
    desk_work(scene.desk);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    assert_int_equal(scene.desk->targets[0].effect_count, 5);
    assert_int_equal(scene.desk->targets[2].effect_count, 5);
}

static void
a_cancelled_run_may_be_taken_up_again(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    desk_apply(scene.desk, &scene.plan_id);
    assert_null(desk_steer(scene.desk, "1", STEER_CANCEL));
    for (size_t target = 0; target < 2; target++) {
        for (uint64_t i = 0; i < 5; i++) {
            tell_state(&scene, target, i, STEP_REPORT_NOT_STARTED);
        }
    }
    assert_int_equal(state_of(&scene, 1), RUN_CANCELLED);
    desk_lose(scene.desk);

    assert_null(desk_steer(scene.desk, "1", STEER_RETRY));
    desk_work_for(scene.desk, 5000);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
}

static void
a_retry_within_the_budget_is_part_of_the_run(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);
    scene.spec.on_failure = ON_FAILURE_CONTINUE;
    scene.plan_id = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[0].fails_at = "2";
    scene.desk->targets[2].is_silent = true;
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    assert_int_equal(state_of(&scene, 1), RUN_RUNNING);

    scene.desk->targets[0].fails_at = NULL;
    assert_null(desk_steer(scene.desk, "1", STEER_RETRY));
    scene.desk->targets[2].is_silent = false;
    desk_work_for(scene.desk, 10000);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    assert_true(desk_has_audit(scene.desk, "retry", "run 1"));
}

static void
a_halted_run_may_be_retried_before_it_has_ended(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->targets[0].fails_at = "2";
    scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    assert_int_equal(state_of(&scene, 1), RUN_HALTED);

    scene.desk->targets[0].fails_at = NULL;
    scene.desk->targets[1].is_silent = false;
    assert_null(desk_steer(scene.desk, "1", STEER_RETRY));
    desk_work_for(scene.desk, 10000);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
}

static void
a_retry_needs_its_targets(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.desk->targets[1].fails_at = "2";
    desk_apply(scene.desk, &scene.plan_id);
    desk_work(scene.desk);
    scene.desk->targets[1].fails_at = NULL;
    struct id other = desk_plan(scene.desk, &scene.spec);
    scene.desk->targets[1].is_silent = true;
    desk_apply(scene.desk, &other);
    desk_work(scene.desk);

    assert_string_equal(desk_steer(scene.desk, "1", STEER_RETRY), "E-TARGET-BUSY");
    assert_int_equal(state_of(&scene, 1), RUN_FAILED);

    scene.desk->targets[1].is_silent = false;
    desk_work_for(scene.desk, 10000);
    scene.desk->targets[1].id = desk_id(888);
    desk_report(scene.desk, 1);
    assert_string_equal(desk_steer(scene.desk, "1", STEER_RETRY), "E-TARGET-UNKNOWN");
}

static void
all_runs_can_be_paused_and_resumed(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    scene.spec.select = "region=eu";
    struct id first = desk_plan(scene.desk, &scene.spec);
    scene.spec.select = "region=us";
    struct id second = desk_plan(scene.desk, &scene.spec);
    desk_apply(scene.desk, &first);
    desk_apply(scene.desk, &second);
    desk_lose(scene.desk);

    assert_null(desk_steer(scene.desk, NULL, STEER_PAUSE_ALL));
    assert_string_equal(desk_last(scene.desk, MESSAGE_DONE)->done.text, "2 runs paused");
    assert_int_equal(state_of(&scene, 1), RUN_PAUSED);
    assert_int_equal(state_of(&scene, 2), RUN_PAUSED);
    assert_null(desk_steer(scene.desk, NULL, STEER_RESUME_ALL));
    desk_work_for(scene.desk, 5000);

    assert_int_equal(state_of(&scene, 1), RUN_DONE);
    assert_int_equal(state_of(&scene, 2), RUN_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_run_starts_nothing_and_lets_what_runs_end),
        cmocka_unit_test(a_resumed_run_goes_on_where_it_was),
        cmocka_unit_test(a_run_resumed_before_its_agents_have_answered_loses_nothing),
        cmocka_unit_test(a_paused_run_stays_paused_after_a_restart),
        cmocka_unit_test(a_paused_run_that_is_through_ends),
        cmocka_unit_test(a_cancelled_run_stops_what_runs),
        cmocka_unit_test(what_was_too_late_to_stop_counts),
        cmocka_unit_test(a_cancel_waits_for_an_agent_that_is_silent),
        cmocka_unit_test(cancelling_again_changes_nothing),
        cmocka_unit_test(pausing_and_resuming_twice_is_fine),
        cmocka_unit_test(what_has_ended_cannot_be_steered),
        cmocka_unit_test(what_is_on_its_way_cannot_be_retried),
        cmocka_unit_test(a_retry_takes_up_what_failed_and_what_was_not_begun),
        cmocka_unit_test(a_retry_takes_a_run_back_that_has_left_memory),
        cmocka_unit_test(a_cancelled_run_may_be_taken_up_again),
        cmocka_unit_test(a_retry_within_the_budget_is_part_of_the_run),
        cmocka_unit_test(a_halted_run_may_be_retried_before_it_has_ended),
        cmocka_unit_test(a_retry_needs_its_targets),
        cmocka_unit_test(all_runs_can_be_paused_and_resumed),
    };
    return RUN_TESTS(tests);
}
