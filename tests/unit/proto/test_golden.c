/*
 * The bytes of one message of every type, as they have always been: an old agent and a new
 * coordinator keep understanding each other, and a change of the wire is seen in review.
 */
#include "common/base/mem.h"

#include "proto/codec.h"
#include "proto/grammar.h"
#include "tests/support/golden.h"
#include "tests/support/messages.h"
#include "tests/support/unit.h"

#define BYTES_PER_LINE 32

static void
hex_lines(const struct text *frame, struct text *lines)
{
    for (size_t at = 0; at < frame->size; at += BYTES_PER_LINE) {
        char hex[2 * BYTES_PER_LINE + 1];
        size_t left = frame->size - at;
        text_hex(frame->data + at, left < BYTES_PER_LINE ? left : BYTES_PER_LINE, hex);
        text_format(lines, "%s\n", hex);
    }
}

static void
every_message_has_its_golden_bytes(void **state)
{
    (void)state;
    for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
        CLEANUP(arena_release) struct arena arena = {0};
        CLEANUP(text_release) struct text frame = {0};
        CLEANUP(text_release) struct text lines = {0};
        CLEANUP(mem_free)
        char *path = mem_format("tests/golden/%s.hex", message_name((enum message_type)type));
        struct random random = random_seeded((uint64_t)type);
        struct message message;

        messages_random((enum message_type)type, &random, &arena, &message);
        codec_encode(&message, &frame);
        hex_lines(&frame, &lines);

        assert_true(golden_matches(path, text_of(&lines)));
    }
}

static void
golden_bytes_are_read(void **state)
{
    (void)state;
    for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
        CLEANUP(arena_release) struct arena arena = {0};
        CLEANUP(text_release) struct text lines = {0};
        CLEANUP(text_release) struct text hex = {0};
        CLEANUP(mem_free)
        char *path = mem_format("tests/golden/%s.hex", message_name((enum message_type)type));
        struct random random = random_seeded((uint64_t)type);
        struct message meant, message;
        struct error error;
        golden_read(path, &lines);
        for (const char *line = strtok(lines.data, "\n"); line; line = strtok(NULL, "\n")) {
            text_append(&hex, line);
        }
        uint8_t *bytes = arena_alloc(&arena, hex.size / 2);
        assert_true(text_from_hex(text_of(&hex), bytes, hex.size / 2));

        assert_true(codec_decode(bytes, hex.size / 2, messages_sender((enum message_type)type),
                                 &arena, &message, &error));

        messages_random((enum message_type)type, &random, &arena, &meant);
        assert_true(messages_equal(&meant, &message));
    }
}

static void
the_grammar_in_the_readme_is_what_the_tables_say(void **state)
{
    (void)state;
    static const char begin[] = "<!-- grammar: printed from proto/shapes.c -->\n";
    CLEANUP(text_release) struct text readme = {0};
    CLEANUP(text_release) struct text wanted = {0};
    golden_read("proto/README.md", &readme);
    const char *mark = readme.data ? strstr(readme.data, begin) : NULL;
    assert_non_null(mark);

    text_append_bytes(&wanted, readme.data, (size_t)(mark - readme.data) + strlen(begin));
    grammar_print(&wanted);

    assert_true(golden_matches("proto/README.md", wanted.data));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_its_golden_bytes),
        cmocka_unit_test(golden_bytes_are_read),
        cmocka_unit_test(the_grammar_in_the_readme_is_what_the_tables_say),
    };
    return RUN_TESTS(tests);
}
