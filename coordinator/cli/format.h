/*
 * format: numbers as people read them: how long, how many, when. Every function writes into the
 * caller's room and returns it, so that it can stand in a call.
 */
#ifndef COORDINATOR_CLI_FORMAT_H
#define COORDINATOR_CLI_FORMAT_H

#include <stdint.h>

#define FORMAT_SIZE 48

/* "0 ms", "350 ms", "2.1 s", "1m 20s", "3h 05m", "2d 04h". */
const char *format_duration_ms(uint64_t duration_ms, char out[FORMAT_SIZE]);

/* The same for what is measured finely: "420 µs", "1.3 ms", then as above. */
const char *format_duration_us(uint64_t duration_us, char out[FORMAT_SIZE]);

/* An estimate: "1 s" at least, "40 s", then as above. */
const char *format_rough_ms(uint64_t duration_ms, char out[FORMAT_SIZE]);

/* A wait that only its size matters of: "5s", "2m", "3h", "4d". */
const char *format_ago_ms(uint64_t duration_ms, char out[FORMAT_SIZE]);

/* "5,000" */
const char *format_count(uint64_t count, char out[FORMAT_SIZE]);

/* "3 targets", "1 target"; the plural is noun + "s". */
const char *format_counted(uint64_t count, const char *noun, char out[FORMAT_SIZE]);

/* Milliseconds since 1970 as "2026-01-31 12:00:05", local time; "" for 0. */
const char *format_when(uint64_t wall_ms, char out[FORMAT_SIZE]);

/* PostgreSQL's number of a version: 150018 as "15.18"; "" for 0. */
const char *format_server_version(uint64_t version, char out[FORMAT_SIZE]);

/* "1.5 MiB" */
const char *format_size(uint64_t bytes, char out[FORMAT_SIZE]);

#endif
