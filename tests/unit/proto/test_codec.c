#include "proto/codec.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/messages.h"
#include "tests/support/unit.h"

#define BODY_OFFSET 26 /* array, magic, cluster_id, type */

static void
random_messages_come_back_as_they_were(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text frame = {0};
    CLEANUP(text_release) struct text again = {0};
    struct random random = random_seeded(46);

    for (int round = 0; round < 300; round++) {
        for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
            struct message sent, received;
            struct error error;
            messages_random((enum message_type)type, &random, &arena, &sent);

            codec_encode(&sent, &frame);
            assert_true(codec_decode(frame.data, frame.size, messages_sender(sent.type), &arena,
                                     &received, &error));
            codec_encode(&received, &again);

            assert_true(messages_equal(&sent, &received));
            assert_int_equal(frame.size, again.size);
            assert_memory_equal(frame.data, again.data, frame.size);
            arena_clear(&arena);
            text_clear(&frame);
            text_clear(&again);
        }
    }
}

static bool
is_refusal(const struct error *error)
{
    static const char *const codes[] = {"E-PROTO-DECODE", "E-PROTO-LIMIT", "E-PROTO-MAGIC",
                                        "E-PROTO-TYPE", "E-AUTH-TYPE"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (error_is(error, codes[i])) {
            return error->text[0] && error->where[0];
        }
    }
    return false;
}

/* Decode exactly these bytes, in memory of exactly their size, so that a sanitizer sees more. */
static bool
decode_exactly(const void *data, size_t size, enum message_sender sender, struct arena *arena,
               struct message *message, struct error *error)
{
    CLEANUP(mem_free) void *copy = mem_copy(data, size);
    return codec_decode(copy, size, sender, arena, message, error);
}

static void
every_truncation_of_every_message_is_refused(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct random random = random_seeded(47);

    for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
        CLEANUP(text_release) struct text frame = {0};
        struct message message;
        messages_random((enum message_type)type, &random, &arena, &message);
        codec_encode(&message, &frame);
        for (size_t size = 0; size < frame.size; size++) {
            struct arena untouched = {0};
            struct error error = {0};
            assert_false(decode_exactly(frame.data, size, messages_sender(message.type), &untouched,
                                        &message, &error));
            assert_true(is_refusal(&error));
            assert_null(untouched.blocks);
        }
    }
}

/* Decode a frame with one byte changed: refused with a code, or taken for what it says now. */
static void
try_changed(const struct text *frame, size_t at, uint8_t byte, enum message_sender sender)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text again = {0};
    CLEANUP(mem_free) char *changed = mem_copy(frame->data, frame->size);
    struct message message;
    struct error error = {0};

    changed[at] = (char)byte;
    if (!codec_decode(changed, frame->size, sender, &arena, &message, &error)) {
        assert_true(is_refusal(&error));
        assert_null(arena.blocks);
        return;
    }
    codec_encode(&message, &again);
    assert_int_equal(again.size, frame->size);
    assert_memory_equal(again.data, changed, frame->size);
}

static void
every_changed_byte_of_every_message_is_refused_or_says_something_else(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct random random = random_seeded(48);

    for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
        CLEANUP(text_release) struct text frame = {0};
        struct message message;
        do { /* one of a size that makes this quick */
            text_clear(&frame);
            messages_random((enum message_type)type, &random, &arena, &message);
            codec_encode(&message, &frame);
        } while (frame.size > 400);
        for (size_t at = 0; at < frame.size * 256; at += UNIT_STRIDE(61)) {
            try_changed(&frame, at / 256, (uint8_t)at, messages_sender(message.type));
        }
        arena_clear(&arena);
    }
}

/* A frame of one PONG, with its first or all bytes replaced. */
static void
expect_refusal(const char *head_hex, enum message_sender sender, const char *code,
               const char *where)
{
    CLEANUP(text_release) struct text frame = {0};
    struct message message = {.type = MESSAGE_PONG};
    struct arena arena = {0};
    struct error error = {0};
    size_t size = strlen(head_hex) / 2;

    codec_encode(&message, &frame);
    assert_true(text_from_hex(head_hex, frame.data, size));
    assert_false(codec_decode(frame.data, frame.size, sender, &arena, &message, &error));
    assert_string_equal(error.code, code);
    assert_string_equal(error.where, where);
    assert_null(arena.blocks);
}

#define MAGIC_HEX "94c404534b4e31"
#define NO_CLUSTER_HEX "c41000000000000000000000000000000000"

static void
what_is_not_our_frame_is_refused_at_its_magic(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct message message;
    struct error error;

    expect_refusal("94c404534b4e32", FROM_COORDINATOR, "E-PROTO-MAGIC", "magic, byte 0");
    expect_refusal("00", FROM_COORDINATOR, "E-PROTO-MAGIC", "magic, byte 0");
    expect_refusal("ff", FROM_COORDINATOR, "E-PROTO-MAGIC", "magic, byte 0");
    assert_false(codec_decode("", 0, FROM_AGENT, &arena, &message, &error));
    assert_string_equal(error.code, "E-PROTO-MAGIC");
    assert_false(codec_decode("GET / HTTP/1.1\r\n", 16, FROM_AGENT, &arena, &message, &error));
    assert_string_equal(error.code, "E-PROTO-MAGIC");
}

static void
an_unknown_type_is_refused(void **state)
{
    (void)state;
    expect_refusal(MAGIC_HEX NO_CLUSTER_HEX "00", FROM_COORDINATOR, "E-PROTO-TYPE",
                   "type, byte 25");
    expect_refusal(MAGIC_HEX NO_CLUSTER_HEX "7f", FROM_COORDINATOR, "E-PROTO-TYPE",
                   "type, byte 25");
    expect_refusal(MAGIC_HEX NO_CLUSTER_HEX "c0", FROM_COORDINATOR, "E-PROTO-DECODE",
                   "type, byte 25");
    expect_refusal(MAGIC_HEX NO_CLUSTER_HEX "cc0a", FROM_COORDINATOR, "E-PROTO-DECODE",
                   "type, byte 25");
    expect_refusal(MAGIC_HEX "c40f", FROM_COORDINATOR, "E-PROTO-DECODE", "cluster_id, byte 7");
}

static void
nobody_says_what_is_not_his_to_say(void **state)
{
    (void)state;
    CLEANUP(arena_release) struct arena arena = {0};
    struct random random = random_seeded(49);
    static const enum message_sender senders[] = {FROM_AGENT, FROM_COORDINATOR, FROM_OPERATOR};

    for (int type = 1; type < MESSAGE_TYPE_COUNT; type++) {
        CLEANUP(text_release) struct text frame = {0};
        struct message message;
        int allowed = 0;
        messages_random((enum message_type)type, &random, &arena, &message);
        codec_encode(&message, &frame);
        for (size_t i = 0; i < 3; i++) {
            struct error error = {0};
            bool is_taken =
                codec_decode(frame.data, frame.size, senders[i], &arena, &message, &error);
            assert_int_equal(is_taken, message_may_come_from((enum message_type)type, senders[i]));
            assert_true(is_taken || error_is(&error, "E-AUTH-TYPE"));
            allowed += is_taken;
        }
        assert_int_equal(allowed, type == MESSAGE_BYE ? 2 : 1);
    }
}

static void
a_frame_that_tries_to_exhaust_us_is_refused_as_such(void **state)
{
    (void)state;
    static const char head[] = "\x94\xc4\x04SKN1\xc4\x10"
                               "0123456789abcdef"
                               "\x0a"; /* PONG */
    static const struct {
        const char *piece;
        size_t size, times;
    } bodies[] = {
        {"\xdd\xff\xff\xff\xff", 5, 1}, {"\x91", 1, 64},
        {"\xdc\xff\xff", 3, 64},        {"\xdc\x40\x01", 3, 1},
        {"\xdb\xff\xff\xff\xff", 5, 1}, {"\xdd\x00\x0f\xff\xff\xc0", 6, 100000},
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        CLEANUP(text_release) struct text frame = {0};
        struct arena arena = {0};
        struct message message;
        struct error error = {0};
        text_append_bytes(&frame, head, sizeof head - 1);
        for (size_t times = 0; times < bodies[i].times; times++) {
            text_append_bytes(&frame, bodies[i].piece, bodies[i].size);
        }
        assert_false(
            codec_decode(frame.data, frame.size, FROM_COORDINATOR, &arena, &message, &error));
        assert_string_equal(error.code, "E-PROTO-LIMIT");
        assert_null(arena.blocks);
    }
}

static void
a_frame_beyond_a_mebibyte_is_refused_unread(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *data = mem_zalloc(FRAME_SIZE_MAX + 1);
    struct arena arena = {0};
    struct message message;
    struct error error;

    assert_false(codec_decode(data, FRAME_SIZE_MAX + 1, FROM_AGENT, &arena, &message, &error));

    assert_string_equal(error.code, "E-PROTO-LIMIT");
}

static void
an_error_names_the_message_and_the_field(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text frame = {0};
    struct label labels[] = {{"env", "prod"}, {"region", "eu"}};
    struct message message = {
        .type = MESSAGE_TARGET,
        .target = {.name = "a", .service = "b", .labels = labels, .label_count = 2}};
    struct arena arena = {0};
    struct error error;
    codec_encode(&message, &frame);
    char *value = memmem(frame.data, frame.size,
                         "\xa2"
                         "eu",
                         3);
    assert_non_null(value);

    *value = (char)0xc0;

    assert_false(codec_decode(frame.data, frame.size, FROM_AGENT, &arena, &message, &error));
    assert_string_equal(error.code, "E-PROTO-DECODE");
    assert_string_equal(error.where, "TARGET.labels[1].value, byte 88");
    assert_string_equal(error.found, "nil where a text is expected");
}

static void
a_body_begins_where_the_head_ends(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text frame = {0};
    struct message message = {.type = MESSAGE_WAIT, .wait.retry_after_ms = 5};

    codec_encode(&message, &frame);

    assert_int_equal(frame.size, BODY_OFFSET + 2);
    assert_memory_equal(frame.data + BODY_OFFSET, "\x91\x05", 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_messages_come_back_as_they_were),
        cmocka_unit_test(every_truncation_of_every_message_is_refused),
        cmocka_unit_test(every_changed_byte_of_every_message_is_refused_or_says_something_else),
        cmocka_unit_test(what_is_not_our_frame_is_refused_at_its_magic),
        cmocka_unit_test(an_unknown_type_is_refused),
        cmocka_unit_test(nobody_says_what_is_not_his_to_say),
        cmocka_unit_test(a_frame_that_tries_to_exhaust_us_is_refused_as_such),
        cmocka_unit_test(a_frame_beyond_a_mebibyte_is_refused_unread),
        cmocka_unit_test(an_error_names_the_message_and_the_field),
        cmocka_unit_test(a_body_begins_where_the_head_ends),
    };
    return RUN_TESTS(tests);
}
