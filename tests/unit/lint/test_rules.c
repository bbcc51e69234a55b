/* The rules: their own examples, and what else each must find or leave alone. */
#include "tests/unit/lint/lints.h"

static void
print_findings(const struct lints *lints)
{
    for (size_t i = 0; i < lints->findings.count; i++) {
        const struct finding *finding = &lints->findings.items[i];
        print_error("    %s:%zu:%zu %s %s\n", finding->path, finding->place.line,
                    finding->place.column, finding->rule->id, finding->text);
    }
}

/* Whether the example has so many findings of the rule; tells when not. */
static bool
finds(const char *id, const char *example, size_t wanted, const char *what)
{
    CLEANUP(lints_release) struct lints lints = lints_of(example, id);
    size_t count = lints_count(&lints, id, NULL);

    if (!lints.succeeded) {
        print_error("%s, %s: %s (%s)\n", id, what, lints.error.text, lints.error.where);
        return false;
    }
    if (count == wanted || (wanted == SIZE_MAX && count > 0)) {
        return true;
    }
    print_error("%s, %s: %zu found in\n%s\n", id, what, count, example);
    print_findings(&lints);
    return false;
}

static void
every_rule_finds_its_bad_example_and_leaves_the_good_one_alone(void **state)
{
    (void)state;
    size_t wrong = 0;

    for (size_t i = 0; i < rule_count(); i++) {
        const struct rule *rule = rule_at(i);
        wrong += !finds(rule->id, rule->bad, SIZE_MAX, "bad example");
        wrong += !finds(rule->id, rule->good, 0, "good example");
    }
    assert_int_equal(wrong, 0);
}

/* What examples say besides: a rule, how many findings, a text. */
static const struct {
    const char *id;
    size_t count;
    const char *sql;
} cases[] = {
#include "tests/unit/lint/cases.inc"
};

static void
every_case_has_so_many_findings(void **state)
{
    (void)state;
    size_t wrong = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wrong += !finds(cases[i].id, cases[i].sql, cases[i].count, "case");
    }
    assert_int_equal(wrong, 0);
}

static void
ids_and_names_are_given_once_and_rows_are_whole(void **state)
{
    (void)state;

    assert_true(rule_count() >= 50);
    for (size_t i = 0; i < rule_count(); i++) {
        const struct rule *rule = rule_at(i);
        assert_int_equal(strlen(rule->id), 5);
        assert_true(text_starts_with(rule->id, "SK"));
        assert_int_equal(strspn(rule->id + 2, "0123456789"), 3);
        assert_non_null(rule->name);
        assert_true(rule->why && rule->instead && rule->bad && rule->good);
        assert_true(text_ends_with(rule->why, ".") && text_ends_with(rule->bad, "\n") &&
                    text_ends_with(rule->good, "\n"));
        assert_int_equal(rule->check == NULL, rule->scope == RULE_OF_ENGINE);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(rule->id, rule_at(j)->id);
            assert_string_not_equal(rule->name, rule_at(j)->name);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_finds_its_bad_example_and_leaves_the_good_one_alone),
        cmocka_unit_test(every_case_has_so_many_findings),
        cmocka_unit_test(ids_and_names_are_given_once_and_rows_are_whole),
    };
    return RUN_TESTS(tests);
}
