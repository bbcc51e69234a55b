/*
 * program: the real `skein`, run as a user or a pipeline does: words in, exit status and text out.
 */
#ifndef TESTS_COMPONENT_CLI_PROGRAM_H
#define TESTS_COMPONENT_CLI_PROGRAM_H

#include <stdbool.h>

#include "common/base/text.h"

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

/* The same before a terminal of its own, 80 columns wide, on which the test types. */
struct program_session {
    int pid, terminal;
    struct text seen; /* all that was drawn so far */
};

struct program_session program_open(const char *folder, const char *const *words);

#define program_start(folder, ...)                                                                 \
    program_open(folder, (const char *const[]){__VA_ARGS__, (const char *)0})

/* Fail the test unless this is drawn within 20 s; what came before it is forgotten. */
void program_must_draw(struct program_session *session, const char *part);

void program_type(const struct program_session *session, const char *keys);

/* Wait for its end and close the terminal; the exit status. */
int program_close(struct program_session *session);

/* Fail the test, with all that was said, unless it ended so, and said this there. */
void program_must_end(const struct program_end *end, int status);
void program_must_say(const struct program_end *end, const char *part);

#endif
