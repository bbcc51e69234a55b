/* What the process asks of the machine it is started on. */
#include "coordinator/shell/service.h"

#include <string.h>

#include "tests/support/unit.h"

static void
refuses_libraries_that_are_too_old_and_says_which_do(void **state)
{
    (void)state;
    static const struct {
        struct library_versions found;
        const char *text, *said; /* null: they do */
    } cases[] = {
        {{4, 3, 4, true, 3037000}, NULL, NULL},
        {{4, 10, 0, true, 3046001}, NULL, NULL},
        {{5, 0, 0, true, 4000000}, NULL, NULL},
        {{4, 3, 3, true, 3040001}, "libzmq does not do", "4.3.3, wanted 4.3.4 or later"},
        {{3, 2, 5, true, 3040001}, "libzmq does not do", "3.2.5, wanted 4.3.4 or later"},
        {{4, 3, 4, false, 3040001}, "libzmq does not do", "no CURVE, wanted one that was built"},
        {{4, 3, 4, true, 3036999}, "SQLite does not do", "3.36.999, wanted 3.37.0 or later"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        bool does = service_check_versions(&cases[i].found, &error);
        assert_int_equal(does, cases[i].text == NULL);
        if (!does) {
            assert_string_equal(error.code, "E-LIB-VERSION");
            assert_string_equal(error.text, cases[i].text);
            assert_non_null(strstr(error.found, cases[i].said));
            assert_non_null(strstr(error.hint, "install-dependencies"));
        }
    }
}

static void
takes_the_libraries_that_it_is_linked_with(void **state)
{
    (void)state;
    struct error error;

    assert_true(service_check_libraries(&error));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_libraries_that_are_too_old_and_says_which_do),
        cmocka_unit_test(takes_the_libraries_that_it_is_linked_with),
    };
    return RUN_TESTS(tests);
}
