#include "common/migration/finding.h"

const char *const policy_words[POLICY_COUNT] = {"default", "ignore", "warn", "hold", "refuse"};

static const struct pack_field finding_fields[] = {
    PACK_FIELD_NAME(struct finding, check, 32),
    PACK_FIELD_NAMED_ENUM(struct finding, policy, policy_words),
    PACK_FIELD_TEXT(struct finding, version, 128),
    PACK_FIELD_NAME(struct finding, text, 256),
    PACK_FIELD_TEXT(struct finding, hint, 256),
};

const struct pack_shape finding_shape = PACK_SHAPE(struct finding, finding_fields);
