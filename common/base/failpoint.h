/*
 * failpoint: a place where a test may kill or freeze the process. SKEIN_FAILPOINT=name:n ends the
 * process with SIGKILL when the place is passed for the n-th time; name:n:pause:MS sleeps there
 * instead; name:n:fail makes FAILPOINT_FAILS true once. With n = 0 it is every time. Exists in test
 * builds only (SKEIN_TESTING); elsewhere it is nothing at all.
 */
#ifndef COMMON_BASE_FAILPOINT_H
#define COMMON_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef SKEIN_TESTING
/* Pass the place; true when it is to fail here. */
bool failpoint_pass(const char *name);
#define FAILPOINT(name) ((void)failpoint_pass(name))
#define FAILPOINT_FAILS(name) failpoint_pass(name)
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_FAILS(name) false
#endif

#endif
