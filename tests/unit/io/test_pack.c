#include "common/io/pack.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/random.h"

#include "tests/support/unit.h"
#include "tests/unit/io/sample.h"

static struct leaf two_leaves[] = {{"a", -1}, {"b", 2}};

static struct sample
plain_sample(void)
{
    return (struct sample){.small = 7,
                           .large = 300,
                           .number = -5,
                           .is_set = true,
                           .colour = BLUE,
                           .text = "tëxt",
                           .name = "n",
                           .bytes = {"\x01\x02", 2},
                           .fixed = {0xde, 0xad, 0xbe, 0xef},
                           .leaf = {"leaf", 0},
                           .leaves = two_leaves,
                           .leaf_count = 2};
}

static bool
decode(const void *data, size_t size, struct arena *arena, struct sample *sample)
{
    struct error error;
    return pack_decode(&sample_shape, data, size, &pack_frame_limits, arena, sample, &error);
}

static void
random_values_come_back_as_they_were(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text first = {0};
    CLEANUP(text_release) struct text second = {0};
    struct random random = random_seeded(1);

    for (int round = 0; round < 5000; round++) {
        struct sample sent, received;
        pack_random(&sample_shape, &random, &arena, &sent);

        pack_encode(&sample_shape, &sent, &first);
        assert_true(decode(first.data, first.size, &arena, &received));
        pack_encode(&sample_shape, &received, &second);

        assert_true(pack_equal(&sample_shape, &sent, &received));
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        arena_clear(&arena);
        text_clear(&first);
        text_clear(&second);
    }
}

static void
bytes_are_what_they_have_always_been(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text packed = {0};
    char hex[256];
    struct sample sample = plain_sample();

    pack_encode(&sample_shape, &sample, &packed);

    text_hex(packed.data, packed.size, hex);
    assert_string_equal(hex, "9c07cd012cfbc30200a574c3ab7874a16ec4020102c404deadbeef"
                             "92a46c65616600"
                             "9292a161ff92a16202");
}

static void
numbers_take_their_shortest_form(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *hex;
    } cases[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cc80"},
        {255, "ccff"},
        {256, "cd0100"},
        {65535, "cdffff"},
        {65536, "ce00010000"},
        {UINT32_MAX, "ceffffffff"},
        {(int64_t)UINT32_MAX + 1, "cf0000000100000000"},
        {INT64_MAX, "cf7fffffffffffffff"},
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d0df"},
        {-128, "d080"},
        {-129, "d1ff7f"},
        {-32768, "d18000"},
        {-32769, "d2ffff7fff"},
        {INT32_MIN, "d280000000"},
        {(int64_t)INT32_MIN - 1, "d3ffffffff7fffffff"},
        {INT64_MIN, "d38000000000000000"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(text_release) struct text packed = {0};
        CLEANUP(arena_release) struct arena arena = {0};
        struct leaf sent = {"", cases[i].number}, received;
        struct error error;
        char hex[64];

        pack_encode(&leaf_shape, &sent, &packed);

        text_hex(packed.data, packed.size, hex);
        assert_string_equal(hex + 4, cases[i].hex);
        assert_true(pack_decode(&leaf_shape, packed.data, packed.size, &pack_frame_limits, &arena,
                                &received, &error));
        assert_true(received.number == cases[i].number);
    }
}

static void
sizes_take_every_head_there_is(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 31, 32, 255, 256, 300, 65535, 65536, 70000};
    CLEANUP(mem_free) char *content = mem_zalloc(70000 + 1);
    memset(content, 'x', 70000);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CLEANUP(text_release) struct text packed = {0};
        CLEANUP(arena_release) struct arena arena = {0};
        struct sample sent = plain_sample(), received;
        CLEANUP(mem_free)
        char *name = mem_format("%.*s", (int)(sizes[i] < 300 ? sizes[i] : 300), content);
        sent.bytes = (struct bytes){content, sizes[i]};
        sent.leaf.name = name;

        pack_encode(&sample_shape, &sent, &packed);

        assert_true(decode(packed.data, packed.size, &arena, &received));
        assert_true(pack_equal(&sample_shape, &sent, &received));
    }
}

static void
what_is_decoded_needs_the_bytes_no_more(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text packed = {0};
    CLEANUP(arena_release) struct arena arena = {0};
    struct sample sent = plain_sample(), received;
    pack_encode(&sample_shape, &sent, &packed);

    assert_true(decode(packed.data, packed.size, &arena, &received));
    memset(packed.data, 0xff, packed.size);

    assert_true(pack_equal(&sample_shape, &sent, &received));
}

static void
nothing_is_nil_and_empty_is_empty(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text packed = {0};
    CLEANUP(arena_release) struct arena arena = {0};
    struct sample sent = {.name = "", .leaf.name = ""}, received;

    pack_encode(&sample_shape, &sent, &packed);
    assert_true(decode(packed.data, packed.size, &arena, &received));

    assert_null(received.text);
    assert_string_equal(received.name, "");
    assert_null(received.leaves);
    assert_null(received.bytes.data);
}

static void
a_copy_stands_alone(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    char text[] = "tëxt", bytes[] = "\x01\x02", name[] = "a";
    struct leaf leaves[] = {{name, -1}, {"b", 2}};
    struct sample original = plain_sample(), copy;
    original.text = text;
    original.bytes.data = bytes;
    original.leaves = leaves;

    pack_copy(&sample_shape, &original, &arena, &copy);
    text[0] = bytes[0] = name[0] = 'X';
    leaves[1].number = 99;

    struct sample expected = plain_sample();
    assert_true(pack_equal(&sample_shape, &expected, &copy));
    pack_copy(&sample_shape, &copy, &arena, &copy);
    assert_true(pack_equal(&sample_shape, &expected, &copy));
}

static void
any_difference_makes_values_unequal(void **state)
{
    (void)state;
    struct leaf other_leaves[] = {{"a", -1}, {"b", 3}};
    struct sample same = plain_sample(), changed[14];
    for (size_t i = 0; i < 14; i++) {
        changed[i] = same;
    }
    changed[0].small++;
    changed[1].large++;
    changed[2].number++;
    changed[3].is_set = false;
    changed[4].colour = RED;
    changed[5].shade = GREEN;
    changed[6].text = NULL;
    changed[7].name = "m";
    changed[8].bytes.size = 1;
    changed[9].bytes.data = "\x01\x03";
    changed[10].fixed[3]++;
    changed[11].leaf.number++;
    changed[12].leaf_count = 1;
    changed[13].leaves = other_leaves;

    assert_true(pack_equal(&sample_shape, &same, &same));
    for (size_t i = 0; i < 14; i++) {
        assert_false(pack_equal(&sample_shape, &same, &changed[i]));
    }
}

static void
a_value_is_printed_on_one_line(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text printed = {0};
    struct sample sample = plain_sample();
    uint8_t many[40] = {0xab};
    sample.text = NULL;
    sample.name = "\"\n";
    sample.bytes = (struct bytes){many, sizeof many};
    sample.shade = GREEN;

    pack_print(&sample_shape, &sample, &printed);

    assert_string_equal(
        printed.data,
        "{small: 7, large: 300, number: -5, is_set: true, colour: blue, shade: 1, text: nil, "
        "name: \"\\\"\\x0a\", bytes: ab00000000000000000000000000000000000000000000000000000000000"
        "000… (40 bytes), fixed: deadbeef, leaf: {name: \"leaf\", number: 0}, "
        "leaves: [{name: \"a\", number: -1}, {name: \"b\", number: 2}]}");
}

static void
a_check_names_the_field_that_breaks_a_limit(void **state)
{
    (void)state;
    struct leaf leaves[21] = {{"a", 0}, {NULL, 0}};
    struct sample good = plain_sample(), bad[9];
    static const char *const wheres[] = {"small", "colour", "text",      "text",          "name",
                                         "bytes", "leaves", "leaf.name", "leaves[1].name"};
    for (size_t i = 0; i < 9; i++) {
        bad[i] = good;
    }
    bad[0].small = 101;
    bad[1].colour = (enum colour)3;
    bad[2].text = "12345678901234567890123456789012345678901";
    bad[3].text = "\xff";
    bad[4].name = NULL;
    bad[5].bytes.size = 70001;
    bad[6].leaves = leaves;
    bad[6].leaf_count = 21;
    bad[7].leaf.name = NULL;
    bad[8].leaves = leaves;
    bad[8].leaf_count = 2;
    struct error error;

    assert_true(pack_check(&sample_shape, &good, &error));
    for (size_t i = 0; i < 9; i++) {
        assert_false(pack_check(&sample_shape, &bad[i], &error));
        assert_string_equal(error.code, "E-PROTO-LIMIT");
        assert_string_equal(error.where, wheres[i]);
    }
    assert_false(pack_check(&sample_shape, &bad[0], &error));
    assert_string_equal(error.found, "101, at most 100 allowed");
}

static void
sending_what_breaks_a_limit_ends_the_process(void **state)
{
    (void)state;
    struct sample sample = plain_sample();
    sample.name = NULL;
    int status = 0;

    pid_t child = fork();
    if (child == 0) {
        struct text packed = {0};
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        pack_encode(&sample_shape, &sample, &packed);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
the_same_seed_makes_the_same_value(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct random one = random_seeded(5), two = random_seeded(5);

    for (int round = 0; round < 200; round++) {
        struct sample first, second;
        struct error error;
        pack_random(&sample_shape, &one, &arena, &first);
        pack_random(&sample_shape, &two, &arena, &second);
        assert_true(pack_equal(&sample_shape, &first, &second));
        assert_true(pack_check(&sample_shape, &first, &error));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_values_come_back_as_they_were),
        cmocka_unit_test(bytes_are_what_they_have_always_been),
        cmocka_unit_test(numbers_take_their_shortest_form),
        cmocka_unit_test(sizes_take_every_head_there_is),
        cmocka_unit_test(what_is_decoded_needs_the_bytes_no_more),
        cmocka_unit_test(nothing_is_nil_and_empty_is_empty),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(any_difference_makes_values_unequal),
        cmocka_unit_test(a_value_is_printed_on_one_line),
        cmocka_unit_test(a_check_names_the_field_that_breaks_a_limit),
        cmocka_unit_test(sending_what_breaks_a_limit_ends_the_process),
        cmocka_unit_test(the_same_seed_makes_the_same_value),
    };
    return RUN_TESTS(tests);
}
