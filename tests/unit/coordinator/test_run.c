#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

static void
takes_every_target_to_the_newest_version(void **state)
{
    (void)state;
    CLEANUP(desk_destroy) struct desk *desk = desk_new(2);
    struct digest digest = desk_add_bundle(desk, "auth", 3);
    for (size_t i = 0; i < 4; i++) {
        desk_add_target(desk, i % 2, "auth");
    }
    desk_connect_all(desk);

    struct run_spec spec = desk_spec(desk, "auth", &digest);
    uint64_t number = desk_run(desk, &spec);
    desk_work(desk);

    assert_int_equal(desk_stored_run(desk, number)->state, RUN_DONE);
    assert_int_equal(desk_stored_run(desk, number)->done_count, 4);
    assert_int_equal(desk_stored_steps(desk, number, STEP_DONE), 12);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(desk->targets[i].applied_count, 3);
        assert_int_equal(desk->targets[i].effect_count, 3);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_target_to_the_newest_version),
    };
    return RUN_TESTS(tests);
}
