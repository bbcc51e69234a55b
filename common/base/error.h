/*
 * error: an expected failure as a value: a code to decide by and a text to show, and, where they
 * are known, the place it happened at, what was found there, and what to do next. Functions that
 * can fail return false and fill one. Texts are lower case without a full stop and never hold a
 * secret.
 */
#ifndef COMMON_BASE_ERROR_H
#define COMMON_BASE_ERROR_H

#include <stdbool.h>
#include <stdio.h>

struct error {
    char code[32];   /* "E-MIG-CHECKSUM"; the whole list is in docs/errors.md */
    char text[512];  /* what is wrong */
    char where[320]; /* file:line:column, key, field, target; may be empty */
    char found[320]; /* what was found, or what is allowed; may be empty */
    char hint[320];  /* what to do next; may be empty */
};

/* Set code and text, and clear the rest. Always returns false, so that `return error_set(…)`. */
bool error_set(struct error *error, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fill one of the optional parts; the same false. */
bool error_where(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool error_found(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool error_hint(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Say what was being tried in front of the text: "cannot open the store: " + text. */
bool error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether the code is this one. */
bool error_is(const struct error *error, const char *code);

/* Print it as a daemon does: "error[CODE]: text", then a line for each part that is known. */
void error_print(const struct error *error, FILE *out);

#endif
