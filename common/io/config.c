#include "common/io/config.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config_node.h"
#include "common/io/file.h"

#define SIZE_MAX_BYTES ((size_t)1 << 20)
#define DEPTH_MAX 16
#define NODES_MAX 20000

/* Builds the tree from libyaml's events; `open` are the lists and mappings that have not ended. */
struct builder {
    struct config *config;
    struct error *error;
    struct config_node *open[DEPTH_MAX];
    size_t depth, node_count;
    bool has_document;
    bool wants_value; /* the innermost mapping has a key that lacks its value */
};

static bool
refuse(struct builder *builder, const yaml_mark_t *mark, const char *code, const char *text)
{
    error_set(builder->error, code, "%s", text);
    return error_where(builder->error, "%s:%zu:%zu", builder->config->name, mark->line + 1,
                       mark->column + 1);
}

static struct config_node *
new_node(struct builder *builder, enum node_kind kind, const yaml_mark_t *mark)
{
    struct config *config = builder->config;
    struct config_node *node = arena_alloc(&config->arena, sizeof *node);

    node->config = config;
    node->kind = kind;
    node->line = mark->line + 1;
    node->column = mark->column + 1;
    node->wishes = arena_alloc(&config->arena, sizeof *node->wishes);
    node->next = config->nodes;
    config->nodes = node;
    return node;
}

/* ---- where a node goes ----------------------------------------------------------------------- */

static bool
add_key(struct builder *builder, struct config_node *map, const yaml_event_t *event)
{
    const char *key = (const char *)event->data.scalar.value;

    if (event->type != YAML_SCALAR_EVENT) {
        return refuse(builder, &event->start_mark, "E-CFG-FEATURE",
                      "a key must be a text, not a list or a mapping");
    }
    if (strcmp(key, "<<") == 0) {
        return refuse(builder, &event->start_mark, "E-CFG-FEATURE", "merge keys are not allowed");
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->pairs[i].key, key) == 0) {
            refuse(builder, &event->start_mark, "E-CFG-DUP", "a key is there twice");
            return error_found(builder->error, "'%s', first in line %zu", key, map->pairs[i].line);
        }
    }
    map->pairs = mem_grow(map->pairs, map->count, &map->capacity, sizeof *map->pairs);
    map->pairs[map->count++] = (struct pair){
        .key = arena_text(&builder->config->arena, key),
        .line = event->start_mark.line + 1,
        .column = event->start_mark.column + 1,
    };
    builder->wants_value = true;
    return true;
}

static void
add_value(struct builder *builder, struct config_node *node)
{
    if (builder->depth == 0) {
        builder->config->root = node;
        return;
    }
    struct config_node *parent = builder->open[builder->depth - 1];
    if (parent->kind == NODE_MAP) {
        parent->pairs[parent->count - 1].value = node;
        builder->wants_value = false;
        return;
    }
    parent->items =
        mem_grow(parent->items, parent->count, &parent->capacity, sizeof *parent->items);
    parent->items[parent->count++] = node;
}

/* ---- what a node is -------------------------------------------------------------------------- */

static bool
check_plainness(struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
                const yaml_char_t *tag)
{
    if (anchor) {
        return refuse(builder, &event->start_mark, "E-CFG-FEATURE", "anchors are not allowed");
    }
    if (tag) {
        return refuse(builder, &event->start_mark, "E-CFG-FEATURE", "tags are not allowed");
    }
    if (++builder->node_count > NODES_MAX) {
        return refuse(builder, &event->start_mark, "E-CFG-RANGE", "there are too many values");
    }
    return true;
}

static bool
is_key(const struct builder *builder)
{
    return builder->depth > 0 && builder->open[builder->depth - 1]->kind == NODE_MAP &&
           !builder->wants_value;
}

static bool
take_scalar(struct builder *builder, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    if (!check_plainness(builder, event, event->data.scalar.anchor, event->data.scalar.tag)) {
        return false;
    }
    if (strlen(text) != event->data.scalar.length) {
        return refuse(builder, &event->start_mark, "E-CFG-SYNTAX", "a text has a NUL in it");
    }
    if (is_key(builder)) {
        return add_key(builder, builder->open[builder->depth - 1], event);
    }
    struct config_node *node = new_node(builder, NODE_SCALAR, &event->start_mark);
    node->text = arena_text(&builder->config->arena, text);
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    add_value(builder, node);
    return true;
}

static bool
take_start(struct builder *builder, const yaml_event_t *event)
{
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor =
        is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag =
        is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;

    if (!check_plainness(builder, event, anchor, tag)) {
        return false;
    }
    if (is_key(builder)) {
        return add_key(builder, builder->open[builder->depth - 1], event);
    }
    if (builder->depth == DEPTH_MAX) {
        refuse(builder, &event->start_mark, "E-CFG-FEATURE", "nested too deeply");
        return error_found(builder->error, "at most %d levels are allowed", DEPTH_MAX);
    }
    struct config_node *node = new_node(builder, is_map ? NODE_MAP : NODE_LIST, &event->start_mark);
    add_value(builder, node);
    builder->open[builder->depth++] = node;
    builder->wants_value = false;
    return true;
}

static bool
take_document(struct builder *builder, const yaml_event_t *event)
{
    if (builder->has_document) {
        return refuse(builder, &event->start_mark, "E-CFG-FEATURE",
                      "several documents in one file are not allowed");
    }
    if (event->data.document_start.version_directive ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end) {
        return refuse(builder, &event->start_mark, "E-CFG-FEATURE", "directives are not allowed");
    }
    builder->has_document = true;
    return true;
}

static bool
take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse(builder, &event->start_mark, "E-CFG-FEATURE", "aliases are not allowed");
    case YAML_SCALAR_EVENT:
        return take_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return take_start(builder, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        builder->wants_value = false;
        return true;
    case YAML_DOCUMENT_START_EVENT:
        return take_document(builder, event);
    default:
        return true;
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool
refuse_syntax(struct builder *builder, const yaml_parser_t *parser)
{
    refuse(builder, &parser->problem_mark, "E-CFG-SYNTAX",
           parser->problem ? parser->problem : "this is not YAML");
    return parser->context ? error_found(builder->error, "%s", parser->context) : false;
}

static bool
build(struct builder *builder, const char *text, size_t size)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool is_good = true, is_over = false;

    if (!yaml_parser_initialize(&parser)) {
        abort(); /* out of memory */
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    while (is_good && !is_over) {
        if (!yaml_parser_parse(&parser, &event)) {
            is_good = refuse_syntax(builder, &parser);
            break;
        }
        is_good = take_event(builder, &event);
        is_over = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return is_good;
}

/* libyaml's own words for this have no line. */
static bool
check_encoding(struct builder *builder, const char *text, size_t size)
{
    size_t line = 1, column = 1, offset = 0;

    if (text_is_utf8(text, size)) {
        return true;
    }
    for (size_t step; (step = text_character(text + offset, size - offset)) > 0; offset += step) {
        column = text[offset] == '\n' ? 1 : column + 1;
        line += text[offset] == '\n';
    }
    error_set(builder->error, "E-CFG-SYNTAX", "the file is not UTF-8, or has a NUL in it");
    error_where(builder->error, "%s:%zu:%zu", builder->config->name, line, column);
    return error_found(builder->error, "byte %zu is 0x%02x", offset, (unsigned char)text[offset]);
}

/* A file with nothing in it, or comments alone, is an empty mapping. */
static bool
check_root(struct builder *builder)
{
    static const yaml_mark_t start = {0};
    struct config *config = builder->config;

    if (!config->root || (config->root->kind == NODE_SCALAR && config->root->is_plain &&
                          config->root->text[0] == '\0')) {
        config->root = new_node(builder, NODE_MAP, &start);
    }
    if (config->root->kind == NODE_MAP) {
        return true;
    }
    error_set(builder->error, "E-CFG-TYPE", "the file must be a mapping: 'key: value' lines");
    return config_where(config->root, builder->error);
}

bool
config_parse(const char *name, const char *text, size_t size, struct config **config_p,
             struct error *error)
{
    struct config *config = mem_zalloc(sizeof *config);
    struct builder builder = {.config = config, .error = error};

    *config_p = NULL;
    config->name = arena_text(&config->arena, name);
    if (size > SIZE_MAX_BYTES) {
        error_set(error, "E-CFG-RANGE", "the file is too large");
        error_where(error, "%s", name);
        error_found(error, "%zu bytes, at most %zu allowed", size, SIZE_MAX_BYTES);
        config_destroy(&config);
        return false;
    }
    bool has_mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    size_t start = has_mark ? 3 : 0; /* libyaml would count it as a column */
    if (!check_encoding(&builder, text, size) || !build(&builder, text + start, size - start) ||
        !check_root(&builder)) {
        config_destroy(&config);
        return false;
    }
    *config_p = config;
    return true;
}

bool
config_open(const char *path, bool is_private, struct config **config_p, struct error *error)
{
    CLEANUP(text_release) struct text content = {0};

    *config_p = NULL;
    return file_read(path, is_private ? FILE_OWNED : FILE_ANY, SIZE_MAX_BYTES, "E-CFG-OPEN",
                     &content, error) &&
           config_parse(path, text_of(&content), content.size, config_p, error);
}

void
config_destroy(struct config **config_p)
{
    if (!*config_p) {
        return;
    }
    for (struct config_node *node = (*config_p)->nodes; node; node = node->next) {
        free(node->items);
        free(node->pairs);
    }
    arena_release(&(*config_p)->arena);
    free(*config_p);
    *config_p = NULL;
}
