#include "common/base/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"

/* Let a child write its log into a pipe; what it wrote, and its exit status. */
static int
log_of(void (*act)(void), struct text *written)
{
    int ends[2], status = 0;
    char buffer[4096];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    (void)close(ends[1]);
    for (ssize_t size; (size = read(ends[0], buffer, sizeof buffer)) > 0;) {
        text_append_bytes(written, buffer, (size_t)size);
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Compare a value of a line, which must be JSON. */
static void
assert_value(const char *line, const char *key, const char *value)
{
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);

    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, key)), value);
    json_decref(object);
}

static void
say_something(void)
{
    log_open("skein-test", LOG_INFO);
    log_info("%d targets", 3);
}

static void
a_line_is_one_json_object(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text written = {0};

    assert_int_equal(log_of(say_something, &written), 0);

    assert_int_equal(written.data[written.size - 1], '\n');
    assert_value(written.data, "program", "skein-test");
    assert_value(written.data, "level", "info");
    assert_value(written.data, "text", "3 targets");
    assert_int_equal(strncmp(written.data, "{\"time\":\"20", 11), 0);
}

static void
say_nasty_names(void)
{
    log_warn("%s", "a\"} \n{\"level\":\"fatal\"\\ \x01\x7f");
    log_warn("%s", "bytes \xff\xfe, cut \xe2\x82");
}

static void
no_name_forges_a_line(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text written = {0};

    assert_int_equal(log_of(say_nasty_names, &written), 0);

    char *second = strchr(written.data, '\n') + 1;
    assert_ptr_equal(strchr(second, '\n') + 1, written.data + written.size);
    assert_value(second, "text", "bytes ??, cut ??");
    second[-1] = '\0';
    assert_value(written.data, "text", "a\"} \n{\"level\":\"fatal\"\\ \x01\x7f");
}

static void
say_on_every_level(void)
{
    log_open("skein-test", LOG_WARN);
    log_debug("no");
    log_info("no");
    log_warn("yes");
    log_error("yes");
    log_fatal(70, "the end");
}

static void
levels_below_the_least_are_not_written(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text written = {0};

    assert_int_equal(log_of(say_on_every_level, &written), 70);

    assert_null(strstr(written.data, "\"no\""));
    assert_non_null(strstr(written.data, "\"warn\""));
    assert_non_null(strstr(written.data, "\"error\""));
    assert_non_null(strstr(written.data, "\"fatal\""));
    assert_non_null(strstr(written.data, "the end"));
}

static void
say_much(void)
{
    log_info("%02000d", 7);
    log_info("%s", "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01");
    char ones[1001];
    memset(ones, 1, sizeof ones - 1);
    ones[1000] = '\0';
    log_info("%s", ones);
}

static void
a_long_line_is_cut_and_stays_json(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text written = {0};
    int lines = 0;

    assert_int_equal(log_of(say_much, &written), 0);

    for (char *line = strtok(written.data, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        assert_true(strlen(line) < 2048);
        assert_value(line, "level", "info");
    }
    assert_int_equal(lines, 3);
}

/* Fills a pipe of its own that nobody reads; then says one line more to whoever listens. */
static void
say_more_than_a_pipe_takes(void)
{
    int ends[2], listener = dup(STDERR_FILENO);

    if (listener < 0 || pipe2(ends, O_CLOEXEC) != 0 || dup2(ends[1], STDERR_FILENO) < 0) {
        _exit(1);
    }
    for (int i = 0; i < 2000; i++) {
        log_info("%0200d", i);
    }
    if (dup2(listener, STDERR_FILENO) < 0) {
        _exit(1);
    }
    log_info("after");
}

static void
a_full_pipe_blocks_nobody_and_what_was_lost_is_counted(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text written = {0};
    json_error_t error;

    assert_int_equal(log_of(say_more_than_a_pipe_takes, &written), 0);

    json_t *object = json_loads(written.data, 0, &error);
    assert_non_null(object);
    assert_true(json_integer_value(json_object_get(object, "dropped")) > 1000);
    json_decref(object);
    assert_value(written.data, "text", "after");
}

static void
levels_have_names(void **state)
{
    (void)state;
    assert_int_equal(log_level_named("debug"), LOG_DEBUG);
    assert_int_equal(log_level_named("error"), LOG_ERROR);
    assert_int_equal(log_level_named("fatal"), -1);
    assert_int_equal(log_level_named("Info"), -1);
    assert_int_equal(log_level_named(""), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object),
        cmocka_unit_test(no_name_forges_a_line),
        cmocka_unit_test(levels_below_the_least_are_not_written),
        cmocka_unit_test(a_long_line_is_cut_and_stays_json),
        cmocka_unit_test(a_full_pipe_blocks_nobody_and_what_was_lost_is_counted),
        cmocka_unit_test(levels_have_names),
    };
    return RUN_TESTS(tests);
}
