/* What cannot be run safely, row by row of the table of bad input. */
#include "tests/support/deep.h"
#include "tests/unit/migration/reads.h"

static void
row_33_text_that_does_not_end_or_is_for_psql(void **state)
{
    (void)state;

    assert_refused("SELECT 1;\nSELECT 'a", "E-MIG-LEX", "2:8");
    assert_refused("SELECT $$a", "E-MIG-LEX", "1:8");
    assert_refused("SELECT 1; /* a", "E-MIG-LEX", "1:11");
    assert_refused("\\set a 1\nSELECT 1;", "E-MIG-PSQL", "1:1");
    assert_refused("SELECT 1;\n\\copy t FROM 'x'", "E-MIG-PSQL", "2:1");
    assert_refused("SELECT 'é';COPY t FROM STDIN;\n1\n\\.\n", "E-MIG-PSQL", "1:12");
    assert_refused("SELECT 'é';COPY t FROM STDIN;", "E-MIG-PSQL", "1:12");
    assert_refused("COPY t TO STDOUT", "E-MIG-PSQL", "1:1");
    assert_refused("SELECT FROM FROM t", "E-MIG-SYNTAX", "1:13");
    assert_refused("COPY t FROM PROGRAM 'id'", "E-MIG-PROGRAM", "1:1");
}

static void
row_34_transaction_control(void **state)
{
    (void)state;
    static const char *const statements[] = {"ROLLBACK",
                                             "SAVEPOINT a",
                                             "PREPARE TRANSACTION 'a'",
                                             "COMMIT",
                                             "END",
                                             "BEGIN",
                                             "COMMIT AND CHAIN",
                                             "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"};

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        CLEANUP(mem_free) char *up = mem_format("SELECT 1;\n  %s;\nSELECT 2;", statements[i]);
        assert_refused(up, "E-MIG-TXCTL", "2:3");
    }
    assert_refused("SELECT 1; BEGIN; SELECT 2; COMMIT", "E-MIG-TXCTL", "1:11");
    assert_refused("BEGIN; SELECT 2; COMMIT; SELECT 1", "E-MIG-TXCTL", "1:1");
}

static void
one_transaction_around_everything_is_what_we_do_anyway(void **state)
{
    (void)state;
    static const char *const ups[] = {"BEGIN;\nSELECT 1;\nSELECT 2;\nCOMMIT;",
                                      "-- c\nSTART TRANSACTION; SELECT 1; SELECT 2; END",
                                      "SET lock_timeout = 0; BEGIN; SELECT 1; SELECT 2; COMMIT"};

    for (size_t i = 0; i < sizeof ups / sizeof *ups; i++) {
        CLEANUP(reads_release) struct reads reads = read_up(ups[i]);
        assert_true(reads.succeeded);
        const struct script *script = &reads.bundle->manifest.migrations[0].up;
        assert_true(script->is_transactional);
        assert_int_equal(script->statement_count, 2);
        assert_string_equal(script->statements[0].tag, "SELECT");
    }
}

static void
row_35_statements_outside_a_transaction(void **state)
{
    (void)state;

    assert_refused("CREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY i ON t (a);", "E-MIG-MIXED",
                   "2:1");
    assert_refused("SET search_path = a; DROP INDEX CONCURRENTLY i", "E-MIG-MIXED", "1:22");
    assert_refused("BEGIN;\nCREATE INDEX CONCURRENTLY i ON t (a);\nCOMMIT", "E-MIG-NOTX", "2:1");
    assert_refused("DROP INDEX CONCURRENTLY a, b", "E-MIG-NOTX", "1:1");
    assert_refused("CREATE DATABASE d", "E-MIG-NOTX-UNVERIFIABLE", "1:1");
    assert_refused("VACUUM t; SELECT 1", "E-MIG-MIXED", "1:1");
    assert_refused("-- skein: stage=a\n-- skein: verify=\"SELECT true\"\nSELECT 1",
                   "E-MIG-ANNOTATION", "2:11");
    assert_refused("-- skein: stage=a\n-- skein: verify=\"DELETE FROM a\"\nDROP DATABASE d",
                   "E-MIG-ANNOTATION", "2:11");
    assert_refused("-- skein: stage=a\n-- skein: verify=\"SELECT 1; SELECT 2\"\nDROP DATABASE d",
                   "E-MIG-ANNOTATION", "2:11");
    assert_refused("-- skein: stage=a\n-- skein: cleanup=\"DROP DATABASE d\"\nCREATE DATABASE d",
                   "E-MIG-NOTX-UNVERIFIABLE", "3:1");
}

static void
row_35_what_can_be_looked_up_or_is_told_runs_outside_a_transaction(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum statement_kind kind;
    } rows[] = {
        {"VACUUM t", STATEMENT_REPEATABLE},
        {"REINDEX SCHEMA s", STATEMENT_REPEATABLE},
        {"REINDEX INDEX CONCURRENTLY i", STATEMENT_REINDEX_CONCURRENTLY},
        {"ALTER TABLE t DETACH PARTITION p CONCURRENTLY", STATEMENT_DETACH_CONCURRENTLY},
        {"-- skein: stage=a\n-- skein: verify=\"SELECT EXISTS (SELECT FROM pg_database)\""
         " cleanup=\"DROP DATABASE IF EXISTS d\"\nCREATE DATABASE d",
         STATEMENT_VERIFIED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(reads_release) struct reads reads = read_up(rows[i].sql);
        assert_true(reads.succeeded);
        const struct script *up = &reads.bundle->manifest.migrations[0].up;
        assert_false(up->is_transactional);
        assert_int_equal(up->statements[0].kind, rows[i].kind);
        bool is_told = rows[i].kind == STATEMENT_VERIFIED;
        assert_int_equal(is_told, up->statements[0].verify && up->statements[0].cleanup);
    }
}

static void
a_file_can_say_that_each_of_its_statements_runs_for_itself(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads mixed = read_up("-- skein: transaction=none\nSET search_path = a;\n"
                                 "DROP INDEX CONCURRENTLY i;\nUPDATE t SET a = 1;");
    CLEANUP(reads_release)
    struct reads ordinary = read_up("-- skein: transaction=none\nALTER TYPE t ADD VALUE 'a';\n"
                                    "INSERT INTO u VALUES ('a');");
    CLEANUP(reads_release)
    struct reads alone = read_up("-- skein: transaction=none\nUPDATE t SET a = 1");

    assert_true(mixed.succeeded && ordinary.succeeded && alone.succeeded);
    assert_false(mixed.bundle->manifest.migrations[0].up.is_transactional);
    assert_false(ordinary.bundle->manifest.migrations[0].up.is_transactional);
    assert_true(alone.bundle->manifest.migrations[0].up.is_transactional);
    assert_listed(&mixed.notes, "E-MIG-MIXED", "1_a.up.sql", "3:1");
}

static void
a_block_that_ends_the_transaction_is_refused(void **state)
{
    (void)state;

    assert_refused("SELECT 1;\nDO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$", "E-MIG-TXCTL",
                   "2:1");
    assert_refused("DO $x$ DECLARE r int; BEGIN LOOP ROLLBACK; END LOOP; END $x$", "E-MIG-TXCTL",
                   "1:1");
    assert_accepted("DO $$ BEGIN RAISE NOTICE 'commit'; END $$");
}

static void
harmless_commands_of_psql_are_passed_over(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_up("\\set ON_ERROR_STOP on\n\\restrict abc\nSELECT 1;\n"
                                 "\\echo done\nSELECT '\n\\echo no command';\n\\unrestrict abc\n");

    assert_true(reads.succeeded);
    const struct script *script = &reads.bundle->manifest.migrations[0].up;
    assert_int_equal(script->statement_count, 2);
    assert_int_equal(script->statements[0].line, 3);
    assert_int_equal(script->statements[1].line, 5);
    assert_int_equal(script->statements[1].size, strlen("SELECT '\n\\echo no command'"));
}

static void
commands_of_psql_that_do_something_are_refused(void **state)
{
    (void)state;

    assert_refused("\\set ON_ERROR_STOP off\nSELECT 1", "E-MIG-PSQL", "1:1");
    assert_refused("\\set schema app\nSELECT 1", "E-MIG-PSQL", "1:1");
    assert_refused("SELECT 1;\n\\i other.sql", "E-MIG-PSQL", "2:1");
    assert_refused("SELECT 1;\n\\echo `rm -rf x`", "E-MIG-PSQL", "2:1");
    assert_refused("SELECT 1;\n\\connect other", "E-MIG-PSQL", "2:1");
    assert_refused("SELECT 1\n\\echo x\n, 2;", "E-MIG-PSQL", "1:1");
}

static void
newer_syntax_is_run_as_it_stands_when_somebody_says_so(void **state)
{
    (void)state;
    static const char newer[] = "-- skein: raw timeout=5m\nMERGE INTO t USING u ON a = b WHEN NOT "
                                "MATCHED BY SOURCE THEN DELETE;\nSELECT 2;\n";
    CLEANUP(reads_release) struct reads reads = read_up(newer);

    assert_true(reads.succeeded);
    const struct script *script = &reads.bundle->manifest.migrations[0].up;
    assert_true(script->is_transactional);
    assert_int_equal(script->statement_count, 1);
    assert_int_equal(script->statements[0].kind, STATEMENT_SCRIPT);
    assert_int_equal(script->statements[0].size, sizeof newer - 1);
    assert_int_equal(script->timeout_ms, 300000);
    assert_listed(&reads.notes, "E-MIG-SYNTAX", "1_a.up.sql", "2:48");
    assert_refused(newer + strlen("-- skein: raw timeout=5m\n"), "E-MIG-SYNTAX", "1:48");
}

static void
what_only_psql_understands_cannot_be_run_as_it_stands(void **state)
{
    (void)state;

    assert_refused("-- skein: raw\n\\i other.sql\n", "E-MIG-PSQL", "2:1");
    assert_refused("-- skein: raw\nCOPY t FROM STDIN;\n1\t2\n\\.\n", "E-MIG-PSQL", "2:1");
}

static void
index_statements_alone_are_read_as_what_they_are(void **state)
{
    (void)state;
    CLEANUP(reads_release)
    struct reads reads = read_up("-- skein: transaction=none\nSET statement_timeout = 0;\n"
                                 "DROP INDEX CONCURRENTLY IF EXISTS app.i;\n"
                                 "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a);");

    assert_true(reads.succeeded);
    const struct script *script = &reads.bundle->manifest.migrations[0].up;
    assert_false(script->is_transactional);
    assert_int_equal(script->statement_count, 2);
    const struct statement *drop = &script->statements[0], *create = &script->statements[1];
    assert_int_equal(drop->kind, STATEMENT_DROP_INDEX_CONCURRENTLY);
    assert_string_equal(drop->object, "app.i");
    assert_string_equal(drop->schema, "app");
    assert_true(drop->if_exists);
    assert_int_equal(create->kind, STATEMENT_CREATE_INDEX_CONCURRENTLY);
    assert_string_equal(create->object, "app.i");
    assert_string_equal(create->table, "app.t");
    assert_true(create->is_unique);
    assert_int_equal(create->line, 4);
}

static void
row_36_an_index_without_a_name(void **state)
{
    (void)state;

    assert_refused("CREATE INDEX CONCURRENTLY ON t (a)", "E-MIG-UNNAMED", "1:1");
    assert_accepted("CREATE INDEX ON t (a)");
}

static void
row_38_settings_that_undo_what_we_promise(void **state)
{
    (void)state;
    static const char *const statements[] = {"SET synchronous_commit = off",
                                             "SET LOCAL synchronous_commit = local",
                                             "SET ROLE x",
                                             "RESET ROLE",
                                             "SET SESSION AUTHORIZATION x",
                                             "SET session_replication_role = replica",
                                             "SET application_name = 'x'",
                                             "SET client_encoding = 'latin1'",
                                             "SET standard_conforming_strings = off",
                                             "SELECT set_config('synchronous_commit', 'off', true)",
                                             "SELECT set_config('lock_timeout', '0', true)",
                                             "SELECT set_config(a, b, true) FROM c",
                                             "SET search_path = app, skein",
                                             "RESET ALL",
                                             "DISCARD ALL",
                                             "ALTER SYSTEM SET work_mem = '1GB'",
                                             "LISTEN a",
                                             "DEALLOCATE ALL"};

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        CLEANUP(mem_free) char *up = mem_format("SELECT 'é';%s", statements[i]);
        assert_refused(up, "E-MIG-SETTING", "1:12");
    }
}

static void
the_settings_that_a_dump_begins_with_are_accepted(void **state)
{
    (void)state;

    assert_accepted("SET statement_timeout = 0;\n"
                    "SET lock_timeout = 0;\n"
                    "SET idle_in_transaction_session_timeout = 0;\n"
                    "SET client_encoding = 'UTF8';\n"
                    "SET standard_conforming_strings = on;\n"
                    "SELECT pg_catalog.set_config('search_path', '', false);\n"
                    "SET check_function_bodies = false;\n"
                    "SET xmloption = content;\n"
                    "SET client_min_messages = warning;\n"
                    "SET row_security = off;\n"
                    "SET default_tablespace = '';\n"
                    "SET default_table_access_method = heap;\n"
                    "SET search_path = app, public;\n"
                    "CREATE TABLE public.t (a int);\n");
}

static void
row_39_a_password(void **state)
{
    (void)state;
    CLEANUP(reads_release) struct reads reads = read_up("CREATE ROLE é\n PASSWORD 'hunter2'");

    assert_listed(&reads.errors, "E-MIG-SECRET", "1_a.up.sql", "2:2");
    assert_null(strstr(reads.errors.errors[0].text, "hunter2"));
    assert_null(strstr(reads.errors.errors[0].found, "hunter2"));
}

static void
row_40_our_own_schema(void **state)
{
    (void)state;

    assert_refused("SELECT 1;\nDROP SCHEMA skein CASCADE", "E-MIG-OWN-SCHEMA", "2:1");
    assert_refused("TRUNCATE skein.journal", "E-MIG-OWN-SCHEMA", "1:1");
    assert_refused("ALTER TABLE skein.migration ADD a int", "E-MIG-OWN-SCHEMA", "1:1");
    assert_accepted("INSERT INTO t SELECT version FROM skein.migration");
}

static void
row_41_encoding(void **state)
{
    (void)state;

    assert_refused("SELECT 1;\nSELECT 'é\xe9'", "E-MIG-ENCODING", "2:10");
    assert_refused("\xff\xfeS", "E-MIG-ENCODING", "1:1");
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_write(&folder, "1_a.up.sql", "SELECT 1;\n\0SELECT", 17);
    CLEANUP(reads_release) struct reads reads = read_folder(&folder);
    assert_listed(&reads.errors, "E-MIG-ENCODING", "1_a.up.sql", "2:1");
    assert_non_null(strstr(reads.errors.errors[0].found, "0x00 at offset 10"));
}

#define LONG_NAME "a123456789b123456789c123456789d123456789e123456789f123456789g123"

static void
row_41_names_that_would_be_cut_off(void **state)
{
    (void)state;

    assert_refused("SELECT 1 AS " LONG_NAME, "E-MIG-IDENT", "1:13");
    assert_accepted("-- skein: allow=E-MIG-IDENT reason=\"it was so\"\nSELECT 1 AS " LONG_NAME);
    assert_refused("-- skein: allow=E-MIG-IDENT\nSELECT 1;\nSELECT 1 AS " LONG_NAME, "E-MIG-IDENT",
                   "3:13");
    assert_refused("SELECT 1 AS " LONG_NAME ";\n-- skein: allow=E-MIG-IDENT\nSELECT 2",
                   "E-MIG-IDENT", "1:13");
}

static void
row_42_a_file_without_a_statement(void **state)
{
    (void)state;

    assert_refused("", "E-MIG-EMPTY", "");
    assert_refused("-- nothing\n;;", "E-MIG-EMPTY", "");
    assert_refused("BEGIN; COMMIT;", "E-MIG-EMPTY", "");
    CLEANUP(reads_release) struct reads reads = read_up("-- skein: noop\n");
    assert_true(reads.succeeded);
    assert_true(reads.bundle->manifest.migrations[0].has_up);
    assert_int_equal(reads.bundle->manifest.migrations[0].up.statement_count, 0);
}

static void
statements_that_nest_too_deeply(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text up = {0};

    text_append(&up, "SELECT 1;\nSELECT 1");
    for (int i = 0; i < 100000; i++) {
        text_append(&up, "+1");
    }
    CLEANUP(reads_release) struct reads reads = read_up(text_of(&up));
    assert_int_equal(reads.errors.count, 1);
    assert_string_equal(reads.errors.errors[0].code, "E-MIG-COMPLEX");
}

static void
all_that_is_wrong_is_found_at_once(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", "SET ROLE x;\nSET ROLE y;\nDROP DATABASE t;", 0644);
    folder_text(&folder, "2_b.up.sql", "-- skein: stge=x\nSELECT 'a", 0644);
    folder_text(&folder, "3_c.up.sql", "-- skein: stge=x tmeout=2s\nSELECT 1", 0644);

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_listed(&reads.errors, "E-MIG-SETTING", "1_a.up.sql", "1:1");
    assert_listed(&reads.errors, "E-MIG-SETTING", "1_a.up.sql", "2:1");
    assert_listed(&reads.errors, "E-MIG-NOTX-UNVERIFIABLE", "1_a.up.sql", "3:1");
    assert_listed(&reads.errors, "E-MIG-LEX", "2_b.up.sql", "2:8");
    assert_listed(&reads.errors, "E-MIG-ANNOTATION", "3_c.up.sql", "1:11");
    assert_listed(&reads.errors, "E-MIG-ANNOTATION", "3_c.up.sql", "1:18");
    assert_int_equal(reads.errors.count, 6);
}

static void
what_an_owner_accepts_is_noted(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", "SELECT 1;\nBEGIN; SELECT 2; COMMIT;\nBEGIN; SELECT 3; END",
                0644);
    folder_text(&folder, "2_b.up.sql", "SELECT 1 AS " LONG_NAME, 0644);
    folder_text(&folder, "3_c.up.sql", "-- enterprise only", 0644);

    CLEANUP(reads_release)
    struct reads reads = read_accepting(&folder, ACCEPT_NAMES | ACCEPT_BLOCKS | ACCEPT_EMPTY);

    assert_true(reads.succeeded);
    assert_int_equal(reads.bundle->manifest.migrations[0].up.statement_count, 3);
    assert_true(reads.bundle->manifest.migrations[0].up.is_transactional);
    assert_int_equal(reads.notes.count, 4);
    assert_listed(&reads.notes, "E-MIG-TXCTL", "1_a.up.sql", "2:1");
    assert_listed(&reads.notes, "E-MIG-TXCTL", "1_a.up.sql", "3:1");
    assert_listed(&reads.notes, "E-MIG-IDENT", "2_b.up.sql", "1:13");
    assert_listed(&reads.notes, "E-MIG-EMPTY", "3_c.up.sql", "");
}

static void
who_leaves_the_tools_transaction_runs_statement_by_statement(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql",
                "ALTER TABLE t ADD a int;\nCOMMIT;\nSET lock_timeout = 0;\n"
                "CREATE INDEX CONCURRENTLY i ON t (a);\nBEGIN;\nSELECT 1;",
                0644);

    CLEANUP(reads_release) struct reads refused = read_folder(&folder);
    CLEANUP(reads_release) struct reads reads = read_accepting(&folder, ACCEPT_BLOCKS);

    assert_listed(&refused.errors, "E-MIG-TXCTL", "1_a.up.sql", "2:1");
    assert_true(reads.succeeded);
    const struct script *up = &reads.bundle->manifest.migrations[0].up;
    assert_false(up->is_transactional);
    assert_int_equal(up->statement_count, 3);
    assert_int_equal(up->statements[1].kind, STATEMENT_CREATE_INDEX_CONCURRENTLY);
    assert_listed(&reads.notes, "E-MIG-TXCTL", "1_a.up.sql", "2:1");
    assert_listed(&reads.notes, "E-MIG-TXCTL", "1_a.up.sql", "5:1");
    assert_listed(&reads.notes, "E-MIG-MIXED", "1_a.up.sql", "4:1");
    folder_text(&folder, "1_a.up.sql", "ALTER TABLE t ADD b int;COMMIT;SELECT 1;", 0644);
    CLEANUP(reads_release) struct reads plain = read_accepting(&folder, ACCEPT_BLOCKS);
    assert_true(plain.succeeded);
    assert_false(plain.bundle->manifest.migrations[0].up.is_transactional);
}

static void
only_whole_blocks_can_be_accepted(void **state)
{
    (void)state;
    static const char *const ups[] = {"SELECT 1; COMMIT; ROLLBACK; SELECT 2",
                                      "BEGIN; BEGIN; COMMIT; COMMIT", "SELECT 1; BEGIN; ROLLBACK",
                                      "BEGIN; SELECT 1", "SELECT 1; COMMIT; SELECT 2; COMMIT"};

    for (size_t i = 0; i < sizeof ups / sizeof *ups; i++) {
        CLEANUP(folder_remove) struct folder folder = folder_make();
        folder_text(&folder, "1_a.up.sql", ups[i], 0644);
        CLEANUP(reads_release) struct reads reads = read_accepting(&folder, ACCEPT_BLOCKS);
        assert_false(reads.succeeded);
        assert_string_equal(reads.errors.errors[0].code, "E-MIG-TXCTL");
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(row_33_text_that_does_not_end_or_is_for_psql),
    cmocka_unit_test(row_34_transaction_control),
    cmocka_unit_test(one_transaction_around_everything_is_what_we_do_anyway),
    cmocka_unit_test(row_35_statements_outside_a_transaction),
    cmocka_unit_test(row_35_what_can_be_looked_up_or_is_told_runs_outside_a_transaction),
    cmocka_unit_test(a_file_can_say_that_each_of_its_statements_runs_for_itself),
    cmocka_unit_test(a_block_that_ends_the_transaction_is_refused),
    cmocka_unit_test(harmless_commands_of_psql_are_passed_over),
    cmocka_unit_test(commands_of_psql_that_do_something_are_refused),
    cmocka_unit_test(newer_syntax_is_run_as_it_stands_when_somebody_says_so),
    cmocka_unit_test(what_only_psql_understands_cannot_be_run_as_it_stands),
    cmocka_unit_test(index_statements_alone_are_read_as_what_they_are),
    cmocka_unit_test(row_36_an_index_without_a_name),
    cmocka_unit_test(row_38_settings_that_undo_what_we_promise),
    cmocka_unit_test(the_settings_that_a_dump_begins_with_are_accepted),
    cmocka_unit_test(row_39_a_password),
    cmocka_unit_test(row_40_our_own_schema),
    cmocka_unit_test(row_41_encoding),
    cmocka_unit_test(row_41_names_that_would_be_cut_off),
    cmocka_unit_test(row_42_a_file_without_a_statement),
    cmocka_unit_test(statements_that_nest_too_deeply),
    cmocka_unit_test(all_that_is_wrong_is_found_at_once),
    cmocka_unit_test(what_an_owner_accepts_is_noted),
    cmocka_unit_test(who_leaves_the_tools_transaction_runs_statement_by_statement),
    cmocka_unit_test(only_whole_blocks_can_be_accepted),
};

RUN_DEEP(tests)
