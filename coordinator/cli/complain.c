#include "coordinator/cli/complain.h"

#include "common/base/mem.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/show.h"

#define OTHERS_SHOWN 20

static void
render_part(const struct terminal *terminal, const char *name, const char *text, size_t indent,
            struct text *out)
{
    if (!text || !*text) {
        return;
    }
    text_format(out, "%*s%s%-6s%s ", (int)indent + 2, "", terminal_style(terminal, STYLE_FAINT),
                name, terminal_style(terminal, STYLE_PLAIN));
    terminal_fold(terminal, text, indent + 9, terminal->width, out);
    text_append(out, "\n");
}

static void
render(const struct terminal *terminal, const char *code, const char *text, size_t indent,
       struct text *out)
{
    CLEANUP(text_release) struct text head = {0};

    text_format(&head, "error[%s]:", code);
    text_format(out, "%*s%s%s%s ", (int)indent, "", terminal_style(terminal, STYLE_BAD),
                text_of(&head), terminal_style(terminal, STYLE_PLAIN));
    /* Folded as if the head were part of the text: the first line has less room. */
    CLEANUP(text_release) struct text whole = {0};
    text_format(&whole, "%s %s", text_of(&head), text);
    CLEANUP(text_release) struct text folded = {0};
    terminal_fold(terminal, text_of(&whole), indent + 2,
                  terminal->width == SIZE_MAX ? SIZE_MAX : terminal->width, &folded);
    text_append(out, text_of(&folded) + head.size + 1);
    text_append(out, "\n");
}

void
complain_render(const struct error *error, const struct terminal *terminal, size_t indent,
                struct text *out)
{
    render(terminal, error->code, error->text, indent, out);
    render_part(terminal, "where:", error->where, indent, out);
    render_part(terminal, "found:", error->found, indent, out);
    render_part(terminal, "hint:", error->hint, indent, out);
}

void
complain_render_fault(const struct fault *fault, const struct terminal *terminal, size_t indent,
                      struct text *out)
{
    struct error error;

    if (fault->code) {
        fault_to_error(fault, &error);
        complain_render(&error, terminal, indent, out);
    }
}

static json_t *
json_of(const char *code, const char *text, const char *where, const char *found, const char *hint)
{
    json_t *object = json_object();

    json_object_set_new(object, "code", show_json_text(code));
    json_object_set_new(object, "text", show_json_text(text));
    json_object_set_new(object, "where", show_json_text(where));
    json_object_set_new(object, "found", show_json_text(found));
    json_object_set_new(object, "hint", show_json_text(hint));
    return object;
}

json_t *
complain_json(const struct error *error)
{
    json_t *object =
        json_of(error->code, error->text, *error->where ? error->where : NULL,
                *error->found ? error->found : NULL, *error->hint ? error->hint : NULL);
    json_object_set_new(object, "exit", json_integer(exit_status_of(error->code)));
    return object;
}

json_t *
complain_json_fault(const struct fault *fault)
{
    if (!fault->code) {
        return json_null();
    }
    json_t *object = json_of(fault->code, fault->text, fault->where, fault->found, fault->hint);
    json_object_set_new(object, "sqlstate", show_json_text(fault->sqlstate));
    json_object_set_new(object, "retryable", json_boolean(fault->is_retryable));
    return object;
}

static json_t *
others_json(const struct error_list *others)
{
    json_t *rows = json_array();

    for (size_t i = 0; others && i < others->count; i++) {
        json_array_append_new(rows, complain_json(&others->errors[i]));
    }
    return rows;
}

static void
render_others(const struct error_list *others, const struct terminal *terminal, struct text *out)
{
    size_t count = others->count < OTHERS_SHOWN ? others->count : OTHERS_SHOWN;
    size_t hidden = others->count - count + others->dropped;

    for (size_t i = 0; i < count; i++) {
        complain_render(&others->errors[i], terminal, 0, out);
    }
    if (hidden > 0) {
        text_format(out, "and %zu more like these\n", hidden);
    }
}

int
complain(const struct error *error, const struct error_list *others, enum colour_wish wish,
         bool as_json)
{
    struct terminal terminal;

    if (as_json) {
        terminal_open(&terminal, stdout, wish);
        show_json(&terminal, json_pack("{s:o, s:o}", "error", complain_json(error), "others",
                                       others_json(others)));
    } else {
        CLEANUP(text_release) struct text out = {0};
        fflush(stdout);
        terminal_open(&terminal, stderr, wish);
        complain_render(error, &terminal, 0, &out);
        if (others) {
            render_others(others, &terminal, &out);
        }
        fputs(text_of(&out), stderr);
    }
    return exit_status_of(error->code);
}
