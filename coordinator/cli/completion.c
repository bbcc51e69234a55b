#include "coordinator/cli/completion.h"

#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/command.h"

/* ---- bash ---------------------------------------------------------------------------------- */

static const char bash_begin[] =
    "# bash completion for skein; use: source <(skein completion bash)\n"
    "_skein() {\n"
    "    local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
    "    local first=\"${COMP_WORDS[1]}\" command=\"${COMP_WORDS[1]}\"\n"
    "    local second=\"\"\n"
    "    [ \"$COMP_CWORD\" -gt 2 ] && second=\"${COMP_WORDS[2]}\"\n"
    "    case \"$first\" in\n";

static const char bash_end[] =
    "    esac\n"
    "    if [ \"$COMP_CWORD\" -gt 1 ] && [ \"${current:0:1}\" != - ] && [ -n \"$choices\" ]; then\n"
    "        COMPREPLY=($(compgen -W \"$choices\" -- \"$current\"))\n"
    "        return\n"
    "    fi\n"
    "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
    "    if [ ${#COMPREPLY[@]} -eq 0 ] && [ \"${current:0:1}\" != - ]; then\n"
    "        compopt -o default 2>/dev/null\n"
    "    fi\n"
    "}\n"
    "complete -F _skein skein\n";

static void
append_option_names(const struct command_option *const *options, struct text *out)
{
    for (; *options; options++) {
        text_format(out, " --%s", (*options)->name);
    }
}

static void
append_choices(const char *const *choices, struct text *out)
{
    for (size_t i = 0; choices[i]; i++) {
        text_format(out, "%s%s", i ? " " : "", choices[i]);
    }
}

/* The first words of the commands, each once. */
static void
append_first_words(struct text *out, const char *separator)
{
    for (size_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;
        size_t size = strcspn(name, " ");
        bool is_repeated = i > 0 && strncmp(command_table[i - 1].name, name, size) == 0 &&
                           strcspn(command_table[i - 1].name, " ") == size;
        if (!is_repeated) {
            text_format(out, "%s%.*s", out->size ? separator : "", (int)size, name);
        }
    }
}

/* The second words behind a first one; nothing when the command has one word. */
static void
append_second_words(const char *first, struct text *out)
{
    size_t size = strlen(first);

    for (size_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;
        if (strncmp(name, first, size) == 0 && name[size] == ' ') {
            text_format(out, "%s%s", out->size ? " " : "", name + size + 1);
        }
    }
}

static bool
is_first_of_group(size_t index)
{
    const char *name = command_table[index].name;
    size_t size = strcspn(name, " ");

    return name[size] == ' ' &&
           (index == 0 || strncmp(command_table[index - 1].name, name, size + 1) != 0);
}

/* Join two-word commands: "agent" with "add" behind it becomes "agent add". */
static void
bash_groups(struct text *out)
{
    for (size_t i = 0; i < command_count; i++) {
        if (!is_first_of_group(i)) {
            continue;
        }
        CLEANUP(text_release) struct text seconds = {0};
        char first[32];
        size_t size = strcspn(command_table[i].name, " ");
        memcpy(first, command_table[i].name, size);
        first[size] = '\0';
        append_second_words(first, &seconds);
        text_format(out,
                    "        %s)\n"
                    "            if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
                    "                COMPREPLY=($(compgen -W \"%s\" -- \"$current\"))\n"
                    "                return\n"
                    "            fi\n"
                    "            command=\"$first $second\" ;;\n",
                    first, text_of(&seconds));
    }
}

static void
bash_option_values(struct text *out)
{
    text_append(out, "    case \"$command:$previous\" in\n");
    for (size_t i = 0; i < command_count; i++) {
        for (const struct command_option *const *option = command_table[i].options; *option;
             option++) {
            if ((*option)->kind == VALUE_CHOICE) {
                text_format(out, "        \"%s:--%s\") COMPREPLY=($(compgen -W \"",
                            command_table[i].name, (*option)->name);
                append_choices((*option)->choices, out);
                text_append(out, "\" -- \"$current\")); return ;;\n");
            } else if ((*option)->kind == VALUE_FILE || (*option)->kind == VALUE_FOLDER) {
                text_format(out,
                            "        \"%s:--%s\") COMPREPLY=($(compgen -%c -- \"$current\")); "
                            "return ;;\n",
                            command_table[i].name, (*option)->name,
                            (*option)->kind == VALUE_FILE ? 'f' : 'd');
            }
        }
    }
    text_append(out, "        *:--color) COMPREPLY=($(compgen -W \"auto always never\" -- "
                     "\"$current\")); return ;;\n    esac\n");
}

void
completion_bash(struct text *out)
{
    CLEANUP(text_release) struct text firsts = {0};

    append_first_words(&firsts, " ");
    text_append(out, bash_begin);
    bash_groups(out);
    text_append(out, "    esac\n");
    bash_option_values(out);
    text_format(out,
                "    local words=\"%s --help --version\" choices=\"\"\n"
                "    [ \"$COMP_CWORD\" -gt 1 ] && words=\"\"\n"
                "    case \"$COMP_CWORD:$command\" in\n        1:*) ;;\n",
                text_of(&firsts));
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        text_format(out, "        *:\"%s\") words=\"", command->name);
        CLEANUP(text_release) struct text names = {0};
        append_option_names(command->options, &names);
        append_option_names(command_common_options, &names);
        text_append(out, text_of(&names) + 1);
        text_append(out, "\"");
        if (command->arguments[0].choices) {
            text_append(out, "; choices=\"");
            append_choices(command->arguments[0].choices, out);
            text_append(out, "\"");
        }
        text_append(out, " ;;\n");
    }
    text_append(out, bash_end);
}

/* ---- zsh ----------------------------------------------------------------------------------- */

/* Inside '…[text]…': brackets, colons and quotes have a meaning to zsh. */
static void
append_zsh(const char *text, struct text *out)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text)) {
            text_append(out, "\\");
        }
        text_append_bytes(out, *text == '\'' ? "’" : text, *text == '\'' ? strlen("’") : 1);
    }
}

static void
zsh_option(const struct command_option *option, struct text *out)
{
    text_format(out, " \\\n            '--%s[", option->name);
    append_zsh(option->sentence, out);
    text_append(out, "]");
    if (option->kind != VALUE_FLAG) {
        text_append(out, ":");
        append_zsh(option->metavar, out);
        text_append(out, ":");
    }
    if (option->kind == VALUE_CHOICE) {
        text_append(out, "(");
        append_choices(option->choices, out);
        text_append(out, ")");
    } else if (option->kind == VALUE_FILE) {
        text_append(out, "_files");
    } else if (option->kind == VALUE_FOLDER) {
        text_append(out, "_files -/");
    }
    text_append(out, "'");
}

static void
zsh_command(const struct command *command, struct text *out)
{
    text_format(out, "        \"%s\")\n        _arguments", command->name);
    for (const struct command_option *const *option = command->options; *option; option++) {
        zsh_option(*option, out);
    }
    for (const struct command_option *const *option = command_common_options; *option; option++) {
        zsh_option(*option, out);
    }
    for (const struct command_argument *argument = command->arguments; argument->name; argument++) {
        text_format(out, " \\\n            '%s:", argument->is_repeated ? "*" : "");
        append_zsh(argument->name, out);
        text_append(out, ":");
        if (argument->choices) {
            text_append(out, "(");
            append_choices(argument->choices, out);
            text_append(out, ")");
        } else if (argument->kind == VALUE_FILE || argument->kind == VALUE_FOLDER) {
            text_append(out, "_files");
        }
        text_append(out, "'");
    }
    text_append(out, "\n        ;;\n");
}

static void
zsh_groups(struct text *out)
{
    text_append(out, "    case \"$words[2]\" in\n");
    for (size_t i = 0; i < command_count; i++) {
        if (!is_first_of_group(i)) {
            continue;
        }
        size_t size = strcspn(command_table[i].name, " ");
        text_format(out,
                    "    %.*s)\n        if (( CURRENT == 3 )); then\n            local -a "
                    "seconds=(",
                    (int)size, command_table[i].name);
        for (size_t j = 0; j < command_count; j++) {
            const char *name = command_table[j].name;
            if (strncmp(name, command_table[i].name, size + 1) == 0) {
                text_format(out, " '%s:", name + size + 1);
                append_zsh(command_table[j].sentence, out);
                text_append(out, "'");
            }
        }
        text_append(out, ")\n            _describe command seconds\n            return\n        "
                         "fi\n        command=\"$words[2] $words[3]\"\n        words=(skein "
                         "\"${(@)words[4,-1]}\")\n        (( CURRENT -= 2 )) ;;\n");
    }
    text_append(out, "    *)\n        words=(skein \"${(@)words[3,-1]}\")\n        (( CURRENT -= 1 "
                     ")) ;;\n    esac\n");
}

void
completion_zsh(struct text *out)
{
    text_append(out, "#compdef skein\n"
                     "# zsh completion for skein; use: source <(skein completion zsh)\n"
                     "_skein() {\n"
                     "    local command=\"$words[2]\"\n"
                     "    local -a firsts=(");
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        size_t size = strcspn(command->name, " ");
        if (command->name[size] && !is_first_of_group(i)) {
            continue;
        }
        text_format(out, "\n        '%.*s:", (int)size, command->name);
        append_zsh(command->name[size] ? "…" : command->sentence, out);
        text_append(out, "'");
    }
    text_append(out, ")\n"
                     "    if (( CURRENT == 2 )); then\n"
                     "        _describe command firsts\n"
                     "        return\n"
                     "    fi\n");
    zsh_groups(out);
    text_append(out, "    case \"$command\" in\n");
    for (size_t i = 0; i < command_count; i++) {
        zsh_command(&command_table[i], out);
    }
    text_append(out, "    esac\n}\ncompdef _skein skein\n");
}

/* ---- fish ---------------------------------------------------------------------------------- */

static void
append_fish(const char *text, struct text *out)
{
    for (; *text; text++) {
        if (strchr("'\\", *text)) {
            text_append(out, "\\");
        }
        text_append_bytes(out, text, 1);
    }
}

/* The condition under which a command's options are offered: its words have been said. */
static void
fish_condition(const struct command *command, struct text *out)
{
    size_t size = strcspn(command->name, " ");

    text_format(out, "complete -c skein -n '__fish_seen_subcommand_from %.*s", (int)size,
                command->name);
    if (command->name[size]) {
        text_format(out, "; and __fish_seen_subcommand_from %s", command->name + size + 1);
    }
    text_append(out, "'");
}

static void
fish_option(const struct command_option *option, struct text *out)
{
    text_format(out, " -l %s", option->name);
    if (option->letter) {
        text_format(out, " -s %c", option->letter);
    }
    if (option->kind == VALUE_CHOICE) {
        text_append(out, " -x -a '");
        append_choices(option->choices, out);
        text_append(out, "'");
    } else if (option->kind == VALUE_FILE || option->kind == VALUE_FOLDER) {
        text_append(out, " -r -F");
    } else if (option->kind != VALUE_FLAG) {
        text_append(out, " -x");
    }
    text_append(out, " -d '");
    append_fish(option->sentence, out);
    text_append(out, "'\n");
}

static void
fish_command(size_t index, struct text *out)
{
    const struct command *command = &command_table[index];
    size_t size = strcspn(command->name, " ");

    if (!command->name[size] || is_first_of_group(index)) {
        text_format(out, "complete -c skein -n __fish_use_subcommand -a %.*s -d '", (int)size,
                    command->name);
        append_fish(command->name[size] ? "…" : command->sentence, out);
        text_append(out, "'\n");
    }
    if (command->name[size]) {
        text_format(out, "complete -c skein -n '__fish_seen_subcommand_from %.*s' -a %s -d '",
                    (int)size, command->name, command->name + size + 1);
        append_fish(command->sentence, out);
        text_append(out, "'\n");
    }
    for (const struct command_option *const *option = command->options; *option; option++) {
        fish_condition(command, out);
        fish_option(*option, out);
    }
    if (command->arguments[0].choices) {
        fish_condition(command, out);
        text_append(out, " -a '");
        append_choices(command->arguments[0].choices, out);
        text_append(out, "'\n");
    }
}

void
completion_fish(struct text *out)
{
    text_append(out, "# fish completion for skein; use: skein completion fish | source\n"
                     "complete -c skein -f\n");
    for (size_t i = 0; i < command_count; i++) {
        fish_command(i, out);
    }
    for (const struct command_option *const *option = command_common_options; *option; option++) {
        text_append(out, "complete -c skein");
        fish_option(*option, out);
    }
}
