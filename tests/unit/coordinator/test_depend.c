#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/* Two targets of auth, in eu and us, and two of shop; shop's third migration depends on auth@2. */
struct scene {
    struct desk *desk;
    struct digest auth, shop;
    struct run_spec spec;
};

enum { AUTH_EU, AUTH_US, SHOP_EU, SHOP_US };

static struct scene
scene_make(const char *depends)
{
    struct scene scene = {.desk = desk_new(2)};
    struct desk *desk = scene.desk;

    scene.auth = desk_add_bundle(desk, "auth", 3);
    scene.shop = desk_add_bundle(desk, "shop", 4);
    desk->bundles[1].manifest.migrations[2].depends = depends;
    for (size_t i = 0; i < 4; i++) {
        desk_add_target(desk, i / 2, i < 2 ? "auth" : "shop");
        desk->targets[i].region = i % 2 ? "us" : "eu";
    }
    desk_connect_all(desk);
    scene.spec = desk_spec(desk, "shop", &scene.shop);
    return scene;
}

static void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static void
apply_versions(struct desk *desk, size_t target, size_t count)
{
    static const char *const versions[] = {"1", "2", "3", "4"};

    for (size_t i = 0; i < count; i++) {
        desk->targets[target].applied[i] = (struct applied){versions[i], {(uint8_t)(i + 1)}};
    }
    desk->targets[target].applied_count = count;
}

/* The plan's row of a target. */
static const struct plan_leg *
leg_of(struct scene *scene, size_t target)
{
    char name[8];

    desk_plan(scene->desk, &scene->spec);
    const struct planned *planned = &desk_last(scene->desk, MESSAGE_PLANNED)->planned;
    snprintf(name, sizeof name, "t%zu", target);
    for (size_t i = 0; i < planned->leg_count; i++) {
        if (strcmp(planned->legs[i].target, name) == 0) {
            return &planned->legs[i];
        }
    }
    return NULL;
}

static void
what_is_depended_on_must_be_applied_on_the_paired_target(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("auth@2");
    apply_versions(scene.desk, AUTH_EU, 2);
    apply_versions(scene.desk, AUTH_US, 1);

    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
    const struct fault *fault = &leg_of(&scene, SHOP_US)->fault;

    assert_string_equal(fault->code, "E-PLAN-DEPENDS");
    assert_non_null(strstr(fault->text, "migration 3 depends on auth@2"));
    assert_non_null(strstr(fault->found, "1 of 1 target of auth: t1"));
    assert_non_null(strstr(fault->hint, "skein apply auth --to 2"));
    struct id plan_id = desk_plan(scene.desk, &scene.spec);
    assert_string_equal(desk_try_apply(scene.desk, &plan_id)->refused.fault.code, "E-PLAN-DEPENDS");
}

static void
what_is_not_to_be_applied_depends_on_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("auth@2");

    scene.spec.to_version = "2";
    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
    scene.spec.to_version = NULL;
    apply_versions(scene.desk, SHOP_EU, 3);
    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
    assert_string_equal(leg_of(&scene, SHOP_US)->fault.code, "E-PLAN-DEPENDS");
}

static void
a_paired_target_that_does_not_answer_is_no_proof(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("auth@2");
    apply_versions(scene.desk, AUTH_EU, 2);
    apply_versions(scene.desk, AUTH_US, 2);
    assert_null(leg_of(&scene, SHOP_EU)->fault.code);

    desk_disconnect(scene.desk, 0);

    const struct fault *fault = &leg_of(&scene, SHOP_EU)->fault;
    assert_string_equal(fault->code, "E-PLAN-DEPENDS");
    assert_non_null(strstr(fault->found, "t0 (did not answer)"));
}

static void
without_a_paired_target_nobody_can_tell(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("billing@1");

    const struct fault *fault = &leg_of(&scene, SHOP_EU)->fault;

    assert_string_equal(fault->code, "E-PLAN-DEPENDS");
    assert_non_null(strstr(fault->found, "no target of service billing"));
}

static void
an_earlier_wave_of_the_same_plan_is_early_enough(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("auth@2");
    struct service_bundle services[] = {{"auth", scene.auth}, {"shop", scene.shop}};
    struct share waves[] = {{2, false}, {100, true}};
    scene.spec.services = services;
    scene.spec.service_count = 2;
    scene.spec.waves = waves;
    scene.spec.wave_count = 2;

    assert_int_equal(leg_of(&scene, AUTH_EU)->wave, 1);
    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
    assert_int_equal(leg_of(&scene, SHOP_EU)->wave, 2);

    waves[0].number = 1; /* auth in us is in the wave of shop, then */
    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
    assert_string_equal(leg_of(&scene, SHOP_US)->fault.code, "E-PLAN-DEPENDS");
    waves[0].number = 2;
    scene.spec.budget = (struct share){1, false}; /* auth may fail, and shop would go on */
    assert_string_equal(leg_of(&scene, SHOP_EU)->fault.code, "E-PLAN-DEPENDS");
}

static void
a_migration_may_depend_on_an_earlier_one_of_its_own(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("shop@2 shop@1");

    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
    CLEANUP(scene_release) struct scene other = scene_make("shop@4");
    assert_string_equal(leg_of(&other, SHOP_EU)->fault.code, "E-PLAN-DEPENDS");
}

static void
a_target_that_a_run_has_can_still_be_asked(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("auth@2");
    struct desk *desk = scene.desk;
    struct run_spec auth = desk_spec(desk, "auth", &scene.auth);
    apply_versions(desk, AUTH_EU, 2);
    apply_versions(desk, AUTH_US, 2);
    struct id plan_id = desk_plan(desk, &auth);
    desk->targets[AUTH_EU].is_silent = desk->targets[AUTH_US].is_silent = true;
    desk_apply(desk, &plan_id);
    assert_null(desk_steer(desk, "last", STEER_PAUSE));
    desk->targets[AUTH_EU].is_silent = desk->targets[AUTH_US].is_silent = false;

    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
}

static void
a_rollback_depends_on_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_release) struct scene scene = scene_make("auth@2");
    apply_versions(scene.desk, SHOP_EU, 4);
    apply_versions(scene.desk, SHOP_US, 4);
    scene.spec.kind = RUN_DOWN;
    scene.spec.to_version = "1";

    assert_null(leg_of(&scene, SHOP_EU)->fault.code);
    assert_int_equal(leg_of(&scene, SHOP_EU)->step_count, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_depended_on_must_be_applied_on_the_paired_target),
        cmocka_unit_test(what_is_not_to_be_applied_depends_on_nothing),
        cmocka_unit_test(a_paired_target_that_does_not_answer_is_no_proof),
        cmocka_unit_test(without_a_paired_target_nobody_can_tell),
        cmocka_unit_test(an_earlier_wave_of_the_same_plan_is_early_enough),
        cmocka_unit_test(a_migration_may_depend_on_an_earlier_one_of_its_own),
        cmocka_unit_test(a_target_that_a_run_has_can_still_be_asked),
        cmocka_unit_test(a_rollback_depends_on_nothing),
    };
    return RUN_TESTS(tests);
}
