#include "common/migration/annotation.h"

#include "common/base/random.h"
#include "tests/support/deep.h"
#include "tests/unit/migration/reads.h"

struct parsed {
    struct arena arena;
    struct annotation annotation;
    struct place place;
    struct error error;
    bool is_annotation;
};

static void
parsed_release(struct parsed *parsed)
{
    arena_release(&parsed->arena);
}

static struct parsed
parse(const char *comment)
{
    struct place place = {.offset = 100, .line = 7, .column = 3};
    struct parsed parsed = {0};
    parsed.is_annotation = annotation_parse(comment, strlen(comment), place, &parsed.arena,
                                            &parsed.annotation, &parsed.place, &parsed.error);
    return parsed;
}

static void
words_have_keys_values_and_places(void **state)
{
    (void)state;
    CLEANUP(parsed_release)
    struct parsed parsed =
        parse("-- skein: stage=expand  irreversible=\"é \\\"a\\\" \\\\ b\" noop\r");

    assert_true(parsed.is_annotation);
    assert_int_equal(parsed.annotation.word_count, 3);
    const struct annotation_word *words = parsed.annotation.words;
    assert_string_equal(words[0].key, "stage");
    assert_string_equal(words[0].value, "expand");
    assert_int_equal(words[0].place.line, 7);
    assert_int_equal(words[0].place.column, 13);
    assert_int_equal(words[0].place.offset, 110);
    assert_string_equal(words[1].key, "irreversible");
    assert_string_equal(words[1].value, "é \"a\" \\ b");
    assert_int_equal(words[1].place.column, 27);
    assert_string_equal(words[2].key, "noop");
    assert_null(words[2].value);
    assert_int_equal(words[2].place.column, 55);
}

static void
other_comments_are_no_annotations(void **state)
{
    (void)state;
    static const char *const comments[] = {
        "-- a comment",    "--",      "-- skein takes care of it", "-- skeins: a",
        "-- see skein: x", "-- skein"};

    for (size_t i = 0; i < sizeof comments / sizeof *comments; i++) {
        CLEANUP(parsed_release) struct parsed parsed = parse(comments[i]);
        assert_false(parsed.is_annotation);
        assert_string_equal(parsed.error.code, "");
    }
}

static void
the_blank_behind_the_dashes_may_be_left_out(void **state)
{
    (void)state;
    CLEANUP(parsed_release) struct parsed parsed = parse("--skein:noop");

    assert_true(parsed.is_annotation);
    assert_string_equal(parsed.annotation.words[0].key, "noop");
}

static void
what_is_written_wrongly_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *comment;
        size_t column;
    } rows[] = {{"-- skein:", 12},
                {"-- Skein: noop", 6},
                {"-- skein : noop", 6},
                {"-- skein: =x", 13},
                {"-- skein: Stage=x", 13},
                {"-- skein: stage=", 19},
                {"-- skein: stage= x", 19},
                {"-- skein: stage=a\"b", 20},
                {"-- skein: é stage=\"x", 13},
                {"-- skein: stage=\"é x", 19},
                {"-- skein: a=\"x\"b", 18},
                {"-- skein: a=\x01", 15},
                {"-- skein: a=\"\x01\"", 16},
                {"-- skein: a,b", 14}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(parsed_release) struct parsed parsed = parse(rows[i].comment);
        assert_false(parsed.is_annotation);
        assert_string_equal(parsed.error.code, "E-MIG-ANNOTATION");
        assert_int_equal(parsed.place.line, 7);
        if (parsed.place.column != rows[i].column) {
            fail_msg("%s: column %zu", rows[i].comment, parsed.place.column);
        }
    }
}

static void
any_bytes_are_words_or_refused(void **state)
{
    (void)state;
    static const char alphabet[] = "abz=\"\\ \t-_,:09";
    struct random random = random_seeded(3);

    for (int round = 0; round < 5000; round++) {
        char comment[64] = "-- skein: ";
        size_t size = strlen(comment) + random_below(&random, 40);
        for (size_t i = strlen("-- skein: "); i < size; i++) {
            comment[i] = alphabet[random_below(&random, sizeof alphabet - 1)];
        }
        CLEANUP(parsed_release) struct parsed parsed = parse(comment);
        assert_true(parsed.is_annotation || error_is(&parsed.error, "E-MIG-ANNOTATION"));
        assert_true(parsed.is_annotation || parsed.place.offset <= 100 + size);
    }
}

/* ---- what the words mean --------------------------------------------------------------------- */

static void
keys_of_a_file_reach_the_manifest(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql",
                "-- skein: stage=contract lock_timeout=2s statement_timeout=1m timeout=5m\n"
                "-- skein: irreversible=\"the old names are gone\"\n"
                "-- skein: depends=auth@12 depends=policy@0007\n"
                "SELECT 1;",
                0644);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_true(reads.succeeded);
    const struct migration *migration = &reads.bundle->manifest.migrations[0];
    assert_string_equal(migration->stage, "contract");
    assert_string_equal(migration->irreversible, "the old names are gone");
    assert_string_equal(migration->depends, "auth@12 policy@0007");
    assert_int_equal(migration->up.lock_timeout_ms, 2000);
    assert_int_equal(migration->up.statement_timeout_ms, 60000);
    assert_int_equal(migration->up.timeout_ms, 300000);
    assert_false(migration->has_down);
}

static void
nothing_is_said_when_nothing_is_said(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads reads = read_up("SELECT 1");

    const struct migration *migration = &reads.bundle->manifest.migrations[0];
    assert_null(migration->stage);
    assert_null(migration->irreversible);
    assert_null(migration->depends);
    assert_int_equal(migration->up.lock_timeout_ms, 0);
    assert_int_equal(migration->up.timeout_ms, 0);
}

static void
wrong_words_are_refused_where_they_stand(void **state)
{
    (void)state;
    static const struct {
        const char *annotation, *place, *hint;
    } rows[] = {
        {"stge=expand", "1:11", "did you mean stage?"},
        {"lock_timout=2s", "1:11", "did you mean lock_timeout?"},
        {"something", "1:11", "stage"},
        {"stage", "1:11", "stage=expand"},
        {"stage=\"two words\"", "1:11", "stage=expand"},
        {"transaction=all", "1:11", "transaction=none"},
        {"transaction", "1:11", "transaction=none"},
        {"irreversible", "1:11", "irreversible="},
        {"irreversible=\"\"", "1:11", "irreversible="},
        {"noop timeout=2", "1:16", "250ms"},
        {"noop timeout=0s", "1:16", "250ms"},
        {"noop timeout=31d", "1:16", "250ms"},
        {"noop lock_timeout=-1s", "1:16", "250ms"},
        {"depends=auth", "1:11", "depends=auth@"},
        {"depends=@1", "1:11", "depends=auth@"},
        {"depends=auth@", "1:11", "depends=auth@"},
        {"noop=false", "1:11", "noop"},
        {"stage=a stage=b", "1:19", "leave one"},
        {"noop batch", "1:16", "batch key="},
        {"verify", "1:11", "verify="},
        {"cleanup", "1:11", "verify="},
        {"allow", "1:11", "allow="},
        {"allow=E-MIG-TXCTL", "1:11", "allow="},
        {"allow=SK", "1:11", "allow="},
        {"reason=x", "1:11", "allow="},
        {"until=2027-01-31", "1:11", "allow="},
        {"allow=SK012 until=2027-02-30", "1:23", "until="},
        {"allow=SK012 until=soon", "1:23", "until="},
        {"allow=SK012 reason", "1:23", "reason="},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(mem_free) char *up = mem_format("-- skein: %s\nSELECT 1", rows[i].annotation);
        CLEANUP(reads_release) struct reads reads = read_up(up);
        assert_false(reads.succeeded);
        assert_listed(&reads.errors, "E-MIG-ANNOTATION", "1_a.up.sql", rows[i].place);
        assert_int_equal(reads.errors.count, 1);
        if (!strstr(reads.errors.errors[0].hint, rows[i].hint)) {
            fail_msg("%s: %s", rows[i].annotation, reads.errors.errors[0].hint);
        }
    }
}

static void
keys_of_a_file_stand_above_its_first_statement(void **state)
{
    (void)state;

    assert_refused("SELECT 1;\n  -- skein: stage=expand\nSELECT 2", "E-MIG-ANNOTATION", "2:13");
    assert_accepted("SELECT 1;\n-- skein: allow=SK001 reason=\"small\" until=2027-01-31\nSELECT 2");
}

static void
only_an_up_speaks_for_the_migration(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", "SELECT 1", 0644);
    folder_text(&folder, "1_a.down.sql", "-- skein: stage=expand\nSELECT 1", 0644);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_listed(&reads.errors, "E-MIG-ANNOTATION", "1_a.down.sql", "");
}

static void
time_outs_that_a_file_sets_are_taken_as_its_own(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads said = read_up("SET lock_timeout = '3s';\nSET LOCAL statement_timeout = '1min';\n"
                                "SELECT 1; SELECT 2;");
    CLEANUP(reads_release)
    struct reads annotated = read_up("-- skein: lock_timeout=1s timeout=2s\n"
                                     "SET lock_timeout = 0; SET statement_timeout TO DEFAULT;\n"
                                     "SELECT 1");

    const struct script *script = &said.bundle->manifest.migrations[0].up;
    assert_int_equal(script->statement_count, 2);
    assert_int_equal(script->lock_timeout_ms, 3000);
    assert_int_equal(script->timeout_ms, 120000); /* for each statement; ours is for all */
    script = &annotated.bundle->manifest.migrations[0].up;
    assert_int_equal(script->statement_count, 1);
    assert_int_equal(script->lock_timeout_ms, 1000);
    assert_int_equal(script->timeout_ms, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(words_have_keys_values_and_places),
    cmocka_unit_test(other_comments_are_no_annotations),
    cmocka_unit_test(the_blank_behind_the_dashes_may_be_left_out),
    cmocka_unit_test(what_is_written_wrongly_has_its_place),
    cmocka_unit_test(any_bytes_are_words_or_refused),
    cmocka_unit_test(keys_of_a_file_reach_the_manifest),
    cmocka_unit_test(nothing_is_said_when_nothing_is_said),
    cmocka_unit_test(wrong_words_are_refused_where_they_stand),
    cmocka_unit_test(keys_of_a_file_stand_above_its_first_statement),
    cmocka_unit_test(only_an_up_speaks_for_the_migration),
    cmocka_unit_test(time_outs_that_a_file_sets_are_taken_as_its_own),
};

RUN_DEEP(tests)
