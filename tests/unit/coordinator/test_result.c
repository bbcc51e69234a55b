/* What agents say became of a step: late, doubled, contradicting, of runs that are over. */
#include "tests/unit/coordinator/step_scene.h"

static void
a_result_is_stored_and_acknowledged(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    tell_result(&scene, 0, OUTCOME_DONE);

    assert_int_equal(step(&scene, 0)->state, STEP_DONE);
    assert_int_equal(step(&scene, 0)->owed, OWED_NOTHING);
    assert_int_not_equal(step(&scene, 0)->ended_wall_ms, 0);
    assert_int_equal(count_about(&scene, MESSAGE_RESULT_ACK, 0), 1);
    assert_true(desk_has_audit(scene.desk, "step done", "t0 1"));
}

static void
a_result_said_again_is_acknowledged_again_and_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    tell_result(&scene, 0, OUTCOME_DONE);
    desk_forget(scene.desk);

    tell_result(&scene, 0, OUTCOME_DONE);
    tell_result(&scene, 0, OUTCOME_ALREADY);

    assert_int_equal(scene.desk->save_count, 0);
    assert_int_equal(count_about(&scene, MESSAGE_RESULT_ACK, 0), 2);
}

/* What the last alarm in the audit says. */
static const char *
alarm_of(const struct desk *desk)
{
    const char *detail = "";

    for (size_t i = 0; i < desk->record_count; i++) {
        const struct record *record = &desk->records[i];
        if (record->kind == RECORD_AUDIT && strcmp(record->audit.verb, "alarm") == 0) {
            detail = record->audit.detail;
        }
    }
    return detail;
}

static void
a_result_that_contradicts_raises_an_alarm_and_pauses_the_run(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    tell_result(&scene, 0, OUTCOME_DONE);

    tell_result(&scene, 0, OUTCOME_FAILED);

    assert_int_equal(step(&scene, 0)->state, STEP_DONE);
    const char *alarm = alarm_of(scene.desk);
    assert_true(text_starts_with(alarm, "E-RESULT-CONFLICT: step "));
    assert_non_null(strstr(alarm, "is stored as done, and now said to be failed"));
    assert_int_equal(desk_stored_run(scene.desk, 1)->state, RUN_PAUSED);
    assert_int_equal(count_about(&scene, MESSAGE_RESULT_ACK, 0), 2);
    assert_int_equal(desk_count(scene.desk, MESSAGE_CANCEL), 2);
}

static void
a_success_after_a_failure_was_stored_is_a_contradiction(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct message success = result_of(&scene, 0, OUTCOME_DONE);
    tell_result(&scene, 0, OUTCOME_FAILED);
    assert_int_equal(step(&scene, 0)->state, STEP_FAILED);

    desk_hear(scene.desk, 0, success);

    assert_int_equal(step(&scene, 0)->state, STEP_FAILED);
    assert_true(text_starts_with(alarm_of(scene.desk), "E-RESULT-CONFLICT: step "));
}

static void
a_failure_said_again_is_acknowledged_again(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    tell_result(&scene, 0, OUTCOME_FAILED);
    desk_forget(scene.desk);

    tell_result(&scene, 0, OUTCOME_FAILED);

    assert_int_equal(scene.desk->save_count, 0);
    assert_int_equal(count_about(&scene, MESSAGE_RESULT_ACK, 0), 1);
}

static void
a_failure_has_what_is_behind_it_withdrawn(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    tell_result(&scene, 0, OUTCOME_FAILED);

    assert_int_equal(count_about(&scene, MESSAGE_CANCEL, 1), 1);
    assert_int_equal(count_about(&scene, MESSAGE_CANCEL, 2), 1);
    assert_int_equal(step(&scene, 1)->owed, OWED_CANCEL);
    assert_int_equal(desk_stored_run(scene.desk, 1)->state, RUN_HALTED);
    tell_state(&scene, 1, STEP_REPORT_NOT_STARTED);
    tell_state(&scene, 2, STEP_REPORT_NOT_STARTED);
    assert_int_equal(desk_stored_run(scene.desk, 1)->state, RUN_FAILED);
    assert_int_equal(step(&scene, 1)->state, STEP_CANCELLED);
}

static struct message
retryable(const struct scene *scene, uint64_t position)
{
    struct message message = result_of(scene, position, OUTCOME_FAILED);

    message.result.outcome.fault.is_retryable = true;
    return message;
}

static void
a_retryable_failure_is_tried_again_a_few_times(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    for (uint64_t attempt = 1; attempt <= 3; attempt++) {
        assert_int_equal(step(&scene, 0)->attempt, attempt);
        assert_int_equal(step(&scene, 0)->state, STEP_ASSIGNED);
        desk_hear(scene.desk, 0, retryable(&scene, 0));
        tell_state(&scene, 1, STEP_REPORT_NOT_STARTED);
        tell_state(&scene, 2, STEP_REPORT_NOT_STARTED);
        desk_pass(scene.desk, 5000);
    }

    assert_int_equal(step(&scene, 0)->state, STEP_FAILED);
    assert_int_equal(desk_stored_leg(scene.desk, 1, 0)->state, LEG_FAILED);
}

static void
a_success_in_between_starts_the_count_anew(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    for (uint64_t position = 0; position < 2; position++) {
        for (int i = 0; i < 2; i++) {
            desk_hear(scene.desk, 0, retryable(&scene, position));
            for (uint64_t behind = position + 1; behind < 3; behind++) {
                tell_state(&scene, behind, STEP_REPORT_NOT_STARTED);
            }
            desk_pass(scene.desk, 5000);
        }
        tell_result(&scene, position, OUTCOME_DONE);
    }

    assert_int_equal(step(&scene, 1)->state, STEP_DONE);
    assert_int_equal(desk_stored_run(scene.desk, 1)->state, RUN_RUNNING);
}

static void
a_failure_of_an_earlier_attempt_is_only_acknowledged(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct message late = result_of(&scene, 0, OUTCOME_FAILED);
    tell_state(&scene, 0, STEP_REPORT_NOT_STARTED);
    desk_forget(scene.desk);

    desk_hear(scene.desk, 0, late);

    assert_int_equal(scene.desk->save_count, 0);
    assert_int_equal(desk_count(scene.desk, MESSAGE_RESULT_ACK), 1);
}

static void
a_result_that_was_never_heard_is_found_by_asking(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    desk_restart(scene.desk);

    desk_connect(scene.desk, 0);
    assert_int_equal(desk_count(scene.desk, MESSAGE_QUERY), 3);
    tell_result(&scene, 0, OUTCOME_DONE);
    tell_state(&scene, 1, STEP_REPORT_RUNNING);
    tell_state(&scene, 2, STEP_REPORT_ACCEPTED);
    tell_result(&scene, 1, OUTCOME_DONE);
    tell_result(&scene, 2, OUTCOME_DONE);

    assert_int_equal(desk_stored_run(scene.desk, 1)->state, RUN_DONE);
}

static void
a_result_of_a_run_that_has_left_memory_is_looked_up(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    for (uint64_t i = 0; i < 3; i++) {
        tell_result(&scene, i, OUTCOME_DONE);
    }
    desk_pass(scene.desk, 11000);
    assert_true(desk_has_trace(scene.desk, "run 1 leaves memory"));
    desk_forget(scene.desk);

    tell_result(&scene, 0, OUTCOME_DONE);
    assert_int_equal(desk_count(scene.desk, MESSAGE_RESULT_ACK), 1);
    assert_int_equal(scene.desk->save_count, 0);

    tell_result(&scene, 0, OUTCOME_FAILED);
    assert_int_equal(desk_count(scene.desk, MESSAGE_RESULT_ACK), 2);
    assert_true(desk_has_audit(scene.desk, "alarm", NULL));

    desk_hear(scene.desk, 1, result_of(&scene, 0, OUTCOME_DONE));
    assert_string_equal(desk_last(scene.desk, MESSAGE_REJECT)->reject.fault.code, "E-AUTH-STEP");
}

static void
a_result_of_no_step_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();
    struct message message = result_of(&scene, 0, OUTCOME_DONE);
    message.result.step_id = desk_id(4711);
    desk_forget(scene.desk);

    desk_hear(scene.desk, 0, message);

    assert_string_equal(desk_last(scene.desk, MESSAGE_REJECT)->reject.fault.code, "E-STEP-UNKNOWN");
    assert_null(desk_last(scene.desk, MESSAGE_RESULT_ACK));
}

static void
a_step_found_done_already_is_done(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    tell_result(&scene, 0, OUTCOME_ALREADY);

    assert_int_equal(step(&scene, 0)->state, STEP_DONE);
    assert_int_equal(step(&scene, 0)->outcome.kind, OUTCOME_ALREADY);
}

static void
results_may_come_in_any_order(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make();

    tell_result(&scene, 2, OUTCOME_DONE);
    tell_result(&scene, 1, OUTCOME_DONE);
    assert_int_equal(desk_stored_run(scene.desk, 1)->state, RUN_RUNNING);
    tell_result(&scene, 0, OUTCOME_DONE);

    assert_int_equal(desk_stored_run(scene.desk, 1)->state, RUN_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_stored_and_acknowledged),
        cmocka_unit_test(a_result_said_again_is_acknowledged_again_and_changes_nothing),
        cmocka_unit_test(a_result_that_contradicts_raises_an_alarm_and_pauses_the_run),
        cmocka_unit_test(a_success_after_a_failure_was_stored_is_a_contradiction),
        cmocka_unit_test(a_failure_said_again_is_acknowledged_again),
        cmocka_unit_test(a_failure_has_what_is_behind_it_withdrawn),
        cmocka_unit_test(a_retryable_failure_is_tried_again_a_few_times),
        cmocka_unit_test(a_success_in_between_starts_the_count_anew),
        cmocka_unit_test(a_failure_of_an_earlier_attempt_is_only_acknowledged),
        cmocka_unit_test(a_result_that_was_never_heard_is_found_by_asking),
        cmocka_unit_test(a_result_of_a_run_that_has_left_memory_is_looked_up),
        cmocka_unit_test(a_result_of_no_step_is_refused),
        cmocka_unit_test(a_step_found_done_already_is_done),
        cmocka_unit_test(results_may_come_in_any_order),
    };
    return RUN_TESTS(tests);
}
