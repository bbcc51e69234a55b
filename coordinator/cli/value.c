#include "coordinator/cli/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/mem.h"
#include "coordinator/cli/words.h"

#define TEXT_MAX 512 /* bytes; more is no selection */

/* What an option or argument is called in an error: "--parallel", "SERVICE". */
struct value_name {
    const char *dashes, *name;
};

static bool
refuse_range(const struct value_name *name, const char *text, struct error *error,
             const char *allowed)
{
    error_set(error, "E-CLI-RANGE", "%s%s cannot be '%.64s'", name->dashes, name->name, text);
    error_where(error, "%s%s", name->dashes, name->name);
    return error_found(error, "%.64s; allowed: %s", text, allowed);
}

static bool
check_name(const struct value_name *name, const char *text, struct error *error)
{
    if (text_is_name(text)) {
        return true;
    }
    char shown[TEXT_SHOWN_SIZE];

    text_shown(text, shown);
    error_set(error, "E-NAME-SYNTAX", "%s%s '%s' is not a name", name->dashes, name->name, shown);
    error_where(error, "%s%s", name->dashes, name->name);
    return error_found(error, "%s; allowed: %s", shown, WORDS_NAME_PATTERN);
}

static bool
check_run(const struct value_name *name, const char *text, struct error *error)
{
    int64_t number;
    struct id id;

    if (text_equal(text, "last") || text_to_number(text, 1, INT64_MAX, &number) ||
        id_parse(text, &id)) {
        return true;
    }
    error_set(error, "E-NAME-SYNTAX", "%s%s '%.64s' names no run", name->dashes, name->name, text);
    error_where(error, "%s%s", name->dashes, name->name);
    error_found(error, "%.64s; allowed: a run's number, its id, or \"last\"", text);
    return error_hint(error, "skein runs lists them");
}

static bool
read_number(const struct value_name *name, const struct command_option *option, const char *text,
            int64_t *number, struct error *error)
{
    if (text_to_number(text, option->min, option->max, number)) {
        return true;
    }
    char allowed[64];
    snprintf(allowed, sizeof allowed, "%" PRId64 "..%" PRId64, option->min, option->max);
    return refuse_range(name, text, error, allowed);
}

static bool
read_duration(const struct value_name *name, const struct command_option *option, const char *text,
              int64_t *number, struct error *error)
{
    if (text_to_duration_ms(text, number) && *number >= option->min && *number <= option->max) {
        return true;
    }
    char allowed[96];
    snprintf(allowed, sizeof allowed, "%" PRId64 "ms..%" PRId64 "s, written 250ms, 2s, 5m, 1h",
             option->min, option->max / 1000);
    return refuse_range(name, text, error, allowed);
}

static bool
read_share(const struct value_name *name, const struct command_option *option, const char *text,
           struct share *share, struct error *error)
{
    char digits[24];
    char allowed[64];
    int64_t number;
    size_t size = strlen(text);

    share->is_percent = size > 0 && text[size - 1] == '%';
    size -= share->is_percent;
    if (size > 0 && size < sizeof digits) {
        memcpy(digits, text, size);
        digits[size] = '\0';
        if (text_to_number(digits, option->min, share->is_percent ? 100 : option->max, &number)) {
            share->number = (uint64_t)number;
            return true;
        }
    }
    snprintf(allowed, sizeof allowed, "%" PRId64 "..%" PRId64 " or %" PRId64 "%%..100%%",
             option->min, option->max, option->min);
    return refuse_range(name, text, error, allowed);
}

/* Shares of one kind must grow; a number beside a percentage can only be compared in the plan. */
static bool
check_growing(const struct value_name *name, const char *text, const struct call_value *value,
              struct error *error)
{
    for (size_t i = 1; i < value->share_count; i++) {
        const struct share *before = &value->shares[i - 1], *share = &value->shares[i];
        if (share->is_percent == before->is_percent && share->number <= before->number) {
            return refuse_range(name, text, error,
                                "shares of all targets, each larger than the one before it");
        }
    }
    return true;
}

static bool
read_shares(const struct value_name *name, const struct command_option *option, const char *text,
            struct call_value *value, struct error *error)
{
    CLEANUP(mem_free) char *copy = mem_text(text);
    char *rest = copy;

    value->share_count = 0;
    for (char *piece = strsep(&rest, ","); piece; piece = strsep(&rest, ",")) {
        if (value->share_count == CALL_SHARES_MAX) {
            return refuse_range(name, text, error, "at most 16 waves");
        }
        if (!read_share(name, option, piece, &value->shares[value->share_count++], error)) {
            return false;
        }
    }
    return check_growing(name, text, value, error);
}

static bool
read_choice(const struct value_name *name, const char *const *choices, const char *text,
            int64_t *index, struct error *error)
{
    CLEANUP(text_release) struct text allowed = {0};

    for (size_t i = 0; choices[i]; i++) {
        if (text_equal(choices[i], text)) {
            *index = (int64_t)i;
            return true;
        }
        text_format(&allowed, "%s%s", i ? ", " : "", choices[i]);
    }
    return refuse_range(name, text, error, text_of(&allowed));
}

bool
value_read(struct call_value *value, const char *text, struct error *error)
{
    const struct command_option *option = value->option;
    const struct value_name name = {"--", option->name};

    value->text = text;
    switch (option->kind) {
    case VALUE_NAME:
    case VALUE_VERSION:
        return check_name(&name, text, error);
    case VALUE_RUN:
        return check_run(&name, text, error);
    case VALUE_NUMBER:
        return read_number(&name, option, text, &value->number, error);
    case VALUE_DURATION:
        return read_duration(&name, option, text, &value->number, error);
    case VALUE_CHOICE:
        return read_choice(&name, option->choices, text, &value->number, error);
    case VALUE_SHARE:
        value->share_count = 1;
        return read_share(&name, option, text, &value->shares[0], error);
    case VALUE_SHARES:
        return read_shares(&name, option, text, value, error);
    case VALUE_FLAG:
    case VALUE_TEXT:
    case VALUE_FILE:
    case VALUE_FOLDER:
        break;
    }
    if (strlen(text) > TEXT_MAX && option->kind == VALUE_TEXT) {
        return refuse_range(&name, "a text this long", error, "512 bytes");
    }
    return true;
}

bool
value_check(const struct command_argument *argument, const char *text, struct error *error)
{
    const struct value_name name = {"", argument->name};
    int64_t index;

    switch (argument->kind) {
    case VALUE_NAME:
    case VALUE_VERSION:
        return check_name(&name, text, error);
    case VALUE_RUN:
        return check_run(&name, text, error);
    case VALUE_CHOICE:
        return read_choice(&name, argument->choices, text, &index, error);
    default:
        return true;
    }
}
