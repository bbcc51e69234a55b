#include "common/patterns/fill.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/patterns/value.h"

#define VALUES_MAX 32
#define WORD_SIZE 64

struct filling {
    const struct pattern *pattern;
    struct arena *arena;
    struct error_list *errors;
    struct value values[VALUES_MAX]; /* in the order of the parameters */
    bool is_given[VALUES_MAX];
};

static size_t
index_of(const struct filling *filling, const char *name)
{
    const struct pattern_parameter *parameter = pattern_parameter(filling->pattern, name);

    assert(parameter);
    return (size_t)(parameter - filling->pattern->parameters);
}

/* ---- putting values into a text ---------------------------------------------------------------
 */

/* {param: text}: the text for each piece, with @ and @@ in it. */
static void
append_each(const struct value *value, const char *each, size_t size, struct text *out)
{
    for (size_t i = 0; i < value->piece_count; i++) {
        text_append(out, i ? ", " : "");
        for (size_t at = 0; at < size; at++) {
            if (each[at] != '@') {
                text_append_bytes(out, each + at, 1);
            } else if (at + 1 < size && each[at + 1] == '@') {
                text_append(out, value->types[i]);
                at++;
            } else {
                text_append(out, value->pieces[i]);
            }
        }
    }
}

/* no_action: NO ACTION */
static void
append_words(const char *word, struct text *out)
{
    for (; *word; word++) {
        char letter = (char)(*word == '_' ? ' ' : toupper((unsigned char)*word));
        text_append_bytes(out, &letter, 1);
    }
}

static void
append_part(struct filling *filling, const struct value *value, const char *part, struct text *out)
{
    if (text_equal(part, "bare")) {
        text_append(out, value->bare);
    } else if (text_equal(part, "schema")) {
        text_append(out, value->schema);
    } else if (text_equal(part, "name")) {
        text_append(out, value->name);
    } else if (text_equal(part, "plain")) {
        text_append(out, value_literal(value->bare, filling->arena));
    } else if (text_equal(part, "words")) {
        append_words(value->sql, out);
    } else {
        assert(text_equal(part, "text"));
        text_append(out, value_literal(value->sql, filling->arena));
    }
}

/* What stands between braces, if it names a parameter; false: the brace is one. */
static bool
append_placeholder(struct filling *filling, const char *inner, size_t size, bool is_bare,
                   struct text *out)
{
    char name[WORD_SIZE] = "", part[WORD_SIZE] = "";
    size_t name_size = 0, part_size = 0;

    while (name_size < size &&
           (islower((unsigned char)inner[name_size]) || inner[name_size] == '_')) {
        name_size++;
    }
    if (name_size == 0 || name_size >= sizeof name) {
        return false;
    }
    memcpy(name, inner, name_size);
    const struct value *value = &filling->values[index_of(filling, name)];
    const char *rest = inner + name_size;
    size_t left = size - name_size;
    if (left && rest[0] == ':') {
        append_each(value, rest + 2, left - 2, out);
    } else if (left) {
        assert(rest[0] == '.' && left < sizeof part);
        part_size = left - 1;
        memcpy(part, rest + 1, part_size);
        append_part(filling, value, part, out);
    } else if (value->is_set || value->sql) {
        text_append(out, is_bare ? value->bare : value->sql);
    }
    return true;
}

static void
expand(struct filling *filling, const char *text, size_t size, bool is_bare, struct text *out)
{
    for (size_t at = 0; at < size; at++) {
        const char *end = text[at] == '{' ? memchr(text + at, '}', size - at) : NULL;
        if (end && append_placeholder(filling, text + at + 1, (size_t)(end - text) - at - 1,
                                      is_bare, out)) {
            at = (size_t)(end - text);
        } else {
            text_append_bytes(out, text + at, 1);
        }
    }
}

/* ---- what is said -----------------------------------------------------------------------------
 */

static bool
refuse_unknown(struct filling *filling, const char *name)
{
    CLEANUP(text_release) struct text names = {0};
    const struct pattern *pattern = filling->pattern;
    const char *nearest = NULL;
    size_t nearest_distance = 4;
    struct error error;

    for (size_t i = 0; i < pattern->parameter_count; i++) {
        const char *known = pattern->parameters[i].name;
        size_t distance = text_distance(known, name);
        if (distance < nearest_distance) {
            nearest = known;
            nearest_distance = distance;
        }
        text_format(&names, "%s%s", i ? ", " : "", known);
    }
    error_set(&error, "E-PATTERN-PARAM", "the pattern %s has no parameter '%.64s'", pattern->name,
              name);
    error_where(&error, "--set %.64s=…", name);
    error_found(&error, "parameters: %s", text_of(&names));
    if (nearest) {
        error_hint(&error, "did you mean %s?", nearest);
    } else {
        error_hint(&error, "`skein patterns %s` explains them", pattern->name);
    }
    return error_list_add(filling->errors, &error);
}

static bool
take_setting(struct filling *filling, const char *setting)
{
    const char *equals = strchr(setting, '=');
    struct error error;

    if (!equals || equals == setting) {
        error_set(&error, "E-PATTERN-SET", "'%.64s' is no name=value", setting);
        error_where(&error, "--set");
        error_hint(&error, "say it so: --set table=users --set \"type=numeric(10, 2)\"");
        return error_list_add(filling->errors, &error);
    }
    const char *name = arena_format(filling->arena, "%.*s", (int)(equals - setting), setting);
    if (!pattern_parameter(filling->pattern, name)) {
        return refuse_unknown(filling, name);
    }
    size_t index = index_of(filling, name);
    if (filling->is_given[index]) {
        error_set(&error, "E-PATTERN-DUP", "%s is said twice", name);
        error_where(&error, "--set %s=…", name);
        error_hint(&error, "say it once");
        return error_list_add(filling->errors, &error);
    }
    filling->is_given[index] = true;
    return value_make(&filling->pattern->parameters[index], equals + 1, filling->arena,
                      &filling->values[index], &error) ||
           error_list_add(filling->errors, &error);
}

/* Names that are made of others must be names, and short enough. */
static const char *
as_name(const struct filling *filling, const char *made)
{
    const char *fitting = value_fitting_name(made, filling->arena);
    char *quoted = arena_alloc(filling->arena, 2 * strlen(fitting) + 3), *end = quoted;

    *end++ = '"';
    for (; *fitting; fitting++) {
        if (*fitting == '"') {
            *end++ = '"';
        }
        *end++ = *fitting;
    }
    *end = '"';
    return quoted;
}

static bool
take_default(struct filling *filling, size_t index)
{
    const struct pattern_parameter *parameter = &filling->pattern->parameters[index];
    CLEANUP(text_release) struct text made = {0};
    bool is_name = parameter->kind == VALUE_OF_NAME;
    struct error error;

    expand(filling, parameter->fallback, strlen(parameter->fallback), is_name, &made);
    const char *text = is_name ? as_name(filling, text_of(&made)) : text_of(&made);
    return value_make(parameter, text, filling->arena, &filling->values[index], &error) ||
           error_list_add(filling->errors, &error);
}

static bool
refuse_missing(struct filling *filling, const struct pattern_parameter *parameter)
{
    struct error error;

    error_set(&error, "E-PATTERN-MISSING", "the pattern %s wants to know %s",
              filling->pattern->name, parameter->name);
    error_where(&error, "--set %s=…", parameter->name);
    error_found(&error, "allowed is %s", value_allowed(parameter, filling->arena));
    error_hint(&error, "%s: %s", parameter->name, parameter->sentence);
    return error_list_add(filling->errors, &error);
}

static bool
check_together(struct filling *filling)
{
    const char *const *names = filling->pattern->together;
    bool has_first = filling->is_given[index_of(filling, names[0])];
    bool has_second = filling->is_given[index_of(filling, names[1])];

    return has_first == has_second ||
           refuse_missing(filling, pattern_parameter(filling->pattern, names[has_first]));
}

static bool
take_settings(struct filling *filling, const char *const *settings, size_t count)
{
    const struct pattern *pattern = filling->pattern;
    bool succeeded = true;

    for (size_t i = 0; i < count; i++) {
        succeeded = take_setting(filling, settings[i]) && succeeded;
    }
    for (size_t i = 0; i < pattern->parameter_count; i++) {
        const struct pattern_parameter *parameter = &pattern->parameters[i];
        if (!filling->is_given[i] && !parameter->fallback && !parameter->is_optional) {
            succeeded = refuse_missing(filling, parameter);
        }
    }
    if (pattern->together[0]) {
        succeeded = check_together(filling) && succeeded;
    }
    for (size_t i = 0; succeeded && i < pattern->parameter_count; i++) {
        if (!filling->is_given[i] && pattern->parameters[i].fallback) {
            succeeded = take_default(filling, i);
        }
    }
    return succeeded;
}

/* ---- scripts ----------------------------------------------------------------------------------
 */

/* "a|b": one of them is given; "!a": it is not. */
static bool
holds(const struct filling *filling, const char *condition)
{
    bool is_reverse = condition[0] == '!', is_given = false;

    for (const char *name = condition + is_reverse; *name;) {
        size_t size = strcspn(name, "|");
        const char *one = arena_format(filling->arena, "%.*s", (int)size, name);
        is_given = is_given || filling->values[index_of(filling, one)].is_set;
        name += size + (name[size] == '|');
    }
    return is_given != is_reverse;
}

/* Which parts of a script are left out, as "@if" and "@unless" open them and "@end" ends them. */
struct nesting {
    size_t depth, out_depth; /* out_depth: of the part that is left out; 0: none is */
};

static void
take_mark(const struct filling *filling, const char *line, size_t size, struct nesting *nesting)
{
    char mark[WORD_SIZE] = "";

    assert(size < sizeof mark);
    memcpy(mark, line, size);
    if (text_equal(mark, "@end")) {
        nesting->out_depth = nesting->out_depth == nesting->depth ? 0 : nesting->out_depth;
        nesting->depth--;
        return;
    }
    bool is_unless = text_starts_with(mark, "@unless ");
    const char *name = mark + strlen(is_unless ? "@unless " : "@if ");
    bool is_in = filling->values[index_of(filling, name)].is_set != is_unless;
    nesting->depth++;
    if (!is_in && !nesting->out_depth) {
        nesting->out_depth = nesting->depth;
    }
}

static const char *
fill_script(struct filling *filling, const char *script)
{
    CLEANUP(text_release) struct text out = {0};
    struct nesting nesting = {0};

    if (!script) {
        return NULL;
    }
    while (*script) {
        size_t size = strcspn(script, "\n");
        if (script[0] == '@') {
            take_mark(filling, script, size, &nesting);
        } else if (!nesting.out_depth && size == 1 && script[0] == ';' && out.size) {
            out.data[out.size - 1] = ';'; /* of a statement whose last lines may be left out */
            text_append(&out, "\n");
        } else if (!nesting.out_depth) {
            expand(filling, script, size, false, &out);
            text_append(&out, "\n");
        }
        script += size + (script[size] == '\n');
    }
    assert(nesting.depth == 0);
    while (out.size > 1 && text_ends_with(out.data, "\n\n")) {
        out.data[--out.size] = '\0';
    }
    return out.size ? arena_text(filling->arena, text_of(&out)) : NULL;
}

static void
fill_migrations(struct filling *filling, struct filled *filled)
{
    const struct pattern *pattern = filling->pattern;

    filled->migrations =
        arena_alloc(filling->arena, pattern->migration_count * sizeof *filled->migrations);
    filled->count = 0;
    for (size_t i = 0; i < pattern->migration_count; i++) {
        const struct pattern_migration *from = &pattern->migrations[i];
        if (!from->condition || holds(filling, from->condition)) {
            filled->migrations[filled->count++] =
                (struct filled_migration){.name = from->name,
                                          .up = fill_script(filling, from->up),
                                          .down = fill_script(filling, from->down),
                                          .verify = fill_script(filling, from->verify)};
        }
    }
}

bool
pattern_fill(const struct pattern *pattern, const char *const *settings, size_t setting_count,
             struct arena *arena, struct filled *filled, struct error_list *errors)
{
    struct filling filling = {.pattern = pattern, .arena = arena, .errors = errors};

    assert(pattern->parameter_count <= VALUES_MAX);
    if (!take_settings(&filling, settings, setting_count)) {
        return false;
    }
    fill_migrations(&filling, filled);
    return true;
}
