#include "common/postgres/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* Its state is the eventfd's own: readable means raised. Nothing to keep in step, no lock. */
struct interrupt {
    int event_fd;
};

struct interrupt *
interrupt_new(void)
{
    struct interrupt *interrupt = mem_zalloc(sizeof *interrupt);

    interrupt->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (interrupt->event_fd < 0) {
        log_fatal(71, "cannot make an eventfd: %s", strerror(errno));
    }
    return interrupt;
}

void
interrupt_destroy(struct interrupt **interrupt_p)
{
    if (*interrupt_p) {
        close((*interrupt_p)->event_fd);
        free(*interrupt_p);
        *interrupt_p = NULL;
    }
}

void
interrupt_raise(struct interrupt *interrupt)
{
    /* Can fail only when the counter is full, and then it is readable already. */
    (void)!write(interrupt->event_fd, &(uint64_t){1}, sizeof(uint64_t));
}

void
interrupt_clear(struct interrupt *interrupt)
{
    uint64_t count;

    (void)!read(interrupt->event_fd, &count, sizeof count);
}

bool
interrupt_is_raised(const struct interrupt *interrupt)
{
    return !interrupt_sleep(interrupt, 0);
}

int
interrupt_descriptor(const struct interrupt *interrupt)
{
    return interrupt->event_fd;
}

bool
interrupt_sleep(const struct interrupt *interrupt, int64_t ms)
{
    int64_t end_ms = clock_now_ms() + ms;

    for (;;) {
        int64_t left_ms = end_ms - clock_now_ms();
        struct pollfd item = {.fd = interrupt->event_fd, .events = POLLIN};
        int ready = poll(&item, 1, left_ms > 0 ? (int)(left_ms < 60000 ? left_ms : 60000) : 0);
        if (ready > 0) {
            return false;
        }
        if (left_ms <= 0 && ready == 0) {
            return true;
        }
    }
}
