#include "common/base/mem.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

static void
memory_is_zero(void **state)
{
    (void)state;
    CLEANUP(mem_free) unsigned char *memory = mem_zalloc(1000);
    CLEANUP(mem_free) void *nothing = mem_zalloc(0);

    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(memory[i], 0);
    }
    assert_non_null(nothing);
}

static void
copies_are_the_callers(void **state)
{
    (void)state;
    char original[] = "text";
    CLEANUP(mem_free) char *copy = mem_text(original);
    CLEANUP(mem_free) char *bytes = mem_copy(original, 2);
    CLEANUP(mem_free) char *nothing = mem_copy(NULL, 0);

    original[0] = 'X';

    assert_string_equal(copy, "text");
    assert_memory_equal(bytes, "te", 2);
    assert_non_null(nothing);
    assert_null(mem_text(NULL));
}

static void
formatted_text_has_any_length(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *text = mem_format("%s-%05000d", "a", 1);

    assert_int_equal(strlen(text), 5002);
}

static void
an_array_grows_and_keeps_what_it_has(void **state)
{
    (void)state;
    int *numbers = NULL;
    size_t capacity = 0;

    for (int i = 0; i < 10000; i++) {
        numbers = mem_grow(numbers, (size_t)i, &capacity, sizeof *numbers);
        assert_true(capacity > (size_t)i);
        numbers[i] = i;
    }
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(numbers[i], i);
    }
    assert_true(capacity < 20000);
    mem_free(&numbers);
    assert_null(numbers);
}

/* Do something in a child; its wait status. */
static int
status_after(void (*act)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
ask_for_too_much(void)
{
    size_t capacity = SIZE_MAX / 2;
    (void)mem_grow(NULL, capacity, &capacity, 16);
}

static void
running_out_ends_the_process(void **state)
{
    (void)state;
    int status = status_after(ask_for_too_much);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero),
        cmocka_unit_test(copies_are_the_callers),
        cmocka_unit_test(formatted_text_has_any_length),
        cmocka_unit_test(an_array_grows_and_keeps_what_it_has),
        cmocka_unit_test(running_out_ends_the_process),
    };
    return RUN_TESTS(tests);
}
