/*
 * cluster: a throw-away PostgreSQL server for a test program: it listens on a socket in a fresh
 * directory, trusts everybody there, and goes with the program. As root it runs as another user,
 * since PostgreSQL refuses root. The first initdb of a machine is kept and copied.
 */
#ifndef TESTS_SUPPORT_CLUSTER_H
#define TESTS_SUPPORT_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>

struct cluster;

/*
 * Start one; `settings` are lines of a postgresql.conf, or null. fsync is off unless they turn it
 * on. Ends the program with status 77 when there is no PostgreSQL on this machine.
 */
struct cluster *cluster_new(const char *settings);

/* A standby that streams from another cluster. */
struct cluster *cluster_new_standby(struct cluster *primary);

/* Stop it and remove its directory. */
void cluster_destroy(struct cluster **cluster_p);

/*
 * In main, behind unit.h: RUN_TESTS with a cluster that is started before the first test and gone
 * after the last; `cluster` is the variable that they look at.
 */
#define RUN_TESTS_ON(cluster, settings, tests)                                                     \
    ((cluster) = cluster_new(settings), cluster_end_tests(&(cluster), RUN_TESTS(tests)))
int cluster_end_tests(struct cluster **cluster_p, int failed);

/* Stop the server (SIGQUIT: immediately; SIGKILL …) and wait for its end; start it again. */
void cluster_stop(struct cluster *cluster, int signal);
void cluster_start(struct cluster *cluster);

/* Wait until the server has ended by itself, at most 30 s. */
void cluster_await_end(struct cluster *cluster);

/* "host=… port=… dbname=… user=…"; the caller frees it. */
char *cluster_conninfo(const struct cluster *cluster, const char *database, const char *user);

/* Its directory (data/, the socket, log), its port, the server's process. */
const char *cluster_directory(const struct cluster *cluster);
int cluster_port(const struct cluster *cluster);
pid_t cluster_postmaster(const struct cluster *cluster);

/* The user it runs as: for files that it or its kind must read. */
uid_t cluster_uid(void);
gid_t cluster_gid(void);

/*
 * Run SQL as superuser, on a connection of its own; the first cell of the last answer, "" when
 * there is none; the caller frees it. An error ends the program.
 */
char *cluster_ask(const struct cluster *cluster, const char *database, const char *sql);

/* The same without an answer, and the one number that it answers. */
void cluster_tell(const struct cluster *cluster, const char *database, const char *sql);
long cluster_count(const struct cluster *cluster, const char *database, const char *sql);

/* Wait until SQL answers this, at most 30 s; false when it does not. */
bool cluster_await(const struct cluster *cluster, const char *database, const char *sql,
                   const char *answer);

/* Start a program as the cluster's user, with its output in a file; ends with this program. */
pid_t cluster_spawn(const char *const arguments[], const char *log_path);

#endif
