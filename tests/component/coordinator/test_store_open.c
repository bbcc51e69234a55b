/* What the store refuses to open, and what it leaves untouched. */
#include "coordinator/shell/store.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "common/base/clock.h"

#include "tests/component/coordinator/store_files.h"

#define TMPFS 0x01021994

/* ---- whose, and where ----------------------------------------------------------------------- */

static void
refuses_a_store_that_somebody_holds_and_says_who(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder), *second;
    struct error error;
    char pid[32];
    (void)state;

    assert_false(try_open(&options, &second, &error));
    assert_string_equal(error.code, "E-STORE-LOCKED");
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(error.text, pid));
    store_close(&store);
    store = opened(&folder);
    assert_int_equal(2, store_epoch(store)); /* the refused one has not raised it */
    store_close(&store);
}

static void
refuses_a_file_that_others_may_read_or_that_is_none(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder);
    (void)state;

    store_close(&store);
    assert_int_equal(0, chmod(options.path, 0644));
    assert_refused(&options, "E-STORE-PERM");
    assert_int_equal(0, chmod(options.path, 0600));
    store = opened(&folder);
    store_close(&store);

    options.path = folder_path(&folder, "link-to-store");
    assert_int_equal(0, symlink(folder_path(&folder, "store.db"), options.path));
    assert_refused(&options, "E-STORE-PERM");
    options.path = folder_path(&folder, "folder-of-store");
    assert_int_equal(0, mkdir(options.path, 0700));
    assert_refused(&options, "E-STORE-PERM");
    options.path = folder_path(&folder, "no/such/store");
    assert_refused(&options, "E-STORE-PERM");
}

/* As a user who may not write there: root may write everywhere. */
static void
refuses_a_folder_that_may_not_be_written(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    int status;
    (void)state;

    assert_int_equal(0, chmod(folder.path, 0555));
    pid_t child = fork();
    if (child == 0) {
        struct store *store;
        struct error error;
        bool is_somebody_else = geteuid() != 0 || setuid(65534) == 0;
        _exit(is_somebody_else && !try_open(&options, &store, &error) &&
                      error_is(&error, "E-STORE-PERM")
                  ? 0
                  : 1);
    }
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(0, status);
    assert_int_equal(0, chmod(folder.path, 0700));
}

static void
leaves_files_of_others_as_they_are(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    (void)state;

    folder_text(&folder, "store.db", "dear diary, this is no database at all\n", 0600);
    assert_refused(&options, "E-STORE-FOREIGN");
    CLEANUP(text_release) struct text diary = content_of(options.path);
    assert_string_equal("dear diary, this is no database at all\n", text_of(&diary));

    options.path = folder_path(&folder, "other.db");
    execute(&folder, "other.db",
            "CREATE TABLE customer (name TEXT); INSERT INTO customer VALUES ('x')");
    CLEANUP(text_release) struct text before = content_of(options.path);
    assert_refused(&options, "E-STORE-FOREIGN");
    CLEANUP(text_release) struct text after = content_of(options.path);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
}

static void
refuses_the_store_of_another_cluster(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder);
    struct id own = store_cluster_id(store), other = id_random();
    (void)state;

    store_close(&store);
    options.cluster_id = &other;
    assert_refused(&options, "E-STORE-FOREIGN");
    options.cluster_id = &own;
    struct error error;
    assert_true(try_open(&options, &store, &error));
    store_close(&store);
}

static void
makes_a_new_store_for_the_cluster_it_is_told(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct id wanted = id_random();
    struct store_options options = at(&folder);
    struct store *store;
    struct error error;
    (void)state;

    options.cluster_id = &wanted;
    assert_true(try_open(&options, &store, &error));
    struct id given = store_cluster_id(store);
    assert_true(id_equal(&wanted, &given));
    store_close(&store);
}

static void
refuses_a_store_in_memory_when_it_is_told_to(void **state)
{
    struct statfs about;
    (void)state;

    if (statfs("/dev/shm", &about) < 0 || about.f_type != TMPFS) {
        print_message("skipped: /dev/shm is no tmpfs\n");
        skip();
    }
    char path[] = "/dev/shm/skein-test-XXXXXX";
    assert_non_null(mkdtemp(path));
    CLEANUP(mem_free) char *file = mem_format("%s/store.db", path);
    struct store_options options = {.path = file, .refuses_volatile = true};
    assert_refused(&options, "E-STORE-FS");

    options.refuses_volatile = false; /* a warning in the log, no more */
    struct store *store;
    struct error error;
    assert_true(try_open(&options, &store, &error));
    store_close(&store);
    CLEANUP(mem_free) char *lock = mem_format("%s.lock", file);
    unlink(file);
    unlink(lock);
    rmdir(path);
}

/* ---- too new, damaged, too old -------------------------------------------------------------- */

static void
brings_a_store_of_before_there_were_loads_up_to_date(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct record load = {.kind = RECORD_LOAD, .load = {.position = 1, .index_bytes = 4096}};
    struct error error;
    (void)state;

    struct store *store = opened(&folder);
    store_close(&store);
    execute(&folder, "store.db", "DROP TABLE load; PRAGMA user_version = 3");
    store = opened(&folder);
    assert_true(store_begin(store, &error));
    assert_true(store_save(store, &load, &error));
    assert_true(store_commit(store, &error));
    store_close(&store);
    store = opened(&folder);
    store_close(&store);
}

static void
refuses_a_store_of_a_newer_version(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder);
    (void)state;

    store_close(&store);
    execute(&folder, "store.db", "PRAGMA user_version = 99");
    assert_refused(&options, "E-STORE-NEWER");
    execute(&folder, "store.db", "PRAGMA user_version = 2");
    store = opened(&folder);
    store_close(&store);
}

/* Whatever page is damaged, it is noticed: at the opening, or when it is read. */
static void
notices_a_damaged_page(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder);
    char name[32];
    struct error error;
    (void)state;

    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "agent-%d", i);
        struct record record = agent_named(name);
        assert_true(save(store, &record, &error));
    }
    store_close(&store);

    CLEANUP(text_release) struct text sound = content_of(options.path);
    int noticed = 0, pages = (int)(sound.size / 4096);
    for (int page = 0; page < pages; page++) {
        folder_write(&folder, "store.db", sound.data, sound.size);
        int file = open(options.path, O_WRONLY);
        assert_int_equal(64, pwrite(file,
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                    "\xff\xff\xff\xff\xff\xff\xff\xff",
                                    64, page * 4096));
        close(file);
        if (try_open(&options, &store, &error)) {
            store_close(&store);
        } else {
            assert_string_equal(error.code, "E-STORE-CORRUPT");
            noticed++;
        }
    }
    assert_int_equal(pages, noticed);
}

static void
notices_that_the_store_went_back_in_time(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder);
    struct error error;
    (void)state;

    store_close(&store);
    CLEANUP(text_release) struct text yesterday = content_of(options.path);
    for (int i = 0; i < 3; i++) {
        store = opened(&folder);
        store_close(&store);
    }
    folder_write(&folder, "store.db", yesterday.data, yesterday.size);
    assert_refused(&options, "E-STORE-REGRESSED");
    assert_int_equal(0, unlink(options.path));
    assert_refused(&options, "E-STORE-REGRESSED");

    folder_write(&folder, "store.db", yesterday.data, yesterday.size);
    assert_int_equal(0, chmod(options.path, 0600));
    options.accepts_older = true;
    assert_true(try_open(&options, &store, &error));
    assert_int_equal(5, store_epoch(store)); /* outranks all four that led here */
    store_close(&store);
    options.accepts_older = false;
    store = opened(&folder);
    store_close(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_store_that_somebody_holds_and_says_who),
        cmocka_unit_test(refuses_a_file_that_others_may_read_or_that_is_none),
        cmocka_unit_test(refuses_a_folder_that_may_not_be_written),
        cmocka_unit_test(leaves_files_of_others_as_they_are),
        cmocka_unit_test(refuses_the_store_of_another_cluster),
        cmocka_unit_test(makes_a_new_store_for_the_cluster_it_is_told),
        cmocka_unit_test(refuses_a_store_in_memory_when_it_is_told_to),
        cmocka_unit_test(brings_a_store_of_before_there_were_loads_up_to_date),
        cmocka_unit_test(refuses_a_store_of_a_newer_version),
        cmocka_unit_test(notices_a_damaged_page),
        cmocka_unit_test(notices_that_the_store_went_back_in_time),
    };
    return RUN_TESTS(tests);
}
