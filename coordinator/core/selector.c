#include "coordinator/core/selector.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

struct term {
    const char *name, *value;
    bool is_negated;
};

struct selector {
    char *text; /* the terms point into it */
    struct term *terms;
    size_t count, capacity;
};

static char *
trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t size = strlen(text);
    while (size && isspace((unsigned char)text[size - 1])) {
        text[--size] = '\0';
    }
    return text;
}

static bool
bad_term(const char *term, struct error *error)
{
    error_set(error, "E-SEL-SYNTAX", "\"%s\" selects nothing", term);
    return error_hint(error, "terms are NAME=VALUE or NAME!=VALUE, joined by commas: "
                             "env=prod,region!=eu; service and target are names too");
}

static bool
parse_term(char *piece, struct term *term, struct error *error)
{
    char *equals = strchr(piece, '=');

    if (!equals) {
        return bad_term(piece, error);
    }
    *equals = '\0';
    term->is_negated = equals > piece && equals[-1] == '!';
    if (term->is_negated) {
        equals[-1] = '\0';
    }
    term->name = trim(piece);
    term->value = trim(equals + 1);
    if (!text_is_name(term->name) || !text_is_name(term->value)) {
        return bad_term(term->name, error);
    }
    return true;
}

bool
selector_parse(const char *text, struct selector **selector_p, struct error *error)
{
    struct selector *selector = mem_zalloc(sizeof *selector);
    *selector_p = selector;
    selector->text = mem_text(text ? text : "");
    if (!*trim(selector->text)) {
        return true;
    }
    char *rest = selector->text;
    while (rest) {
        char *piece = strsep(&rest, ",");
        selector->terms = mem_grow(selector->terms, selector->count, &selector->capacity,
                                   sizeof *selector->terms);
        if (!parse_term(piece, &selector->terms[selector->count], error)) {
            selector_destroy(selector_p);
            return false;
        }
        selector->count++;
    }
    return true;
}

void
selector_destroy(struct selector **selector_p)
{
    struct selector *selector = *selector_p;

    if (selector) {
        free(selector->text);
        free(selector->terms);
        free(selector);
    }
    *selector_p = NULL;
}

static const char *
value_of(const struct selectable *target, const char *name)
{
    if (text_equal(name, "service")) {
        return target->service;
    }
    if (text_equal(name, "target")) {
        return target->target;
    }
    for (size_t i = 0; i < target->label_count; i++) {
        if (text_equal(target->labels[i].name, name)) {
            return target->labels[i].value;
        }
    }
    return NULL;
}

bool
selector_matches(const struct selector *selector, const struct selectable *target)
{
    for (size_t i = 0; i < selector->count; i++) {
        const struct term *term = &selector->terms[i];
        bool is_equal = text_equal(value_of(target, term->name), term->value);
        if (is_equal == term->is_negated) {
            return false;
        }
    }
    return true;
}
