#include "common/migration/source.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

static void
assert_place(const struct source *source, size_t at, struct place *last, size_t line, size_t column)
{
    struct place place = source_place(source, at, last);

    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void
a_stretch_has_the_places_of_its_file(void **state)
{
    (void)state;
    struct listed_file file = {.name = "a", .text = "ä1\nb2\nc3\n", .size = 10};
    struct source source = {.file = &file, .offset = 4, .size = 5};
    struct place last = {0};

    assert_memory_equal(source_text(&source), "b2\nc3", 5);
    assert_place(&source, 0, &last, 2, 1);
    assert_place(&source, 4, &last, 3, 2);
    assert_place(&source, 1, &last, 2, 2); /* back again */
}

static void
a_byte_order_mark_is_no_column(void **state)
{
    (void)state;
    struct listed_file file = {.name = "a",
                               .text = "\xef\xbb\xbf"
                                       "ab\nc",
                               .size = 7};
    struct source source = {.file = &file, .size = 7};
    struct place last = {0};

    assert_place(&source, 3, &last, 1, 1);
    assert_place(&source, 4, &last, 1, 2);
    assert_place(&source, 6, &last, 2, 1);
}

static void
what_is_put_in_stands_where_it_stands_for_something(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct listed_file file = {.name = "a", .text = "ab ${x} cd\nef", .size = 13};
    CLEANUP(source_builder_destroy) struct source_builder *builder = source_builder_new(&file);

    source_builder_take(builder, 0, 3);
    source_builder_put(builder, 3, "a\nlong value", 12);
    source_builder_take(builder, 7, 6);
    struct source source = source_builder_finish(builder, &arena);
    struct place last = {0};

    assert_int_equal(source.size, 21);
    assert_memory_equal(source_text(&source), "ab a\nlong value cd\nef", 21);
    assert_place(&source, 1, &last, 1, 2);
    assert_place(&source, 3, &last, 1, 4);
    assert_place(&source, 10, &last, 1, 4);
    assert_place(&source, 16, &last, 1, 9);
    assert_place(&source, 19, &last, 2, 1);
    assert_place(&source, 21, &last, 2, 3);
}

static void
pieces_may_come_in_any_order(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct listed_file file = {.name = "a", .text = "1\n2\n3\n", .size = 6};
    CLEANUP(source_builder_destroy) struct source_builder *builder = source_builder_new(&file);

    source_builder_take(builder, 4, 2);
    source_builder_take(builder, 0, 2);
    struct source source = source_builder_finish(builder, &arena);
    struct place last = {0};

    assert_place(&source, 0, &last, 3, 1);
    assert_place(&source, 2, &last, 1, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stretch_has_the_places_of_its_file),
    cmocka_unit_test(a_byte_order_mark_is_no_column),
    cmocka_unit_test(what_is_put_in_stands_where_it_stands_for_something),
    cmocka_unit_test(pieces_may_come_in_any_order),
};

int
main(void)
{
    return RUN_TESTS(tests);
}
