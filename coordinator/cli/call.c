#include "coordinator/cli/call.h"

#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/cli/value.h"
#include "coordinator/cli/words.h"

#define NEAR 3 /* more changed letters than this is another word */

static bool
usage_error(const struct call *call, struct error *error)
{
    if (call->command) {
        return error_hint(error, "see: skein %s --help", call->command->name);
    }
    return error_hint(error, "see: skein --help");
}

/* ---- options ------------------------------------------------------------------------------- */

static void
add_options(struct call *call, const struct command_option *const *options)
{
    for (; *options; options++) {
        assert(call->value_count < sizeof call->values / sizeof *call->values);
        call->values[call->value_count++] = (struct call_value){.option = *options};
    }
}

/* The long name in "--name" or "--name=value" is exactly an option's. */
static bool
is_known(const struct call *call, const char *name, size_t size)
{
    for (size_t i = 0; i < call->value_count; i++) {
        const char *known = call->values[i].option->name;
        if (strlen(known) == size && strncmp(known, name, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool
refuse_option(const struct call *call, const char *name, size_t size, struct error *error)
{
    char given[48];
    const char *nearest = NULL;
    size_t least = NEAR + 1;

    snprintf(given, sizeof given, "%.*s", (int)size, name);
    for (size_t i = 0; i < call->value_count; i++) {
        const char *known = call->values[i].option->name;
        size_t distance =
            text_starts_with(known, given) && size > 1 ? 1 : text_distance(given, known);
        if (distance < least) {
            least = distance;
            nearest = known;
        }
    }
    error_set(error, "E-CLI-USAGE", "unknown option --%s", given);
    if (nearest) {
        return error_hint(error, "did you mean --%s?", nearest);
    }
    return usage_error(call, error);
}

/* getopt_long takes any unambiguous beginning for an option; scripts deserve the whole name. */
static bool
refuse_unknown_options(const struct call *call, int word_count, char **words, struct error *error)
{
    for (int i = 1; i < word_count && !text_equal(words[i], "--"); i++) {
        if (!text_starts_with(words[i], "--")) {
            continue;
        }
        size_t size = strcspn(words[i] + 2, "=");
        if (!is_known(call, words[i] + 2, size)) {
            return refuse_option(call, words[i] + 2, size, error);
        }
    }
    return true;
}

static bool
refuse_letter(const struct call *call, char *const *words, struct error *error)
{
    if (optopt > 0 && optopt < 128 && isprint(optopt)) {
        error_set(error, "E-CLI-USAGE", "unknown option -%c", optopt);
    } else {
        error_set(error, "E-CLI-USAGE", "option %.64s cannot be understood", words[optind - 1]);
    }
    return usage_error(call, error);
}

/* What getopt_long makes of one option. */
static bool
take_option(struct call *call, int found, char *const *words, struct error *error)
{
    if (found == 'h') {
        call->wants_help = true;
        return true;
    }
    if (found == ':') {
        error_set(error, "E-CLI-USAGE", "option %.64s wants a value", words[optind - 1]);
        return usage_error(call, error);
    }
    if (found < 256) {
        if (text_starts_with(words[optind - 1], "--") && strchr(words[optind - 1], '=')) {
            error_set(error, "E-CLI-USAGE", "option %.64s takes no value", words[optind - 1]);
            return usage_error(call, error);
        }
        return refuse_letter(call, words, error);
    }
    struct call_value *value = &call->values[found - 256];
    bool is_repeatable = value->option->is_repeatable && value->text_count < CALL_REPEATS_MAX;
    if (value->is_given && value->option->kind != VALUE_FLAG && !is_repeatable) {
        error_set(error, "E-CLI-USAGE",
                  value->option->is_repeatable ? "option --%s is given more than 32 times"
                                               : "option --%s is given twice",
                  value->option->name);
        return usage_error(call, error);
    }
    value->is_given = true;
    if (is_repeatable) {
        value->texts[value->text_count++] = optarg;
    }
    return value->option->kind == VALUE_FLAG || value_read(value, optarg, error);
}

static bool
read_options(struct call *call, int word_count, char **words, struct error *error)
{
    struct option longs[sizeof call->values / sizeof *call->values + 1] = {0};
    int found;

    for (size_t i = 0; i < call->value_count; i++) {
        const struct command_option *option = call->values[i].option;
        longs[i].name = option->name;
        longs[i].has_arg = option->kind == VALUE_FLAG ? no_argument : required_argument;
        longs[i].val = 256 + (int)i;
    }
    opterr = 0;
    optind = 0; /* glibc: forget an earlier command line */
    while ((found = getopt_long(word_count, words, ":h", longs, NULL)) != -1) {
        if (!take_option(call, found, words, error)) {
            return false;
        }
    }
    return true;
}

/* ---- arguments ----------------------------------------------------------------------------- */

static bool
missing_argument(const struct call *call, const struct command_argument *argument,
                 struct error *error)
{
    CLEANUP(text_release) struct text usage = {0};

    command_usage(call->command, &usage);
    error_set(error, "E-CLI-USAGE", "argument %s is missing", argument->name);
    error_found(error, "usage: %s", text_of(&usage));
    return usage_error(call, error);
}

static bool
read_arguments(struct call *call, int word_count, char **words, struct error *error)
{
    const struct command_argument *argument = call->command->arguments;

    for (int i = 0; i < word_count; i++) {
        if (!argument->name || call->argument_count == CALL_ARGUMENTS_MAX) {
            error_set(error, "E-CLI-USAGE", "'%.64s' is one argument too many", words[i]);
            return usage_error(call, error);
        }
        if (!value_check(argument, words[i], error)) {
            return false;
        }
        call->arguments[call->argument_count++] = words[i];
        if (!argument->is_repeated) {
            argument++;
        }
    }
    bool is_satisfied = !argument->name || argument->is_optional ||
                        (argument->is_repeated && word_count > argument - call->command->arguments);
    return is_satisfied || missing_argument(call, argument, error);
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* "skein agent": the beginning of several commands; they are listed. */
static bool
refuse_group(const char *word, struct error *error)
{
    CLEANUP(text_release) struct text names = {0};
    size_t size = strlen(word);

    for (size_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;
        if (strncmp(name, word, size) == 0 && name[size] == ' ') {
            text_format(&names, "%sskein %s", names.size ? ", " : "", name);
        }
    }
    if (names.size == 0) {
        return true;
    }
    error_set(error, "E-CLI-USAGE", "'skein %.32s' wants another word", word);
    return error_found(error, "commands: %s", text_of(&names));
}

static bool
unknown_command(int word_count, char **words, struct error *error)
{
    char name[130];
    const char *nearest = NULL;

    if (word_count > 1 && words[1][0] != '-') {
        snprintf(name, sizeof name, "%.64s %.64s", words[0], words[1]);
        nearest = command_nearest(name);
    }
    if (!nearest && !refuse_group(words[0], error)) {
        return false;
    }
    nearest = nearest ? nearest : command_nearest(words[0]);
    error_set(error, "E-CLI-USAGE", "unknown command '%.64s'", words[0]);
    if (nearest) {
        return error_hint(error, "did you mean 'skein %s'?", nearest);
    }
    return error_hint(error, "see: skein --help");
}

/* "skein" alone, "skein --help", "skein --version": options without a command. */
static bool
read_bare(struct call *call, int word_count, char **words, struct error *error)
{
    add_options(call, command_common_options);
    call->wants_help = word_count == 1;
    return refuse_unknown_options(call, word_count, words, error) &&
           read_options(call, word_count, words, error);
}

static bool
refuse_missing_options(const struct call *call, struct error *error)
{
    for (size_t i = 0; i < call->value_count; i++) {
        const struct command_option *option = call->values[i].option;
        if (option->is_required && !call->values[i].is_given) {
            error_set(error, "E-CLI-USAGE", "option --%s %s is missing", option->name,
                      option->metavar);
            return usage_error(call, error);
        }
    }
    return true;
}

static void
apply_fallbacks(struct call *call)
{
    struct error error;

    for (size_t i = 0; i < call->value_count; i++) {
        struct call_value *value = &call->values[i];
        if (!value->is_given && value->option->fallback) {
            bool is_read = value_read(value, value->option->fallback, &error);
            assert(is_read);
        }
    }
}

/* Which word begins the command, when options that all commands have stand before it; or 0. */
static int
command_behind_options(int word_count, char *const *words)
{
    int i = 1;

    while (i < word_count && text_starts_with(words[i], "--") && words[i][2]) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(words[i] + 2, "="), words[i] + 2);
        const struct command_option *option = command_common_option(name);
        if (!option) {
            return 0;
        }
        i += option->kind == VALUE_FLAG || strchr(words[i], '=') ? 1 : 2;
    }
    return i < word_count && words[i][0] != '-' ? i : 0;
}

static void
reverse(char **words, int count)
{
    for (int i = 0; i < count / 2; i++) {
        char *word = words[i];
        words[i] = words[count - 1 - i];
        words[count - 1 - i] = word;
    }
}

/* "skein --json agent add x" becomes "skein agent add --json x". */
static void
put_command_first(int word_count, char **words)
{
    int used = 0, before = command_behind_options(word_count, words) - 1;

    if (before <= 0) {
        return;
    }
    if (!command_find(word_count - 1 - before, words + 1 + before, &used)) {
        used = 1; /* whatever it is, it is told by its name */
    }
    reverse(words + 1, before);
    reverse(words + 1 + before, used);
    reverse(words + 1, before + used);
}

bool
call_read(struct call *call, int word_count, char **words, struct error *error)
{
    int used;

    *call = (struct call){0};
    if (!words_hold_no_secret(word_count, words, error) ||
        !words_are_printable(word_count, words, error)) {
        return false;
    }
    put_command_first(word_count, words);
    if (word_count < 2 || words[1][0] == '-') {
        bool is_read = read_bare(call, word_count, words, error);
        apply_fallbacks(call);
        if (is_read && !call_flag(call, "version") && optind < word_count) {
            error_set(error, "E-CLI-USAGE", "the command comes first");
            return error_hint(error, "say: skein COMMAND [OPTION…]");
        }
        call->wants_version = call_flag(call, "version");
        call->wants_help = call->wants_help || call_flag(call, "help") || !call->wants_version;
        return is_read;
    }
    call->command = command_find(word_count - 1, words + 1, &used);
    if (!call->command) {
        return unknown_command(word_count - 1, words + 1, error);
    }
    add_options(call, call->command->options);
    add_options(call, command_common_options);
    bool is_read = refuse_unknown_options(call, word_count, words, error) &&
                   read_options(call, word_count, words, error);
    apply_fallbacks(call);
    call->wants_help = is_read && (call->wants_help || call_flag(call, "help"));
    call->wants_version = is_read && call_flag(call, "version");
    if (!is_read || call->wants_help || call->wants_version) {
        return is_read;
    }
    return read_arguments(call, word_count - optind - used, words + optind + used, error) &&
           refuse_missing_options(call, error);
}

void
call_release(struct call *call)
{
    error_list_release(&call->others);
}

static const struct call_value *
find_value(const struct call *call, const char *option)
{
    for (size_t i = 0; i < call->value_count; i++) {
        if (text_equal(call->values[i].option->name, option)) {
            return &call->values[i];
        }
    }
    abort(); /* the command has no such option: a mistake of ours */
}

const char *
call_text(const struct call *call, const char *option)
{
    return find_value(call, option)->text;
}

const char *const *
call_texts(const struct call *call, const char *option, size_t *count)
{
    const struct call_value *value = find_value(call, option);

    *count = value->text_count;
    return value->texts;
}

int64_t
call_number(const struct call *call, const char *option)
{
    return find_value(call, option)->number;
}

bool
call_flag(const struct call *call, const char *option)
{
    return find_value(call, option)->is_given;
}

bool
call_is_given(const struct call *call, const char *option)
{
    return find_value(call, option)->is_given;
}

const struct share *
call_shares(const struct call *call, const char *option, size_t *count)
{
    const struct call_value *value = find_value(call, option);

    *count = value->share_count;
    return value->shares;
}

int
call_choice(const struct call *call, const char *option)
{
    return (int)call_number(call, option);
}

const char *
call_argument(const struct call *call, size_t index)
{
    return index < call->argument_count ? call->arguments[index] : NULL;
}

bool
call_wants_json(const struct call *call)
{
    return call->value_count > 0 && call_flag(call, "json");
}
