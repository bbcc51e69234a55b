/*
 * config_node: the tree that config.c builds and config_read.c is asked about. For these two files
 * alone.
 */
#ifndef COMMON_IO_CONFIG_NODE_H
#define COMMON_IO_CONFIG_NODE_H

#include "common/base/arena.h"
#include "common/io/config.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* What a mapping was asked for: to suggest the likely key for one that nobody knows. */
struct wish {
    const struct wish *next;
    const char *key;
};

struct pair {
    const char *key;
    size_t line, column;
    struct config_node *value;
    bool is_known; /* somebody has asked for it */
};

struct config_node {
    struct config *config;
    enum node_kind kind;
    size_t line, column; /* from 1 */
    const char *text;    /* NODE_SCALAR */
    bool is_plain;       /* NODE_SCALAR: not in quotes */
    struct config_node **items;
    struct pair *pairs;
    size_t count, capacity;   /* of items or pairs */
    struct config_node *next; /* all nodes, to free their arrays */
    struct wish **wishes;     /* NODE_MAP */
};

struct config {
    const char *name;
    struct config_node *root;
    struct config_node *nodes;
    struct arena arena;
};

#endif
