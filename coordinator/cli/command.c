#include "coordinator/cli/command.h"

#include <string.h>

#include "common/base/text.h"

#define NEAR 3 /* more changed letters than this is another word */

/* How many words of `name` the words begin with: all of them, or 0. */
static int
words_matching(const char *name, int word_count, char *const *words)
{
    int used = 0;

    while (*name) {
        size_t size = strcspn(name, " ");
        if (used == word_count || strlen(words[used]) != size ||
            strncmp(words[used], name, size) != 0) {
            return 0;
        }
        used++;
        name += size;
        name += *name == ' ';
    }
    return used;
}

const struct command *
command_find(int word_count, char *const *words, int *used)
{
    const struct command *found = NULL;

    *used = 0;
    for (size_t i = 0; i < command_count; i++) {
        int matching = words_matching(command_table[i].name, word_count, words);
        if (matching > *used) {
            *used = matching;
            found = &command_table[i];
        }
    }
    return found;
}

const struct command *
command_named(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (text_equal(command_table[i].name, name)) {
            return &command_table[i];
        }
    }
    return NULL;
}

const char *
command_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t least = NEAR + 1;

    for (size_t i = 0; i < command_count; i++) {
        const char *candidate = command_table[i].name;
        size_t distance = text_distance(name, candidate);
        if (strlen(name) >= 2 && text_starts_with(candidate, name)) {
            distance = 1;
        }
        if (distance < least && distance < strlen(candidate)) {
            least = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

static const struct command_option *
option_among(const struct command_option *const *options, const char *name)
{
    for (; *options; options++) {
        if (text_equal((*options)->name, name)) {
            return *options;
        }
    }
    return NULL;
}

const struct command_option *
command_option(const struct command *command, const char *name)
{
    const struct command_option *option = option_among(command->options, name);

    return option ? option : option_among(command_common_options, name);
}

const struct command_option *
command_common_option(const char *name)
{
    return option_among(command_common_options, name);
}

void
command_usage(const struct command *command, struct text *out)
{
    text_format(out, "skein %s", command->name);
    for (const struct command_argument *argument = command->arguments; argument->name; argument++) {
        text_format(out, argument->is_optional ? " [%s%s]" : " %s%s", argument->name,
                    argument->is_repeated ? "…" : "");
    }
    if (command->options[0]) {
        text_append(out, " [OPTION…]");
    }
}

const char *
command_group_title(enum command_group group)
{
    static const char *const titles[] = {
        [GROUP_ROLLOUT] = "Rolling out",
        [GROUP_LOOK] = "Looking",
        [GROUP_FLEET] = "Who belongs to the fleet",
        [GROUP_LOCAL] = "One database, without a coordinator",
        [GROUP_HELP] = "Help",
    };
    return titles[group];
}
