/* What the core keeps once however often it is needed: itineraries, histories, bundles, faults. */
#include "common/base/mem.h"
#include "coordinator/core/history.h"
#include "coordinator/core/itinerary.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/known_bundle.h"

#include "tests/support/unit.h"

static void
equal_itineraries_are_one(void **state)
{
    (void)state;
    struct itinerary *table = NULL;
    struct leg_step steps[] = {{"1", "one", {{1}}}, {"2", NULL, {{1}}}};
    struct itinerary_draft draft = {"0", "2", steps, 2}, other = {NULL, "2", steps, 2};

    struct itinerary *first = itinerary_take(&table, &draft);
    struct itinerary *second = itinerary_take(&table, &draft);
    struct itinerary *third = itinerary_take(&table, &other);

    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, third);
    assert_int_equal(HASH_COUNT(table), 2);
    assert_string_equal(first->steps[1].version, "2");
    assert_null(first->steps[1].name);

    itinerary_drop(&table, &first);
    assert_null(first);
    assert_int_equal(HASH_COUNT(table), 2);
    itinerary_drop(&table, &second);
    itinerary_drop(&table, &third);
    itinerary_drop(&table, &third);
    assert_null(table);
}

static void
equal_histories_are_one(void **state)
{
    (void)state;
    CLEANUP(histories_release) struct history *table = NULL;
    struct applied same[] = {{"1", {1}}, {"2", {2}}}, changed[] = {{"1", {1}}, {"2", {3}}};

    const struct history *first = history_intern(&table, same, 2);

    assert_ptr_equal(history_intern(&table, same, 2), first);
    assert_ptr_not_equal(history_intern(&table, changed, 2), first);
    assert_ptr_not_equal(history_intern(&table, NULL, 0), first);
    assert_int_equal(HASH_COUNT(table), 3);
    assert_int_equal(history_find(first, "2")->index, 1);
    assert_null(history_find(first, "3"));
}

static void
a_version_said_twice_is_heard_once(void **state)
{
    (void)state;
    CLEANUP(histories_release) struct history *table = NULL;
    struct applied twice[] = {{"1", {1}}, {"1", {2}}, {"2", {2}}};

    const struct history *history = history_intern(&table, twice, 3);

    assert_int_equal(history->count, 2);
    assert_int_equal(history_find(history, "1")->checksum[0], 1);
    assert_int_equal(history_find(history, "2")->index, 1);
}

static struct known_bundle *
learn(struct known_bundle **table, uint8_t number)
{
    struct migration migrations[] = {
        {.version = "1", .name = "one", .has_up = true, .up = {.path = "1.sql", .checksum = {9}}},
        {.version = "2", .irreversible = "data is dropped", .has_up = true, .has_down = true}};
    struct manifest manifest = {.service = "auth", .migrations = migrations, .migration_count = 2};
    struct digest digest = {{number}};

    return known_bundle_learn(table, &digest, &manifest);
}

static void
a_bundle_is_learned_once(void **state)
{
    (void)state;
    struct known_bundle *table = NULL;
    struct digest unknown = {{7}};

    struct known_bundle *bundle = learn(&table, 1);

    assert_ptr_equal(learn(&table, 1), bundle);
    assert_string_equal(bundle->service, "auth");
    assert_int_equal(known_bundle_migration(bundle, "1")->checksum[0], 9);
    assert_false(known_bundle_migration(bundle, "1")->has_down);
    assert_string_equal(known_bundle_migration(bundle, "2")->irreversible, "data is dropped");
    assert_null(known_bundle_migration(bundle, "3"));
    assert_null(known_bundle_find(table, &unknown));
    known_bundles_sweep(&table, 0);
    assert_null(table);
}

static void
a_bundle_that_is_held_is_not_swept(void **state)
{
    (void)state;
    struct known_bundle *table = NULL, *nothing = NULL;
    struct known_bundle *held = known_bundle_hold(learn(&table, 1));
    learn(&table, 2);
    learn(&table, 3);

    known_bundles_sweep(&table, 1);
    assert_int_equal(HASH_COUNT(table), 2);
    assert_ptr_equal(known_bundle_find(table, &(struct digest){{1}}), held);
    assert_null(known_bundle_find(table, &(struct digest){{2}}));

    known_bundle_release(&held);
    known_bundle_release(&nothing);
    known_bundles_sweep(&table, 0);
    assert_null(table);
}

static void
a_fault_is_kept_with_its_texts(void **state)
{
    (void)state;
    char text[] = "it fails";
    struct fault fault = {.code = "E-SQL", .text = text, .sqlstate = "42P07", .is_retryable = true};

    struct fault *kept = fault_keep(&fault);
    text[0] = 'x';

    assert_string_equal(kept->text, "it fails");
    assert_string_equal(kept->sqlstate, "42P07");
    assert_null(kept->hint);
    assert_true(kept->is_retryable);
    assert_false(fault_is_same(kept, &fault));
    text[0] = 'i';
    assert_true(fault_is_same(kept, &fault));

    fault_replace(&kept, &(struct fault){0});
    assert_null(kept);
    assert_null(fault_of(kept).code);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_itineraries_are_one),
        cmocka_unit_test(equal_histories_are_one),
        cmocka_unit_test(a_version_said_twice_is_heard_once),
        cmocka_unit_test(a_bundle_is_learned_once),
        cmocka_unit_test(a_bundle_that_is_held_is_not_swept),
        cmocka_unit_test(a_fault_is_kept_with_its_texts),
    };
    return RUN_TESTS(tests);
}
