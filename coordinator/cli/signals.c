#include "coordinator/cli/signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t is_stopped;
static volatile sig_atomic_t is_resized;

static void
on_stop(int number)
{
    (void)number;
    is_stopped = 1;
}

static void
on_resize(int number)
{
    (void)number;
    is_resized = 1;
}

void
signals_catch(void)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
    struct sigaction resize = {.sa_handler = on_resize};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGWINCH, &resize, NULL);
}

bool
signals_stopped(void)
{
    return is_stopped;
}

bool
signals_resized(void)
{
    bool was_resized = is_resized;

    is_resized = 0;
    return was_resized;
}
