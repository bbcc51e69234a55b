#include "common/migration/batch.h"

#define PLACE_MAX ((uint64_t)64 << 20)
#define DURATION_MAX_MS ((uint64_t)24 * 24 * 3600 * 1000)
#define NAME_SIZE_MAX 256
#define LIST_SIZE_MAX 4096
#define COLUMNS_MAX 100000

static const char *const exclusions[] = {"no", "maybe", "yes"};
static const char *const autovacuums[] = {"ignore", "slow", "hold"};
static const char *const changes[] = {"refuse", "continue", "restart"};

static const struct pack_field batch_fields[] = {
    PACK_FIELD_UINT(struct batch, statement, PLACE_MAX),
    PACK_FIELD_BOOL(struct batch, seam.has_where),
    PACK_FIELD_UINT(struct batch, seam.open, PLACE_MAX),
    PACK_FIELD_UINT(struct batch, seam.close, PLACE_MAX),
    PACK_FIELD_UINT(struct batch, seam.table_begin, PLACE_MAX),
    PACK_FIELD_UINT(struct batch, seam.table_end, PLACE_MAX),
    PACK_FIELD_BOOL(struct batch, seam.has_alias),
    PACK_FIELD_NAME(struct batch, seam.reference, 2 * NAME_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch, schema, NAME_SIZE_MAX),
    PACK_FIELD_NAME(struct batch, table, NAME_SIZE_MAX),
    PACK_FIELD_BOOL(struct batch, is_only),
    PACK_FIELD_BOOL(struct batch, is_insert),
    PACK_FIELD_BOOL(struct batch, is_alone),
    PACK_FIELD_TEXT(struct batch, key, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch, changed, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch, predicate, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch, outputs, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch, written, LIST_SIZE_MAX),
    PACK_FIELD_UINT(struct batch, first_written, COLUMNS_MAX),
    PACK_FIELD_TEXT(struct batch, into_schema, NAME_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch, into, NAME_SIZE_MAX),
    PACK_FIELD_BOOL(struct batch, overrides),
    PACK_FIELD_BOOL(struct batch, may_read_itself),
    PACK_FIELD_NAMED_ENUM(struct batch, excludes, exclusions),
    PACK_FIELD_NAMED_ENUM(struct batch, on_change, changes),
    PACK_FIELD_TEXT(struct batch, check, LIST_SIZE_MAX),
    PACK_FIELD_UINT(struct batch, pace.time_ms, DURATION_MAX_MS),
    PACK_FIELD_UINT(struct batch, pace.pause_ms, DURATION_MAX_MS),
    PACK_FIELD_UINT(struct batch, pace.rows_min, BATCH_ROWS_MOST),
    PACK_FIELD_UINT(struct batch, pace.rows_max, BATCH_ROWS_MOST),
    PACK_FIELD_UINT(struct batch, pace.lag_ms, DURATION_MAX_MS),
    PACK_FIELD_UINT(struct batch, pace.archive, BATCH_ROWS_MOST),
    PACK_FIELD_UINT(struct batch, pace.busy, BATCH_ROWS_MOST),
    PACK_FIELD_TEXT(struct batch, pace.hold, LIST_SIZE_MAX),
    PACK_FIELD_NAMED_ENUM(struct batch, pace.autovacuum, autovacuums),
};

const struct pack_shape batch_shape = PACK_SHAPE(struct batch, batch_fields);
