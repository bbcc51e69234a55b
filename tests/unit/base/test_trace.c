#include "common/base/trace.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

struct heard {
    int lines;
    char last[600];
};

static void
hear(void *context, const char *line)
{
    struct heard *heard = context;
    heard->lines++;
    (void)snprintf(heard->last, sizeof heard->last, "%s", line);
}

static void
whoever_listens_hears_every_line(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct trace trace = {hear, &heard};

    trace_line(&trace, "step %d: %s", 1, "waiting");
    trace_line(&trace, "step %d: %s", 1, "assigned");

    assert_int_equal(heard.lines, 2);
    assert_string_equal(heard.last, "step 1: assigned");
}

static void
nobody_need_listen(void **state)
{
    (void)state;
    struct trace trace = {0};

    trace_line(&trace, "%s", "nothing happens");
}

static void
a_long_line_is_cut(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct trace trace = {hear, &heard};

    trace_line(&trace, "%01000d", 1);

    assert_int_equal(strlen(heard.last), 511);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_listens_hears_every_line),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(a_long_line_is_cut),
    };
    return RUN_TESTS(tests);
}
