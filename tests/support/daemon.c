#include "tests/support/daemon.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"

const char *
daemon_program(void)
{
    static char path[512];
    const char *build = getenv("SKEIN_BUILD");

    if (build) {
        snprintf(path, sizeof path, "%s/bin/skein-coordinator", build);
        return path;
    }
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 32);
    assert(size > 0);
    path[size] = '\0';
    char *folder = dirname(path);
    if (folder != path) {
        memmove(path, folder, strlen(folder) + 1);
    }
    strcat(path, "/skein-coordinator");
    return path;
}

/* A port that nobody listens on at this moment. */
static int
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (probe < 0 || bind(probe, (struct sockaddr *)&address, size) < 0 ||
        getsockname(probe, (struct sockaddr *)&address, &size) < 0) {
        perror("a free port");
        abort();
    }
    close(probe);
    return ntohs(address.sin_port);
}

static FILE *
make_file(const struct daemon *daemon, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", daemon->folder, name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(file >= 0);
    return fdopen(file, "w");
}

static void
listen_as_manager(struct daemon *daemon)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", daemon->folder);
    daemon->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int status = bind(daemon->manager, (struct sockaddr *)&address, sizeof address);
    assert(status == 0);
}

void
daemon_make(struct daemon *daemon, const char *more)
{
    daemon_make_with_store(daemon, more, NULL);
}

void
daemon_make_with_store(struct daemon *daemon, const char *more, const char *store)
{
    char secret[KEYS_HEX_SIZE], public[KEYS_HEX_SIZE];

    memset(daemon, 0, sizeof *daemon);
    strcpy(daemon->folder, "/tmp/skein-daemon-XXXXXX");
    if (!mkdtemp(daemon->folder)) {
        perror(daemon->folder);
        abort();
    }
    keys_generate(&daemon->keys);
    keys_generate(&daemon->admin);
    for (enum party party = 0; party < PARTY_COUNT; party++) {
        daemon->ports[party] = free_port();
        snprintf(daemon->endpoints[party], sizeof daemon->endpoints[party], "tcp://127.0.0.1:%d",
                 daemon->ports[party]);
    }
    FILE *key = make_file(daemon, "coordinator.key");
    text_hex(daemon->keys.public_key, KEYS_SIZE, public);
    text_hex(daemon->keys.secret_key, KEYS_SIZE, secret);
    fprintf(key, "public: %s\nsecret: %s\n", public, secret);
    fclose(key);
    FILE *config = make_file(daemon, "coordinator.yaml");
    text_hex(daemon->admin.public_key, KEYS_SIZE, public);
    fprintf(config,
            "listen:\n  agents: %s\n  operators: %s\nkey: %s/coordinator.key\n"
            "store: %s%s\noperators:\n  - {name: admin, role: admin, key: %s}\n%s",
            daemon->endpoints[PARTY_AGENT], daemon->endpoints[PARTY_OPERATOR], daemon->folder,
            store ? store : daemon->folder, store ? "" : "/store.db", public, more ? more : "");
    fclose(config);
    listen_as_manager(daemon);
}

/* A sanitizer's finding in the child is a finding of the test, whatever became of the child. */
static void
look_for_findings(const struct daemon *daemon)
{
    char *log = daemon_log(daemon);

    if (strstr(log, "Sanitizer") || strstr(log, "runtime error:")) {
        fprintf(stderr, "%s\n", log);
        abort();
    }
    free(log);
}

/* So that it says what it has lost of its memory, or which of its lines were used. */
static void
end_gently(struct daemon *daemon)
{
    int64_t until_ms = clock_now_ms() + 10000;
    int status;

    if (daemon->pid) {
        kill(daemon->pid, SIGTERM);
    }
    while (!daemon_has_ended(daemon, &status) && clock_now_ms() < until_ms) {
        poll(NULL, 0, 5);
    }
    daemon_end(daemon, SIGKILL);
}

void
daemon_remove(struct daemon *daemon)
{
    char path[384];

    end_gently(daemon);
    close(daemon->manager);
    look_for_findings(daemon);
    DIR *entries = opendir(daemon->folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        snprintf(path, sizeof path, "%s/%s", daemon->folder, entry->d_name);
        (void)unlink(path);
    }
    if (entries) {
        closedir(entries);
    }
    (void)rmdir(daemon->folder);
}

/* Our environment without what would steer the child, and with what is to. */
static char **
environment_of(const struct daemon *daemon, const char *failpoint)
{
    extern char **environ;
    size_t count = 0, used = 0;

    while (environ[count]) {
        count++;
    }
    char **copy = mem_zalloc((count + 3) * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        if (!text_starts_with(environ[i], "SKEIN_FAILPOINT=") &&
            !text_starts_with(environ[i], "NOTIFY_SOCKET=")) {
            copy[used++] = mem_text(environ[i]);
        }
    }
    copy[used++] = mem_format("NOTIFY_SOCKET=%s/notify", daemon->folder);
    if (failpoint) {
        copy[used++] = mem_format("SKEIN_FAILPOINT=%s", failpoint);
    }
    return copy;
}

void
daemon_start(struct daemon *daemon, const char *failpoint)
{
    char config[128], log[128], ignored[64];
    char option[] = "--config", *more = daemon->option ? mem_text(daemon->option) : NULL;
    char *words[] = {mem_text(daemon_program()), option, config, more, NULL};
    char **environment = environment_of(daemon, failpoint);
    posix_spawn_file_actions_t files;

    assert(!daemon->pid);
    while (recv(daemon->manager, ignored, sizeof ignored, MSG_DONTWAIT) > 0) {
    }
    snprintf(config, sizeof config, "%s/coordinator.yaml", daemon->folder);
    snprintf(log, sizeof log, "%s/log", daemon->folder);
    posix_spawn_file_actions_init(&files);
    /* Not ours: who reads our output would wait for its end, too. */
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int status = posix_spawn(&daemon->pid, words[0], &files, NULL, words, environment);
    if (status != 0) {
        fprintf(stderr, "%s: %s\n", words[0], strerror(status));
        abort();
    }
    posix_spawn_file_actions_destroy(&files);
    for (size_t i = 0; environment[i]; i++) {
        free(environment[i]);
    }
    free(environment);
    free(words[0]);
    free(more);
}

bool
daemon_is_ready(struct daemon *daemon, int wait_ms)
{
    int64_t until_ms = clock_now_ms() + wait_ms;
    struct pollfd item = {.fd = daemon->manager, .events = POLLIN};
    char state[64];
    int status;

    while (clock_now_ms() < until_ms) {
        if (poll(&item, 1, 5) > 0) {
            ssize_t size = recv(daemon->manager, state, sizeof state - 1, MSG_DONTWAIT);
            state[size > 0 ? size : 0] = '\0';
            if (text_equal(state, "READY=1")) {
                return true;
            }
        }
        if (daemon_has_ended(daemon, &status)) {
            return false;
        }
    }
    return false;
}

void
daemon_begin(struct daemon *daemon)
{
    daemon_start(daemon, NULL);
    if (!daemon_is_ready(daemon, 20000)) {
        char *log = daemon_log(daemon);
        fprintf(stderr, "the coordinator does not start:\n%s\n", log);
        abort();
    }
}

bool
daemon_has_ended(struct daemon *daemon, int *status)
{
    if (daemon->pid && waitpid(daemon->pid, status, WNOHANG) == daemon->pid) {
        daemon->pid = 0;
        return true;
    }
    return daemon->pid == 0;
}

int
daemon_end(struct daemon *daemon, int signal)
{
    int status = 0;

    if (daemon->pid) {
        kill(daemon->pid, signal);
        while (waitpid(daemon->pid, &status, 0) < 0 && errno == EINTR) {
        }
        daemon->pid = 0;
    }
    return status;
}

char *
daemon_log(const struct daemon *daemon)
{
    struct text log = {0};
    char path[128], piece[4096];

    snprintf(path, sizeof path, "%s/log", daemon->folder);
    text_append(&log, "");
    FILE *file = fopen(path, "r");
    for (size_t size; file && (size = fread(piece, 1, sizeof piece, file)) > 0;) {
        text_append_bytes(&log, piece, size);
    }
    if (file) {
        fclose(file);
    }
    return log.data;
}

long
daemon_resident_kib(const struct daemon *daemon)
{
    char path[64], line[256];
    long resident_kib = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)daemon->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        (void)sscanf(line, "VmRSS: %ld", &resident_kib);
    }
    if (file) {
        fclose(file);
    }
    return resident_kib;
}

long
daemon_cpu_ms(const struct daemon *daemon)
{
    char path[64];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)daemon->pid);
    FILE *file = fopen(path, "r");
    if (file) {
        int read = fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                          &user, &system);
        (void)read;
        fclose(file);
    }
    return (long)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}
