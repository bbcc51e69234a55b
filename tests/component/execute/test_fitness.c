#include "tests/component/execute/scene.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/sitting.h"

static struct cluster *cluster;

static const struct sketch probe = {.version = "001", .up = "INSERT INTO probe VALUES ('up')"};

static bool
examine(struct scene *scene, struct target_facts *facts)
{
    return sitting_examine(scene->sitting, &scene->arena, facts, &scene->error);
}

static void
makes_the_schema_once_and_finds_it_again(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts first, second;
    SCENE_PLAN(scene, probe);

    assert_true(examine(scene, &first));
    assert_false(id_is_none(&first.target_id));
    assert_true(id_is_none(&first.cluster_id));
    assert_int_equal(first.timeline, 1);
    assert_int_equal(first.applied_count, 0);
    assert_null(first.applied_version);

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    scene_sit_anew(scene);
    assert_true(examine(scene, &second));
    assert_true(id_equal(&first.target_id, &second.target_id));
    assert_int_equal(second.database_oid,
                     scene_count(scene, "SELECT oid FROM pg_database WHERE datname ="
                                        " current_database()"));
    assert_int_equal(second.applied_count, 1);
    assert_string_equal(second.applied_version, "001");
    assert_int_equal(second.journal_count, 1);
    assert_memory_equal(second.journal_head, scene->outcome.journal_head, CHECKSUM_SIZE);
}

static void
a_survey_tells_what_is_applied_and_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct applied_migration *applied;
    size_t count;
    SCENE_PLAN(scene, probe, {.version = "0005", .up = "SELECT 1"});

    assert_true(sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    assert_int_equal(count, 0);
    assert_int_equal(
        scene_count(scene, "SELECT count(*) FROM pg_namespace WHERE nspname = 'skein'"), 0);

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_true(sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    assert_int_equal(count, 2);
    assert_string_equal(applied[0].version, "001"); /* as applied, not as sorted */
    assert_string_equal(applied[1].version, "0005");
    assert_memory_equal(applied[0].checksum,
                        migration_checksum(&scene->bundle->manifest.migrations[0]), CHECKSUM_SIZE);

    scene_sit_anew(scene);
    assert_true(sitting_history(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    assert_int_equal(count, 2);
    assert_string_equal(applied[1].name, "m_0005");
    assert_true(applied[1].duration_us > 0);
    assert_true(llabs(applied[1].applied_wall_ms - clock_wall_ms()) < 60000);
}

static void
examine_at_once(void *context)
{
    struct scene *scene = context;
    struct sitting *sitting = sitting_new(&scene->config);
    CLEANUP(arena_release) struct arena arena = {0};
    struct target_facts facts;
    struct error error;

    if (!sitting_examine(sitting, &arena, &facts, &error)) {
        print_message("%s: %s\n", error.code, error.text);
        abort();
    }
    sitting_destroy(&sitting);
}

static void
many_may_make_the_schema_at_the_same_time(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
        struct helper *helpers[6];
        if (round % 2) {
            scene_tell(scene, "CREATE SCHEMA skein");
        }
        for (size_t i = 0; i < 6; i++) {
            helpers[i] = helper_start(examine_at_once, scene);
        }
        for (size_t i = 0; i < 6; i++) {
            helper_join(&helpers[i]);
        }
        assert_int_equal(scene_count(scene, "SELECT count(*) FROM skein.identity"), 1);
    }
}

static void
leaves_a_schema_alone_that_is_not_ours(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts facts;
    scene_tell(scene, "CREATE SCHEMA skein; CREATE TABLE skein.fence (geese int)");

    assert_false(examine(scene, &facts));
    assert_string_equal(scene->error.code, "E-DB-SCHEMA");
    assert_int_equal(
        scene_count(scene, "SELECT count(*) FROM pg_tables WHERE schemaname = 'skein'"), 1);
}

static void
refuses_a_schema_of_a_newer_program(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts facts;
    assert_true(examine(scene, &facts));
    scene_tell(scene, "UPDATE skein.identity SET schema_version = 99");

    assert_false(examine(scene, &facts));
    assert_string_equal(scene->error.code, "E-DB-SCHEMA");
    scene_assert_says(scene->error.found, "99");
}

static void
says_which_grant_is_missing(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts facts;
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, scene->database, "weak");
    CLEANUP(mem_free)
    char *grant = mem_format("GRANT CREATE ON DATABASE \"%s\" TO \"weak\"", scene->database);
    scene_tell(scene, "DROP ROLE IF EXISTS weak");
    scene_tell(scene, "CREATE ROLE weak LOGIN");
    scene->config.conninfo = conninfo;
    scene_sit_anew(scene);

    assert_false(examine(scene, &facts));
    assert_string_equal(scene->error.code, "E-DB-PRIV");
    assert_string_equal(scene->error.hint, grant);
    scene_tell(scene, scene->error.hint);
    assert_true(examine(scene, &facts));

    scene_tell(scene, "ALTER TABLE skein.identity OWNER TO postgres;"
                      "ALTER TABLE skein.journal OWNER TO postgres;"
                      "ALTER TABLE skein.fence OWNER TO postgres;"
                      "ALTER TABLE skein.migration OWNER TO postgres");
    assert_false(examine(scene, &facts));
    assert_string_equal(scene->error.code, "E-DB-PRIV");
    scene_tell(scene, scene->error.hint);
    assert_true(examine(scene, &facts));
    scene_tell(scene, "GRANT INSERT ON probe TO weak");
    SCENE_PLAN(scene, probe);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    sitting_rest(scene->sitting);
    scene_tell(scene, "DROP OWNED BY weak CASCADE");
}

static void
refuses_a_copy_of_a_database_until_it_is_adopted(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    CLEANUP(scene_destroy) struct scene *copy = scene_new(cluster);
    CLEANUP(mem_free) char *drop = mem_format("DROP DATABASE %s", copy->database);
    CLEANUP(mem_free)
    char *create = mem_format("CREATE DATABASE %s TEMPLATE %s", copy->database, scene->database);
    struct target_facts original, facts;
    SCENE_PLAN(scene, probe);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_true(examine(scene, &original));
    sitting_rest(scene->sitting);
    cluster_await(cluster, "postgres",
                  "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE"
                  " 'scene_%'",
                  "0");
    cluster_tell(cluster, "postgres", drop);
    cluster_tell(cluster, "postgres", create);

    assert_false(examine(copy, &facts));
    assert_string_equal(copy->error.code, "E-DB-FOREIGN-HISTORY");
    copy->bundle = bundle_of(&probe, 1);
    assert_int_equal(scene_up(copy, 0), OUTCOME_FAILED);
    scene_assert_fault(copy, "E-DB-FOREIGN-HISTORY", NULL);
    assert_int_equal(scene_count(copy, "SELECT count(*) FROM probe"), 1);

    /* What the hint says makes it a target of its own, with the history it has. */
    scene_tell(copy, "UPDATE skein.identity SET target_id = gen_random_uuid(), database_oid ="
                     " (SELECT oid FROM pg_database WHERE datname = current_database())");
    assert_true(examine(copy, &facts));
    assert_false(id_equal(&facts.target_id, &original.target_id));
    assert_int_equal(scene_up(copy, 0), OUTCOME_ALREADY);
}

static void
waits_until_a_standby_is_promoted(void *context)
{
    struct scene *scene = context;
    scene_up(scene, 0);
}

static void
refuses_a_standby_and_waits_with_a_step_until_it_is_promoted(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct target_facts before, facts;
    SCENE_PLAN(scene, probe);
    assert_true(examine(scene, &before));
    CLEANUP(cluster_destroy) struct cluster *standby = cluster_new_standby(cluster);
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(standby, scene->database, "postgres");
    scene->config.conninfo = conninfo;
    scene_sit_anew(scene);

    assert_false(examine(scene, &facts));
    assert_string_equal(scene->error.code, "E-DB-STANDBY");
    assert_true(facts.in_recovery);

    struct helper *helper = helper_start(waits_until_a_standby_is_promoted, scene);
    cluster_tell(standby, "postgres", "SELECT pg_promote()");
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(cluster_count(standby, scene->database, "SELECT count(*) FROM probe"), 1);
    assert_true(examine(scene, &facts));
    assert_int_equal(facts.timeline, 2);
    assert_true(id_equal(&facts.target_id, &before.target_id));

    /* The former primary still answers: its timeline gives it away. */
    sitting_rest(scene->sitting);
    scene->sitting->config.conninfo = scene->conninfo; /* as if the address had moved back */
    assert_false(examine(scene, &facts));
    assert_string_equal(scene->error.code, "E-DB-TIMELINE");
}

/* ---- poolers --------------------------------------------------------------------------------- */

static void
write_pooler_config(const char *path, const char *mode, int port)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file,
            "[databases]\n* = host=%s port=%d\n[pgbouncer]\nlisten_addr =\nlisten_port = %d\n"
            "unix_socket_dir = %s\nauth_type = any\npool_mode = %s\n"
            "ignore_startup_parameters = extra_float_digits,options\n",
            cluster_directory(cluster), cluster_port(cluster), port, cluster_directory(cluster),
            mode);
    fclose(file);
}

/* A socket is there before anybody listens on it; that somebody does is seen by connecting. */
static bool
listens(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    bool is_there =
        connect(descriptor, (const struct sockaddr *)&address, (socklen_t)sizeof address) == 0;
    close(descriptor);
    return is_there;
}

static pid_t
start_pooler(const char *mode, int port)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s.ini", cluster_directory(cluster), mode);
    CLEANUP(mem_free) char *log = mem_format("%s/%s.log", cluster_directory(cluster), mode);
    CLEANUP(mem_free)
    char *path_of_socket = mem_format("%s/.s.PGSQL.%d", cluster_directory(cluster), port);

    write_pooler_config(path, mode, port);
    pid_t pooler = cluster_spawn((const char *const[]){"pgbouncer", path, NULL}, log);
    for (int64_t end_ms = clock_now_ms() + 30000; !listens(path_of_socket);) {
        assert_true(clock_now_ms() < end_ms);
        usleep(5000);
    }
    return pooler;
}

static bool
has_pooler(void)
{
    return access("/usr/sbin/pgbouncer", X_OK) == 0 || access("/usr/bin/pgbouncer", X_OK) == 0;
}

static void
refuses_a_pooler(void **state)
{
    static const char *const modes[] = {"session", "transaction"};
    (void)state;
    if (!has_pooler()) {
        print_message("skipped: no pgbouncer on this machine\n");
        skip();
    }
    for (int i = 0; i < 2; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
        struct target_facts facts;
        int port = cluster_port(cluster) + 1 + i;
        pid_t pooler = start_pooler(modes[i], port);
        CLEANUP(mem_free)
        char *conninfo = mem_format("host=%s port=%d dbname=%s user=postgres",
                                    cluster_directory(cluster), port, scene->database);
        scene->config.conninfo = conninfo;
        scene_sit_anew(scene);

        assert_false(examine(scene, &facts));
        assert_string_equal(scene->error.code, "E-DB-POOLER");
        assert_int_equal(
            scene_count(scene, "SELECT count(*) FROM pg_namespace WHERE nspname = 'skein'"), 0);
        kill(pooler, SIGTERM);
        waitpid(pooler, NULL, 0);
    }
}

/* ---- not let in ------------------------------------------------------------------------------ */

static void
expect_refusal(const char *conninfo, const char *code, const char *says)
{
    struct target_config config = {.name = "t", .conninfo = conninfo};
    CLEANUP(sitting_destroy) struct sitting *sitting = sitting_new(&config);
    CLEANUP(arena_release) struct arena arena = {0};
    struct target_facts facts;
    struct error error = {0};

    assert_false(sitting_examine(sitting, &arena, &facts, &error));
    print_message("  %s: %s (%s) %s; %s\n", error.code, error.text, error.where, error.found,
                  error.hint);
    assert_string_equal(error.code, code);
    scene_assert_says(error.where, says);
    assert_null(strstr(error.text, "hunter2"));
}

static void
names_the_role_and_the_host_it_could_not_reach(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *role = cluster_conninfo(cluster, "postgres", "nobody_here");
    CLEANUP(mem_free) char *database = cluster_conninfo(cluster, "no_such_db", "postgres");

    expect_refusal(role, "E-DB-AUTH", "nobody_here@/tmp");
    expect_refusal(database, "E-DB-WRONG", "/no_such_db");
    expect_refusal("host=/nowhere/at/all user=x dbname=y", "E-DB-UNREACHABLE", "x@/nowhere");
    expect_refusal("host=127.0.0.1 port=1 user=x dbname=y", "E-DB-UNREACHABLE", "x@127.0.0.1:1/y");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_schema_once_and_finds_it_again),
        cmocka_unit_test(a_survey_tells_what_is_applied_and_changes_nothing),
        cmocka_unit_test(many_may_make_the_schema_at_the_same_time),
        cmocka_unit_test(leaves_a_schema_alone_that_is_not_ours),
        cmocka_unit_test(refuses_a_schema_of_a_newer_program),
        cmocka_unit_test(says_which_grant_is_missing),
        cmocka_unit_test(refuses_a_copy_of_a_database_until_it_is_adopted),
        cmocka_unit_test(refuses_a_standby_and_waits_with_a_step_until_it_is_promoted),
        cmocka_unit_test(refuses_a_pooler),
        cmocka_unit_test(names_the_role_and_the_host_it_could_not_reach),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
