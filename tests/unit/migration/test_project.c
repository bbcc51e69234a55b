#include "common/migration/project.h"

#include "tests/unit/migration/reads.h"

static struct folder
make_project(const char *yaml)
{
    struct folder folder = folder_make();
    folder_text(&folder, PROJECT_FILE, yaml, 0644);
    return folder;
}

static void
assert_wrong(const char *yaml, const char *code, const char *place)
{
    CLEANUP(folder_remove) struct folder folder = make_project(yaml);
    CLEANUP(project_destroy) struct project *project = NULL;
    struct error error;

    assert_false(project_open(folder.path, &project, &error));
    assert_null(project);
    if (!text_starts_with(error.code, code) || !strstr(error.where, place)) {
        fail_msg("%s: %s at %s (%s)", yaml, error.code, error.where, error.text);
    }
}

static void
services_are_read_with_their_folders(void **state)
{
    (void)state;
    CLEANUP(folder_remove)
    struct folder folder = make_project("services:\n"
                                        "  auth:\n"
                                        "    migrations: services/auth\n"
                                        "    layout: pairs\n"
                                        "    seed: seed.sql\n"
                                        "    gaps: refuse\n"
                                        "    accept: [E-MIG-IDENT, E-MIG-EMPTY]\n"
                                        "    lock_timeout: 1s\n"
                                        "    statement_timeout: 1m\n"
                                        "    timeout: 5m\n"
                                        "    history_table: app.versions\n"
                                        "    mirror_history: false\n"
                                        "  policy: { migrations: policy }\n"
                                        "lint: { rules: { SK012: off } }\n"
                                        "test: { thresholds: { small: 1s } }\n");
    CLEANUP(project_destroy) struct project *project = NULL;
    struct error error;

    if (!project_open(folder.path, &project, &error)) {
        fail_msg("%s: %s", error.where, error.text);
    }

    assert_int_equal(project->service_count, 2);
    const struct project_service *auth = project_find(project, "auth", &error);
    assert_true(text_ends_with(auth->migrations, "/services/auth"));
    assert_string_equal(auth->layout, "pairs");
    assert_true(text_ends_with(auth->seed, "/seed.sql"));
    assert_false(auth->has_gaps);
    assert_int_equal(auth->accepted, ACCEPT_NAMES | ACCEPT_EMPTY);
    assert_int_equal(auth->lock_timeout_ms, 1000);
    assert_int_equal(auth->statement_timeout_ms, 60000);
    assert_int_equal(auth->timeout_ms, 300000);
    const struct project_service *policy = project_find(project, "policy", &error);
    assert_string_equal(policy->layout, "auto");
    assert_null(policy->seed);
    assert_true(policy->has_gaps);
    assert_int_equal(policy->accepted, ACCEPT_NOTHING);
    assert_string_equal(auth->history_table, "app.versions");
    assert_true(auth->has_no_mirror);
    assert_null(policy->history_table);
    assert_false(policy->has_no_mirror);
    assert_null(project_find(project, "polcy", &error));
    assert_string_equal(error.code, "E-SVC-UNKNOWN");
    assert_string_equal(error.hint, "did you mean policy?");
}

static void
flyways_names_are_those_that_its_own_settings_say(void **state)
{
    (void)state;
    CLEANUP(folder_remove)
    struct folder folder = make_project("services:\n"
                                        "  a:\n"
                                        "    migrations: a\n"
                                        "    flyway:\n"
                                        "      sqlMigrationPrefix: \"\"\n"
                                        "      sqlMigrationSeparator: '-'\n"
                                        "      sqlMigrationSuffixes: [.ddl, .sql]\n"
                                        "  b: { migrations: b }\n");
    CLEANUP(project_destroy) struct project *project = NULL;
    struct error error;

    if (!project_open(folder.path, &project, &error)) {
        fail_msg("%s: %s", error.where, error.text);
    }

    const struct naming *naming = project->services[0].naming;
    assert_string_equal(naming->versioned, "");
    assert_string_equal(naming->undo, "U");
    assert_string_equal(naming->repeatable, "R");
    assert_string_equal(naming->separator, "-");
    assert_int_equal(naming->suffix_count, 2);
    assert_string_equal(naming->suffixes[0], ".ddl");
    assert_ptr_equal(project_source(&project->services[0]).naming, naming);
    assert_null(project->services[1].naming);
}

static void
several_folders_lie_in_the_one_that_they_share(void **state)
{
    (void)state;
    CLEANUP(folder_remove)
    struct folder folder = make_project("services:\n"
                                        "  a: { migrations: [db/core, db/shop/extra] }\n"
                                        "  b: { migrations: [x, y/z] }\n"
                                        "  c: { migrations: c }\n");
    CLEANUP(project_destroy) struct project *project = NULL;
    struct error error;

    if (!project_open(folder.path, &project, &error)) {
        fail_msg("%s: %s", error.where, error.text);
    }

    const struct project_service *a = &project->services[0], *b = &project->services[1];
    assert_true(text_ends_with(a->migrations, "/db"));
    assert_int_equal(a->folder_count, 2);
    assert_string_equal(a->folders[0], "core");
    assert_string_equal(a->folders[1], "shop/extra");
    assert_string_equal(b->migrations, project->root);
    assert_string_equal(b->folders[1], "y/z");
    assert_int_equal(project_source(b).folder_count, 2);
    assert_int_equal(project->services[2].folder_count, 0);
}

static void
folders_that_cannot_be_told_apart_are_refused(void **state)
{
    (void)state;

    assert_wrong("services: { a: { migrations: [db, db/a] } }\n", "E-CFG-RANGE", ":1:");
    assert_wrong("services: { a: { migrations: [db/a, db/a] } }\n", "E-CFG-RANGE", ":1:");
    assert_wrong("services: { a: { migrations: [] } }\n", "E-CFG-RANGE", ":1:");
    assert_wrong("services: { a: { migrations: [a, ../b] } }\n", "E-CFG-RANGE", ":1:");
    assert_wrong("services: { a: { migrations: [a, /b] } }\n", "E-CFG-RANGE", ":1:");
    assert_wrong("services: { a: { migrations: [a, {}] } }\n", "E-CFG-RANGE", ":1:");
}

#define FLYWAY(settings) "services: { a: { migrations: a, flyway: { " settings " } } }\n"

static void
names_that_flyway_could_not_tell_apart_are_refused(void **state)
{
    (void)state;

    assert_wrong(FLYWAY("sqlMigrationPrefix: R"), "E-CFG-RANGE", ":1:");
    assert_wrong(FLYWAY("sqlMigrationSeparator: ''"), "E-CFG-RANGE", ":1:");
    assert_wrong(FLYWAY("sqlMigrationSuffixes: []"), "E-CFG-RANGE", ":1:");
    assert_wrong(FLYWAY("sqlMigrationSuffixes: ['']"), "E-CFG-RANGE", ":1:");
    assert_wrong(FLYWAY("sqlMigrationSuffixes: .sql"), "E-CFG-TYPE", ":1:");
    assert_wrong(FLYWAY("sqlMigrationPrefx: X"), "E-CFG-UNKNOWN", ":1:");
}

static void
a_files_own_time_outs_come_before_those_of_its_service(void **state)
{
    (void)state;
    CLEANUP(folder_remove)
    struct folder folder = make_project("services:\n  auth: { migrations: m, lock_timeout: 1s,"
                                        " statement_timeout: 1m, timeout: 5m }\n");
    CLEANUP(project_destroy) struct project *project = NULL;
    CLEANUP(bundle_destroy) struct bundle *bundle = NULL;
    CLEANUP(error_list_release) struct error_list errors = {0};
    CLEANUP(error_list_release) struct error_list notes = {0};
    struct error error;
    assert_int_equal(mkdir(folder_path(&folder, "m"), 0700), 0);
    folder_text(&folder, "m/1_a.up.sql", "SELECT 1", 0644);
    folder_text(&folder, "m/2_b.up.sql",
                "-- skein: lock_timeout=2s statement_timeout=3s timeout=4s\nSELECT 1", 0644);
    assert_true(project_open(folder.path, &project, &error));

    assert_true(project_read_service(&project->services[0], &bundle, &errors, &notes));
    const struct migration *migrations = bundle->manifest.migrations;
    assert_int_equal(migrations[0].up.lock_timeout_ms, 1000);
    assert_int_equal(migrations[0].up.statement_timeout_ms, 60000);
    assert_int_equal(migrations[0].up.timeout_ms, 300000);
    assert_int_equal(migrations[1].up.lock_timeout_ms, 2000);
    assert_int_equal(migrations[1].up.statement_timeout_ms, 3000);
    assert_int_equal(migrations[1].up.timeout_ms, 4000);
}

static void
the_file_is_found_upward(void **state)
{
    (void)state;
    CLEANUP(folder_remove)
    struct folder folder = make_project("services: { auth: { migrations: m } }");
    CLEANUP(project_destroy) struct project *project = NULL;
    struct error error;
    assert_int_equal(mkdir(folder_path(&folder, "a"), 0700), 0);
    assert_int_equal(mkdir(folder_path(&folder, "a/b"), 0700), 0);

    assert_true(project_open(folder_path(&folder, "a/b"), &project, &error));

    assert_true(text_ends_with(project->file, "/skein.yaml"));
    assert_int_equal(rmdir(folder_path(&folder, "a/b")), 0);
}

static void
from_inside_paths_are_short(void **state)
{
    (void)state;
    CLEANUP(folder_remove)
    struct folder folder = make_project("services: { auth: { migrations: m } }");
    CLEANUP(project_destroy) struct project *project = NULL;
    CLEANUP(mem_free) char *before = realpath(".", NULL);
    struct error error;

    assert_int_equal(chdir(folder.path), 0);
    bool is_open = project_open(".", &project, &error);
    assert_int_equal(chdir(before), 0);

    assert_true(is_open);
    assert_string_equal(project->file, "skein.yaml");
    assert_string_equal(project->services[0].migrations, "m");
}

static void
no_file_anywhere_says_how_to_make_one(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(project_destroy) struct project *project = NULL;
    struct error error;

    assert_false(project_open(folder.path, &project, &error));
    assert_string_equal(error.code, "E-CFG-OPEN");
    assert_non_null(strstr(error.hint, "skein init"));
}

static void
what_is_wrong_in_it_has_its_place(void **state)
{
    (void)state;

    assert_wrong("", "E-CFG-", "skein.yaml");
    assert_wrong("lint: {}\n", "E-CFG-MISSING", "skein.yaml");
    assert_wrong("services: {}\n", "E-CFG-MISSING", "skein.yaml");
    assert_wrong("services:\n  auth: {}\n", "E-CFG-MISSING", "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: a, laout: pairs }\n", "E-CFG-UNKNOWN",
                 "skein.yaml:2:26");
    assert_wrong("service:\n  auth: { migrations: a }\n", "E-CFG-", "skein.yaml");
    assert_wrong("services:\n  auth: { migrations: /etc }\n", "E-MIG-PATH", "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: ../x }\n", "E-MIG-PATH", "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: a/../../x }\n", "E-MIG-PATH", "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: '' }\n", "E-MIG-PATH", "skein.yaml:2");
    assert_wrong("services:\n  a b: { migrations: a }\n", "E-NAME-SYNTAX", "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: a, gaps: some }\n", "E-CFG-", "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: a, accept: [E-MIG-LEX] }\n", "E-CFG-RANGE",
                 "skein.yaml:2:35");
    assert_wrong("services:\n  auth: pairs\n", "E-CFG-TYPE", "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: a, history_table: '' }\n", "E-CFG-RANGE",
                 "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: a, mirror_history: perhaps }\n", "E-CFG-TYPE",
                 "skein.yaml:2");
    assert_wrong("services:\n  auth: { migrations: a, mirror_histori: false }\n", "E-CFG-UNKNOWN",
                 "skein.yaml:2");
}

static void
a_service_is_read_as_its_project_says(void **state)
{
    (void)state;
    CLEANUP(folder_remove)
    struct folder folder = make_project("services:\n"
                                        "  auth: { migrations: ., gaps: refuse }\n"
                                        "  free: { migrations: ., accept: [E-MIG-EMPTY] }\n");
    CLEANUP(project_destroy) struct project *project = NULL;
    struct error error;
    folder_text(&folder, "1_a.up.sql", "SELECT 1", 0644);
    folder_text(&folder, "3_a.up.sql", "SELECT 1", 0644);
    assert_true(project_open(folder.path, &project, &error));

    CLEANUP(reads_release) struct reads strict = {0};
    CLEANUP(reads_release) struct reads free_reads = {0};
    assert_false(
        project_read_service(&project->services[0], &strict.bundle, &strict.errors, &strict.notes));
    folder_text(&folder, "2_a.up.sql", "", 0644);
    assert_true(project_read_service(&project->services[1], &free_reads.bundle, &free_reads.errors,
                                     &free_reads.notes));

    assert_null(strict.bundle);
    assert_listed(&strict.errors, "E-MIG-GAP", "3_a.up.sql", "");
    assert_int_equal(free_reads.bundle->manifest.migration_count, 3);
}

static void
placeholders_and_files_run_as_they_stand_are_lists(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(project_destroy) struct project *project = NULL;
    CLEANUP(reads_release) struct reads reads = {0};
    struct error error;
    folder_text(&folder, "skein.yaml",
                "services:\n  a:\n    migrations: m\n    layout: flyway\n    substitutions: "
                "{ \"${schema}\": app, \"${empty}\": \"\" }\n    raw: [V2__b.sql]\n",
                0644);
    folder_text(&folder, "m/V1__a.sql", "CREATE TABLE ${schema}.t${empty} (a int);", 0644);
    folder_text(&folder, "m/V2__b.sql", "SELECT FROM (SELECT 1);", 0644);

    assert_true(project_open(folder.path, &project, &error));
    assert_true(
        project_read_service(&project->services[0], &reads.bundle, &reads.errors, &reads.notes));

    const struct migration *first = &reads.bundle->manifest.migrations[0];
    assert_memory_equal(bundle_script_text(reads.bundle, &first->up), "CREATE TABLE app.t (a int);",
                        first->up.size);
    assert_int_equal(reads.bundle->manifest.migrations[1].up.statements[0].kind, STATEMENT_SCRIPT);
}

static void
lists_of_another_kind_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *line, *place;
    } rows[] = {{"substitutions: [a]", "4:20"},
                {"substitutions: { \"\": a }", "4:26"},
                {"substitutions: { a: [b] }", "4:25"},
                {"raw: a.sql", "4:10"},
                {"raw: [{ a: b }]", "4:11"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        CLEANUP(project_destroy) struct project *project = NULL;
        CLEANUP(mem_free)
        char *text = mem_format("services:\n  a:\n    migrations: m\n    %s\n", rows[i].line);
        struct error error;
        folder_text(&folder, "skein.yaml", text, 0644);
        assert_false(project_open(folder.path, &project, &error));
        assert_string_equal(error.code, "E-CFG-TYPE");
        assert_true(ends_with_place(error.where, "skein.yaml", rows[i].place));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_read_with_their_folders),
        cmocka_unit_test(several_folders_lie_in_the_one_that_they_share),
        cmocka_unit_test(folders_that_cannot_be_told_apart_are_refused),
        cmocka_unit_test(flyways_names_are_those_that_its_own_settings_say),
        cmocka_unit_test(names_that_flyway_could_not_tell_apart_are_refused),
        cmocka_unit_test(a_files_own_time_outs_come_before_those_of_its_service),
        cmocka_unit_test(the_file_is_found_upward),
        cmocka_unit_test(from_inside_paths_are_short),
        cmocka_unit_test(no_file_anywhere_says_how_to_make_one),
        cmocka_unit_test(what_is_wrong_in_it_has_its_place),
        cmocka_unit_test(a_service_is_read_as_its_project_says),
        cmocka_unit_test(placeholders_and_files_run_as_they_stand_are_lists),
        cmocka_unit_test(lists_of_another_kind_are_refused_with_their_place),
    };
    return RUN_TESTS(tests);
}
