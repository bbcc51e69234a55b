/* How an agent leaves. */
#include "tests/unit/agent/queue_scene.h"

/* ---- leaving ------------------------------------------------------------------------------ */

static void
leave(struct bench *bench)
{
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LEAVE});
}

static void
finishes_a_short_step_before_it_leaves(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    leave(bench);
    assert_true(bench_said_state(bench, 2, STEP_REPORT_NOT_STARTED));
    assert_int_equal(bench_count(bench, AGENT_STOP), 0);
    assign(bench, 3, 2);
    assert_int_equal(bench->actions.count, 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
    assert_int_equal(bench_count(bench, AGENT_END), 0);
    acknowledge(bench, 1, 1);
    assert_int_equal(bench_count_said(bench, MESSAGE_BYE), 1);
    assert_int_equal(bench_count(bench, AGENT_END), 1);
}

static void
stops_a_long_step_when_it_leaves_and_gives_it_back(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    leave(bench);
    bench_pass(bench, 2999);
    assert_int_equal(bench_count(bench, AGENT_STOP), 0);
    bench_pass(bench, 1);
    assert_int_equal(bench_count(bench, AGENT_STOP), 1);
    bench_ended(bench, 0, 1, OUTCOME_CANCELLED);

    assert_true(bench_said_state(bench, 1, STEP_REPORT_NOT_STARTED));
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 0);
    assert_int_equal(bench_count(bench, AGENT_END), 1);
}

static void
leaves_within_eight_seconds_whatever_happens(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    leave(bench);
    bench_pass(bench, 7999);
    assert_int_equal(bench_count(bench, AGENT_END), 0);
    bench_pass(bench, 1);
    assert_int_equal(bench_count(bench, AGENT_END), 1);
}

static void
leaves_faster_when_it_is_told_twice(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    leave(bench);
    leave(bench);
    assert_int_equal(bench_count(bench, AGENT_STOP), 1);
    bench_pass(bench, 2000);
    assert_int_equal(bench_count(bench, AGENT_END), 1);
}

static void
does_not_wait_for_a_coordinator_that_is_gone(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(1);

    assign(bench, 1, 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    leave(bench);

    assert_int_equal(bench_count(bench, AGENT_END), 1);
}

static void
lets_go_of_everything_in_the_middle_of_work(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = ready(2);

    assign(bench, 1, 0);
    assign(bench, 2, 1);
    ask(bench, MESSAGE_QUERY, 7, 1);
    struct message message = bench_assign(bench, 1, 11, 0);
    message.assign.digest = bench_digest(2);
    bench_hear(bench, message);
    bench_hear(bench, (struct message){
                          .type = MESSAGE_SURVEY,
                          .survey = {.survey_id = bench_id(3), .target_id = bench_target_id(0)}});
    /* The address sanitizer looks whether all of it comes back. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finishes_a_short_step_before_it_leaves),
        cmocka_unit_test(stops_a_long_step_when_it_leaves_and_gives_it_back),
        cmocka_unit_test(leaves_within_eight_seconds_whatever_happens),
        cmocka_unit_test(leaves_faster_when_it_is_told_twice),
        cmocka_unit_test(does_not_wait_for_a_coordinator_that_is_gone),
        cmocka_unit_test(lets_go_of_everything_in_the_middle_of_work),
    };
    return RUN_TESTS(tests);
}
