/*
 * text: a growable piece of text, always NUL-terminated, and the few things done with plain C
 * strings everywhere: comparing, trimming, UTF-8.
 */
#ifndef COMMON_BASE_TEXT_H
#define COMMON_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data; /* never null after the first append; null when still empty */
    size_t size;
    size_t capacity;
};

void text_append(struct text *text, const char *piece);
void text_append_bytes(struct text *text, const void *data, size_t size);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empty it and keep the memory. */
void text_clear(struct text *text);

/* Free the memory; a cleanup: CLEANUP(text_release) struct text text = {0}. */
void text_release(struct text *text);

/* The content, "" when empty; belongs to the text. */
const char *text_of(const struct text *text);

/* Whether two strings are equal; null equals only null. */
bool text_equal(const char *a, const char *b);
/* Whether one of the lines is this one, which is not empty; lines may be null. */
bool text_has_line(const char *lines, const char *line);
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);

/* The size of the UTF-8 character (RFC 3629, not NUL) that the bytes begin with; 0 when none. */
size_t text_character(const void *data, size_t size);

/* Whether size bytes are valid UTF-8 (RFC 3629) without NUL. */
bool text_is_utf8(const void *data, size_t size);

/* Replace each byte that is not part of a valid character by '?', in place. */
void text_mend_utf8(char *text);

#define TEXT_SHOWN_SIZE 136

/*
 * Text from outside as one may print it: whole when it is short, and what is no printable character
 * as \\xNN; returns out.
 */
const char *text_shown(const char *text, char out[TEXT_SHOWN_SIZE]);

/*
 * Whether a name may stand in a configuration, on the command line and in a log line:
 * [A-Za-z0-9][A-Za-z0-9._/@-]{0,127} without "..".
 */
bool text_is_name(const char *text);

/* A whole number from min to max and nothing behind it, into *value; false otherwise. */
bool text_to_number(const char *text, int64_t min, int64_t max, int64_t *value);

/* A duration as people write it (250ms, 2s, 5m, 1h, 1d) into milliseconds; false otherwise. */
bool text_to_duration_ms(const char *text, int64_t *duration_ms);

/* size bytes in lower-case hex into out, which holds 2 * size + 1. */
void text_hex(const void *data, size_t size, char *out);

/* Exactly 2 * size hex digits into size bytes; false when it is anything else. */
bool text_from_hex(const char *text, void *data, size_t size);

/*
 * The edit distance of two short words, for "did you mean"; words over 63 bytes are as far apart
 * as the longer is long. (Levenshtein 1966.)
 */
size_t text_distance(const char *a, const char *b);

#endif
