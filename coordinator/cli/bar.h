/*
 * bar: how far something is, as a bar of a fixed width; and the time it may still take.
 */
#ifndef COORDINATOR_CLI_BAR_H
#define COORDINATOR_CLI_BAR_H

#include "proto/message.h"
#include "coordinator/cli/terminal.h"

/* Append `width` columns: `done` of `total` filled, `failed` of them in another colour. */
void bar_append(const struct terminal *terminal, uint64_t done, uint64_t failed, uint64_t total,
                size_t width, struct text *out);

#endif
