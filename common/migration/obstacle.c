#include "common/migration/obstacle.h"

const char *const policy_words[POLICY_COUNT] = {"default", "ignore", "warn", "hold", "refuse"};

static const struct pack_field obstacle_fields[] = {
    PACK_FIELD_NAME(struct obstacle, check, 32),
    PACK_FIELD_NAMED_ENUM(struct obstacle, policy, policy_words),
    PACK_FIELD_TEXT(struct obstacle, version, 128),
    PACK_FIELD_BOOL(struct obstacle, is_of_catalog),
    PACK_FIELD_NAME(struct obstacle, text, 256),
    PACK_FIELD_TEXT(struct obstacle, hint, 256),
};

const struct pack_shape obstacle_shape = PACK_SHAPE(struct obstacle, obstacle_fields);
