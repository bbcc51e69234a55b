/*
 * exit: with what status the program ends. One table from the beginning of an error's code to the
 * status, so that scripts can rely on it (docs/cli.md, "Exit status").
 */
#ifndef COORDINATOR_CLI_EXIT_H
#define COORDINATOR_CLI_EXIT_H

#include <stddef.h>

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FINDINGS = 1,    /* checks found something */
    EXIT_USAGE = 2,       /* the command line makes no sense */
    EXIT_REFUSED = 3,     /* the input is refused; nothing has changed */
    EXIT_NOT_ALLOWED = 4, /* this key may not do that */
    EXIT_CONFLICT = 5,    /* it does not fit the present state */
    EXIT_UNREACHABLE = 6, /* unreachable, or the outcome is not known */
    EXIT_FAILED = 7,      /* the operation was done and failed */
    EXIT_BUG = 70         /* our bug */
};

/* The status of an error's code; the longest beginning in the table decides. */
int exit_status_of(const char *code);

/*
 * Of the statuses of several errors the one that counts for all together: what will not be well by
 * itself comes before what may; 6 is for when nothing but waiting is needed.
 */
int exit_status_gravest(int a, int b);

/* What a status means, one phrase; null when there is no such status. */
const char *exit_meaning(int status);

#endif
