/*
 * program: the real `skein`, run as a user or a pipeline does: words in, exit status and text out.
 */
#ifndef TESTS_COMPONENT_CLI_PROGRAM_H
#define TESTS_COMPONENT_CLI_PROGRAM_H

#include <stdbool.h>

struct program_end {
    int status;
    char *out, *err;
};

/* Run it in `folder` (null: here) with these words, without a terminal; the last one is null. */
struct program_end program_run(const char *folder, const char *const *words);

/* A cleanup. */
void program_forget(struct program_end *end);

/* program_say(folder, "runs", "--json"): the words one by one. */
#define program_say(folder, ...)                                                                   \
    program_run(folder, (const char *const[]){__VA_ARGS__, (const char *)0})

/* Fail the test, with all that was said, unless it ended so, and said this there. */
void program_must_end(const struct program_end *end, int status);
void program_must_say(const struct program_end *end, const char *part);

#endif
