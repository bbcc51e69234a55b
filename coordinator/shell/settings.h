/*
 * settings: what coordinator.yaml says, read and checked before anything is opened.
 */
#ifndef COORDINATOR_SHELL_SETTINGS_H
#define COORDINATOR_SHELL_SETTINGS_H

#include "common/base/log.h"
#include "common/io/config.h"
#include "proto/message.h"

/* An operator who may come in from the first start on. */
struct settings_operator {
    const char *name;
    enum role role;
    struct key key;
};

/* Texts belong to the configuration that they were read from. */
struct settings {
    const char *endpoints[PARTY_COUNT];
    const char *key_path, *store_path;
    bool has_cluster;
    struct id cluster_id;  /* the cluster that the store must belong to */
    bool refuses_volatile; /* a store in memory is refused */
    enum log_level log_level;
    uint64_t agents_max, operators_max; /* connections there must be descriptors for */
    uint64_t store_size_max;            /* bytes; 0: as the disk allows */
    uint64_t window, attempts_max;      /* 0: as the core has it */
    uint64_t heartbeat_ms, resend_ms;
    struct settings_operator *operators; /* the arena's */
    size_t operator_count;
    struct arena arena;
};

bool settings_read(const struct config *config, struct settings *settings, struct error *error);
void settings_release(struct settings *settings);

/* How many descriptors the process needs for all of them. */
uint64_t settings_descriptors(const struct settings *settings);

#endif
