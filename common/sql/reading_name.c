#include <string.h>

#include "common/sql/reading.h"

const char *
text_or_null(const char *text)
{
    return text && text[0] ? text : NULL;
}

size_t
reading_offset(const struct reading *reading, int location)
{
    return location > 0 && !reading->is_inside ? reading->skipped + (size_t)location
                                               : reading->start;
}

static const char *
schema_of_new(const struct reading *reading)
{
    if (reading->schema) {
        return reading->schema;
    }
    return reading->catalog ? catalog_schema(reading->catalog) : "public";
}

/* Fill in where a relation is: as written, as the catalog finds it, or where it would be made. */
static void
find_relation(const struct reading *reading, struct object_name *name)
{
    const struct catalog *catalog = reading->catalog;
    const char *written = name->schema ? name->schema : reading->schema;
    const struct catalog_index *index;

    name->table = catalog ? catalog_table(catalog, written, name->name) : NULL;
    if (name->table) {
        name->schema = name->table->schema;
        name->is_temporary = name->table->is_temporary;
        return;
    }
    index = catalog ? catalog_index(catalog, written, name->name) : NULL;
    if (index) {
        name->schema = index->schema;
    }
    if (!name->schema) {
        name->schema = schema_of_new(reading);
    }
}

struct object_name
name_of_relation(const struct reading *reading, const PgQuery__RangeVar *range)
{
    struct object_name name = {.schema = text_or_null(range->schemaname),
                               .name = range->relname,
                               .offset = reading_offset(reading, range->location)};

    name.is_schema_written = name.schema != NULL;
    find_relation(reading, &name);
    return name;
}

struct object_name
name_of_parts(const struct reading *reading, const char *schema, const char *name, int location)
{
    struct object_name found = {.schema = text_or_null(schema),
                                .name = name,
                                .is_schema_written = text_or_null(schema) != NULL,
                                .offset = reading_offset(reading, location)};

    find_relation(reading, &found);
    return found;
}

struct object_name
name_of_new(const struct reading *reading, const PgQuery__RangeVar *range)
{
    struct object_name name = {.schema = text_or_null(range->schemaname),
                               .name = range->relname,
                               .offset = reading_offset(reading, range->location)};

    name.is_schema_written = name.schema != NULL;
    name.is_temporary = strcmp(range->relpersistence, "t") == 0 ||
                        (name.schema && strcmp(name.schema, SQL_TEMPORARY_SCHEMA) == 0);
    if (name.is_temporary) {
        name.schema = SQL_TEMPORARY_SCHEMA;
    }
    if (!name.schema) {
        name.schema = schema_of_new(reading);
    }
    if (reading->catalog) {
        name.table = catalog_table(reading->catalog, name.schema, name.name);
    }
    return name;
}

static struct object_name
name_written(const struct reading *reading, PgQuery__Node **nodes, size_t count)
{
    struct object_name name = {.name = count ? tree_string(nodes[count - 1]) : NULL,
                               .schema = count > 1 ? tree_string(nodes[count - 2]) : NULL,
                               .offset = reading->start};

    name.name = name.name ? name.name : "";
    name.is_schema_written = name.schema != NULL;
    return name;
}

struct object_name
name_of_list(const struct reading *reading, PgQuery__Node **nodes, size_t count, size_t dropped)
{
    size_t kept = count > dropped ? count - dropped : 0;
    struct object_name name = name_written(reading, nodes, kept);

    find_relation(reading, &name);
    return name;
}

struct object_name
name_of_new_list(const struct reading *reading, PgQuery__Node **nodes, size_t count)
{
    struct object_name name = name_written(reading, nodes, count);

    if (!name.schema) {
        name.schema = schema_of_new(reading);
    }
    return name;
}

struct object_name
name_of_node(const struct reading *reading, const PgQuery__Node *node)
{
    struct object_name name = {.name = "", .offset = reading->start};

    if (!node) {
        return name;
    }
    switch (node->node_case) {
    case NODE(LIST):
        return name_of_list(reading, node->list->items, node->list->n_items, 0);
    case NODE(TYPE_NAME):
        name = name_written(reading, node->type_name->names, node->type_name->n_names);
        name.offset = reading_offset(reading, node->type_name->location);
        break;
    case NODE(OBJECT_WITH_ARGS):
        name = name_written(reading, node->object_with_args->objname,
                            node->object_with_args->n_objname);
        break;
    case NODE(STRING):
        name.name = node->string->sval;
        return name;
    case NODE(RANGE_VAR):
        return name_of_relation(reading, node->range_var);
    default:
        return name;
    }
    if (!name.schema) {
        const struct catalog_type *type =
            reading->catalog ? catalog_type(reading->catalog, NULL, name.name) : NULL;
        name.schema = type ? type->schema : schema_of_new(reading);
    }
    return name;
}

struct object_name
name_of_table(const struct catalog_table *table)
{
    return (struct object_name){.schema = table->schema,
                                .name = table->name,
                                .is_temporary = table->is_temporary,
                                .table = table};
}

struct object_name
name_plain(const char *name)
{
    return (struct object_name){.name = name ? name : ""};
}

const struct catalog_table *
constrained_table(const struct reading *reading, const struct object_name *name)
{
    if (name->table || !reading->catalog || !name->name) {
        return name->table;
    }
    return catalog_constrained(reading->catalog, name->schema, name->name);
}
