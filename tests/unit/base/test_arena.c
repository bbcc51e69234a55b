#include "common/base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

static void
pieces_are_zero_aligned_and_apart(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    static const size_t sizes[] = {1, 7, 16, 100, 4000, 4096, 5000, 100000, 3, 0, 1};
    unsigned char *pieces[sizeof sizes / sizeof *sizes];
    size_t count = sizeof sizes / sizeof *sizes;

    for (size_t i = 0; i < count; i++) {
        pieces[i] = arena_alloc(&arena, sizes[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(pieces[i][at], 0);
        }
        memset(pieces[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(pieces[i][at], i + 1);
        }
    }
}

static void
a_cleared_arena_gives_zeroes_again(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};

    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 100; i++) {
            unsigned char *piece = arena_alloc(&arena, 300);
            for (size_t at = 0; at < 300; at++) {
                assert_int_equal(piece[at], 0);
            }
            memset(piece, 0xff, 300);
        }
        arena_clear(&arena);
        assert_non_null(arena.blocks);
    }
}

static void
copies_are_the_callers(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    char text[] = "text";
    int numbers[] = {1, 2, 3};

    char *copy = arena_text(&arena, text);
    int *copied = arena_copy(&arena, numbers, sizeof numbers);
    text[0] = 'X';
    numbers[1] = 9;

    assert_string_equal(copy, "text");
    assert_int_equal(copied[1], 2);
    assert_null(arena_text(&arena, NULL));
    assert_non_null(arena_copy(&arena, NULL, 0));
}

static void
formatted_text_has_any_length(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};

    assert_string_equal(arena_format(&arena, "%d of %s", 3, "four"), "3 of four");
    assert_string_equal(arena_format(&arena, "%s", ""), "");
    assert_int_equal(strlen(arena_format(&arena, "%09000d", 1)), 9000);
}

static void
an_unused_arena_can_be_cleared_and_released(void **state)
{
    (void)state;
    struct arena arena = {0};

    arena_clear(&arena);
    arena_release(&arena);
    arena_release(&arena);

    assert_null(arena.blocks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zero_aligned_and_apart),
        cmocka_unit_test(a_cleared_arena_gives_zeroes_again),
        cmocka_unit_test(copies_are_the_callers),
        cmocka_unit_test(formatted_text_has_any_length),
        cmocka_unit_test(an_unused_arena_can_be_cleared_and_released),
    };
    return RUN_TESTS(tests);
}
