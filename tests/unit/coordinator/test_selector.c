#include "coordinator/core/selector.h"

#include "common/base/mem.h"

#include "tests/support/unit.h"

static struct label labels[] = {{"env", "prod"}, {"region", "eu"}};
static const struct selectable target = {"auth-eu-1", "auth", labels, 2};

static bool
matches(const char *text)
{
    CLEANUP(selector_destroy) struct selector *selector = NULL;
    struct error error;

    assert_true(selector_parse(text, &selector, &error));
    return selector_matches(selector, &target);
}

static void
nothing_said_selects_everything(void **state)
{
    (void)state;
    assert_true(matches(NULL));
    assert_true(matches(""));
    assert_true(matches("  "));
}

static void
every_term_must_hold(void **state)
{
    (void)state;
    assert_true(matches("env=prod"));
    assert_true(matches("env=prod,region=eu"));
    assert_true(matches(" env = prod , region != us "));
    assert_false(matches("env=prod,region=us"));
    assert_false(matches("env!=prod"));
}

static void
a_label_that_is_not_there_equals_nothing(void **state)
{
    (void)state;
    assert_false(matches("tier=1"));
    assert_true(matches("tier!=1"));
}

static void
service_and_target_are_names_too(void **state)
{
    (void)state;
    assert_true(matches("service=auth"));
    assert_false(matches("service=policy"));
    assert_true(matches("target=auth-eu-1"));
    assert_true(matches("target!=auth-eu-2"));
}

static void
what_is_no_term_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"env", "env=",    "=prod",  "!=prod",    "env=prod,",
                               ",",   "env=a b", "e nv=x", "env==prod", "-env=x"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct selector *selector = NULL;
        struct error error;
        assert_false(selector_parse(bad[i], &selector, &error));
        assert_string_equal(error.code, "E-SEL-SYNTAX");
        assert_null(selector);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_selects_everything),
        cmocka_unit_test(every_term_must_hold),
        cmocka_unit_test(a_label_that_is_not_there_equals_nothing),
        cmocka_unit_test(service_and_target_are_names_too),
        cmocka_unit_test(what_is_no_term_is_refused),
    };
    return RUN_TESTS(tests);
}
