#include "common/io/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"

#include "tests/support/folder.h"
#include "tests/support/unit.h"

#define HOLDER_SIZE ((size_t)64 << 20)

static void
expect_refusal(const char *path, enum file_trust trust, const char *code)
{
    CLEANUP(text_release) struct text content = {0};
    struct error error = {0};

    assert_false(file_read(path, trust, 100, "E-OPEN", &content, &error));
    assert_string_equal(error.code, code);
    assert_string_equal(error.where, path);
}

static void
a_file_is_read_whole(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text content = {0};
    struct error error;
    char large[40000];
    memset(large, 'x', sizeof large);
    const char *path = folder_write(&folder, "large", large, sizeof large);

    assert_true(file_read(path, FILE_ANY, sizeof large, "E-OPEN", &content, &error));

    assert_int_equal(content.size, sizeof large);
    assert_memory_equal(content.data, large, sizeof large);
}

static void
what_others_may_write_or_read_is_refused_with_the_mode(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text content = {0};
    struct error error;
    static const struct {
        mode_t mode;
        bool is_owned, is_secret;
    } cases[] = {{0600, true, true},   {0400, true, true},   {0644, true, false},
                 {0640, true, false},  {0660, false, false}, {0646, false, false},
                 {0666, false, false}, {0604, true, false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = folder_text(&folder, "file", "x", cases[i].mode);
        assert_true(file_read(path, FILE_ANY, 100, "E-OPEN", &content, &error));
        assert_int_equal(file_read(path, FILE_OWNED, 100, "E-OPEN", &content, &error),
                         cases[i].is_owned);
        assert_int_equal(file_read(path, FILE_SECRET, 100, "E-OPEN", &content, &error),
                         cases[i].is_secret);
        (void)unlink(path);
    }
    const char *path = folder_text(&folder, "file", "x", 0664);
    expect_refusal(path, FILE_SECRET, "E-CFG-PERM");
    assert_false(file_read(path, FILE_OWNED, 100, "E-OPEN", &content, &error));
    assert_string_equal(error.found, "mode 0664, 0644 or stricter wanted");
}

static void
links_pipes_and_folders_are_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text content = {0};
    struct error error;
    const char *file = folder_text(&folder, "file", "x", 0600);
    const char *link = folder_path(&folder, "link"), *pipe = folder_path(&folder, "pipe");
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);

    assert_true(file_read(link, FILE_ANY, 100, "E-OPEN", &content, &error));
    expect_refusal(link, FILE_OWNED, "E-CFG-PERM");
    expect_refusal(pipe, FILE_SECRET, "E-CFG-PERM");
    expect_refusal(pipe, FILE_ANY, "E-OPEN");
    expect_refusal(folder.path, FILE_ANY, "E-OPEN");
    expect_refusal("/dev/null", FILE_ANY, "E-OPEN");
}

static void
a_file_of_somebody_else_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const char *path = folder_text(&folder, "file", "x", 0600);

    if (geteuid() != 0) {
        skip(); /* only root can give a file away */
    }
    assert_int_equal(chown(path, 12345, 12345), 0);

    expect_refusal(path, FILE_SECRET, "E-CFG-PERM");
}

static void
what_is_missing_or_too_large_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char large[101] = {0};

    expect_refusal(folder_path(&folder, "nothing"), FILE_ANY, "E-OPEN");
    expect_refusal(folder_write(&folder, "large", large, sizeof large), FILE_ANY, "E-OPEN");
}

static void
a_new_file_has_its_mode_whatever_the_umask(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text content = {0};
    struct error error;
    struct stat status;
    const char *path = folder_path(&folder, "new");
    mode_t mask = umask(0077);

    assert_true(file_create(path, 0644, "content", "E-OPEN", "E-EXISTS", &error));

    (void)umask(mask);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_true(file_read(path, FILE_OWNED, 100, "E-OPEN", &content, &error));
    assert_string_equal(content.data, "content");
}

static void
an_existing_file_is_never_replaced(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(text_release) struct text content = {0};
    struct error error;
    const char *path = folder_text(&folder, "file", "old", 0600);

    assert_false(file_create(path, 0600, "new", "E-OPEN", "E-EXISTS", &error));
    assert_string_equal(error.code, "E-EXISTS");
    assert_true(file_read(path, FILE_SECRET, 100, "E-OPEN", &content, &error));
    assert_string_equal(content.data, "old");
    assert_false(
        file_create(folder_path(&folder, "no/file"), 0600, "new", "E-OPEN", "E-EXISTS", &error));
    assert_string_equal(error.code, "E-OPEN");
}

static int
open_lock(const char *path)
{
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(lock >= 0);
    return lock;
}

/* A process that holds the lock and so much memory that taking it apart lasts a while. */
static pid_t
begin_holder(const char *path)
{
    int ready[2];
    char byte = 0;

    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        int lock = open_lock(path);
        memset(malloc(HOLDER_SIZE), 1, HOLDER_SIZE);
        _exit(flock(lock, LOCK_EX) == 0 && write(ready[1], &byte, 1) == 1 ? pause() : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return holder;
}

static void
a_lock_that_is_held_is_not_given_out(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const char *path = folder_path(&folder, "lock");
    int first = open_lock(path), second = open_lock(path);

    assert_true(file_hold(first));
    assert_false(file_hold(second));
    close(first);
    assert_true(file_hold(second));
    close(second);
}

static void
the_lock_of_one_that_was_killed_is_waited_for(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const char *path = folder_path(&folder, "lock");
    pid_t holder = begin_holder(path);
    int lock = open_lock(path);

    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_true(file_hold(lock));
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    close(lock);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(what_others_may_write_or_read_is_refused_with_the_mode),
        cmocka_unit_test(links_pipes_and_folders_are_refused),
        cmocka_unit_test(a_file_of_somebody_else_is_refused),
        cmocka_unit_test(what_is_missing_or_too_large_is_refused),
        cmocka_unit_test(a_new_file_has_its_mode_whatever_the_umask),
        cmocka_unit_test(an_existing_file_is_never_replaced),
        cmocka_unit_test(a_lock_that_is_held_is_not_given_out),
        cmocka_unit_test(the_lock_of_one_that_was_killed_is_waited_for),
    };
    return RUN_TESTS(tests);
}
