/* How deep a statement may be; apart from the other tests of splitting because it takes seconds. */
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/sql/split.h"

#include "tests/support/deep.h"
#include "tests/unit/sql/sample.h"

/* Under memcheck everything takes fifty times as long. */
static size_t
shorter(size_t count)
{
    return getenv("SKEIN_SLOW") ? count / 20 : count;
}

static void
repeat(struct text *text, const char *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_append(text, piece);
    }
}

static void
what_nests_too_deeply_is_refused_and_never_crashes(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *piece, *end;
    } shapes[] = {{"SELECT 1", "+1", ""},
                  {"SELECT ", "(", "1"},
                  {"SELECT ", "(SELECT ", "1"},
                  {"SELECT ", "- ", "1"},
                  {"SELECT ", "NOT ", "true"},
                  {"SELECT 1", " UNION SELECT 1", ""},
                  {"SELECT 1", "::int", ""},
                  {"SELECT a", "[1", ""},
                  {"SELECT * FROM a", " JOIN b ON true", ""},
                  {"SELECT 1", " IS NULL", ""},
                  {"SELECT ", "CASE WHEN true THEN ", "1"}};

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        CLEANUP(text_release) struct text text = {0};
        text_append(&text, shapes[i].begin);
        repeat(&text, shapes[i].piece, i == 0 ? 100000 : 60000);
        text_append(&text, shapes[i].end);
        CLEANUP(sample_release) struct sample sample = split(text_of(&text));
        assert_false(sample.is_split);
        assert_string_equal(sample.error.code, "E-MIG-COMPLEX");
        assert_int_equal(sample.place.line, 1);
    }
}

static void
what_is_deep_but_possible_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *piece;
        size_t count;
    } shapes[] = {{"SELECT 1", "+1", 20000},
                  {"SELECT 1", " UNION SELECT 1", 10000},
                  {"SELECT true", " AND true", 20000},
                  {"SELECT * FROM a", " JOIN b ON true", 8000}};

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        CLEANUP(text_release) struct text text = {0};
        text_append(&text, shapes[i].begin);
        repeat(&text, shapes[i].piece, shorter(shapes[i].count));
        CLEANUP(sample_release) struct sample sample = split(text_of(&text));
        assert_true(sample.is_split);
        assert_int_equal(sample.script.statement_count, 1);
    }
}

static void
long_lists_are_not_deep(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};

    text_append(&text, "INSERT INTO t VALUES (0, 'x')");
    repeat(&text, ",\n(1, 'a; b')", shorter(60000));
    CLEANUP(sample_release) struct sample sample = split(text_of(&text));

    assert_true(sample.is_split);
    assert_int_equal(sample.script.statement_count, 1);
    assert_int_equal(sample.script.statements[0].stretch.size, text.size);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_nests_too_deeply_is_refused_and_never_crashes),
    cmocka_unit_test(what_is_deep_but_possible_is_read),
    cmocka_unit_test(long_lists_are_not_deep),
};

RUN_DEEP(tests)
