#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t
clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

int64_t
clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *
clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    int64_t ms = (wall_ms % 1000 + 1000) % 1000; /* also before 1970 */
    time_t seconds = (time_t)((wall_ms - ms) / 1000);
    struct tm parts;
    size_t used = 0;

    if (gmtime_r(&seconds, &parts)) {
        used = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    snprintf(out + used, CLOCK_TEXT_SIZE - used, ".%03dZ", (int)ms);
    return out;
}
