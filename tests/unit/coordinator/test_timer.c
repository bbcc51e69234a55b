#include "coordinator/core/timer.h"

#include "common/base/mem.h"
#include "common/base/random.h"

#include "tests/support/unit.h"

static void
the_earliest_comes_first(void **state)
{
    (void)state;
    CLEANUP(timers_release) struct timers timers = {0};
    struct timer items[3] = {0};

    timer_set(&timers, &items[0], 30);
    timer_set(&timers, &items[1], 10);
    timer_set(&timers, &items[2], 20);

    assert_int_equal(timers_next_ms(&timers), 10);
    assert_ptr_equal(timers_take_due(&timers, 25), &items[1]);
    assert_ptr_equal(timers_take_due(&timers, 25), &items[2]);
    assert_null(timers_take_due(&timers, 25));
    assert_int_equal(timers_next_ms(&timers), 30);
}

static void
without_a_timer_it_is_never(void **state)
{
    (void)state;
    CLEANUP(timers_release) struct timers timers = {0};
    struct timer item = {0};

    timer_clear(&timers, &item);

    assert_int_equal(timers_next_ms(&timers), INT64_MAX);
    assert_null(timers_take_due(&timers, INT64_MAX));
    assert_false(timer_is_set(&item));
}

static void
stays_in_order_whatever_is_set_and_cleared(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    CLEANUP(timers_release) struct timers timers = {0};
    struct timer items[COUNT] = {0};
    struct random random = random_seeded(7);
    int64_t last = -1;
    size_t set = 0, taken = 0;

    for (int i = 0; i < 5000; i++) {
        struct timer *item = &items[random_below(&random, COUNT)];
        if (random_chance(&random, 30)) {
            timer_clear(&timers, item);
        } else {
            timer_set(&timers, item, (int64_t)random_below(&random, 1000));
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        set += timer_is_set(&items[i]);
    }
    for (struct timer *item; (item = timers_take_due(&timers, 1000)) != NULL; taken++) {
        assert_true(item->at_ms >= last);
        last = item->at_ms;
    }
    assert_int_equal(taken, set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_comes_first),
        cmocka_unit_test(without_a_timer_it_is_never),
        cmocka_unit_test(stays_in_order_whatever_is_set_and_cleared),
    };
    return RUN_TESTS(tests);
}
