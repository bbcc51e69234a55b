/* Every pattern of the library, as it stands: it reads, it explains itself, its files are read. */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/migration/reader.h"
#include "common/patterns/draft.h"
#include "tests/support/folder.h"
#include "tests/support/unit.h"

static struct library *library;

static int
open_library(void **state)
{
    (void)state;
    library = library_new();
    return 0;
}

static int
close_library(void **state)
{
    (void)state;
    library_destroy(&library);
    return 0;
}

/* Write what an example makes, and read it back as the migrations of a service. */
static void
check_example(const struct pattern *pattern, const struct pattern_example *example)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    CLEANUP(bundle_destroy) struct bundle *bundle = NULL;
    struct draft_folder place;
    struct filled filled;
    struct draft draft;
    struct error error;

    if (!pattern_fill(pattern, example->settings, example->setting_count, &arena, &filled,
                      &errors)) {
        fail_msg("%s: %s", pattern->name, errors.errors[0].text);
    }
    assert_true(draft_open(folder.path, "auto", false, &arena, &place, &error));
    assert_true(draft_write(&place, "change", &filled, 1760000000000, &arena, &draft, &error));
    if (!migrations_read(folder.path, "app", "pairs", &bundle, &errors, &notes)) {
        fail_msg("%s: %s %s: %s", pattern->name, errors.errors[0].code, errors.errors[0].where,
                 errors.errors[0].text);
    }
    assert_int_equal(bundle->manifest.migration_count, filled.count);
    for (size_t i = 0; i < notes.count; i++) {
        fail_msg("%s: %s %s", pattern->name, notes.errors[i].code, notes.errors[i].text);
    }
    for (size_t i = 0; i < filled.count; i++) {
        const struct migration *migration = &bundle->manifest.migrations[i];
        assert_non_null(migration->stage);
        assert_true(migration->has_down || migration->irreversible);
    }
}

static void
what_every_pattern_makes_is_read_without_a_note(void **state)
{
    size_t count = 0;
    const struct pattern *patterns = library_patterns(library, &count);

    (void)state;
    assert_true(count >= 20);
    for (size_t i = 0; i < count; i++) {
        assert_true(patterns[i].example_count > 0);
        for (size_t j = 0; j < patterns[i].example_count; j++) {
            check_example(&patterns[i], &patterns[i].examples[j]);
        }
    }
}

static void
every_pattern_explains_itself(void **state)
{
    size_t count = 0;
    const struct pattern *patterns = library_patterns(library, &count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(patterns[i].about) > 100);
        assert_true(strlen(patterns[i].title) > 10);
        for (size_t j = 0; j < patterns[i].parameter_count; j++) {
            assert_true(strlen(patterns[i].parameters[j].sentence) > 5);
        }
        assert_true(i == 0 || strcmp(patterns[i - 1].name, patterns[i].name) < 0);
    }
}

static void
a_pattern_that_is_not_there_is_told_with_the_likely_one(void **state)
{
    struct error error;

    (void)state;
    assert_null(library_find(library, "rename_column", &error));
    assert_string_equal(error.code, "E-PATTERN-UNKNOWN");
    assert_string_equal(error.hint, "did you mean rename-column?");
    assert_null(library_find(library, "something quite different", &error));
    assert_non_null(strstr(error.hint, "skein patterns"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_every_pattern_makes_is_read_without_a_note),
        cmocka_unit_test(every_pattern_explains_itself),
        cmocka_unit_test(a_pattern_that_is_not_there_is_told_with_the_likely_one),
    };
    return cmocka_run_group_tests(tests, open_library, close_library) != 0;
}
