/*
 * history_keys: what a migration is called in its tool's own history table: numbers, file names,
 * checksums as that tool makes them. They are computed where the files are read, and stand in the
 * manifest, so that whoever writes the table needs neither the files nor the digests.
 */
#ifndef COMMON_MIGRATION_HISTORY_KEYS_H
#define COMMON_MIGRATION_HISTORY_KEYS_H

#include "common/migration/layout.h"
#include "common/migration/manifest.h"

/*
 * Fill in the keys of all migrations, which stand in the order of the sources; texts live in the
 * arena. Nothing happens for a layout whose tool is not known.
 */
void history_keys_make(struct listing *files, const struct source_list *sources,
                       struct manifest *manifest, struct arena *arena);

/* Append a key; for the tools' own functions. The value is copied. */
void history_keys_add(struct migration *migration, struct arena *arena, const char *name,
                      const char *value);

#endif
