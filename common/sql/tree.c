#include "common/sql/tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *
tree_string(const PgQuery__Node *node)
{
    bool is_string = node && node->node_case == PG_QUERY__NODE__NODE_STRING;
    return is_string ? node->string->sval : NULL;
}

const char *
tree_constant(const PgQuery__Node *node, struct arena *arena)
{
    if (node && node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
        return tree_constant(node->type_cast->arg, arena);
    }
    if (!node || node->node_case != PG_QUERY__NODE__NODE_A_CONST) {
        return NULL;
    }
    const PgQuery__AConst *constant = node->a_const;
    switch (constant->val_case) {
    case PG_QUERY__A__CONST__VAL_SVAL:
        return constant->sval->sval;
    case PG_QUERY__A__CONST__VAL_IVAL:
        return arena_format(arena, "%d", constant->ival->ival);
    case PG_QUERY__A__CONST__VAL_FVAL:
        return constant->fval->fval;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        return constant->boolval->boolval ? "true" : "false";
    default:
        return NULL;
    }
}

const PgQuery__DefElem *
tree_option(PgQuery__Node **options, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM &&
            strcmp(options[i]->def_elem->defname, name) == 0) {
            return options[i]->def_elem;
        }
    }
    return NULL;
}

bool
tree_option_is_off(PgQuery__Node **options, size_t count, const char *name)
{
    static const char *const words[] = {"false", "off", "no", "0"};
    const PgQuery__DefElem *option = tree_option(options, count, name);

    if (!option || !option->arg) {
        return false;
    }
    if (option->arg->node_case == PG_QUERY__NODE__NODE_INTEGER) {
        return option->arg->integer->ival == 0;
    }
    if (option->arg->node_case == PG_QUERY__NODE__NODE_BOOLEAN) {
        return !option->arg->boolean->boolval;
    }
    const char *value = tree_string(option->arg);
    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool
tree_option_is_on(PgQuery__Node **options, size_t count, const char *name)
{
    return tree_option(options, count, name) && !tree_option_is_off(options, count, name);
}

/* Whether a name may stand in SQL without quotes, whatever keywords the server knows. */
static bool
is_plain(const char *name)
{
    if (!(islower((unsigned char)name[0]) || name[0] == '_')) {
        return false;
    }
    for (const char *letter = name; *letter; letter++) {
        bool is_word = islower((unsigned char)*letter) || isdigit((unsigned char)*letter);
        if (!is_word && *letter != '_') {
            return false;
        }
    }
    return true;
}

static const char *
quoted(const char *name, struct arena *arena)
{
    if (is_plain(name) && !tree_is_keyword(name)) {
        return name;
    }
    char *out = arena_alloc(arena, 2 * strlen(name) + 3), *end = out;
    *end++ = '"';
    for (const char *letter = name; *letter; letter++) {
        if (*letter == '"') {
            *end++ = '"';
        }
        *end++ = *letter;
    }
    *end++ = '"';
    return out;
}

const char *
tree_quoted(const char *schema, const char *name, struct arena *arena)
{
    if (!schema || !schema[0]) {
        return quoted(name, arena);
    }
    return arena_format(arena, "%s.%s", quoted(schema, arena), quoted(name, arena));
}

void
tree_add_setting(struct sql_facts *facts, struct sql_setting setting, struct arena *arena)
{
    size_t count = facts->setting_count;
    struct sql_setting *settings = arena_alloc(arena, (count + 1) * sizeof *settings);
    char *name = arena_text(arena, setting.name);

    for (char *letter = name; *letter; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    setting.name = name;
    if (count) {
        memcpy(settings, facts->settings, count * sizeof *settings);
    }
    settings[count] = setting;
    facts->settings = settings;
    facts->setting_count = count + 1;
}
