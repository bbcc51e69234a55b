#include "common/migration/listing.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/migration/reads.h"

static void
assert_refused_file(const struct folder *folder, const char *code, const char *name)
{
    CLEANUP(reads_release) struct reads reads = read_folder(folder);

    assert_int_equal(reads.errors.count, 1);
    assert_listed(&reads.errors, code, name, "");
}

static void
what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder pipes = folder_make();
    CLEANUP(folder_remove) struct folder folders = folder_make();
    CLEANUP(folder_remove) struct folder sockets = folder_make();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int server = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(mkfifo(folder_path(&pipes, "1_a.up.sql"), 0600), 0);
    assert_int_equal(mkdir(folder_path(&folders, "1_a.up.sql"), 0700), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/1_a.up.sql", sockets.path);
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);

    assert_refused_file(&pipes, "E-MIG-TYPE", "1_a.up.sql");
    assert_refused_file(&folders, "E-MIG-TYPE", "1_a.up.sql");
    assert_refused_file(&sockets, "E-MIG-TYPE", "1_a.up.sql");
    close(server);
}

static void
a_link_out_of_the_folder_is_refused_and_one_inside_is_followed(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder other = folder_make();
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", "SELECT 1", 0644);
    assert_int_equal(symlink("1_a.up.sql", folder_path(&folder, "2_b.up.sql")), 0);
    CLEANUP(reads_release) struct reads inside = read_folder(&folder);
    folder_text(&other, "x.sql", "SELECT 1", 0644);
    assert_int_equal(symlink(folder_path(&other, "x.sql"), folder_path(&folder, "3_c.up.sql")), 0);

    assert_true(inside.succeeded);
    assert_int_equal(inside.bundle->manifest.migration_count, 2);
    assert_refused_file(&folder, "E-MIG-PATH", "3_c.up.sql");
}

static void
links_that_lead_nowhere_or_to_a_device_are_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder nowhere = folder_make();
    CLEANUP(folder_remove) struct folder device = folder_make();
    assert_int_equal(symlink("missing", folder_path(&nowhere, "1_a.up.sql")), 0);
    assert_int_equal(symlink("/dev/zero", folder_path(&device, "1_a.up.sql")), 0);

    assert_refused_file(&nowhere, "E-MIG-OPEN", "1_a.up.sql");
    assert_refused_file(&device, "E-MIG-PATH", "1_a.up.sql");
}

static void
a_file_is_at_most_eight_mebibytes(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(mem_free) char *text = mem_zalloc(SCRIPT_SIZE_MAX + 1);
    memset(text, ' ', SCRIPT_SIZE_MAX + 1);
    memcpy(text, "SELECT 1", 8);
    folder_write(&folder, "1_a.up.sql", text, SCRIPT_SIZE_MAX);
    CLEANUP(reads_release) struct reads fits = read_folder(&folder);
    folder_write(&folder, "1_a.up.sql", text, SCRIPT_SIZE_MAX + 1);

    assert_true(fits.succeeded);
    assert_refused_file(&folder, "E-MIG-SIZE", "1_a.up.sql");
}

static void
all_files_together_are_at_most_a_bundle(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(mem_free) char *text = mem_zalloc(SCRIPT_SIZE_MAX);
    memset(text, ' ', SCRIPT_SIZE_MAX);
    memcpy(text, "SELECT 1", 8);
    char name[32];
    for (int i = 1; i <= 8; i++) {
        snprintf(name, sizeof name, "%d_a.up.sql", i);
        folder_write(&folder, name, text, SCRIPT_SIZE_MAX);
    }

    CLEANUP(reads_release) struct reads reads = read_folder(&folder);

    assert_int_equal(reads.errors.count, 1);
    assert_string_equal(reads.errors.errors[0].code, "E-MIG-SIZE");
    assert_string_equal(reads.errors.errors[0].where, folder.path);
}

static void
a_folder_that_is_not_there_is_missing(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "file", "x", 0644);
    static const char *const names[] = {"nothing", "file"};

    for (size_t i = 0; i < 2; i++) {
        struct listing *listing = NULL;
        struct error error;
        assert_false(listing_open(folder_path(&folder, names[i]), &listing, &error));
        assert_null(listing);
        assert_string_equal(error.code, "E-MIG-MISSING");
    }
}

static void
names_come_in_one_order(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    static const char *const names[] = {"b", "a10", "a2", "B", "é"};
    for (size_t i = 0; i < 5; i++) {
        folder_text(&folder, names[i], "", 0644);
    }
    CLEANUP(listing_destroy) struct listing *listing = NULL;
    struct error error;

    assert_true(listing_open(folder.path, &listing, &error));

    static const char *const wanted[] = {"B", "a10", "a2", "b", "é"};
    assert_int_equal(listing->count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(listing->files[i].name, wanted[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_regular_file_is_refused_without_waiting),
        cmocka_unit_test(a_link_out_of_the_folder_is_refused_and_one_inside_is_followed),
        cmocka_unit_test(links_that_lead_nowhere_or_to_a_device_are_refused),
        cmocka_unit_test(a_file_is_at_most_eight_mebibytes),
        cmocka_unit_test(all_files_together_are_at_most_a_bundle),
        cmocka_unit_test(a_folder_that_is_not_there_is_missing),
        cmocka_unit_test(names_come_in_one_order),
    };
    return RUN_TESTS(tests);
}
