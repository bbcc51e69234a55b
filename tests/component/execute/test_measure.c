/* How large the tables of a database are, as its agent tells. */
#include <libpq-fe.h>
#include <string.h>

#include "common/base/mem.h"
#include "tests/component/execute/scene.h"

static struct cluster *cluster;

/* The one with this name; null: it was not told. */
static const struct inventory_table *
measured(const struct inventory *inventory, const char *name)
{
    for (size_t i = 0; i < inventory->table_count; i++) {
        if (strcmp(inventory->tables[i].name, name) == 0) {
            return &inventory->tables[i];
        }
    }
    return NULL;
}

static void
tells_how_large_the_tables_are(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct inventory inventory;

    scene_tell(scene, "CREATE TABLE large AS SELECT i, repeat('x', 500) AS t"
                      " FROM generate_series(1, 10000) i; ANALYZE large;"
                      "CREATE TABLE parted (i int, t text) PARTITION BY RANGE (i);"
                      "CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (0) TO (10000);"
                      "CREATE TABLE part_2 PARTITION OF parted FOR VALUES FROM (10000) TO (20000);"
                      "INSERT INTO parted SELECT i, repeat('x', 500)"
                      " FROM generate_series(1, 19999) i; ANALYZE parted");
    scene_await(scene, "SELECT sum(n_tup_ins) FROM pg_stat_user_tables", "29999");
    assert_true(sitting_measure(scene->sitting, 1 << 20, &scene->arena, &inventory, &scene->error));
    assert_true(inventory.server_version >= 130000);
    assert_int_equal(inventory.table_count, 4);
    assert_string_equal(inventory.tables[0].name, "parted");
    assert_string_equal(inventory.tables[1].name, "large");
    assert_string_equal(inventory.tables[1].schema, "public");
    assert_int_equal(inventory.tables[1].rows, 10000);
    assert_int_equal(inventory.tables[1].bytes,
                     scene_count(scene, "SELECT pg_total_relation_size('large')"));
    assert_int_equal(inventory.tables[0].rows, 19999);
    assert_int_equal(inventory.tables[0].bytes,
                     measured(&inventory, "part_1")->bytes + measured(&inventory, "part_2")->bytes);
    assert_true(inventory.tables[0].writes_per_hour > inventory.tables[1].writes_per_hour);
    assert_true(inventory.tables[1].writes_per_hour >= 10000);
    assert_int_equal(inventory.replicas, 0);
    assert_null(measured(&inventory, "probe"));
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_namespace"
                                        " WHERE nspname = 'skein'"),
                     0);
}

static void
says_so_when_it_cannot_look_because_of_a_lock(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct inventory inventory;

    scene_tell(scene, "CREATE TABLE held (i int)");
    PGconn *other = PQconnectdb(scene->conninfo);
    PGresult *result = PQexec(other, "BEGIN; LOCK TABLE held");
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    assert_false(sitting_measure(scene->sitting, 0, &scene->arena, &inventory, &scene->error));
    scene_assert_says(scene->error.text, "cannot read the sizes of the tables");
    PQfinish(other);
    scene_await(scene, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'", "0");
    assert_true(sitting_measure(scene->sitting, 0, &scene->arena, &inventory, &scene->error));
    assert_non_null(measured(&inventory, "held"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_large_the_tables_are),
        cmocka_unit_test(says_so_when_it_cannot_look_because_of_a_lock),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
