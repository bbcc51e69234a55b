/* What the program makes of words, without any coordinator or database. */
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "tests/component/cli/program.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

static struct folder home;

/* End so and say so; and leave nothing behind in the home. */
static void
ends(int status, const char *part, const char *const *words)
{
    CLEANUP(program_forget) struct program_end end = program_run(home.path, words);

    program_must_end(&end, status);
    program_must_say(&end, part);
}

#define ENDS(status, part, ...)                                                                    \
    ends(status, part, (const char *const[]){__VA_ARGS__, (const char *)NULL})

static void
refuses_usage_with_status_2_and_a_suggestion(void **state)
{
    (void)state;
    ENDS(2, "error[E-CLI-USAGE]: unknown command 'aply'\n  hint:  did you mean 'skein apply'?\n",
         "aply");
    ENDS(2, "did you mean --parallel?", "apply", "auth", "--paralel", "3");
    ENDS(2, "argument RUN is missing", "cancel");
    ENDS(2, "error[E-CLI-RANGE]", "apply", "auth", "--parallel", "0");
    ENDS(2, "1..1000", "apply", "auth", "--parallel", "1e9");
}

static void
refuses_names_with_status_3(void **state)
{
    (void)state;
    ENDS(3, "error[E-NAME-SYNTAX]", "plan", "../auth");
    ENDS(3, "error[E-NAME-SYNTAX]", "plan", "\xc3\x28");
    ENDS(3, "[A-Za-z0-9]", "agent", "add", "a\tb", "--key", "x");
}

static void
never_repeats_a_secret(void **state)
{
    CLEANUP(program_forget)
    struct program_end end =
        program_say(home.path, "up", "--database", "postgresql://app:hunter2@localhost/auth");
    CLEANUP(program_forget)
    struct program_end hidden = program_say(home.path, "history", "--database",
                                            "postgresql://localhost/a?pass%77ord=hunter2");

    (void)state;
    program_must_end(&end, 2);
    program_must_say(&end, "E-SECRET-ARGV");
    assert_null(strstr(end.err, "hunter2"));
    program_must_end(&hidden, 2);
    program_must_say(&hidden, "E-SECRET-ARGV");
    assert_null(strstr(hidden.err, "hunter2"));
}

static void
tells_errors_as_json_when_asked_to(void **state)
{
    CLEANUP(program_forget) struct program_end end = program_say(home.path, "aply", "--json");
    json_t *object = json_loads(end.out, 0, NULL);

    (void)state;
    program_must_end(&end, 2);
    assert_string_equal(end.err, "");
    const json_t *error = json_object_get(object, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "E-CLI-USAGE");
    assert_int_equal(json_integer_value(json_object_get(error, "exit")), 2);
    json_decref(object);
}

static void
helps_wherever_it_is_asked_to(void **state)
{
    (void)state;
    ENDS(0, "usage: skein COMMAND", "--help");
    ENDS(0, "usage: skein agent add NAME", "agent", "add", "--help");
    ENDS(0, "usage: skein agent add NAME", "help", "agent", "add");
    ENDS(0, "skein 0.", "--version");
    ENDS(0, "complete -F _skein skein", "completion", "bash");
    ENDS(0, "stateDiagram-v2", "debug", "machines", "step", "--format", "mermaid");
    ENDS(2, "there is no machine", "debug", "machines", "teapot");
}

static void
knows_no_coordinator_until_it_is_told_one(void **state)
{
    (void)state;
    ENDS(3, "error[E-CFG-OPEN]", "runs");
    folder_text(&home, "contexts.yaml", "contexts:\n  a: {endpoint: tcp://x:1, servr: y, key: z}\n",
                0600);
    setenv("SKEIN_CONTEXTS", folder_path(&home, "contexts.yaml"), 1);
    ENDS(3, "error[E-CFG-MISSING]", "runs");
    folder_text(&home, "contexts.yaml", "contexts: {}\nkontexts: {}\n", 0600);
    ENDS(3, "contexts.yaml", "runs");
    folder_text(&home, "contexts.yaml", "contexts: {}\n", 0666);
    ENDS(3, "error[E-CFG-PERM]", "runs");
    unsetenv("SKEIN_CONTEXTS");
}

static void
makes_and_shows_keys_and_keeps_them_private(void **state)
{
    struct stat facts;

    (void)state;
    ENDS(0, "public: ", "keys", "new", "alice", "--dir", ".");
    assert_int_equal(stat(folder_path(&home, "alice.key"), &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    ENDS(3, "error[E-KEY-EXISTS]", "keys", "new", "alice", "--dir", ".");
    CLEANUP(program_forget)
    struct program_end secret = program_say(home.path, "keys", "show", "alice.key");
    CLEANUP(program_forget)
    struct program_end public_half = program_say(home.path, "keys", "show", "alice.pub");
    program_must_end(&secret, 0);
    assert_int_equal(strlen(secret.out), 65);
    assert_string_equal(secret.out, public_half.out);
    ENDS(3, "E-NAME-SYNTAX", "keys", "new", "a/b", "--dir", ".");
    assert_int_equal(chmod(folder_path(&home, "alice.key"), 0644), 0);
    ENDS(3, "error[E-CFG-PERM]", "keys", "show", "alice.key");
}

static void
reads_no_migrations_where_there_are_none(void **state)
{
    (void)state;
    ENDS(3, "--migrations DIR", "plan", "auth");
    ENDS(2, "--migrations is the folder of one service", "plan", "auth", "policy", "--migrations",
         ".");
    ENDS(2, "neither a service of a skein.yaml nor a folder", "debug", "bundle", "nothing");
}

static void
finds_every_mistake_in_a_folder_at_once(void **state)
{
    (void)state;
    folder_text(&home, "0001_a.up.sql", "\\d users\n", 0644);
    folder_text(&home, "0002_b.up.sql", "SELECT 'open;\n", 0644);
    ENDS(3, "error[E-MIG-PSQL]", "debug", "bundle", ".");
    ENDS(3, "error[E-MIG-LEX]", "debug", "bundle", ".");
    ENDS(3, "0001_a.up.sql:1:1", "debug", "bundle", ".");
}

static void
decodes_frames_and_says_what_is_wrong_with_them(void **state)
{
    (void)state;
    ENDS(70, "error[E-PROTO-", "debug", "frame", "00ff");
    ENDS(70, "2 bytes", "debug", "frame", "00 ff");
}

static void
prints_its_own_manual(void **state)
{
    CLEANUP(program_forget) struct program_end end = program_say(home.path, "debug", "manual");

    (void)state;
    program_must_end(&end, 0);
    program_must_say(&end, "### skein apply");
    program_must_say(&end, "| 6 | unreachable");
}

static char *
read_file(const char *path)
{
    char *content = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(getdelim(&content, &size, '\0', file) > 0);
    fclose(file);
    return content;
}

/* The whole of a file in the source tree. */
static char *
read_source(const char *name)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", getenv("SKEIN_SOURCE"), name);

    return read_file(path);
}

static void
has_the_manual_in_the_source_tree_as_it_prints_it(void **state)
{
    (void)state;
    if (!getenv("SKEIN_SOURCE")) {
        skip();
    }
    CLEANUP(program_forget) struct program_end markdown = program_say(NULL, "debug", "manual");
    CLEANUP(program_forget)
    struct program_end man = program_say(NULL, "debug", "manual", "--format", "man");
    CLEANUP(program_forget)
    struct program_end machines = program_say(NULL, "debug", "machines", "--format", "markdown");
    CLEANUP(mem_free) char *machines_kept = read_source("docs/machines.md");
    CLEANUP(program_forget)
    struct program_end errors = program_say(NULL, "debug", "errors", "--format", "markdown");
    CLEANUP(mem_free) char *errors_kept = read_source("docs/errors.md");
    CLEANUP(mem_free) char *markdown_kept = read_source("docs/cli.md");
    CLEANUP(mem_free) char *man_kept = read_source("docs/man/skein.1");
    assert_string_equal(markdown.out, markdown_kept);
    assert_string_equal(man.out, man_kept);
    assert_string_equal(machines.out, machines_kept);
    assert_string_equal(errors.out, errors_kept);
}

/* All codes that `skein debug errors` lists, and how many in the source it does not. */
static const char *codes_listed;
static size_t codes_missing;

/* Look at every "E-…" in a file of the source. */
static int
look_for_codes(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts;
    (void)place;
    if (kind != FTW_F || (!text_ends_with(path, ".c") && !text_ends_with(path, ".h"))) {
        return 0;
    }
    CLEANUP(mem_free) char *content = read_file(path);
    for (const char *at = content; (at = strstr(at, "\"E-"));) {
        char row[48];
        size_t size = strspn(++at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
        bool is_code = at[size] == '"' && at[size - 1] != '-' && size < sizeof row - 4;
        snprintf(row, sizeof row, "| %.*s |", is_code ? (int)size : 0, at);
        if (is_code && !strstr(codes_listed, row)) {
            fprintf(stderr, "%s: %s is not in error_table.c\n", path, row);
            codes_missing++;
        }
    }
    return 0;
}

static void
explains_every_error_in_the_source(void **state)
{
    static const char *const folders[] = {"agent", "common", "coordinator", "proto"};
    CLEANUP(program_forget)
    struct program_end end = program_say(NULL, "debug", "errors", "--format", "markdown");

    (void)state;
    if (!getenv("SKEIN_SOURCE")) {
        skip();
    }
    codes_listed = end.out;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        CLEANUP(mem_free) char *path = mem_format("%s/%s", getenv("SKEIN_SOURCE"), folders[i]);
        assert_int_equal(nftw(path, look_for_codes, 16, FTW_PHYS), 0);
    }
    assert_int_equal(codes_missing, 0);
    ENDS(0, "exit status 3", "help", "E-MIG-CHECKSUM");
    ENDS(2, "there is no error", "help", "E-TEAPOT");
}

static int
make_home(void **state)
{
    (void)state;
    home = folder_make();
    setenv("HOME", home.path, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("SKEIN_CONTEXTS");
    unsetenv("SKEIN_CONTEXT");
    return 0;
}

static int
remove_home(void **state)
{
    (void)state;
    folder_remove(&home);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_usage_with_status_2_and_a_suggestion),
        cmocka_unit_test(refuses_names_with_status_3),
        cmocka_unit_test(never_repeats_a_secret),
        cmocka_unit_test(tells_errors_as_json_when_asked_to),
        cmocka_unit_test(helps_wherever_it_is_asked_to),
        cmocka_unit_test(knows_no_coordinator_until_it_is_told_one),
        cmocka_unit_test(makes_and_shows_keys_and_keeps_them_private),
        cmocka_unit_test(reads_no_migrations_where_there_are_none),
        cmocka_unit_test(finds_every_mistake_in_a_folder_at_once),
        cmocka_unit_test(decodes_frames_and_says_what_is_wrong_with_them),
        cmocka_unit_test(prints_its_own_manual),
        cmocka_unit_test(has_the_manual_in_the_source_tree_as_it_prints_it),
        cmocka_unit_test(explains_every_error_in_the_source),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home) != 0;
}
