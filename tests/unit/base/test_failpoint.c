#include "common/base/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"

#include "tests/support/unit.h"

#ifdef SKEIN_TESTING

/* Pass the place `times` times in a child with this setting; its wait status. */
static int
status_after(const char *setting, int times)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int failed = 0;
        (void)setenv("SKEIN_FAILPOINT", setting, 1);
        for (int i = 0; i < times; i++) {
            failed += FAILPOINT_FAILS("before-commit");
        }
        _exit(10 + failed);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
the_process_dies_the_nth_time(void **state)
{
    (void)state;
    int before = status_after("before-commit:3", 2), after = status_after("before-commit:3", 3);

    assert_true(WIFEXITED(before));
    assert_int_equal(WEXITSTATUS(before), 10);
    assert_true(WIFSIGNALED(after));
    assert_int_equal(WTERMSIG(after), SIGKILL);
}

static void
other_places_are_passed(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(status_after("before-commit-2:1", 5)), 10);
    assert_int_equal(WEXITSTATUS(status_after("before:1", 5)), 10);
    assert_int_equal(WEXITSTATUS(status_after("", 5)), 10);
}

static void
a_failure_happens_once(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(status_after("before-commit:2:fail", 1)), 10);
    assert_int_equal(WEXITSTATUS(status_after("before-commit:2:fail", 5)), 11);
}

static void
a_failure_happens_every_time_when_no_time_is_said(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(status_after("before-commit:0:fail", 5)), 15);
}

static void
a_pause_takes_its_time(void **state)
{
    (void)state;
    int64_t start_us = clock_now_us();

    int status = status_after("before-commit:1:pause:30", 2);

    assert_int_equal(WEXITSTATUS(status), 10);
    assert_true(clock_now_us() - start_us >= 30000);
}

#else

static void
there_are_none_in_this_build(void **state)
{
    (void)state;
    (void)setenv("SKEIN_FAILPOINT", "here:1", 1);
    FAILPOINT("here");
    assert_false(FAILPOINT_FAILS("here"));
}

#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef SKEIN_TESTING
        cmocka_unit_test(the_process_dies_the_nth_time),
        cmocka_unit_test(other_places_are_passed),
        cmocka_unit_test(a_failure_happens_once),
        cmocka_unit_test(a_failure_happens_every_time_when_no_time_is_said),
        cmocka_unit_test(a_pause_takes_its_time),
#else
        cmocka_unit_test(there_are_none_in_this_build),
#endif
    };
    return RUN_TESTS(tests);
}
