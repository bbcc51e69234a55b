/*
 * setting: which of PostgreSQL's settings a migration may change. Most are its own affair; some
 * carry what we promise: that a commit is durable, that the journal is written as the right role,
 * that a session is found again.
 */
#ifndef COMMON_MIGRATION_SETTING_H
#define COMMON_MIGRATION_SETTING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/sql/facts.h"

/* Why the setting may not be changed so; null when it may. */
const char *setting_objection(const struct sql_setting *setting);

/* Whether it is lock_timeout or statement_timeout, set by SET: ours to keep. */
bool setting_is_timeout(const struct sql_setting *setting);

/* A time-out as PostgreSQL writes it (5000, '5s', '1 min', '1.5h') in milliseconds; 0: none. */
uint64_t setting_milliseconds(const char *value);

#endif
