#include "common/migration/substitution.h"

#include <string.h>

#include "tests/support/unit.h"

static const struct substitution items[] = {
    {":OWNER", "a"}, {":OWNER_ROLE", "b"}, {"${x}", "c"}, {"__x__", "d"}};
static const struct substitutions all = {items, 4};

/* What stands for what begins at a byte; "" when nothing does. */
static const char *
at(const char *text, size_t offset)
{
    const struct substitution *found = substitution_at(&all, text, strlen(text), offset);
    return found ? found->to : "";
}

static void
the_longest_that_fits_counts(void **state)
{
    (void)state;

    assert_string_equal(at("TO :OWNER;", 3), "a");
    assert_string_equal(at("TO :OWNER_ROLE;", 3), "b");
    assert_string_equal(at("TO :OWNER", 3), "a");
    assert_string_equal(at("${x}", 0), "c");
}

static void
a_part_of_a_longer_word_is_none(void **state)
{
    (void)state;

    assert_string_equal(at(":OWNERS", 0), "");
    assert_string_equal(at("x::OWNER", 2), "");
    assert_string_equal(at("a__x__", 1), "");
    assert_string_equal(at(" __x__ ", 1), "d");
    assert_string_equal(at("__x__ü", 0), "");
    assert_string_equal(at("a${x}b", 1), "c");
    assert_string_equal(at(":OWN", 0), "");
}

static void
placeholders_look_like_their_layouts_own(void **state)
{
    (void)state;
    static const struct {
        const char *form, *text;
        size_t size;
    } rows[] = {{"${…}", "${a b}c", 6},    {"${…}", "$a", 0},     {"${…}", "$", 0},
                {"${…}", "${never\n}", 7}, {"$…", "$NAME, 1", 5}, {"$…", "${NAME}", 7},
                {"$…", "$1", 0},           {"$…", "$$ x", 0},     {"{{…}}", "{{ .A }} x", 8},
                {"{{…}}", "{ x }", 0},     {"{{…}}", "${x}", 0},  {NULL, "${x}", 0}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(placeholder_at(rows[i].form, rows[i].text, strlen(rows[i].text), 0),
                         rows[i].size);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_longest_that_fits_counts),
    cmocka_unit_test(a_part_of_a_longer_word_is_none),
    cmocka_unit_test(placeholders_look_like_their_layouts_own),
};

int
main(void)
{
    return RUN_TESTS(tests);
}
