/* unit: cmocka with the headers it needs in front of it, in the one order that works. */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The exit status counts only to 255, so a failed group is 1. SKEIN_TEST=pattern runs only some. */
#define RUN_TESTS(tests)                                                                           \
    (cmocka_set_test_filter(getenv("SKEIN_TEST")), cmocka_run_group_tests(tests, NULL, NULL) != 0)

/*
 * Under memcheck everything takes fifty times as long (tests/support/valgrind sets SKEIN_SLOW):
 * loops over every byte then take only each so many, chosen so that all values and places still
 * occur.
 */
#define UNIT_STRIDE(slow) (getenv("SKEIN_SLOW") ? (size_t)(slow) : (size_t)1)

#endif
