#include "tests/component/execute/batch_scene.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
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

/* A disk of its own, seen by this program and its server only, which goes with them. */
static bool
mount_small_disk(const char *path)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mkdir(path, 0700) == 0 && mount("none", path, "tmpfs", 0, "size=8m,mode=0777") == 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rolls_back_when_the_disk_is_full),
        cmocka_unit_test(a_backfill_stops_where_the_disk_is_full),
    };
    CLEANUP(mem_free) char *path = mem_text("/tmp/skein-small-XXXXXX");
    CLEANUP(mem_free) char *disk = NULL, *data = NULL, *create = NULL;

    if (!mkdtemp(path)) {
        return 1;
    }
    chmod(path, 0755);
    disk = mem_format("%s/disk", path);
    if (!mount_small_disk(disk)) {
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
    rmdir(disk);
    rmdir(path);
    return failed;
}
