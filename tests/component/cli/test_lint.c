/* lint as it is typed: paths, git, formats, fixes, the sizes of a real database. */
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

static int
begin(void **state)
{
    (void)state;
    files = folder_make();
    folder_text(&files, "0001_users.up.sql",
                "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n", 0644);
    folder_text(&files, "0001_users.down.sql", "DROP TABLE users;\n", 0644);
    folder_text(&files, "0002_orders.up.sql", "CREATE TABLE orders (id bigint PRIMARY KEY);\n",
                0644);
    folder_text(&files, "0002_orders.down.sql", "DROP TABLE orders;\n", 0644);
    folder_text(&files, "0003_email_index.up.sql", "CREATE INDEX users_email ON users (email);\n",
                0644);
    folder_text(&files, "0003_email_index.down.sql", "DROP INDEX CONCURRENTLY users_email;\n",
                0644);
    return 0;
}

/* With what git keeps in there. */
static int
end(void **state)
{
    CLEANUP(mem_free) char *command = mem_format("rm -rf '%s/.git'", files.path);

    (void)state;
    assert_int_equal(system(command), 0);
    folder_remove(&files);
    return 0;
}

static void
write_fixed(void)
{
    folder_text(&files, "0003_email_index.up.sql",
                "CREATE INDEX CONCURRENTLY users_email ON users (email);\n", 0644);
}

static void
underlines_what_is_dangerous_and_ends_with_1(void **state)
{
    (void)state;
    CLEANUP(program_forget) struct program_end lint = program_say(files.path, "lint", ".");

    program_must_end(&lint, 1);
    program_must_say(&lint, "0003_email_index.up.sql:1:");
    program_must_say(&lint, "error[SK010]");
    program_must_say(&lint, "| CREATE INDEX users_email ON users (email);");
    program_must_say(&lint, "^");
    program_must_say(&lint, "1 error, 0 warnings, 0 notes in 6 files; --fix can put 1 of them");
}

static void
fixes_what_is_mechanical(void **state)
{
    (void)state;
    CLEANUP(program_forget) struct program_end lint = program_say(files.path, "lint", ".", "--fix");

    program_must_end(&lint, 0);
    program_must_say(&lint, "1 put right\n");
    CLEANUP(program_forget) struct program_end again = program_say(files.path, "lint", ".");
    program_must_end(&again, 0);
}

static void
looks_at_single_files_with_the_history_before_them(void **state)
{
    (void)state;
    CLEANUP(program_forget)
    struct program_end one = program_say(files.path, "lint", "0002_orders.up.sql");
    program_must_end(&one, 0);
    program_must_say(&one, "in 1 file\n");
    CLEANUP(program_forget)
    struct program_end other = program_say(files.path, "lint", "0003_email_index.up.sql");
    program_must_end(&other, 1);
}

static void
passes_over_files_that_belong_to_no_service(void **state)
{
    (void)state;
    folder_text(&files, "skein.yaml", "services: { shop: { migrations: migrations } }\n", 0644);
    CLEANUP(program_forget)
    struct program_end lint = program_say(files.path, "lint", "0003_email_index.up.sql");
    program_must_end(&lint, 0);
    program_must_say(&lint, "in 0 files\n");
}

static void
fails_only_from_the_severity_that_is_asked_for(void **state)
{
    (void)state;
    folder_text(&files, "skein.yaml",
                "services: { shop: { migrations: . } }\nlint: { rules: { SK010: warning } }\n",
                0644);
    CLEANUP(program_forget) struct program_end lint = program_say(files.path, "lint");
    program_must_end(&lint, 0);
    program_must_say(&lint, "warning[SK010]");
    CLEANUP(program_forget)
    struct program_end strict = program_say(files.path, "lint", "shop", "--fail-on", "warning");
    program_must_end(&strict, 1);
}

static void
refuses_what_it_does_not_know(void **state)
{
    (void)state;
    CLEANUP(program_forget) struct program_end path = program_say(files.path, "lint", "nowhere");
    program_must_end(&path, 2);
    program_must_say(&path, "there is no such file, folder or service");

    folder_text(&files, "skein.yaml",
                "services: { shop: { migrations: . } }\nlint: { rules: { SK999: off } }\n", 0644);
    CLEANUP(program_forget) struct program_end rule = program_say(files.path, "lint");
    program_must_end(&rule, 3);
    program_must_say(&rule, "skein.yaml:2:");
}

static json_t *
parsed(const struct program_end *end)
{
    json_t *root = json_loads(end->out, 0, NULL);
    if (!root) {
        fail_msg("no JSON: %s%s", end->out, end->err);
    }
    return root;
}

static void
prints_every_form(void **state)
{
    (void)state;
    CLEANUP(program_forget)
    struct program_end sarif = program_say(files.path, "lint", ".", "--format", "sarif");
    json_t *root = parsed(&sarif);
    assert_string_equal(json_string_value(json_object_get(root, "version")), "2.1.0");
    json_decref(root);
    CLEANUP(program_forget)
    struct program_end json = program_say(files.path, "lint", ".", "--json");
    root = parsed(&json);
    assert_int_equal(json_array_size(json_object_get(root, "findings")), 1);
    json_decref(root);
    CLEANUP(program_forget)
    struct program_end junit = program_say(files.path, "lint", ".", "--format", "junit");
    program_must_end(&junit, 1);
    program_must_say(&junit, "<testsuites name=\"skein lint\" tests=\"1\" failures=\"1\"");
    CLEANUP(program_forget)
    struct program_end github = program_say(files.path, "lint", ".", "--format", "github");
    program_must_say(&github, "::error file=./0003_email_index.up.sql,line=1,");
}

/* ---- git ------------------------------------------------------------------------------------- */

static void
git(const char *words)
{
    CLEANUP(mem_free)
    char *command = mem_format("git -C '%s' -c user.name=t -c user.email=t@example.org "
                               "-c init.defaultBranch=main %s >/dev/null 2>&1",
                               files.path, words);
    assert_int_equal(system(command), 0);
}

static void
reports_what_has_changed_with_the_whole_history_known(void **state)
{
    (void)state;
    git("init -q");
    git("add -A");
    git("commit -q -m all");
    CLEANUP(program_forget)
    struct program_end same = program_say(files.path, "lint", ".", "--changed-since", "main");
    program_must_end(&same, 0);
    program_must_say(&same, "in 0 files\n");

    /* New tables of the change are new, however many files later. */
    folder_text(&files, "0004_carts.up.sql", "CREATE TABLE carts (id bigint PRIMARY KEY);\n", 0644);
    folder_text(&files, "0005_items.up.sql", "CREATE TABLE items (id bigint PRIMARY KEY);\n", 0644);
    folder_text(&files, "0006_index.up.sql",
                "CREATE INDEX carts_id ON carts (id);\nCREATE INDEX a ON orders (id);\n", 0644);
    CLEANUP(program_forget)
    struct program_end more = program_say(files.path, "lint", ".", "--changed-since", "main");
    program_must_end(&more, 1);
    program_must_say(&more, "0006_index.up.sql:2:");
    assert_null(strstr(more.out, "0006_index.up.sql:1:1: error"));
    assert_null(strstr(more.out, "0003_email_index"));
}

static void
refuses_a_revision_that_git_does_not_know(void **state)
{
    (void)state;
    CLEANUP(program_forget)
    struct program_end none = program_say(files.path, "lint", ".", "--changed-since", "main");
    program_must_end(&none, 2);
    git("init -q");
    git("add -A");
    git("commit -q -m all");
    CLEANUP(program_forget)
    struct program_end unknown = program_say(files.path, "lint", ".", "--changed-since", "nobody");
    program_must_end(&unknown, 2);
    program_must_say(&unknown, "git knows no revision 'nobody'");
    CLEANUP(program_forget)
    struct program_end option =
        program_say(files.path, "lint", ".", "--changed-since", "--output=/tmp/x");
    program_must_end(&option, 2);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void
follows_the_sizes_of_a_database(void **state)
{
    (void)state;
    cluster_tell(cluster, "postgres",
                 "DROP TABLE IF EXISTS users; CREATE TABLE users (id bigint, email text)");
    CLEANUP(mem_free) char *database = cluster_conninfo(cluster, "postgres", "postgres");
    CLEANUP(program_forget)
    struct program_end small = program_say(files.path, "lint", ".", "--database", database);
    program_must_end(&small, 0);
    program_must_say(&small, "note[SK010]");
    program_must_say(&small, "users: ");

    cluster_tell(cluster, "postgres",
                 "INSERT INTO users SELECT i, repeat('x', 400) FROM generate_series(1, 40000) i;"
                 "ANALYZE users");
    CLEANUP(program_forget)
    struct program_end grown = program_say(files.path, "lint", ".", "--database", database);
    program_must_end(&grown, 1);
    program_must_say(&grown, "40 thousand rows");
}

static void
follows_the_largest_of_many_databases(void **state)
{
    (void)state;
    cluster_tell(cluster, "postgres", "DROP DATABASE IF EXISTS eu");
    cluster_tell(cluster, "postgres", "CREATE DATABASE eu");
    cluster_tell(cluster, "eu", "CREATE TABLE users (id bigint, email text)");
    cluster_tell(cluster, "postgres",
                 "DROP TABLE IF EXISTS users; CREATE TABLE users AS SELECT i AS id, "
                 "repeat('x', 400) AS email FROM generate_series(1, 40000) i");
    CLEANUP(mem_free) char *one = cluster_conninfo(cluster, "postgres", "postgres");
    CLEANUP(mem_free) char *other = cluster_conninfo(cluster, "eu", "postgres");
    CLEANUP(mem_free)
    char *list = mem_format("# the fleet\n\nprod-us %s\nprod-eu %s\n", one, other);
    const char *path = folder_text(&files, "fleet.txt", list, 0644);
    CLEANUP(program_forget)
    struct program_end lint = program_say(files.path, "lint", ".", "--databases", path);

    program_must_end(&lint, 1);
    program_must_say(&lint, "on prod-us; 2 of 2 targets have it, 0 above 1 GB");
    path = folder_text(&files, "fleet.txt", "prod-us\n", 0644);
    CLEANUP(program_forget)
    struct program_end bare = program_say(files.path, "lint", ".", "--databases", path);
    program_must_end(&bare, 2);
    program_must_say(&bare, "fleet.txt:1");
}

static void
refuses_a_password_on_the_command_line(void **state)
{
    (void)state;
    CLEANUP(program_forget)
    struct program_end secret =
        program_say(files.path, "lint", ".", "--database", "dbname=x password=hunter2");
    program_must_end(&secret, 2);
    assert_null(strstr(secret.err, "hunter2"));
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void
the_rules_are_listed_and_explained(void **state)
{
    (void)state;
    write_fixed();
    CLEANUP(program_forget) struct program_end list = program_say(NULL, "debug", "rules");
    program_must_end(&list, 0);
    program_must_say(&list, "SK010");
    CLEANUP(program_forget) struct program_end page = program_say(NULL, "debug", "rules", "SK010");
    program_must_say(&page, "# SK010: index-not-concurrent");
    CLEANUP(program_forget) struct program_end none = program_say(NULL, "debug", "rules", "SK999");
    program_must_end(&none, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(underlines_what_is_dangerous_and_ends_with_1, begin, end),
        cmocka_unit_test_setup_teardown(fixes_what_is_mechanical, begin, end),
        cmocka_unit_test_setup_teardown(looks_at_single_files_with_the_history_before_them, begin,
                                        end),
        cmocka_unit_test_setup_teardown(passes_over_files_that_belong_to_no_service, begin, end),
        cmocka_unit_test_setup_teardown(fails_only_from_the_severity_that_is_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(refuses_what_it_does_not_know, begin, end),
        cmocka_unit_test_setup_teardown(prints_every_form, begin, end),
        cmocka_unit_test_setup_teardown(reports_what_has_changed_with_the_whole_history_known,
                                        begin, end),
        cmocka_unit_test_setup_teardown(refuses_a_revision_that_git_does_not_know, begin, end),
        cmocka_unit_test_setup_teardown(follows_the_sizes_of_a_database, begin, end),
        cmocka_unit_test_setup_teardown(follows_the_largest_of_many_databases, begin, end),
        cmocka_unit_test_setup_teardown(refuses_a_password_on_the_command_line, begin, end),
        cmocka_unit_test_setup_teardown(the_rules_are_listed_and_explained, begin, end),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
