#include "coordinator/cli/cost.h"

#include "common/base/mem.h"
#include "tests/support/unit.h"

static struct statement_outcome statements[] = {
    {.line = 1, .tag = "ALTER TABLE", .blocked_us = 40000, .blocked_max = 3, .wal_bytes = 3 << 20},
    {.line = 4, .tag = "SELECT"},
};

static struct lock_outcome locks[] = {
    {.relation = "users",
     .mode = TABLE_LOCK_ACCESS_EXCLUSIVE,
     .line = 1,
     .held_us = 12000,
     .is_rewritten = true},
};

static struct blocker_outcome blockers[] = {
    {.pid = 4711, .application = "billing", .user = "app", .age_ms = 7000},
    {.pid = 4712, .application = "", .user = "app", .age_ms = 100},
};

static const struct outcome outcome = {
    .statements = statements,
    .statement_count = 2,
    .locks = locks,
    .lock_count = 1,
    .lock_wait_us = 7000000,
    .blockers = blockers,
    .blocker_count = 2,
    .lock_tries = 2,
};

static void
says_what_a_statement_has_cost(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};

    cost_append_statement(&outcome, &statements[0], &text);
    assert_string_equal(text_of(&text),
                        "ACCESS EXCLUSIVE on users 12.0 ms, rewritten, 3 waited 40.0 ms,"
                        " 3.0 MiB of WAL");
    text_clear(&text);
    cost_append_statement(&outcome, &statements[1], &text);
    assert_string_equal(text_of(&text), "");
}

static void
says_whom_a_step_has_waited_for(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};

    cost_append_step(&outcome, &text);
    assert_string_equal(text_of(&text),
                        "waited 7.0 s for pid 4711 (billing) and 1 more, 2 tries for locks");
}

static void
as_json_nothing_is_left_out(void **state)
{
    (void)state;
    json_t *list = cost_blockers_json(&outcome);

    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "pid")), 4711);
    json_decref(list);
    list = cost_locks_json(&outcome);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "mode")),
                        "ACCESS EXCLUSIVE");
    assert_true(json_is_true(json_object_get(json_array_get(list, 0), "rewritten")));
    json_decref(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_a_statement_has_cost),
        cmocka_unit_test(says_whom_a_step_has_waited_for),
        cmocka_unit_test(as_json_nothing_is_left_out),
    };
    return RUN_TESTS(tests);
}
