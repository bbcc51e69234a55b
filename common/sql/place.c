#include "common/sql/place.h"

#include <assert.h>
#include <stdbool.h>

/* Whether a byte of UTF-8 goes on with a character that an earlier byte began. */
static bool
is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

struct place
place_start(void)
{
    return (struct place){.offset = 0, .line = 1, .column = 1};
}

struct place
place_after(struct place from, const char *text, size_t offset)
{
    assert(from.offset <= offset);

    while (from.offset < offset) {
        char byte = text[from.offset++];
        if (byte == '\n') {
            from.line++;
            from.column = 1;
        } else if (from.offset == offset || !is_continuation(text[from.offset])) {
            from.column++;
        }
    }
    return from;
}

size_t
place_of_character(const char *text, size_t size, size_t character)
{
    size_t offset = 0;

    while (offset < size && character > 0) {
        offset++;
        while (offset < size && is_continuation(text[offset])) {
            offset++;
        }
        character--;
    }
    return offset;
}
