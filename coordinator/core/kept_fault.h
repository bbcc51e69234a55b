/*
 * kept_fault: a fault that outlives the message it came in, in one piece of memory.
 */
#ifndef COORDINATOR_CORE_KEPT_FAULT_H
#define COORDINATOR_CORE_KEPT_FAULT_H

#include "common/migration/outcome.h"

/* A copy, texts included; null when it says nothing (no code). The caller frees it with free(). */
struct fault *fault_keep(const struct fault *fault);

/* Put a copy into *kept_p instead of what is there. */
void fault_replace(struct fault **kept_p, const struct fault *fault);

/* What is kept, or an empty one. */
struct fault fault_of(const struct fault *kept);

bool fault_is_same(const struct fault *kept, const struct fault *fault);

#endif
