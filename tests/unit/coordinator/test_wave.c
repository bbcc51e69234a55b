#include "coordinator/core/share.h"
#include "coordinator/core/wave.h"

#include "tests/support/unit.h"

static void
a_wave_is_rounded_up_and_a_budget_down(void **state)
{
    (void)state;
    struct share tenth = {10, true}, three = {3, false}, all = {100, true};

    assert_int_equal(share_up(&tenth, 5), 1);
    assert_int_equal(share_down(&tenth, 5), 0);
    assert_int_equal(share_up(&tenth, 20), 2);
    assert_int_equal(share_down(&tenth, 25), 2);
    assert_int_equal(share_up(&three, 2), 2);
    assert_int_equal(share_down(&three, 10), 3);
    assert_int_equal(share_up(&all, 7), 7);
}

static void
without_shares_all_go_together(void **state)
{
    (void)state;
    size_t ends[1];

    assert_int_equal(waves_cut(NULL, 0, 7, ends), 1);
    assert_int_equal(ends[0], 7);
    assert_int_equal(waves_cut(NULL, 0, 0, ends), 0);
}

static void
shares_are_cumulative(void **state)
{
    (void)state;
    struct share shares[] = {{1, false}, {10, true}, {100, true}};
    size_t ends[4];

    assert_int_equal(waves_cut(shares, 3, 30, ends), 3);
    assert_int_equal(ends[0], 1);
    assert_int_equal(ends[1], 3);
    assert_int_equal(ends[2], 30);
}

static void
a_wave_without_a_leg_of_its_own_is_left_out(void **state)
{
    (void)state;
    struct share shares[] = {{1, false}, {10, true}, {100, true}};
    size_t ends[4];

    assert_int_equal(waves_cut(shares, 3, 5, ends), 2);
    assert_int_equal(ends[0], 1);
    assert_int_equal(ends[1], 5);
}

static void
shares_that_cannot_be_waves_are_refused(void **state)
{
    (void)state;
    struct share zero[] = {{0, false}, {100, true}};
    struct share much[] = {{101, true}};
    struct share smaller[] = {{20, true}, {10, true}, {100, true}};
    struct share short_of_all[] = {{1, false}, {10, true}};
    struct share good[] = {{1, false}, {10, true}, {100, true}};
    struct error error;

    assert_false(waves_check(zero, 2, &error));
    assert_string_equal(error.code, "E-PLAN-RANGE");
    assert_false(waves_check(much, 1, &error));
    assert_false(waves_check(smaller, 3, &error));
    assert_false(waves_check(short_of_all, 2, &error));
    assert_true(waves_check(good, 3, &error));
    assert_true(waves_check(NULL, 0, &error));
}

static void
a_wave_has_ended_when_no_leg_waits_or_runs(void **state)
{
    (void)state;
    struct wave wave = {.count = 2, .in_state = {[LEG_RUNNING] = 1, [LEG_DONE] = 1}};

    assert_false(wave_has_ended(&wave));
    wave.in_state[LEG_RUNNING] = 0;
    wave.in_state[LEG_FAILED] = 1;
    assert_true(wave_has_ended(&wave));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wave_is_rounded_up_and_a_budget_down),
        cmocka_unit_test(without_shares_all_go_together),
        cmocka_unit_test(shares_are_cumulative),
        cmocka_unit_test(a_wave_without_a_leg_of_its_own_is_left_out),
        cmocka_unit_test(shares_that_cannot_be_waves_are_refused),
        cmocka_unit_test(a_wave_has_ended_when_no_leg_waits_or_runs),
    };
    return RUN_TESTS(tests);
}
