/* new, patterns, init: what is written, and what never is. */
#include <ftw.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "tests/component/cli/program.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

static struct folder home;

static int
begin(void **state)
{
    (void)state;
    home = folder_make();
    return 0;
}

static int
remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts;
    (void)kind;
    (void)place;
    return remove(path);
}

static int
end(void **state)
{
    (void)state;
    return nftw(home.path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *
content_of(const char *path)
{
    char *content = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");

    if (!file || getdelim(&content, &size, '\0', file) <= 0) {
        fail_msg("%s cannot be read", path);
    }
    fclose(file);
    return content;
}

/* How many files in the home have names like this; the path of the first one, if it is wanted. */
static size_t
count_files(const char *pattern, char **first)
{
    glob_t found = {0};

    (void)glob(folder_path(&home, pattern), 0, NULL, &found);
    size_t count = found.gl_pathc;
    if (first) {
        *first = count ? mem_text(found.gl_pathv[0]) : NULL;
    }
    globfree(&found);
    return count;
}

static void
write_project(const char *text)
{
    folder_text(&home, "skein.yaml", text, 0644);
}

#define SAY(...) program_say(home.path, __VA_ARGS__)
#define MUST(status, part, ...)                                                                    \
    do {                                                                                           \
        CLEANUP(program_forget) struct program_end must_said = SAY(__VA_ARGS__);                   \
        program_must_end(&must_said, status);                                                      \
        program_must_say(&must_said, part);                                                        \
    } while (0)

static void
an_empty_one_is_a_pair_that_wants_to_be_filled(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *up = NULL, *newest = NULL;

    write_project("services: { shop: { migrations: db } }\n");
    MUST(0, "_add_email.down.sql", "new", "add_email");
    MUST(0, "_add_phone.verify.sql", "new", "add_phone", "--verify");
    assert_int_equal(count_files("db/*_add_email.*.sql", NULL), 2);
    assert_int_equal(count_files("db/*_add_phone.*.sql", NULL), 3);
    assert_int_equal(count_files("db/*_add_email.up.sql", &up), 1);
    assert_int_equal(count_files("db/*_add_phone.up.sql", &newest), 1);
    assert_true(strcmp(up, newest) < 0);
    assert_int_equal(strspn(strrchr(up, '/') + 1, "0123456789"), 14);
    CLEANUP(mem_free) char *content = content_of(up);
    assert_non_null(strstr(content, "-- What is to be done"));
    MUST(3, "E-MIG-EMPTY", "debug", "bundle", "shop");
}

static void
a_pattern_makes_its_set_in_order(void **state)
{
    (void)state;
    write_project("services: { shop: { migrations: db } }\n");
    CLEANUP(program_forget)
    struct program_end said = SAY("new", "unique_email", "--pattern", "unique", "--set",
                                  "table=users", "--set", "columns=email", "--json");
    program_must_end(&said, 0);
    json_t *object = json_loads(said.out, 0, NULL);
    const json_t *files = json_object_get(object, "files");
    assert_int_equal(json_array_size(files), 5);
    assert_true(text_ends_with(json_string_value(json_array_get(files, 0)),
                               "_unique_email_create_index.up.sql"));
    assert_true(text_ends_with(json_string_value(json_array_get(files, 4)),
                               "_unique_email_add_constraint.down.sql"));
    json_decref(object);
    MUST(0, "add_constraint", "debug", "bundle", "shop");
}

static void
all_mistakes_are_told_and_nothing_is_written(void **state)
{
    (void)state;
    write_project("services: { shop: { migrations: db } }\n");
    CLEANUP(program_forget)
    struct program_end said = SAY("new", "x", "--pattern", "check", "--set", "table=Users", "--set",
                                  "chek=1", "--set", "nothing");
    program_must_end(&said, 3);
    program_must_say(&said, "E-PATTERN-VALUE");
    program_must_say(&said, "did you mean check?");
    program_must_say(&said, "E-PATTERN-SET");
    program_must_say(&said, "E-PATTERN-MISSING");
    assert_int_equal(count_files("db", NULL), 0);

    MUST(3, "E-PATTERN-UNKNOWN", "new", "x", "--pattern", "chekc");
    MUST(3, "did you mean check?", "patterns", "chekc");
    MUST(2, "--set is for the parameters of a pattern", "new", "x", "--set", "a=b");
    MUST(3, "E-NAME-SYNTAX", "new", "AddEmail");
    MUST(3, "E-NAME-SYNTAX", "new", "1_add");
    MUST(7, "E-OUTPUT", "new", "x", "--migrations", "/proc/nothing");
}

static void
the_service_is_named_where_there_are_several(void **state)
{
    (void)state;
    write_project("services: { shop: { migrations: a }, auth: { migrations: b, gaps: refuse } }\n");
    MUST(2, "services: shop, auth", "new", "x");
    MUST(3, "E-SVC-UNKNOWN", "new", "x", "--service", "shpo");
    MUST(0, "b/1_first.up.sql", "new", "first", "--service", "auth");
    MUST(0, "b/2_second.up.sql", "new", "second", "--service", "auth");
    MUST(0, "c/d/", "new", "third", "--migrations", "c/d");
    assert_int_equal(count_files("c/d/*_third.*.sql", NULL), 2);
}

static void
another_layout_is_refused_with_those_that_are_supported(void **state)
{
    (void)state;
    write_project("services: { shop: { migrations: db, layout: flyway } }\n");
    MUST(3, "supported: pairs", "new", "x");
    assert_int_equal(count_files("db", NULL), 0);
}

static void
the_library_is_listed_and_explained(void **state)
{
    (void)state;
    MUST(0, "rename-column", "patterns");
    MUST(0, "a trigger keeps the two in step", "patterns", "rename-column");
    CLEANUP(program_forget) struct program_end said = SAY("patterns", "--json");
    program_must_end(&said, 0);
    json_t *object = json_loads(said.out, 0, NULL);
    assert_true(json_array_size(json_object_get(object, "patterns")) >= 20);
    json_decref(object);
}

static void
the_page_in_the_source_tree_is_as_it_is_printed(void **state)
{
    (void)state;
    if (!getenv("SKEIN_SOURCE")) {
        skip();
    }
    CLEANUP(mem_free) char *path = mem_format("%s/docs/patterns.md", getenv("SKEIN_SOURCE"));
    CLEANUP(mem_free) char *kept = content_of(path);
    CLEANUP(program_forget)
    struct program_end printed = SAY("patterns", "--format", "markdown");
    assert_string_equal(printed.out, kept);
}

/* ---- init -------------------------------------------------------------------------------------
 */

static const char *const initial[] = {"skein.yaml", ".pre-commit-config.yaml",
                                      ".github/workflows/skein.yml", ".gitlab/skein.yml",
                                      ".gitlab-ci.yml"};

/* Whether a file is YAML, and nothing in braces was left standing. */
static void
must_be_yaml(const char *name)
{
    CLEANUP(mem_free) char *content = content_of(folder_path(&home, name));
    yaml_parser_t parser;
    yaml_event_t event;
    bool is_over = false;

    assert_true(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)content, strlen(content));
    while (!is_over) {
        if (!yaml_parser_parse(&parser, &event)) {
            fail_msg("%s: %s in line %zu", name, parser.problem, parser.problem_mark.line + 1);
        }
        is_over = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    assert_null(strstr(content, "{service}"));
    assert_null(strstr(content, "{version}"));
    assert_null(strstr(content, "{repository}"));
}

static void
a_project_begins_with_files_that_work(void **state)
{
    (void)state;
    MUST(0, "made  .github/workflows/skein.yml", "init", ".", "--service", "shop");
    for (size_t i = 0; i < sizeof initial / sizeof *initial; i++) {
        must_be_yaml(initial[i]);
    }
    MUST(0, "services/shop/migrations/", "new", "first_one");
    CLEANUP(mem_free)
    char *workflow = content_of(folder_path(&home, ".github/workflows/skein.yml"));
    CLEANUP(mem_free) char *job = content_of(folder_path(&home, ".gitlab/skein.yml"));
    CLEANUP(mem_free) char *hooks = content_of(folder_path(&home, ".pre-commit-config.yaml"));
    assert_non_null(strstr(workflow, "skein lint --changed-since origin/main"));
    assert_non_null(strstr(workflow, "container: debian:12"));
    assert_non_null(strstr(job, "skein lint --changed-since origin/main"));
    assert_non_null(strstr(hooks, "entry: skein lint"));
}

static void
what_is_there_is_kept(void **state)
{
    (void)state;
    write_project("services: { shop: { migrations: db } }\n");
    folder_text(&home, ".gitlab-ci.yml", "mine: true\n", 0644);
    MUST(0, "kept  skein.yaml", "init");
    MUST(0, "add to it \"include: [{local: .gitlab/skein.yml}]\"", "init");
    CLEANUP(mem_free) char *kept = content_of(folder_path(&home, ".gitlab-ci.yml"));
    assert_string_equal(kept, "mine: true\n");
    assert_int_equal(count_files("services", NULL), 0);

    CLEANUP(program_forget) struct program_end said = SAY("init", "--json");
    program_must_end(&said, 0);
    json_t *object = json_loads(said.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(object, "made")), 0);
    assert_int_equal(json_array_size(json_object_get(object, "kept")), 5);
    json_decref(object);
}

static void
hooks_come_from_a_repository_that_has_them(void **state)
{
    (void)state;
    if (!getenv("SKEIN_SOURCE")) {
        skip();
    }
    MUST(0, "made", "init", "--repository", "https://git.example/skein.git");
    CLEANUP(mem_free) char *path = mem_format("%s/.pre-commit-hooks.yaml", getenv("SKEIN_SOURCE"));
    CLEANUP(mem_free) char *ours = content_of(path);
    CLEANUP(mem_free) char *theirs = content_of(folder_path(&home, ".pre-commit-config.yaml"));
    assert_non_null(strstr(ours, "- id: skein-lint\n"));
    assert_non_null(strstr(ours, "entry: skein lint\n"));
    assert_non_null(strstr(theirs, "- id: skein-lint\n"));
    assert_non_null(strstr(theirs, "repo: https://git.example/skein.git\n"));
    for (size_t i = 0; i < sizeof initial / sizeof *initial; i++) {
        must_be_yaml(initial[i]);
    }
    MUST(2, "no URL", "init", "elsewhere", "--repository", "x\" y");
    MUST(3, "E-NAME-SYNTAX", "init", "elsewhere", "--service", "a/b");
    assert_int_equal(count_files("elsewhere", NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_one_is_a_pair_that_wants_to_be_filled, begin, end),
        cmocka_unit_test_setup_teardown(a_pattern_makes_its_set_in_order, begin, end),
        cmocka_unit_test_setup_teardown(all_mistakes_are_told_and_nothing_is_written, begin, end),
        cmocka_unit_test_setup_teardown(the_service_is_named_where_there_are_several, begin, end),
        cmocka_unit_test_setup_teardown(another_layout_is_refused_with_those_that_are_supported,
                                        begin, end),
        cmocka_unit_test_setup_teardown(the_library_is_listed_and_explained, begin, end),
        cmocka_unit_test_setup_teardown(the_page_in_the_source_tree_is_as_it_is_printed, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_project_begins_with_files_that_work, begin, end),
        cmocka_unit_test_setup_teardown(what_is_there_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(hooks_come_from_a_repository_that_has_them, begin, end),
    };
    setenv("LC_ALL", "C.UTF-8", 1);
    return RUN_TESTS(tests);
}
