#include "common/base/random.h"

#include <string.h>

#include "tests/support/unit.h"

static void
the_same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    struct random one = random_seeded(42), two = random_seeded(42);

    for (int i = 0; i < 1000; i++) {
        assert_true(random_next(&one) == random_next(&two));
    }
}

static void
the_numbers_are_those_of_xoshiro_seeded_by_splitmix(void **state)
{
    (void)state;
    /* The authors' C, with the state from splitmix64(0). */
    static const uint64_t splitmix[] = {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f,
                                        0xf88bb8a8724c81ec};
    static const uint64_t numbers[] = {0x99ec5f36cb75f2b4, 0xbf6e1f784956452a, 0x1a5f849d4933e6e0,
                                       0x6aa594f1262d2d2c};
    struct random random = random_seeded(0);

    assert_memory_equal(random.state, splitmix, sizeof splitmix);
    for (size_t i = 0; i < 4; i++) {
        assert_true(random_next(&random) == numbers[i]);
    }
}

static void
other_seeds_give_other_numbers(void **state)
{
    (void)state;
    struct random system = random_from_system(), again = random_from_system(),
                  zero = random_seeded(0), one = random_seeded(1);

    assert_true(random_next(&zero) != random_next(&one));
    assert_true(random_next(&system) != random_next(&again));
}

static void
every_number_below_the_bound_comes_up_alike(void **state)
{
    (void)state;
    struct random random = random_seeded(3);
    int counts[10] = {0};

    for (int i = 0; i < 10000; i++) {
        counts[random_below(&random, 10)]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(counts[i], 850, 1150);
    }
    assert_true(random_below(&random, 1) == 0);
}

static void
a_chance_is_in_percent(void **state)
{
    (void)state;
    struct random random = random_seeded(4);
    int never = 0, sometimes = 0, always = 0;

    for (int i = 0; i < 10000; i++) {
        never += random_chance(&random, 0);
        sometimes += random_chance(&random, 30);
        always += random_chance(&random, 100);
    }

    assert_int_equal(never, 0);
    assert_in_range(sometimes, 2800, 3200);
    assert_int_equal(always, 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(the_numbers_are_those_of_xoshiro_seeded_by_splitmix),
        cmocka_unit_test(other_seeds_give_other_numbers),
        cmocka_unit_test(every_number_below_the_bound_comes_up_alike),
        cmocka_unit_test(a_chance_is_in_percent),
    };
    return RUN_TESTS(tests);
}
