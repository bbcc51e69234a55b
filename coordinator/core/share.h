/*
 * share: "1", "10 %": how many of a run's targets a wave reaches, or how many may fail.
 */
#ifndef COORDINATOR_CORE_SHARE_H
#define COORDINATOR_CORE_SHARE_H

#include "proto/message.h"

/* As many as are meant, rounded up, at most total: a wave of 10 % of 5 targets is one target. */
size_t share_up(const struct share *share, size_t total);

/* The same rounded down: with a budget of 10 %, none of 5 targets may fail. */
size_t share_down(const struct share *share, size_t total);

#endif
