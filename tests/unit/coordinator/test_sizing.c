/* The sizes of a service's tables, put together from what its targets' agents say. */
#include <stdio.h>

#include "common/base/mem.h"
#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

#define GB ((uint64_t)1 << 30)

struct scene {
    struct desk *desk;
    struct message ask;
};

/* Targets of auth at two agents, in turn. */
static struct scene
scene_make(size_t target_count)
{
    struct scene scene = {.desk = desk_new(2)};

    for (size_t i = 0; i < target_count; i++) {
        desk_add_target(scene.desk, i % 2, "auth");
    }
    desk_connect_all(scene.desk);
    scene.ask =
        (struct message){.type = MESSAGE_SIZES, .sizes = {.service = "auth", .large_bytes = GB}};
    scene.ask.sizes.request = desk_request(scene.desk);
    return scene;
}

static void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static const struct sizes_view *
view(const struct scene *scene)
{
    return &desk_last(scene->desk, MESSAGE_SIZES_VIEW)->sizes_view;
}

static struct measured
about(const struct scene *scene, size_t target)
{
    return (struct measured){.session = scene->desk->agents[target % 2].session,
                             .measure_id =
                                 desk_last(scene->desk, MESSAGE_MEASURE)->measure.measure_id,
                             .target_id = scene->desk->targets[target].id,
                             .succeeded = true,
                             .server_version = 150000 + 10000 * target,
                             .replicas = target,
                             .below = 1 << 20};
}

/* The target has `events` and `users` of these sizes; 0: it has not. */
static void
tells(struct scene *scene, size_t target, uint64_t events, uint64_t users)
{
    struct table_measure tables[2];
    struct message message = {.type = MESSAGE_MEASURED, .measured = about(scene, target)};

    message.measured.tables = tables;
    if (events) {
        tables[message.measured.table_count++] = (struct table_measure){
            "public", "events", (int64_t)(events / 100), events, 100 * (target + 1)};
    }
    if (users) {
        tables[message.measured.table_count++] =
            (struct table_measure){"public", "users", -1, users, 0};
    }
    desk_hear(scene->desk, target % 2, message);
}

static void
fails(struct scene *scene, size_t target, const char *code)
{
    struct message message = {.type = MESSAGE_MEASURED, .measured = about(scene, target)};

    message.measured.succeeded = false;
    message.measured.fault = (struct fault){.code = code, .text = code};
    desk_hear(scene->desk, target % 2, message);
}

static void
every_target_is_asked_and_the_tables_are_put_together(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 3);
    assert_false(view(&scene)->is_ready);
    tells(&scene, 0, 2 * GB, 0);
    tells(&scene, 1, 48 * GB, 3 << 20);
    tells(&scene, 2, 5 << 20, 7 << 20);

    const struct sizes_view *all = view(&scene);
    assert_true(all->is_ready);
    assert_int_equal(all->target_count, 3);
    assert_int_equal(all->measured_count, 3);
    assert_int_equal(all->server_version, 150000);
    assert_int_equal(all->below, 1 << 20);
    assert_null(all->fault.code);
    assert_int_equal(all->table_count, 2);
    assert_string_equal(all->tables[0].schema, "public");
    assert_string_equal(all->tables[0].name, "events");
    assert_string_equal(all->tables[0].target, "t1");
    assert_int_equal(all->tables[0].bytes, 48 * GB);
    assert_int_equal(all->tables[0].rows, 48 * GB / 100);
    assert_int_equal(all->tables[0].target_count, 3);
    assert_int_equal(all->tables[0].large_count, 2);
    assert_int_equal(all->tables[0].writes_per_hour, 300);
    assert_int_equal(all->replicas, 3);
    assert_string_equal(all->tables[1].name, "users");
    assert_string_equal(all->tables[1].target, "t2");
    assert_int_equal(all->tables[1].rows, -1);
    assert_int_equal(all->tables[1].target_count, 2);
    assert_int_equal(all->tables[1].large_count, 0);
}

static void
what_is_not_told_stays_bounded(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message message = {.type = MESSAGE_MEASURED};

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    tells(&scene, 0, GB, 0);
    message.measured = about(&scene, 1);
    message.measured.below = 20 << 20;
    desk_hear(scene.desk, 1, message);
    assert_true(view(&scene)->is_ready);
    assert_int_equal(view(&scene)->below, 20 << 20);
}

/* More tables than a message has room for: the largest are told, and how large the others are. */
static void
the_largest_tables_are_told(void **state)
{
    (void)state;
    enum { EACH = MEASURED_TABLES_MAX, TARGETS = SIZES_TABLES_MAX / EACH + 1 };
    CLEANUP(scene_release) struct scene scene = scene_make(TARGETS);
    char names[EACH][32];

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    for (size_t i = 0; i < TARGETS; i++) {
        struct table_measure tables[EACH];
        struct message message = {.type = MESSAGE_MEASURED, .measured = about(&scene, i)};
        for (size_t k = 0; k < EACH; k++) {
            snprintf(names[k], sizeof names[k], "table_%zu_%zu", i, k);
            tables[k] = (struct table_measure){"public", names[k], 1, GB + i * EACH + k, 0};
        }
        message.measured.tables = tables;
        message.measured.table_count = EACH;
        desk_hear(scene.desk, i % 2, message);
    }
    assert_true(view(&scene)->is_ready);
    assert_int_equal(view(&scene)->table_count, SIZES_TABLES_MAX);
    assert_int_equal(view(&scene)->tables[0].bytes, GB + TARGETS * EACH - 1);
    assert_int_equal(view(&scene)->below, GB + EACH);
}

static void
a_target_that_cannot_tell_is_counted(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    tells(&scene, 0, GB, 0);
    fails(&scene, 1, "E-DB-UNREACHABLE");
    desk_pass(scene.desk, 5000);
    assert_true(desk_count(scene.desk, MESSAGE_MEASURE) >= 4); /* t2 is asked again */
    assert_false(view(&scene)->is_ready);
    desk_pass(scene.desk, 20000);
    assert_true(view(&scene)->is_ready);
    assert_int_equal(view(&scene)->answered_count, 3);
    assert_int_equal(view(&scene)->measured_count, 1);
    assert_string_equal(view(&scene)->fault.code, "E-DB-UNREACHABLE");
    assert_string_equal(view(&scene)->fault.where, "t1");
}

static void
an_agent_that_is_away_is_not_waited_for(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);

    desk_restart(scene.desk);
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 0);
    assert_true(view(&scene)->is_ready);
    assert_int_equal(view(&scene)->measured_count, 0);
    assert_string_equal(view(&scene)->fault.code, "E-TARGET-UNREACHABLE");
}

static void
what_was_found_out_is_good_for_a_while(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    tells(&scene, 0, GB, 0);
    scene.ask.sizes.request = desk_request(scene.desk);
    desk_ask(scene.desk, DESK_ADMIN, scene.ask);
    assert_true(id_equal(&view(&scene)->request, &scene.ask.sizes.request));
    assert_int_equal(view(&scene)->table_count, 1);
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 1);
    scene.ask.sizes.select = "service=auth";
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 2);

    desk_pass(scene.desk, 120000);
    scene.ask.sizes.select = NULL;
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_false(view(&scene)->is_ready);
}

static void
nobody_answers_for_another_agents_target(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);
    struct message message = {.type = MESSAGE_MEASURED};

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    message.measured = about(&scene, 0);
    message.measured.session = scene.desk->agents[1].session;
    desk_hear(scene.desk, 1, message);
    assert_int_equal(view(&scene)->answered_count, 0);
    assert_true(desk_has_trace(scene.desk, "late MEASURED"));
}

static const char *
refusal(struct scene *scene, enum desk_operator who)
{
    scene->ask.sizes.request = desk_request(scene->desk);
    const struct message *answer = desk_ask(scene->desk, who, scene->ask);

    assert_non_null(answer);
    assert_int_equal(answer->type, MESSAGE_REFUSED);
    return answer->refused.fault.code;
}

static void
what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);

    assert_string_equal(refusal(&scene, DESK_VIEWER), "E-AUTH-ROLE");
    scene.ask.sizes.select = "region=nowhere";
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-SEL-EMPTY");
    scene.ask.sizes.select = "=";
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-SEL-SYNTAX");
    scene.ask.sizes.select = NULL;
    scene.ask.sizes.service = "policy";
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-SEL-EMPTY");
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 0);
}

/* As many as are kept, and more; the first has made room. */
static void
the_oldest_makes_room(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);

    for (unsigned i = 0; i < 17; i++) {
        scene.ask.sizes.request = desk_request(scene.desk);
        scene.ask.sizes.large_bytes = GB + i;
        desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
        tells(&scene, 0, GB, 0);
    }
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 17);
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 17);
    scene.ask.sizes.large_bytes = GB;
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_MEASURE), 18);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_target_is_asked_and_the_tables_are_put_together),
        cmocka_unit_test(what_is_not_told_stays_bounded),
        cmocka_unit_test(the_largest_tables_are_told),
        cmocka_unit_test(a_target_that_cannot_tell_is_counted),
        cmocka_unit_test(an_agent_that_is_away_is_not_waited_for),
        cmocka_unit_test(what_was_found_out_is_good_for_a_while),
        cmocka_unit_test(nobody_answers_for_another_agents_target),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
