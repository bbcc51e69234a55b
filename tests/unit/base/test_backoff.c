#include "common/base/backoff.h"

#include "tests/support/unit.h"

/* The largest of many first waits, second waits … */
static void
largest_waits(int64_t largest[], size_t count)
{
    struct random random = random_seeded(1);

    for (int round = 0; round < 2000; round++) {
        struct backoff backoff = {.first_ms = 1000, .most_ms = 60000};
        for (size_t i = 0; i < count; i++) {
            int64_t wait_ms = backoff_next_ms(&backoff, &random);
            assert_true(wait_ms >= 1);
            largest[i] = wait_ms > largest[i] ? wait_ms : largest[i];
        }
    }
}

static void
the_bound_doubles_up_to_the_most(void **state)
{
    (void)state;
    static const int64_t bounds[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    int64_t largest[8] = {0};

    largest_waits(largest, 8);

    for (size_t i = 0; i < 8; i++) {
        assert_true(largest[i] <= bounds[i]);
        assert_true(largest[i] > bounds[i] * 95 / 100);
    }
}

static void
waits_are_spread_over_the_whole_bound(void **state)
{
    (void)state;
    struct random random = random_seeded(2);
    int halves[2] = {0};

    for (int i = 0; i < 1000; i++) {
        struct backoff backoff = {.first_ms = 1000, .most_ms = 60000};
        halves[backoff_next_ms(&backoff, &random) > 500]++;
    }

    assert_in_range(halves[0], 400, 600);
}

static void
after_a_success_it_starts_from_the_first_again(void **state)
{
    (void)state;
    struct random random = random_seeded(3);
    struct backoff backoff = {.first_ms = 10, .most_ms = 1000000};
    for (int i = 0; i < 20; i++) {
        (void)backoff_next_ms(&backoff, &random);
    }

    backoff_reset(&backoff);

    assert_true(backoff_next_ms(&backoff, &random) <= 10);
}

static void
a_million_failures_do_not_overflow(void **state)
{
    (void)state;
    struct random random = random_seeded(4);
    struct backoff backoff = {.first_ms = 1, .most_ms = INT64_MAX / 2};

    for (int i = 0; i < 1000000; i++) {
        int64_t wait_ms = backoff_next_ms(&backoff, &random);
        assert_true(wait_ms >= 1 && wait_ms <= INT64_MAX / 2);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_doubles_up_to_the_most),
        cmocka_unit_test(waits_are_spread_over_the_whole_bound),
        cmocka_unit_test(after_a_success_it_starts_from_the_first_again),
        cmocka_unit_test(a_million_failures_do_not_overflow),
    };
    return RUN_TESTS(tests);
}
