#include "common/migration/window.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define DAY_MIN 1440
#define MINUTE_MS 60000
#define DAY_MS ((int64_t)DAY_MIN * MINUTE_MS)
#define ALL_DAYS 127
#define DAYS_AHEAD 14 /* the one of next week may be the one that the clocks leave out */

static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static const struct pack_field window_fields[] = {
    PACK_FIELD_UINT(struct window, days, ALL_DAYS),
    PACK_FIELD_UINT(struct window, begin_min, DAY_MIN - 1),
    PACK_FIELD_UINT(struct window, last_min, DAY_MIN - 1),
    PACK_FIELD_STRUCT(struct window, zone, zone_shape),
};

const struct pack_shape window_shape = PACK_SHAPE(struct window, window_fields);

/* ---- as text --------------------------------------------------------------------------------- */

/* The day at *at, 0 is Monday; -1: none. */
static int
take_day(const char **at)
{
    for (int day = 0; day < 7; day++) {
        if (strncasecmp(*at, day_names[day], 3) == 0) {
            *at += 3;
            return day;
        }
    }
    return -1;
}

/* "Sat", "Mon-Fri", "Fri-Mon,Wed"; nothing: every day. */
static bool
take_days(const char **at, uint64_t *days)
{
    *days = 0;
    if (**at >= '0' && **at <= '9') {
        *days = ALL_DAYS;
        return true;
    }
    do {
        *at += **at == ',';
        int first = take_day(at), last = first;
        if (first >= 0 && **at == '-') {
            (*at)++;
            last = take_day(at);
        }
        if (first < 0 || last < 0) {
            return false;
        }
        for (int day = first;; day = (day + 1) % 7) {
            *days |= (uint64_t)1 << day;
            if (day == last) {
                break;
            }
        }
    } while (**at == ',');
    return *(*at)++ == ' ';
}

/* "02:00" */
static bool
take_time(const char **at, uint64_t *minutes)
{
    const char *text = *at;
    size_t digits = strspn(text, "0123456789");

    if (digits < 1 || digits > 2 || text[digits] != ':' ||
        strspn(text + digits + 1, "0123456789") != 2) {
        return false;
    }
    unsigned hour = 0, minute = 0;
    for (size_t i = 0; i < digits; i++) {
        hour = 10 * hour + (unsigned)(text[i] - '0');
    }
    minute = 10 * (unsigned)(text[digits + 1] - '0') + (unsigned)(text[digits + 2] - '0');
    *at += digits + 3;
    *minutes = 60 * hour + minute;
    return hour < 24 && minute < 60;
}

bool
window_parse(const char *text, int64_t wall_ms, struct arena *arena, struct window *window,
             struct error *error)
{
    const char *at = text;
    char shown[TEXT_SHOWN_SIZE];

    *window = (struct window){0};
    if (take_days(&at, &window->days) && take_time(&at, &window->begin_min) && *at++ == '-' &&
        take_time(&at, &window->last_min) && (!*at || (at[0] == ' ' && at[1]))) {
        return !*at || zone_read(at + 1, wall_ms, arena, &window->zone, error);
    }
    error_set(error, "E-PLAN-RANGE", "this is no window");
    error_found(error, "%s", text_shown(text, shown));
    return error_hint(error, "22:00-04:00, or Sat,Sun 02:00-05:00 Europe/Berlin, or Mon-Fri "
                             "20:00-06:00; in UTC without a time zone");
}

static void
append_days(const struct window *window, struct text *out)
{
    for (int day = 0; day < 7; day++) {
        if (window->days != ALL_DAYS && window->days & (uint64_t)1 << day) {
            text_format(out, "%s%s", out->size ? "," : "", day_names[day]);
        }
    }
    text_append(out, out->size ? " " : "");
}

const char *
window_text(const struct window *window, char out[WINDOW_TEXT_SIZE])
{
    CLEANUP(text_release) struct text text = {0};

    append_days(window, &text);
    text_format(&text, "%02u:%02u-%02u:%02u %s", (unsigned)window->begin_min / 60,
                (unsigned)window->begin_min % 60, (unsigned)window->last_min / 60,
                (unsigned)window->last_min % 60, zone_name(&window->zone));
    snprintf(out, WINDOW_TEXT_SIZE, "%s", text_of(&text));
    return out;
}

const char *
window_clock(const struct window *window, int64_t wall_ms, char out[WINDOW_TEXT_SIZE])
{
    int64_t minutes = zone_local_ms(&window->zone, wall_ms) / MINUTE_MS % DAY_MIN;

    snprintf(out, WINDOW_TEXT_SIZE, "%02d:%02d %s", (int)(minutes / 60), (int)(minutes % 60),
             zone_name(&window->zone));
    return out;
}

/* ---- as time --------------------------------------------------------------------------------- */

int64_t
window_length_ms(const struct window *window)
{
    int64_t minutes = (int64_t)window->last_min - (int64_t)window->begin_min;

    return (minutes > 0 ? minutes : minutes + DAY_MIN) * MINUTE_MS;
}

/* 1970 began on a Thursday. */
static bool
begins_on(const struct window *window, int64_t day)
{
    return (window->days >> ((day % 7 + 3) % 7) & 1) != 0;
}

/* When the window of a day of its zone opens and closes; false when it does not open. */
static bool
open_on(const struct window *window, int64_t day, int64_t *begin_ms, int64_t *end_ms)
{
    int64_t local_ms = day * DAY_MS + (int64_t)window->begin_min * MINUTE_MS;

    *begin_ms = zone_moment_ms(&window->zone, local_ms);
    *end_ms = zone_moment_ms(&window->zone, local_ms + window_length_ms(window));
    return begins_on(window, day) && *begin_ms < *end_ms;
}

int64_t
window_left_ms(const struct window *window, int64_t wall_ms)
{
    int64_t today = zone_local_ms(&window->zone, wall_ms) / DAY_MS, left_ms = 0;

    if (!window->days) {
        return INT64_MAX;
    }
    for (int64_t day = today > 0 ? today - 1 : 0; day <= today; day++) {
        int64_t begin_ms, end_ms;
        if (open_on(window, day, &begin_ms, &end_ms) && wall_ms >= begin_ms && wall_ms < end_ms) {
            left_ms = end_ms - wall_ms;
        }
    }
    return left_ms;
}

int64_t
window_wait_ms(const struct window *window, int64_t wall_ms)
{
    int64_t today = zone_local_ms(&window->zone, wall_ms) / DAY_MS;

    if (window_left_ms(window, wall_ms) > 0) {
        return 0;
    }
    for (int64_t day = today; day <= today + DAYS_AHEAD; day++) {
        int64_t begin_ms, end_ms;
        if (open_on(window, day, &begin_ms, &end_ms) && begin_ms > wall_ms) {
            return begin_ms - wall_ms;
        }
    }
    return DAY_MS;
}
