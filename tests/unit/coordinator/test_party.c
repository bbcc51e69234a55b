#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

static struct message
enrol(enum party party, const char *name, struct key key, enum role role)
{
    struct message message = {.type = MESSAGE_ENROL};

    message.enrol = (struct enrol){.party = party, .name = name, .key = key, .role = role};
    return message;
}

static struct message
expel(enum party party, const char *name)
{
    struct message message = {.type = MESSAGE_EXPEL};

    message.expel = (struct expel){.party = party, .name = name};
    return message;
}

/* The code it is refused with; null when it is done. */
static const char *
code_of(const struct message *answer)
{
    return answer->type == MESSAGE_REFUSED ? answer->refused.fault.code : NULL;
}

static const char *
ask(struct desk *desk, struct message message)
{
    return code_of(desk_ask(desk, DESK_ADMIN, message));
}

static void
at_start_every_active_key_is_let_in(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);

    assert_int_equal(desk->other_count, 5);
    for (size_t i = 0; i < desk->other_count; i++) {
        assert_int_equal(desk->others[i].kind, ACTION_ADMIT);
    }
}

static void
an_enrolled_agent_may_come_in(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(0);
    desk_forget(desk);

    assert_null(ask(desk, enrol(PARTY_AGENT, "eu-1", desk_agent_key(0), ROLE_VIEWER)));

    assert_int_equal(desk->others[0].kind, ACTION_ADMIT);
    assert_int_equal(desk->others[0].party, PARTY_AGENT);
    assert_true(desk_has_audit(desk, "enrol", "agent eu-1"));
    desk->agents[0].route = 1;
    desk_hello(desk, 0);
    assert_true(desk->agents[0].is_up);
}

static void
enrolling_again_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_forget(desk);

    const struct message *answer =
        desk_ask(desk, DESK_ADMIN, enrol(PARTY_AGENT, "a0", desk_agent_key(0), ROLE_VIEWER));

    assert_string_equal(answer->done.text, "agent a0 is enrolled already");
    assert_int_equal(desk->save_count, 0);
}

static void
a_role_can_be_changed(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(0);

    assert_null(ask(desk, enrol(PARTY_OPERATOR, "vera", desk_key(1), ROLE_OPERATOR)));

    struct message message = {.type = MESSAGE_STEER};
    message.steer.verb = STEER_PAUSE_ALL;
    assert_null(code_of(desk_ask(desk, DESK_VIEWER, message)));
}

static void
what_cannot_be_enrolled_is_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_forget(desk);

    assert_string_equal(ask(desk, enrol(PARTY_AGENT, "-x", desk_key(70), 0)), "E-NAME-SYNTAX");
    assert_string_equal(ask(desk, enrol(PARTY_AGENT, "x", (struct key){{0}}, 0)), "E-KEY-FORMAT");
    assert_string_equal(ask(desk, enrol(PARTY_AGENT, "a0", desk_key(70), 0)), "E-NAME-TAKEN");
    assert_string_equal(ask(desk, enrol(PARTY_AGENT, "x", desk_agent_key(0), 0)), "E-KEY-TAKEN");
    assert_string_equal(ask(desk, enrol(PARTY_OPERATOR, "x", desk_key(1), 0)), "E-KEY-TAKEN");
    assert_string_equal(ask(desk, enrol(PARTY_OPERATOR, "otto", desk_key(71), 0)), "E-NAME-TAKEN");
    assert_int_equal(desk->save_count, 0);
}

static void
an_expelled_agent_is_out_with_the_next_message(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    desk_hello(desk, 0);
    desk_forget(desk);

    assert_null(ask(desk, expel(PARTY_AGENT, "a0")));
    desk_hear(desk, 0, (struct message){.type = MESSAGE_PING});

    assert_int_equal(desk->others[0].kind, ACTION_EXPEL);
    assert_string_equal(desk_last(desk, MESSAGE_REJECT)->reject.fault.code, "E-AUTH-REVOKED");
    assert_true(desk_has_audit(desk, "expel", "agent a0"));
    desk_restart(desk);
    desk_hear(desk, 0, (struct message){.type = MESSAGE_PING});
    assert_string_equal(desk_last(desk, MESSAGE_REJECT)->reject.fault.code, "E-AUTH-REVOKED");
}

static void
a_name_is_free_again_for_another_key(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);

    assert_null(ask(desk, expel(PARTY_AGENT, "a0")));
    assert_null(ask(desk, enrol(PARTY_AGENT, "a0", desk_key(70), 0)));
    assert_null(ask(desk, expel(PARTY_OPERATOR, "vera")));
    assert_null(ask(desk, enrol(PARTY_OPERATOR, "vera", desk_key(72), ROLE_ADMIN)));
}

static void
an_expelled_operator_is_refused(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(0);

    assert_null(ask(desk, expel(PARTY_OPERATOR, "vera")));

    assert_string_equal(code_of(desk_status(desk, "last")), "E-AUTH-REVOKED");
    assert_string_equal(
        code_of(desk_ask(desk, DESK_STRANGER, (struct message){.type = MESSAGE_RUNS})),
        "E-AUTH-REVOKED");
}

static void
who_is_not_there_and_the_last_admin_cannot_be_expelled(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);

    assert_string_equal(ask(desk, expel(PARTY_AGENT, "x")), "E-AGENT-UNKNOWN");
    assert_string_equal(ask(desk, expel(PARTY_OPERATOR, "x")), "E-OPERATOR-UNKNOWN");
    assert_string_equal(ask(desk, expel(PARTY_OPERATOR, "anna")), "E-OPERATOR-LAST");
    assert_null(ask(desk, expel(PARTY_AGENT, "a0")));
    assert_string_equal(ask(desk, expel(PARTY_AGENT, "a0")), "E-AGENT-UNKNOWN");
}

static void
a_role_that_is_too_low_is_told_which_is_needed(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct message apply = {.type = MESSAGE_APPLY};

    const struct message *answer = desk_ask(desk, DESK_VIEWER, apply);
    assert_string_equal(answer->refused.fault.code, "E-AUTH-ROLE");
    assert_string_equal(answer->refused.fault.found, "needs the role operator");
    answer = desk_ask(desk, DESK_OPERATOR, enrol(PARTY_AGENT, "x", desk_key(70), 0));
    assert_string_equal(answer->refused.fault.found, "needs the role admin");
    answer = desk_ask(desk, DESK_OPERATOR, (struct message){.type = MESSAGE_PING});
    assert_string_equal(answer->refused.fault.code, "E-AUTH-TYPE");
    answer = desk_ask(desk, DESK_OPERATOR,
                      (struct message){.type = MESSAGE_RUNS, .cluster_id = desk_id(9)});
    assert_string_equal(answer->refused.fault.code, "E-PROTO-CLUSTER");
}

static void
a_change_that_is_asked_for_again_gets_the_same_answer(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct message message = expel(PARTY_AGENT, "a0");
    message.expel.request = desk_id(31337);

    assert_null(ask(desk, message));
    desk_forget(desk);
    const struct message *again = desk_ask(desk, DESK_ADMIN, message);

    assert_int_equal(again->type, MESSAGE_DONE);
    assert_int_equal(desk->save_count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_start_every_active_key_is_let_in),
        cmocka_unit_test(an_enrolled_agent_may_come_in),
        cmocka_unit_test(enrolling_again_changes_nothing),
        cmocka_unit_test(a_role_can_be_changed),
        cmocka_unit_test(what_cannot_be_enrolled_is_refused),
        cmocka_unit_test(an_expelled_agent_is_out_with_the_next_message),
        cmocka_unit_test(a_name_is_free_again_for_another_key),
        cmocka_unit_test(an_expelled_operator_is_refused),
        cmocka_unit_test(who_is_not_there_and_the_last_admin_cannot_be_expelled),
        cmocka_unit_test(a_role_that_is_too_low_is_told_which_is_needed),
        cmocka_unit_test(a_change_that_is_asked_for_again_gets_the_same_answer),
    };
    return RUN_TESTS(tests);
}
