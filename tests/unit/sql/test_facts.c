#include "common/sql/facts.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/sql/split.h"

#include "tests/support/deep.h"

struct sample {
    struct arena arena;
    const struct sql_facts *facts;
};

static void
sample_release(struct sample *sample)
{
    arena_release(&sample->arena);
}

/* The facts about a script of one statement. */
static struct sample
facts_of(const char *text)
{
    struct sample sample = {0};
    struct sql_script script;
    struct place place;
    struct error error;

    if (!sql_split(text, strlen(text), "skein", &sample.arena, &script, &place, &error)) {
        fail_msg("%s: %s", text, error.text);
    }
    assert_int_equal(script.statement_count, 1);
    sample.facts = &script.statements[0].facts;
    return sample;
}

struct expectation {
    const char *text;
    enum sql_kind kind;
    const char *tag;
};

static void
assert_kinds(const struct expectation *expectations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(sample_release) struct sample sample = facts_of(expectations[i].text);
        if (sample.facts->kind != expectations[i].kind) {
            fail_msg("%s: kind %d", expectations[i].text, (int)sample.facts->kind);
        }
        assert_string_equal(sample.facts->tag, expectations[i].tag);
    }
}

static void
tags_are_those_that_postgresql_reports(void **state)
{
    (void)state;
    static const struct expectation ordinary[] = {
        {"CREATE TABLE t (a int)", SQL_ORDINARY, "CREATE TABLE"},
        {"CREATE TABLE t AS SELECT 1", SQL_ORDINARY, "CREATE TABLE AS"},
        {"SELECT 1 INTO t", SQL_ORDINARY, "SELECT INTO"},
        {"CREATE MATERIALIZED VIEW v AS SELECT 1", SQL_ORDINARY, "CREATE MATERIALIZED VIEW"},
        {"ALTER TABLE t ADD a int", SQL_ORDINARY, "ALTER TABLE"},
        {"ALTER INDEX i SET (fillfactor = 70)", SQL_ORDINARY, "ALTER INDEX"},
        {"ALTER TABLE t RENAME a TO b", SQL_ORDINARY, "ALTER TABLE"},
        {"ALTER VIEW v RENAME a TO b", SQL_ORDINARY, "ALTER VIEW"},
        {"ALTER TABLE t RENAME CONSTRAINT a TO b", SQL_ORDINARY, "ALTER TABLE"},
        {"ALTER TYPE t ADD VALUE 'x'", SQL_ORDINARY, "ALTER TYPE"},
        {"ALTER TYPE t RENAME ATTRIBUTE a TO b", SQL_ORDINARY, "ALTER TYPE"},
        {"ALTER FUNCTION f() OWNER TO x", SQL_ORDINARY, "ALTER FUNCTION"},
        {"ALTER SEQUENCE s SET SCHEMA x", SQL_ORDINARY, "ALTER SEQUENCE"},
        {"DROP TABLE t", SQL_ORDINARY, "DROP TABLE"},
        {"DROP FUNCTION f()", SQL_ORDINARY, "DROP FUNCTION"},
        {"DROP TRIGGER g ON t", SQL_ORDINARY, "DROP TRIGGER"},
        {"CREATE TYPE t AS ENUM ('a')", SQL_ORDINARY, "CREATE TYPE"},
        {"CREATE AGGREGATE a (int) (sfunc = f, stype = int)", SQL_ORDINARY, "CREATE AGGREGATE"},
        {"CREATE PROCEDURE p() LANGUAGE sql AS ''", SQL_ORDINARY, "CREATE PROCEDURE"},
        {"GRANT SELECT ON t TO x", SQL_ORDINARY, "GRANT"},
        {"REVOKE SELECT ON t FROM x", SQL_ORDINARY, "REVOKE"},
        {"GRANT x TO y", SQL_ORDINARY, "GRANT ROLE"},
        {"ANALYZE t", SQL_ORDINARY, "ANALYZE"},
        {"TRUNCATE t", SQL_ORDINARY, "TRUNCATE TABLE"},
        {"CREATE EXTENSION citext", SQL_ORDINARY, "CREATE EXTENSION"},
        {"WITH a AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM a", SQL_ORDINARY,
         "INSERT"},
        {"NOTIFY pgrst, 'reload schema'", SQL_ORDINARY, "NOTIFY"},
        {"CREATE INDEX ON t (a)", SQL_ORDINARY, "CREATE INDEX"},
        {"COPY t FROM '/file'", SQL_ORDINARY, "COPY"},
        {"REINDEX TABLE t", SQL_ORDINARY, "REINDEX"},
        {"REINDEX (CONCURRENTLY off) TABLE t", SQL_ORDINARY, "REINDEX"},
        {"CLUSTER t USING i", SQL_ORDINARY, "CLUSTER"},
        {"ALTER TABLE t DETACH PARTITION p", SQL_ORDINARY, "ALTER TABLE"},
        {"REFRESH MATERIALIZED VIEW CONCURRENTLY v", SQL_ORDINARY, "REFRESH MATERIALIZED VIEW"},
        {"DEALLOCATE p", SQL_ORDINARY, "DEALLOCATE"},
        {"CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)", SQL_ORDINARY,
         "CREATE SUBSCRIPTION"},
    };
    assert_kinds(ordinary, sizeof ordinary / sizeof *ordinary);
}

static void
what_cannot_run_in_a_transaction_is_known(void **state)
{
    (void)state;
    static const struct expectation outside[] = {
        {"VACUUM t", SQL_REPEATABLE, "VACUUM"},
        {"CREATE DATABASE d", SQL_OUTSIDE, "CREATE DATABASE"},
        {"DROP DATABASE d", SQL_OUTSIDE, "DROP DATABASE"},
        {"CREATE TABLESPACE s LOCATION '/x'", SQL_OUTSIDE, "CREATE TABLESPACE"},
        {"DROP TABLESPACE s", SQL_OUTSIDE, "DROP TABLESPACE"},
        {"ALTER DATABASE d SET TABLESPACE s", SQL_OUTSIDE, "ALTER DATABASE"},
        {"CLUSTER", SQL_REPEATABLE, "CLUSTER"},
        {"REINDEX TABLE CONCURRENTLY t", SQL_REINDEX_CONCURRENTLY, "REINDEX"},
        {"REINDEX (CONCURRENTLY) INDEX i", SQL_REINDEX_CONCURRENTLY, "REINDEX"},
        {"REINDEX DATABASE d", SQL_REPEATABLE, "REINDEX"},
        {"REINDEX SCHEMA s", SQL_REPEATABLE, "REINDEX"},
        {"ALTER TABLE t DETACH PARTITION p CONCURRENTLY", SQL_DETACH_CONCURRENTLY, "ALTER TABLE"},
        {"CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", SQL_OUTSIDE, "CREATE SUBSCRIPTION"},
        {"ALTER SUBSCRIPTION s REFRESH PUBLICATION", SQL_OUTSIDE, "ALTER SUBSCRIPTION"},
        {"ALTER SUBSCRIPTION s SET PUBLICATION p", SQL_OUTSIDE, "ALTER SUBSCRIPTION"},
        {"CREATE INDEX CONCURRENTLY i ON t (a)", SQL_CREATE_INDEX_CONCURRENTLY, "CREATE INDEX"},
        {"DROP INDEX CONCURRENTLY i", SQL_DROP_INDEX_CONCURRENTLY, "DROP INDEX"},
    };
    assert_kinds(outside, sizeof outside / sizeof *outside);
}

static void
what_is_needed_to_look_at_it_again_is_known(void **state)
{
    (void)state;
    CLEANUP(sample_release) struct sample table = facts_of("REINDEX TABLE CONCURRENTLY app.\"T\"");
    CLEANUP(sample_release) struct sample schema = facts_of("REINDEX SCHEMA CONCURRENTLY app");
    CLEANUP(sample_release)
    struct sample part = facts_of("ALTER TABLE app.t DETACH PARTITION p CONCURRENTLY");

    assert_string_equal(table.facts->scope, "TABLE");
    assert_string_equal(table.facts->index, "app.\"T\"");
    assert_string_equal(schema.facts->scope, "SCHEMA");
    assert_string_equal(schema.facts->index, "app");
    assert_string_equal(part.facts->table, "app.t");
    assert_string_equal(part.facts->index, "p");
}

static void
transactions_sessions_and_clients_are_told_apart(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"BEGIN", SQL_BEGIN, "BEGIN"},
        {"START TRANSACTION", SQL_BEGIN, "START TRANSACTION"},
        {"BEGIN ISOLATION LEVEL SERIALIZABLE", SQL_TRANSACTION, "BEGIN"},
        {"COMMIT", SQL_COMMIT, "COMMIT"},
        {"END", SQL_COMMIT, "COMMIT"},
        {"COMMIT AND CHAIN", SQL_TRANSACTION, "COMMIT"},
        {"ROLLBACK", SQL_TRANSACTION, "ROLLBACK"},
        {"ABORT", SQL_TRANSACTION, "ROLLBACK"},
        {"SAVEPOINT a", SQL_TRANSACTION, "SAVEPOINT"},
        {"RELEASE a", SQL_TRANSACTION, "RELEASE"},
        {"ROLLBACK TO a", SQL_TRANSACTION, "ROLLBACK TO SAVEPOINT"},
        {"PREPARE TRANSACTION 'a'", SQL_TRANSACTION, "PREPARE TRANSACTION"},
        {"COMMIT PREPARED 'a'", SQL_TRANSACTION, "COMMIT PREPARED"},
        {"SET TRANSACTION READ ONLY", SQL_TRANSACTION, "SET"},
        {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", SQL_TRANSACTION, "SET"},
        {"SET search_path = a", SQL_SET, "SET"},
        {"RESET search_path", SQL_SET, "RESET"},
        {"RESET ALL", SQL_SESSION, "RESET"},
        {"DISCARD ALL", SQL_SESSION, "DISCARD"},
        {"LISTEN a", SQL_SESSION, "LISTEN"},
        {"UNLISTEN *", SQL_SESSION, "UNLISTEN"},
        {"DEALLOCATE ALL", SQL_SESSION, "DEALLOCATE"},
        {"ALTER SYSTEM SET work_mem = '1GB'", SQL_SESSION, "ALTER SYSTEM"},
        {"COPY t FROM STDIN", SQL_COPY_CLIENT, "COPY"},
        {"COPY t TO STDOUT", SQL_COPY_CLIENT, "COPY"},
        {"COPY t FROM PROGRAM 'x'", SQL_COPY_PROGRAM, "COPY"},
    };
    assert_kinds(rows, sizeof rows / sizeof *rows);
}

static void
an_index_has_its_names_as_they_can_be_written(void **state)
{
    (void)state;
    CLEANUP(sample_release)
    struct sample create = facts_of(
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"By \"\"Name\" ON App.\"user\" (a)");
    CLEANUP(sample_release)
    struct sample drop = facts_of("DROP INDEX CONCURRENTLY IF EXISTS app.by_name");
    CLEANUP(sample_release)
    struct sample unnamed = facts_of("CREATE INDEX CONCURRENTLY ON users (a)");
    CLEANUP(sample_release)
    struct sample many = facts_of("DROP INDEX CONCURRENTLY a, b");

    assert_string_equal(create.facts->index, "app.\"By \"\"Name\"");
    assert_string_equal(create.facts->schema, "app");
    assert_string_equal(create.facts->table, "app.\"user\"");
    assert_true(create.facts->is_unique);
    assert_true(create.facts->if_not_exists);
    assert_string_equal(drop.facts->index, "app.by_name");
    assert_string_equal(drop.facts->schema, "app");
    assert_true(drop.facts->if_exists);
    assert_null(unnamed.facts->index);
    assert_null(unnamed.facts->schema);
    assert_string_equal(unnamed.facts->table, "users");
    assert_int_equal(many.facts->index_count, 2);
}

static void
settings_are_seen_however_they_are_changed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *value;
        bool is_call;
    } rows[] = {
        {"SET Lock_Timeout = '2s'", "lock_timeout", "2s", false},
        {"SET LOCAL statement_timeout TO 5000", "statement_timeout", "5000", false},
        {"SET search_path TO a, \"B\"", "search_path", "a, B", false},
        {"SET ROLE x", "role", "x", false},
        {"RESET ROLE", "role", NULL, false},
        {"SET SESSION AUTHORIZATION x", "session_authorization", "x", false},
        {"SET synchronous_commit = off", "synchronous_commit", "off", false},
        {"SET NAMES 'latin1'", "client_encoding", "latin1", false},
        {"SET SCHEMA 'x'", "search_path", "x", false},
        {"SELECT pg_catalog.set_config('Role', 'x', false)", "role", "x", true},
        {"INSERT INTO t SELECT set_config('role', a, true) FROM u", "role", NULL, true},
        {"SELECT set_config(a, 'x', true) FROM u", "", "x", true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(sample_release) struct sample sample = facts_of(rows[i].text);
        assert_int_equal(sample.facts->setting_count, 1);
        const struct sql_setting *setting = &sample.facts->settings[0];
        assert_string_equal(setting->name, rows[i].name);
        assert_int_equal(setting->is_call, rows[i].is_call);
        if (rows[i].value) {
            assert_string_equal(setting->value, rows[i].value);
        } else {
            assert_null(setting->value);
        }
    }
}

static void
changes_of_our_schema_are_seen(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "DROP SCHEMA a, skein CASCADE",
        "CREATE SCHEMA skein",
        "ALTER SCHEMA skein RENAME TO x",
        "ALTER SCHEMA x RENAME TO skein",
        "ALTER SCHEMA skein OWNER TO x",
        "GRANT USAGE ON SCHEMA skein TO x",
        "GRANT SELECT ON ALL TABLES IN SCHEMA skein TO x",
        "GRANT SELECT ON skein.journal TO x",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA skein GRANT SELECT ON TABLES TO x",
        "COMMENT ON SCHEMA skein IS 'x'",
        "DROP TABLE IF EXISTS skein.journal",
        "TRUNCATE t, skein.journal",
        "ALTER TABLE skein.migration ADD a int",
        "CREATE INDEX ON skein.journal (a)",
        "CREATE TABLE skein.t (a int)",
        "CREATE TABLE t (a int REFERENCES skein.migration)",
        "CREATE TABLE skein.t AS SELECT 1",
        "CREATE VIEW skein.v AS SELECT 1",
        "ALTER TABLE t SET SCHEMA skein",
        "INSERT INTO skein.migration VALUES (1)",
        "UPDATE skein.fence SET epoch = 0",
        "DELETE FROM skein.journal",
        "WITH a AS (DELETE FROM skein.journal RETURNING *) SELECT * FROM a",
        "MERGE INTO skein.journal USING t ON true WHEN MATCHED THEN DELETE",
        "CREATE TRIGGER g AFTER INSERT ON skein.journal EXECUTE FUNCTION f()",
        "CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM skein.journal",
        "DROP FUNCTION skein.f(int)",
        "CREATE FUNCTION skein.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TYPE skein.t",
        "ALTER TYPE skein.t ADD VALUE 'x'",
        "LOCK TABLE skein.fence",
        "COPY skein.journal FROM '/x'",
        "CREATE EXTENSION citext SCHEMA skein",
        "DROP TRIGGER g ON skein.journal",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(sample_release) struct sample sample = facts_of(rows[i]);
        if (!sample.facts->own) {
            fail_msg("not seen: %s", rows[i]);
        }
        assert_memory_equal(sample.facts->own, "skein", 5);
    }
}

static void
reading_our_schema_is_no_change(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "SELECT * FROM skein.migration m JOIN skein.journal j ON true",
        "INSERT INTO t SELECT version FROM skein.migration",
        "UPDATE t SET a = 1 FROM skein.migration",
        "DELETE FROM t USING skein.migration",
        "SELECT skein.f(), (SELECT count(*) FROM skein.journal)",
        "CREATE TABLE t AS SELECT * FROM skein.migration",
        "SELECT skein.a FROM skein",
        "DROP TABLE skein",
        "CREATE TABLE skeins.t (skein int)",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(sample_release) struct sample sample = facts_of(rows[i]);
        if (sample.facts->own) {
            fail_msg("%s: %s", rows[i], sample.facts->own);
        }
    }
}

static void
passwords_that_are_written_out_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has_secret;
        size_t offset;
    } rows[] = {
        {"CREATE ROLE a LOGIN PASSWORD 'x'", true, 20},
        {"ALTER USER a WITH ENCRYPTED PASSWORD 'x'", true, 18},
        {"ALTER ROLE a PASSWORD NULL", false, 0},
        {"CREATE ROLE a LOGIN", false, 0},
        {"CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'a', password 'x')", true, 54},
        {"CREATE SUBSCRIPTION s CONNECTION 'host=a password=x' PUBLICATION p", true, 0},
        {"COMMENT ON ROLE a IS 'password'", false, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(sample_release) struct sample sample = facts_of(rows[i].text);
        assert_int_equal(sample.facts->has_secret, rows[i].has_secret);
        assert_int_equal(sample.facts->secret_offset, rows[i].offset);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tags_are_those_that_postgresql_reports),
    cmocka_unit_test(what_cannot_run_in_a_transaction_is_known),
    cmocka_unit_test(what_is_needed_to_look_at_it_again_is_known),
    cmocka_unit_test(transactions_sessions_and_clients_are_told_apart),
    cmocka_unit_test(an_index_has_its_names_as_they_can_be_written),
    cmocka_unit_test(settings_are_seen_however_they_are_changed),
    cmocka_unit_test(changes_of_our_schema_are_seen),
    cmocka_unit_test(reading_our_schema_is_no_change),
    cmocka_unit_test(passwords_that_are_written_out_are_seen),
};

RUN_DEEP(tests)
