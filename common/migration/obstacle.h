/*
 * obstacle: something that stands against a change of a target, as its agent finds it before the
 * change is begun, and what is done about it there.
 */
#ifndef COMMON_MIGRATION_OBSTACLE_H
#define COMMON_MIGRATION_OBSTACLE_H

#include "common/io/pack.h"

#define OBSTACLES_MAX 8 /* told of one target: the gravest */

/* What is done, from the lightest to the gravest. */
enum policy {
    POLICY_DEFAULT, /* nothing was said about it */
    POLICY_IGNORE,
    POLICY_WARN, /* it stands in the outcome */
    POLICY_HOLD, /* wait until it is over, for a time */
    POLICY_REFUSE,
    POLICY_COUNT
};

/* "default", "ignore", "warn", "hold", "refuse" */
extern const char *const policy_words[POLICY_COUNT];

struct obstacle {
    const char *check; /* "lag", "slots", …, as in agent.yaml */
    enum policy policy;
    const char *version; /* the first migration that it stands against; null: any */
    bool is_of_catalog;  /* what is done before that one may change it */
    const char *text, *hint;
};

extern const struct pack_shape obstacle_shape;

#endif
