/* Statements that are to be done in batches, from the file to the manifest. */
#include "tests/unit/migration/reads.h"

static void
a_batch_stands_in_the_manifest(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_up(
        "-- the old ones\n"
        "-- skein: batch key=tenant,id time=1s pause=50ms min=10 max=5000 lag=5s archive=20 busy=8 "
        "autovacuum=hold on_change=continue check=\"SELECT true;\" hold=\"SELECT f()\"\n"
        "UPDATE app.users AS u SET x = x * 2 WHERE g(u.y);\n"
        "-- skein: batch\n"
        "DELETE FROM old;");

    assert_true(reads.succeeded);
    const struct script *script = &reads.bundle->manifest.migrations[0].up;
    assert_false(script->is_transactional);
    assert_int_equal(script->statement_count, 2);
    assert_int_equal(script->batch_count, 2);
    assert_int_equal(script->statements[0].kind, STATEMENT_BATCH);
    assert_int_equal(script->statements[1].kind, STATEMENT_BATCH);
    const struct batch *batch = script_batch(script, 1);
    assert_string_equal(batch->subject.key, "tenant\nid");
    assert_string_equal(batch->subject.schema, "app");
    assert_string_equal(batch->subject.table, "users");
    assert_string_equal(batch->seam.reference, "u");
    assert_string_equal(batch->subject.changed, "x");
    assert_string_equal(batch->subject.predicate, "g");
    assert_string_equal(batch->check, "SELECT true");
    assert_string_equal(batch->pace.hold, "SELECT f()");
    assert_int_equal(batch->pace.time_ms, 1000);
    assert_int_equal(batch->pace.pause_ms, 50);
    assert_int_equal(batch->pace.rows_min, 10);
    assert_int_equal(batch->pace.rows_max, 5000);
    assert_int_equal(batch->pace.lag_ms, 5000);
    assert_int_equal(batch->pace.archive, 20);
    assert_int_equal(batch->pace.busy, 8);
    assert_int_equal(batch->pace.autovacuum, AUTOVACUUM_HOLD);
    assert_int_equal(batch->on_change, CHANGE_CONTINUE);
    assert_null(script_batch(script, 2)->subject.key);
    assert_null(script_batch(script, 3));
}

static void
the_range_goes_into_the_text_as_it_stands_in_the_bundle(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};
    CLEANUP(reads_release)
    struct reads reads = read_up("SET lock_timeout = '1s';\n\n-- skein: batch key=id\n"
                                 "UPDATE t SET x = 'é' WHERE y = 'ü' -- all\n;");

    assert_true(reads.succeeded);
    const struct script *script = &reads.bundle->manifest.migrations[0].up;
    const struct statement *statement = &script->statements[0];
    const char *content = bundle_script_text(reads.bundle, script) + statement->offset;
    struct seam_filling filling = {.range = "id > 5"};
    assert_int_equal(script->lock_timeout_ms, 1000);
    seam_compose(&script->batches[0].seam, content, statement->size, &filling, &text);
    assert_string_equal(text_of(&text),
                        "UPDATE t SET x = 'é' WHERE ( y = 'ü') AND (id > 5) -- all");
}

static void
an_annotation_that_cannot_be_meant_is_refused(void **state)
{
    (void)state;
    const char *const words[][2] = {
        {"key", "1:17"},
        {"key=", "1:21"},
        {"key=a,,b", "1:17"},
        {"time=fast", "1:17"},
        {"pause=-1s", "1:17"},
        {"max=0", "1:17"},
        {"min=1.5", "1:17"},
        {"min=9 max=3", "1:23"},
        {"autovacuum=no", "1:17"},
        {"self=yes", "1:17"},
        {"on_change=maybe", "1:17"},
        {"check=\"DELETE FROM t\"", "1:17"},
        {"hold=\"SELECT 1; SELECT 2\"", "1:17"},
        {"check=\"SELECT FROM FROM\"", "1:17"},
        {"size=5", "1:17"},
        {"key=a key=b", "1:23"},
        {"stage=expand", "1:17"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        CLEANUP(mem_free)
        char *up = mem_format("-- skein: batch %s\nUPDATE t SET x = 1;", words[i][0]);
        assert_refused(up, "E-MIG-ANNOTATION", words[i][1]);
    }
    assert_refused("-- skein: stage=expand batch\nDELETE FROM t;", "E-MIG-ANNOTATION", "1:24");
    assert_refused("DELETE FROM t;\n-- skein: batch\n", "E-MIG-ANNOTATION", "2:11");
    assert_refused("-- skein: batch\n-- skein: batch key=id\nDELETE FROM t;", "E-MIG-ANNOTATION",
                   "2:11");
    assert_refused("-- skein: batch\nSET lock_timeout = 1; DELETE FROM t;", "E-MIG-ANNOTATION",
                   "1:11");
}

static void
a_statement_that_cannot_be_cut_is_refused_at_its_place(void **state)
{
    (void)state;
    assert_refused("-- skein: batch\nUPDATE t SET x = 1\n RETURNING x;", "E-BATCH-RETURNING",
                   "2:1");
    assert_refused("-- skein: batch\nUPDATE t SET x = 'é'\n WHERE 'ü' < random();",
                   "E-BATCH-VOLATILE", "3:14");
    assert_refused("-- skein: batch\nCREATE TABLE t (i int);", "E-BATCH-KIND", "2:1");
    assert_refused("-- skein: batch key=id\nUPDATE t SET id = 1", "E-BATCH-KEY-CHANGED", "2:1");
    assert_accepted("-- skein: batch self=allow\nDELETE FROM t a USING t b WHERE a.i > b.i");
    assert_accepted("-- skein: batch from=b\nINSERT INTO n SELECT 1 FROM a, b");
}

static void
batches_have_a_file_of_their_own(void **state)
{
    (void)state;
    assert_refused("CREATE TABLE n (i int);\n-- skein: batch\nDELETE FROM t;", "E-MIG-MIXED",
                   "2:11");
    assert_refused("BEGIN;\n-- skein: batch\nDELETE FROM t;\nCOMMIT;", "E-MIG-NOTX", "1:1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_stands_in_the_manifest),
        cmocka_unit_test(the_range_goes_into_the_text_as_it_stands_in_the_bundle),
        cmocka_unit_test(an_annotation_that_cannot_be_meant_is_refused),
        cmocka_unit_test(a_statement_that_cannot_be_cut_is_refused_at_its_place),
        cmocka_unit_test(batches_have_a_file_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
