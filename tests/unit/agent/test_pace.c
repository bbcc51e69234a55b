#include "agent/execute/pace.h"
#include "tests/support/unit.h"

#define MS 1000u

static struct pace
pace_of(uint64_t budget_ms, uint64_t min, uint64_t max, uint64_t first)
{
    struct pace pace;

    pace_begin(&pace, budget_ms * MS, min, max, first);
    return pace;
}

static void
a_batch_that_was_quick_lets_the_next_grow_by_a_fifth_at_most(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 100000, 0);

    assert_int_equal(pace_size(&pace), PACE_FIRST);
    pace_done(&pace, 1 * MS, false);
    assert_int_equal(pace_size(&pace), 1200);
    pace_done(&pace, 0, false);
    assert_int_equal(pace_size(&pace), 1440);
    pace_done(&pace, 190 * MS, false);
    assert_in_range(pace_size(&pace), 1500, 1520);
}

static void
a_batch_that_was_slow_makes_the_next_smaller_at_once(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 100000, 10000);

    pace_done(&pace, 400 * MS, false);
    assert_int_equal(pace_size(&pace), 5000);
    pace_done(&pace, 20000 * MS, false);
    assert_int_equal(pace_size(&pace), 50);
}

static void
it_comes_to_rest_where_a_batch_takes_its_time(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 1000000, 0);

    for (int i = 0; i < 40; i++) {
        pace_done(&pace, pace_size(&pace) * 10 + 500, false); /* 10 us a row */
    }
    assert_in_range(pace_size(&pace), 19900, 20000);
    for (int i = 0; i < 40; i++) {
        pace_done(&pace, pace_size(&pace) * 40 + 500, false); /* all of a sudden 40 */
    }
    assert_in_range(pace_size(&pace), 4950, 5000);
}

static void
the_bounds_hold(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 100, 1000, 5);

    assert_int_equal(pace_size(&pace), 100);
    for (int i = 0; i < 30; i++) {
        pace_done(&pace, 1, false);
    }
    assert_int_equal(pace_size(&pace), 1000);
    pace_done(&pace, 100000 * MS, false);
    assert_int_equal(pace_size(&pace), 100);
    assert_int_equal(pace_of(200, 0, 10, 0).min, 1);
}

static void
what_was_broken_off_is_halved_down_to_the_least(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 1000, 8);

    assert_true(pace_broken_off(&pace));
    assert_int_equal(pace_size(&pace), 4);
    assert_true(pace_broken_off(&pace));
    assert_true(pace_broken_off(&pace));
    assert_int_equal(pace_size(&pace), 1);
    assert_false(pace_broken_off(&pace));
    assert_int_equal(pace_size(&pace), 1);
}

static void
from_one_row_it_grows_again(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 1000, 1);

    pace_done(&pace, 1 * MS, false);
    assert_int_equal(pace_size(&pace), 2);
    pace_done(&pace, 1 * MS, false);
    assert_int_equal(pace_size(&pace), 3);
}

static void
the_last_batch_of_a_table_says_little(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 100000, 1000);

    pace_done(&pace, 1 * MS, true);
    assert_int_equal(pace_size(&pace), 1000);
    pace_done(&pace, 400 * MS, true);
    assert_int_equal(pace_size(&pace), 500);
}

static void
whoever_makes_others_wait_takes_smaller_steps(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 300, 100000, 1000);

    pace_crowded(&pace);
    assert_int_equal(pace_size(&pace), 500);
    pace_crowded(&pace);
    assert_int_equal(pace_size(&pace), 300);
}

static void
less_time_makes_the_next_smaller_at_once_and_more_time_lets_it_grow(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 100000, 1000);

    pace_set_time(&pace, 50 * MS);
    assert_int_equal(pace_size(&pace), 250);
    pace_set_time(&pace, 200 * MS);
    assert_int_equal(pace_size(&pace), 250);
    pace_done(&pace, 50 * MS, false);
    assert_int_equal(pace_size(&pace), 300);
}

static void
a_batch_has_four_times_its_time(void **state)
{
    (void)state;
    struct pace pace = pace_of(200, 1, 10, 0);

    assert_int_equal(pace_patience_ms(&pace), 800);
    pace = pace_of(10, 1, 10, 0);
    assert_int_equal(pace_patience_ms(&pace), 500);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_that_was_quick_lets_the_next_grow_by_a_fifth_at_most),
        cmocka_unit_test(a_batch_that_was_slow_makes_the_next_smaller_at_once),
        cmocka_unit_test(it_comes_to_rest_where_a_batch_takes_its_time),
        cmocka_unit_test(the_bounds_hold),
        cmocka_unit_test(what_was_broken_off_is_halved_down_to_the_least),
        cmocka_unit_test(from_one_row_it_grows_again),
        cmocka_unit_test(the_last_batch_of_a_table_says_little),
        cmocka_unit_test(whoever_makes_others_wait_takes_smaller_steps),
        cmocka_unit_test(less_time_makes_the_next_smaller_at_once_and_more_time_lets_it_grow),
        cmocka_unit_test(a_batch_has_four_times_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
