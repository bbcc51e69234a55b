#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

static const char *
refused(const struct desk *desk)
{
    const struct message *message = desk_last(desk, MESSAGE_TARGET_REFUSED);
    return message ? message->target_refused.fault.code : "";
}

static struct message
report(const char *name, struct id target_id)
{
    struct message message = {.type = MESSAGE_TARGET};

    message.target = (struct target_report){.target_id = target_id,
                                            .name = name,
                                            .service = "auth",
                                            .state = TARGET_READY,
                                            .system_identifier = 77,
                                            .database_oid = 16384};
    return message;
}

static const struct target_row *
row_of(struct desk *desk, const char *name)
{
    const struct message *view =
        desk_ask(desk, DESK_VIEWER, (struct message){.type = MESSAGE_TARGETS});

    for (size_t i = 0; i < view->targets_view.row_count; i++) {
        if (strcmp(view->targets_view.rows[i].name, name) == 0) {
            return &view->targets_view.rows[i];
        }
    }
    return NULL;
}

static void
a_new_target_is_saved_once(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_hello(desk, 0);
    desk_forget(desk);

    desk_report(desk, 0);
    assert_int_equal(desk->save_count, 1);
    assert_string_equal(desk_stored_target(desk, 0)->agent, "a0");
    desk_report(desk, 0);
    assert_int_equal(desk->save_count, 1);
    desk->targets[0].region = "asia";
    desk_report(desk, 0);
    assert_int_equal(desk->save_count, 2);
    desk->targets[0].is_broken = true;
    desk_report(desk, 0);
    assert_int_equal(desk->save_count, 3);
    assert_string_equal(desk_stored_target(desk, 0)->fault.code, "E-DB-UNREACHABLE");
}

static void
a_target_is_known_again_after_a_restart(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    desk_restart(desk);
    desk_forget(desk);

    assert_false(row_of(desk, "t0")->is_reachable);
    desk_connect_all(desk);
    assert_true(row_of(desk, "t0")->is_reachable);
    assert_int_equal(desk->save_count, 0);
}

static void
a_second_live_agent_for_a_database_is_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    desk_hear(desk, 1, report("t0", desk->targets[0].id));
    assert_string_equal(refused(desk), "E-DB-DUP-IDENTITY");
    desk_hear(desk, 1, report("other", desk->targets[0].id));
    assert_string_equal(refused(desk), "E-DB-DUP-IDENTITY");
    desk_hear(desk, 1, report("t0", desk_id(9999)));
    assert_string_equal(refused(desk), "E-DB-DUP-IDENTITY");

    assert_string_equal(row_of(desk, "t0")->agent, "a0");
    assert_true(desk_has_audit(desk, "target refused", "t0"));
}

static void
the_same_refusal_is_written_down_once(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);
    desk_hear(desk, 1, report("t0", desk->targets[0].id));
    desk_forget(desk);

    desk_hear(desk, 1, report("t0", desk->targets[0].id));

    assert_string_equal(refused(desk), "E-DB-DUP-IDENTITY");
    assert_int_equal(desk->save_count, 0);
}

static void
another_agent_takes_over_when_the_first_is_silent_for_a_lease(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);
    desk_disconnect(desk, 0);

    desk_hear(desk, 1, report("t0", desk->targets[0].id));
    assert_string_equal(refused(desk), "E-DB-DUP-IDENTITY");
    desk_pass(desk, 15000);
    desk_hear(desk, 1, report("t0", desk->targets[0].id));

    assert_string_equal(row_of(desk, "t0")->agent, "a1");
    assert_true(desk_has_audit(desk, "target moved", "t0"));
    desk_connect(desk, 0);
    assert_string_equal(row_of(desk, "t0")->agent, "a1");
}

static void
another_agent_takes_over_at_once_when_the_first_has_left(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    desk_hear(desk, 0, (struct message){.type = MESSAGE_BYE});
    desk_hear(desk, 1, report("t0", desk->targets[0].id));

    assert_string_equal(row_of(desk, "t0")->agent, "a1");
}

static void
after_a_restart_whoever_is_quicker_does_not_get_it(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    desk_restart(desk);
    desk_hello(desk, 1);
    desk_hear(desk, 1, report("t0", desk->targets[0].id));
    assert_string_equal(refused(desk), "E-DB-DUP-IDENTITY");
    desk_connect(desk, 0);

    assert_string_equal(row_of(desk, "t0")->agent, "a0");
    assert_true(row_of(desk, "t0")->is_reachable);
}

static void
a_copy_that_carries_the_identity_of_its_original_is_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    struct message copy = report("t0", desk->targets[0].id);
    copy.target.database_oid = 99;
    desk_hear(desk, 0, copy);

    const struct message *message = desk_last(desk, MESSAGE_TARGET_REFUSED);
    assert_string_equal(message->target_refused.fault.code, "E-DB-DUP-IDENTITY");
    assert_non_null(message->target_refused.fault.found);
    assert_false(row_of(desk, "t0")->is_reachable);
    assert_int_equal(desk_stored_target(desk, 0)->database_oid, 16384);
}

static void
a_standby_is_shown_as_broken(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    struct message message = report("t0", desk_id(100));
    message.target.in_recovery = true;
    desk_hear(desk, 0, message);

    assert_int_equal(row_of(desk, "t0")->state, TARGET_BROKEN);
    assert_string_equal(row_of(desk, "t0")->fault.code, "E-DB-STANDBY");
}

static void
a_database_that_could_not_be_asked_goes_by_its_name(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_hello(desk, 0);
    struct message down = report("t0", (struct id){{0}});
    down.target.state = TARGET_BROKEN;
    down.target.fault = (struct fault){.code = "E-DB-UNREACHABLE"};

    desk_hear(desk, 0, down);
    assert_int_equal(row_of(desk, "t0")->state, TARGET_BROKEN);
    assert_null(desk_stored_target(desk, 0));

    desk_report(desk, 0);
    assert_int_equal(row_of(desk, "t0")->state, TARGET_READY);
    assert_non_null(desk_stored_target(desk, 0));

    desk_hear(desk, 0, down);
    assert_int_equal(row_of(desk, "t0")->state, TARGET_BROKEN);
    assert_int_equal(desk_stored_target(desk, 0)->state, TARGET_BROKEN);
}

static void
a_database_that_was_made_anew_takes_the_name(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    desk_hear(desk, 0, report("t0", desk_id(555)));

    assert_true(id_equal(&row_of(desk, "t0")->target_id, &(struct id[]){desk_id(555)}[0]));
    assert_true(desk_stored_target(desk, 0)->is_gone);
    assert_true(desk_has_audit(desk, "target replaced", "t0"));
    desk_restart(desk);
    assert_true(id_equal(&row_of(desk, "t0")->target_id, &(struct id[]){desk_id(555)}[0]));
}

static struct message
forget(const char *name)
{
    return (struct message){.type = MESSAGE_FORGET, .forget = {.target = name}};
}

static void
a_target_that_is_removed_is_history_until_it_is_reported_again(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    const struct message *answer = desk_ask(desk, DESK_OPERATOR, forget("t0"));

    assert_int_equal(answer->type, MESSAGE_DONE);
    assert_non_null(strstr(answer->done.text, "at that agent's next report"));
    assert_null(row_of(desk, "t0"));
    assert_true(desk_stored_target(desk, 0)->is_gone);
    assert_true(desk_has_audit(desk, "target removed", "t0"));
    desk_restart(desk);
    assert_null(row_of(desk, "t0"));
    desk_connect_all(desk);
    assert_true(row_of(desk, "t0")->is_reachable);
    assert_false(desk_stored_target(desk, 0)->is_gone);
}

static void
a_target_that_a_run_has_is_not_removed(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct digest digest = desk_add_bundle(desk, "auth", 1);
    size_t target = desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);
    struct run_spec spec = desk_spec(desk, "auth", &digest);
    struct id plan_id = desk_plan(desk, &spec);
    desk->targets[target].is_silent = true;
    desk_apply(desk, &plan_id);

    const struct message *answer = desk_ask(desk, DESK_OPERATOR, forget("t0"));
    assert_string_equal(answer->refused.fault.code, "E-TARGET-BUSY");
    desk->targets[target].is_silent = false;
    desk_work_for(desk, 60000);

    assert_int_equal(desk_ask(desk, DESK_OPERATOR, forget("t0"))->type, MESSAGE_DONE);
    assert_null(row_of(desk, "t0"));
}

static void
who_may_not_remove_a_target_and_what_is_none_is_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);
    size_t saves = desk->save_count;

    const struct message *answer = desk_ask(desk, DESK_VIEWER, forget("t0"));
    assert_string_equal(answer->refused.fault.code, "E-AUTH-ROLE");
    answer = desk_ask(desk, DESK_OPERATOR, forget("t1"));
    assert_string_equal(answer->refused.fault.code, "E-TARGET-UNKNOWN");

    assert_int_equal(desk->save_count, saves);
    assert_non_null(row_of(desk, "t0"));
}

/* The agent cannot be asked about the steps it has: they were in a database that is no more. */
static void
a_run_whose_database_was_replaced_can_be_cancelled(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct digest digest = desk_add_bundle(desk, "auth", 3);
    size_t target = desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);
    struct run_spec spec = desk_spec(desk, "auth", &digest);
    struct id plan_id = desk_plan(desk, &spec);
    desk->targets[target].is_silent = true;
    uint64_t number = desk_apply(desk, &plan_id);
    desk_work(desk);
    assert_int_equal(desk_stored_steps(desk, number, STEP_ASSIGNED), 3);

    desk_hear(desk, 0, report("t0", desk_id(4711)));
    assert_string_equal(refused(desk), "E-TARGET-BUSY");
    desk_pass(desk, 60000);
    assert_int_equal(desk_stored_run(desk, number)->state, RUN_RUNNING);

    assert_null(desk_steer(desk, "last", STEER_CANCEL));
    assert_int_equal(desk_stored_run(desk, number)->state, RUN_CANCELLED);
    assert_int_equal(desk_stored_steps(desk, number, STEP_CANCELLED), 3);
    desk_forget(desk);
    desk_hear(desk, 0, report("t0", desk_id(4711)));
    assert_string_equal(refused(desk), "");
}

static void
a_target_may_be_named_anew(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_add_target(desk, 0, "auth");
    desk_connect_all(desk);

    desk_hear(desk, 0, report("auth-eu-1", desk->targets[0].id));

    assert_null(row_of(desk, "t0"));
    assert_non_null(row_of(desk, "auth-eu-1"));
    assert_string_equal(desk_stored_target(desk, 0)->name, "auth-eu-1");
}

static void
a_report_that_is_out_of_date_says_nothing_about_what_is_applied(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    struct message message = report("t0", desk_id(100));
    message.target.journal_count = 5;
    message.target.applied_count = 3;
    message.target.applied_version = "3";
    desk_hear(desk, 0, message);

    message.target.journal_count = 4;
    message.target.applied_count = 2;
    message.target.applied_version = "2";
    desk_hear(desk, 0, message);

    assert_string_equal(row_of(desk, "t0")->version, "3");
    assert_int_equal(row_of(desk, "t0")->applied_count, 3);
}

static void
a_history_that_somebody_has_changed_is_an_alarm(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    struct message message = report("t0", desk_id(100));
    desk_hear(desk, 0, message);
    assert_false(desk_has_audit(desk, "history changed", "t0"));

    message.target.state = TARGET_BROKEN;
    message.target.fault =
        (struct fault){.code = "E-HIST-TAMPERED", .text = "somebody has changed the history"};
    desk_hear(desk, 0, message);

    assert_true(desk_has_audit(desk, "history changed", "t0"));
}

static void
what_a_failover_has_lost_is_an_alarm_and_not_shown_any_more(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    struct message message = report("t0", desk_id(100));
    message.target.journal_count = 5;
    message.target.applied_count = 3;
    message.target.applied_version = "3";
    message.target.timeline = 1;
    desk_hear(desk, 0, message);

    message.target.journal_count = 4;
    message.target.applied_count = 2;
    message.target.applied_version = "2";
    message.target.timeline = 2;
    desk_hear(desk, 0, message);

    assert_string_equal(row_of(desk, "t0")->version, "2");
    assert_true(desk_has_audit(desk, "history lost", "t0"));
}

static void
names_that_are_none_are_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);

    desk_hear(desk, 0, report("../etc", desk_id(100)));
    assert_string_equal(refused(desk), "E-NAME-SYNTAX");
    desk_hear(desk, 0, report("t0", (struct id){{0}}));
    assert_string_equal(refused(desk), "E-PROTO-STATE");
}

static void
an_agent_serves_so_many_targets_and_no_more(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk->config.trace.sink = NULL;
    desk_hello(desk, 0);

    for (unsigned i = 0; i <= 2000; i++) {
        struct actions actions = {0};
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        struct message message = report(name, desk_id(10000 + i));
        message.target.session = desk->agents[0].session;
        message.cluster_id = desk->config.cluster_id;
        struct event event = {.kind = EVENT_AGENT,
                              .now_ms = desk->now_ms,
                              .key = desk_agent_key(0),
                              .route = {desk->agents[0].route},
                              .message = &message};
        core_step(desk->core, &event, &actions);
        bool is_refused = false;
        for (size_t j = 0; j < actions.count; j++) {
            is_refused |= actions.items[j].kind == ACTION_TELL_AGENT &&
                          actions.items[j].message->type == MESSAGE_TARGET_REFUSED;
        }
        assert_int_equal(is_refused, i == 2000);
        actions_release(&actions);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_target_is_saved_once),
        cmocka_unit_test(a_target_is_known_again_after_a_restart),
        cmocka_unit_test(a_second_live_agent_for_a_database_is_refused),
        cmocka_unit_test(the_same_refusal_is_written_down_once),
        cmocka_unit_test(another_agent_takes_over_when_the_first_is_silent_for_a_lease),
        cmocka_unit_test(another_agent_takes_over_at_once_when_the_first_has_left),
        cmocka_unit_test(after_a_restart_whoever_is_quicker_does_not_get_it),
        cmocka_unit_test(a_copy_that_carries_the_identity_of_its_original_is_refused),
        cmocka_unit_test(a_standby_is_shown_as_broken),
        cmocka_unit_test(a_database_that_could_not_be_asked_goes_by_its_name),
        cmocka_unit_test(a_database_that_was_made_anew_takes_the_name),
        cmocka_unit_test(a_target_that_is_removed_is_history_until_it_is_reported_again),
        cmocka_unit_test(a_target_that_a_run_has_is_not_removed),
        cmocka_unit_test(who_may_not_remove_a_target_and_what_is_none_is_refused),
        cmocka_unit_test(a_run_whose_database_was_replaced_can_be_cancelled),
        cmocka_unit_test(a_target_may_be_named_anew),
        cmocka_unit_test(a_report_that_is_out_of_date_says_nothing_about_what_is_applied),
        cmocka_unit_test(a_history_that_somebody_has_changed_is_an_alarm),
        cmocka_unit_test(what_a_failover_has_lost_is_an_alarm_and_not_shown_any_more),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(an_agent_serves_so_many_targets_and_no_more),
    };
    return RUN_TESTS(tests);
}
