#include "common/base/clock.h"

#include <time.h>

#include "tests/support/unit.h"

static void
a_time_is_written_in_utc_with_milliseconds(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];

    assert_string_equal(clock_text(0, out), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_text(1769860800007, out), "2026-01-31T12:00:00.007Z");
    assert_string_equal(clock_text(1709251199999, out), "2024-02-29T23:59:59.999Z");
    assert_string_equal(clock_text(253402300799999, out), "9999-12-31T23:59:59.999Z");
}

static void
a_time_before_1970_is_a_time(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];

    assert_string_equal(clock_text(-1, out), "1969-12-31T23:59:59.999Z");
    assert_string_equal(clock_text(-1000, out), "1969-12-31T23:59:59.000Z");
}

static void
now_never_goes_back_and_its_units_agree(void **state)
{
    (void)state;
    int64_t before_us = clock_now_us(), now_ms = clock_now_ms(), after_us = clock_now_us();

    assert_true(before_us / 1000 <= now_ms);
    assert_true(now_ms <= after_us / 1000);
    for (int i = 0; i < 1000; i++) {
        int64_t next_us = clock_now_us();
        assert_true(next_us >= after_us);
        after_us = next_us;
    }
}

static void
the_wall_clock_is_the_systems(void **state)
{
    (void)state;
    int64_t before_s = (int64_t)time(NULL), wall_ms = clock_wall_ms();

    assert_true(wall_ms / 1000 >= before_s - 1);
    assert_true(wall_ms / 1000 <= (int64_t)time(NULL) + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_written_in_utc_with_milliseconds),
        cmocka_unit_test(a_time_before_1970_is_a_time),
        cmocka_unit_test(now_never_goes_back_and_its_units_agree),
        cmocka_unit_test(the_wall_clock_is_the_systems),
    };
    return RUN_TESTS(tests);
}
