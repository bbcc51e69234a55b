#include <locale.h>

#include "common/base/mem.h"
#include "coordinator/cli/bar.h"
#include "tests/support/unit.h"
#include "tests/unit/cli/pictures.h"

static void
draws(const struct terminal *terminal, uint64_t done, uint64_t failed, uint64_t total,
      const char *expected)
{
    CLEANUP(text_release) struct text out = {0};

    bar_append(terminal, done, failed, total, 8, &out);
    assert_string_equal(text_of(&out), expected);
}

static void
is_full_only_when_all_is_done(void **state)
{
    struct terminal terminal = wide_terminal(80);

    (void)state;
    draws(&terminal, 0, 0, 100, "········");
    draws(&terminal, 50, 0, 100, "████····");
    draws(&terminal, 55, 0, 100, "████▍···");
    draws(&terminal, 99, 0, 100, "███████▉");
    draws(&terminal, 100, 0, 100, "████████");
}

static void
shows_the_smallest_failure(void **state)
{
    struct terminal terminal = {.has_utf8 = false, .width = 80};

    (void)state;
    draws(&terminal, 999, 1, 1000, "[#####!]");
    draws(&terminal, 0, 1000, 1000, "[!!!!!!]");
    draws(&terminal, 500, 0, 1000, "[###---]");
}

static void
keeps_its_width_whatever_the_numbers_are(void **state)
{
    struct terminal terminal = wide_terminal(80);

    (void)state;
    for (uint64_t done = 0; done <= 12; done++) {
        for (uint64_t failed = 0; failed <= 12; failed++) {
            for (uint64_t total = 0; total <= 10; total++) {
                CLEANUP(text_release) struct text out = {0};
                bar_append(&terminal, done, failed, total, 7, &out);
                assert_int_equal(terminal_columns(text_of(&out)), 7);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_full_only_when_all_is_done),
        cmocka_unit_test(shows_the_smallest_failure),
        cmocka_unit_test(keeps_its_width_whatever_the_numbers_are),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return RUN_TESTS(tests);
}
