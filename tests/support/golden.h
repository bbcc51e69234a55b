/*
 * golden: a file in the tree that says what the program must say. When they differ the test fails
 * and prints how to write the file anew: SKEIN_GOLDEN=write. Then the change is seen in review.
 */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

/* Where the sources are: ctest says it; by hand the tests are run from there. */
static inline const char *
golden_source(void)
{
    const char *source = getenv("SKEIN_SOURCE");
    return source ? source : ".";
}

/* Read the whole of a file of the tree; empty when there is none. */
static inline void
golden_read(const char *path, struct text *content)
{
    CLEANUP(mem_free) char *whole = mem_format("%s/%s", golden_source(), path);
    FILE *file = fopen(whole, "r");
    char buffer[4096];

    for (size_t size; file && (size = fread(buffer, 1, sizeof buffer, file)) > 0;) {
        text_append_bytes(content, buffer, size);
    }
    if (file) {
        (void)fclose(file);
    }
}

static inline bool
golden_write(const char *path, const char *content)
{
    CLEANUP(mem_free) char *whole = mem_format("%s/%s", golden_source(), path);
    FILE *file = fopen(whole, "w");

    return file && fputs(content, file) >= 0 && fclose(file) == 0;
}

static inline bool
golden_is_written(void)
{
    return text_equal(getenv("SKEIN_GOLDEN"), "write");
}

/* Whether the file says this; false, with the command that writes it anew, when it does not. */
static inline bool
golden_matches(const char *path, const char *content)
{
    CLEANUP(text_release) struct text found = {0};

    if (golden_is_written()) {
        return golden_write(path, content);
    }
    golden_read(path, &found);
    if (text_equal(text_of(&found), content)) {
        return true;
    }
    (void)fprintf(stderr,
                  "%s is not what the program says now. If that is meant:\n"
                  "    SKEIN_GOLDEN=write ctest --preset dev -R golden\n"
                  "and look at the change with git diff.\n",
                  path);
    return false;
}

#endif
