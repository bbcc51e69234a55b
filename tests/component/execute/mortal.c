#include "tests/component/execute/mortal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "common/base/clock.h"

pid_t
mortal_start(struct scene *scene, const struct step_order *order)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct sitting *sitting = sitting_new(&scene->config);
        bool is_known =
            sitting_execute(sitting, order, &scene->arena, &scene->outcome, &scene->error);
        _exit(is_known && scene->outcome.kind == OUTCOME_DONE ? 0 : 1);
    }
    return child;
}

bool
mortal_has_ended(pid_t child, bool *is_done)
{
    int status = 0;

    if (waitpid(child, &status, WNOHANG) != child) {
        return false;
    }
    *is_done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
}

pid_t
mortal_backend(const struct scene *scene)
{
    PGconn *pg = PQconnectdb(scene->conninfo);
    PGresult *result = PQexec(pg, "SELECT pid FROM pg_stat_activity WHERE application_name LIKE"
                                  " 'skein %' AND datname = current_database() LIMIT 1");
    pid_t pid = PQntuples(result) == 1 ? (pid_t)strtol(PQgetvalue(result, 0, 0), NULL, 10) : 0;

    PQclear(result);
    PQfinish(pg);
    return pid;
}

void
mortal_await_server(const struct scene *scene)
{
    int64_t deadline_ms = clock_now_ms() + 30000;

    for (bool is_there = false; !is_there;) {
        PGconn *pg = PQconnectdb(scene->conninfo);
        is_there = PQstatus(pg) == CONNECTION_OK;
        PQfinish(pg);
        assert_true(is_there || clock_now_ms() < deadline_ms);
    }
}

/* From then on the server lets nobody in before it has recovered. */
static void
await_burial(pid_t pid)
{
    int64_t deadline_ms = clock_now_ms() + 30000;

    while (kill(pid, 0) == 0) {
        assert_true(clock_now_ms() < deadline_ms);
        usleep(1000);
    }
}

bool
mortal_kill(struct scene *scene, enum death death, pid_t child, struct random *random)
{
    if (death == DEATH_PROCESS) {
        bool was_there = kill(child, SIGKILL) == 0;
        waitpid(child, NULL, 0);
        return was_there;
    }
    if (death == DEATH_SERVER) {
        cluster_stop(scene->cluster, random_below(random, 2) ? SIGKILL : SIGQUIT);
        cluster_start(scene->cluster);
        return true;
    }
    pid_t pid = mortal_backend(scene);
    if (pid <= 0 || kill(pid, SIGKILL) != 0) {
        return false;
    }
    await_burial(pid);
    return true;
}
