#include "agent/execute/budget.h"

#include <stdio.h>

#include "tests/support/unit.h"

#define LOOK_MS 20

/* Transactions that come and go by a timetable, as a look every LOOK_MS sees them. */
struct coming {
    int64_t began_ms, ended_ms;
    bool yields, is_hidden;
};

static size_t
look_at(const struct coming *comings, size_t coming_count, int64_t now_ms,
        struct sighting *sightings)
{
    size_t count = 0;

    for (size_t i = 0; i < coming_count; i++) {
        const struct coming *coming = &comings[i];
        if (coming->began_ms <= now_ms && now_ms < coming->ended_ms) {
            struct sighting *sighting = &sightings[count++];
            *sighting =
                (struct sighting){.age_ms = coming->is_hidden ? -1 : now_ms - coming->began_ms,
                                  .yields = coming->yields};
            snprintf(sighting->key, sizeof sighting->key, "3/%zu", i);
        }
    }
    return count;
}

/* Look until the verdict is not to wait; when that was. */
static int64_t
first_verdict(struct budget *budget, const struct coming *comings, size_t count, int64_t from_ms,
              enum budget_verdict *verdict)
{
    struct sighting sightings[BUDGET_TRACKED_MAX];

    for (int64_t now_ms = from_ms;; now_ms += LOOK_MS) {
        assert_true(now_ms < from_ms + 200000);
        size_t seen = look_at(comings, count, now_ms, sightings);
        *verdict = budget_judge(budget, now_ms, sightings, seen, false);
        if (*verdict != BUDGET_WAIT) {
            return now_ms;
        }
    }
}

static void
goes_at_once_when_nobody_is_there(void **state)
{
    (void)state;
    struct budget budget;
    enum budget_verdict verdict;
    budget_begin(&budget, 50, 2000, 60000);

    assert_int_equal(first_verdict(&budget, NULL, 0, 1000, &verdict), 1000);
    assert_int_equal(verdict, BUDGET_GO);
    assert_int_equal(budget.lock_timeout_ms, 50);
}

static void
waits_for_a_long_one_and_goes_when_it_ends(void **state)
{
    (void)state;
    const struct coming comings[] = {{1000, 8005, false, false}};
    struct budget budget;
    enum budget_verdict verdict;
    budget_begin(&budget, 50, 2000, 60000);

    assert_in_range(first_verdict(&budget, comings, 1, 1500, &verdict), 8005, 8005 + LOOK_MS);
    assert_int_equal(verdict, BUDGET_GO);
    assert_int_equal(budget.lock_timeout_ms, 50);
}

static void
does_not_wait_for_a_moment_without_any_of_many_short_ones(void **state)
{
    (void)state;
    struct coming comings[400];
    struct budget budget;
    enum budget_verdict verdict;
    for (int64_t i = 0; i < 400; i++) {
        comings[i] = (struct coming){1000 + 5 * i, 1000 + 5 * i + 8, false, false};
    }
    budget_begin(&budget, 50, 2000, 60000);

    assert_in_range(first_verdict(&budget, comings, 400, 1100, &verdict), 1100, 1300);
    assert_int_equal(verdict, BUDGET_GO);
    assert_int_equal(budget.lock_timeout_ms, 50);
}

/* Each of 300 ms, one begun every 75 ms: never a free moment. */
static void
tries_longer_where_the_table_is_never_free(void **state)
{
    (void)state;
    struct coming comings[100];
    struct budget budget;
    enum budget_verdict verdict;
    for (int64_t i = 0; i < 100; i++) {
        comings[i] = (struct coming){1000 + 75 * i, 1300 + 75 * i, false, false};
    }
    budget_begin(&budget, 50, 2000, 60000);

    int64_t gone_ms = first_verdict(&budget, comings, 100, 2000, &verdict);
    assert_int_equal(verdict, BUDGET_GO);
    assert_in_range(gone_ms, 2300, 4500);
    assert_in_range(budget.lock_timeout_ms, 200, 400);
    /* The youngest is as old as it gets before the next one comes. */
    int64_t youngest_ms = (gone_ms - 1000) % 75;
    assert_in_range(youngest_ms, 30, 75);
}

static void
never_queues_behind_one_that_outlasts_its_like(void **state)
{
    (void)state;
    struct coming comings[101];
    struct budget budget;
    enum budget_verdict verdict;
    for (int64_t i = 0; i < 100; i++) {
        comings[i] = (struct coming){1000 + 75 * i, 1300 + 75 * i, false, false};
    }
    comings[100] = (struct coming){1000, 6000, false, false};
    budget_begin(&budget, 50, 2000, 60000);

    assert_true(first_verdict(&budget, comings, 101, 2000, &verdict) >= 6000);
    assert_int_equal(verdict, BUDGET_GO);
}

static void
those_whose_age_is_hidden_are_timed_from_when_they_were_seen(void **state)
{
    (void)state;
    struct coming comings[100];
    struct budget budget;
    enum budget_verdict verdict;
    for (int64_t i = 0; i < 100; i++) {
        comings[i] = (struct coming){1000 + 75 * i, 1300 + 75 * i, false, true};
    }
    budget_begin(&budget, 50, 2000, 60000);

    assert_in_range(first_verdict(&budget, comings, 100, 2000, &verdict), 2300, 5000);
    assert_int_equal(verdict, BUDGET_GO);
}

static void
makes_autovacuum_yield_only_after_a_while(void **state)
{
    (void)state;
    const struct coming comings[] = {{1000, 1000000, true, false}};
    struct budget budget;
    enum budget_verdict verdict;
    budget_begin(&budget, 50, 2000, 8000);
    budget.deadlock_ms = 1000;

    assert_in_range(first_verdict(&budget, comings, 1, 2000, &verdict), 4000, 4000 + LOOK_MS);
    assert_int_equal(verdict, BUDGET_GO);
    assert_int_equal(budget.lock_timeout_ms, 2000);
}

static void
gives_up_when_the_budget_is_spent(void **state)
{
    (void)state;
    const struct coming comings[] = {{1000, 1000000, false, false}};
    struct budget budget;
    enum budget_verdict verdict;
    budget_begin(&budget, 50, 2000, 3000);

    assert_in_range(first_verdict(&budget, comings, 1, 2000, &verdict), 4900, 5000);
    assert_int_equal(verdict, BUDGET_SPENT);
}

static void
tries_grow_and_end_within_the_budget(void **state)
{
    (void)state;
    struct budget budget;
    int64_t now_ms = 1000;
    budget_begin(&budget, 50, 400, 2000);

    assert_true(budget_try_failed(&budget, now_ms += 50, 50));
    assert_int_equal(budget.lock_timeout_ms, 100);
    assert_true(budget_try_failed(&budget, now_ms += 100, 100));
    assert_true(budget_try_failed(&budget, now_ms += 200, 200));
    assert_int_equal(budget.lock_timeout_ms, 400);
    assert_true(budget_try_failed(&budget, now_ms += 400, 400));
    assert_int_equal(budget.lock_timeout_ms, 400);
    assert_true(budget_try_failed(&budget, now_ms += 400, 400));
    assert_true(budget_try_failed(&budget, now_ms += 400, 400));
    assert_false(budget_try_failed(&budget, now_ms += 400, 400));
}

static void
a_try_that_worked_for_long_is_not_repeated_in_short_steps(void **state)
{
    (void)state;
    struct budget budget;
    budget_begin(&budget, 50, 2000, 60000);

    assert_true(budget_try_failed(&budget, 9000, 4000));
    assert_int_equal(budget.lock_timeout_ms, 1000);
}

static void
a_try_never_lasts_longer_than_allowed(void **state)
{
    (void)state;
    struct budget budget;
    budget_begin(&budget, 50, 20, 60000);

    assert_int_equal(budget.lock_timeout_ms, 20);
    assert_true(budget_try_failed(&budget, 9000, 20));
    assert_int_equal(budget.lock_timeout_ms, 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_at_once_when_nobody_is_there),
        cmocka_unit_test(waits_for_a_long_one_and_goes_when_it_ends),
        cmocka_unit_test(does_not_wait_for_a_moment_without_any_of_many_short_ones),
        cmocka_unit_test(tries_longer_where_the_table_is_never_free),
        cmocka_unit_test(never_queues_behind_one_that_outlasts_its_like),
        cmocka_unit_test(those_whose_age_is_hidden_are_timed_from_when_they_were_seen),
        cmocka_unit_test(makes_autovacuum_yield_only_after_a_while),
        cmocka_unit_test(gives_up_when_the_budget_is_spent),
        cmocka_unit_test(tries_grow_and_end_within_the_budget),
        cmocka_unit_test(a_try_that_worked_for_long_is_not_repeated_in_short_steps),
        cmocka_unit_test(a_try_never_lasts_longer_than_allowed),
    };
    return RUN_TESTS(tests);
}
