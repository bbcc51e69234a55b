#include "tests/component/execute/batch_scene.h"
#include "tests/component/execute/others.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cluster *cluster;

static void
rolls_back_when_the_disk_is_full(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "INSERT INTO probe VALUES ('x');;\n"
                      "CREATE TABLE large TABLESPACE small AS SELECT repeat('x', 500) AS x FROM"
                      " generate_series(1, 100000)"},
               {.version = "002", .up = "INSERT INTO probe VALUES ('y')"});

    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-FULL", "001.up.sql:2:1");
    assert_string_equal(scene->outcome.fault.sqlstate, "53100");
    assert_false(scene->outcome.fault.is_retryable);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 0);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
}

/* The server is on this host, so how much is free there can be seen. */
static void
a_full_disk_is_seen_beforehand(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct statement_work work = {.schema = "public", .table = "large", .kind = WORK_REWRITE};
    scene_tell(scene, "CREATE TABLE large TABLESPACE small AS SELECT repeat('x', 500) AS x, 1 AS n"
                      " FROM generate_series(1, 9000)");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE large ALTER n TYPE bigint"});
    struct statement *statement = scene->bundle->manifest.migrations[0].up.statements;
    statement->works = &work;
    statement->work_count = 1;

    scene->config.preflight.of[CHECK_ROOM] = POLICY_REFUSE;
    scene_sit_anew(scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-PREFLIGHT", NULL);
    scene_assert_says(scene->outcome.fault.found, "it may write 4 MiB, and ");

    scene->config.preflight.of[CHECK_ROOM] = POLICY_WARN;
    scene_sit_anew(scene);
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-FULL", NULL);
    assert_int_equal(scene->outcome.warning_count, 1);
}

/* What was done before stays, and it goes on there when there is room again. */
static void
a_backfill_stops_where_the_disk_is_full(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE TABLE source (id bigint PRIMARY KEY);"
                      "INSERT INTO source SELECT generate_series(1, 40000); ANALYZE source;"
                      "CREATE TABLE large (id bigint, x text) TABLESPACE small");

    plan_file(scene, "-- skein: batch max=1000\n"
                     "INSERT INTO large SELECT id, repeat('x', 500) FROM source");
    assert_int_equal(scene_up(scene, 0), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-FULL", "001_m.up.sql:2:1");
    assert_string_equal(scene->outcome.fault.sqlstate, "53100");
    scene_assert_says(scene->outcome.fault.hint, " rows were changed, in ");
    assert_true(scene_count(scene, "SELECT count(*) FROM large") > 0);

    scene_tell(scene, "ALTER TABLE large SET TABLESPACE pg_default");
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM large"), 40000);
    assert_int_equal(scene_count(scene, "SELECT count(DISTINCT id) FROM large"), 40000);
}

/* ---- the disk of the write-ahead log --------------------------------------------------------- */

static const char *wal_disk;

/* Room for so many MiB; as an administrator makes it. */
static void
resize(const char *room)
{
    CLEANUP(mem_free) char *options = mem_format("size=%s,mode=0777", room);

    assert_int_equal(mount("none", wal_disk, "tmpfs", MS_REMOUNT, options), 0);
}

/* Its log lies on the small disk. */
static void
move_log(struct cluster *server)
{
    CLEANUP(mem_free)
    char *command =
        mem_format("mv %s/data/pg_wal %s/ && ln -s %s/pg_wal %s/data/pg_wal",
                   cluster_directory(server), wal_disk, wal_disk, cluster_directory(server));

    cluster_stop(server, SIGINT);
    assert_int_equal(system(command), 0);
    cluster_start(server);
}

/* Without room for its log the server stops altogether: that is waited for, and no verdict. */
static void
goes_on_when_there_is_room_for_the_log_again(void **state)
{
    (void)state;
    CLEANUP(cluster_destroy)
    struct cluster *server = cluster_new("fsync = on\nmin_wal_size = 32MB\nmax_wal_size = 1GB\n"
                                         "wal_recycle = off\nrestart_after_crash = off");
    CLEANUP(scene_destroy) struct scene *scene = scene_new(server);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "INSERT INTO probe VALUES ('x');;"
                             "CREATE TABLE large AS SELECT repeat('x', 500) AS x FROM"
                             " generate_series(1, 200000)"});
    move_log(server);

    struct helper *helper = helper_start(other_goes_up, scene);
    cluster_await_end(server);
    resize("512m");
    cluster_start(server);
    helper_join(&helper);
    assert_int_equal(scene->outcome.kind, OUTCOME_DONE);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM probe"), 1);
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM large"), 200000);
}

/* A disk of its own, seen by this program and its server only, which goes with them. */
static bool
mount_small_disk(const char *path, const char *options)
{
    return mkdir(path, 0700) == 0 && mount("none", path, "tmpfs", 0, options) == 0;
}

static bool
mount_small_disks(const char *path, const char *path_of_log)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount_small_disk(path, "size=8m,mode=0777") &&
           mount_small_disk(path_of_log, "size=64m,mode=0777");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rolls_back_when_the_disk_is_full),
        cmocka_unit_test(a_full_disk_is_seen_beforehand),
        cmocka_unit_test(a_backfill_stops_where_the_disk_is_full),
        cmocka_unit_test(goes_on_when_there_is_room_for_the_log_again),
    };
    CLEANUP(mem_free) char *path = mem_text("/tmp/skein-small-XXXXXX");
    CLEANUP(mem_free) char *disk = NULL, *disk_of_log = NULL, *data = NULL, *create = NULL;

    if (!mkdtemp(path)) {
        return 1;
    }
    chmod(path, 0755);
    disk = mem_format("%s/disk", path);
    wal_disk = disk_of_log = mem_format("%s/log", path);
    if (!mount_small_disks(disk, disk_of_log)) {
        printf("skipped: no disk can be mounted here: %s\n", strerror(errno));
        rmdir(path);
        return 77;
    }
    data = mem_format("%s/data", disk);
    create = mem_format("CREATE TABLESPACE small LOCATION '%s'", data);
    if (mkdir(data, 0700) != 0 || chown(data, cluster_uid(), cluster_gid()) != 0) {
        return 1;
    }
    cluster = cluster_new(NULL);
    cluster_tell(cluster, "postgres", create);
    int failed = RUN_TESTS(tests);
    cluster_destroy(&cluster);
    umount2(disk, MNT_DETACH);
    umount2(disk_of_log, MNT_DETACH);
    rmdir(disk);
    rmdir(disk_of_log);
    rmdir(path);
    return failed;
}
