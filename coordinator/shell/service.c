#include "coordinator/shell/service.h"

#include <signal.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/log.h"

#define SQLITE_LEAST 3037000 /* STRICT tables */

static bool
too_old(struct error *error, const char *library, const char *found, const char *wanted)
{
    error_set(error, "E-LIB-VERSION", "%s does not do", library);
    error_found(error, "%s, wanted %s", found, wanted);
    return error_hint(error, "deploy/install-dependencies installs what is needed");
}

bool
service_check_versions(const struct library_versions *found, struct error *error)
{
    int zmq = found->zmq_major * 10000 + found->zmq_minor * 100 + found->zmq_patch;
    char text[64];

    if (zmq < 40304) {
        snprintf(text, sizeof text, "%d.%d.%d", found->zmq_major, found->zmq_minor,
                 found->zmq_patch);
        return too_old(error, "libzmq", text, "4.3.4 or later");
    }
    if (!found->zmq_has_curve) {
        return too_old(error, "libzmq", "no CURVE", "one that was built with libsodium");
    }
    if (found->sqlite < SQLITE_LEAST) {
        snprintf(text, sizeof text, "%d.%d.%d", found->sqlite / 1000000,
                 found->sqlite / 1000 % 1000, found->sqlite % 1000);
        return too_old(error, "SQLite", text, "3.37.0 or later");
    }
    return true;
}

bool
service_check_libraries(struct error *error)
{
    struct library_versions found = {.zmq_has_curve = zmq_has("curve") != 0,
                                     .sqlite = sqlite3_libversion_number()};

    zmq_version(&found.zmq_major, &found.zmq_minor, &found.zmq_patch);
    return service_check_versions(&found, error);
}

bool
service_need_descriptors(uint64_t count, struct error *error)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return error_set(error, "E-RLIMIT", "cannot read the limit of open files");
    }
    /* All that is allowed: connections that never say anything need room as well. */
    bool is_enough = limit.rlim_max >= count;
    struct rlimit wanted = {is_enough ? limit.rlim_max : count, is_enough ? limit.rlim_max : count};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0 || limit.rlim_cur >= count) {
        return true;
    }
    error_set(error, "E-RLIMIT", "%llu files must be open at a time for the configured limits",
              (unsigned long long)count);
    error_found(error, "at most %llu are allowed (RLIMIT_NOFILE)",
                (unsigned long long)limit.rlim_max);
    return error_hint(error, "raise LimitNOFILE= or `ulimit -n`, or lower limits.agents");
}

int
service_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, path, strlen(path));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager < 0 || sendto(manager, state, strlen(state), MSG_NOSIGNAL,
                              (struct sockaddr *)&address, size) < 0) {
        log_warn("the service manager cannot be told %s", state);
    }
    if (manager >= 0) {
        close(manager);
    }
}
