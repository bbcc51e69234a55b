#include "coordinator/cli/show.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

void
show_json(const struct terminal *terminal, json_t *value)
{
    json_dumpf(value, terminal->out, JSON_INDENT(2) | JSON_ENSURE_ASCII * !terminal->has_utf8);
    fputc('\n', terminal->out);
    json_decref(value);
}

json_t *
show_json_text(const char *text)
{
    if (!text) {
        return json_null();
    }
    json_t *value = json_string(text);
    return value ? value : json_string("\xef\xbf\xbd");
}

json_t *
show_json_id(const struct id *id)
{
    char text[ID_TEXT_SIZE];

    return id_is_none(id) ? json_null() : json_string(id_text(id, text));
}

json_t *
show_json_time(uint64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];

    return wall_ms ? json_string(clock_text((int64_t)wall_ms, text)) : json_null();
}

void
show_line(const struct terminal *terminal, const char *format, ...)
{
    CLEANUP(mem_free) char *line = NULL;
    CLEANUP(text_release) struct text out = {0};
    va_list arguments;

    va_start(arguments, format);
    int size = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (size >= 0) {
        terminal_fold(terminal, line, 0, terminal->width, &out);
        fprintf(terminal->out, "%s\n", text_of(&out));
    }
}

const char *
show_run_state(enum run_state state)
{
    static const char *const words[] = {
        [RUN_RUNNING] = "running",       [RUN_PAUSED] = "paused", [RUN_HALTED] = "halted",
        [RUN_CANCELLING] = "cancelling", [RUN_DONE] = "done",     [RUN_FAILED] = "failed",
        [RUN_CANCELLED] = "cancelled",
    };
    return words[state];
}

enum style
show_run_style(enum run_state state)
{
    static const enum style styles[] = {
        [RUN_RUNNING] = STYLE_NAME,    [RUN_PAUSED] = STYLE_WARN, [RUN_HALTED] = STYLE_BAD,
        [RUN_CANCELLING] = STYLE_WARN, [RUN_DONE] = STYLE_GOOD,   [RUN_FAILED] = STYLE_BAD,
        [RUN_CANCELLED] = STYLE_WARN,
    };
    return styles[state];
}

const char *
show_leg_state(enum leg_state state)
{
    static const char *const words[] = {
        [LEG_WAITING] = "waiting", [LEG_RUNNING] = "running",     [LEG_DONE] = "done",
        [LEG_FAILED] = "failed",   [LEG_CANCELLED] = "cancelled",
    };
    return words[state];
}

enum style
show_leg_style(enum leg_state state)
{
    static const enum style styles[] = {
        [LEG_WAITING] = STYLE_FAINT, [LEG_RUNNING] = STYLE_NAME,   [LEG_DONE] = STYLE_GOOD,
        [LEG_FAILED] = STYLE_BAD,    [LEG_CANCELLED] = STYLE_WARN,
    };
    return styles[state];
}

const char *
show_step_state(enum step_state state)
{
    static const char *const words[] = {
        [STEP_WAITING] = "waiting", [STEP_ASSIGNED] = "assigned", [STEP_RUNNING] = "running",
        [STEP_DONE] = "done",       [STEP_FAILED] = "failed",     [STEP_CANCELLED] = "cancelled",
    };
    return words[state];
}

enum style
show_step_style(enum step_state state)
{
    static const enum style styles[] = {
        [STEP_WAITING] = STYLE_FAINT, [STEP_ASSIGNED] = STYLE_NAME, [STEP_RUNNING] = STYLE_NAME,
        [STEP_DONE] = STYLE_GOOD,     [STEP_FAILED] = STYLE_BAD,    [STEP_CANCELLED] = STYLE_WARN,
    };
    return styles[state];
}

const char *
show_outcome(enum outcome_kind kind)
{
    static const char *const words[] = {
        [OUTCOME_DONE] = "done",
        [OUTCOME_ALREADY] = "already",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_CANCELLED] = "cancelled",
    };
    return words[kind];
}

const char *
show_run_kind(enum run_kind kind)
{
    return kind == RUN_DOWN ? "down" : "up";
}

const char *
show_role(enum role role)
{
    static const char *const words[] = {
        [ROLE_VIEWER] = "viewer", [ROLE_OPERATOR] = "operator", [ROLE_ADMIN] = "admin"};
    return words[role];
}

const char *
show_key(const struct key *key, char out[SHOW_KEY_SIZE])
{
    text_hex(key->bytes, sizeof key->bytes, out);
    return out;
}

void
show_labels(const struct label *labels, size_t count, struct text *out)
{
    for (size_t i = 0; i < count; i++) {
        text_format(out, "%s%s=%s", i ? " " : "", labels[i].name, labels[i].value);
    }
}
