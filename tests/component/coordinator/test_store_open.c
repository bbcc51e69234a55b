/*
 * What the store refuses to open, and what it leaves untouched; what it does when the disk is full
 * or fails.
 */
#include "coordinator/shell/store.h"

#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#include "tests/support/folder.h"
#include "tests/support/unit.h"

#define TMPFS 0x01021994

static bool
try_open(const struct store_options *options, struct store **store, struct error *error)
{
    memset(error, 0, sizeof *error);
    *store = NULL;
    return store_open(options, store, error);
}

static struct store *
opened(const struct folder *folder)
{
    const struct store_options options = {.path = folder_path(folder, "store.db")};
    struct store *store;
    struct error error;

    if (!try_open(&options, &store, &error)) {
        fail_msg("%s: %s (%s)", error.code, error.text, error.found);
    }
    return store;
}

static void
assert_refused(const struct store_options *options, const char *code)
{
    struct store *store;
    struct error error;

    assert_false(try_open(options, &store, &error));
    assert_string_equal(error.code, code);
    assert_true(error.where[0] != '\0');
    assert_null(store);
}

static struct store_options
at(const struct folder *folder)
{
    return (struct store_options){.path = folder_path(folder, "store.db")};
}

/* The content of a file, so that "unchanged" can be said. */
static struct text
content_of(const char *path)
{
    struct text content = {0};
    char piece[4096];
    FILE *file = fopen(path, "r");

    for (size_t size; file && (size = fread(piece, 1, sizeof piece, file)) > 0;) {
        text_append_bytes(&content, piece, size);
    }
    if (file) {
        fclose(file);
    }
    return content;
}

static void
execute(const struct folder *folder, const char *name, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(SQLITE_OK, sqlite3_open(folder_path(folder, name), &database));
    assert_int_equal(SQLITE_OK, sqlite3_exec(database, sql, NULL, NULL, NULL));
    sqlite3_close(database);
    assert_int_equal(0, chmod(folder_path(folder, name), 0600));
}

static struct record
agent_named(const char *name)
{
    return (struct record){.kind = RECORD_AGENT, .agent = {.name = name, .is_active = true}};
}

static bool
save(struct store *store, const struct record *record, struct error *error)
{
    if (store_begin(store, error) && store_save(store, record, error) &&
        store_commit(store, error)) {
        return true;
    }
    store_rollback(store);
    return false;
}

static void
count(void *context, const struct record *record)
{
    (void)record;
    ++*(size_t *)context;
}

static size_t
records_in(struct store *store)
{
    size_t total = 0;
    const struct store_reader reader = {count, &total};
    struct error error;

    assert_true(store_load(store, &reader, &error));
    return total;
}

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
refuses_a_store_of_a_newer_version(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store = opened(&folder);
    (void)state;

    store_close(&store);
    execute(&folder, "store.db", "PRAGMA user_version = 99");
    assert_refused(&options, "E-STORE-NEWER");
    execute(&folder, "store.db", "PRAGMA user_version = 1");
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

/* ---- no room -------------------------------------------------------------------------------- */

/* Save until there is no room; how many were said to be saved. */
static size_t
fill(struct store *store, struct error *error)
{
    size_t saved = 0;

    for (;; saved++) {
        char name[128];
        snprintf(name, sizeof name, "agent-%0100zu", saved);
        struct record record = agent_named(name);
        if (!save(store, &record, error)) {
            return saved;
        }
        assert_true(saved < 100000);
    }
}

static void
says_full_keeps_what_it_has_and_goes_on_when_there_is_room(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store_options options = at(&folder);
    struct store *store;
    struct error error;
    (void)state;

    options.size_max = 200 * 4096;
    assert_true(try_open(&options, &store, &error));
    size_t saved = fill(store, &error);
    assert_string_equal(error.code, "E-STORE-FULL");
    assert_true(store_error_passes(&error));
    assert_int_equal(saved, records_in(store));
    store_close(&store);

    options.size_max = 0;
    assert_true(try_open(&options, &store, &error));
    struct record record = agent_named("one-more");
    assert_true(save(store, &record, &error));
    assert_int_equal(saved + 1, records_in(store));
    store_close(&store);
}

/* The real thing: a file system of 1 MiB, in a mount namespace of this child's own. */
static int
fill_a_small_disk(const char *path)
{
    CLEANUP(mem_free) char *file = mem_format("%s/store.db", path);
    CLEANUP(mem_free) char *other = mem_format("%s/ballast", path);
    const struct store_options options = {.path = file};
    static char block[65536];
    struct store *store;
    struct error error;

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", path, "tmpfs", 0, "size=1m,mode=700") < 0) {
        return 77;
    }
    int ballast = open(other, O_CREAT | O_WRONLY, 0600);
    if (ballast < 0 || write(ballast, block, sizeof block) != (ssize_t)sizeof block) {
        return 2;
    }
    if (!try_open(&options, &store, &error)) {
        fprintf(stderr, "%s: %s\n", error.code, error.text);
        return 3;
    }
    size_t saved = fill(store, &error);
    if (!error_is(&error, "E-STORE-FULL") || records_in(store) != saved || saved < 10) {
        fprintf(stderr, "%zu saved: %s: %s\n", saved, error.code, error.text);
        return 4;
    }
    if (ftruncate(ballast, 0) < 0) {
        return 5;
    }
    struct record record = agent_named("one-more");
    if (!save(store, &record, &error) || records_in(store) != saved + 1) {
        fprintf(stderr, "with room again: %s: %s\n", error.code, error.text);
        return 6;
    }
    store_close(&store);
    return 0;
}

static void
survives_a_full_disk(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    int status;
    (void)state;

    pid_t child = fork();
    if (child == 0) {
        _exit(fill_a_small_disk(folder.path));
    }
    assert_int_equal(child, waitpid(child, &status, 0));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skipped: a tmpfs cannot be mounted here\n");
        skip();
    }
    assert_int_equal(0, status);
}

static void
says_busy_when_another_program_holds_the_file_for_too_long(void **state)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct store *store = opened(&folder);
    struct record record = agent_named("a");
    sqlite3 *other;
    struct error error;
    (void)state;

    assert_int_equal(SQLITE_OK, sqlite3_open(folder_path(&folder, "store.db"), &other));
    assert_int_equal(SQLITE_OK, sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    int64_t begun_ms = clock_now_ms();
    assert_false(save(store, &record, &error));
    assert_string_equal(error.code, "E-STORE-BUSY");
    assert_true(store_error_passes(&error));
    assert_in_range(clock_now_ms() - begun_ms, 4000, 15000);
    sqlite3_close(other);
    assert_true(save(store, &record, &error));
    store_close(&store);
}

/* ---- a disk that fails ---------------------------------------------------------------------- */

/*
 * A file system of SQLite's that fails the n-th write, or the n-th synchronisation, once. What was
 * committed before must be there; what was not acknowledged may be.
 */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    int writes_left, syncs_left; /* -1: never */
} faulty;

struct faulty_file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    const sqlite3_io_methods *real_methods;
    sqlite3_int64 real[]; /* as aligned as the real one wants to be */
};

static sqlite3_file *
real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((struct faulty_file *)file)->real;
}

static int
fault_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    if (faulty.writes_left >= 0 && faulty.writes_left-- == 0) {
        return SQLITE_IOERR_WRITE;
    }
    return ((struct faulty_file *)file)->real_methods->xWrite(real_of(file), data, size, offset);
}

static int
fault_sync(sqlite3_file *file, int flags)
{
    if (faulty.syncs_left >= 0 && faulty.syncs_left-- == 0) {
        return SQLITE_IOERR_FSYNC;
    }
    return ((struct faulty_file *)file)->real_methods->xSync(real_of(file), flags);
}

static int
pass_close(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real_methods->xClose(real_of(file));
}

static int
pass_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    return ((struct faulty_file *)file)->real_methods->xRead(real_of(file), data, size, offset);
}

static int
pass_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return ((struct faulty_file *)file)->real_methods->xTruncate(real_of(file), size);
}

static int
pass_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return ((struct faulty_file *)file)->real_methods->xFileSize(real_of(file), size);
}

static int
pass_lock(sqlite3_file *file, int kind)
{
    return ((struct faulty_file *)file)->real_methods->xLock(real_of(file), kind);
}

static int
pass_unlock(sqlite3_file *file, int kind)
{
    return ((struct faulty_file *)file)->real_methods->xUnlock(real_of(file), kind);
}

static int
pass_is_reserved(sqlite3_file *file, int *is_reserved)
{
    return ((struct faulty_file *)file)
        ->real_methods->xCheckReservedLock(real_of(file), is_reserved);
}

static int
pass_control(sqlite3_file *file, int operation, void *argument)
{
    return ((struct faulty_file *)file)
        ->real_methods->xFileControl(real_of(file), operation, argument);
}

static int
pass_sector(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real_methods->xSectorSize(real_of(file));
}

static int
pass_features(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real_methods->xDeviceCharacteristics(real_of(file));
}

static int
pass_shm_map(sqlite3_file *file, int page, int size, int extends, void volatile **memory)
{
    return ((struct faulty_file *)file)
        ->real_methods->xShmMap(real_of(file), page, size, extends, memory);
}

static int
pass_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return ((struct faulty_file *)file)
        ->real_methods->xShmLock(real_of(file), offset, count, flags);
}

static void
pass_shm_barrier(sqlite3_file *file)
{
    ((struct faulty_file *)file)->real_methods->xShmBarrier(real_of(file));
}

static int
pass_shm_unmap(sqlite3_file *file, int removes)
{
    return ((struct faulty_file *)file)->real_methods->xShmUnmap(real_of(file), removes);
}

static int
faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *given)
{
    struct faulty_file *wrapper = (struct faulty_file *)file;
    (void)vfs;

    memset(wrapper, 0, sizeof *wrapper);
    int status = faulty.real->xOpen(faulty.real, name, real_of(file), flags, given);
    if (status != SQLITE_OK) {
        return status;
    }
    wrapper->real_methods = real_of(file)->pMethods;
    wrapper->methods = (sqlite3_io_methods){.iVersion = 2,
                                            .xClose = pass_close,
                                            .xRead = pass_read,
                                            .xWrite = fault_write,
                                            .xTruncate = pass_truncate,
                                            .xSync = fault_sync,
                                            .xFileSize = pass_size,
                                            .xLock = pass_lock,
                                            .xUnlock = pass_unlock,
                                            .xCheckReservedLock = pass_is_reserved,
                                            .xFileControl = pass_control,
                                            .xSectorSize = pass_sector,
                                            .xDeviceCharacteristics = pass_features,
                                            .xShmMap = pass_shm_map,
                                            .xShmLock = pass_shm_lock,
                                            .xShmBarrier = pass_shm_barrier,
                                            .xShmUnmap = pass_shm_unmap};
    wrapper->base.pMethods = &wrapper->methods;
    return SQLITE_OK;
}

static int
set_up_faults(void **state)
{
    (void)state;
    faulty.real = sqlite3_vfs_find(NULL);
    faulty.vfs = *faulty.real;
    faulty.vfs.zName = "faulty";
    faulty.vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty.real->szOsFile;
    faulty.vfs.xOpen = faulty_open;
    faulty.writes_left = faulty.syncs_left = -1;
    return sqlite3_vfs_register(&faulty.vfs, 1);
}

static int
tear_down_faults(void **state)
{
    (void)state;
    return sqlite3_vfs_unregister(&faulty.vfs) || sqlite3_vfs_register(faulty.real, 1);
}

/* Open, save five, close, with the fault armed: how many of the five were said to be saved. */
static size_t
live_once(const struct folder *folder, const char *life, bool *has_failed)
{
    struct store_options options = at(folder);
    size_t saved = 0;
    struct store *store;
    struct error error;

    *has_failed = !try_open(&options, &store, &error);
    while (!*has_failed && saved < 5) {
        char name[64];
        snprintf(name, sizeof name, "%s-%zu", life, saved);
        struct record record = agent_named(name);
        *has_failed = !save(store, &record, &error);
        saved += !*has_failed;
    }
    if (*has_failed) {
        assert_string_equal(error.code, "E-STORE-IO");
        assert_false(store_error_passes(&error));
    }
    store_close(&store);
    return saved;
}

static void
ends_at_the_nth_failure(int *left)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    size_t said = 0, failures = 0;
    struct store *store = opened(&folder);

    store_close(&store);
    for (int nth = 0;; nth++) {
        char life[16];
        bool has_failed;
        snprintf(life, sizeof life, "life-%d", nth);
        *left = nth;
        said += live_once(&folder, life, &has_failed);
        bool has_struck = *left < 0;
        *left = -1;
        store = opened(&folder);
        assert_true(records_in(store) >= said);
        store_close(&store);
        failures += has_failed;
        if (!has_struck) {
            break; /* a whole life without reaching the fault */
        }
        assert_true(nth < 500);
    }
    assert_true(failures > 3);
}

static void
never_goes_on_after_a_failed_synchronisation(void **state)
{
    (void)state;
    ends_at_the_nth_failure(&faulty.syncs_left);
}

static void
never_goes_on_after_a_failed_write(void **state)
{
    (void)state;
    ends_at_the_nth_failure(&faulty.writes_left);
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
        cmocka_unit_test(refuses_a_store_of_a_newer_version),
        cmocka_unit_test(notices_a_damaged_page),
        cmocka_unit_test(notices_that_the_store_went_back_in_time),
        cmocka_unit_test(says_full_keeps_what_it_has_and_goes_on_when_there_is_room),
        cmocka_unit_test(survives_a_full_disk),
        cmocka_unit_test(says_busy_when_another_program_holds_the_file_for_too_long),
        cmocka_unit_test_setup_teardown(never_goes_on_after_a_failed_synchronisation, set_up_faults,
                                        tear_down_faults),
        cmocka_unit_test_setup_teardown(never_goes_on_after_a_failed_write, set_up_faults,
                                        tear_down_faults),
    };
    return RUN_TESTS(tests);
}
