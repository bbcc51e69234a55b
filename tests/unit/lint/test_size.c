/* How grave a finding is, and what is said of it, by what a fleet says of its table. */
#include "common/lint/size.h"

#include "common/base/mem.h"
#include "common/lint/rule.h"
#include "tests/support/unit.h"

#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

/* One finding about events, of a rule that follows the size. */
static const struct finding *
judged(struct size_list *sizes, struct finding_list *findings)
{
    static const struct rule rule = {.follows_size = true};
    struct finding *finding = finding_list_add(findings);

    finding->rule = &rule;
    finding->severity = SEVERITY_WARNING;
    finding->table = "events";
    sizes_apply(sizes, findings);
    return finding;
}

static void
says(struct size_list *sizes, enum severity severity, const char *numbers)
{
    CLEANUP(finding_list_release) struct finding_list findings = {0};
    const struct finding *finding = judged(sizes, &findings);

    assert_string_equal(finding->numbers, numbers);
    assert_int_equal(finding->severity, severity);
    size_list_release(sizes);
}

static struct size_list
fleet(uint64_t bytes, uint64_t target_count, uint64_t large_count)
{
    struct size_list sizes = {.target_count = 340, .below = MB};
    struct table_size *size = size_list_add(&sizes);

    *size = (struct table_size){.schema = "public",
                                .name = "events",
                                .target = "prod-eu-7",
                                .rows = 50000000,
                                .bytes = bytes,
                                .target_count = target_count,
                                .large_count = large_count};
    return sizes;
}

static void
a_table_that_is_large_somewhere_is_an_error(void **state)
{
    (void)state;
    struct size_list sizes = fleet(48 * GB, 300, 12);

    says(&sizes, SEVERITY_ERROR,
         "events: 48 GB, 50 million rows on prod-eu-7; 300 of 340 targets have it, 12 above 1 GB");
}

static void
a_table_that_is_small_everywhere_is_a_note(void **state)
{
    (void)state;
    struct size_list sizes = fleet(3 * MB, 2, 0);

    says(&sizes, SEVERITY_NOTE,
         "events: 3.0 MB, 50 million rows on prod-eu-7; 2 of 340 targets have it, 0 above 1 GB");
    sizes = (struct size_list){.target_count = 340, .below = MB};
    says(&sizes, SEVERITY_NOTE, "events: nowhere above 1.0 MB, or not there yet");
    sizes = (struct size_list){.target_count = 1};
    says(&sizes, SEVERITY_NOTE, "events is not there yet");
}

static void
a_small_table_that_everybody_writes_is_no_note(void **state)
{
    (void)state;
    struct size_list sizes = fleet(3 * MB, 2, 0);

    sizes.items[0].writes_per_hour = 720000;
    sizes.replicas = 2;
    says(&sizes, SEVERITY_WARNING,
         "events: 3.0 MB, 50 million rows, 200 rows written a second on prod-eu-7; 2 of 340 targets"
         " have it, 0 above 1 GB; 2 replicas");
    sizes = fleet(3 * MB, 2, 0);
    sizes.items[0].writes_per_hour = 12;
    says(&sizes, SEVERITY_NOTE,
         "events: 3.0 MB, 50 million rows, 12 rows written an hour on prod-eu-7; 2 of 340 targets"
         " have it, 0 above 1 GB");
}

/* Nothing is taken for small that may be large on a target that nobody has seen. */
static void
silence_makes_nothing_small(void **state)
{
    (void)state;
    struct size_list sizes = fleet(3 * MB, 2, 0);

    sizes.target_count = 338;
    sizes.silent_count = 2;
    says(&sizes, SEVERITY_WARNING,
         "events: 3.0 MB, 50 million rows on prod-eu-7; 2 of 338 targets have it, 0 above 1 GB;"
         " 2 of 340 targets did not answer");
    sizes = (struct size_list){.target_count = 338, .silent_count = 2, .below = MB};
    says(&sizes, SEVERITY_WARNING,
         "events: nowhere above 1.0 MB, or not there yet; 2 of 340 targets did not answer");
    sizes = fleet(48 * GB, 2, 1);
    sizes.silent_count = 2;
    says(&sizes, SEVERITY_ERROR,
         "events: 48 GB, 50 million rows on prod-eu-7; 2 of 340 targets have it, 1 above 1 GB;"
         " 2 of 342 targets did not answer");
}

static void
a_table_below_what_was_told_may_be_large(void **state)
{
    (void)state;
    struct size_list sizes = {.target_count = 340, .below = 2 * GB};

    says(&sizes, SEVERITY_WARNING, "events: nowhere above 2.0 GB, or not there yet");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_that_is_large_somewhere_is_an_error),
        cmocka_unit_test(a_table_that_is_small_everywhere_is_a_note),
        cmocka_unit_test(a_small_table_that_everybody_writes_is_no_note),
        cmocka_unit_test(silence_makes_nothing_small),
        cmocka_unit_test(a_table_below_what_was_told_may_be_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
