#include "common/migration/probe.h"

#define VERSION_SIZE_MAX 128
#define PATH_SIZE_MAX 1024
#define PLACE_MAX ((uint64_t)64 << 20)

static const struct pack_field batch_probe_fields[] = {
    PACK_FIELD_NAME(struct batch_probe, version, VERSION_SIZE_MAX),
    PACK_FIELD_NAME(struct batch_probe, path, PATH_SIZE_MAX),
    PACK_FIELD_BOOL(struct batch_probe, is_down),
    PACK_FIELD_UINT(struct batch_probe, line, PLACE_MAX),
    PACK_FIELD_UINT(struct batch_probe, column, PLACE_MAX),
    PACK_FIELD_STRUCT(struct batch_probe, subject, batch_subject_shape),
};

const struct pack_shape batch_probe_shape = PACK_SHAPE(struct batch_probe, batch_probe_fields);

static const struct pack_field batch_verdict_fields[] = {
    PACK_FIELD_NAME(struct batch_verdict, version, VERSION_SIZE_MAX),
    PACK_FIELD_BOOL(struct batch_verdict, is_warning),
    PACK_FIELD_STRUCT(struct batch_verdict, fault, fault_shape),
};

const struct pack_shape batch_verdict_shape =
    PACK_SHAPE(struct batch_verdict, batch_verdict_fields);
