#include "common/lint/report.h"

#include <jansson.h>

#include "tests/unit/lint/lints.h"

static const struct report_style plain = {.error = "",
                                          .warning = "",
                                          .note = "",
                                          .strong = "",
                                          .faint = "",
                                          .plain = "",
                                          .width = SIZE_MAX};

/* Findings with everything in them that may need to be escaped. */
static struct finding_list
make_findings(void)
{
    struct finding_list list = {0};
    struct finding *finding = finding_list_add(&list);

    *finding = (struct finding){.rule = rule_find("SK010"),
                                .severity = SEVERITY_ERROR,
                                .path = "a b/ü,x:1.sql",
                                .place = {.offset = 4, .line = 2, .column = 3},
                                .columns = 5,
                                .line = "  <tag> & \"é\"",
                                .text = "50 % of \"users\" & <co>",
                                .table = "users",
                                .numbers = "users: 48 GB",
                                .statement = 0};
    finding->fixes[finding->fix_count++] =
        (struct fix){.begin = {4, 2, 3}, .end = {4, 2, 3}, .text = " CONCURRENTLY"};
    *finding_list_add(&list) = (struct finding){.rule = rule_find("SK002"),
                                                .severity = SEVERITY_WARNING,
                                                .path = "b.sql",
                                                .text = "without a place"};
    return list;
}

static const char *
write_report(enum report_format format, struct text *out)
{
    CLEANUP(finding_list_release) struct finding_list findings = make_findings();
    const struct lint_tally tally = {.files = 2, .statements = 3, .read = 2};
    const struct report report = {.findings = &findings, .tally = &tally, .style = plain};

    report_write(&report, format, out);
    return text_of(out);
}

static void
text_underlines_what_is_meant(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text out = {0};
    const char *text = write_report(REPORT_TEXT, &out);

    assert_non_null(strstr(text, "a b/ü,x:1.sql:2:3: error[SK010] 50 % of \"users\" & <co>\n"
                                 "      2 |   <tag> & \"é\"\n"
                                 "        |   ^~~~~\n"
                                 "  sizes:   users: 48 GB\n"
                                 "  why:     "));
    assert_non_null(strstr(text, "b.sql: warning[SK002] without a place\n"));
    assert_non_null(strstr(text, "1 error, 1 warning, 0 notes in 2 files; --fix can put 1 of them "
                                 "right\n"));
}

static void
json_holds_every_field(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text out = {0};
    json_error_t error;
    json_t *root = json_loads(write_report(REPORT_JSON, &out), 0, &error);

    assert_non_null(root);
    json_t *first = json_array_get(json_object_get(root, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "rule")), "SK010");
    assert_string_equal(json_string_value(json_object_get(first, "path")), "a b/ü,x:1.sql");
    assert_int_equal(json_integer_value(json_object_get(first, "line")), 2);
    assert_int_equal(json_array_size(json_object_get(first, "fixes")), 1);
    json_t *second = json_array_get(json_object_get(root, "findings"), 1);
    assert_true(json_is_null(json_object_get(second, "line")));
    json_t *summary = json_object_get(root, "summary");
    assert_int_equal(json_integer_value(json_object_get(summary, "errors")), 1);
    json_decref(root);
}

static void
sarif_has_the_structure_of_2_1_0(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text out = {0};
    json_error_t error;
    json_t *root = json_loads(write_report(REPORT_SARIF, &out), 0, &error);
    const char *uri = NULL, *level = NULL, *id = NULL, *version = NULL;
    json_int_t index = 0, line = 0, end = 0;

    assert_non_null(root);
    assert_int_equal(json_unpack(root, "{s:s}", "version", &version), 0);
    assert_string_equal(version, "2.1.0");
    json_t *run = json_array_get(json_object_get(root, "runs"), 0);
    json_t *rules =
        json_object_get(json_object_get(json_object_get(run, "tool"), "driver"), "rules");
    assert_int_equal(json_array_size(rules), rule_count());
    json_t *result = json_array_get(json_object_get(run, "results"), 0);
    assert_int_equal(json_unpack(result, "{s:s, s:s, s:I, s:[{s:{s:{s:s}, s:{s:I, s:I}}}]}",
                                 "ruleId", &id, "level", &level, "ruleIndex", &index, "locations",
                                 "physicalLocation", "artifactLocation", "uri", &uri, "region",
                                 "startLine", &line, "endColumn", &end),
                     0);
    assert_string_equal(uri, "a%20b/%C3%BC%2Cx%3A1.sql");
    assert_string_equal(level, "error");
    assert_int_equal(line, 2);
    assert_int_equal(end, 8);
    json_t *rule = json_array_get(rules, (size_t)index);
    assert_string_equal(json_string_value(json_object_get(rule, "id")), id);
    json_decref(root);
}

static void
junit_escapes_what_xml_does_not_bear(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text out = {0};
    const char *text = write_report(REPORT_JUNIT, &out);

    assert_non_null(strstr(text, "<testsuites name=\"skein lint\" tests=\"2\" failures=\"2\""));
    assert_non_null(strstr(text, "message=\"50 % of &quot;users&quot; &amp; &lt;co&gt;\""));
    assert_null(strstr(text, "<tag>"));
}

static void
github_annotations_are_one_line_each(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text out = {0};
    const char *text = write_report(REPORT_GITHUB, &out);

    assert_true(text_starts_with(text, "::error file=a b/ü%2Cx%3A1.sql,line=2,col=3,endColumn=8,"
                                       "title=SK010 index-not-concurrent::50 %25 of"));
    assert_non_null(strstr(text, "\n::warning file=b.sql,title=SK002"));
}

static void
without_findings_every_form_is_whole(void **state)
{
    (void)state;
    struct finding_list findings = {0};
    const struct lint_tally tally = {.files = 1};
    const struct report report = {.findings = &findings, .tally = &tally, .style = plain};

    for (enum report_format format = REPORT_TEXT; format < REPORT_FORMAT_COUNT; format++) {
        CLEANUP(text_release) struct text out = {0};
        report_write(&report, format, &out);
        if (format == REPORT_JSON || format == REPORT_SARIF) {
            json_t *root = json_loads(text_of(&out), 0, NULL);
            assert_non_null(root);
            json_decref(root);
        }
        assert_true(format == REPORT_GITHUB || text_ends_with(text_of(&out), "\n"));
    }
}

static void
the_page_of_a_rule_holds_its_examples(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text page = {0}, index = {0};

    report_rule_page(rule_find("SK010"), &page);
    report_rule_index(&index);
    assert_true(text_starts_with(text_of(&page), "# SK010: index-not-concurrent\n"));
    assert_non_null(strstr(text_of(&page), "```sql\nCREATE INDEX users_email ON users (email);\n"));
    for (size_t i = 0; i < rule_count(); i++) {
        assert_non_null(strstr(text_of(&index), rule_at(i)->id));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_underlines_what_is_meant),
        cmocka_unit_test(json_holds_every_field),
        cmocka_unit_test(sarif_has_the_structure_of_2_1_0),
        cmocka_unit_test(junit_escapes_what_xml_does_not_bear),
        cmocka_unit_test(github_annotations_are_one_line_each),
        cmocka_unit_test(without_findings_every_form_is_whole),
        cmocka_unit_test(the_page_of_a_rule_holds_its_examples),
    };
    return RUN_TESTS(tests);
}
