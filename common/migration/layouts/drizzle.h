/* drizzle: what its journal says of a migration, for drizzle's own table. */
#ifndef COMMON_MIGRATION_LAYOUTS_DRIZZLE_H
#define COMMON_MIGRATION_LAYOUTS_DRIZZLE_H

#include <stdint.h>

/* source_migration->plan of the layout drizzle. */
struct drizzle_entry {
    int64_t when_ms; /* since 1970 */
};

#endif
