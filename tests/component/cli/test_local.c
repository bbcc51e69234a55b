/* up, down, history on a real PostgreSQL. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "tests/component/cli/program.h"
#include "tests/support/cluster.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

static struct cluster *cluster;
static struct folder files;
static char *database; /* conninfo of the test's own database */

static void
write_migrations(void)
{
    folder_text(&files, "0001_create_orders.up.sql",
                "CREATE TABLE orders (id bigint PRIMARY KEY, email text NOT NULL);\n"
                "INSERT INTO orders SELECT i, 'a' || i FROM generate_series(1, 10) AS i;\n",
                0644);
    folder_text(&files, "0001_create_orders.down.sql", "DROP TABLE orders;\n", 0644);
    folder_text(&files, "0002_index_orders.up.sql",
                "CREATE INDEX CONCURRENTLY orders_by_email ON orders (email);\n", 0644);
    folder_text(&files, "0002_index_orders.down.sql", "DROP INDEX CONCURRENTLY orders_by_email;\n",
                0644);
}

/* A database and files for one test. */
static int
begin(void **state)
{
    (void)state;
    cluster_tell(cluster, "postgres", "DROP DATABASE IF EXISTS shop");
    cluster_tell(cluster, "postgres", "CREATE DATABASE shop");
    files = folder_make();
    write_migrations();
    return 0;
}

static int
end(void **state)
{
    (void)state;
    folder_remove(&files);
    return 0;
}

static struct program_end
say(const char *command, const char *option, const char *value)
{
    return program_say(NULL, command, "--migrations", files.path, "--database", database, option,
                       value);
}

static void
says_that_it_cannot_check_what_a_migration_depends_on(void **state)
{
    (void)state;
    folder_text(&files, "0003_more.up.sql", "-- skein: depends=auth@12\nCREATE TABLE more ();\n",
                0644);
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);

    program_must_end(&up, 0);
    program_must_say(&up, "migration 0003 depends on auth@12");
    CLEANUP(program_forget) struct program_end again = say("up", NULL, NULL);
    assert_null(strstr(again.out, "depends on"));
}

static long
tables(void)
{
    return cluster_count(
        cluster, "shop",
        "SELECT count(*) FROM pg_class WHERE relname = 'orders' AND relkind = 'r'");
}

static void
reads_a_folder_of_two_tools_by_the_rules_of_the_one_that_is_named(void **state)
{
    (void)state;
    folder_remove(&files);
    files = folder_make();
    folder_text(&files, "1_a.sql", "-- +goose Up\nCREATE TABLE orders ();\n", 0644);
    folder_text(&files, "2_b.sql", "-- +goose Up\nCREATE TABLE more ();\n", 0644);
    folder_text(&files, "R__v.sql", "CREATE VIEW v AS SELECT 1;\n", 0644);
    CLEANUP(program_forget) struct program_end two = say("up", NULL, NULL);

    program_must_end(&two, 3);
    program_must_say(&two, "E-MIG-LAYOUT");
    program_must_say(&two, "flyway: 1, such as R__v.sql; goose: 2, such as 1_a.sql");
    assert_int_equal(tables(), 0);
    CLEANUP(program_forget) struct program_end named = say("up", "--layout", "flyway");
    program_must_end(&named, 0);
    program_must_say(&named, "R__v");
    assert_int_equal(tables(), 0);
}

static void
goes_up_and_down_and_remembers(void **state)
{
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);

    (void)state;
    program_must_end(&up, 0);
    program_must_say(&up, "up    0001  create_orders  done");
    program_must_say(&up, "up    0002  index_orders   done");
    assert_int_equal(tables(), 1);

    CLEANUP(program_forget) struct program_end again = say("up", NULL, NULL);
    program_must_end(&again, 0);
    program_must_say(&again, "nothing to do: 0002");

    CLEANUP(program_forget)
    struct program_end history = program_say(NULL, "history", "--database", database, "--json");
    program_must_end(&history, 0);
    json_t *object = json_loads(history.out, 0, NULL);
    const json_t *applied = json_object_get(object, "applied");
    assert_int_equal(json_array_size(applied), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(applied, 1), "version")),
                        "0002");
    json_decref(object);

    CLEANUP(program_forget) struct program_end last = say("down", NULL, NULL);
    program_must_end(&last, 0);
    program_must_say(&last, "down  0002  index_orders  done");
    CLEANUP(program_forget) struct program_end all = say("down", "--to", "0");
    program_must_end(&all, 0);
    assert_int_equal(tables(), 0);
    CLEANUP(program_forget)
    struct program_end empty = program_say(NULL, "history", "--database", database);
    assert_string_equal(empty.out, "nothing is applied\n");
}

static struct program_end
ask_history(const char *option, const char *value)
{
    return program_say(NULL, "history", "--database", database, option, value);
}

static void
does_nothing_where_the_history_was_changed_until_that_is_accepted(void **state)
{
    (void)state;
    CLEANUP(program_forget) struct program_end nothing = ask_history("--verify", NULL);
    program_must_end(&nothing, 0);
    program_must_say(&nothing, "nothing was ever done here");
    CLEANUP(program_forget) struct program_end up = say("up", "--to", "0001");
    program_must_end(&up, 0);
    CLEANUP(program_forget) struct program_end whole = ask_history("--verify", NULL);
    program_must_end(&whole, 0);
    program_must_say(&whole, "rows 1 to 1 of the journal are as they were written");
    cluster_tell(cluster, "shop", "DELETE FROM skein.migration");

    CLEANUP(program_forget) struct program_end torn = ask_history("--verify", NULL);
    program_must_end(&torn, 5);
    program_must_say(&torn, "E-HIST-TAMPERED");
    program_must_say(&torn, "migration 0001: it is not applied, and row 1 of the journal says");
    program_must_say(&torn, "--accept REASON");
    CLEANUP(program_forget) struct program_end refused = say("up", NULL, NULL);
    program_must_end(&refused, 5);
    program_must_say(&refused, "E-HIST-TAMPERED");
    assert_int_equal(cluster_count(cluster, "shop", "SELECT count(*) FROM skein.journal"), 1);
    CLEANUP(program_forget) struct program_end none = ask_history("--accept", "");
    program_must_end(&none, 2);

    cluster_tell(cluster, "shop", "DROP TABLE orders");
    CLEANUP(program_forget)
    struct program_end accepted = ask_history("--accept", "it was dropped by hand");
    program_must_end(&accepted, 0);
    program_must_say(&accepted, "accepted: migration 0001: it is not applied");
    program_must_say(&accepted, "rows 2 to 3 of the journal are as they were written");
    CLEANUP(program_forget) struct program_end again = say("up", NULL, NULL);
    program_must_end(&again, 0);
    program_must_say(&again, "up    0001  create_orders  done");
}

static void
stops_where_it_is_told_to(void **state)
{
    CLEANUP(program_forget) struct program_end up = say("up", "--to", "0001");

    (void)state;
    program_must_end(&up, 0);
    assert_null(strstr(up.out, "0002"));
    CLEANUP(program_forget) struct program_end unknown = say("up", "--to", "0009");
    program_must_end(&unknown, 3);
    program_must_say(&unknown, "E-MIG-MISSING");
    program_must_say(&unknown, "0001 to 0002");
}

static void
refuses_a_file_that_was_changed_after_it_was_applied(void **state)
{
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);

    (void)state;
    program_must_end(&up, 0);
    folder_text(&files, "0002_index_orders.up.sql", "SELECT 1;\n", 0644);
    CLEANUP(program_forget) struct program_end changed = say("up", NULL, NULL);
    program_must_end(&changed, 3);
    program_must_say(&changed, "error[E-MIG-CHECKSUM]");
    program_must_say(&changed, "0002_index_orders.up.sql");
}

static void
refuses_what_is_older_than_what_is_applied_unless_it_is_allowed(void **state)
{
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);

    (void)state;
    program_must_end(&up, 0);
    folder_text(&files, "0000_before.up.sql", "CREATE TABLE before (i int);\n", 0644);
    CLEANUP(program_forget) struct program_end refused = say("up", NULL, NULL);
    program_must_end(&refused, 3);
    program_must_say(&refused, "error[E-MIG-ORDER]");
    CLEANUP(program_forget) struct program_end allowed = say("up", "--out-of-order", NULL);
    program_must_end(&allowed, 0);
    program_must_say(&allowed, "up    0000  before  done");
}

static void
says_where_in_the_file_postgresql_found_the_mistake(void **state)
{
    (void)state;
    folder_text(&files, "0003_bad.up.sql",
                "-- größer\nCREATE TABLE kept (i int);\nSELECT nmae\n  FROM orders;\n", 0644);
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 7);
    program_must_say(&up, "up    0003  bad            failed");
    program_must_say(&up, "error[E-SQL]");
    program_must_say(&up, "0003_bad.up.sql:3:8");
    assert_int_equal(
        cluster_count(cluster, "shop", "SELECT count(*) FROM pg_class WHERE relname = 'kept'"), 0);

    CLEANUP(program_forget) struct program_end json = say("up", "--json", NULL);
    program_must_end(&json, 7);
    json_t *object = json_loads(json.out, 0, NULL);
    const json_t *error = json_object_get(object, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "E-SQL");
    assert_int_equal(json_integer_value(json_object_get(error, "exit")), 7);
    assert_int_equal(json_array_size(json_object_get(object, "steps")), 1);
    json_decref(object);
}

static void
changes_nothing_when_a_file_is_refused(void **state)
{
    (void)state;
    folder_text(&files, "0003_bad.up.sql", "COMMIT;\n", 0644);
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 3);
    program_must_say(&up, "error[E-MIG-TXCTL]");
    program_must_say(&up, "0003_bad.up.sql:1:1");
    assert_int_equal(tables(), 0);
    assert_int_equal(
        cluster_count(cluster, "shop", "SELECT count(*) FROM pg_namespace WHERE nspname = 'skein'"),
        0);
}

static void
refuses_a_batch_that_the_catalog_has_no_key_for(void **state)
{
    (void)state;
    folder_text(&files, "0003_lines.up.sql",
                "CREATE TABLE lines (line text, seen bool);\n"
                "INSERT INTO lines VALUES ('a');\n",
                0644);
    CLEANUP(program_forget) struct program_end up = say("up", NULL, NULL);
    program_must_end(&up, 0);
    folder_text(&files, "0004_more.up.sql", "INSERT INTO lines VALUES ('b');\n", 0644);
    folder_text(&files, "0005_seen.up.sql", "-- skein: batch\nUPDATE lines SET seen = true;\n",
                0644);
    CLEANUP(program_forget) struct program_end refused = say("up", NULL, NULL);
    program_must_end(&refused, 3);
    program_must_say(&refused, "error[E-BATCH-KEY]");
    program_must_say(&refused, "0005_seen.up.sql:2:1");
    assert_int_equal(cluster_count(cluster, "shop", "SELECT count(*) FROM lines"), 1);

    /* What comes before it may make one. */
    folder_text(&files, "0004_more.up.sql", "ALTER TABLE lines ADD PRIMARY KEY (line);\n", 0644);
    CLEANUP(program_forget) struct program_end mended = say("up", NULL, NULL);
    program_must_end(&mended, 0);
    program_must_say(&mended, "note: 0005: the table has no primary key (E-BATCH-KEY), unless what "
                              "comes before it in the plan changes that");
    assert_int_equal(cluster_count(cluster, "shop", "SELECT count(*) FROM lines WHERE seen"), 1);
}

static void
tells_a_database_that_is_not_there(void **state)
{
    (void)state;
    CLEANUP(program_forget)
    struct program_end nowhere = program_say(NULL, "up", "--migrations", files.path, "--database",
                                             "host=/nonexistent dbname=shop");
    program_must_end(&nowhere, 6);
    program_must_say(&nowhere, "error[E-DB-UNREACHABLE]");
    CLEANUP(program_forget)
    struct program_end nonsense =
        program_say(NULL, "up", "--migrations", files.path, "--database", "hst=/nonexistent");
    program_must_end(&nonsense, 2);
    program_must_say(&nonsense, "error[E-CLI-RANGE]");
}

static void
tells_who_was_not_let_in_and_where(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *stranger = cluster_conninfo(cluster, "shop", "stranger");
    CLEANUP(mem_free)
    char *tls = mem_format("host=127.0.0.1 port=%d user=postgres dbname=shop sslmode=verify-full",
                           cluster_port(cluster));
    const struct {
        const char *conninfo, *code, *where, *hint;
    } cases[] = {
        {stranger, "error[E-DB-AUTH]", "stranger@", "pg_hba.conf"},
        {tls, "error[E-DB-TLS]", "postgres@127.0.0.1:", "sslrootcert"},
    };

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(program_forget)
        struct program_end up =
            program_say(NULL, "up", "--migrations", files.path, "--database", cases[i].conninfo);
        program_must_end(&up, 4);
        program_must_say(&up, cases[i].code);
        program_must_say(&up, cases[i].where);
        program_must_say(&up, cases[i].hint);
    }
    assert_int_equal(tables(), 0);
}

static int
start(void **state)
{
    (void)state;
    cluster = cluster_new("listen_addresses = '127.0.0.1'");
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
        cmocka_unit_test_setup_teardown(goes_up_and_down_and_remembers, begin, end),
        cmocka_unit_test_setup_teardown(
            reads_a_folder_of_two_tools_by_the_rules_of_the_one_that_is_named, begin, end),
        cmocka_unit_test_setup_teardown(
            does_nothing_where_the_history_was_changed_until_that_is_accepted, begin, end),
        cmocka_unit_test_setup_teardown(stops_where_it_is_told_to, begin, end),
        cmocka_unit_test_setup_teardown(says_that_it_cannot_check_what_a_migration_depends_on,
                                        begin, end),
        cmocka_unit_test_setup_teardown(refuses_a_file_that_was_changed_after_it_was_applied, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            refuses_what_is_older_than_what_is_applied_unless_it_is_allowed, begin, end),
        cmocka_unit_test_setup_teardown(says_where_in_the_file_postgresql_found_the_mistake, begin,
                                        end),
        cmocka_unit_test_setup_teardown(changes_nothing_when_a_file_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(refuses_a_batch_that_the_catalog_has_no_key_for, begin,
                                        end),
        cmocka_unit_test_setup_teardown(tells_a_database_that_is_not_there, begin, end),
        cmocka_unit_test_setup_teardown(tells_who_was_not_let_in_and_where, begin, end),
    };
    return cmocka_run_group_tests(tests, start, stop) != 0;
}
