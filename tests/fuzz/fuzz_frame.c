/* The first byte says who sends; the rest is the frame. What is taken has exactly these bytes. */
#include <string.h>

#include "common/base/mem.h"

#include "proto/codec.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text again = {0};
    CLEANUP(text_release) struct text printed = {0};
    struct message message, copy;
    struct error error;

    if (size == 0) {
        return 0;
    }
    if (!codec_decode(data + 1, size - 1, (enum message_sender)(data[0] % FROM_ANY), &arena,
                      &message, &error)) {
        MUST(error.code[0] && error.text[0] && error.where[0]);
        MUST(!arena.blocks);
        return 0;
    }
    codec_encode(&message, &again);
    MUST(again.size == size - 1 && memcmp(again.data, data + 1, again.size) == 0);
    message_copy(&message, &arena, &copy);
    MUST(pack_equal(message_shape(message.type), &message.hello, &copy.hello));
    pack_print(message_shape(message.type), &message.hello, &printed);
    return 0;
}
