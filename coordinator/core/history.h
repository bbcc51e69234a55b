/*
 * history: what is applied to a target, in the order it was applied, as a survey has found it.
 * Equal histories are kept once: 5,000 databases of one service usually have a handful.
 */
#ifndef COORDINATOR_CORE_HISTORY_H
#define COORDINATOR_CORE_HISTORY_H

#include <uthash.h>

#include "common/base/arena.h"
#include "common/base/text.h"
#include "proto/message.h"

struct history_entry {
    const char *version;
    uint8_t checksum[CHECKSUM_SIZE];
    size_t index;
    UT_hash_handle hh;
};

struct history {
    struct history_entry *entries;
    size_t count;
    struct history_entry *by_version;
    struct text content; /* all of it as bytes: the key */
    struct arena arena;
    UT_hash_handle hh;
};

/* The history with this content; made when there is none. It belongs to the table. */
const struct history *history_intern(struct history **table, const struct applied *applied,
                                     size_t count);

/* Null when the version is not applied. */
const struct history_entry *history_find(const struct history *history, const char *version);

/* Forget all. */
void histories_release(struct history **table);

#endif
