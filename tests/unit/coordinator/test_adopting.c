#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/* A desk with so many targets of "auth" on two agents, and a bundle. */
struct scene {
    struct desk *desk;
    struct message ask;
};

static struct scene
scene_make(size_t target_count)
{
    struct scene scene = {.desk = desk_new(2)};

    for (size_t i = 0; i < target_count; i++) {
        desk_add_target(scene.desk, i % 2, "auth");
    }
    desk_connect_all(scene.desk);
    scene.ask = (struct message){
        .type = MESSAGE_ADOPTION,
        .adoption = {.service = "auth", .digest = desk_add_bundle(scene.desk, "auth", 3)}};
    scene.ask.adoption.request = desk_request(scene.desk);
    return scene;
}

static void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static const struct adoption_view *
view(const struct scene *scene)
{
    return &desk_last(scene->desk, MESSAGE_ADOPTION_VIEW)->adoption_view;
}

/* The agent of a target answers the ADOPT that was last said. */
static void
answer(struct scene *scene, size_t target, const char *code)
{
    const struct adopt adopt = desk_last(scene->desk, MESSAGE_ADOPT)->adopt;
    struct message message = {.type = MESSAGE_ADOPTED};

    message.adopted = (struct adopted){.session = scene->desk->agents[target % 2].session,
                                       .adopt_id = adopt.adopt_id,
                                       .target_id = scene->desk->targets[target].id,
                                       .result = {.succeeded = code == NULL,
                                                  .fault = {.code = code, .text = code},
                                                  .tool = "dbmate",
                                                  .adopted_count = code ? 0 : 2}};
    desk_hear(scene->desk, target % 2, message);
}

static void
every_target_is_asked_and_what_it_says_is_shown(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(3);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ADOPT), 3);
    assert_false(view(&scene)->is_ready);
    answer(&scene, 0, NULL);
    answer(&scene, 1, "E-ADOPT-FAILED");
    assert_false(view(&scene)->is_ready);
    answer(&scene, 2, NULL);

    const struct adoption_view *all = view(&scene);
    assert_true(all->is_ready);
    assert_int_equal(all->target_count, 3);
    assert_int_equal(all->refused_count, 1);
    assert_int_equal(all->row_count, 3);
    assert_string_equal(all->rows[0].target, "t0");
    assert_int_equal(all->rows[0].result.adopted_count, 2);
    assert_string_equal(all->rows[1].result.fault.code, "E-ADOPT-FAILED");
    assert_true(desk_has_audit(scene.desk, "adopt", "auth"));
}

static void
asking_again_is_the_same_adoption(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    answer(&scene, 0, NULL);
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ADOPT), 1);
    assert_true(view(&scene)->is_ready);
    scene.ask.adoption.offset = 1;
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(view(&scene)->row_count, 0);
    answer(&scene, 0, "E-LATE");
    assert_int_equal(view(&scene)->refused_count, 0);
}

static void
a_target_is_asked_again_until_it_answers_or_time_is_over(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    answer(&scene, 0, NULL);
    desk_pass(scene.desk, 10000);
    assert_true(desk_count(scene.desk, MESSAGE_ADOPT) >= 4);
    assert_false(view(&scene)->is_ready);
    desk_pass(scene.desk, 120000);
    assert_true(view(&scene)->is_ready);
    assert_string_equal(view(&scene)->rows[1].result.fault.code, "E-TARGET-UNREACHABLE");
    assert_true(view(&scene)->rows[0].result.succeeded);
}

static void
a_target_that_a_run_has_is_left_to_it(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);
    struct run_spec spec = desk_spec(scene.desk, "auth", &scene.ask.adoption.digest);

    scene.desk->targets[0].is_silent = false;
    struct id plan_id = desk_plan(scene.desk, &spec);
    scene.desk->targets[0].is_silent = true;
    desk_apply(scene.desk, &plan_id);
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_true(view(&scene)->is_ready);
    assert_string_equal(view(&scene)->rows[0].result.fault.code, "E-TARGET-BUSY");
    assert_int_equal(desk_count(scene.desk, MESSAGE_ADOPT), 0);
}

static const char *
refusal(struct scene *scene, enum desk_operator who)
{
    scene->ask.adoption.request = desk_request(scene->desk);
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
    scene.ask.adoption.select = "region=nowhere";
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-SEL-EMPTY");
    scene.ask.adoption.select = "=";
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-SEL-SYNTAX");
    scene.ask.adoption.select = NULL;
    scene.ask.adoption.targets_max = 1;
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-SEL-TOO-MANY");
    scene.ask.adoption.targets_max = 0;
    scene.ask.adoption.service = "policy";
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-BUNDLE-SERVICE");
    scene.ask.adoption.digest.bytes[0] ^= 1;
    assert_string_equal(refusal(&scene, DESK_OPERATOR), "E-BUNDLE-UNKNOWN");
    assert_int_equal(desk_count(scene.desk, MESSAGE_ADOPT), 0);
}

static void
nobody_answers_for_another_agents_target(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(2);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    struct message message = {.type = MESSAGE_ADOPTED};
    message.adopted =
        (struct adopted){.session = scene.desk->agents[1].session,
                         .adopt_id = desk_last(scene.desk, MESSAGE_ADOPT)->adopt.adopt_id,
                         .target_id = scene.desk->targets[0].id,
                         .result = {.succeeded = true}};
    desk_hear(scene.desk, 1, message);
    assert_int_equal(view(&scene)->answered_count, 0);
    assert_true(desk_has_trace(scene.desk, "late ADOPTED"));
}

static void
it_is_forgotten_after_a_while(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);

    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    answer(&scene, 0, NULL);
    desk_pass(scene.desk, 3600000);
    desk_forget(scene.desk);
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_int_equal(desk_count(scene.desk, MESSAGE_ADOPT), 1);
}

static void
a_looking_only_is_in_no_audit(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make(1);

    scene.ask.adoption.terms.is_dry = true;
    desk_ask(scene.desk, DESK_OPERATOR, scene.ask);
    assert_true(desk_last(scene.desk, MESSAGE_ADOPT)->adopt.terms.is_dry);
    assert_false(desk_has_audit(scene.desk, "adopt", "auth"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_target_is_asked_and_what_it_says_is_shown),
        cmocka_unit_test(asking_again_is_the_same_adoption),
        cmocka_unit_test(a_target_is_asked_again_until_it_answers_or_time_is_over),
        cmocka_unit_test(a_target_that_a_run_has_is_left_to_it),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(nobody_answers_for_another_agents_target),
        cmocka_unit_test(it_is_forgotten_after_a_while),
        cmocka_unit_test(a_looking_only_is_in_no_audit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
