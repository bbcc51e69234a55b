/* The man pages of manual.h, in the man(7) macros. */
#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/manual.h"
#include "coordinator/cli/manual_text.h"

/* Escape what troff takes for its own: backslashes, dashes, a dot or quote at a line's beginning.
 */
static void
append_troff(const char *text, struct text *out)
{
    bool at_start = true;

    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\'')) {
            text_append(out, "\\&");
        }
        at_start = *text == '\n';
        if (*text == '\\') {
            text_append(out, "\\e");
        } else if (*text == '-') {
            text_append(out, "\\-");
        } else if (*text != '`') {
            text_append_bytes(out, text, 1);
        }
    }
}

/* Paragraphs, divided by empty lines. */
static void
append_paragraphs(const char *text, struct text *out)
{
    CLEANUP(mem_free) char *copy = mem_text(text);

    for (char *rest = copy; rest && *rest;) {
        char *end = strstr(rest, "\n\n");
        if (end) {
            *end = '\0';
        }
        text_append(out, ".PP\n");
        append_troff(rest, out);
        text_append(out, "\n");
        rest = end ? end + 2 : NULL;
    }
}

static void
append_upper(const char *text, struct text *out)
{
    for (; *text; text++) {
        char letter = (char)(*text >= 'a' && *text <= 'z' ? *text - 32 : *text);
        text_append_bytes(out, &letter, 1);
    }
}

static void
append_head(const char *page, const char *sentence, struct text *out)
{
    text_append(out, ".TH \"");
    append_upper(page, out);
    text_format(out, "\" 1 \"\" \"skein %s\" \"Skein\"\n.SH NAME\n", SKEIN_VERSION);
    append_troff(page, out);
    text_append(out, " \\- ");
    append_troff(sentence, out);
    text_append(out, "\n");
}

static void
append_options(const struct command_option *const *options, struct text *out)
{
    for (; *options; options++) {
        const struct command_option *option = *options;
        CLEANUP(text_release) struct text text = {0};

        text_append(out, ".TP\n\\fB");
        if (option->letter) {
            text_format(out, "\\-%c\\fR, \\fB", option->letter);
        }
        text_append(out, "\\-\\-");
        append_troff(option->name, out);
        text_format(out, option->metavar ? "\\fR \\fI%s\\fR\n" : "\\fR\n", option->metavar);
        manual_option(option, &text);
        append_troff(text_of(&text), out);
        text_append(out, "\n");
    }
}

static void
append_exit_statuses(struct text *out)
{
    text_append(out, ".SH EXIT STATUS\n");
    for (int status = 0; status < 128; status++) {
        if (exit_meaning(status)) {
            text_format(out, ".TP\n%d\n", status);
            append_troff(exit_meaning(status), out);
            text_append(out, "\n");
        }
    }
}

void
manual_page_name(const struct command *command, struct text *out)
{
    text_append(out, "skein-");
    for (const char *at = command->name; *at; at++) {
        text_append_bytes(out, *at == ' ' ? "-" : at, 1);
    }
}

void
manual_man_overview(struct text *out)
{
    append_head("skein", "take a fleet of PostgreSQL databases from one schema to the next", out);
    text_append(out, ".SH SYNOPSIS\n.B skein\n.I COMMAND\n[\\fIARGUMENT\\fR…] "
                     "[\\fIOPTION\\fR…]\n.SH COMMANDS\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        text_append(out, ".SS \"");
        append_troff(command_group_title((enum command_group)group), out);
        text_append(out, "\"\n");
        for (size_t i = 0; i < command_count; i++) {
            if ((int)command_table[i].group == group) {
                CLEANUP(text_release) struct text page = {0};
                manual_page_name(&command_table[i], &page);
                text_append(out, ".TP\n\\fB");
                append_troff(text_of(&page), out);
                text_append(out, "\\fR(1)\n");
                append_troff(command_table[i].sentence, out);
                text_append(out, "\n");
            }
        }
    }
    text_append(out, ".SH OPTIONS\n");
    append_options(command_common_options, out);
    for (const struct manual_section *section = manual_sections; section->title; section++) {
        text_append(out, ".SH ");
        append_upper(section->title, out);
        text_append(out, "\n");
        append_paragraphs(section->text, out);
        if (section->block) {
            text_append(out, ".PP\n.RS 4\n.EX\n");
            append_troff(section->block, out);
            text_append(out, ".EE\n.RE\n");
        }
    }
    append_exit_statuses(out);
}

void
manual_man_page(const struct command *command, struct text *out)
{
    CLEANUP(text_release) struct text page = {0};
    CLEANUP(text_release) struct text usage = {0};

    manual_page_name(command, &page);
    append_head(text_of(&page), command->sentence, out);
    command_usage(command, &usage);
    text_append(out, ".SH SYNOPSIS\n");
    append_troff(text_of(&usage), out);
    text_append(out, "\n");
    if (command->detail) {
        text_append(out, ".SH DESCRIPTION\n");
        append_paragraphs(command->detail, out);
    }
    if (command->arguments[0].name || command->options[0]) {
        text_append(out, ".SH OPTIONS\n");
    }
    for (const struct command_argument *argument = command->arguments; argument->name; argument++) {
        text_format(out, ".TP\n\\fI%s\\fR\n", argument->name);
        append_troff(argument->sentence, out);
        text_append(out, "\n");
    }
    append_options(command->options, out);
    text_append(out, ".PP\nOptions that all commands have, files and exit status are in "
                     "\\fBskein\\fR(1).\n.SH EXAMPLES\n");
    for (const struct command_example *example = command->examples; example->line; example++) {
        text_append(out, ".TP\n\\fB");
        append_troff(example->line, out);
        text_append(out, "\\fR\n");
        append_troff(example->sentence, out);
        text_append(out, "\n");
    }
    text_append(out, ".SH SEE ALSO\n\\fBskein\\fR(1)\n");
}
