/*
 * verified: statements that PostgreSQL refuses inside a transaction, and whose outcome no catalog
 * tells in general: their author says how it is told (`verify="SELECT …"`), and what clears away
 * what a broken-off one leaves behind (`cleanup="…"`).
 */
#ifndef COMMON_MIGRATION_VERIFIED_H
#define COMMON_MIGRATION_VERIFIED_H

#include "common/migration/script_reading.h"

/*
 * Give each such statement what the annotations above it say: its kind becomes SQL_VERIFIED. False
 * when one of them is wrong; that is in the script's `found` then.
 */
bool verified_read(struct script_reading *script);

#endif
