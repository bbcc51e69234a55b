#include "common/io/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/folder.h"
#include "tests/support/unit.h"

static struct config *
parse(const char *text)
{
    struct config *config = NULL;
    struct error error = {0};

    if (!config_parse("a.yaml", text, strlen(text), &config, &error)) {
        fail_msg("%s: %s: %s", error.where, error.code, error.text);
    }
    return config;
}

static void
expect_refusal_of(const char *text, size_t size, const char *code, const char *where)
{
    struct config *config = NULL;
    struct error error = {0};

    assert_false(config_parse("a.yaml", text, size, &config, &error));
    assert_null(config);
    assert_string_equal(error.code, code);
    assert_string_equal(error.where, where);
}

static void
expect_refusal(const char *text, const char *code, const char *where)
{
    expect_refusal_of(text, strlen(text), code, where);
}

static void
values_are_found_by_their_keys(void **state)
{
    (void)state;
    CLEANUP(config_destroy)
    struct config *config = parse("# an agent\n"
                                  "name: agent-1\n"
                                  "port: 5555\n"
                                  "lock_timeout: 250ms\n"
                                  "verbose: true\n"
                                  "targets:\n"
                                  "  - name: auth\n"
                                  "    labels: {env: prod, region: eu}\n"
                                  "  - name: 'risk'\n");
    const struct config_node *root = config_root(config), *targets, *labels, *value;
    const char *name, *key;
    int64_t port, lock_timeout_ms;
    bool verbose;
    struct error error = {0};

    assert_true(config_text(root, "name", CONFIG_REQUIRED, &name, &error));
    assert_string_equal(name, "agent-1");
    assert_true(config_number(root, "port", 1, 1, 65535, &port, &error));
    assert_int_equal(port, 5555);
    assert_true(config_duration_ms(root, "lock_timeout", 1, 0, 1000, &lock_timeout_ms, &error));
    assert_int_equal(lock_timeout_ms, 250);
    assert_true(config_bool(root, "verbose", false, &verbose, &error));
    assert_true(verbose);
    assert_true(config_list(root, "targets", &targets, &error));
    assert_int_equal(config_count(targets), 2);
    assert_null(config_item(targets, 2));
    for (size_t i = 0; i < 2; i++) {
        assert_true(config_text(config_item(targets, i), "name", CONFIG_REQUIRED, &name, &error));
        assert_true(config_map(config_item(targets, i), "labels", &labels, &error));
    }
    assert_string_equal(name, "risk");
    assert_null(labels);
    assert_true(config_map(config_item(targets, 0), "labels", &labels, &error));
    assert_true(config_pair(labels, 1, &key, &value));
    assert_string_equal(key, "region");
    assert_string_equal(config_scalar(value), "eu");
    assert_true(config_pair(labels, 0, &key, &value));
    assert_false(config_pair(labels, 2, &key, &value));
    assert_true(config_finish(config, &error));
}

static void
what_is_absent_has_its_fallback(void **state)
{
    (void)state;
    CLEANUP(config_destroy) struct config *config = parse("# nothing but a comment\n");
    const struct config_node *root = config_root(config), *child;
    const char *text;
    int64_t number;
    bool is_set;
    struct error error = {0};

    assert_true(config_text(root, "a", "fallback", &text, &error));
    assert_string_equal(text, "fallback");
    assert_true(config_text(root, "a", NULL, &text, &error));
    assert_null(text);
    assert_true(config_number(root, "b", 7, 0, 1, &number, &error));
    assert_int_equal(number, 7);
    assert_true(config_duration_ms(root, "c", 8, 0, 1, &number, &error));
    assert_int_equal(number, 8);
    assert_true(config_bool(root, "d", true, &is_set, &error));
    assert_true(is_set);
    assert_true(config_map(root, "e", &child, &error));
    assert_null(child);
    assert_int_equal(config_count(child), 0);
    assert_null(config_scalar(child));
    assert_false(config_text(root, "f", CONFIG_REQUIRED, &text, &error));
    assert_string_equal(error.code, "E-CFG-MISSING");
    assert_string_equal(error.where, "a.yaml:1:1");
    assert_true(config_finish(config, &error));
}

static void
an_empty_file_is_an_empty_mapping(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "\n\n",       "# x",         "---\n",
                                        "{}", "---\n...\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CLEANUP(config_destroy) struct config *config = parse(texts[i]);
        assert_int_equal(config_count(config_root(config)), 0);
    }
}

static void
a_byte_order_mark_and_windows_lines_are_taken(void **state)
{
    (void)state;
    CLEANUP(config_destroy)
    struct config *config = parse("\xef\xbb\xbf"
                                  "a: one\r\nb: two\r\n");
    const char *text;
    struct error error;

    assert_true(config_text(config_root(config), "a", NULL, &text, &error));
    assert_string_equal(text, "one");
    assert_true(config_text(config_root(config), "b", NULL, &text, &error));
    assert_string_equal(text, "two");
}

static void
what_is_no_yaml_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char nul[] = "a: b\nc: \0d\n";

    expect_refusal("a: [1, 2\nb: 3\n", "E-CFG-SYNTAX", "a.yaml:2:2");
    expect_refusal("a: 'x\n", "E-CFG-SYNTAX", "a.yaml:2:1");
    expect_refusal("a: b\n\tc: d\n", "E-CFG-SYNTAX", "a.yaml:2:1");
    expect_refusal("a: b: c\n", "E-CFG-SYNTAX", "a.yaml:1:5");
    expect_refusal("a: b\nc: d\xff\n", "E-CFG-SYNTAX", "a.yaml:2:5");
    expect_refusal("a: \xc3(\n", "E-CFG-SYNTAX", "a.yaml:1:4");
    expect_refusal_of(nul, sizeof nul - 1, "E-CFG-SYNTAX", "a.yaml:2:4");
    expect_refusal("a: \"x\\0y\"\n", "E-CFG-SYNTAX", "a.yaml:1:4");
    expect_refusal("\xff\xfe"
                   "a",
                   "E-CFG-SYNTAX", "a.yaml:1:1");
    expect_refusal("- a\n- b\n", "E-CFG-TYPE", "a.yaml:1:1");
    expect_refusal("just a text\n", "E-CFG-TYPE", "a.yaml:1:1");
    expect_refusal("''\n", "E-CFG-TYPE", "a.yaml:1:1");
}

static void
features_that_surprise_are_refused(void **state)
{
    (void)state;
    expect_refusal("a: &x 1\n", "E-CFG-FEATURE", "a.yaml:1:4");
    expect_refusal("a: &x {b: c}\n", "E-CFG-FEATURE", "a.yaml:1:4");
    expect_refusal("a: &x [1]\n", "E-CFG-FEATURE", "a.yaml:1:4");
    expect_refusal("a: *x\n", "E-CFG-FEATURE", "a.yaml:1:4");
    expect_refusal("a: 1\n<<: {b: 2}\n", "E-CFG-FEATURE", "a.yaml:2:1");
    expect_refusal("a: !!python/object:os.system x\n", "E-CFG-FEATURE", "a.yaml:1:4");
    expect_refusal("a: !x [1]\n", "E-CFG-FEATURE", "a.yaml:1:4");
    expect_refusal("a: !!map {}\n", "E-CFG-FEATURE", "a.yaml:1:4");
    expect_refusal("a: 1\n---\nb: 2\n", "E-CFG-FEATURE", "a.yaml:2:1");
    expect_refusal("%YAML 1.1\n---\na: 1\n", "E-CFG-FEATURE", "a.yaml:1:1");
    expect_refusal("? [a, b]\n: c\n", "E-CFG-FEATURE", "a.yaml:1:3");
    expect_refusal("? {a: b}\n: c\n", "E-CFG-FEATURE", "a.yaml:1:3");
}

static void
a_key_is_there_once(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct error error = {0};

    expect_refusal("a: 1\nb: 2\na: 3\n", "E-CFG-DUP", "a.yaml:3:1");
    expect_refusal("x:\n  - {a: 1, a: 2}\n", "E-CFG-DUP", "a.yaml:2:12");
    assert_false(config_parse("a.yaml", "a: 1\n'a': 2", 11, &config, &error));
    assert_string_equal(error.found, "'a', first in line 1");
}

static void
depth_size_and_number_of_values_are_bounded(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text deep = {0};
    CLEANUP(text_release) struct text good = {0};
    CLEANUP(text_release) struct text many = {0};
    CLEANUP(text_release) struct text huge = {0};
    text_append(&good, "a: ");
    for (int i = 0; i < 15; i++) {
        text_append(&good, "[");
    }
    for (int i = 0; i < 15; i++) {
        text_append(&good, "]");
    }
    for (int i = 0; i < 100000; i++) {
        text_append(&deep, "[");
    }
    text_append(&many, "a:\n");
    for (int i = 0; i < 30000; i++) {
        text_append(&many, "- b\n");
    }
    for (int i = 0; i <= 1 << 20; i++) {
        text_append(&huge, "#");
    }

    CLEANUP(config_destroy) struct config *config = parse(good.data);
    assert_non_null(config);
    expect_refusal(deep.data, "E-CFG-FEATURE", "a.yaml:1:17");
    expect_refusal(many.data, "E-CFG-RANGE", "a.yaml:19999:3");
    expect_refusal(huge.data, "E-CFG-RANGE", "a.yaml");
}

/* One line, asked for in one way, refused. */
struct refused_value {
    const char *line;
    enum { AS_TEXT, AS_NUMBER, AS_DURATION, AS_BOOL, AS_MAP, AS_LIST } as;
    const char *code, *found;
};

static bool
ask(const struct config_node *root, const struct refused_value *refused, struct error *error)
{
    const struct config_node *child;
    const char *text;
    int64_t number;
    bool is_set;

    switch (refused->as) {
    case AS_TEXT:
        return config_text(root, "a", NULL, &text, error);
    case AS_NUMBER:
        return config_number(root, "a", 0, -10, 100, &number, error);
    case AS_DURATION:
        return config_duration_ms(root, "a", 0, 10, 60000, &number, error);
    case AS_BOOL:
        return config_bool(root, "a", false, &is_set, error);
    case AS_MAP:
        return config_map(root, "a", &child, error);
    case AS_LIST:
        return config_list(root, "a", &child, error);
    }
    return false;
}

static void
a_value_of_the_wrong_type_or_size_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct refused_value cases[] = {
        {"a: [x]", AS_TEXT, "E-CFG-TYPE", ""},
        {"a:", AS_TEXT, "E-CFG-TYPE", "nothing"},
        {"a: {}", AS_NUMBER, "E-CFG-TYPE", ""},
        {"a: no", AS_NUMBER, "E-CFG-TYPE", "'no'"},
        {"a: 1e3", AS_NUMBER, "E-CFG-TYPE", "'1e3'"},
        {"a: 1.5", AS_NUMBER, "E-CFG-TYPE", "'1.5'"},
        {"a: 0777", AS_NUMBER, "E-CFG-TYPE", "'0777'"},
        {"a: 0x1f", AS_NUMBER, "E-CFG-TYPE", "'0x1f'"},
        {"a: 12:30", AS_NUMBER, "E-CFG-TYPE", "'12:30'"},
        {"a: '5'", AS_NUMBER, "E-CFG-TYPE", "'5'"},
        {"a: +5", AS_NUMBER, "E-CFG-TYPE", "'+5'"},
        {"a: '-'", AS_NUMBER, "E-CFG-TYPE", "'-'"},
        {"a: 101", AS_NUMBER, "E-CFG-RANGE", "101, from -10 to 100 allowed"},
        {"a: -11", AS_NUMBER, "E-CFG-RANGE", "-11, from -10 to 100 allowed"},
        {"a: 99999999999999999999", AS_NUMBER, "E-CFG-RANGE",
         "99999999999999999999, from -10 to 100 allowed"},
        {"a: 5", AS_DURATION, "E-CFG-TYPE", "'5'"},
        {"a: 5 s", AS_DURATION, "E-CFG-TYPE", "'5 s'"},
        {"a: soon", AS_DURATION, "E-CFG-TYPE", "'soon'"},
        {"a: [5s]", AS_DURATION, "E-CFG-TYPE", ""},
        {"a: 9ms", AS_DURATION, "E-CFG-RANGE", "9ms, from 10ms to 60000ms allowed"},
        {"a: 2m", AS_DURATION, "E-CFG-RANGE", "2m, from 10ms to 60000ms allowed"},
        {"a: no", AS_BOOL, "E-CFG-TYPE", "'no'"},
        {"a: on", AS_BOOL, "E-CFG-TYPE", "'on'"},
        {"a: True", AS_BOOL, "E-CFG-TYPE", "'True'"},
        {"a: 'true'", AS_BOOL, "E-CFG-TYPE", "'true'"},
        {"a: []", AS_BOOL, "E-CFG-TYPE", ""},
        {"a: x", AS_MAP, "E-CFG-TYPE", ""},
        {"a: []", AS_MAP, "E-CFG-TYPE", ""},
        {"a: x", AS_LIST, "E-CFG-TYPE", ""},
        {"a: {}", AS_LIST, "E-CFG-TYPE", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(config_destroy) struct config *config = parse(cases[i].line);
        struct error error = {0};
        assert_false(ask(config_root(config), &cases[i], &error));
        assert_string_equal(error.code, cases[i].code);
        assert_string_equal(error.found, cases[i].found);
        assert_int_equal(strncmp(error.where, "a.yaml:1:", 9), 0);
        assert_non_null(strstr(error.text, "'a'"));
    }
}

static void
words_that_yaml_takes_for_something_else_stay_texts(void **state)
{
    (void)state;
    static const char *const words[] = {"no", "on", "1e3", "0777", "12:30", "~", "null", "1.0"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        CLEANUP(mem_free) char *line = mem_format("a: %s\n", words[i]);
        CLEANUP(config_destroy) struct config *config = parse(line);
        const char *text;
        struct error error;
        assert_true(config_text(config_root(config), "a", NULL, &text, &error));
        assert_string_equal(text, words[i]);
    }
}

static void
a_key_that_nobody_asked_for_is_refused_with_the_likely_one(void **state)
{
    (void)state;
    CLEANUP(config_destroy)
    struct config *config = parse("parralel: 4\nwaves:\n  - sise: 1\n");
    const struct config_node *root = config_root(config), *waves;
    const char *text;
    struct error error = {0};

    assert_true(config_text(root, "budget", NULL, &text, &error));
    assert_true(config_text(root, "parallel", NULL, &text, &error));
    assert_true(config_list(root, "waves", &waves, &error));
    assert_false(config_finish(config, &error));
    assert_string_equal(error.code, "E-CFG-UNKNOWN");
    assert_string_equal(error.where, "a.yaml:1:1");
    assert_string_equal(error.hint, "did you mean 'parallel'?");

    assert_true(config_text(root, "parralel", NULL, &text, &error));
    assert_true(config_text(config_item(waves, 0), "size", NULL, &text, &error));
    assert_true(config_text(config_item(waves, 0), "size", NULL, &text, &error));
    assert_false(config_finish(config, &error));
    assert_string_equal(error.where, "a.yaml:3:5");
    assert_string_equal(error.hint, "did you mean 'size'?");
}

static void
a_missing_key_that_is_there_misspelt_is_shown(void **state)
{
    (void)state;
    CLEANUP(config_destroy) struct config *config = parse("key: a\nstor: b\nlog: c\n");
    const struct config_node *root = config_root(config);
    const char *text;
    struct error error = {0};

    assert_true(config_text(root, "key", CONFIG_REQUIRED, &text, &error));
    assert_false(config_text(root, "store", CONFIG_REQUIRED, &text, &error));
    assert_string_equal(error.code, "E-CFG-MISSING");
    assert_string_equal(error.where, "a.yaml:1:1");
    assert_string_equal(error.hint, "is 'stor' in line 2 meant for it?");

    assert_false(config_text(root, "kay", CONFIG_REQUIRED, &text, &error)); /* 'key' is known */
    assert_string_equal(error.hint, "");
}

static void
a_key_like_no_other_gets_no_suggestion(void **state)
{
    (void)state;
    CLEANUP(config_destroy) struct config *config = parse("x: 1\n");
    const char *text;
    struct error error = {0};

    assert_true(config_text(config_root(config), "parallel", NULL, &text, &error));
    assert_true(config_text(config_root(config), "y", NULL, &text, &error));
    assert_false(config_finish(config, &error));

    assert_string_equal(error.code, "E-CFG-UNKNOWN");
    assert_string_equal(error.hint, "");
}

static void
a_private_file_must_be_its_owners_alone(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct config *config = NULL;
    struct error error = {0};
    const char *path = folder_text(&folder, "a.yaml", "a: 1\n", 0644);
    const char *open = folder_text(&folder, "open.yaml", "a: 1\n", 0666);
    const char *link = folder_path(&folder, "link.yaml");
    assert_int_equal(symlink(path, link), 0);

    assert_true(config_open(path, true, &config, &error));
    config_destroy(&config);
    assert_null(config);
    config_destroy(&config);
    assert_true(config_open(open, false, &config, &error));
    config_destroy(&config);
    assert_false(config_open(open, true, &config, &error));
    assert_string_equal(error.code, "E-CFG-PERM");
    assert_string_equal(error.where, open);
    assert_false(config_open(link, true, &config, &error));
    assert_string_equal(error.code, "E-CFG-PERM");
    assert_false(config_open(folder_path(&folder, "none.yaml"), false, &config, &error));
    assert_string_equal(error.code, "E-CFG-OPEN");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_their_keys),
        cmocka_unit_test(what_is_absent_has_its_fallback),
        cmocka_unit_test(an_empty_file_is_an_empty_mapping),
        cmocka_unit_test(a_byte_order_mark_and_windows_lines_are_taken),
        cmocka_unit_test(what_is_no_yaml_is_refused_with_its_place),
        cmocka_unit_test(features_that_surprise_are_refused),
        cmocka_unit_test(a_key_is_there_once),
        cmocka_unit_test(depth_size_and_number_of_values_are_bounded),
        cmocka_unit_test(a_value_of_the_wrong_type_or_size_is_refused_with_its_place),
        cmocka_unit_test(words_that_yaml_takes_for_something_else_stay_texts),
        cmocka_unit_test(a_key_that_nobody_asked_for_is_refused_with_the_likely_one),
        cmocka_unit_test(a_missing_key_that_is_there_misspelt_is_shown),
        cmocka_unit_test(a_key_like_no_other_gets_no_suggestion),
        cmocka_unit_test(a_private_file_must_be_its_owners_alone),
    };
    return RUN_TESTS(tests);
}
