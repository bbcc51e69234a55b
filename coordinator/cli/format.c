#include "coordinator/cli/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *
format_duration_ms(uint64_t duration_ms, char out[FORMAT_SIZE])
{
    uint64_t seconds = (duration_ms + 500) / 1000;

    if (duration_ms < 1000) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 " ms", duration_ms);
    } else if (duration_ms < 59950) {
        snprintf(out, FORMAT_SIZE, "%.1f s", (double)duration_ms / 1000);
    } else if (seconds < 3600) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 "m %02" PRIu64 "s", seconds / 60, seconds % 60);
    } else if (seconds < 86400) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 "h %02" PRIu64 "m", seconds / 3600,
                 seconds % 3600 / 60);
    } else {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 "d %02" PRIu64 "h", seconds / 86400,
                 seconds % 86400 / 3600);
    }
    return out;
}

const char *
format_duration_us(uint64_t duration_us, char out[FORMAT_SIZE])
{
    if (duration_us < 1000) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 " µs", duration_us);
    } else if (duration_us < 99950) {
        snprintf(out, FORMAT_SIZE, "%.1f ms", (double)duration_us / 1000);
    } else {
        format_duration_ms((duration_us + 500) / 1000, out);
    }
    return out;
}

const char *
format_rough_ms(uint64_t duration_ms, char out[FORMAT_SIZE])
{
    if (duration_ms >= 59500) {
        return format_duration_ms(duration_ms < 60000 ? 60000 : duration_ms, out);
    }
    snprintf(out, FORMAT_SIZE, "%" PRIu64 " s",
             duration_ms < 1000 ? 1 : (duration_ms + 500) / 1000);
    return out;
}

const char *
format_ago_ms(uint64_t duration_ms, char out[FORMAT_SIZE])
{
    static const struct {
        uint64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    uint64_t seconds = duration_ms / 1000;
    size_t unit = 0;

    while (units[unit].seconds > 1 && seconds < 2 * units[unit].seconds) {
        unit++;
    }
    snprintf(out, FORMAT_SIZE, "%" PRIu64 "%c", seconds / units[unit].seconds, units[unit].unit);
    return out;
}

const char *
format_count(uint64_t count, char out[FORMAT_SIZE])
{
    char digits[24];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *
format_counted(uint64_t count, const char *noun, char out[FORMAT_SIZE])
{
    char number[FORMAT_SIZE];

    snprintf(out, FORMAT_SIZE, "%.26s %.18s%s", format_count(count, number), noun,
             count == 1 ? "" : "s");
    return out;
}

const char *
format_when(uint64_t wall_ms, char out[FORMAT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;

    out[0] = '\0';
    if (wall_ms > 0 && localtime_r(&seconds, &local)) {
        strftime(out, FORMAT_SIZE, "%Y-%m-%d %H:%M:%S", &local);
    }
    return out;
}

const char *
format_server_version(uint64_t version, char out[FORMAT_SIZE])
{
    out[0] = '\0';
    if (version >= 100000) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64, version / 10000, version % 10000);
    } else if (version > 0) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 ".%" PRIu64, version / 10000,
                 version / 100 % 100, version % 100);
    }
    return out;
}

const char *
format_size(uint64_t bytes, char out[FORMAT_SIZE])
{
    if (bytes < 1024) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 " B", bytes);
    } else if (bytes < 1024 * 1024) {
        snprintf(out, FORMAT_SIZE, "%.1f KiB", (double)bytes / 1024);
    } else {
        snprintf(out, FORMAT_SIZE, "%.1f MiB", (double)bytes / (1024 * 1024));
    }
    return out;
}
