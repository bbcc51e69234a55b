/* When a window is open, how long, and when it opens. */
#include "common/migration/window.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

#define HOUR ((int64_t)3600000)
#define DAY (24 * HOUR)
#define SATURDAY (20001 * DAY) /* 2024-10-05 */
#define MINUTE ((int64_t)60000)

/* Sundays, in UTC, on which the clocks of Berlin are put forward and back at 01:00. */
#define FORWARD (19813 * DAY) /* 2024-03-31 */
#define BACK (20023 * DAY)    /* 2024-10-27 */

static struct arena arena;

static struct window
window_of(const char *text)
{
    struct window window;
    struct error error;

    if (!window_parse(text, FORWARD - 30 * DAY, &arena, &window, &error)) {
        fail_msg("%s: %s", text, error.text);
    }
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
        {"Sun 2:00-05:00 Europe/Berlin", "Sun 02:00-05:00 Europe/Berlin"},
        {"02:00-05:00 America/Argentina/Buenos_Aires",
         "02:00-05:00 America/Argentina/Buenos_Aires"},
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
                                        "02:00-05:00 Europe/Bern",
                                        "02:00-05:00 europe/berlin",
                                        "02:00-05:00 Europe/Berlin ",
                                        "02:00-05:00 Europe",
                                        "02:00-05:00 ../zoneinfo/UTC",
                                        "02:00-05:00 /usr/share/zoneinfo/UTC",
                                        "02:00-05:00 tzdata.zi",
                                        "02:00-05:00 leapseconds",
                                        "02:00-05:00 CEST",
                                        "02:00-05:00  UTC",
                                        "02:00-05:00 ",
                                        "002:00-05:00"};
    struct window window;
    struct error error;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(window_parse(texts[i], SATURDAY, &arena, &window, &error));
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

/* ---- in a zone that changes its clocks ------------------------------------------------------- */

static void
the_days_and_times_are_those_of_its_zone(void **state)
{
    (void)state;
    struct window berlin = window_of("Sun 02:00-05:00 Europe/Berlin");
    struct window auckland = window_of("Sat 00:00-00:00 Pacific/Auckland");
    char out[WINDOW_TEXT_SIZE];

    /* In winter an hour ahead, in summer two. */
    assert_int_equal(window_left_ms(&berlin, FORWARD - 7 * DAY + HOUR - 1), 0);
    assert_int_equal(window_left_ms(&berlin, FORWARD - 7 * DAY + HOUR), 3 * HOUR);
    assert_int_equal(window_wait_ms(&berlin, FORWARD + 7 * DAY - HOUR), HOUR);
    assert_int_equal(window_left_ms(&berlin, FORWARD + 7 * DAY), 3 * HOUR);
    assert_string_equal(window_clock(&berlin, FORWARD + 7 * DAY, out), "02:00 Europe/Berlin");
    assert_int_equal(window_length_ms(&berlin), 3 * HOUR);

    /* It is Saturday there when Friday's noon is here. */
    assert_int_equal(window_left_ms(&auckland, SATURDAY - 13 * HOUR - 1), 0);
    assert_int_equal(window_left_ms(&auckland, SATURDAY - 13 * HOUR + DAY), 0);
    assert_int_equal(window_left_ms(&auckland, SATURDAY - 13 * HOUR), DAY);
}

static void
a_night_without_that_hour_begins_when_the_clocks_are_put_forward(void **state)
{
    (void)state;
    struct window begins = window_of("Sun 02:30-05:00 Europe/Berlin");
    struct window ends = window_of("Sun 01:00-02:30 Europe/Berlin");
    struct window within = window_of("Sun 02:15-02:45 Europe/Berlin");
    char out[WINDOW_TEXT_SIZE];

    assert_int_equal(window_left_ms(&begins, FORWARD + HOUR - 1), 0);
    assert_int_equal(window_wait_ms(&begins, FORWARD), HOUR);
    assert_int_equal(window_left_ms(&begins, FORWARD + HOUR), 2 * HOUR);
    assert_string_equal(window_clock(&begins, FORWARD + HOUR, out), "03:00 Europe/Berlin");
    assert_int_equal(window_left_ms(&begins, FORWARD + 3 * HOUR), 0);

    assert_int_equal(window_left_ms(&ends, FORWARD), HOUR);
    assert_int_equal(window_left_ms(&ends, FORWARD + HOUR), 0);

    for (int64_t at_ms = FORWARD - DAY; at_ms < FORWARD + DAY; at_ms += MINUTE) {
        assert_int_equal(window_left_ms(&within, at_ms), 0);
    }
    assert_int_equal(window_wait_ms(&within, FORWARD), 7 * DAY + 15 * MINUTE);
}

static void
a_night_that_has_that_hour_twice_opens_once(void **state)
{
    (void)state;
    struct window begins = window_of("Sun 02:30-05:00 Europe/Berlin");
    struct window ends = window_of("Sun 01:00-02:30 Europe/Berlin");
    struct window within = window_of("Sun 02:15-02:45 Europe/Berlin");

    assert_int_equal(window_left_ms(&begins, BACK + 30 * MINUTE - 1), 0);
    assert_int_equal(window_left_ms(&begins, BACK + 30 * MINUTE), 3 * HOUR + 30 * MINUTE);
    assert_int_equal(window_left_ms(&begins, BACK + HOUR + 10 * MINUTE), 170 * MINUTE);

    assert_int_equal(window_left_ms(&ends, BACK - HOUR), 90 * MINUTE);
    assert_int_equal(window_left_ms(&ends, BACK + 30 * MINUTE), 0);
    assert_int_equal(window_left_ms(&ends, BACK + HOUR), 0); /* 02:00 for the second time */

    assert_int_equal(window_left_ms(&within, BACK + 15 * MINUTE), 30 * MINUTE);
    assert_int_equal(window_left_ms(&within, BACK + HOUR + 20 * MINUTE), 0);
    assert_int_equal(window_wait_ms(&within, BACK + HOUR), 7 * DAY + 15 * MINUTE);
}

/* For every quarter of an hour in two years: what is shown then is first shown then, or before. */
static void
a_moment_is_the_first_at_which_its_zone_shows_it(void **state)
{
    static const char *const names[] = {"UTC",
                                        "Europe/Berlin",
                                        "America/New_York",
                                        "America/St_Johns",
                                        "Australia/Lord_Howe",
                                        "Africa/Casablanca",
                                        "Asia/Kathmandu",
                                        "Pacific/Kiritimati"};
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone zone;
        struct error error;
        assert_true(zone_read(names[i], FORWARD - 100 * DAY, &arena, &zone, &error));
        for (int64_t at_ms = FORWARD - 99 * DAY; at_ms < FORWARD + 700 * DAY;
             at_ms += 15 * MINUTE) {
            int64_t local_ms = zone_local_ms(&zone, at_ms);
            int64_t moment_ms = zone_moment_ms(&zone, local_ms);
            assert_true(moment_ms <= at_ms && at_ms - moment_ms <= HOUR);
            assert_int_equal(zone_local_ms(&zone, moment_ms), local_ms);
            moment_ms = zone_moment_ms(&zone, at_ms); /* taken for local; it may be left out */
            assert_true(zone_local_ms(&zone, moment_ms) >= at_ms);
            assert_true(zone_local_ms(&zone, moment_ms - 1) < at_ms);
        }
    }
}

static void
a_zone_is_the_same_whenever_it_is_read_and_leaves_ours_alone(void **state)
{
    (void)state;
    struct zone early, late;
    struct error error;
    setenv("TZ", "America/New_York", 1);

    assert_true(zone_read("Europe/Berlin", SATURDAY, &arena, &early, &error));
    assert_true(zone_read("Europe/Berlin", SATURDAY + HOUR, &arena, &late, &error));
    assert_true(pack_equal(&zone_shape, &early, &late));
    assert_true(early.offset_count >= 20);
    assert_string_equal(getenv("TZ"), "America/New_York");
    unsetenv("TZ");
    assert_true(zone_read("Europe/Berlin", SATURDAY, &arena, &late, &error));
    assert_null(getenv("TZ"));
}

static int
release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_written_as_it_is_read),
        cmocka_unit_test(what_is_no_window_is_refused),
        cmocka_unit_test(is_open_over_midnight),
        cmocka_unit_test(every_day_and_all_day_and_always),
        cmocka_unit_test(the_days_and_times_are_those_of_its_zone),
        cmocka_unit_test(a_night_without_that_hour_begins_when_the_clocks_are_put_forward),
        cmocka_unit_test(a_night_that_has_that_hour_twice_opens_once),
        cmocka_unit_test(a_moment_is_the_first_at_which_its_zone_shows_it),
        cmocka_unit_test(a_zone_is_the_same_whenever_it_is_read_and_leaves_ours_alone),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
