#include "common/migration/outcome.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

static void
an_error_travels_as_a_fault_and_back(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct error error, back;
    error_set(&error, "E-SQL", "relation \"ä\" does not exist");
    error_where(&error, "1.up.sql:3:7");
    error_hint(&error, "look at the file");

    struct fault fault = fault_from_error(&error, &arena);
    fault_to_error(&fault, &back);

    assert_string_equal(fault.code, "E-SQL");
    assert_null(fault.found);
    assert_null(fault.sqlstate);
    assert_string_equal(back.code, error.code);
    assert_string_equal(back.text, error.text);
    assert_string_equal(back.where, error.where);
    assert_string_equal(back.found, "");
    assert_string_equal(back.hint, error.hint);
}

static void
an_error_cut_inside_a_character_can_travel(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text packed = {0};
    struct error error = {.code = "E-SQL"};
    for (size_t used = 0; used < sizeof error.text - 2; used += 3) {
        memcpy(error.text + used, "€", sizeof error.text - 1 - used < 3 ? 2 : 3);
    }
    memcpy(error.where, "a\xff\xfe", 4);
    memcpy(error.found, "\xf0\x9f\x92\xa9\x80 ok", 9);

    struct fault fault = fault_from_error(&error, &arena);

    assert_true(pack_check(&fault_shape, &fault, &(struct error){0}));
    assert_string_equal(fault.where, "a??");
    assert_string_equal(fault.found, "\xf0\x9f\x92\xa9? ok");
    assert_int_equal(strncmp(fault.text, "€€€", 9), 0);
    pack_encode(&fault_shape, &fault, &packed);
}

static void
a_fault_larger_than_an_error_is_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct fault fault = {.code = "E-X", .text = text, .hint = text};
    struct error error;

    fault_to_error(&fault, &error);

    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_int_equal(strlen(error.hint), sizeof error.hint - 1);
    assert_string_equal(error.where, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_travels_as_a_fault_and_back),
        cmocka_unit_test(an_error_cut_inside_a_character_can_travel),
        cmocka_unit_test(a_fault_larger_than_an_error_is_cut),
    };
    return RUN_TESTS(tests);
}
