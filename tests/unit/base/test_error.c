#include "common/base/error.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"

static void
an_error_has_a_code_a_text_and_parts(void **state)
{
    (void)state;
    struct error error;

    assert_false(error_set(&error, "E-CFG-TYPE", "'%s' must be %s", "port", "a number"));
    assert_false(error_where(&error, "%s:%d", "a.yaml", 3));
    assert_false(error_found(&error, "'%s'", "x"));
    assert_false(error_hint(&error, "write %d", 5));

    assert_true(error_is(&error, "E-CFG-TYPE"));
    assert_false(error_is(&error, "E-CFG"));
    assert_string_equal(error.text, "'port' must be a number");
    assert_string_equal(error.where, "a.yaml:3");
    assert_string_equal(error.found, "'x'");
    assert_string_equal(error.hint, "write 5");
}

static void
setting_an_error_forgets_the_one_before(void **state)
{
    (void)state;
    struct error error;
    error_set(&error, "E-ONE", "one");
    error_where(&error, "here");

    error_set(&error, "E-TWO", "two");

    assert_string_equal(error.code, "E-TWO");
    assert_string_equal(error.where, "");
}

static void
a_prefix_says_what_was_being_tried(void **state)
{
    (void)state;
    struct error error;
    error_set(&error, "E-X", "no such file");
    error_where(&error, "here");

    assert_false(error_prefix(&error, "cannot open %s", "the store"));
    assert_false(error_prefix(&error, "cannot start"));

    assert_string_equal(error.text, "cannot start: cannot open the store: no such file");
    assert_string_equal(error.where, "here");
}

static void
what_is_too_long_is_cut(void **state)
{
    (void)state;
    struct error error;

    error_set(&error, "E-X", "%01000d", 7);
    error_where(&error, "%01000d", 7);
    error_prefix(&error, "%01000d", 8);

    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_int_equal(strlen(error.where), sizeof error.where - 1);
}

static void
what_is_cut_inside_a_character_stays_utf_8(void **state)
{
    (void)state;
    char euros[3 * 300 + 1] = "";
    struct error error;
    for (int i = 0; i < 300; i++) {
        memcpy(euros + 3 * i, "€", 4);
    }

    error_set(&error, "E-X", "%s", euros);
    error_where(&error, "x%s", euros);
    error_found(&error, "xx%s", euros);

    assert_true(text_is_utf8(error.text, strlen(error.text)));
    assert_true(text_is_utf8(error.where, strlen(error.where)));
    assert_true(text_is_utf8(error.found, strlen(error.found)));
    assert_true(strlen(error.text) > sizeof error.text - 4);
    error_prefix(&error, "ab");
    assert_true(text_is_utf8(error.text, strlen(error.text)));
}

static void
an_error_is_printed_with_the_parts_that_are_known(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *printed = NULL;
    size_t size;
    struct error error;

    error_set(&error, "E-ONE", "it went wrong");
    error_where(&error, "a.yaml:3");
    error_hint(&error, "try again");
    FILE *out = open_memstream(&printed, &size);
    error_print(&error, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(printed, "error[E-ONE]: it went wrong\n"
                                 "  where: a.yaml:3\n"
                                 "  hint:  try again\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_a_code_a_text_and_parts),
        cmocka_unit_test(setting_an_error_forgets_the_one_before),
        cmocka_unit_test(a_prefix_says_what_was_being_tried),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(what_is_cut_inside_a_character_stays_utf_8),
        cmocka_unit_test(an_error_is_printed_with_the_parts_that_are_known),
    };
    return RUN_TESTS(tests);
}
