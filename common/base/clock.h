/*
 * clock: the two clocks that the shells read and the cores are told. Leases and deadlines use
 * clock_now_ms (CLOCK_BOOTTIME: goes on while the machine sleeps, never jumps); people are shown
 * clock_wall_ms. Clocks of two hosts are never compared.
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT_SIZE 32

int64_t clock_now_ms(void);

/* The same clock in microseconds, for measuring. */
int64_t clock_now_us(void);

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

/* A wall time as 2026-01-31T12:00:00.000Z; returns out. */
const char *clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

#endif
