#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/call.h"
#include "coordinator/cli/completion.h"
#include "coordinator/cli/manual.h"
#include "tests/support/unit.h"
#include "tests/unit/cli/pictures.h"

static void
has_a_sentence_and_an_example_for_every_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        assert_non_null(command->run);
        assert_non_null(command->sentence);
        assert_false(isupper((unsigned char)command->sentence[0]));
        assert_true(command->sentence[strlen(command->sentence) - 1] != '.');
        assert_true(strlen(command->sentence) <= 60);
        assert_non_null(command->examples[0].line);
        assert_ptr_equal(command_named(command->name), command);
    }
}

/* An example is a line that a shell takes: split at spaces, quotes honoured. */
static int
split(char *line, char **words)
{
    int count = 0;

    for (char *at = line; *at;) {
        char quote = *at == '"' ? *at++ : '\0';
        words[count++] = at;
        while (*at && (quote ? *at != quote : *at != ' ')) {
            at++;
        }
        while (*at == ' ' || *at == '"') {
            *at++ = '\0';
        }
    }
    return count;
}

static void
understands_its_own_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        for (const struct command_example *example = command_table[i].examples; example->line;
             example++) {
            if (!text_starts_with(example->line, "skein ")) {
                continue;
            }
            CLEANUP(mem_free) char *line = mem_text(example->line);
            char *words[32] = {0};
            CLEANUP(call_release) struct call call = {0};
            struct error error;
            int count = split(line, words);
            if (!call_read(&call, count, words, &error)) {
                fail_msg("%s: %s", example->line, error.text);
            }
            assert_ptr_equal(call.command, &command_table[i]);
        }
    }
}

static void
fits_help_into_the_terminal(void **state)
{
    static const size_t widths[] = {60, 80, 120};

    (void)state;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        struct terminal terminal = wide_terminal(widths[w]);
        CLEANUP(text_release) struct text overview = {0};
        manual_overview(&terminal, &overview);
        assert_true(widest_line(text_of(&overview)) <= widths[w] || widths[w] < 80);
        for (size_t i = 0; i < command_count; i++) {
            CLEANUP(text_release) struct text help = {0};
            manual_help(&command_table[i], &terminal, &help);
            assert_true(widest_line(text_of(&help)) <= widths[w] || widths[w] < 80);
            assert_non_null(strstr(text_of(&help), command_table[i].examples[0].line));
        }
    }
}

static void
prints_a_manual_with_every_command_and_option(void **state)
{
    CLEANUP(text_release) struct text markdown = {0};
    CLEANUP(text_release) struct text man = {0};

    (void)state;
    manual_markdown(&markdown);
    manual_man_overview(&man);
    for (size_t i = 0; i < command_count; i++) {
        CLEANUP(text_release) struct text heading = {0};
        CLEANUP(text_release) struct text page = {0};
        text_format(&heading, "\n### skein %s\n", command_table[i].name);
        assert_non_null(strstr(text_of(&markdown), text_of(&heading)));
        manual_man_page(&command_table[i], &page);
        for (const struct command_option *const *option = command_table[i].options; *option;
             option++) {
            CLEANUP(text_release) struct text name = {0};
            text_format(&name, "--%s", (*option)->name);
            assert_non_null(strstr(text_of(&markdown), text_of(&name)));
        }
        assert_non_null(strstr(text_of(&page), ".SH EXAMPLES"));
    }
}

static void
completes_every_option_in_every_shell(void **state)
{
    CLEANUP(text_release) struct text bash = {0};
    CLEANUP(text_release) struct text zsh = {0};
    CLEANUP(text_release) struct text fish = {0};

    (void)state;
    completion_bash(&bash);
    completion_zsh(&zsh);
    completion_fish(&fish);
    for (size_t i = 0; i < command_count; i++) {
        for (const struct command_option *const *option = command_table[i].options; *option;
             option++) {
            CLEANUP(text_release) struct text dashes = {0};
            CLEANUP(text_release) struct text name = {0};
            text_format(&dashes, "--%s", (*option)->name);
            text_format(&name, "-l %s ", (*option)->name);
            assert_non_null(strstr(text_of(&bash), text_of(&dashes)));
            assert_non_null(strstr(text_of(&zsh), text_of(&dashes)));
            assert_non_null(strstr(text_of(&fish), text_of(&name)));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_a_sentence_and_an_example_for_every_command),
        cmocka_unit_test(understands_its_own_examples),
        cmocka_unit_test(fits_help_into_the_terminal),
        cmocka_unit_test(prints_a_manual_with_every_command_and_option),
        cmocka_unit_test(completes_every_option_in_every_shell),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return RUN_TESTS(tests);
}
