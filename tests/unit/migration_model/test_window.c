/* When a window is open, how long, and when it opens. */
#include "common/migration/window.h"

#include <string.h>

#include "tests/support/unit.h"

#define HOUR ((int64_t)3600000)
#define DAY (24 * HOUR)
#define SATURDAY (20001 * DAY) /* 2024-10-05 */

static struct window
window_of(const char *text)
{
    struct window window;
    struct error error;

    assert_true(window_parse(text, &window, &error));
    return window;
}

static void
is_written_as_it_is_read(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"22:00-04:00", "22:00-04:00 UTC"},
        {"Sat 2:00-05:00", "Sat 02:00-05:00 UTC"},
        {"sat,sun 02:00-05:30 UTC", "Sat,Sun 02:00-05:30 UTC"},
        {"Mon-Wed 20:00-06:00", "Mon,Tue,Wed 20:00-06:00 UTC"},
        {"Sun-Mon 20:00-06:00", "Mon,Sun 20:00-06:00 UTC"},
    };
    char out[WINDOW_TEXT_SIZE];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct window window = window_of(texts[i][0]);
        assert_string_equal(window_text(&window, out), texts[i][1]);
    }
}

static void
what_is_no_window_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "22:00",
                                        "22-04",
                                        "25:00-26:00",
                                        "22:60-23:00",
                                        "Sat",
                                        "Sat02:00-05:00",
                                        "Foo 02:00-05:00",
                                        "Sat, 02:00-05:00",
                                        "Sat- 02:00-05:00",
                                        "02:00-05:00 Europe/Berlin",
                                        "02:00-05:00 ",
                                        "002:00-05:00"};
    struct window window;
    struct error error;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(window_parse(texts[i], &window, &error));
        assert_string_equal(error.code, "E-PLAN-RANGE");
    }
}

static void
is_open_over_midnight(void **state)
{
    (void)state;
    struct window window = window_of("Sat 22:00-04:00");

    assert_int_equal(window_length_ms(&window), 6 * HOUR);
    assert_int_equal(window_left_ms(&window, SATURDAY + 22 * HOUR - 1), 0);
    assert_int_equal(window_wait_ms(&window, SATURDAY + 22 * HOUR - 1), 1);
    assert_int_equal(window_left_ms(&window, SATURDAY + 22 * HOUR), 6 * HOUR);
    assert_int_equal(window_wait_ms(&window, SATURDAY + 22 * HOUR), 0);
    assert_int_equal(window_left_ms(&window, SATURDAY + DAY + 3 * HOUR), HOUR);
    assert_int_equal(window_left_ms(&window, SATURDAY + DAY + 4 * HOUR), 0);
    assert_int_equal(window_wait_ms(&window, SATURDAY + DAY + 4 * HOUR), 6 * DAY + 18 * HOUR);
    assert_int_equal(window_left_ms(&window, SATURDAY + 3 * HOUR), 0); /* that was Friday's */
}

static void
every_day_and_all_day_and_always(void **state)
{
    (void)state;
    struct window nightly = window_of("01:00-02:00"), saturday = window_of("Sat 00:00-00:00");
    struct window always = {0};

    assert_int_equal(window_wait_ms(&nightly, SATURDAY + 2 * HOUR), 23 * HOUR);
    assert_int_equal(window_left_ms(&saturday, SATURDAY + HOUR), 23 * HOUR);
    assert_int_equal(window_left_ms(&saturday, SATURDAY + DAY), 0);
    assert_int_equal(window_left_ms(&always, SATURDAY), INT64_MAX);
    assert_int_equal(window_wait_ms(&always, SATURDAY), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_written_as_it_is_read),
        cmocka_unit_test(what_is_no_window_is_refused),
        cmocka_unit_test(is_open_over_midnight),
        cmocka_unit_test(every_day_and_all_day_and_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
