#include "tests/component/execute/scene.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"

struct scene *
scene_new(struct cluster *cluster)
{
    static int count;
    struct scene *scene = mem_zalloc(sizeof *scene);
    CLEANUP(mem_free) char *sql = NULL;

    scene->cluster = cluster;
    snprintf(scene->database, sizeof scene->database, "scene_%d", ++count);
    sql = mem_format("CREATE DATABASE %s", scene->database);
    cluster_tell(cluster, "postgres", sql);
    scene_tell(scene, "CREATE TABLE probe (what text)");
    scene->conninfo = cluster_conninfo(cluster, scene->database, "postgres");
    scene->config = (struct target_config){.name = scene->database, .conninfo = scene->conninfo};
    scene->sitting = sitting_new(&scene->config);
    return scene;
}

void
scene_destroy(struct scene **scene_p)
{
    struct scene *scene = *scene_p;

    sitting_destroy(&scene->sitting);
    bundle_destroy(&scene->bundle);
    arena_release(&scene->arena);
    free(scene->conninfo);
    free(scene);
    *scene_p = NULL;
}

void
scene_sit_anew(struct scene *scene)
{
    sitting_destroy(&scene->sitting);
    scene->sitting = sitting_new(&scene->config);
}

void
scene_clear(struct scene *scene)
{
    scene_sit_anew(scene); /* it is another target, and the old sitting would not have it */
    arena_release(&scene->arena);
    scene_tell(scene, "SET client_min_messages = error; DROP SCHEMA IF EXISTS skein CASCADE;"
                      "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
                      "CREATE TABLE probe (what text)");
}

void
scene_plan(struct scene *scene, const struct sketch *sketches, size_t count)
{
    bundle_destroy(&scene->bundle);
    scene->bundle = bundle_of(sketches, count);
}

struct step_order
scene_order(const struct scene *scene, size_t index, enum direction direction)
{
    return (struct step_order){.step_id = id_random(),
                               .attempt = 1,
                               .bundle = scene->bundle,
                               .migration = &scene->bundle->manifest.migrations[index],
                               .direction = direction};
}

enum outcome_kind
scene_execute(struct scene *scene, const struct step_order *order)
{
    if (!sitting_execute(scene->sitting, order, &scene->arena, &scene->outcome, &scene->error)) {
        fail_msg("%s: %s", scene->error.code, scene->error.text);
    }
    /* Whoever runs one test wants to see what it saw. */
    if (getenv("SKEIN_TEST") && scene->outcome.fault.text) {
        print_message("  %s: %s (%s) %s; %s\n", scene->outcome.fault.code,
                      scene->outcome.fault.text,
                      scene->outcome.fault.where ? scene->outcome.fault.where : "",
                      scene->outcome.fault.found ? scene->outcome.fault.found : "",
                      scene->outcome.fault.hint ? scene->outcome.fault.hint : "");
    }
    return scene->outcome.kind;
}

enum outcome_kind
scene_up(struct scene *scene, size_t index)
{
    struct step_order order = scene_order(scene, index, DIRECTION_UP);
    return scene_execute(scene, &order);
}

enum outcome_kind
scene_down(struct scene *scene, size_t index)
{
    struct step_order order = scene_order(scene, index, DIRECTION_DOWN);
    return scene_execute(scene, &order);
}

long
scene_count(const struct scene *scene, const char *sql)
{
    return cluster_count(scene->cluster, scene->database, sql);
}

/* As docs/protocol.md has it, computed by PostgreSQL: not by the code that made the hashes. */
static const char broken_rows[] =
    "SELECT count(*) FROM skein.journal j LEFT JOIN skein.journal p ON p.number = j.number - 1"
    " WHERE j.previous_hash <> coalesce(p.hash, decode(repeat('00', 32), 'hex'))"
    " OR j.hash <> sha256(convert_to('skein-journal 1;' || j.number || ';16:', 'UTF8')"
    " || uuid_send(j.step_id) || convert_to(j.attempt || ';' || octet_length(j.version) || ':'"
    " || j.version || octet_length(j.name) || ':' || j.name || '32:', 'UTF8') || j.checksum"
    " || convert_to(length(j.direction) || ':' || j.direction || length(j.state) || ':' || j.state"
    " || j.statement || ';' || j.statement_count || ';' || octet_length(coalesce(j.cursor, ''))"
    " || ':' || coalesce(j.cursor, '') || length(coalesce(j.outcome, '')) || ':', 'UTF8')"
    " || coalesce(j.outcome, '') || convert_to((extract(epoch FROM j.recorded_at) * 1000)::bigint"
    " || ';32:', 'UTF8') || j.previous_hash)";

long
scene_broken_rows(const struct scene *scene)
{
    return scene_count(scene, broken_rows);
}

void
scene_tell(const struct scene *scene, const char *sql)
{
    cluster_tell(scene->cluster, scene->database, sql);
}

void
scene_await(const struct scene *scene, const char *sql, const char *answer)
{
    if (!cluster_await(scene->cluster, scene->database, sql, answer)) {
        fail_msg("never answered %s: %s", answer, sql);
    }
}

void
scene_assert_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part)) {
        fail_msg("\"%s\" does not say \"%s\"", text ? text : "(nothing)", part);
    }
}

void
scene_assert_fault(const struct scene *scene, const char *code, const char *where)
{
    assert_non_null(scene->outcome.fault.code);
    assert_string_equal(scene->outcome.fault.code, code);
    if (where) {
        assert_non_null(scene->outcome.fault.where);
        assert_string_equal(scene->outcome.fault.where, where);
    }
}

int
scene_execute_in_child(struct scene *scene, const struct step_order *order, const char *failpoint)
{
    int status = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct sitting *sitting = sitting_new(&scene->config);
        setenv("SKEIN_FAILPOINT", failpoint, 1);
        bool is_known =
            sitting_execute(sitting, order, &scene->arena, &scene->outcome, &scene->error);
        _exit(is_known ? (int)scene->outcome.kind : 99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return SCENE_KILLED;
    }
    return WEXITSTATUS(status);
}

bool
scene_resolve(struct scene *scene, const struct step_order *order)
{
    bool found = false;

    if (!sitting_resolve(scene->sitting, &order->step_id, order->attempt, &scene->arena, &found,
                         &scene->outcome, &scene->error)) {
        fail_msg("%s: %s", scene->error.code, scene->error.text);
    }
    return found;
}

enum outcome_kind
scene_settle(struct scene *scene, const struct step_order *order)
{
    struct step_order again = *order;

    scene_sit_anew(scene);
    again.attempt++;
    return scene_resolve(scene, order) ? scene->outcome.kind : scene_execute(scene, &again);
}

struct helper {
    pthread_t thread;
    void (*work)(void *context);
    void *context;
};

static void *
help(void *context)
{
    struct helper *helper = context;
    helper->work(helper->context);
    return NULL;
}

struct helper *
helper_start(void (*work)(void *context), void *context)
{
    struct helper *helper = mem_zalloc(sizeof *helper);

    helper->work = work;
    helper->context = context;
    assert_int_equal(pthread_create(&helper->thread, NULL, help, helper), 0);
    return helper;
}

void
helper_join(struct helper **helper_p)
{
    pthread_join((*helper_p)->thread, NULL);
    free(*helper_p);
    *helper_p = NULL;
}
