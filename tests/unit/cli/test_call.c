#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/call.h"
#include "coordinator/cli/exit.h"
#include "tests/support/unit.h"

#define WORDS_MAX 16

static char program[] = "skein";

/* One command line, in memory that getopt may reorder. */
struct line {
    char *words[WORDS_MAX];
    int count;
    struct call call;
    struct error error;
};

static bool
say(struct line *line, const char *first, ...)
{
    va_list words;

    *line = (struct line){.words = {program}, .count = 1};
    va_start(words, first);
    for (const char *word = first; word; word = va_arg(words, const char *)) {
        assert_true(line->count < WORDS_MAX);
        line->words[line->count++] = mem_text(word);
    }
    va_end(words);
    return call_read(&line->call, line->count, line->words, &line->error);
}

#define SAY(line, ...) say(line, __VA_ARGS__, (const char *)NULL)

static void
forget(struct line *line)
{
    for (int i = 0; i < line->count; i++) {
        if (line->words[i] != program) {
            free(line->words[i]);
        }
    }
    call_release(&line->call);
}

static void
refuses(const char *code, int status, const char *part, const char *first, ...)
{
    struct line line = {.words = {program}, .count = 1};
    va_list words;

    va_start(words, first);
    for (const char *word = first; word; word = va_arg(words, const char *)) {
        line.words[line.count++] = mem_text(word);
    }
    va_end(words);
    assert_false(call_read(&line.call, line.count, line.words, &line.error));
    assert_string_equal(line.error.code, code);
    assert_int_equal(exit_status_of(line.error.code), status);
    if (!strstr(line.error.text, part) && !strstr(line.error.found, part) &&
        !strstr(line.error.hint, part)) {
        fail_msg("'%s' is not in: %s / %s / %s", part, line.error.text, line.error.found,
                 line.error.hint);
    }
    forget(&line);
}

#define REFUSES(code, status, part, ...)                                                           \
    refuses(code, status, part, __VA_ARGS__, (const char *)NULL)

static void
takes_arguments_and_options_in_any_order(void **state)
{
    struct line line;

    (void)state;
    assert_true(SAY(&line, "apply", "--yes", "auth", "--parallel", "4", "policy", "--budget=2%"));

    assert_string_equal(line.call.command->name, "apply");
    assert_int_equal(line.call.argument_count, 2);
    assert_string_equal(call_argument(&line.call, 0), "auth");
    assert_string_equal(call_argument(&line.call, 1), "policy");
    assert_null(call_argument(&line.call, 2));
    assert_true(call_flag(&line.call, "yes"));
    assert_false(call_flag(&line.call, "watch"));
    assert_int_equal(call_number(&line.call, "parallel"), 4);
    size_t count;
    const struct share *budget = call_shares(&line.call, "budget", &count);
    assert_int_equal(count, 1);
    assert_int_equal(budget->number, 2);
    assert_true(budget->is_percent);
    forget(&line);
}

static void
has_the_fallbacks_of_what_is_not_said(void **state)
{
    struct line line;
    size_t count;

    (void)state;
    assert_true(SAY(&line, "plan", "auth"));

    assert_int_equal(call_number(&line.call, "parallel"), 8);
    assert_false(call_is_given(&line.call, "parallel"));
    const struct share *waves = call_shares(&line.call, "waves", &count);
    assert_int_equal(count, 3);
    assert_int_equal(waves[0].number, 1);
    assert_false(waves[0].is_percent);
    assert_int_equal(waves[1].number, 10);
    assert_true(waves[1].is_percent);
    assert_int_equal(call_choice(&line.call, "on-failure"), ON_FAILURE_HALT);
    assert_int_equal(call_number(&line.call, "timeout"), 10000);
    assert_null(call_text(&line.call, "select"));
    forget(&line);
}

static void
keeps_choices_in_the_order_of_the_messages(void **state)
{
    struct line line;

    (void)state;
    assert_true(SAY(&line, "apply", "auth", "--on-failure", "continue"));
    assert_int_equal(call_choice(&line.call, "on-failure"), ON_FAILURE_CONTINUE);
    forget(&line);
    assert_true(SAY(&line, "operator", "add", "alice", "--key", "a.pub", "--role", "admin"));
    assert_string_equal(line.call.command->name, "operator add");
    assert_string_equal(call_argument(&line.call, 0), "alice");
    assert_int_equal(call_choice(&line.call, "role"), ROLE_ADMIN);
    forget(&line);
}

static void
lets_options_that_all_have_stand_before_the_command(void **state)
{
    struct line line;

    (void)state;
    assert_true(SAY(&line, "--json", "--context", "prod", "agent", "add", "x", "--key", "k"));

    assert_string_equal(line.call.command->name, "agent add");
    assert_true(call_wants_json(&line.call));
    assert_string_equal(call_text(&line.call, "context"), "prod");
    assert_string_equal(call_argument(&line.call, 0), "x");
    forget(&line);
}

static void
asks_for_nothing_when_help_is_wanted(void **state)
{
    struct line line;

    (void)state;
    assert_true(SAY(&line, "agent", "add", "--help"));
    assert_true(line.call.wants_help);
    forget(&line);
    assert_true(SAY(&line, "cancel", "-h"));
    assert_true(line.call.wants_help);
    forget(&line);
    assert_true(SAY(&line, "--version"));
    assert_true(line.call.wants_version);
    assert_null(line.call.command);
    forget(&line);
}

static void
suggests_what_was_probably_meant(void **state)
{
    (void)state;
    REFUSES("E-CLI-USAGE", 2, "skein apply", "aply");
    REFUSES("E-CLI-USAGE", 2, "skein agent add", "agent", "ad", "x");
    REFUSES("E-CLI-USAGE", 2, "skein keys new", "keys");
    REFUSES("E-CLI-USAGE", 2, "--parallel", "apply", "auth", "--parralel", "4");
    REFUSES("E-CLI-USAGE", 2, "--parallel", "apply", "auth", "--par", "4");
    REFUSES("E-CLI-USAGE", 2, "skein --help", "qqqqqqqqqq");
}

static void
refuses_what_is_missing_or_too_much(void **state)
{
    (void)state;
    REFUSES("E-CLI-USAGE", 2, "RUN", "cancel");
    REFUSES("E-CLI-USAGE", 2, "SERVICE", "plan");
    REFUSES("E-CLI-USAGE", 2, "one argument too many", "cancel", "1", "2");
    REFUSES("E-CLI-USAGE", 2, "wants a value", "plan", "auth", "--to");
    REFUSES("E-CLI-USAGE", 2, "takes no value", "apply", "auth", "--yes=1");
    REFUSES("E-CLI-USAGE", 2, "--key", "agent", "add", "x");
    REFUSES("E-CLI-USAGE", 2, "--database", "up");
    REFUSES("E-CLI-USAGE", 2, "twice", "plan", "auth", "--to", "1", "--to", "2");
    REFUSES("E-CLI-USAGE", 2, "-x", "plan", "auth", "-x");
}

static void
refuses_numbers_out_of_range_and_says_which_are_allowed(void **state)
{
    static const char *const bad[] = {"0", "-1", "1e9", "4x", "", "1001", "9999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REFUSES("E-CLI-RANGE", 2, "1..1000", "apply", "auth", "--parallel", bad[i]);
    }
    REFUSES("E-CLI-RANGE", 2, "0..100000", "apply", "auth", "--budget", "-1");
    REFUSES("E-CLI-RANGE", 2, "0%..100%", "apply", "auth", "--budget", "101%");
    REFUSES("E-CLI-RANGE", 2, "0%..100%", "apply", "auth", "--budget", "%");
    REFUSES("E-CLI-RANGE", 2, "1%..100%", "apply", "auth", "--waves", "0");
    REFUSES("E-CLI-RANGE", 2, "1%..100%", "apply", "auth", "--waves", "1,,100%");
    REFUSES("E-CLI-RANGE", 2, "larger", "apply", "auth", "--waves", "10%,10%");
    REFUSES("E-CLI-RANGE", 2, "16", "apply", "auth", "--waves",
            "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17");
    REFUSES("E-CLI-RANGE", 2, "halt, rollback, continue", "apply", "auth", "--on-failure", "go");
    REFUSES("E-CLI-RANGE", 2, "2s", "apply", "auth", "--lock-timeout", "2");
    REFUSES("E-CLI-RANGE", 2, "2s", "apply", "auth", "--lock-timeout", "0ms");
    REFUSES("E-CLI-RANGE", 2, "bash", "completion", "csh");
}

static void
refuses_names_that_are_none_and_says_what_one_is(void **state)
{
    static const char *const bad[] = {"../x", "a/../b", "-auth", "a b", "", "a;b", "$(x)"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REFUSES("E-NAME-SYNTAX", 3, "[A-Za-z0-9]", "apply", "--", bad[i]);
    }
    REFUSES("E-NAME-SYNTAX", 3, "[A-Za-z0-9]", "apply", "a\x01");
    REFUSES("E-NAME-SYNTAX", 3, "[A-Za-z0-9]", "apply", "\xff\xfe");
    REFUSES("E-NAME-SYNTAX", 3, "[A-Za-z0-9]", "apply", "a\x7f");
    REFUSES("E-NAME-SYNTAX", 3, "a\\x01", "apply", "a\x01");
    REFUSES("E-NAME-SYNTAX", 3, "\\xff\\xfe", "apply", "\xff\xfe");
    REFUSES("E-NAME-SYNTAX", 3, "last", "status", "yesterday");
    REFUSES("E-NAME-SYNTAX", 3, "last", "cancel", "0");
}

static void
refuses_secrets_and_never_repeats_them(void **state)
{
    static const char *const bad[][4] = {
        {"up", "--database", "postgresql://app:hunter2@db/auth", NULL},
        {"up", "--database", "postgresql://app:hunter2@db", NULL},
        {"up", "--database", "postgres://:hunter2@db/auth", NULL},
        {"up", "--database", "postgresql://db/auth?password=hunter2", NULL},
        {"up", "--database", "postgresql://db/auth?sslmode=require&PASSWORD=hunter2", NULL},
        {"up", "--database", "host=db password=hunter2", NULL},
        {"up", "--database", "password = 'hunter2' host=db", NULL},
        {"up", "--database=host=db sslpassword=hunter2", NULL, NULL},
        {"up", "--password", "hunter2", NULL},
        {"up", "--password=hunter2", NULL, NULL},
        {"targets", "--token=hunter2", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct line line;
        assert_false(SAY(&line, bad[i][0], bad[i][1], bad[i][2]));
        assert_string_equal(line.error.code, "E-SECRET-ARGV");
        assert_int_equal(exit_status_of(line.error.code), EXIT_USAGE);
        assert_null(strstr(line.error.text, "hunter2"));
        assert_null(strstr(line.error.where, "hunter2"));
        assert_null(strstr(line.error.found, "hunter2"));
        assert_null(strstr(line.error.hint, "hunter2"));
        forget(&line);
    }
}

static void
takes_what_only_looks_like_a_secret(void **state)
{
    static const char *const good[] = {"postgresql://app@db:5432/auth", "dbname=auth user=app",
                                       "service=password", "dbname=password_store",
                                       "postgresql://db/auth?user=a@b"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct line line;
        assert_true(SAY(&line, "history", "--database", good[i]));
        assert_string_equal(call_text(&line.call, "database"), good[i]);
        forget(&line);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_arguments_and_options_in_any_order),
        cmocka_unit_test(has_the_fallbacks_of_what_is_not_said),
        cmocka_unit_test(keeps_choices_in_the_order_of_the_messages),
        cmocka_unit_test(lets_options_that_all_have_stand_before_the_command),
        cmocka_unit_test(asks_for_nothing_when_help_is_wanted),
        cmocka_unit_test(suggests_what_was_probably_meant),
        cmocka_unit_test(refuses_what_is_missing_or_too_much),
        cmocka_unit_test(refuses_numbers_out_of_range_and_says_which_are_allowed),
        cmocka_unit_test(refuses_names_that_are_none_and_says_what_one_is),
        cmocka_unit_test(refuses_secrets_and_never_repeats_them),
        cmocka_unit_test(takes_what_only_looks_like_a_secret),
    };
    return RUN_TESTS(tests);
}
