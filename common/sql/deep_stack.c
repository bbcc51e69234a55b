#include "common/sql/deep_stack.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/log.h"

#define STACK_SIZE ((size_t)512 << 20)
#define EXIT_SOFTWARE 70

struct call {
    void (*work)(void *context);
    void *context;
};

static _Thread_local bool is_deep;

static void *
run(void *argument)
{
    struct call *call = argument;

    is_deep = true;
    call->work(call->context);
    return NULL;
}

void
deep_stack_run(void (*work)(void *context), void *context)
{
    struct call call = {.work = work, .context = context};
    pthread_attr_t attributes;
    pthread_t thread;

    if (is_deep) {
        work(context);
        return;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int failure = pthread_create(&thread, &attributes, run, &call);
    pthread_attr_destroy(&attributes);
    if (failure) {
        log_fatal(EXIT_SOFTWARE, "cannot make a thread to read SQL on: %s", strerror(failure));
    }
    pthread_join(thread, NULL);
}
