/*
 * script_raw: a script that the grammar cannot read, because it is newer, run as it stands: when
 * `-- skein: raw` stands above all of it, or skein.yaml lists its file. It is sent as a whole in
 * the step's transaction, and nothing in it is looked at. Not for psql's commands and rows of COPY:
 * the server would not understand them either. Not outside a transaction: nobody could tell after a
 * crash whether it was done.
 */
#ifndef COMMON_MIGRATION_SCRIPT_RAW_H
#define COMMON_MIGRATION_SCRIPT_RAW_H

#include "common/migration/script_reading.h"

/*
 * `error` and `place` say why it could not be read. False when that counts, or its annotations are
 * wrong.
 */
bool script_understand_raw(struct script_reading *script, struct error *error, struct place place);

#endif
