/*
 * service: what the process owes its surroundings: descriptors enough, libraries that are new
 * enough, a word to the service manager, signals as a descriptor.
 */
#ifndef COORDINATOR_SHELL_SERVICE_H
#define COORDINATOR_SHELL_SERVICE_H

#include <stdint.h>

#include "common/base/error.h"

/* What the libraries say of themselves. */
struct library_versions {
    int zmq_major, zmq_minor, zmq_patch;
    bool zmq_has_curve;
    int sqlite; /* 3037000 */
};

/* False with E-LIB-VERSION when a library is older than what we rely on, or lacks it. */
bool service_check_versions(const struct library_versions *found, struct error *error);

/* The same of those that are linked. */
bool service_check_libraries(struct error *error);

/* Make sure of this many descriptors; false with E-RLIMIT. */
bool service_need_descriptors(uint64_t count, struct error *error);

/*
 * Block SIGTERM and SIGINT for this thread and all to come, and give them as a descriptor; ignore
 * SIGPIPE. Before the first socket. -1 with errno.
 */
int service_signals(void);

/* Tell the service manager ("READY=1"), when there is one (NOTIFY_SOCKET). */
void service_notify(const char *state);

#endif
