#include "common/migration/substitution.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/text.h"

#define SHOWN_MAX 64

static bool
is_name_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || (byte & 0x80);
}

/* Whether it is no part of a longer word, nor the end of a cast (a::NAME). */
static bool
stands_alone(const char *from, size_t from_size, const char *text, size_t size, size_t at)
{
    size_t end = at + from_size;

    if (end < size && is_name_byte(from[from_size - 1]) && is_name_byte(text[end])) {
        return false;
    }
    return at == 0 || !((is_name_byte(from[0]) && is_name_byte(text[at - 1])) ||
                        (from[0] == ':' && text[at - 1] == ':'));
}

const struct substitution *
substitution_at(const struct substitutions *substitutions, const char *text, size_t size, size_t at)
{
    const struct substitution *best = NULL;
    size_t best_size = 0;

    for (size_t i = 0; i < substitutions->count; i++) {
        const struct substitution *item = &substitutions->items[i];
        size_t from_size = strlen(item->from);
        if (from_size > best_size && from_size <= size - at &&
            memcmp(text + at, item->from, from_size) == 0 &&
            stands_alone(item->from, from_size, text, size, at)) {
            best = item;
            best_size = from_size;
        }
    }
    return best;
}

/* Up to the end of the placeholder, when that is near; else as much as can be shown. */
static size_t
up_to(const char *text, size_t size, size_t at, const char *end)
{
    size_t shown = 0;

    while (at + shown < size && shown < SHOWN_MAX && text[at + shown] != '\n') {
        if (strncmp(text + at + shown, end, strlen(end)) == 0) {
            return shown + strlen(end);
        }
        shown++;
    }
    return shown;
}

size_t
placeholder_at(const char *form, const char *text, size_t size, size_t at)
{
    const char *here = text + at;
    size_t left = size - at;

    if (!form || left < 2 || here[0] != form[0]) {
        return 0;
    }
    if (text_equal(form, "{{…}}")) {
        return here[1] == '{' ? up_to(text, size, at, "}}") : 0;
    }
    if (here[1] == '{') {
        return up_to(text, size, at, "}");
    }
    if (!text_equal(form, "$…") || !(isalpha((unsigned char)here[1]) || here[1] == '_')) {
        return 0;
    }
    size_t end = 1;
    while (end < left && is_name_byte(here[end])) {
        end++;
    }
    return end;
}
