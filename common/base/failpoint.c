#include "common/base/failpoint.h"

#ifdef SKEIN_TESTING

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
sleep_ms(long ms)
{
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&rest, &rest) < 0) {
    }
}

bool
failpoint_pass(const char *name)
{
    static atomic_long passed;
    const char *wanted = getenv("SKEIN_FAILPOINT");
    size_t size = strlen(name);

    if (!wanted || strncmp(wanted, name, size) != 0 || wanted[size] != ':') {
        return false;
    }
    char *rest = NULL;
    long turn = strtol(wanted + size + 1, &rest, 10);
    if (atomic_fetch_add(&passed, 1) + 1 != turn && turn != 0) {
        return false;
    }
    if (strncmp(rest, ":pause:", 7) == 0) {
        sleep_ms(strtol(rest + 7, NULL, 10));
        return false;
    }
    if (strcmp(rest, ":fail") == 0) {
        return true;
    }
    (void)kill(getpid(), SIGKILL);
    return false;
}

#else
/* A source file needs at least one declaration. */
typedef int failpoint_is_off;
#endif
