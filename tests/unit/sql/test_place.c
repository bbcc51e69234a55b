#include "common/sql/place.h"

#include <string.h>

#include "tests/support/unit.h"

static void
counts_lines_and_columns_from_one(void **state)
{
    (void)state;
    const char *text = "ab\ncd\n";

    struct place first = place_start();
    struct place c = place_after(first, text, 3);
    struct place d = place_after(c, text, 4);
    struct place end = place_after(d, text, 6);

    assert_int_equal(first.line, 1);
    assert_int_equal(first.column, 1);
    assert_int_equal(c.line, 2);
    assert_int_equal(c.column, 1);
    assert_int_equal(d.column, 2);
    assert_int_equal(end.line, 3);
    assert_int_equal(end.column, 1);
}

static void
counts_characters_not_bytes(void **state)
{
    (void)state;
    const char *text = "é€𝄞x"; /* 2, 3 and 4 bytes */

    assert_int_equal(place_after(place_start(), text, strlen(text) - 1).column, 4);
    assert_int_equal(place_after(place_start(), text, 2).column, 2);
    assert_int_equal(place_after(place_start(), text, 5).column, 3);
}

static void
finds_the_byte_of_a_character(void **state)
{
    (void)state;
    const char *text = "aé€b";

    assert_int_equal(place_of_character(text, strlen(text), 0), 0);
    assert_int_equal(place_of_character(text, strlen(text), 1), 1);
    assert_int_equal(place_of_character(text, strlen(text), 2), 3);
    assert_int_equal(place_of_character(text, strlen(text), 3), 6);
    assert_int_equal(place_of_character(text, strlen(text), 99), strlen(text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_lines_and_columns_from_one),
        cmocka_unit_test(counts_characters_not_bytes),
        cmocka_unit_test(finds_the_byte_of_a_character),
    };
    return RUN_TESTS(tests);
}
