/* What pack does not take: every case with its code, its place, and nothing allocated. */
#include "common/io/pack.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/io/sample.h"

/* A sample in pieces, so that one of them can be replaced. */
static const char *const good_pieces[] = {
    "9c",   "07",   "cd012c",   "fb",           "c3",       "02",        "00",
    "a178", "a16e", "c4020102", "c404deadbeef", "92a16c00", "9192a16102"};

#define PIECE_COUNT (sizeof good_pieces / sizeof *good_pieces)

static bool
decode_hex(const char *hex, struct arena *arena, struct sample *sample, struct error *error)
{
    size_t size = strlen(hex) / 2;
    /* Exactly as large as the bytes, so that a sanitizer sees every step beyond them. */
    CLEANUP(mem_free) uint8_t *data = mem_zalloc(size);

    assert_true(text_from_hex(hex, data, size));
    return pack_decode(&sample_shape, data, size, &pack_frame_limits, arena, sample, error);
}

/* The good sample with one piece replaced. */
static void
compose(size_t replaced, const char *piece, struct text *hex)
{
    for (size_t i = 0; i < PIECE_COUNT; i++) {
        text_append(hex, i == replaced ? piece : good_pieces[i]);
    }
}

static void
expect_refusal(const char *hex, const char *code, const char *where, const char *found)
{
    struct arena arena = {0};
    struct sample sample;
    struct error error = {0};

    assert_false(decode_hex(hex, &arena, &sample, &error));
    assert_string_equal(error.code, code);
    assert_string_equal(error.where, where);
    if (found) {
        assert_string_equal(error.found, found);
    }
    assert_null(arena.blocks);
}

static void
each_field_is_refused_with_its_name_and_place(void **state)
{
    (void)state;
    static const struct {
        size_t piece;
        const char *hex, *where, *found;
    } cases[] = {
        /* wrong types */
        {1, "c0", "small, byte 1", "nil where a number is expected"},
        {1, "ff", "small, byte 1", "a negative number where a number is expected"},
        {3, "a0", "number, byte 5", "a text where a number is expected"},
        {4, "01", "is_set, byte 6", "a number where true or false is expected"},
        {5, "a3726564", "colour, byte 7", "a text where a number is expected"},
        {7, "c40178", "text, byte 9", "a byte string where a text is expected"},
        {7, "01", "text, byte 9", "a number where a text is expected"},
        {8, "c0", "name, byte 11", "nil where a text is expected"},
        {9, "a0", "bytes, byte 13", "a text where a byte string is expected"},
        {11, "c0", "leaf, byte 23", "nil where an array is expected"},
        {12, "c0", "leaves, byte 27", "nil where an array is expected"},
        /* types that are not used */
        {1, "ca00000000", "small, byte 1", NULL},
        {1, "cb0000000000000000", "small, byte 1", NULL},
        {1, "80", "small, byte 1", NULL},
        {1, "de0000", "small, byte 1", NULL},
        {1, "df00000000", "small, byte 1", NULL},
        {1, "c1", "small, byte 1", NULL},
        {9, "d40000", "bytes, byte 13", NULL},
        {9, "d80000000000000000000000000000000000", "bytes, byte 13", NULL},
        {9, "c70000", "bytes, byte 13", NULL},
        /* longer than needed: numbers, then the sizes of texts, bytes and arrays */
        {1, "cc07", "small, byte 1",
         "a number that is not in its shortest form where a number is expected"},
        {2, "cd00ff", "large, byte 2", NULL},
        {2, "ce0000ffff", "large, byte 2", NULL},
        {2, "cf00000000ffffffff", "large, byte 2", NULL},
        {3, "d0e0", "number, byte 5", NULL},
        {3, "d005", "number, byte 5", NULL},
        {3, "d1ff80", "number, byte 5", NULL},
        {3, "d2ffff8000", "number, byte 5", NULL},
        {3, "d3ffffffff80000000", "number, byte 5", NULL},
        {7, "d90178", "text, byte 9", NULL},
        {7, "da000178", "text, byte 9", NULL},
        {7, "db0000000178", "text, byte 9", NULL},
        {9, "c500020102", "bytes, byte 13", NULL},
        {9, "c6000000020102", "bytes, byte 13", NULL},
        {12, "dc000192a16102", "leaves, byte 27", NULL},
        {12, "dd0000000192a16102", "leaves, byte 27", NULL},
        /* beyond the field's limits */
        {1, "65", "small, byte 1", "101, at most 100 allowed"},
        {3, "cf8000000000000000", "number, byte 5",
         "9223372036854775808, at most 9223372036854775807 allowed"},
        {5, "03", "colour, byte 7", "3, at most 2 allowed"},
        {6, "03", "shade, byte 8", "3, at most 2 allowed"},
        {8, "a9313233343536373839", "name, byte 11", "9, at most 8 allowed"},
        {10, "c403deadbe", "fixed, byte 17", "3, 4 needed"},
        {10, "c405deadbeef00", "fixed, byte 17", "5, at most 4 allowed"},
        {12, "dc0015", "leaves, byte 27", "21, at most 20 allowed"},
        /* texts that are none */
        {7, "a1ff", "text, byte 9", NULL},
        {7, "a2c328", "text, byte 9", NULL},
        {7, "a100", "text, byte 9", NULL},
        {7, "a2c080", "text, byte 9", NULL},
        {7, "a3eda080", "text, byte 9", NULL},
        {7, "a4f4908080", "text, byte 9", NULL},
        /* arity, inside too */
        {0, "9b", "byte 0", "11, 12 expected"},
        {0, "9d", "byte 0", "13, 12 expected"},
        {11, "91a16c", "leaf, byte 23", "1, 2 expected"},
        {12, "9193a1610202", "leaves[0], byte 28", "3, 2 expected"},
        {12, "9292a1610292a16203c0", "byte 36", "1 bytes"},
        {12, "9292a1610292c003", "leaves[1].name, byte 33", "nil where a text is expected"},
        {12, "9292a1610292a162c0", "leaves[1].number, byte 35", "nil where a number is expected"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(text_release) struct text hex = {0};
        compose(cases[i].piece, cases[i].hex, &hex);
        expect_refusal(hex.data, "E-PROTO-DECODE", cases[i].where, cases[i].found);
    }
}

static void
the_good_sample_is_taken(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text hex = {0};
    CLEANUP(arena_release) struct arena arena = {0};
    struct sample sample;
    struct error error;
    compose(PIECE_COUNT, "", &hex);

    assert_true(decode_hex(hex.data, &arena, &sample, &error));

    assert_int_equal(sample.large, 300);
    assert_string_equal(sample.leaves[0].name, "a");
}

static void
every_truncation_is_refused(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text hex = {0};
    compose(PIECE_COUNT, "", &hex);

    for (size_t size = 0; size < hex.size; size += 2) {
        struct arena arena = {0};
        struct sample sample;
        struct error error = {0};
        CLEANUP(mem_free) char *cut = mem_format("%.*s", (int)size, hex.data);
        assert_false(decode_hex(cut, &arena, &sample, &error));
        assert_string_equal(error.code, "E-PROTO-DECODE");
        assert_null(arena.blocks);
    }
}

static void
every_changed_byte_is_refused_or_says_something_else(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text hex = {0};
    compose(PIECE_COUNT, "", &hex);
    size_t size = hex.size / 2;
    CLEANUP(mem_free) uint8_t *data = mem_zalloc(size);
    assert_true(text_from_hex(hex.data, data, size));

    for (size_t at = 0; at < size * 256; at++) {
        CLEANUP(arena_release) struct arena arena = {0};
        CLEANUP(text_release) struct text again = {0};
        struct sample sample;
        struct error error = {0};
        uint8_t kept = data[at / 256];
        data[at / 256] = (uint8_t)at;

        if (pack_decode(&sample_shape, data, size, &pack_frame_limits, &arena, &sample, &error)) {
            pack_encode(&sample_shape, &sample, &again);
            assert_int_equal(again.size, size);
            assert_memory_equal(again.data, data, size);
        } else {
            assert_true(error_is(&error, "E-PROTO-DECODE") || error_is(&error, "E-PROTO-LIMIT"));
            assert_null(arena.blocks);
        }
        data[at / 256] = kept;
    }
}

static void
bytes_that_try_to_exhaust_us_are_refused_as_such(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text deep = {0};
    CLEANUP(text_release) struct text deep_16 = {0};
    CLEANUP(text_release) struct text wide = {0};
    for (int i = 0; i < 64; i++) {
        text_append(&deep, "91");
        text_append(&deep_16, "dcffff");
    }
    text_append(&wide, "dd00100000");
    for (int i = 0; i < 1 << 20; i++) {
        text_append(&wide, "c0");
    }

    expect_refusal("ddffffffff", "E-PROTO-LIMIT", "byte 0", NULL);
    expect_refusal("dfffffffff", "E-PROTO-DECODE", "byte 0", NULL);
    expect_refusal("9cdbffffffff", "E-PROTO-LIMIT", "byte 1", NULL);
    expect_refusal("9cc6ffffffff", "E-PROTO-LIMIT", "byte 1", NULL);
    expect_refusal(deep.data, "E-PROTO-LIMIT", "byte 8", NULL);
    expect_refusal(deep_16.data, "E-PROTO-LIMIT", "byte 0", NULL);
    expect_refusal(wide.data, "E-PROTO-LIMIT", "byte 0", NULL);
    expect_refusal("9ccf", "E-PROTO-DECODE", "small, byte 1", NULL);
    expect_refusal("9c9090909090909090909090909090", "E-PROTO-DECODE", "small, byte 1", NULL);
}

static void
limits_hold_for_what_has_the_right_shape(void **state)
{
    (void)state;
    static const struct pack_limits few = {.depth_max = 8, .node_max = 10};
    static const struct pack_limits flat = {.depth_max = 2, .node_max = 100};
    CLEANUP(text_release) struct text hex = {0};
    uint8_t data[64];
    struct arena arena = {0};
    struct sample sample;
    struct error error;
    compose(PIECE_COUNT, "", &hex);
    assert_true(text_from_hex(hex.data, data, hex.size / 2));

    assert_false(pack_decode(&sample_shape, data, hex.size / 2, &few, &arena, &sample, &error));
    assert_string_equal(error.code, "E-PROTO-LIMIT");
    assert_false(pack_decode(&sample_shape, data, hex.size / 2, &flat, &arena, &sample, &error));
    assert_string_equal(error.code, "E-PROTO-LIMIT");
    assert_string_equal(error.where, "leaves[0], byte 28");
    assert_null(arena.blocks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_is_refused_with_its_name_and_place),
        cmocka_unit_test(the_good_sample_is_taken),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_refused_or_says_something_else),
        cmocka_unit_test(bytes_that_try_to_exhaust_us_are_refused_as_such),
        cmocka_unit_test(limits_hold_for_what_has_the_right_shape),
    };
    return RUN_TESTS(tests);
}
