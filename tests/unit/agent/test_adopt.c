#include "agent/core/core.h"
#include "tests/support/unit.h"
#include "tests/unit/agent/bench.h"

#include "common/base/mem.h"

/* ADOPT number `number` of a target, with bundle 1. */
static void
hear_adopt(struct bench *bench, size_t target, unsigned number)
{
    bench_hear(bench, (struct message){.type = MESSAGE_ADOPT,
                                       .adopt = {.session = bench->session,
                                                 .token = bench->token,
                                                 .adopt_id = bench_id(number),
                                                 .target_id = bench_target_id(target),
                                                 .digest = bench_digest(1)}});
}

static void
worker_answers(struct bench *bench, size_t target)
{
    const struct adopted adopted = {
        .result = {.succeeded = true, .tool = "dbmate", .adopted_count = 3}};

    bench_event(bench, (struct agent_event){
                           .kind = AGENT_EVENT_ADOPTED, .target = target, .adopted = &adopted});
}

static void
adopts_once_the_bundle_is_there(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_adopt(bench, 0, 1);
    assert_int_equal(bench_count(bench, AGENT_LOOK_UP), 1);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    const struct agent_action *action = bench_action(bench, AGENT_ADOPT);
    assert_int_equal(action->adopt->token.epoch, bench->token.epoch);
    assert_true(id_equal(&action->cluster_id, &bench->cluster_id));

    worker_answers(bench, 0);
    const struct adopted *adopted = &bench_said(bench, MESSAGE_ADOPTED)->adopted;
    assert_true(adopted->result.succeeded);
    assert_int_equal(adopted->result.adopted_count, 3);
    struct id target_id = bench_target_id(0), adopt_id = bench_id(1);
    assert_true(id_equal(&adopted->target_id, &target_id));
    assert_true(id_equal(&adopted->adopt_id, &adopt_id));
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1); /* what is applied may be another */
}

static void
is_not_begun_twice_for_being_said_twice(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_adopt(bench, 0, 1);
    hear_adopt(bench, 0, 1);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 1);
    hear_adopt(bench, 0, 1);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 0);
    worker_answers(bench, 0);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 0);
    assert_int_equal(bench_count_said(bench, MESSAGE_ADOPTED), 1);
}

static void
waits_for_the_step_that_runs(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear_assign(bench, 0, 7, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
    hear_adopt(bench, 0, 1);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 0);
    bench_ended(bench, 0, 7, OUTCOME_DONE);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 1);
}

static void
is_not_wanted_any_more_when_the_session_is_over(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_adopt(bench, 0, 1);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 0);
}

static void
says_why_when_the_bundle_cannot_be_had(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_adopt(bench, 0, 1);
    bench_bundle(bench, 1, BUNDLE_BAD, 0);
    const struct adopted *adopted = &bench_said(bench, MESSAGE_ADOPTED)->adopted;
    assert_false(adopted->result.succeeded);
    assert_non_null(adopted->result.fault.code);
}

static void
a_target_it_does_not_serve_is_told_as_one(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear(bench, (struct message){.type = MESSAGE_ADOPT,
                                       .adopt = {.session = bench->session,
                                                 .adopt_id = bench_id(1),
                                                 .target_id = bench_id(99),
                                                 .digest = bench_digest(1)}});
    assert_string_equal(bench_said(bench, MESSAGE_ADOPTED)->adopted.result.fault.code,
                        "E-TARGET-UNKNOWN");
    hear_adopt(bench, 0, 2);
    bench_hear(bench, (struct message){.type = MESSAGE_ADOPT,
                                       .adopt = {.session = bench_id(1234),
                                                 .adopt_id = bench_id(3),
                                                 .target_id = bench_target_id(0),
                                                 .digest = bench_digest(1)}});
    assert_true(bench_traced(bench, "ADOPT ignored"));
}

/* The worker is given one job at a time, whoever wants what. */
static void
the_worker_is_given_one_job_at_a_time(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_adopt(bench, 0, 1);
    hear_adopt(bench, 0, 2);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_int_equal(bench_count(bench, AGENT_ADOPT), 1);
    bench_hear_assign(bench, 0, 7, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
    worker_answers(bench, 0);
    assert_int_equal(bench_count(bench, AGENT_ADOPT) + bench_count(bench, AGENT_EXECUTE), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adopts_once_the_bundle_is_there),
        cmocka_unit_test(is_not_begun_twice_for_being_said_twice),
        cmocka_unit_test(waits_for_the_step_that_runs),
        cmocka_unit_test(is_not_wanted_any_more_when_the_session_is_over),
        cmocka_unit_test(says_why_when_the_bundle_cannot_be_had),
        cmocka_unit_test(a_target_it_does_not_serve_is_told_as_one),
        cmocka_unit_test(the_worker_is_given_one_job_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
