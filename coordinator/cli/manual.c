#include "coordinator/cli/manual.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/manual_text.h"

#define HELP_WIDTH 80 /* of a line of help where nobody sits before a terminal */

static void
append_allowed(const struct command_option *option, struct text *out)
{
    switch (option->kind) {
    case VALUE_NUMBER:
        text_format(out, "%" PRId64 "..%" PRId64, option->min, option->max);
        break;
    case VALUE_SHARE:
    case VALUE_SHARES:
        text_format(out, "%" PRId64 "..%" PRId64 " or %" PRId64 "%%..100%%", option->min,
                    option->max, option->min);
        break;
    case VALUE_DURATION:
        text_append(out, option->fallback ? "" : "250ms, 2s, 5m, 1h");
        break;
    case VALUE_CHOICE:
        for (size_t i = 0; option->choices[i]; i++) {
            text_format(out, "%s%s", i ? ", " : "", option->choices[i]);
        }
        break;
    default:
        break;
    }
}

/* "--budget N|N%" */
static void
append_option_head(const struct command_option *option, struct text *out)
{
    if (option->letter) {
        text_format(out, "-%c, ", option->letter);
    }
    text_format(out, "--%s", option->name);
    if (option->metavar) {
        text_format(out, " %s", option->metavar);
    }
}

void
manual_option(const struct command_option *option, struct text *out)
{
    CLEANUP(text_release) struct text allowed = {0};

    text_append(out, option->sentence);
    append_allowed(option, &allowed);
    bool says_allowed = allowed.size > 0 && option->kind != VALUE_CHOICE;
    if (option->is_required) {
        text_append(out, says_allowed ? " (required; " : " (required");
    } else if (option->fallback) {
        text_format(out, says_allowed ? " (default %s; " : " (default %s", option->fallback);
    } else if (says_allowed) {
        text_append(out, " (");
    } else {
        return;
    }
    text_format(out, "%s)", says_allowed ? text_of(&allowed) : "");
}

void
manual_prose(const char *sentence, struct text *out)
{
    char first = *sentence;

    if (first >= 'a' && first <= 'z') {
        first = (char)(first - 'a' + 'A');
    }
    text_append_bytes(out, &first, 1);
    text_format(out, "%s.", sentence + 1);
}

/* A head in one column, its text folded in another. */
static void
append_pair(const struct terminal *terminal, const char *head, const char *sentence, size_t column,
            struct text *out)
{
    size_t width = terminal->width == SIZE_MAX ? HELP_WIDTH : terminal->width;
    size_t taken = 2 + terminal_columns(head);

    width = width > 100 ? 100 : width;
    text_format(out, "  %s%s%s", terminal_style(terminal, STYLE_NAME), head,
                terminal_style(terminal, STYLE_PLAIN));
    if (taken + 2 > column) {
        text_append(out, "\n");
        taken = 0;
    }
    text_format(out, "%*s", (int)(column - taken), "");
    terminal_fold(terminal, sentence, column, width, out);
    text_append(out, "\n");
}

static void
append_title(const struct terminal *terminal, const char *title, struct text *out)
{
    text_format(out, "\n%s%s%s\n", terminal_style(terminal, STYLE_STRONG), title,
                terminal_style(terminal, STYLE_PLAIN));
}

static void
append_paragraph(const struct terminal *terminal, const char *paragraph, struct text *out)
{
    size_t width = terminal->width == SIZE_MAX ? HELP_WIDTH : terminal->width;

    terminal_fold(terminal, paragraph, 0, width > 100 ? 100 : width, out);
    text_append(out, "\n");
}

static void
append_options(const struct command_option *const *options, const struct terminal *terminal,
               struct text *out)
{
    for (; *options; options++) {
        CLEANUP(text_release) struct text head = {0};
        CLEANUP(text_release) struct text text = {0};
        append_option_head(*options, &head);
        manual_option(*options, &text);
        append_pair(terminal, text_of(&head), text_of(&text), 26, out);
    }
}

void
manual_overview(const struct terminal *terminal, struct text *out)
{
    text_format(out,
                "%sskein%s takes a fleet of PostgreSQL databases from one schema to the "
                "next.\n\nusage: skein COMMAND [ARGUMENT…] [OPTION…]\n",
                terminal_style(terminal, STYLE_STRONG), terminal_style(terminal, STYLE_PLAIN));
    for (int group = 0; group < GROUP_COUNT; group++) {
        append_title(terminal, command_group_title((enum command_group)group), out);
        for (size_t i = 0; i < command_count; i++) {
            if ((int)command_table[i].group == group) {
                append_pair(terminal, command_table[i].name, command_table[i].sentence, 20, out);
            }
        }
    }
    append_title(terminal, "Everywhere", out);
    append_options(command_common_options, terminal, out);
    text_append(out, "\nskein COMMAND --help says more about one of them.\n");
}

static void
append_arguments(const struct command *command, const struct terminal *terminal, struct text *out)
{
    if (command->arguments[0].name) {
        append_title(terminal, "Arguments", out);
    }
    for (const struct command_argument *argument = command->arguments; argument->name; argument++) {
        append_pair(terminal, argument->name, argument->sentence, 26, out);
    }
}

static void
append_examples(const struct command *command, const struct terminal *terminal, struct text *out)
{
    if (command->examples[0].line) {
        append_title(terminal, "Examples", out);
    }
    for (const struct command_example *example = command->examples; example->line; example++) {
        text_format(out, "  %s\n", example->line);
        if (*example->sentence) {
            text_format(out, "      %s%s%s\n", terminal_style(terminal, STYLE_FAINT),
                        example->sentence, terminal_style(terminal, STYLE_PLAIN));
        }
    }
}

void
manual_help(const struct command *command, const struct terminal *terminal, struct text *out)
{
    CLEANUP(mem_free) char *detail = mem_text(command->detail);

    text_append(out, "usage: ");
    command_usage(command, out);
    text_append(out, "\n\n");
    CLEANUP(text_release) struct text sentence = {0};
    manual_prose(command->sentence, &sentence);
    append_paragraph(terminal, text_of(&sentence), out);
    for (char *rest = detail; rest && *rest;) {
        char *end = strstr(rest, "\n\n");
        if (end) {
            *end = '\0';
        }
        text_append(out, "\n");
        append_paragraph(terminal, rest, out);
        rest = end ? end + 2 : NULL;
    }
    append_arguments(command, terminal, out);
    if (command->options[0]) {
        append_title(terminal, "Options", out);
        append_options(command->options, terminal, out);
    }
    append_title(terminal, "Everywhere", out);
    append_options(command_common_options, terminal, out);
    append_examples(command, terminal, out);
}

/* ---- Markdown ------------------------------------------------------------------------------ */

/* '|' divides cells. */
static void
append_cell(const char *text, struct text *out)
{
    for (; *text; text++) {
        if (*text == '|') {
            text_append(out, "\\");
        }
        text_append_bytes(out, text, 1);
    }
}

static void
markdown_options(const struct command_option *const *options, struct text *out)
{
    text_append(out, "\n| option | |\n|---|---|\n");
    for (; *options; options++) {
        CLEANUP(text_release) struct text head = {0};
        CLEANUP(text_release) struct text text = {0};
        append_option_head(*options, &head);
        manual_option(*options, &text);
        text_append(out, "| `");
        append_cell(text_of(&head), out);
        text_append(out, "` | ");
        append_cell(text_of(&text), out);
        text_append(out, " |\n");
    }
}

static void
markdown_command(const struct command *command, struct text *out)
{
    CLEANUP(text_release) struct text usage = {0};

    command_usage(command, &usage);
    text_format(out, "\n### skein %s\n\n`%s`\n\n", command->name, text_of(&usage));
    manual_prose(command->sentence, out);
    text_append(out, "\n");
    if (command->detail) {
        text_format(out, "\n%s\n", command->detail);
    }
    if (command->arguments[0].name) {
        text_append(out, "\n| argument | |\n|---|---|\n");
    }
    for (const struct command_argument *argument = command->arguments; argument->name; argument++) {
        text_append(out, "| `");
        append_cell(argument->name, out);
        text_append(out, "` | ");
        append_cell(argument->sentence, out);
        text_append(out, " |\n");
    }
    if (command->options[0]) {
        markdown_options(command->options, out);
    }
    text_append(out, "\n```sh\n");
    for (const struct command_example *example = command->examples; example->line; example++) {
        text_format(out, *example->sentence ? "%s    # %s\n" : "%s\n", example->line,
                    example->sentence);
    }
    text_append(out, "```\n");
}

static void
markdown_sections(struct text *out)
{
    for (const struct manual_section *section = manual_sections; section->title; section++) {
        text_format(out, "\n## %s\n\n%s\n", section->title, section->text);
        if (section->block) {
            text_format(out, "\n```%s\n%s```\n", section->language, section->block);
        }
    }
    text_append(out, "\n## Exit status\n\n| status | |\n|---|---|\n");
    for (int status = 0; status < 128; status++) {
        if (exit_meaning(status)) {
            text_format(out, "| %d | %s |\n", status, exit_meaning(status));
        }
    }
}

void
manual_markdown(struct text *out)
{
    text_append(out,
                "# skein: the commands\n\n"
                "*Printed by `skein debug manual` from the table that the program itself reads "
                "its command line by (`coordinator/cli/table.c`).*\n\n"
                "Grammar: `skein COMMAND [ARGUMENT…] [OPTION…]`. Long options are written in full; "
                "`--` ends the options.\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        text_format(out, "\n## %s\n", command_group_title((enum command_group)group));
        for (size_t i = 0; i < command_count; i++) {
            if ((int)command_table[i].group == group) {
                markdown_command(&command_table[i], out);
            }
        }
    }
    text_append(out, "\n## Everywhere\n");
    markdown_options(command_common_options, out);
    markdown_sections(out);
}
