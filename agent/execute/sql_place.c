#include "agent/execute/sql_place.h"

#include <ctype.h>
#include <string.h>

#define EXCERPT_CHARACTERS 80

static bool
begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

void
sql_place_find(const struct statement *statement, const char *text, uint64_t position,
               uint64_t *line, uint64_t *column)
{
    uint64_t character = 1;

    *line = statement->line;
    *column = statement->column;
    for (size_t i = 0; i < statement->size && character < position; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 0;
        }
        /* A character ends where the next one begins. */
        if (i + 1 == statement->size || begins_character(text[i + 1])) {
            character++;
            ++*column;
        }
    }
}

/* The size of the literal that begins here, with its quotes; 0 when none does. */
static size_t
literal_size(const char *text, size_t size)
{
    if (text[0] == '\'') {
        const char *end = memchr(text + 1, '\'', size - 1);
        return end ? (size_t)(end - text) + 1 : size;
    }
    if (text[0] != '$') {
        return 0;
    }
    size_t tag = 1;
    while (tag < size && (isalnum((unsigned char)text[tag]) || text[tag] == '_')) {
        tag++;
    }
    if (tag == size || text[tag] != '$' || isdigit((unsigned char)text[1])) {
        return 0;
    }
    const char *end = memmem(text + tag + 1, size - tag - 1, text, tag + 1);
    return end ? (size_t)(end - text) + tag + 1 : size;
}

const char *
sql_place_excerpt(const char *text, size_t size, char out[SQL_EXCERPT_SIZE])
{
    size_t used = 0, characters = 0;

    for (size_t i = 0; i < size && used + 8 < SQL_EXCERPT_SIZE; i++) {
        size_t literal = literal_size(text + i, size - i);
        if (begins_character(text[i]) && ++characters > EXCERPT_CHARACTERS) {
            memcpy(out + used, "…", 3);
            used += 3;
            break;
        }
        if (literal) {
            memcpy(out + used, "'…'", 5);
            used += 5;
            i += literal - 1;
        } else if (!isspace((unsigned char)text[i])) {
            out[used++] = text[i];
        } else if (used && out[used - 1] != ' ') {
            out[used++] = ' ';
        }
    }
    out[used] = '\0';
    return out;
}

void
sql_place_mask_detail(char *detail)
{
    static const char *const openings[] = {"=(", "contains ("};
    char *end = strrchr(detail, ')');

    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        char *opening = strstr(detail, openings[i]);
        char *inside = opening ? opening + strlen(openings[i]) : NULL;
        if (inside && end && end > inside) {
            *inside = '?';
            memmove(inside + 1, end, strlen(end) + 1);
            return;
        }
    }
}
