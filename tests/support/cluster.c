#include "tests/support/cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define START_MS 60000
#define AWAIT_MS 30000

struct cluster {
    char directory[64];
    int port;
    pid_t postmaster; /* 0: stopped */
};

static void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "cluster: %s: %s\n", what, why);
    exit(1);
}

static void
rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* ---- programs as the right user -------------------------------------------------------------- */

static const struct passwd *
server_user(void)
{
    if (geteuid() != 0) {
        return getpwuid(geteuid());
    }
    const struct passwd *user = getpwnam("postgres");
    return user ? user : getpwnam("nobody");
}

uid_t
cluster_uid(void)
{
    return server_user()->pw_uid;
}

gid_t
cluster_gid(void)
{
    return server_user()->pw_gid;
}

static void
become_server_user(uid_t uid, gid_t gid)
{
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0)) {
        _exit(126);
    }
}

pid_t
cluster_spawn(const char *const arguments[], const char *log_path)
{
    uid_t uid = cluster_uid();
    gid_t gid = cluster_gid();
    pid_t parent = getpid(), child = fork();

    if (child != 0) {
        return child;
    }
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(log, 1);
    dup2(log, 2);
    (void)!chdir("/");
    become_server_user(uid, gid);
    /* SIGQUIT is PostgreSQL's immediate shutdown; it is lost by a change of user, so it comes here.
     */
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() == parent) {
        char *copy[32] = {0};
        for (size_t i = 0; arguments[i] && i < 31; i++) {
            copy[i] = mem_text(arguments[i]);
        }
        execvp(copy[0], copy);
    }
    _exit(127);
}

static int
run(const char *const arguments[])
{
    int status = -1;
    pid_t child = cluster_spawn(arguments, "/dev/null");

    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* ---- directories ----------------------------------------------------------------------------- */

static const char *
program(const char *name, char out[256])
{
    static char folder[200];

    if (!folder[0]) {
        FILE *pipe = popen("pg_config --bindir 2>/dev/null", "r");
        if (!pipe || !fgets(folder, sizeof folder, pipe)) {
            puts("skipped: no pg_config on this machine");
            exit(77);
        }
        pclose(pipe);
        folder[strcspn(folder, "\n")] = '\0';
    }
    snprintf(out, 256, "%s/%s", folder, name);
    if (access(out, X_OK) != 0) {
        printf("skipped: no %s on this machine\n", out);
        exit(77);
    }
    return out;
}

/* Made once per machine and user, under a lock; later ones copy it. */
static void
copy_template(const char *data)
{
    char initdb[256], template[128], fresh[160], lock_path[160];

    program("initdb", initdb);
    snprintf(template, sizeof template, "/tmp/skein-test-template-%u-%d", (unsigned)cluster_uid(),
             PQlibVersion());
    snprintf(lock_path, sizeof lock_path, "%s.lock", template);
    snprintf(fresh, sizeof fresh, "%s.fresh", template);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        give_up(lock_path, strerror(errno));
    }
    if (access(template, F_OK) != 0) {
        const char *const make[] = {initdb,  "-D",        fresh, "-U",   "postgres",         "-A",
                                    "trust", "--no-sync", "-E",  "UTF8", "--locale=C.UTF-8", NULL};
        const char *const move[] = {"mv", fresh, template, NULL};
        run((const char *const[]){"rm", "-rf", fresh, NULL});
        if (run(make) != 0 || run(move) != 0) {
            give_up("initdb", "failed");
        }
    }
    close(lock);
    if (run((const char *const[]){"cp", "-a", template, data, NULL}) != 0) {
        give_up(data, "cannot copy the template");
    }
}

static int
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(probe, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(probe, (struct sockaddr *)&address, &size) != 0) {
        give_up("port", strerror(errno));
    }
    close(probe);
    return ntohs(address.sin_port);
}

static struct cluster *
make_directory(void)
{
    struct cluster *cluster = mem_zalloc(sizeof *cluster);

    snprintf(cluster->directory, sizeof cluster->directory, "/tmp/skein-test-XXXXXX");
    if (!mkdtemp(cluster->directory) ||
        (geteuid() == 0 && chown(cluster->directory, cluster_uid(), cluster_gid()) != 0) ||
        chmod(cluster->directory, 0755) != 0) {
        give_up(cluster->directory, strerror(errno));
    }
    cluster->port = free_port();
    return cluster;
}

static void
append_settings(const struct cluster *cluster, const char *settings)
{
    char path[128];

    snprintf(path, sizeof path, "%s/data/postgresql.conf", cluster->directory);
    FILE *file = fopen(path, "a");
    if (!file) {
        give_up(path, strerror(errno));
    }
    fprintf(file,
            "\nfsync = off\nmax_connections = 60\nshared_buffers = 32MB\nautovacuum = off\n"
            "listen_addresses = ''\nunix_socket_directories = '%s'\nport = %d\n%s\n",
            cluster->directory, cluster->port, settings ? settings : "");
    fclose(file);
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

/* ---- the server ------------------------------------------------------------------------------ */

void
cluster_start(struct cluster *cluster)
{
    char postgres[256], data[96], log[96];
    int64_t end_ms = clock_now_ms() + START_MS;
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, "postgres", "postgres");

    snprintf(data, sizeof data, "%s/data", cluster->directory);
    snprintf(log, sizeof log, "%s/log", cluster->directory);
    const char *const arguments[] = {program("postgres", postgres), "-D", data, NULL};
    cluster->postmaster = cluster_spawn(arguments, log);
    while (PQping(conninfo) != PQPING_OK) {
        if (clock_now_ms() > end_ms) {
            give_up(log, "the server does not start");
        }
        rest();
        /* It does not while children of the one that was killed before it still live. */
        if (waitpid(cluster->postmaster, NULL, WNOHANG) != 0) {
            cluster->postmaster = cluster_spawn(arguments, log);
        }
    }
}

void
cluster_stop(struct cluster *cluster, int signal)
{
    if (cluster->postmaster) {
        kill(cluster->postmaster, signal);
        while (waitpid(cluster->postmaster, NULL, 0) < 0 && errno == EINTR) {
        }
        cluster->postmaster = 0;
    }
}

void
cluster_await_end(struct cluster *cluster)
{
    int64_t end_ms = clock_now_ms() + AWAIT_MS;

    while (waitpid(cluster->postmaster, NULL, WNOHANG) == 0) {
        if (clock_now_ms() > end_ms) {
            give_up(cluster->directory, "the server does not end");
        }
        rest();
    }
    cluster->postmaster = 0;
}

struct cluster *
cluster_new(const char *settings)
{
    struct cluster *cluster = make_directory();
    char data[96];

    snprintf(data, sizeof data, "%s/data", cluster->directory);
    copy_template(data);
    append_settings(cluster, settings);
    cluster_start(cluster);
    return cluster;
}

struct cluster *
cluster_new_standby(struct cluster *primary)
{
    struct cluster *cluster = make_directory();
    char basebackup[256], data[96];
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(primary, "postgres", "postgres");

    snprintf(data, sizeof data, "%s/data", cluster->directory);
    const char *const copy[] = {program("pg_basebackup", basebackup),
                                "-D",
                                data,
                                "-R",
                                "-d",
                                conninfo,
                                "--checkpoint=fast",
                                "--no-sync",
                                NULL};
    if (run(copy) != 0) {
        give_up("pg_basebackup", "failed");
    }
    append_settings(cluster, NULL);
    cluster_start(cluster);
    return cluster;
}

void
cluster_destroy(struct cluster **cluster_p)
{
    struct cluster *cluster = *cluster_p;

    if (cluster) {
        cluster_stop(cluster, SIGQUIT);
        nftw(cluster->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(cluster);
        *cluster_p = NULL;
    }
}

int
cluster_end_tests(struct cluster **cluster_p, int failed)
{
    cluster_destroy(cluster_p);
    return failed;
}

char *
cluster_conninfo(const struct cluster *cluster, const char *database, const char *user)
{
    return mem_format("host=%s port=%d dbname=%s user=%s", cluster->directory, cluster->port,
                      database, user);
}

const char *
cluster_directory(const struct cluster *cluster)
{
    return cluster->directory;
}

int
cluster_port(const struct cluster *cluster)
{
    return cluster->port;
}

pid_t
cluster_postmaster(const struct cluster *cluster)
{
    return cluster->postmaster;
}

/* ---- questions ------------------------------------------------------------------------------- */

char *
cluster_ask(const struct cluster *cluster, const char *database, const char *sql)
{
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, database, "postgres");
    PGconn *pg = PQconnectdb(conninfo);
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        give_up(sql, PQerrorMessage(pg));
    }
    bool has_cell = PQntuples(result) > 0 && PQnfields(result) > 0;
    char *answer = mem_text(has_cell ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(pg);
    return answer;
}

void
cluster_tell(const struct cluster *cluster, const char *database, const char *sql)
{
    free(cluster_ask(cluster, database, sql));
}

long
cluster_count(const struct cluster *cluster, const char *database, const char *sql)
{
    CLEANUP(mem_free) char *answer = cluster_ask(cluster, database, sql);
    return strtol(answer, NULL, 10);
}

bool
cluster_await(const struct cluster *cluster, const char *database, const char *sql,
              const char *answer)
{
    int64_t end_ms = clock_now_ms() + AWAIT_MS;

    for (;;) {
        CLEANUP(mem_free) char *found = cluster_ask(cluster, database, sql);
        if (text_equal(found, answer)) {
            return true;
        }
        if (clock_now_ms() > end_ms) {
            return false;
        }
        rest();
    }
}
