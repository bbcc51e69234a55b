#include "common/migration/history_keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/history_digest.h"
#include "common/migration/reader.h"

#include "tests/support/folder.h"
#include "tests/support/unit.h"

static struct bundle *
read_folder(const struct folder *folder, const char *layout)
{
    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    struct bundle *bundle = NULL;

    if (!migrations_read(folder->path, "shop", layout, &bundle, &errors, &notes)) {
        fail_msg("%s: %s (%s)", errors.errors[0].code, errors.errors[0].text,
                 errors.errors[0].where);
    }
    return bundle;
}

static void
key_must_be(const struct bundle *bundle, size_t index, const char *name, const char *expected)
{
    const char *value = migration_key(&bundle->manifest.migrations[index], name);

    assert_non_null(value);
    assert_string_equal(value, expected);
}

static void
make(const struct folder *folder, const char *name)
{
    mkdir(folder_path(folder, name), 0755);
}

/* Ids and hashes as sqitch 1.3 itself has made them from this plan. */
static void
sqitch_ids_are_sqitchs(void **state)
{
    struct folder folder = folder_make();

    (void)state;
    folder_text(&folder, "sqitch.plan",
                "%syntax-version=1.0.0\n%project=shop\n%uri=https://example.com/shop/\n\n"
                "users 2024-01-01T10:00:00Z Marge <marge@example.com> # Makes users.\n"
                "@v1 2024-01-01T11:00:00Z Marge <marge@example.com> # First.\n"
                "posts [users !other:thing shop:users@v1] 2024-01-02T10:00:00Z Marge N. O’Vera"
                " <marge@example.com> # Posts\\nin two lines.\n",
                0644);
    make(&folder, "deploy");
    folder_text(&folder, "deploy/users.sql", "CREATE TABLE users ();\n", 0644);
    folder_text(&folder, "deploy/posts.sql", "CREATE TABLE posts ();\n", 0644);

    struct bundle *bundle = read_folder(&folder, "sqitch");

    key_must_be(bundle, 0, "change_id", "0a64bd555ad8f6418a02920072d0400483ef7c24");
    key_must_be(bundle, 0, "script_hash", "6609d16353272d60ce4826e074bc12234e71904b");
    key_must_be(bundle, 1, "change_id", "95ac01ca68d29e2c98a98baf66fc3a8754be9d70");
    key_must_be(bundle, 1, "requires", "users\x1eusers@v1\x1e");
    key_must_be(bundle, 1, "conflicts", "other:thing\x1e");
    assert_non_null(strstr(migration_key(&bundle->manifest.migrations[0], "tags"),
                           "53c0235c2d8f4ee792594923c41e7675204c1940"));
    bundle_destroy(&bundle);
    folder_remove(&folder);
}

static void
flyways_checksum_knows_lines_not_their_ends(void **state)
{
    CLEANUP(arena_release) struct arena arena = {0};
    const char *plain = history_crc32_of_lines("a\nb", 3, &arena);

    (void)state;
    assert_string_equal(plain, "-1635563411");
    assert_string_equal(history_crc32_of_lines("a\r\nb\r\n", 6, &arena), plain);
    assert_string_equal(history_crc32_of_lines("a\rb\r", 4, &arena), plain);
    assert_string_equal(history_crc32_of_lines("\xef\xbb\xbf"
                                               "a\nb\n",
                                               7, &arena),
                        plain);
    assert_string_equal(history_crc32_of_lines("", 0, &arena), "0");
}

static void
flyways_migrations_are_called_as_flyway_does(void **state)
{
    struct folder folder = folder_make();

    (void)state;
    make(&folder, "2024");
    folder_text(&folder, "2024/V1_2.3__Make_the_users.sql", "CREATE TABLE users ();\n", 0644);
    folder_text(&folder, "R__All_views.sql", "CREATE OR REPLACE VIEW v AS SELECT 1;\n", 0644);

    struct bundle *bundle = read_folder(&folder, "flyway");

    key_must_be(bundle, 0, "version", "1.2.3");
    key_must_be(bundle, 0, "description", "Make the users");
    key_must_be(bundle, 0, "script", "2024/V1_2.3__Make_the_users.sql");
    key_must_be(bundle, 1, "key", "R All views");
    assert_null(migration_key(&bundle->manifest.migrations[1], "version"));
    bundle_destroy(&bundle);
    folder_remove(&folder);
}

static void
graphiles_hash_is_of_the_text_unless_it_may_be_wrong(void **state)
{
    struct folder folder = folder_make();

    (void)state;
    make(&folder, "committed");
    folder_text(&folder, "committed/000001.sql",
                "--! Previous: -\n--! Hash: "
                "sha1:370757d654a15d29e824a96c113d86b77588d500\n\nCREATE TABLE a ();\n",
                0644);
    folder_text(&folder, "committed/000002-two.sql",
                "--! Previous: sha1:370757d654a15d29e824a96c113d86b77588d500\n--! Hash: "
                "sha1:c0ea15cfb9ade019810c00174dc014f9c67ecdf4\n--! Message: two\n\n"
                "CREATE TABLE b ();\n\n",
                0644);
    folder_text(&folder, "committed/000003.sql",
                "--! Previous: sha1:c0ea15cfb9ade019810c00174dc014f9c67ecdf4\n--! Hash: "
                "sha1:0123\n--! AllowInvalidHash\n\n"
                "CREATE TABLE c ();\n",
                0644);

    struct bundle *bundle = read_folder(&folder, "graphile-migrate");

    key_must_be(bundle, 0, "checksum", "sha1:370757d654a15d29e824a96c113d86b77588d500");
    key_must_be(bundle, 1, "checksum", "sha1:c0ea15cfb9ade019810c00174dc014f9c67ecdf4");
    key_must_be(bundle, 1, "file", "000002.sql");
    key_must_be(bundle, 1, "previous_hash", "sha1:370757d654a15d29e824a96c113d86b77588d500");
    key_must_be(bundle, 2, "checksum", "sha1:0123");
    bundle_destroy(&bundle);
    folder_remove(&folder);
}

static void
a_number_loses_its_zeros_where_the_tool_reads_a_number(void **state)
{
    struct folder folder = folder_make();

    (void)state;
    folder_text(&folder, "0000_none.up.sql", "CREATE TABLE a ();\n", 0644);
    folder_text(&folder, "0012_some.up.sql", "CREATE TABLE b ();\n", 0644);

    struct bundle *bundle = read_folder(&folder, "pairs");

    key_must_be(bundle, 0, "version", "0");
    key_must_be(bundle, 1, "version", "12");
    bundle_destroy(&bundle);
    folder_remove(&folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqitch_ids_are_sqitchs),
        cmocka_unit_test(flyways_checksum_knows_lines_not_their_ends),
        cmocka_unit_test(flyways_migrations_are_called_as_flyway_does),
        cmocka_unit_test(graphiles_hash_is_of_the_text_unless_it_may_be_wrong),
        cmocka_unit_test(a_number_loses_its_zeros_where_the_tool_reads_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
