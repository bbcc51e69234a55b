/* What a plan is told of a target's fitness: what the preflight of its steps would find now. */
#include "tests/component/execute/others.h"

#include "common/base/mem.h"

static struct cluster *cluster;

struct preview {
    struct obstacle obstacles[OBSTACLES_MAX];
    size_t count;
};

/* Asked as a coordinator asks: about all of the bundle's migrations, in this direction. */
static struct preview
preview_again(struct scene *scene, enum direction direction)
{
    const struct manifest *manifest = &scene->bundle->manifest;
    struct outline outlines[OUTLINES_MAX];
    struct applied_migration *applied;
    struct preview preview;
    size_t applied_count, count = 0;

    for (size_t i = 0; i < manifest->migration_count; i++) {
        struct outline outline = outline_of(&manifest->migrations[i], direction, &scene->arena);
        if (!outline_is_empty(&outline)) {
            outlines[count++] = outline;
        }
    }
    assert_true(
        sitting_survey(scene->sitting, &scene->arena, &applied, &applied_count, &scene->error));
    preview.count =
        sitting_preview(scene->sitting, outlines, count, &scene->arena, preview.obstacles);
    return preview;
}

/* The same by an agent that has not been there yet. */
static struct preview
preview_of(struct scene *scene, enum direction direction)
{
    scene_sit_anew(scene);
    return preview_again(scene, direction);
}

static void
assert_obstacle(const struct preview *preview, size_t index, const char *check, enum policy policy,
                const char *version, const char *text)
{
    assert_true(index < preview->count);
    const struct obstacle *obstacle = &preview->obstacles[index];

    assert_string_equal(obstacle->check, check);
    assert_string_equal(policy_words[obstacle->policy], policy_words[policy]);
    if (version) {
        assert_string_equal(obstacle->version, version);
    } else {
        assert_null(obstacle->version);
    }
    scene_assert_says(obstacle->text, text);
}

static void
make_invalid_index(const struct scene *scene)
{
    scene_tell(scene, "CREATE INDEX half ON probe (what); UPDATE pg_index SET indisvalid = false"
                      " WHERE indexrelid = 'half'::regclass");
}

static void
a_target_that_is_well_has_nothing_said_of_it(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"},
               {.version = "002", .up = "ALTER TABLE not_there_yet ADD COLUMN y int"});

    assert_int_equal(preview_of(scene, DIRECTION_UP).count, 0);
}

static void
what_is_found_is_told_the_gravest_first_with_the_step_that_it_stands_against(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene->config.preflight.slot_bytes = 1 << 20;
    scene_tell(scene, "SELECT pg_create_physical_replication_slot('forgotten', true)");
    scene_tell(scene, "CREATE TABLE bulk AS SELECT repeat('x', 1000) FROM"
                      " generate_series(1, 3000); CREATE TABLE calm (x int)");
    make_invalid_index(scene);
    PGconn *other = other_open(scene, "billing");
    other_say(other, "BEGIN; INSERT INTO bulk VALUES ('p'); PREPARE TRANSACTION 'left'");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE calm ADD COLUMN y int"},
               {.version = "002", .up = "ALTER TABLE probe ADD COLUMN y int"},
               {.version = "003",
                .up = "ALTER TABLE bulk ADD COLUMN y int;; ALTER TABLE probe ADD COLUMN z int"});

    struct preview preview = preview_of(scene, DIRECTION_UP);
    other_say(other, "ROLLBACK PREPARED 'left'");
    PQfinish(other);

    assert_int_equal(preview.count, 3);
    assert_obstacle(&preview, 0, "prepared", POLICY_REFUSE, "003",
                    "a prepared transaction holds bulk");
    scene_assert_says(preview.obstacles[0].hint, "ROLLBACK PREPARED");
    assert_obstacle(&preview, 1, "slots", POLICY_WARN, NULL, "slot forgotten holds");
    assert_obstacle(&preview, 2, "invalid_indexes", POLICY_WARN, "002", "INVALID indexes: half");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_locks WHERE locktype ="
                                        " 'advisory'"),
                     0);
    scene_tell(scene, "SELECT pg_drop_replication_slot('forgotten')");
}

static void
only_steps_that_are_to_come_are_looked_at(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene,
               {.version = "001",
                .up = "ALTER TABLE probe ADD COLUMN y int",
                .down = "ALTER TABLE probe DROP COLUMN y"},
               {.version = "002",
                .up = "CREATE TABLE later (x int)",
                .down = "ALTER TABLE probe ADD COLUMN gone int"});
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    make_invalid_index(scene);

    assert_int_equal(preview_of(scene, DIRECTION_UP).count, 0);
    struct preview preview = preview_of(scene, DIRECTION_DOWN);
    assert_int_equal(preview.count, 1);
    assert_obstacle(&preview, 0, "invalid_indexes", POLICY_WARN, "001", "half");
}

static void
what_was_fine_a_moment_ago_is_looked_at_again(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});

    assert_int_equal(preview_of(scene, DIRECTION_UP).count, 0);
    make_invalid_index(scene);
    assert_int_equal(preview_again(scene, DIRECTION_UP).count, 1);
}

static void
rights_are_asked_for_the_role_and_the_search_path_of_the_migrations(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE ROLE \"Migrator\";"
                      "CREATE SCHEMA app; CREATE TABLE app.orders (x int);"
                      "GRANT USAGE ON SCHEMA app TO \"Migrator\"");
    scene->config.role = "Migrator";
    scene->config.search_path = "app";
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE orders ADD COLUMN y int"});

    struct preview preview = preview_of(scene, DIRECTION_UP);
    assert_int_equal(preview.count, 1);
    assert_obstacle(&preview, 0, "rights", POLICY_REFUSE, "001",
                    "\"Migrator\" does not own orders");
    assert_string_equal(preview.obstacles[0].hint, "GRANT postgres TO \"Migrator\"");
}

static void
who_may_not_even_look_is_told_what_to_grant(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE ROLE \"Visitor\";"
                      "CREATE SCHEMA app; CREATE TABLE app.orders (x int);"
                      "ALTER TABLE probe OWNER TO \"Visitor\"");
    make_invalid_index(scene);
    scene->config.role = "Visitor";
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"},
               {.version = "002", .up = "ALTER TABLE app.orders ADD COLUMN y int"});

    struct preview preview = preview_of(scene, DIRECTION_UP);
    assert_int_equal(preview.count, 2);
    assert_obstacle(&preview, 0, "rights", POLICY_REFUSE, "002",
                    "permission denied for schema app");
    assert_string_equal(preview.obstacles[0].hint, "GRANT USAGE ON SCHEMA app TO \"Visitor\"");
    assert_obstacle(&preview, 1, "invalid_indexes", POLICY_WARN, "001", "half");
}

static void
who_may_not_become_the_migrations_role_is_told_what_to_grant(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE ROLE \"Owner\";"
                      "CREATE ROLE agent LOGIN");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"});
    CLEANUP(mem_free) char *conninfo = mem_format("%s user=agent", scene->conninfo);
    scene->config.conninfo = conninfo;
    scene->config.role = "Owner";

    struct preview preview = preview_of(scene, DIRECTION_UP);
    scene->config.conninfo = scene->conninfo;
    assert_int_equal(preview.count, 1);
    assert_obstacle(&preview, 0, "rights", POLICY_REFUSE, "001", "permission denied to set role");
    assert_string_equal(preview.obstacles[0].hint, "GRANT \"Owner\" TO \"agent\"");
}

static void
who_may_make_nothing_is_told_what_to_grant(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    scene_tell(scene, "CREATE ROLE \"Guest\"; CREATE SCHEMA \"App\"; CREATE SCHEMA open;"
                      "GRANT USAGE ON SCHEMA \"App\" TO \"Guest\";"
                      "GRANT ALL ON SCHEMA open TO \"Guest\"");
    scene->config.role = "Guest";
    scene->config.search_path = "\"App\", open";
    SCENE_PLAN(scene, {.version = "001", .up = "CREATE TABLE open.one (x int)"},
               {.version = "002", .up = "CREATE TABLE two (x int)"},
               {.version = "003", .up = "CREATE TABLE later.three (x int)"});
    struct migration *migrations = scene->bundle->manifest.migrations;
    migrations[0].up.statements[0].creates_in = "open";
    migrations[1].up.statements[0].creates_in = "";
    migrations[2].up.statements[0].creates_in = "later";

    struct preview preview = preview_of(scene, DIRECTION_UP);
    assert_int_equal(preview.count, 1);
    assert_obstacle(&preview, 0, "rights", POLICY_REFUSE, "002",
                    "\"Guest\" may make nothing in the schema \"App\"");
    assert_string_equal(preview.obstacles[0].hint, "GRANT CREATE ON SCHEMA \"App\" TO \"Guest\"");
}

static void
room_is_looked_for_step_by_step(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_new(cluster);
    struct statement_work work = {.schema = "public", .table = "bulk", .kind = WORK_REWRITE};
    scene_tell(scene, "CREATE TABLE bulk AS SELECT i FROM generate_series(1, 100000) i");
    SCENE_PLAN(scene, {.version = "001", .up = "ALTER TABLE probe ADD COLUMN y int"},
               {.version = "002", .up = "ALTER TABLE bulk ALTER i TYPE bigint"});
    struct statement *statement = scene->bundle->manifest.migrations[1].up.statements;
    statement->works = &work;
    statement->work_count = 1;

    scene->config.preflight.room_bytes = 1 << 20;
    scene->config.preflight.of[CHECK_ROOM] = POLICY_HOLD;
    struct preview preview = preview_of(scene, DIRECTION_UP);
    assert_int_equal(preview.count, 1);
    assert_obstacle(&preview, 0, "room", POLICY_HOLD, "002",
                    "it may write 6 MiB, and 1 MiB are free");

    scene->config.preflight.of[CHECK_ROOM] = POLICY_IGNORE;
    assert_int_equal(preview_of(scene, DIRECTION_UP).count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_is_well_has_nothing_said_of_it),
        cmocka_unit_test(
            what_is_found_is_told_the_gravest_first_with_the_step_that_it_stands_against),
        cmocka_unit_test(only_steps_that_are_to_come_are_looked_at),
        cmocka_unit_test(what_was_fine_a_moment_ago_is_looked_at_again),
        cmocka_unit_test(rights_are_asked_for_the_role_and_the_search_path_of_the_migrations),
        cmocka_unit_test(who_may_not_even_look_is_told_what_to_grant),
        cmocka_unit_test(who_may_not_become_the_migrations_role_is_told_what_to_grant),
        cmocka_unit_test(who_may_make_nothing_is_told_what_to_grant),
        cmocka_unit_test(room_is_looked_for_step_by_step),
    };

    return RUN_TESTS_ON(cluster, "max_prepared_transactions = 4", tests);
}
