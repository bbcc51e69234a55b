#include "common/base/text.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

static void
a_text_grows_as_it_is_appended_to(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};

    assert_string_equal(text_of(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_append(&text, "ab");
        text_append_bytes(&text, "c\0d", 3);
        text_format(&text, "%02d", i % 100);
        assert_int_equal(text.size, 7 * (i + 1));
        assert_int_equal(text.data[text.size], '\0');
    }
    assert_memory_equal(text.data + 7 * 42, "abc\0d42", 7);
}

static void
a_cleared_text_is_empty_and_usable(void **state)
{
    (void)state;
    struct text text = {0};

    text_clear(&text);
    text_append(&text, "abc");
    text_clear(&text);
    assert_string_equal(text_of(&text), "");
    text_append_bytes(&text, NULL, 0);
    assert_string_equal(text_of(&text), "");
    text_format(&text, "%0500d", 1);
    assert_int_equal(text.size, 500);
    text_release(&text);
    assert_string_equal(text_of(&text), "");
    text_release(&text);
}

static void
strings_are_compared(void **state)
{
    (void)state;
    assert_true(text_equal("a", "a"));
    assert_true(text_equal(NULL, NULL));
    assert_false(text_equal("a", NULL));
    assert_false(text_equal(NULL, ""));
    assert_false(text_equal("a", "b"));
    assert_true(text_has_line("one\ntwo\n", "two"));
    assert_true(text_has_line("one\ntwo", "one"));
    assert_false(text_has_line("one\ntwo", "on"));
    assert_false(text_has_line("done\ntwo", "one"));
    assert_false(text_has_line("\n", ""));
    assert_false(text_has_line(NULL, "one"));
    assert_true(text_starts_with("abc", "ab"));
    assert_true(text_starts_with("abc", ""));
    assert_false(text_starts_with("ab", "abc"));
    assert_true(text_ends_with("a.sql", ".sql"));
    assert_true(text_ends_with("a", ""));
    assert_false(text_ends_with("sql", ".sql"));
    assert_false(text_ends_with("a.sqL", ".sql"));
}

static void
utf_8_is_told_from_what_is_none(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "a",
        "plain ascii of more than eight bytes",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "€",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "12345678ä",
    };
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2 ",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff",
        "12345678\xff",
        "1234567\xff",
        "12345678123\xe2\x82",
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    }
    for (size_t at = 0; at < 20; at++) {
        char text[20];
        memset(text, 'x', sizeof text);
        text[at] = '\0';
        assert_false(text_is_utf8(text, sizeof text));
    }
}

static void
a_character_has_its_size(void **state)
{
    (void)state;
    assert_int_equal(text_character("a", 1), 1);
    assert_int_equal(text_character("ä", 2), 2);
    assert_int_equal(text_character("€uro", 6), 3);
    assert_int_equal(text_character("𐍈", 4), 4);
    assert_int_equal(text_character("", 0), 0);
    assert_int_equal(text_character("\0", 1), 0);
    assert_int_equal(text_character("€", 2), 0);
    assert_int_equal(text_character("\xff", 1), 0);
}

static void
what_is_no_character_is_mended(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"a", "a"},
        {"a€", "a€"},
        {"𐍈", "𐍈"},
        {"a\xe2\x82", "a??"},
        {"\xff"
         "ä\x80z",
         "?ä?z"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(mem_free) char *text = mem_text(cases[i][0]);
        text_mend_utf8(text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void
what_comes_from_outside_is_shown_harmlessly(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"../x y", "../x y"},
        {"a€\n\x1b[2J\\", "a€\\x0a\\x1b[2J\\x5c"},
        {"\xff\xc2\x9b"
         "1m",
         "\\xff\\xc2\\x9b1m"},
    };
    char shown[TEXT_SHOWN_SIZE], long_text[1000], nasty[1000];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(text_shown(cases[i][0], shown), cases[i][1]);
    }
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    memset(nasty, 1, sizeof nasty - 1);
    nasty[sizeof nasty - 1] = '\0';
    assert_true(text_ends_with(text_shown(long_text, shown), "a…"));
    assert_in_range(strlen(shown), 128, TEXT_SHOWN_SIZE - 1);
    assert_true(text_ends_with(text_shown(nasty, shown), "\\x01…"));
    assert_in_range(strlen(shown), 100, TEXT_SHOWN_SIZE - 1);
}

static void
a_name_is_plain(void **state)
{
    (void)state;
    char longest[130];
    memset(longest, 'a', sizeof longest - 1);
    longest[129] = '\0';

    assert_true(text_is_name("auth-eu_1.prod/x@y"));
    assert_true(text_is_name("7"));
    assert_true(text_is_name(longest + 1));
    assert_false(text_is_name(longest));
    assert_false(text_is_name(""));
    assert_false(text_is_name("-x"));
    assert_false(text_is_name(".x"));
    assert_false(text_is_name("a..b"));
    assert_false(text_is_name("../a"));
    assert_false(text_is_name("a b"));
    assert_false(text_is_name("a\n"));
    assert_false(text_is_name("ä"));
}

static void
a_whole_number_is_within_its_bounds(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "0x1",
                                      "1e3",
                                      "1.0",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "--1"};
    int64_t value = 77;

    assert_true(text_to_number("0", 0, 10, &value));
    assert_int_equal(value, 0);
    assert_true(text_to_number("10", 0, 10, &value));
    assert_true(text_to_number("-5", -5, 10, &value));
    assert_int_equal(value, -5);
    assert_true(text_to_number("9223372036854775807", 0, INT64_MAX, &value));
    assert_true(text_to_number("-9223372036854775808", INT64_MIN, 0, &value));
    assert_true(value == INT64_MIN);
    assert_false(text_to_number("11", 0, 10, &value));
    assert_false(text_to_number("-6", -5, 10, &value));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(text_to_number(bad[i], INT64_MIN, INT64_MAX, &value));
    }
    assert_true(value == INT64_MIN);
}

static void
a_duration_has_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t duration_ms;
    } good[] = {{"0ms", 0},
                {"250ms", 250},
                {"2s", 2000},
                {"5m", 300000},
                {"1h", 3600000},
                {"1d", 86400000},
                {"106751991167d", 106751991167 * 86400000}};
    static const char *const bad[] = {
        "",   "5",    "ms", "-5s", "5 s",           "5S",
        "5y", "1.5s", "s5", "5ss", "106751991168d", "9223372036854775808ms"};
    int64_t duration_ms;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(text_to_duration_ms(good[i].text, &duration_ms));
        assert_true(duration_ms == good[i].duration_ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(text_to_duration_ms(bad[i], &duration_ms));
    }
}

static void
hex_goes_both_ways(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char hex[513];
    for (int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }

    text_hex(all, sizeof all, hex);
    assert_true(text_from_hex(hex, back, sizeof back));
    assert_memory_equal(all, back, sizeof all);
    assert_int_equal(strncmp(hex, "000102", 6), 0);
    assert_true(text_from_hex("aBCd", back, 2));
    assert_memory_equal(back, "\xab\xcd", 2);
    assert_true(text_from_hex("", back, 0));
    assert_false(text_from_hex("abc", back, 2));
    assert_false(text_from_hex("abcde", back, 2));
    assert_false(text_from_hex("abcg", back, 2));
    assert_false(text_from_hex("0x12", back, 2));
}

static void
words_have_a_distance(void **state)
{
    (void)state;
    char word[65];
    memset(word, 'a', 64);
    word[64] = '\0';

    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("apply", "apply"), 0);
    assert_int_equal(text_distance("aply", "apply"), 1);
    assert_int_equal(text_distance("appyl", "apply"), 2);
    assert_int_equal(text_distance("parralel", "parallel"), 2);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_int_equal(text_distance(word, "a"), 64);
    assert_int_equal(text_distance("a", word), 64);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows_as_it_is_appended_to),
        cmocka_unit_test(a_cleared_text_is_empty_and_usable),
        cmocka_unit_test(strings_are_compared),
        cmocka_unit_test(utf_8_is_told_from_what_is_none),
        cmocka_unit_test(a_character_has_its_size),
        cmocka_unit_test(what_is_no_character_is_mended),
        cmocka_unit_test(what_comes_from_outside_is_shown_harmlessly),
        cmocka_unit_test(a_name_is_plain),
        cmocka_unit_test(a_whole_number_is_within_its_bounds),
        cmocka_unit_test(a_duration_has_a_unit),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(words_have_a_distance),
    };
    return RUN_TESTS(tests);
}
