/*
 * basics: the small values that all messages are made of.
 */
#ifndef PROTO_BASICS_H
#define PROTO_BASICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/id.h"
#include "common/io/pack.h"
#include "common/migration/bundle.h"
#include "common/migration/manifest.h"
#include "common/migration/obstacle.h"
#include "common/migration/outcome.h"
#include "common/migration/outline.h"
#include "common/migration/probe.h"

#define PROTO_VERSION 1
#define KEY_SIZE 32                /* a CURVE public key */
#define CHUNK_SIZE_MAX (256 << 10) /* bytes of a bundle in one message */
#define PAGE_SIZE_MAX 50           /* rows of a view in one message */
#define LOG_PAGE_SIZE_MAX 6        /* the same of a LOG_VIEW */
#define APPLIED_MAX 4000           /* versions of one target in a SURVEYED */
#define LABELS_MAX 32              /* of a target */
#define SERVICES_MAX 128           /* of a run */
#define WAVES_MAX 100              /* of a run */
#define RUNNING_MAX 1024           /* steps in one PING */
#define NOTE_SIZE_MAX 200          /* what a step is doing, in words */

struct key {
    uint8_t bytes[KEY_SIZE];
};

/* Who leads: the larger epoch wins; the same epoch from another instance is refused. */
struct token {
    uint64_t epoch;
    struct id instance;
};

struct label {
    const char *name, *value;
};

enum target_state { TARGET_READY, TARGET_BROKEN };

#endif
