#include "common/postgres/canceller.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/mem.h"

/* Belongs to both sides; whoever leaves last frees it. */
struct canceller {
    pthread_t thread;
    PGcancel *cancel;
    atomic_bool is_over;
    atomic_int holders;
};

static void
release(struct canceller *canceller)
{
    if (atomic_fetch_sub(&canceller->holders, 1) == 1) {
        PQfreeCancel(canceller->cancel);
        free(canceller);
    }
}

static void *
ask(void *context)
{
    struct canceller *canceller = context;
    char text[256];

    /* Whether it worked is seen from what becomes of the query. */
    (void)PQcancel(canceller->cancel, text, sizeof text);
    atomic_store(&canceller->is_over, true);
    release(canceller);
    return NULL;
}

struct canceller *
canceller_start(PGconn *pg)
{
    PGcancel *cancel = PQgetCancel(pg);
    if (!cancel) {
        return NULL;
    }
    struct canceller *canceller = mem_zalloc(sizeof *canceller);
    canceller->cancel = cancel;
    atomic_init(&canceller->is_over, false);
    atomic_init(&canceller->holders, 2);
    if (pthread_create(&canceller->thread, NULL, ask, canceller) != 0) {
        PQfreeCancel(cancel);
        free(canceller);
        return NULL;
    }
    return canceller;
}

bool
canceller_is_over(const struct canceller *canceller)
{
    return atomic_load(&canceller->is_over);
}

bool
canceller_end(struct canceller **canceller_p, int wait_ms)
{
    struct canceller *canceller = *canceller_p;
    struct timespec end;

    if (!canceller) {
        return true;
    }
    *canceller_p = NULL;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += wait_ms / 1000;
    end.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    bool ended = pthread_timedjoin_np(canceller->thread, NULL, &end) == 0;
    if (!ended) {
        pthread_detach(canceller->thread);
    }
    release(canceller);
    return ended;
}
