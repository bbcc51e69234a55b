/* What the store does when the disk is full, or held up, or fails. */
#include "coordinator/shell/store.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "common/base/clock.h"

#include "tests/component/coordinator/store_files.h"

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
