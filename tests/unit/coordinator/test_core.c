/* What is true of the core as a whole: its tables, its records, its limits. */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/record.h"
#include "coordinator/core/run.h"
#include "coordinator/core/session.h"
#include "coordinator/core/step.h"
#include "coordinator/core/view.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

static void
every_state_of_a_machine_can_be_reached_and_says_why(void **state)
{
    (void)state;
    const struct machine *const machines[] = {&step_machine, &leg_machine, &run_machine,
                                              &session_machine};

    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        const struct machine *machine = machines[i];
        for (size_t to = 1; to < machine->state_count; to++) {
            bool is_reached = false;
            for (size_t j = 0; j < machine->edge_count; j++) {
                is_reached |= machine->edges[j].to == (int)to;
                assert_true(strlen(machine->edges[j].why) > 10);
            }
            assert_true(is_reached);
        }
        for (size_t j = 0; j < machine->edge_count; j++) {
            assert_ptr_equal(machine_find(machine, machine->edges[j].from, machine->edges[j].event),
                             &machine->edges[j]);
        }
    }
}

static void
a_record_has_a_name_a_shape_and_a_copy_of_its_own(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct random random = random_seeded(3);

    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        const struct pack_shape *shape = record_shape((enum record_kind)kind);
        struct record record = {.kind = (enum record_kind)kind}, copy = {0};
        pack_random(shape, &random, &arena, &record.agent);
        record_copy(&record, &arena, &copy);
        assert_int_equal(copy.kind, kind);
        assert_true(pack_equal(shape, &record.agent, &copy.agent));
        assert_non_null(record_name((enum record_kind)kind));
    }
    assert_string_equal(record_name(RECORD_LEG), "leg");
}

static void
actions_keep_what_they_point_to(void **state)
{
    (void)state;
    CLEANUP(actions_release) struct actions actions = {0};
    char name[] = "a0";
    struct record record = {.kind = RECORD_AGENT, .agent = {.name = name}};
    struct message message = {.type = MESSAGE_BYE, .bye = {.reason = name}};
    struct action save = {.kind = ACTION_SAVE, .record = &record};
    struct action tell = {.kind = ACTION_TELL_AGENT, .route = {7}, .message = &message};
    struct action expel = {.kind = ACTION_EXPEL, .party = PARTY_OPERATOR};

    actions_add(&actions, &save);
    actions_add(&actions, &tell);
    actions_add(&actions, &expel);
    name[0] = 'x';

    assert_int_equal(actions.count, 3);
    assert_string_equal(actions.items[0].record->agent.name, "a0");
    assert_string_equal(actions.items[1].message->bye.reason, "a0");
    assert_int_equal(actions.items[1].route.number, 7);
    assert_int_equal(actions.items[2].party, PARTY_OPERATOR);
    actions_clear(&actions);
    assert_int_equal(actions.count, 0);
}

static void
an_idle_core_wants_no_time(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    struct core *nothing = NULL;

    assert_true(core_wake_ms(desk->core) == INT64_MAX);
    desk_hello(desk, 0);
    assert_true(core_wake_ms(desk->core) == desk->now_ms + 15000);
    core_destroy(&nothing);
}

static void
the_store_is_not_asked_more_than_so_much_at_a_time(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(1);
    size_t asked = 0, refused = 0;

    for (int i = 0; i < 300; i++) {
        struct actions actions = {0};
        struct message message = {.type = MESSAGE_APPLY};
        message.apply.plan_id = desk_id((unsigned)i + 1);
        struct event event = {.kind = EVENT_OPERATOR,
                              .now_ms = desk->now_ms,
                              .key = desk_key(1 + DESK_OPERATOR),
                              .message = &message};
        core_step(desk->core, &event, &actions);
        asked += actions.items[0].kind == ACTION_NEED_RUN;
        refused += actions.items[0].kind == ACTION_TELL_OPERATOR;
        actions_release(&actions);
    }

    assert_int_equal(asked, INQUIRY_MAX);
    assert_int_equal(refused, 300 - INQUIRY_MAX);
}

static void
lists_have_pages_in_the_order_of_names(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(60);
    struct message message = {.type = MESSAGE_AGENTS};
    desk_hello(desk, 3);
    desk_add_target(desk, 3, "auth");
    desk_report(desk, 0);

    const struct message *view = desk_ask(desk, DESK_VIEWER, message);
    assert_int_equal(view->agents_view.total, 60);
    assert_int_equal(view->agents_view.row_count, PAGE_SIZE_MAX);
    assert_string_equal(view->agents_view.rows[0].name, "a0");
    assert_string_equal(view->agents_view.rows[1].name, "a1");
    assert_string_equal(view->agents_view.rows[2].name, "a10");
    message.agents.offset = 50;
    view = desk_ask(desk, DESK_VIEWER, message);
    assert_int_equal(view->agents_view.row_count, 10);

    view = desk_ask(desk, DESK_VIEWER, (struct message){.type = MESSAGE_OPERATORS});
    assert_int_equal(view->operators_view.row_count, 3);
    assert_string_equal(view->operators_view.rows[0].name, "anna");
    assert_int_equal(view->operators_view.rows[0].role, ROLE_ADMIN);

    message = (struct message){.type = MESSAGE_TARGETS};
    message.targets.select = "nonsense";
    view = desk_ask(desk, DESK_VIEWER, message);
    assert_string_equal(view->refused.fault.code, "E-SEL-SYNTAX");
    message.targets.select = "region=us";
    assert_int_equal(desk_ask(desk, DESK_VIEWER, message)->targets_view.total, 0);
    message.targets.select = "service=auth";
    view = desk_ask(desk, DESK_VIEWER, message);
    assert_int_equal(view->targets_view.row_count, 1);
    assert_string_equal(view->targets_view.rows[0].labels[0].value, "eu");
}

static void
a_run_that_has_ended_is_shown_with_all_its_waves(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct service_bundle services[] = {{"auth", {{1}}}, {"policy", {{2}}}};
    struct run_record run = {.number = 12,
                             .spec = {.services = services, .service_count = 2},
                             .state = RUN_FAILED,
                             .leg_count = 20,
                             .done_count = 19,
                             .failed_count = 1,
                             .started_wall_ms = 1000,
                             .ended_wall_ms = 5000};
    struct leg_step steps[] = {{"1", "one", {{1}}}, {"2", "two", {{1}}}};
    struct status status = {.filter = LEGS_ALL};
    struct run_viewer viewer;
    struct run_view view;

    view_begin(&viewer, &run, &status, 99999, &arena, &view);
    for (uint64_t i = 0; i < 20; i++) {
        struct leg_record leg = {.wave = i + 1,
                                 .state = i ? LEG_DONE : LEG_FAILED,
                                 .steps = steps,
                                 .step_count = 2,
                                 .done_count = i ? 2 : 1,
                                 .fault = {.code = i ? NULL : "E-SQL"}};
        struct view_leg shown = {.leg = &leg, .target = "t", .service = "auth"};
        view_leg(&viewer, &shown);
    }
    view_end(&viewer);

    assert_int_equal(view.elapsed_ms, 4000);
    assert_int_equal(view.left_ms, 0);
    assert_int_equal(view.wave_count, 20);
    assert_int_equal(view.waves[0].failed_count, 1);
    assert_int_equal(view.waves[19].done_count, 1);
    assert_int_equal(view.leg_count, 20);
    assert_string_equal(view.legs[0].version, "2");
    assert_string_equal(view.legs[1].version, "2");
    assert_string_equal(view.services, "auth, policy");
}

static void
the_same_events_give_the_same_decisions(void **state)
{
    (void)state;
    char *traces[2];

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(desk_destroy) struct desk *desk = desk_new(3);
        struct digest digest = desk_add_bundle(desk, "auth", 4);
        for (size_t j = 0; j < 9; j++) {
            desk_add_target(desk, j % 3, "auth");
        }
        desk_connect_all(desk);
        struct run_spec spec = desk_spec(desk, "auth", &digest);
        spec.parallel = 2;
        desk->targets[4].fails_at = "2";
        desk->targets[4].fails_retryably = true;
        desk->targets[4].fails_times = 2;
        desk_run(desk, &spec);
        desk_work_for(desk, 20000);
        traces[i] = mem_text(text_of(&desk->trace));
    }
    assert_string_equal(traces[0], traces[1]);
    assert_non_null(strstr(traces[0], "tries again in"));
    mem_free(&traces[0]);
    mem_free(&traces[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_of_a_machine_can_be_reached_and_says_why),
        cmocka_unit_test(a_record_has_a_name_a_shape_and_a_copy_of_its_own),
        cmocka_unit_test(actions_keep_what_they_point_to),
        cmocka_unit_test(an_idle_core_wants_no_time),
        cmocka_unit_test(the_store_is_not_asked_more_than_so_much_at_a_time),
        cmocka_unit_test(lists_have_pages_in_the_order_of_names),
        cmocka_unit_test(a_run_that_has_ended_is_shown_with_all_its_waves),
        cmocka_unit_test(the_same_events_give_the_same_decisions),
    };
    return RUN_TESTS(tests);
}
