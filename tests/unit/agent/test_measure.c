#include "agent/core/core.h"
#include "tests/support/unit.h"
#include "tests/unit/agent/bench.h"

#include "common/base/mem.h"

static void
hear_measure(struct bench *bench, struct id target_id, unsigned number)
{
    bench_hear(bench, (struct message){.type = MESSAGE_MEASURE,
                                       .measure = {.session = bench->session,
                                                   .measure_id = bench_id(number),
                                                   .target_id = target_id}});
}

static void
worker_answers(struct bench *bench, bool succeeded)
{
    struct table_measure table = {"public", "events", 12, 1 << 30, 90};
    const struct measured measured = {.succeeded = succeeded,
                                      .fault = {.code = succeeded ? NULL : "E-DB-UNREACHABLE"},
                                      .server_version = 150004,
                                      .below = 1 << 20,
                                      .tables = &table,
                                      .table_count = succeeded ? 1 : 0};

    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_MEASURED, .measured = &measured});
}

static void
tells_what_the_worker_has_measured(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_measure(bench, bench_target_id(0), 1);
    assert_int_equal(bench_count(bench, AGENT_MEASURE), 1);
    hear_measure(bench, bench_target_id(0), 1); /* said again while it is at it */
    assert_int_equal(bench_count(bench, AGENT_MEASURE), 0);

    worker_answers(bench, true);
    const struct measured *measured = &bench_said(bench, MESSAGE_MEASURED)->measured;
    struct id target_id = bench_target_id(0), measure_id = bench_id(1);
    assert_true(id_equal(&measured->session, &bench->session));
    assert_true(id_equal(&measured->target_id, &target_id));
    assert_true(id_equal(&measured->measure_id, &measure_id));
    assert_int_equal(measured->table_count, 1);
    assert_string_equal(measured->tables[0].name, "events");
    assert_int_equal(bench_count(bench, AGENT_MEASURE), 0);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 0);
}

static void
looks_again_at_a_database_that_did_not_answer(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_measure(bench, bench_target_id(0), 1);
    worker_answers(bench, false);
    assert_string_equal(bench_said(bench, MESSAGE_MEASURED)->measured.fault.code,
                        "E-DB-UNREACHABLE");
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
}

static void
waits_for_the_step_that_runs(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear_assign(bench, 0, 7, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    hear_measure(bench, bench_target_id(0), 1);
    assert_int_equal(bench_count(bench, AGENT_MEASURE), 0);
    bench_ended(bench, 0, 7, OUTCOME_DONE);
    assert_int_equal(bench_count(bench, AGENT_MEASURE), 1);
}

static void
a_survey_is_not_answered_by_sizes(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear(bench, (struct message){.type = MESSAGE_SURVEY,
                                       .survey = {.session = bench->session,
                                                  .survey_id = bench_id(1),
                                                  .target_id = bench_target_id(0)}});
    worker_answers(bench, true);
    assert_true(bench_traced(bench, "nobody has asked for its sizes"));
    assert_int_equal(bench_count_said(bench, MESSAGE_MEASURED), 0);
}

static void
an_answer_of_an_earlier_session_is_not_told(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_measure(bench, bench_target_id(0), 1);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    worker_answers(bench, true);
    assert_int_equal(bench_count_said(bench, MESSAGE_MEASURED), 0);
}

static void
a_target_it_does_not_serve_is_told_as_one(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    hear_measure(bench, bench_id(99), 1);
    assert_string_equal(bench_said(bench, MESSAGE_MEASURED)->measured.fault.code,
                        "E-TARGET-UNKNOWN");
    bench_hear(bench, (struct message){.type = MESSAGE_MEASURE,
                                       .measure = {.session = bench_id(1234),
                                                   .measure_id = bench_id(2),
                                                   .target_id = bench_target_id(0)}});
    assert_true(bench_traced(bench, "MEASURE ignored"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_the_worker_has_measured),
        cmocka_unit_test(looks_again_at_a_database_that_did_not_answer),
        cmocka_unit_test(waits_for_the_step_that_runs),
        cmocka_unit_test(a_survey_is_not_answered_by_sizes),
        cmocka_unit_test(an_answer_of_an_earlier_session_is_not_told),
        cmocka_unit_test(a_target_it_does_not_serve_is_told_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
