#include <stdlib.h>
#include <time.h>

#include "coordinator/cli/format.h"
#include "tests/support/unit.h"

static void
says_durations_as_people_do(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {
        {0, "0 ms"},           {350, "350 ms"},           {999, "999 ms"},
        {1000, "1.0 s"},       {2149, "2.1 s"},           {59949, "59.9 s"},
        {59950, "1m 00s"},     {80000, "1m 20s"},         {3599400, "59m 59s"},
        {3600000, "1h 00m"},   {11100000, "3h 05m"},      {86400000, "1d 00h"},
        {187200000, "2d 04h"}, {31536000000, "365d 00h"},
    };
    char out[FORMAT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(format_duration_ms(cases[i].ms, out), cases[i].text);
    }
}

static void
says_short_times_finely(void **state)
{
    char out[FORMAT_SIZE];

    (void)state;
    assert_string_equal(format_duration_us(0, out), "0 µs");
    assert_string_equal(format_duration_us(420, out), "420 µs");
    assert_string_equal(format_duration_us(1300, out), "1.3 ms");
    assert_string_equal(format_duration_us(99949, out), "99.9 ms");
    assert_string_equal(format_duration_us(350000, out), "350 ms");
    assert_string_equal(format_duration_us(2100000, out), "2.1 s");
}

static void
says_estimates_roughly(void **state)
{
    char out[FORMAT_SIZE];

    (void)state;
    assert_string_equal(format_rough_ms(1, out), "1 s");
    assert_string_equal(format_rough_ms(40499, out), "40 s");
    assert_string_equal(format_rough_ms(59500, out), "1m 00s");
    assert_string_equal(format_rough_ms(80000, out), "1m 20s");
}

static void
says_waits_roughly(void **state)
{
    char out[FORMAT_SIZE];

    (void)state;
    assert_string_equal(format_ago_ms(400, out), "0s");
    assert_string_equal(format_ago_ms(119000, out), "119s");
    assert_string_equal(format_ago_ms(120000, out), "2m");
    assert_string_equal(format_ago_ms(2 * 3600000, out), "2h");
    assert_string_equal(format_ago_ms(3 * 86400000ULL, out), "3d");
}

static void
groups_digits_and_counts_nouns(void **state)
{
    char out[FORMAT_SIZE];

    (void)state;
    assert_string_equal(format_count(0, out), "0");
    assert_string_equal(format_count(999, out), "999");
    assert_string_equal(format_count(5000, out), "5,000");
    assert_string_equal(format_count(1234567, out), "1,234,567");
    assert_string_equal(format_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
    assert_string_equal(format_counted(1, "target", out), "1 target");
    assert_string_equal(format_counted(0, "step", out), "0 steps");
    assert_string_equal(format_counted(UINT64_MAX, "target", out),
                        "18,446,744,073,709,551,615 targets");
}

static void
says_when_in_local_time(void **state)
{
    char out[FORMAT_SIZE];

    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    assert_string_equal(format_when(0, out), "");
    assert_string_equal(format_when(1769860805000, out), "2026-01-31 12:00:05");
}

static void
says_versions_of_the_server_and_sizes(void **state)
{
    char out[FORMAT_SIZE];

    (void)state;
    assert_string_equal(format_server_version(150018, out), "15.18");
    assert_string_equal(format_server_version(90624, out), "9.6.24");
    assert_string_equal(format_server_version(0, out), "");
    assert_string_equal(format_size(512, out), "512 B");
    assert_string_equal(format_size(1536, out), "1.5 KiB");
    assert_string_equal(format_size(3 << 20, out), "3.0 MiB");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_durations_as_people_do),
        cmocka_unit_test(says_short_times_finely),
        cmocka_unit_test(says_estimates_roughly),
        cmocka_unit_test(says_waits_roughly),
        cmocka_unit_test(groups_digits_and_counts_nouns),
        cmocka_unit_test(says_when_in_local_time),
        cmocka_unit_test(says_versions_of_the_server_and_sizes),
    };
    return RUN_TESTS(tests);
}
