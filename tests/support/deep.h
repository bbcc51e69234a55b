/*
 * deep: a group of tests that runs on one deep stack as a whole. Each call that needs the parser
 * would make such a stack otherwise, which is slow under valgrind.
 */
#ifndef TESTS_SUPPORT_DEEP_H
#define TESTS_SUPPORT_DEEP_H

#include "common/sql/deep_stack.h"

#include "tests/support/unit.h"

/* In place of main: RUN_DEEP(tests) with a file-wide array of tests. */
#define RUN_DEEP(tests)                                                                            \
    static void run_all(void *status_p)                                                            \
    {                                                                                              \
        *(int *)status_p = RUN_TESTS(tests);                                                       \
    }                                                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        int status = 1;                                                                            \
        deep_stack_run(run_all, &status);                                                          \
        return status;                                                                             \
    }

#endif
