#include "agent/core/core.h"
#include "tests/support/unit.h"
#include "tests/unit/agent/bench.h"

#include <string.h>

#include "common/base/mem.h"

static void
welcome(struct bench *bench)
{
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, 100);
}

static void
refuse_target(struct bench *bench, const char *name, const char *code)
{
    bench_hear(bench, (struct message){.type = MESSAGE_TARGET_REFUSED,
                                       .target_refused = {.name = name, .fault = {.code = code}}});
}

static void
survey(struct bench *bench, size_t target, unsigned number)
{
    bench_hear(bench, (struct message){.type = MESSAGE_SURVEY,
                                       .survey = {.survey_id = bench_id(number),
                                                  .target_id = bench_target_id(target)}});
}

static void
surveyed(struct bench *bench, size_t target)
{
    struct applied applied = {.version = "20250101"};
    struct surveyed answer = {.succeeded = true, .applied = &applied, .applied_count = 1};

    bench_event(bench, (struct agent_event){
                           .kind = AGENT_EVENT_SURVEYED, .target = target, .surveyed = &answer});
}

static void
reports_a_broken_target_once_and_looks_again_ever_more_seldom(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    int64_t most_ms = 0;

    welcome(bench);
    bench_examined(bench, 0, "E-DB-UNREACHABLE");
    const struct target_report *report = &bench_said(bench, MESSAGE_TARGET)->target;
    assert_int_equal(report->state, TARGET_BROKEN);
    assert_string_equal(report->fault.code, "E-DB-UNREACHABLE");
    assert_true(bench_action(bench, AGENT_NOTE)->is_warning);
    bench->answers_pings = true;
    for (int i = 0; i < 12; i++) {
        int64_t before_ms = bench->now_ms;
        do {
            bench_pass(bench, agent_core_wake_ms(bench->core) - bench->now_ms);
        } while (bench_count(bench, AGENT_EXAMINE) == 0);
        int64_t pause_ms = bench->now_ms - before_ms;
        assert_in_range(pause_ms, 1, i < 6 ? 1000 << i : 60000);
        most_ms = pause_ms > most_ms ? pause_ms : most_ms;
        bench_examined(bench, 0, "E-DB-UNREACHABLE");
        assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 0);
    }
    assert_true(most_ms > 5000);
    bench_examined(bench, 0, NULL); /* unasked, too, it is told */
    assert_int_equal(bench_said(bench, MESSAGE_TARGET)->target.state, TARGET_READY);
}

static void
remembers_the_id_of_a_target_that_cannot_be_reached(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    struct id target_id = bench_target_id(0);

    bench_live(bench);
    bench_examined(bench, 0, "E-DB-UNREACHABLE");

    assert_true(id_equal(&bench_said(bench, MESSAGE_TARGET)->target.target_id, &target_id));
}

static void
repeats_a_report_ever_more_seldom(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    welcome(bench);
    bench_examined(bench, 0, NULL);
    bench->answers_pings = true;
    for (int i = 0; i < 4; i++) {
        int64_t pause_ms = BENCH_LEASE_MS << i;
        bench_pass(bench, pause_ms - 1);
        assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 0);
        bench_pass(bench, 1);
        assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 1);
        survey(bench, 0, 1); /* that may be because of the report before */
        surveyed(bench, 0);
    }
    bench_pass(bench, 3600000);

    assert_in_range(bench_count_said(bench, MESSAGE_TARGET), 5, 6); /* every ten minutes */
}

static void
begins_nothing_on_a_target_it_may_not_serve_and_claims_it_every_lease(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear_assign(bench, 0, 1, 0);
    refuse_target(bench, "t0", "E-TARGET-CLAIMED");
    assert_true(bench_said_state(bench, 1, STEP_REPORT_NOT_STARTED));
    assert_non_null(strstr(bench_action(bench, AGENT_NOTE)->note, "E-TARGET-CLAIMED"));
    bench->answers_pings = true;
    for (int i = 0; i < 3; i++) {
        bench_pass(bench, BENCH_LEASE_MS - 1);
        assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 0);
        bench_pass(bench, 1);
        assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 1);
        assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1); /* the other may have changed it */
        bench_examined(bench, 0, NULL);
        refuse_target(bench, "t0", "E-TARGET-CLAIMED");
        assert_int_equal(bench_count(bench, AGENT_NOTE), 0); /* said once */
    }
    bench_hear_assign(bench, 0, 2, 0); /* the other is gone, the coordinator has changed its mind */
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
a_refusal_of_another_session_or_name_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    refuse_target(bench, "t7", "E-TARGET-CLAIMED");
    bench_hear(bench, (struct message){.type = MESSAGE_TARGET_REFUSED,
                                       .target_refused = {.session = bench_id(55), .name = "t0"}});

    assert_int_equal(bench->actions.count, 0);
    refuse_target(bench, "t0", NULL);
    assert_true(bench_traced(bench, "t0: refused"));
}

static void
reports_a_target_once_more_when_its_last_result_is_stored(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench->answers_pings = true;
    bench_hear_assign(bench, 0, 1, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_pass(bench, 200);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
    bench_examined(bench, 0, NULL);
    assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 1);

    bench_hear(bench, (struct message){.type = MESSAGE_RESULT_ACK,
                                       .result_ack = {.step_id = bench_id(1), .attempt = 1}});
    bench_pass(bench, 200);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
    bench_examined(bench, 0, NULL);

    assert_int_equal(bench_count_said(bench, MESSAGE_TARGET), 1);
}

static void
begins_nothing_of_a_database_that_was_replaced(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    struct target_report other = {.target_id = bench_id(77), .state = TARGET_READY};

    bench_live(bench);
    bench_hear_assign(bench, 0, 1, 0);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_EXAMINED, .report = &other});
    assert_true(bench_said_state(bench, 1, STEP_REPORT_NOT_STARTED));

    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
}

static void
looks_at_a_target_that_cannot_be_surveyed(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    struct surveyed failed = {.fault = {.code = "E-DB-WRONG", .text = "another target answers"}};

    bench_live(bench);
    survey(bench, 0, 1);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_SURVEYED, .surveyed = &failed});

    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
}

static void
does_not_serve_one_database_under_two_names(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(2);
    struct target_report report = {.state = TARGET_READY, .target_id = bench_target_id(0)};

    welcome(bench);
    bench_examined(bench, 0, NULL);
    bench_event(bench,
                (struct agent_event){.kind = AGENT_EVENT_EXAMINED, .target = 1, .report = &report});

    const struct target_report *said = &bench_said(bench, MESSAGE_TARGET)->target;
    assert_string_equal(said->name, "t1");
    assert_string_equal(said->fault.code, "E-DB-DUP-IDENTITY");
    assert_non_null(strstr(said->fault.text, "t0"));
    assert_true(id_is_none(&said->target_id));
}

static void
surveys_a_target_for_whoever_asks(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    struct id survey_id = bench_id(42), target_id = bench_target_id(0);

    bench_live(bench);
    survey(bench, 0, 42);
    assert_true(id_equal(&bench_action(bench, AGENT_SURVEY)->survey->survey_id, &survey_id));
    survey(bench, 0, 42); /* said again */
    assert_int_equal(bench->actions.count, 0);
    surveyed(bench, 0);

    const struct surveyed *answer = &bench_said(bench, MESSAGE_SURVEYED)->surveyed;
    assert_true(id_equal(&answer->survey_id, &survey_id));
    assert_true(id_equal(&answer->target_id, &target_id));
    assert_true(id_equal(&answer->session, &bench->session));
    assert_string_equal(answer->applied[0].version, "20250101");
    surveyed(bench, 0);
    assert_int_equal(bench->actions.count, 0);
}

static void
surveys_between_two_steps(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    bench_hear_assign(bench, 0, 1, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    bench_hear_assign(bench, 0, 2, 1);
    survey(bench, 0, 42);
    assert_int_equal(bench_count(bench, AGENT_SURVEY), 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    assert_int_equal(bench_count(bench, AGENT_SURVEY), 1);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 0);
    surveyed(bench, 0);
    assert_int_equal(bench_count(bench, AGENT_EXECUTE), 1);
}

static void
says_that_it_does_not_know_the_target_of_a_survey(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    survey(bench, 5, 42);

    const struct surveyed *answer = &bench_said(bench, MESSAGE_SURVEYED)->surveyed;
    assert_false(answer->succeeded);
    assert_string_equal(answer->fault.code, "E-TARGET-UNKNOWN");
}

static void
answers_no_survey_of_an_earlier_session(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    survey(bench, 0, 42);
    survey(bench, 0, 43);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, 101);
    surveyed(bench, 0);
    assert_int_equal(bench_count_said(bench, MESSAGE_SURVEYED), 0);
    assert_int_equal(bench_count(bench, AGENT_SURVEY), 0);

    bench_hear(bench, (struct message){
                          .type = MESSAGE_SURVEY,
                          .survey = {.session = bench_id(55), .target_id = bench_target_id(0)}});
    assert_int_equal(bench->actions.count, 0);
}

static void
bounds_the_surveys_that_wait(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);

    bench_live(bench);
    for (unsigned i = 0; i < 20; i++) {
        survey(bench, 0, 1000 + i);
    }

    assert_true(bench_traced(bench, "too many questions"));
}

static void
looks_at_four_targets_at_a_time_while_they_answer_at_once(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(40);
    size_t next = 0, looking;

    welcome(bench);
    looking = bench_count(bench, AGENT_EXAMINE);
    assert_int_equal(looking, 4);
    while (next < 40) {
        bench_examined(bench, next++, NULL);
        looking += bench_count(bench, AGENT_EXAMINE);
        assert_int_equal(looking, next + 4 < 40 ? next + 4 : 40);
    }
}

static void
looks_at_others_beside_those_that_take_long_but_at_sixteen_at_most(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(40);
    size_t looking;

    welcome(bench);
    looking = bench_count(bench, AGENT_EXAMINE);
    for (size_t i = 1; i <= 5; i++) {
        bench_pass(bench, 99);
        assert_int_equal(bench_count(bench, AGENT_EXAMINE), 0);
        bench_pass(bench, 1);
        looking += bench_count(bench, AGENT_EXAMINE);
        assert_int_equal(looking, i < 4 ? 4 + 4 * i : 16);
    }
    bench_examined(bench, 0, NULL);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
    bench_examined(bench, 16, NULL);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
}

static void
looks_at_a_target_anew_when_its_steps_are_over(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(1);
    struct target_report report = {
        .state = TARGET_READY, .target_id = bench_target_id(0), .applied_count = 1};

    bench_live(bench);
    bench_hear_assign(bench, 0, 1, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    bench_ended(bench, 0, 1, OUTCOME_DONE);
    bench_pass(bench, 199);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 0);
    bench_pass(bench, 1);
    assert_int_equal(bench_count(bench, AGENT_EXAMINE), 1);
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_EXAMINED, .report = &report});
    assert_int_equal(bench_said(bench, MESSAGE_TARGET)->target.applied_count, 1);
}

static void
hundreds_of_targets_cost_no_more_than_their_number(void **state)
{
    (void)state;
    CLEANUP(bench_destroy) struct bench *bench = bench_new(BENCH_TARGETS_MAX);

    /* Nothing to do: a minute is a handful of ticks, not some for each target. */
    bench_live(bench);
    bench->answers_pings = true;
    int ticks = 0;
    int64_t until_ms = bench->now_ms + 60000;
    while (bench->now_ms < until_ms) {
        bench_pass(bench, agent_core_wake_ms(bench->core) - bench->now_ms);
        ticks++;
    }

    assert_in_range(ticks, 10, 25);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_a_broken_target_once_and_looks_again_ever_more_seldom),
        cmocka_unit_test(remembers_the_id_of_a_target_that_cannot_be_reached),
        cmocka_unit_test(repeats_a_report_ever_more_seldom),
        cmocka_unit_test(begins_nothing_on_a_target_it_may_not_serve_and_claims_it_every_lease),
        cmocka_unit_test(a_refusal_of_another_session_or_name_changes_nothing),
        cmocka_unit_test(reports_a_target_once_more_when_its_last_result_is_stored),
        cmocka_unit_test(begins_nothing_of_a_database_that_was_replaced),
        cmocka_unit_test(looks_at_a_target_that_cannot_be_surveyed),
        cmocka_unit_test(does_not_serve_one_database_under_two_names),
        cmocka_unit_test(surveys_a_target_for_whoever_asks),
        cmocka_unit_test(surveys_between_two_steps),
        cmocka_unit_test(says_that_it_does_not_know_the_target_of_a_survey),
        cmocka_unit_test(answers_no_survey_of_an_earlier_session),
        cmocka_unit_test(bounds_the_surveys_that_wait),
        cmocka_unit_test(looks_at_four_targets_at_a_time_while_they_answer_at_once),
        cmocka_unit_test(looks_at_others_beside_those_that_take_long_but_at_sixteen_at_most),
        cmocka_unit_test(looks_at_a_target_anew_when_its_steps_are_over),
        cmocka_unit_test(hundreds_of_targets_cost_no_more_than_their_number),
    };
    return RUN_TESTS(tests);
}
