/*
 * Types by their names, and what a change from one to another costs. Sources:
 * ATColumnChangeRequiresRewrite and ATPostAlterTypeParse in tablecmds.c, pg_cast (castmethod b),
 * varchar_support and its like. https://www.postgresql.org/docs/current/sql-altertable.html: "As an
 * exception, when changing the type of an existing column, if the USING clause does not change the
 * column contents and the old type is either binary coercible to the new type or an unconstrained
 * domain over the new type …"
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sql/reading.h"

#define MODS_MAX 2
#define BASE_SIZE 128
#define NO_MOD (-1)

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
    const char *internal, *name;
} names[] = {
    {"int4", "integer"},
    {"int8", "bigint"},
    {"int2", "smallint"},
    {"bool", "boolean"},
    {"varchar", "character varying"},
    {"bpchar", "character"},
    {"float4", "real"},
    {"float8", "double precision"},
    {"timestamptz", "timestamp with time zone"},
    {"timestamp", "timestamp without time zone"},
    {"timetz", "time with time zone"},
    {"time", "time without time zone"},
    {"varbit", "bit varying"},
    {"serial", "integer"},
    {"serial4", "integer"},
    {"bigserial", "bigint"},
    {"serial8", "bigint"},
    {"smallserial", "smallint"},
    {"serial2", "smallint"},
};

static const char *const builtins[] = {
    "text",      "numeric",   "uuid",      "json",      "jsonb",    "bytea",
    "date",      "interval",  "inet",      "cidr",      "macaddr",  "oid",
    "name",      "xml",       "money",     "point",     "bit",      "tsvector",
    "tsquery",   "regclass",  "int4range", "int8range", "numrange", "tsrange",
    "tstzrange", "daterange", "char",      "box",       "line",     "path",
    "polygon",   "circle",    "lseg",      "macaddr8",  "pg_lsn",   "jsonpath"};

static const char *
builtin_name(const char *internal)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(internal, names[i].internal) == 0) {
            return names[i].name;
        }
    }
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
        if (strcmp(internal, builtins[i]) == 0) {
            return builtins[i];
        }
    }
    return NULL;
}

static struct object_name
name_of_type(const struct reading *reading, const PgQuery__TypeName *type)
{
    struct object_name name = {.name = "?"};

    if (type->n_names) {
        const char *last = tree_string(type->names[type->n_names - 1]);
        name.name = last ? last : "?";
        name.schema = type->n_names > 1 ? tree_string(type->names[type->n_names - 2]) : NULL;
    }
    if (!name.schema && reading->catalog) {
        const struct catalog_type *known = catalog_type(reading->catalog, NULL, name.name);
        name.schema = known ? known->schema : NULL;
    }
    return name;
}

/* "(10,2)"; empty when it has none that are numbers. */
static const char *
mods_text(const struct reading *reading, const PgQuery__TypeName *type, bool is_interval)
{
    const char *text = "";

    /* Of an interval the first says which fields, the second the precision. */
    for (size_t i = is_interval ? 1 : 0; i < type->n_typmods; i++) {
        const char *mod = tree_constant(type->typmods[i], reading->arena);
        if (mod) {
            text = arena_format(reading->arena, "%s%s%s", text, *text ? "," : "", mod);
        }
    }
    return *text ? arena_format(reading->arena, "(%s)", text) : "";
}

const char *
type_text(const struct reading *reading, const PgQuery__TypeName *type)
{
    struct object_name name = name_of_type(reading, type);
    bool is_builtin = !name.schema || strcmp(name.schema, "pg_catalog") == 0;
    const char *known = is_builtin ? builtin_name(name.name) : NULL;
    const char *base = known ? known : name.name, *mods = "", *zone = NULL;

    if (!is_builtin && strcmp(name.schema, "public") != 0) {
        base = arena_format(reading->arena, "%s.%s", name.schema, name.name);
    }
    if (type->n_typmods) {
        mods = mods_text(reading, type, strcmp(base, "interval") == 0);
    }
    if (*mods && (strncmp(base, "timestamp ", 10) == 0 || strncmp(base, "time ", 5) == 0)) {
        zone = strchr(base, ' '); /* timestamp(3) without time zone */
        base = arena_format(reading->arena, "%.*s", (int)(zone - base), base);
    }
    if (!*mods && !zone && !type->n_array_bounds && !type->pct_type) {
        return base;
    }
    return arena_format(reading->arena, "%s%s%s%s%s", base, mods, zone ? zone : "",
                        type->pct_type ? "%TYPE" : "", type->n_array_bounds ? "[]" : "");
}

const struct catalog_type *
type_known(const struct reading *reading, const PgQuery__TypeName *type)
{
    struct object_name name = name_of_type(reading, type);
    bool is_builtin = name.schema && strcmp(name.schema, "pg_catalog") == 0;

    if (!reading->catalog || is_builtin || type->n_array_bounds) {
        return NULL;
    }
    return catalog_type(reading->catalog, name.schema, name.name);
}

/* ---- changes --------------------------------------------------------------------------------- */

struct type_parts {
    char base[BASE_SIZE]; /* "timestamp without time zone" */
    long mods[MODS_MAX];
    bool is_array;
};

/* "character varying(10)[]" into its parts. */
static struct type_parts
take_apart(const char *text)
{
    struct type_parts parts = {.mods = {NO_MOD, NO_MOD}};
    const char *open = strchr(text, '('), *close = open ? strchr(open, ')') : NULL;
    size_t size = strlen(text);

    if (size > 2 && strcmp(text + size - 2, "[]") == 0) {
        parts.is_array = true;
        size -= 2;
    }
    if (!open || !close) {
        snprintf(parts.base, sizeof parts.base, "%.*s", (int)size, text);
        return parts;
    }
    char *end;
    parts.mods[0] = strtol(open + 1, &end, 10);
    if (*end == ',') {
        parts.mods[1] = strtol(end + 1, NULL, 10);
    }
    snprintf(parts.base, sizeof parts.base, "%.*s%.*s", (int)(open - text), text,
             (int)(size - (size_t)(close + 1 - text)), close + 1);
    return parts;
}

static bool
is(const struct type_parts *type, const char *base)
{
    return strcmp(type->base, base) == 0;
}

static bool
starts(const struct type_parts *type, const char *with)
{
    return strncmp(type->base, with, strlen(with)) == 0;
}

/* Casts without a function, apart from those to the type itself. */
static bool
is_binary_coercible(const struct type_parts *from, const struct type_parts *to)
{
    static const char *const pairs[][2] = {{"character varying", "text"},
                                           {"text", "character varying"},
                                           {"cidr", "inet"},
                                           {"integer", "oid"},
                                           {"oid", "integer"},
                                           {"xml", "text"},
                                           {"xml", "character varying"},
                                           {"text", "citext"},
                                           {"citext", "text"},
                                           {"citext", "character varying"},
                                           {"character varying", "citext"},
                                           {"oid", "regclass"},
                                           {"regclass", "oid"},
                                           {"regclass", "integer"},
                                           {"integer", "regclass"}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (is(from, pairs[i][0]) && is(to, pairs[i][1])) {
            return true;
        }
    }
    return false;
}

/* The same type with another length or precision: whether every old value is one of the new. */
static bool
is_widened(const struct type_parts *from, const struct type_parts *to)
{
    if (to->mods[0] == NO_MOD && !is(to, "character") && !is(to, "bit")) {
        return true;
    }
    if (is(to, "character varying") || is(to, "bit varying")) {
        return from->mods[0] != NO_MOD && to->mods[0] >= from->mods[0];
    }
    if (is(to, "numeric")) {
        long old_scale = from->mods[1] == NO_MOD ? 0 : from->mods[1];
        long new_scale = to->mods[1] == NO_MOD ? 0 : to->mods[1];
        return from->mods[0] != NO_MOD && to->mods[0] >= from->mods[0] && old_scale == new_scale;
    }
    if (starts(to, "time") || is(to, "interval")) {
        long precision = from->mods[0] == NO_MOD ? 6 : from->mods[0];
        return to->mods[0] >= precision;
    }
    return to->mods[0] == from->mods[0] && to->mods[1] == from->mods[1];
}

/* The type behind a domain; `is_constrained` when values must be looked at. */
static const char *
base_of(const struct reading *reading, const char *type, bool *is_constrained)
{
    char schema[BASE_SIZE];
    const char *dot = strchr(type, '.');
    *is_constrained = false;
    if (!reading->catalog) {
        return type;
    }
    snprintf(schema, sizeof schema, "%.*s", dot ? (int)(dot - type) : 0, type);
    const struct catalog_type *known =
        catalog_type(reading->catalog, dot ? schema : NULL, dot ? dot + 1 : type);
    if (!known || known->object != OBJECT_DOMAIN || !known->base) {
        return type;
    }
    *is_constrained = known->is_constrained;
    return known->base;
}

bool
type_change_rewrites(const struct reading *reading, const char *from, const char *to)
{
    bool is_old_constrained, is_new_constrained;
    bool is_same = strcmp(from, to) == 0;
    struct type_parts old = take_apart(base_of(reading, from, &is_old_constrained));
    struct type_parts new = take_apart(base_of(reading, to, &is_new_constrained));

    if (is_same) {
        return false;
    }
    if (is_new_constrained || old.is_array != new.is_array) {
        return true;
    }
    bool is_same_base = strcmp(old.base, new.base) == 0;
    if (old.is_array) {
        return !(is_same_base && old.mods[0] == new.mods[0] && old.mods[1] == new.mods[1]);
    }
    if (is_same_base) {
        bool is_equal = old.mods[0] == new.mods[0] && old.mods[1] == new.mods[1];
        return !is_equal && !is_widened(&old, &new);
    }
    if (!is_binary_coercible(&old, &new)) {
        return true;
    }
    /* To a length of its own: every value must be measured, except varchar's against varchar's. */
    return new.mods[0] != NO_MOD;
}

bool
type_change_keeps_index(const char *from, const char *to)
{
    struct type_parts old = take_apart(from), new = take_apart(to);
    bool is_same_base = strcmp(old.base, new.base) == 0 && old.is_array == new.is_array;
    bool are_texts = (is(&old, "text") || is(&old, "character varying")) &&
                     (is(&new, "text") || is(&new, "character varying"));

    return is_same_base || are_texts || (is(&old, "cidr") && is(&new, "inet"));
}
