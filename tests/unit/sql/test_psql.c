#include "common/sql/psql.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

/* Whether what stands at the same place in `wanted` is left of `text`. */
static void
assert_left(const char *text, const char *wanted)
{
    CLEANUP(arena_release) struct arena arena = {0};
    const char *left = psql_pass_over(text, strlen(text), &arena);

    assert_int_equal(strlen(text), strlen(wanted));
    if (strcmp(text, wanted) == 0) {
        assert_null(left);
    } else {
        assert_non_null(left);
        assert_memory_equal(left, wanted, strlen(wanted));
    }
}

static void
harmless_commands_become_blanks_of_their_size(void **state)
{
    (void)state;

    assert_left("\\set QUIET 1\nSELECT 1;\n", "            \nSELECT 1;\n");
    assert_left("SELECT 1; \\echo done\nSELECT 2;", "SELECT 1;           \nSELECT 2;");
    assert_left("\\restrict a1\n\\unrestrict a1", "            \n              ");
    assert_left("\\encoding 'UTF8'\r\n", "                 \n");
    assert_left("\\set ON_ERROR_STOP", "                  ");
    assert_left("\\unset QUIET\n", "            \n");
}

static void
commands_that_do_something_stay(void **state)
{
    (void)state;
    static const char *const texts[] = {"\\i a.sql",
                                        "\\copy t FROM 'a'",
                                        "\\set ON_ERROR_STOP off",
                                        "\\set x 1",
                                        "\\unset ON_ERROR_STOP",
                                        "\\echo `rm x`",
                                        "\\echo a \\i b",
                                        "\\encoding latin1",
                                        "\\connect other",
                                        "SELECT 1 \\gset\n",
                                        "\\",
                                        "\\settle QUIET"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_left(texts[i], texts[i]);
    }
}

static void
strings_and_comments_hold_no_commands(void **state)
{
    (void)state;
    static const char *const texts[] = {"SELECT '\n\\echo a\n';",
                                        "SELECT \"\n\\echo a\n\";",
                                        "SELECT $$\n\\echo a\n$$;",
                                        "SELECT $a$ $$\n\\echo a\n$a$;",
                                        "/*\n\\echo a\n/* */\n\\echo b*/",
                                        "-- \\echo a\n",
                                        "SELECT E'\\'\n\\echo a\n';",
                                        "SELECT 'a''\n\\echo a\n';",
                                        "SELECT '\n\\echo a",
                                        "SELECT $a$\n\\echo a"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_left(texts[i], texts[i]);
    }
}

static void
what_only_looks_like_a_quote_begins_no_string(void **state)
{
    (void)state;

    assert_left("SELECT $1, a$b$;\n\\echo a\n", "SELECT $1, a$b$;\n       \n");
    assert_left("SELECT 'a\\';\n\\echo a\n", "SELECT 'a\\';\n       \n");
    assert_left("SELECT name'\\';\n\\echo a\n", "SELECT name'\\';\n       \n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(harmless_commands_become_blanks_of_their_size),
    cmocka_unit_test(commands_that_do_something_stay),
    cmocka_unit_test(strings_and_comments_hold_no_commands),
    cmocka_unit_test(what_only_looks_like_a_quote_begins_no_string),
};

int
main(void)
{
    return RUN_TESTS(tests);
}
