#include "common/base/machine.h"

#include "tests/support/unit.h"

enum { SHUT, OPEN, LOCKED };
enum { PUSH, PULL, TURN };

static const char *const states[] = {"shut", "open", "locked"};
static const char *const events[] = {"push", "pull", "turn"};
static const struct machine_edge edges[] = {
    {SHUT, PULL, OPEN, "the door was not locked"},
    {OPEN, PUSH, SHUT, "the way was free"},
    {SHUT, TURN, LOCKED, "the key fits"},
    {LOCKED, TURN, SHUT, "the key fits"},
};
static const struct machine door = {"door", states, 3, events, 3, edges, 4};

static void
an_event_takes_its_edge(void **state)
{
    (void)state;
    const struct machine_edge *edge = machine_find(&door, SHUT, TURN);

    assert_non_null(edge);
    assert_int_equal(edge->to, LOCKED);
    assert_string_equal(edge->why, "the key fits");
    assert_int_equal(machine_find(&door, LOCKED, TURN)->to, SHUT);
}

static void
an_event_without_an_edge_takes_none(void **state)
{
    (void)state;
    assert_null(machine_find(&door, LOCKED, PULL));
    assert_null(machine_find(&door, OPEN, TURN));
    assert_null(machine_find(&door, 7, PUSH));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_takes_its_edge),
        cmocka_unit_test(an_event_without_an_edge_takes_none),
    };
    return RUN_TESTS(tests);
}
