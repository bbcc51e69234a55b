/*
 * story: one seed's life of a fleet. First operators ask for whatever comes to mind while bad
 * things happen, and no promise may be broken at any moment; then everything heals, and all that
 * was begun must come to its end; then every process is restarted without anything new to do, and
 * nothing may change.
 */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/trace.h"

struct story_end {
    bool is_sound;
    char violated[8], violation[1600];
    uint64_t event_count, hash, trace_hash;
    uint64_t run_count, effect_count;
    int64_t virtual_ms;
};

/* Live through the story of a seed. */
struct story_end story_run(uint64_t seed, struct trace listener);

#endif
