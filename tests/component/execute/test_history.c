/* A history that somebody has changed: it is found, named, not written to, and can be accepted. */
#include "tests/component/execute/scene.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/sitting.h"

static struct cluster *cluster;

static const struct sketch sketches[] = {
    {.version = "001", .up = "INSERT INTO probe VALUES ('one')", .down = "DELETE FROM probe"},
    {.version = "002", .up = "INSERT INTO probe VALUES ('two')", .down = "SELECT 1"},
    {.version = "003", .up = "CREATE INDEX CONCURRENTLY three ON probe (what)"},
    {.version = "004", .up = "SELECT 1/0"},
    {.version = "005", .up = "INSERT INTO probe VALUES ('five')"},
};

/* What would be different had anything been written. */
static const char everything[] =
    "SELECT md5((SELECT string_agg(j::text, ' ' ORDER BY number) FROM skein.journal j)"
    " || (SELECT coalesce(string_agg(m::text, ' ' ORDER BY version), '') FROM skein.migration m)"
    " || (SELECT count(*) FROM probe))";

static bool
verify(struct scene *scene, struct verified *verified)
{
    return sitting_verify(scene->sitting, verified, &scene->error);
}

/* Of every kind of row that a journal can have: an intent, done, undone, failed, void. */
static struct scene *
scene_with_history(void)
{
    struct scene *scene = scene_new(cluster);

    scene_plan(scene, sketches, sizeof sketches / sizeof *sketches);
    assert_int_equal(scene_up(scene, 0), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 1), OUTCOME_DONE);
    assert_int_equal(scene_down(scene, 1), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 2), OUTCOME_DONE);
    assert_int_equal(scene_up(scene, 3), OUTCOME_FAILED);
    struct step_order never = scene_order(scene, 4, DIRECTION_UP);
    assert_false(scene_resolve(scene, &never));
    return scene;
}

/* Whoever looks finds this, and no one writes. */
static void
expect_refused(struct scene *scene, const char *code, const char *found)
{
    CLEANUP(mem_free) char *before = cluster_ask(cluster, scene->database, everything);
    struct target_facts facts;
    struct applied_migration *applied;
    size_t count;

    scene_sit_anew(scene);
    assert_false(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    assert_string_equal(scene->error.code, code);
    scene_assert_says(scene->error.found, found);
    assert_false(sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    assert_string_equal(scene->error.code, code);
    assert_int_equal(scene_up(scene, 4), OUTCOME_FAILED);
    scene_assert_fault(scene, code, NULL);
    scene_assert_says(scene->outcome.fault.found, found);
    struct step_order order = scene_order(scene, 4, DIRECTION_UP);
    bool is_found;
    assert_false(sitting_resolve(scene->sitting, &order.step_id, 1, &scene->arena, &is_found,
                                 &scene->outcome, &scene->error));
    CLEANUP(mem_free) char *after = cluster_ask(cluster, scene->database, everything);
    assert_string_equal(before, after);
}

static void
finds_nothing_wrong_with_what_it_has_written(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
    struct verified verified;

    assert_true(verify(scene, &verified));
    assert_int_equal(verified.first_row, 1);
    assert_int_equal(verified.last_row, scene_count(scene, "SELECT count(*) FROM skein.journal"));
    assert_true(verified.last_row >= 7);
    assert_int_equal(verified.applied_count, 2);
    assert_int_equal(scene_count(scene, "SELECT count(DISTINCT state) FROM skein.journal"), 4);
}

struct tampering {
    const char *change, *found;
};

static void
expect_tampered(const struct tampering *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
        scene_tell(scene, cases[i].change);

        expect_refused(scene, "E-HIST-TAMPERED", cases[i].found);
    }
}

static void
names_the_first_row_of_the_journal_that_does_not_fit(void **state)
{
    static const struct tampering cases[] = {
        {"UPDATE skein.journal SET statement = 7 WHERE number = 2",
         "row 2 of the journal (migration 002): it is not as it was written"},
        {"UPDATE skein.journal SET name = 'm_oo2' WHERE number IN (3, 2)",
         "row 2 of the journal (migration 002): it is not as it was written"},
        {"UPDATE skein.journal SET recorded_at = recorded_at - interval '1 s' WHERE number = 1",
         "row 1 of the journal (migration 001): it is not as it was written"},
        {"UPDATE skein.journal SET state = 'done' WHERE state = 'failed'",
         "(migration 004): it is not as it was written"},
        {"DELETE FROM skein.journal WHERE number = 1",
         "row 2 of the journal (migration 002): a row or more before it were taken out"},
        {"DELETE FROM skein.journal WHERE number IN (2, 3)",
         "row 4 of the journal (migration 003): a row or more before it were taken out"},
        {"UPDATE skein.journal SET hash = sha256(hash) WHERE number = 2",
         "row 2 of the journal (migration 002): it is not as it was written"},
        {"DELETE FROM skein.journal WHERE number = 1;"
         "UPDATE skein.journal SET number = number - 1",
         "row 1 of the journal (migration 002): it does not follow the row before it"},
        {"INSERT INTO skein.journal SELECT (SELECT max(number) + 1 FROM skein.journal),"
         " gen_random_uuid(), attempt, version, name, checksum, direction, state, statement,"
         " statement_count, cursor, duration_us, error, outcome, recorded_at,"
         " (SELECT hash FROM skein.journal ORDER BY number DESC LIMIT 1), hash"
         " FROM skein.journal WHERE number = 3",
         "(migration 002): it is not as it was written"},
    };
    (void)state;
    expect_tampered(cases, sizeof cases / sizeof *cases);
}

static void
names_a_migration_that_the_journal_does_not_explain(void **state)
{
    static const struct tampering cases[] = {
        {"DELETE FROM skein.migration WHERE version = '001'",
         "migration 001: it is not applied, and row 1 of the journal says that it is"},
        {"UPDATE skein.migration SET checksum = sha256('other') WHERE version = '001'",
         "migration 001: its checksum is not that of row 1 of the journal"},
        {"UPDATE skein.migration SET step_id = gen_random_uuid() WHERE version = '001'",
         "migration 001: it stands as applied by another step than row 1"},
        {"INSERT INTO skein.migration SELECT '005', name, checksum, now(), step_id, 1"
         " FROM skein.migration WHERE version = '001'",
         "migration 005: it stands as applied, and no row of the journal says so"},
        {"INSERT INTO skein.migration SELECT '002', name, checksum, now(), step_id, 2"
         " FROM skein.journal WHERE number = 2",
         "migration 002: it stands as applied, and row 3 of the journal has undone it"},
        {"DELETE FROM skein.migration",
         "migration 001: it is not applied, and row 1 of the journal says that it is; and 1 more"},
    };
    (void)state;
    expect_tampered(cases, sizeof cases / sizeof *cases);
}

static void
a_plan_finds_what_was_changed_since_the_last_look(void **state)
{
    static const char *const changes[] = {
        "DELETE FROM skein.migration WHERE version = '001'",
        "DELETE FROM skein.journal WHERE number = (SELECT max(number) FROM skein.journal)",
        "UPDATE skein.migration SET checksum = sha256('x') WHERE version = '005'",
    };
    (void)state;

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
        struct target_facts facts;
        struct applied_migration *applied;
        size_t count;
        assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
        assert_int_equal(scene_up(scene, 4), OUTCOME_DONE);
        sitting_rest(scene->sitting);
        scene_tell(scene, changes[i]);

        assert_false(
            sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
        assert_string_equal(scene->error.code, "E-HIST-TAMPERED");
    }
}

/* ---- what is no tampering -------------------------------------------------------------------- */

static void
a_backup_that_was_put_back_is_lost_history_and_not_tampering(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
    struct target_facts facts;
    struct verified verified;
    struct applied_migration *applied;
    size_t count;
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    scene_tell(scene, "CREATE TABLE old_journal AS TABLE skein.journal;"
                      "CREATE TABLE old_migration AS TABLE skein.migration");
    assert_int_equal(scene_up(scene, 4), OUTCOME_DONE);
    sitting_rest(scene->sitting);
    scene_tell(scene, "TRUNCATE skein.journal, skein.migration;"
                      "INSERT INTO skein.journal TABLE old_journal;"
                      "INSERT INTO skein.migration TABLE old_migration");

    assert_int_equal(scene_up(scene, 4), OUTCOME_FAILED);
    scene_assert_fault(scene, "E-DB-LOST-HISTORY", NULL);
    assert_true(verify(scene, &verified));
    assert_true(sitting_survey(scene->sitting, &scene->arena, &applied, &count, &scene->error));
    assert_int_equal(scene_up(scene, 4), OUTCOME_DONE);
    scene_sit_anew(scene);
    assert_true(verify(scene, &verified));
}

/* ---- tables that somebody has changed -------------------------------------------------------- */

static void
names_what_is_extra_and_what_takes_it_away(void **state)
{
    static const struct {
        const char *change, *found;
    } cases[] = {
        {"CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
         "CREATE TRIGGER \"My trigger\" BEFORE INSERT ON skein.journal FOR EACH ROW"
         " EXECUTE FUNCTION public.f()",
         "extra: trigger journal.My trigger"},
        {"CREATE RULE r AS ON DELETE TO skein.migration DO INSTEAD NOTHING",
         "extra: rule migration.r"},
        {"CREATE POLICY p ON skein.fence USING (true);"
         "ALTER TABLE skein.fence ENABLE ROW LEVEL SECURITY",
         "extra: policy fence.p; extra: row level security of fence"},
        {"ALTER TABLE skein.fence ADD EXCLUDE USING btree (epoch WITH =)",
         "extra: constraint fence.fence_epoch_excl"},
        {"ALTER TABLE skein.journal ADD comment text DEFAULT ''",
         "extra: column journal.comment text"},
        {"ALTER TABLE skein.journal ADD CONSTRAINT few CHECK (number < 1000)",
         "extra: constraint journal.few"},
        {"ALTER TABLE skein.migration ADD UNIQUE (checksum)",
         "extra: unique index migration.migration_checksum_key"},
        {"CREATE TABLE mine (version text CONSTRAINT to_theirs REFERENCES skein.migration)",
         "extra: foreign key to migration.to_theirs"},
        {"CREATE UNIQUE INDEX once ON skein.journal (hash)", "extra: unique index journal.once"},
        {"CREATE TABLE heir () INHERITS (skein.journal)", "extra: heir of journal heir"},
        {"ALTER TABLE skein.journal SET UNLOGGED", "extra: not logged: journal"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
        struct verified verified;
        scene_tell(scene, cases[i].change);

        expect_refused(scene, "E-HIST-SHAPE", cases[i].found);
        assert_false(verify(scene, &verified));
        assert_string_equal(scene->error.code, "E-HIST-SHAPE");
        scene_tell(scene, scene->error.hint);
        assert_true(verify(scene, &verified));
        assert_int_equal(scene_up(scene, 4), OUTCOME_DONE);
    }
}

static void
names_what_is_missing_or_another_than_it_was(void **state)
{
    static const struct {
        const char *change, *found;
    } cases[] = {
        {"DROP INDEX skein.journal_verdict", "missing: unique index journal.journal_verdict"},
        {"ALTER TABLE skein.migration DROP CONSTRAINT migration_pkey",
         "missing: unique index migration.migration_pkey"},
        {"ALTER TABLE skein.journal ALTER hash DROP NOT NULL",
         "changed: column journal.hash bytea"},
        {"ALTER TABLE skein.journal ALTER name TYPE varchar(20)",
         "changed: column journal.name character varying(20) not null"},
        {"ALTER TABLE skein.journal DROP error", "missing: column journal.error text"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
        scene_tell(scene, cases[i].change);

        expect_refused(scene, "E-HIST-SHAPE", cases[i].found);
        scene_assert_says(scene->error.hint, "from a backup");
    }
}

static void
a_trigger_that_is_gone_is_nothing_to_it(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
    struct target_facts facts;
    scene_tell(scene, "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN"
                      " NEW; END'; CREATE TRIGGER t BEFORE INSERT ON skein.journal FOR EACH ROW"
                      " EXECUTE FUNCTION public.f(); DROP TRIGGER t ON skein.journal;"
                      "ALTER TABLE skein.migration ADD note text;"
                      "ALTER TABLE skein.migration DROP note");
    assert_int_equal(scene_count(scene, "SELECT count(*) FROM pg_class WHERE relname = 'journal'"
                                        " AND relhastriggers"),
                     1);

    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    assert_int_equal(scene_up(scene, 4), OUTCOME_DONE);
}

static void
an_index_that_is_not_unique_is_nothing_to_it(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
    struct verified verified;
    scene_tell(scene, "CREATE INDEX faster ON skein.journal (version); ANALYZE skein.journal;"
                      "GRANT SELECT ON skein.journal TO public");

    assert_true(verify(scene, &verified));
}

/* ---- what an operator says ------------------------------------------------------------------- */

static void
works_on_once_a_person_has_accepted_what_was_found(void **state)
{
    static const char *const changes[] = {
        "UPDATE skein.journal SET statement = 7 WHERE number = 2",
        "DELETE FROM skein.journal WHERE number = 2",
        "DELETE FROM skein.migration WHERE version = '001'",
        ("INSERT INTO skein.migration SELECT '002', name, checksum, now(), step_id, 2"
         " FROM skein.journal WHERE number = 2"),
        "DELETE FROM skein.journal; DELETE FROM skein.migration WHERE version = '003'",
    };
    (void)state;

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
        struct verified verified;
        struct error accepted;
        scene_tell(scene, changes[i]);
        CLEANUP(mem_free)
        char *applied = cluster_ask(cluster, scene->database,
                                    "SELECT string_agg(version, ' ') FROM skein.migration");

        assert_true(sitting_accept(scene->sitting, "it's mine", &accepted, &scene->error));
        assert_string_equal(accepted.code, "E-HIST-TAMPERED");
        CLEANUP(mem_free)
        char *now = cluster_ask(cluster, scene->database,
                                "SELECT string_agg(version, ' ') FROM skein.migration");
        assert_string_equal(applied, now);
        assert_true(scene_count(scene, "SELECT count(*) FROM skein.journal WHERE cursor ="
                                       " 'accepted as found: it''s mine'") >= 1);
        assert_int_equal(scene_up(scene, 4), OUTCOME_DONE);
        scene_sit_anew(scene);
        assert_true(verify(scene, &verified));
        assert_true(verified.first_row > 1 || i == 4);

        /* It was no leave to go on with it. */
        scene_tell(scene, "UPDATE skein.journal SET statement = 8 WHERE version = '005'");
        assert_false(verify(scene, &verified));
        assert_string_equal(scene->error.code, "E-HIST-TAMPERED");
    }
}

static void
accepts_nothing_where_nothing_is_wrong(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
    struct error accepted;
    CLEANUP(mem_free) char *before = cluster_ask(cluster, scene->database, everything);

    assert_true(sitting_accept(scene->sitting, "why not", &accepted, &scene->error));
    assert_string_equal(accepted.code, "");
    CLEANUP(mem_free) char *after = cluster_ask(cluster, scene->database, everything);
    assert_string_equal(before, after);

    scene_tell(scene, "CREATE RULE r AS ON DELETE TO skein.migration DO INSTEAD NOTHING");
    assert_false(sitting_accept(scene->sitting, "why not", &accepted, &scene->error));
    assert_string_equal(scene->error.code, "E-HIST-SHAPE");
}

/* ---- how long it takes ----------------------------------------------------------------------- */

/* Intents of one step, chained as docs/protocol.md has it. */
static const char long_journal[] =
    "DO $$ DECLARE previous bytea := (SELECT hash FROM skein.journal ORDER BY number DESC LIMIT 1);"
    " id uuid := gen_random_uuid(); sum bytea := sha256('x'); made bytea;"
    " first bigint := (SELECT max(number) + 1 FROM skein.journal); BEGIN"
    " FOR n IN first .. first + 60000 LOOP"
    " made := sha256(convert_to('skein-journal 1;' || n || ';16:', 'UTF8') || uuid_send(id)"
    " || convert_to('1;3:0063:bat32:', 'UTF8') || sum"
    " || convert_to('2:up6:intent1;1;5:batch0:1700000000000;32:', 'UTF8') || previous);"
    " INSERT INTO skein.journal VALUES (n, id, 1, '006', 'bat', sum, 'up', 'intent', 1, 1, 'batch',"
    " 0, NULL, NULL, to_timestamp(1700000000), previous, made); previous := made;"
    " END LOOP; END $$";

static void
looks_through_a_long_journal_in_pieces(void **state)
{
    (void)state;
    CLEANUP(scene_destroy) struct scene *scene = scene_with_history();
    struct verified verified;
    struct target_facts facts;
    scene_tell(scene, long_journal);

    int64_t began_ms = clock_now_ms();
    assert_true(verify(scene, &verified));
    int64_t wholly_ms = clock_now_ms() - began_ms;
    assert_true(verified.last_row > 60000);
    began_ms = clock_now_ms();
    assert_true(sitting_examine(scene->sitting, &scene->arena, &facts, &scene->error));
    print_message("  %llu rows: %lld ms, and %lld ms when nothing has come since\n",
                  (unsigned long long)verified.last_row, (long long)wholly_ms,
                  (long long)(clock_now_ms() - began_ms));

    scene_tell(scene, "UPDATE skein.journal SET cursor = 'catch' WHERE number = 59999");
    expect_refused(scene, "E-HIST-TAMPERED", "row 59999 of the journal");
    scene_tell(scene, "DELETE FROM skein.journal WHERE number = 50000"); /* where a piece ends */
    expect_refused(scene, "E-HIST-TAMPERED", "row 50000 of the journal is not there");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_nothing_wrong_with_what_it_has_written),
        cmocka_unit_test(names_the_first_row_of_the_journal_that_does_not_fit),
        cmocka_unit_test(names_a_migration_that_the_journal_does_not_explain),
        cmocka_unit_test(a_plan_finds_what_was_changed_since_the_last_look),
        cmocka_unit_test(a_backup_that_was_put_back_is_lost_history_and_not_tampering),
        cmocka_unit_test(names_what_is_extra_and_what_takes_it_away),
        cmocka_unit_test(names_what_is_missing_or_another_than_it_was),
        cmocka_unit_test(a_trigger_that_is_gone_is_nothing_to_it),
        cmocka_unit_test(an_index_that_is_not_unique_is_nothing_to_it),
        cmocka_unit_test(works_on_once_a_person_has_accepted_what_was_found),
        cmocka_unit_test(accepts_nothing_where_nothing_is_wrong),
        cmocka_unit_test(looks_through_a_long_journal_in_pieces),
    };

    return RUN_TESTS_ON(cluster, NULL, tests);
}
