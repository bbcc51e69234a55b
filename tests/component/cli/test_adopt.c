/*
 * adopt, and the mirroring behind it: tables as the tools make them, on a real PostgreSQL. Half of
 * what there is was applied by the tool; the rest goes up and one comes back, and the table must
 * have the rows that the tool would have written.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "tests/component/cli/adopt_scenes.h"
#include "tests/component/cli/program.h"
#include "tests/support/cluster.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

#define COUNT 4 /* migrations; the tool has applied the first two */

static struct cluster *cluster;
static struct folder files;
static char *database;

#define SCENES (sizeof adopt_scenes / sizeof *adopt_scenes)

/* ---- the stage ------------------------------------------------------------------------------- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void
write_file(const char *name_format, const char *text_format, int i)
{
    char name[256], text[512];

    snprintf(name, sizeof name, name_format, i, i);
    snprintf(text, sizeof text, text_format, i, i);
    for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(folder_path(&files, name), 0755);
        *slash = '/';
    }
    folder_text(&files, name, text, 0644);
}

#pragma GCC diagnostic pop

static void
set_stage(const struct adopt_scene *scene)
{
    CLEANUP(text_release) struct text project = {0};

    cluster_tell(cluster, "postgres", "DROP DATABASE IF EXISTS shop");
    cluster_tell(cluster, "postgres", "CREATE DATABASE shop");
    files = folder_make();
    mkdir(folder_path(&files, "migrations"), 0755);
    text_format(&project, "services: { shop: { migrations: migrations, layout: %s } }\n",
                scene->layout);
    folder_text(&files, "skein.yaml", text_of(&project), 0644);
    for (int i = 1; i <= COUNT; i++) {
        CLEANUP(mem_free) char *up = mem_format("migrations/%s", scene->file);
        CLEANUP(mem_free) char *down = mem_format("migrations/%s", scene->down_file);
        write_file(up, scene->up, i);
        if (scene->down_file) {
            write_file(down, scene->down, i);
        }
    }
    if (text_equal(scene->tool, "sourcegraph")) {
        write_file("migrations/100%d_t%d/metadata.yaml", "name: t\nparents: []\n", 1);
        write_file("migrations/100%d_t%d/metadata.yaml", "name: t\nparents: [1001]\n", 2);
        write_file("migrations/100%d_t%d/metadata.yaml", "name: t\nparents: [1002]\n", 3);
        write_file("migrations/100%d_t%d/metadata.yaml", "name: t\nparents: [1003]\n", 4);
    }
    cluster_tell(cluster, "shop", scene->table);
    cluster_tell(cluster, "shop", scene->rows);
    cluster_tell(cluster, "shop", "CREATE TABLE t1 (id integer); CREATE TABLE t2 (id integer)");
}

static void
clear_stage(void)
{
    folder_remove(&files);
}

static struct program_end
say(const char *command, const char *option, const char *value)
{
    return program_say(files.path, command, "--database", database, option, value);
}

static long
number_in(const struct program_end *end, const char *name)
{
    json_t *object = json_loads(end->out, 0, NULL);
    const json_t *value = json_object_get(object, name);
    long number =
        json_is_array(value) ? (long)json_array_size(value) : (long)json_integer_value(value);

    json_decref(object);
    return number;
}

static void
state_must_be(const struct adopt_scene *scene, const char *expected)
{
    CLEANUP(mem_free) char *state = cluster_ask(cluster, "shop", scene->state);

    if (!text_equal(state, expected)) {
        fail_msg("%s: the table has\n  %s\nand not\n  %s", scene->tool, state, expected);
    }
}

/* ---- the stories ----------------------------------------------------------------------------- */

static void
play(const struct adopt_scene *scene)
{
    CLEANUP(program_forget) struct program_end early = say("up", NULL, NULL);
    program_must_end(&early, 5);
    program_must_say(&early, "E-ADOPT-NEEDED");
    assert_int_equal(
        cluster_count(cluster, "shop", "SELECT count(*) FROM pg_namespace WHERE nspname = 'skein'"),
        0);

    CLEANUP(program_forget) struct program_end dry = say("adopt", "--dry-run", "--json");
    program_must_end(&dry, 0);
    assert_int_equal(number_in(&dry, "adopted"), 2);
    CLEANUP(program_forget) struct program_end adopted = say("adopt", "--json", NULL);
    program_must_end(&adopted, 0);
    assert_int_equal(number_in(&adopted, "adopted"), 2);
    assert_int_equal(number_in(&adopted, "pending"), COUNT - 2);
    CLEANUP(program_forget) struct program_end again = say("adopt", "--json", NULL);
    program_must_end(&again, 0);
    assert_int_equal(number_in(&again, "adopted"), 0);
    assert_int_equal(number_in(&again, "agreed"), 2);

    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 0);
    state_must_be(scene, scene->after_up);
    if (scene->after_down) {
        CLEANUP(program_forget) struct program_end down = say("down", NULL, NULL);
        program_must_end(&down, 0);
        state_must_be(scene, scene->after_down);
    }
    CLEANUP(program_forget) struct program_end last = say("adopt", "--json", NULL);
    program_must_end(&last, 0);
    assert_int_equal(number_in(&last, "adopted"), 0);
    assert_int_equal(number_in(&last, "agreed"), scene->after_down ? COUNT - 1 : COUNT);
}

static void
goes_on_where_the_tool_has_stopped(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENES; i++) {
        print_message("           %s\n", adopt_scenes[i].tool);
        set_stage(&adopt_scenes[i]);
        play(&adopt_scenes[i]);
        clear_stage();
    }
}

/* A change to the table, and how adopting is refused then. */
static const struct trouble {
    const char *tool, *sql, *code, *found;
} troubles[] = {
    {"golang-migrate", "UPDATE schema_migrations SET dirty = true", "E-ADOPT-FAILED", "force"},
    {"golang-migrate", "UPDATE schema_migrations SET version = 9", "E-ADOPT-UNKNOWN", "9"},
    {"dbmate", "INSERT INTO schema_migrations VALUES ('20190101')", "E-ADOPT-UNKNOWN", "20190101"},
    {"goose", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (77, true)",
     "E-ADOPT-UNKNOWN", "77"},
    {"Flyway", "UPDATE flyway_schema_history SET success = false WHERE installed_rank = 2",
     "E-ADOPT-FAILED", "flyway repair"},
    {"Flyway", "UPDATE flyway_schema_history SET checksum = 5 WHERE installed_rank = 2",
     "E-ADOPT-CHECKSUM", "V1_2__Make_t2.sql"},
    {"sqlx", "UPDATE _sqlx_migrations SET success = false WHERE version = 20242", "E-ADOPT-FAILED",
     "make t2"},
    {"sqlx", "UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 20241", "E-ADOPT-CHECKSUM",
     "20241"},
    {"Prisma", "UPDATE _prisma_migrations SET rolled_back_at = NULL WHERE finished_at IS NULL",
     "E-ADOPT-FAILED", "20240103_t3"},
    {"sourcegraph", "UPDATE migration_logs SET success = NULL WHERE version = 1002",
     "E-ADOPT-FAILED", "1002"},
};

static const struct adopt_scene *
scene_of(const char *tool)
{
    const struct adopt_scene *scene = adopt_scenes;

    while (!text_equal(scene->tool, tool)) {
        scene++;
    }
    return scene;
}

static void
refuses_what_does_not_agree_and_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        const struct trouble *trouble = &troubles[i];
        print_message("           %s: %s\n", trouble->tool, trouble->code);
        set_stage(scene_of(trouble->tool));
        cluster_tell(cluster, "shop", trouble->sql);
        CLEANUP(program_forget) struct program_end end = say("adopt", NULL, NULL);
        program_must_end(&end, 5);
        program_must_say(&end, trouble->code);
        program_must_say(&end, trouble->found);
        CLEANUP(program_forget) struct program_end history = say("history", NULL, NULL);
        program_must_say(&history, "nothing is applied");
        clear_stage();
    }
}

static void
lists_everything_that_is_wrong(void **state)
{
    (void)state;
    set_stage(scene_of("dbmate"));
    cluster_tell(cluster, "shop",
                 "INSERT INTO schema_migrations SELECT '1999' || i FROM"
                 " generate_series(1, 30) i");
    CLEANUP(program_forget) struct program_end end = say("adopt", "--json", NULL);
    program_must_end(&end, 5);
    assert_int_equal(number_in(&end, "others"), 29);
    clear_stage();
}

static void
takes_edited_files_when_that_is_meant(void **state)
{
    (void)state;
    set_stage(scene_of("sqlx"));
    cluster_tell(cluster, "shop", "UPDATE _sqlx_migrations SET checksum = 'x'");
    CLEANUP(program_forget) struct program_end end = say("adopt", "--edited", NULL);
    program_must_end(&end, 0);
    program_must_say(&end, "2 were applied from another text");
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 0);
    clear_stage();
}

static void
sees_that_the_tool_was_used_since(void **state)
{
    const struct adopt_scene *scene = scene_of("dbmate");

    (void)state;
    set_stage(scene);
    CLEANUP(program_forget) struct program_end adopted = say("adopt", NULL, NULL);
    program_must_end(&adopted, 0);
    cluster_tell(cluster, "shop",
                 "CREATE TABLE t3 (); INSERT INTO schema_migrations VALUES"
                 " ('20240003')");
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 5);
    program_must_say(&up, "E-ADOPT-NEEDED");
    CLEANUP(program_forget) struct program_end follows = say("adopt", NULL, NULL);
    program_must_end(&follows, 0);
    program_must_say(&follows, "1 migration adopted");

    cluster_tell(cluster, "shop", "DELETE FROM schema_migrations WHERE version = '20240003'");
    CLEANUP(program_forget) struct program_end apart = say("up", NULL, NULL);
    program_must_end(&apart, 5);
    program_must_say(&apart, "E-ADOPT-CHANGED");
    program_must_say(&apart, "20240003");
    CLEANUP(program_forget) struct program_end behind = say("adopt", NULL, NULL);
    program_must_end(&behind, 5);
    program_must_say(&behind, "E-ADOPT-BEHIND");
    CLEANUP(program_forget) struct program_end journal = say("adopt", "--trust", "journal");
    program_must_end(&journal, 0);
    state_must_be(scene, "20240001,20240002,20240003");
    cluster_tell(cluster, "shop",
                 "DELETE FROM schema_migrations WHERE version = '20240003';"
                 "DROP TABLE t3");
    CLEANUP(program_forget) struct program_end table = say("adopt", "--trust", "table");
    program_must_end(&table, 0);
    CLEANUP(program_forget) struct program_end rest = say("up", NULL, NULL);
    program_must_end(&rest, 0);
    state_must_be(scene, scene->after_up);
    clear_stage();
}

static void
tells_tables_of_one_name_apart(void **state)
{
    (void)state;
    set_stage(scene_of("golang-migrate"));
    cluster_tell(cluster, "shop",
                 "DROP TABLE schema_migrations; CREATE TABLE schema_migrations"
                 " (version varchar(128) PRIMARY KEY); INSERT INTO"
                 " schema_migrations VALUES ('1')");
    CLEANUP(program_forget) struct program_end other = say("adopt", NULL, NULL);
    program_must_end(&other, 5);
    program_must_say(&other, "E-ADOPT-NONE");
    program_must_say(&other, "of dbmate");
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 5);
    program_must_say(&up, "dbmate has migrated this database");

    cluster_tell(cluster, "shop",
                 "ALTER TABLE schema_migrations ADD author text NOT NULL DEFAULT ''; ALTER TABLE "
                 "schema_migrations ALTER author DROP DEFAULT");
    CLEANUP(program_forget) struct program_end nobody = say("up", "--to", "0001");
    program_must_say(&nobody,
                     "t1"); /* nobody's table: the migration itself finds its table there */
    program_must_end(&nobody, 7);
    clear_stage();
}

static void
wants_to_be_told_which_of_several_tables(void **state)
{
    static const char project[] = "services: { shop: { migrations: migrations, history_table:"
                                  " billing.versions } }\n";

    (void)state;
    set_stage(scene_of("golang-migrate"));
    cluster_tell(cluster, "shop",
                 "CREATE SCHEMA a; CREATE SCHEMA b; ALTER TABLE schema_migrations"
                 " SET SCHEMA a; CREATE TABLE b.schema_migrations (LIKE"
                 " a.schema_migrations INCLUDING ALL)");
    CLEANUP(program_forget) struct program_end ambiguous = say("adopt", NULL, NULL);
    program_must_end(&ambiguous, 5);
    program_must_say(&ambiguous, "E-ADOPT-AMBIGUOUS");
    program_must_say(&ambiguous, "history_table: a.schema_migrations");

    cluster_tell(cluster, "shop",
                 "CREATE SCHEMA billing; ALTER TABLE a.schema_migrations SET SCHEMA"
                 " billing; ALTER TABLE billing.schema_migrations RENAME TO"
                 " versions");
    folder_text(&files, "skein.yaml", project, 0644);
    CLEANUP(program_forget) struct program_end named = say("adopt", NULL, NULL);
    program_must_end(&named, 0);
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 0);
    assert_int_equal(cluster_count(cluster, "shop", "SELECT version FROM billing.versions"), 4);
    clear_stage();
}

static void
leaves_the_table_alone_when_it_is_not_to_be_mirrored(void **state)
{
    const struct adopt_scene *scene = scene_of("dbmate");

    (void)state;
    set_stage(scene);
    folder_text(&files, "skein.yaml",
                "services: { shop: { migrations: migrations, mirror_history:"
                " false } }\n",
                0644);
    CLEANUP(program_forget) struct program_end early = say("up", NULL, NULL);
    program_must_end(&early, 5);
    CLEANUP(program_forget) struct program_end adopted = say("adopt", NULL, NULL);
    program_must_end(&adopted, 0);
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 0);
    state_must_be(scene, "20240001,20240002");
    clear_stage();
}

static void
heeds_no_table_when_nothing_is_to_be_adopted(void **state)
{
    const struct adopt_scene *scene = scene_of("golang-migrate");

    (void)state;
    set_stage(scene);
    cluster_tell(cluster, "shop", "DROP TABLE t1; DROP TABLE t2");
    CLEANUP(program_forget) struct program_end refused = say("up", NULL, NULL);
    program_must_end(&refused, 5);
    CLEANUP(program_forget) struct program_end nothing = say("adopt", "--nothing", NULL);
    program_must_end(&nothing, 0);
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 0);
    state_must_be(scene, "2 false");

    /* The owner thinks again. */
    CLEANUP(program_forget) struct program_end after_all = say("adopt", "--trust", "journal");
    program_must_end(&after_all, 0);
    state_must_be(scene, "4 false");
    CLEANUP(program_forget) struct program_end down = say("down", NULL, NULL);
    program_must_end(&down, 0);
    state_must_be(scene, "3 false");
    clear_stage();
}

static void
waits_for_the_tool_to_let_go_of_its_lock(void **state)
{
    (void)state;
    set_stage(scene_of("goose"));
    CLEANUP(mem_free) char *log = mem_format("%s/psql.log", cluster_directory(cluster));
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, "shop", "postgres");
    const char *arguments[] = {
        "psql", "-X", conninfo, "-c", "SELECT pg_advisory_lock(4097083626), pg_sleep(2)", NULL};
    cluster_spawn(arguments, log);
    assert_true(cluster_await(cluster, "shop",
                              "SELECT count(*) FROM pg_locks WHERE locktype ="
                              " 'advisory' AND objid = 4097083626",
                              "1"));
    CLEANUP(program_forget) struct program_end adopted = say("adopt", NULL, NULL);
    program_must_end(&adopted, 0);
    assert_int_equal(cluster_count(cluster, "shop",
                                   "SELECT count(*) FROM pg_locks WHERE locktype ="
                                   " 'advisory' AND objid = 4097083626"),
                     0);
    clear_stage();
}

static void
says_which_right_is_missing(void **state)
{
    const struct adopt_scene *scene = scene_of("dbmate");

    (void)state;
    set_stage(scene);
    cluster_tell(cluster, "shop",
                 "DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN; GRANT CREATE"
                 " ON DATABASE shop TO clerk; GRANT ALL ON SCHEMA public TO clerk;"
                 " GRANT EXECUTE ON FUNCTION pg_control_system() TO clerk");
    CLEANUP(mem_free) char *clerk = cluster_conninfo(cluster, "shop", "clerk");
    CLEANUP(program_forget)
    struct program_end blind = program_say(files.path, "adopt", "--database", clerk);
    program_must_end(&blind, 4);
    program_must_say(&blind, "E-ADOPT-PRIV");
    program_must_say(&blind, "GRANT SELECT ON public.schema_migrations TO \"clerk\"");
    cluster_tell(cluster, "shop", "GRANT SELECT ON schema_migrations TO clerk");
    CLEANUP(program_forget)
    struct program_end adopted = program_say(files.path, "adopt", "--database", clerk);
    program_must_end(&adopted, 0);
    CLEANUP(program_forget)
    struct program_end up = program_say(files.path, "up", "--database", clerk);
    program_must_end(&up, 4);
    program_must_say(&up, "GRANT SELECT, INSERT, UPDATE, DELETE ON public.schema_migrations");
    state_must_be(scene, "20240001,20240002");
    cluster_tell(cluster, "postgres", "DROP DATABASE shop");
    cluster_tell(cluster, "postgres", "DROP ROLE clerk");
    clear_stage();
}

static int
start(void **state)
{
    (void)state;
    cluster = cluster_new(NULL);
    database = cluster_conninfo(cluster, "shop", "postgres");
    setenv("LC_ALL", "C.UTF-8", 1);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    free(database);
    cluster_destroy(&cluster);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_where_the_tool_has_stopped),
        cmocka_unit_test(refuses_what_does_not_agree_and_changes_nothing),
        cmocka_unit_test(lists_everything_that_is_wrong),
        cmocka_unit_test(takes_edited_files_when_that_is_meant),
        cmocka_unit_test(sees_that_the_tool_was_used_since),
        cmocka_unit_test(tells_tables_of_one_name_apart),
        cmocka_unit_test(wants_to_be_told_which_of_several_tables),
        cmocka_unit_test(leaves_the_table_alone_when_it_is_not_to_be_mirrored),
        cmocka_unit_test(heeds_no_table_when_nothing_is_to_be_adopted),
        cmocka_unit_test(waits_for_the_tool_to_let_go_of_its_lock),
        cmocka_unit_test(says_which_right_is_missing),
    };
    return cmocka_run_group_tests(tests, start, stop) != 0;
}
