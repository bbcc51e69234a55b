/* More than anybody can read: it is counted and dropped, and costs no memory. */
#include "tests/component/execute/scene.h"

#include <sys/resource.h>

#include "common/base/mem.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#define MIB 1024
/* KiB: what a flood may cost. AddressSanitizer keeps 256 MiB of what was freed. */
#define MORE_MAX ((__has_feature(address_sanitizer) ? 512L : 64L) * MIB)

static struct cluster *cluster;

static long
most_memory(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void
a_million_notices_are_counted_and_dropped(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "DO $$ BEGIN FOR i IN 1..1000000 LOOP RAISE NOTICE"
                      " 'this is notice number %, and nobody reads it', i; END LOOP; END $$"});
    long before = most_memory();

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.notices, 1000000);
    assert_in_range(most_memory() - before, 0, MORE_MAX);
}

static void
a_gigabyte_of_rows_is_counted_and_dropped(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001",
                       .up = "SELECT repeat('x', 16384) FROM generate_series(1, 65536)"});
    long before = most_memory();

    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene->outcome.statements[0].rows, 65536);
    assert_in_range(most_memory() - before, 0, MORE_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_notices_are_counted_and_dropped),
        cmocka_unit_test(a_gigabyte_of_rows_is_counted_and_dropped),
    };

    cluster = cluster_new(NULL);
    int failed = RUN_TESTS(tests);
    cluster_destroy(&cluster);
    return failed;
}
