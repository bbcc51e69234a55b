/*
 * works: what the statements of a script do to the content of tables that hold rows already, so
 * that whoever knows how large those are can tell how long it will take. Read against what the
 * migrations before it leave behind.
 */
#ifndef COMMON_MIGRATION_WORKS_H
#define COMMON_MIGRATION_WORKS_H

#include "common/migration/script_reading.h"

/*
 * Fill the works of the kept statements of one of a migration's scripts, and where they make
 * something; they live in the reading's arena. What an up script makes and drops is known to those
 * that are read after it.
 */
void works_read(struct script_reading *script, struct migration *migration,
                enum direction direction);

#endif
