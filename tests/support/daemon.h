/*
 * daemon: a skein-coordinator as a child process, with a folder, keys and ports of its own. Tests
 * start it, kill it and start it again on the same store.
 */
#ifndef TESTS_SUPPORT_DAEMON_H
#define TESTS_SUPPORT_DAEMON_H

#include <sys/types.h>

#include "common/io/keys.h"
#include "proto/message.h"

struct daemon {
    char folder[64];
    char endpoints[PARTY_COUNT][64];
    int ports[PARTY_COUNT];
    struct key_pair keys;  /* the coordinator's */
    struct key_pair admin; /* an operator who may do all; stands in the configuration */
    const char *option;    /* one more that it is started with; null: none */
    pid_t pid;             /* 0: it does not run */
    int manager;           /* where it says READY */
};

/* Make folder, keys and configuration; `more` is added to the configuration as it stands. */
void daemon_make(struct daemon *daemon, const char *more);

/* The same with its store at another path. */
void daemon_make_with_store(struct daemon *daemon, const char *more, const char *store);

/* End it if it runs, and remove the folder; a cleanup. */
void daemon_remove(struct daemon *daemon);

/* Start it with this SKEIN_FAILPOINT (null: none). */
void daemon_start(struct daemon *daemon, const char *failpoint);

/* Wait until it says that it is ready; false when it has ended before, or after wait_ms. */
bool daemon_is_ready(struct daemon *daemon, int wait_ms);

/* Start, and wait until it is ready: aborts the test when it is not. */
void daemon_begin(struct daemon *daemon);

/* Whether it has ended; its wait status in *status. */
bool daemon_has_ended(struct daemon *daemon, int *status);

/* Send a signal and wait for the end; the wait status. */
int daemon_end(struct daemon *daemon, int signal);

/* What it has written to its log so far; the caller frees it. */
char *daemon_log(const struct daemon *daemon);

/* Resident memory in KiB and processor time in milliseconds, as the kernel counts them. */
long daemon_resident_kib(const struct daemon *daemon);
long daemon_cpu_ms(const struct daemon *daemon);

/* The program; SKEIN_BUILD or this program's own folder says where it lies. */
const char *daemon_program(void);

#endif
