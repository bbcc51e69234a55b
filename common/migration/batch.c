#include "common/migration/batch.h"

#define PLACE_MAX ((uint64_t)64 << 20)
#define DURATION_MAX_MS ((uint64_t)24 * 24 * 3600 * 1000)
#define NAME_SIZE_MAX 256
#define LIST_SIZE_MAX 4096
#define COLUMNS_MAX 100000

static const char *const exclusions[] = {"no", "maybe", "yes"};
static const char *const autovacuums[] = {"ignore", "slow", "hold"};
static const char *const changes[] = {"refuse", "continue", "restart"};

static const struct pack_field batch_subject_fields[] = {
    PACK_FIELD_TEXT(struct batch_subject, schema, NAME_SIZE_MAX),
    PACK_FIELD_NAME(struct batch_subject, table, NAME_SIZE_MAX),
    PACK_FIELD_BOOL(struct batch_subject, is_only),
    PACK_FIELD_BOOL(struct batch_subject, is_insert),
    PACK_FIELD_TEXT(struct batch_subject, key, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch_subject, changed, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch_subject, predicate, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch_subject, outputs, LIST_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch_subject, written, LIST_SIZE_MAX),
    PACK_FIELD_UINT(struct batch_subject, first_written, COLUMNS_MAX),
    PACK_FIELD_TEXT(struct batch_subject, into_schema, NAME_SIZE_MAX),
    PACK_FIELD_TEXT(struct batch_subject, into, NAME_SIZE_MAX),
    PACK_FIELD_BOOL(struct batch_subject, overrides),
    PACK_FIELD_BOOL(struct batch_subject, may_read_itself),
};

const struct pack_shape batch_subject_shape =
    PACK_SHAPE(struct batch_subject, batch_subject_fields);

static const struct pack_field batch_fields[] = {
    PACK_FIELD_UINT(struct batch, statement, PLACE_MAX),
    PACK_FIELD_BOOL(struct batch, seam.has_where),
    PACK_FIELD_UINT(struct batch, seam.open, PLACE_MAX),
    PACK_FIELD_UINT(struct batch, seam.close, PLACE_MAX),
    PACK_FIELD_UINT(struct batch, seam.table_begin, PLACE_MAX),
    PACK_FIELD_UINT(struct batch, seam.table_end, PLACE_MAX),
    PACK_FIELD_BOOL(struct batch, seam.has_alias),
    PACK_FIELD_NAME(struct batch, seam.reference, 2 * NAME_SIZE_MAX),
    PACK_FIELD_STRUCT(struct batch, subject, batch_subject_shape),
    PACK_FIELD_BOOL(struct batch, is_alone),
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
