#include "agent/core/core.h"
#include "tests/support/unit.h"
#include "tests/unit/agent/bench.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

/* A live core whose bundle 1 is there. */
static struct bench *
ready(size_t target_count)
{
    struct bench *bench = bench_new(target_count);

    bench_live(bench);
    bench_hear_assign(bench, 0, 999, 0);
    bench_bundle(bench, 1, BUNDLE_THERE, 0);
    bench_ended(bench, 0, 999, OUTCOME_DONE);
    bench_hear(bench, (struct message){.type = MESSAGE_RESULT_ACK,
                                       .result_ack = {.step_id = bench_id(999), .attempt = 1}});
    bench_forget(bench);
    return bench;
}

/* ASSIGN of step `number` of run 2, at its position, everything before position 0 done. */
static void
assign(struct bench *bench, unsigned number, uint64_t position)
{
    struct message message = bench_assign(bench, 0, number, position);

    message.assign.run_id = bench_id(80002);
    bench_hear(bench, message);
}

static void
ask(struct bench *bench, enum message_type type, unsigned number, uint64_t attempt)
{
    struct message message = {.type = type};
    struct query query = {
        .step_id = bench_id(number), .target_id = bench_target_id(0), .attempt = attempt};

    if (type == MESSAGE_QUERY) {
        message.query = query;
    } else {
        message.cancel = (struct cancel){
            .step_id = query.step_id, .target_id = query.target_id, .attempt = query.attempt};
    }
    bench_hear(bench, message);
}

static void
acknowledge(struct bench *bench, unsigned number, uint64_t attempt)
{
    bench_hear(bench,
               (struct message){.type = MESSAGE_RESULT_ACK,
                                .result_ack = {.step_id = bench_id(number), .attempt = attempt}});
}

/* The journal's answer about step `number`: done, or nothing, or it cannot be read. */
static void
resolved(struct bench *bench, unsigned number, bool is_done, bool is_silent)
{
    struct outcome outcome = {.kind = OUTCOME_DONE};
    struct fault fault = {.code = "E-DB-UNREACHABLE"};

    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_RESOLVED,
                                            .step_id = bench_id(number),
                                            .attempt = 1,
                                            .outcome = is_done ? &outcome : NULL,
                                            .fault = is_silent ? &fault : NULL});
}

static void
begin_new_session(struct bench *bench, unsigned number)
{
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_DOWN});
    bench_event(bench, (struct agent_event){.kind = AGENT_EVENT_LINK_UP});
    bench_welcome(bench, number);
}

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
    assert_int_equal(bench_count_said(bench, MESSAGE_RESULT), 1);
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
    bench_event(bench, (struct agent_event){
                           .kind = AGENT_EVENT_PROGRESS, .step_id = step_id, .statement = 3});
    bench_event(bench, (struct agent_event){
                           .kind = AGENT_EVENT_PROGRESS, .step_id = bench_id(55), .statement = 9});
    bench_pass_until(bench, MESSAGE_PING);

    const struct ping *ping = &bench_said(bench, MESSAGE_PING)->ping;
    assert_int_equal(ping->running_count, 1);
    assert_true(id_equal(&ping->running[0].step_id, &step_id));
    assert_int_equal(ping->running[0].statement, 3);
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
        cmocka_unit_test(says_a_result_again_until_it_is_acknowledged),
        cmocka_unit_test(keeps_results_over_a_lost_link_and_says_them_in_the_next_session),
        cmocka_unit_test(drops_the_queue_but_not_what_runs_when_the_session_is_over),
        cmocka_unit_test(names_what_runs_and_how_far_it_is_with_every_ping),
        cmocka_unit_test(a_ping_names_no_more_steps_than_a_frame_holds),
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
        cmocka_unit_test(finishes_a_short_step_before_it_leaves),
        cmocka_unit_test(stops_a_long_step_when_it_leaves_and_gives_it_back),
        cmocka_unit_test(leaves_within_eight_seconds_whatever_happens),
        cmocka_unit_test(leaves_faster_when_it_is_told_twice),
        cmocka_unit_test(does_not_wait_for_a_coordinator_that_is_gone),
        cmocka_unit_test(lets_go_of_everything_in_the_middle_of_work),
    };
    return RUN_TESTS(tests);
}
