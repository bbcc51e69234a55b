#include "common/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define WORD_MAX 64

static void
reserve(struct text *text, size_t more)
{
    while (text->size + more + 1 > text->capacity) {
        text->data = mem_grow(text->data, text->capacity, &text->capacity, 1);
    }
}

void
text_append(struct text *text, const char *piece)
{
    text_append_bytes(text, piece, strlen(piece));
}

void
text_append_bytes(struct text *text, const void *data, size_t size)
{
    reserve(text, size);
    if (size) {
        memcpy(text->data + text->size, data, size);
    }
    text->size += size;
    text->data[text->size] = '\0';
}

void
text_format(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) {
        return;
    }
    reserve(text, (size_t)size);
    va_start(arguments, format);
    vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)size;
}

void
text_clear(struct text *text)
{
    text->size = 0;
    if (text->data) {
        text->data[0] = '\0';
    }
}

void
text_release(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

const char *
text_of(const struct text *text)
{
    return text->data ? text->data : "";
}

bool
text_has_line(const char *lines, const char *line)
{
    size_t size = strlen(line);

    for (const char *at = lines; size && at && *at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, size) == 0 && (at[size] == '\n' || !at[size])) {
            return true;
        }
    }
    return false;
}

bool
text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool
text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
text_ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text), tail = strlen(suffix);
    return size >= tail && strcmp(text + size - tail, suffix) == 0;
}

size_t
text_character(const void *data, size_t size)
{
    const uint8_t *byte = data;
    static const struct {
        uint8_t mask, lead;
        size_t size;
        uint32_t min;
    } forms[] = {{0x80, 0x00, 1, 1},
                 {0xe0, 0xc0, 2, 0x80},
                 {0xf0, 0xe0, 3, 0x800},
                 {0xf8, 0xf0, 4, 0x10000}};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (size == 0 || (byte[0] & forms[i].mask) != forms[i].lead) {
            continue;
        }
        if (forms[i].size > size) {
            return 0;
        }
        uint32_t code = byte[0] & (uint8_t)~forms[i].mask;
        for (size_t tail = 1; tail < forms[i].size; tail++) {
            if ((byte[tail] & 0xc0) != 0x80) {
                return 0;
            }
            code = code << 6 | (byte[tail] & 0x3f);
        }
        bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
        return code >= forms[i].min && code <= 0x10ffff && !is_surrogate ? forms[i].size : 0;
    }
    return 0;
}

/* How many of the first bytes are plain ASCII without NUL, eight at a time: most texts are. */
static size_t
ascii_prefix(const uint8_t *byte, size_t size)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    size_t used = 0;

    for (uint64_t word; size - used >= sizeof word; used += sizeof word) {
        memcpy(&word, byte + used, sizeof word);
        if (((word - ones) | word) & tops) {
            break;
        }
    }
    return used;
}

bool
text_is_utf8(const void *data, size_t size)
{
    const uint8_t *byte = data;
    size_t plain = ascii_prefix(byte, size);

    byte += plain;
    size -= plain;
    while (size) {
        if (byte[0] > 0 && byte[0] < 0x80) {
            byte++;
            size--;
            continue;
        }
        size_t step = text_character(byte, size);
        if (step == 0) {
            return false;
        }
        byte += step;
        size -= step;
    }
    return true;
}

const char *
text_shown(const char *text, char out[TEXT_SHOWN_SIZE])
{
    static const char more[] = "…";
    size_t left = strlen(text), at = 0;

    while (left > 0) {
        size_t size = text_character(text, left);
        bool is_control = size == 2 && (uint8_t)text[0] == 0xc2 && (uint8_t)text[1] < 0xa0;
        bool is_plain =
            size > 1 ? !is_control : size == 1 && *text >= 0x20 && *text < 0x7f && *text != '\\';
        if (at + 4 + sizeof more > TEXT_SHOWN_SIZE) {
            memcpy(out + at, more, sizeof more - 1);
            at += sizeof more - 1;
            break;
        }
        size = is_plain ? size : 1;
        if (is_plain) {
            memcpy(out + at, text, size);
            at += size;
        } else {
            at += (size_t)snprintf(out + at, TEXT_SHOWN_SIZE - at, "\\x%02x", (unsigned char)*text);
        }
        text += size;
        left -= size;
    }
    out[at] = '\0';
    return out;
}

void
text_mend_utf8(char *text)
{
    size_t left = strlen(text);

    while (left) {
        size_t step = text_character(text, left);
        if (step == 0) {
            *text = '?';
            step = 1;
        }
        text += step;
        left -= step;
    }
}

bool
text_is_name(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > 128 || !isalnum((unsigned char)text[0]) || strstr(text, "..")) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("._/@-", text[i])) {
            return false;
        }
    }
    return true;
}

bool
text_to_number(const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end = NULL;

    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1]))) {
        return false;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || *end || number < min || number > max) {
        return false;
    }
    *value = number;
    return true;
}

bool
text_to_duration_ms(const char *text, int64_t *duration_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end = NULL;

    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units && !errno; i++) {
        if (strcmp(end, units[i].unit) == 0 && number <= INT64_MAX / units[i].ms) {
            *duration_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

void
text_hex(const void *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *byte = data;

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[byte[i] >> 4];
        out[2 * i + 1] = digits[byte[i] & 15];
    }
    out[2 * size] = '\0';
}

static int
hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    int lower = tolower((unsigned char)digit);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool
text_from_hex(const char *text, void *data, size_t size)
{
    uint8_t *byte = data;

    if (strlen(text) != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        byte[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static size_t
least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t
text_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b), cost[WORD_MAX];

    if (rows >= WORD_MAX || columns >= WORD_MAX) {
        return rows > columns ? rows : columns;
    }
    for (size_t column = 0; column <= columns; column++) {
        cost[column] = column;
    }
    for (size_t row = 1; row <= rows; row++) {
        size_t diagonal = cost[0];
        cost[0] = row;
        for (size_t column = 1; column <= columns; column++) {
            size_t above = cost[column];
            size_t change = diagonal + (a[row - 1] != b[column - 1]);
            cost[column] = least(above + 1, cost[column - 1] + 1, change);
            diagonal = above;
        }
    }
    return cost[columns];
}
