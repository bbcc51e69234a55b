/* What cannot be read, in every layout: each with the place that it has in its file. */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/deep.h"
#include "tests/unit/migration/layouts/tool.h"

#define WHEN " 2025-01-02T03:04:05Z Anna <anna@example.org>"

/* How a script stands in a layout: in which file, behind how many lines; and what is beside it. */
static const struct {
    const char *layout, *file, *head;
    size_t lines;
    const char *beside, *beside_text;
} frames[] = {
    {"pairs", "1_a.up.sql", "", 0, NULL, NULL},
    {"dbmate", "1_a.sql", "-- migrate:up\n", 1, NULL, NULL},
    {"diesel", "1_a/up.sql", "", 0, NULL, NULL},
    {"drizzle", "0000_a.sql", "SELECT 1\n--> statement-breakpoint\n", 2, "meta/_journal.json",
     "{\"entries\": [{\"when\": 1, \"tag\": \"0000_a\"}]}"},
    {"flyway", "V1__a.sql", "", 0, NULL, NULL},
    {"goose", "1_a.sql",
     "-- +goose Up\n-- +goose StatementBegin\nSELECT 1\n-- +goose StatementEnd\n", 4, NULL, NULL},
    {"graphile-migrate", "committed/000001.sql", "--! Previous: -\n--! Hash: sha1:aa\n\n", 3, NULL,
     NULL},
    {"maragu", "a.up.sql", "", 0, NULL, NULL},
    {"node-pg-migrate", "1_a.sql", "-- Down Migration\nSELECT 1;\n-- Up Migration\n", 3, NULL,
     NULL},
    {"popx", "1_a.postgres.up.sql", "", 0, NULL, NULL},
    {"prisma", "1_a/migration.sql", "", 0, NULL, NULL},
    {"sourcegraph", "1/up.sql", "", 0, "1/metadata.yaml", "name: a\n"},
    {"sql-migrate", "1_a.sql", "-- +migrate Down\nSELECT 1;\n-- +migrate Up\n", 3, NULL, NULL},
    {"sqitch", "deploy/a.sql", "", 0, "sqitch.plan", "%project=app\n\na" WHEN "\n"},
    {"sqlx", "1_a.sql", "", 0, NULL, NULL},
    {"supabase", "1_a.sql", "", 0, NULL, NULL},
};

#define FRAME_COUNT (sizeof frames / sizeof *frames)

/* Layouts that look for a script by a name of their own, and not through the list of files. */
static bool
is_looked_for(size_t frame)
{
    static const char *const names[] = {"diesel", "prisma", "sourcegraph", "sqitch"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_equal(frames[frame].layout, names[i])) {
            return true;
        }
    }
    return false;
}

/* A folder of this layout whose script is `text`; lines end as they do in `text`. */
static struct reads
read_framed(size_t frame, const char *mark, const char *text, size_t size, bool has_returns)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text whole = {0};

    text_append(&whole, mark);
    for (const char *byte = frames[frame].head; *byte; byte++) {
        text_append(&whole, has_returns && *byte == '\n' ? "\r" : "");
        text_append_bytes(&whole, byte, 1);
    }
    text_append_bytes(&whole, text, size);
    folder_write(&folder, frames[frame].file, text_of(&whole), whole.size);
    if (frames[frame].beside) {
        put(&folder, frames[frame].beside, frames[frame].beside_text);
    }
    return read_as(&folder, frames[frame].layout);
}

static void
assert_refused_everywhere(const char *text, size_t size, const char *code, size_t line,
                          size_t column)
{
    for (size_t frame = 0; frame < FRAME_COUNT; frame++) {
        CLEANUP(mem_free)
        char *place = mem_format("%zu:%zu", frames[frame].lines + line, column);
        CLEANUP(reads_release) struct reads plain = read_framed(frame, "", text, size, false);
        CLEANUP(reads_release)
        struct reads marked = read_framed(frame, "\xef\xbb\xbf", text, size, true);
        assert_false(plain.succeeded);
        assert_listed(&plain.errors, code, frames[frame].file, place);
        assert_listed(&marked.errors, code, frames[frame].file, place);
        assert_int_equal(plain.errors.count, 1);
    }
}

#define REFUSED_EVERYWHERE(text, code, line, column)                                               \
    assert_refused_everywhere(text, sizeof(text) - 1, code, line, column)

static void
bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;

    REFUSED_EVERYWHERE("SELECT 1;\nSELECT '\xe9t\xe9';\n", "E-MIG-ENCODING", 2, 9);
    REFUSED_EVERYWHERE("SELECT 1;\nSELECT '\0';\n", "E-MIG-ENCODING", 2, 9);
}

static void
what_does_not_end_is_refused_where_it_begins(void **state)
{
    (void)state;

    REFUSED_EVERYWHERE("SELECT 1;\nSELECT 'ü', 'x;\n", "E-MIG-LEX", 2, 13);
    REFUSED_EVERYWHERE("SELECT 1;\n  SELECT \"x;\n", "E-MIG-LEX", 2, 10);
    REFUSED_EVERYWHERE("SELECT $a$ $b$ $b$;\n", "E-MIG-LEX", 1, 8);
    REFUSED_EVERYWHERE("SELECT 1; /* /* */\n", "E-MIG-LEX", 1, 11);
}

static void
what_only_psql_understands_is_refused(void **state)
{
    (void)state;

    REFUSED_EVERYWHERE("SELECT 1;\n  \\i other.sql\n", "E-MIG-PSQL", 2, 3);
    REFUSED_EVERYWHERE("SELECT 1;\nCOPY t (a) FROM stdin;\n1\n\\.\n", "E-MIG-PSQL", 2, 1);
    REFUSED_EVERYWHERE("COPY t FROM STDIN;\n", "E-MIG-PSQL", 1, 1);
}

static void
what_ends_the_transaction_is_refused(void **state)
{
    (void)state;

    REFUSED_EVERYWHERE("SELECT 1;\nDO $$ BEGIN COMMIT; END $$;\n", "E-MIG-TXCTL", 2, 1);
    REFUSED_EVERYWHERE("SELECT 1;\n ROLLBACK;\n", "E-MIG-TXCTL", 2, 2);
}

static void
what_would_undo_a_promise_is_refused(void **state)
{
    (void)state;

    REFUSED_EVERYWHERE("SELECT 1;\nSET synchronous_commit = off;\n", "E-MIG-SETTING", 2, 1);
    REFUSED_EVERYWHERE("SELECT 1;\n  RESET ALL;\n", "E-MIG-SETTING", 2, 3);
    REFUSED_EVERYWHERE("SELECT 'ü'; CREATE ROLE x\n PASSWORD 'y';\n", "E-MIG-SECRET", 2, 2);
    REFUSED_EVERYWHERE("SELECT 1;\nTRUNCATE skein.journal;\n", "E-MIG-OWN-SCHEMA", 2, 1);
    REFUSED_EVERYWHERE("COPY t FROM PROGRAM 'x';\n", "E-MIG-PROGRAM", 1, 1);
    REFUSED_EVERYWHERE("SELECT 1;\nCREATE DATABASE d;\n", "E-MIG-NOTX-UNVERIFIABLE", 2, 1);
}

static void
names_that_would_be_cut_off_are_refused(void **state)
{
    (void)state;

    REFUSED_EVERYWHERE("SELECT 1;\nSELECT 1 AS \"größe56789b123456789c123456789d123456789"
                       "e123456789f123456789g123\";\n",
                       "E-MIG-IDENT", 2, 13);
}

/* What is no file of the folder's, in the place of a script. */
static void
assert_no_file(size_t frame, const char *code, bool (*make)(const char *path))
{
    CLEANUP(folder_remove) struct folder folder = folder_make();

    put(&folder, frames[frame].file, "SELECT 1;\n"); /* makes the folders */
    if (frames[frame].beside) {
        put(&folder, frames[frame].beside, frames[frame].beside_text);
    }
    const char *path = folder_path(&folder, frames[frame].file);
    assert_int_equal(unlink(path), 0);
    assert_true(make(path));
    CLEANUP(reads_release) struct reads reads = read_as(&folder, frames[frame].layout);
    assert_false(reads.succeeded);
    assert_listed(&reads.errors, code, frames[frame].file, "");
}

static bool
make_pipe(const char *path)
{
    return mkfifo(path, 0600) == 0;
}

static bool
make_link_out(const char *path)
{
    return symlink("/etc/hostname", path) == 0;
}

static bool
make_dangling_link(const char *path)
{
    return symlink("nowhere.sql", path) == 0;
}

static void
what_is_no_file_of_the_folder_is_refused(void **state)
{
    (void)state;

    for (size_t frame = 0; frame < FRAME_COUNT; frame++) {
        assert_no_file(frame, "E-MIG-TYPE", make_pipe);
        assert_no_file(frame, "E-MIG-PATH", make_link_out);
        assert_no_file(frame, is_looked_for(frame) ? "E-MIG-MISSING" : "E-MIG-OPEN",
                       make_dangling_link);
    }
}

static void
newer_syntax_is_named_and_can_be_run_as_it_stands(void **state)
{
    (void)state;
    static const char newer[] = "CREATE TABLE t (a int NOT ENFORCED NOT NULL, b);\n";

    assert_refused_everywhere(newer, sizeof newer - 1, "E-MIG-SYNTAX", 1, 27);
}

static void
harmless_things_are_read_everywhere(void **state)
{
    (void)state;
    static const char text[] = "CREATE TABLE \"größe\" (été int, \"naïve \"\"x\"\"\" int);\r\n"
                               "SELECT $a$ $b$ ' $b$ $a$, E'\\'', $$\\i$$;\n"
                               "/* /* nested */ ; */ SELECT U&'\\0041'; -- ' \n;;\n"
                               "\\set ON_ERROR_STOP on\n";

    for (size_t frame = 0; frame < FRAME_COUNT; frame++) {
        CLEANUP(reads_release)
        struct reads reads = read_framed(frame, "\xef\xbb\xbf", text, sizeof text - 1, true);
        (void)migration_at(&reads, 0);
        const struct script *up = &migration_at(&reads, 0)->up;
        assert_true(up->statement_count >= 3);
        assert_int_equal(up->statements[up->statement_count - 1].line, frames[frame].lines + 3);
        assert_int_equal(up->statements[up->statement_count - 1].column, 22);
    }
}

static void
ten_thousand_statements_are_read_in_every_layout(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};

    for (int i = 0; i < 10000; i++) {
        text_format(&text, "INSERT INTO t VALUES (%d);\n", i);
    }
    for (size_t frame = 0; frame < FRAME_COUNT; frame++) {
        CLEANUP(reads_release)
        struct reads reads = read_framed(frame, "", text_of(&text), text.size, false);
        const struct script *up = &migration_at(&reads, 0)->up;
        assert_true(up->statement_count >= 10000);
        assert_int_equal(up->statements[up->statement_count - 1].line, frames[frame].lines + 10000);
    }
}

static void
a_file_of_more_than_eight_mebibytes_is_refused(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};
    char blanks[4096];

    memset(blanks, ' ', sizeof blanks);
    while (text.size <= SCRIPT_SIZE_MAX) {
        text_append_bytes(&text, blanks, sizeof blanks);
    }
    for (size_t frame = 0; frame < FRAME_COUNT; frame++) {
        CLEANUP(reads_release)
        struct reads reads = read_framed(frame, "", text_of(&text), text.size, false);
        assert_listed(&reads.errors, "E-MIG-SIZE", frames[frame].file, "");
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_that_are_no_text_are_refused),
    cmocka_unit_test(what_does_not_end_is_refused_where_it_begins),
    cmocka_unit_test(what_only_psql_understands_is_refused),
    cmocka_unit_test(what_ends_the_transaction_is_refused),
    cmocka_unit_test(what_would_undo_a_promise_is_refused),
    cmocka_unit_test(names_that_would_be_cut_off_are_refused),
    cmocka_unit_test(what_is_no_file_of_the_folder_is_refused),
    cmocka_unit_test(newer_syntax_is_named_and_can_be_run_as_it_stands),
    cmocka_unit_test(harmless_things_are_read_everywhere),
    cmocka_unit_test(ten_thousand_statements_are_read_in_every_layout),
    cmocka_unit_test(a_file_of_more_than_eight_mebibytes_is_refused),
};

RUN_DEEP(tests)
