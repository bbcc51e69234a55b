#include <locale.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "coordinator/cli/grid.h"
#include "tests/support/unit.h"
#include "tests/unit/cli/pictures.h"

static void
counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(terminal_columns("abc"), 3);
    assert_int_equal(terminal_columns("µs…"), 3);
    assert_int_equal(terminal_columns("日本"), 4);
    assert_int_equal(terminal_columns("e\xcc\x81"), 1);
    assert_int_equal(terminal_columns("\xff\xfe"), 2);
}

static void
cuts_with_an_ellipsis_and_never_beyond(void **state)
{
    struct terminal terminal = pipe_terminal();

    (void)state;
    for (size_t columns = 0; columns < 12; columns++) {
        CLEANUP(text_release) struct text out = {0};
        size_t taken = terminal_clip(&terminal, "eins 日本 zwei", columns, &out);
        assert_true(taken <= columns);
        assert_int_equal(terminal_columns(text_of(&out)), taken);
    }
    CLEANUP(text_release) struct text cut = {0}, whole = {0};
    terminal_clip(&terminal, "abcdef", 4, &cut);
    assert_string_equal(text_of(&cut), "abc…");
    terminal_clip(&terminal, "abcdef", 6, &whole);
    assert_string_equal(text_of(&whole), "abcdef");
}

static void
lets_no_control_character_through(void **state)
{
    CLEANUP(text_release) struct text out = {0};
    struct terminal terminal = pipe_terminal();

    (void)state;
    terminal_clip(&terminal,
                  "a\033[2Jb\nc\x7f"
                  "d\xc2\x9b"
                  "e\xe2\x80\xae"
                  "f\xff",
                  SIZE_MAX, &out);
    assert_string_equal(text_of(&out), "a?[2Jb c?d?e?f?");
}

static void
replaces_what_the_terminal_cannot_show(void **state)
{
    CLEANUP(text_release) struct text out = {0};
    struct terminal terminal = pipe_terminal();

    (void)state;
    terminal.has_utf8 = false;
    terminal_clip(&terminal, "größe", SIZE_MAX, &out);
    assert_string_equal(text_of(&out), "gr??e");
}

static void
folds_at_spaces_and_cuts_words_that_are_too_long(void **state)
{
    CLEANUP(text_release) struct text out = {0}, hard = {0};
    struct terminal terminal = wide_terminal(40);

    (void)state;
    terminal_fold(&terminal, "the quick brown fox jumps over the lazy dog", 4, 30, &out);
    assert_string_equal(text_of(&out), "the quick brown fox jumps\n    over the lazy dog");
    terminal_fold(&terminal, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 30, &hard);
    assert_string_equal(text_of(&hard), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\naaaaaaaaaaaaaaa");
}

static void
colours_only_where_it_is_wished(void **state)
{
    struct terminal terminal;

    (void)state;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    terminal_open(&terminal, stdin, COLOUR_ALWAYS);
    assert_true(terminal.has_colour);
    assert_string_equal(terminal_style(&terminal, STYLE_BAD), "\033[31m");
    terminal_open(&terminal, stdin, COLOUR_NEVER);
    assert_string_equal(terminal_style(&terminal, STYLE_BAD), "");
    FILE *file = tmpfile();
    assert_non_null(file);
    terminal_open(&terminal, file, COLOUR_AUTO);
    assert_false(terminal.has_colour);
    assert_false(terminal.is_terminal);
    assert_int_equal(terminal.width, SIZE_MAX);
    fclose(file);
}

static struct grid *
fruit(void)
{
    struct grid *grid = grid_new();

    grid_column(grid, "name", GRID_SHRINKS);
    grid_column(grid, "count", GRID_RIGHT);
    grid_column(grid, "remark", GRID_HIDE_EMPTY);
    grid_column(grid, "key", GRID_DROPS);
    grid_row(grid);
    grid_cell(grid, STYLE_PLAIN, "apples");
    grid_cell(grid, STYLE_PLAIN, "%d", 7);
    grid_cell(grid, STYLE_PLAIN, "%s", "");
    grid_cell(grid, STYLE_PLAIN, "0123456789abcdef");
    grid_row(grid);
    grid_cell(grid, STYLE_NAME, "%s", "a very long name of a fruit");
    grid_cell(grid, STYLE_PLAIN, "%d", 1234);
    return grid;
}

static void
aligns_columns_and_leaves_empty_ones_out(void **state)
{
    CLEANUP(grid_destroy) struct grid *grid = fruit();
    CLEANUP(text_release) struct text out = {0};
    struct terminal terminal = pipe_terminal();

    (void)state;
    grid_render(grid, &terminal, 2, &out);
    assert_string_equal(text_of(&out), "  name                         count  key\n"
                                       "  apples                           7  0123456789abcdef\n"
                                       "  a very long name of a fruit   1234\n");
}

static void
gives_way_column_by_column_when_it_is_narrow(void **state)
{
    CLEANUP(grid_destroy) struct grid *grid = fruit();
    CLEANUP(text_release) struct text out = {0}, narrow = {0};
    struct terminal terminal = wide_terminal(40);

    (void)state;
    grid_render(grid, &terminal, 2, &out);
    assert_string_equal(text_of(&out), "  name                         count\n"
                                       "  apples                           7\n"
                                       "  a very long name of a fruit   1234\n");
    terminal.width = 24;
    grid_render(grid, &terminal, 2, &narrow);
    assert_string_equal(text_of(&narrow), "  name             count\n"
                                          "  apples               7\n"
                                          "  a very long na…   1234\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_columns_not_bytes),
        cmocka_unit_test(cuts_with_an_ellipsis_and_never_beyond),
        cmocka_unit_test(lets_no_control_character_through),
        cmocka_unit_test(replaces_what_the_terminal_cannot_show),
        cmocka_unit_test(folds_at_spaces_and_cuts_words_that_are_too_long),
        cmocka_unit_test(colours_only_where_it_is_wished),
        cmocka_unit_test(aligns_columns_and_leaves_empty_ones_out),
        cmocka_unit_test(gives_way_column_by_column_when_it_is_narrow),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return RUN_TESTS(tests);
}
