/* Which migrations go out together: what one of them makes is as new to the next. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/text.h"
#include "common/lint/linting.h"

#define DAY_DIGITS 8   /* 20260131 */
#define TIME_DIGITS 12 /* with hours and minutes at least: a counter is shorter */
#define DAYS_NEW 2
#define RECENT_MAX 10

/* The day that a version begins with, counted on; 0 when it is no point in time. */
static long
day_of(const char *version)
{
    char digits[DAY_DIGITS + 1] = "";
    size_t count = 0;

    for (; *version && (isdigit((unsigned char)*version) || strchr("-_", *version)); version++) {
        if (isdigit((unsigned char)*version)) {
            if (count < DAY_DIGITS) {
                digits[count] = *version;
            }
            count++;
        }
    }
    long number = count < TIME_DIGITS ? 0 : strtol(digits, NULL, 10);
    struct tm day = {.tm_year = (int)(number / 10000) - 1900,
                     .tm_mon = (int)(number / 100 % 100) - 1,
                     .tm_mday = (int)(number % 100)};
    bool is_day = day.tm_year >= 90 && day.tm_year < 200 && day.tm_mon >= 0 && day.tm_mon < 12 &&
                  day.tm_mday >= 1 && day.tm_mday <= 31;
    return is_day ? (long)(timegm(&day) / (24 * 3600)) : 0;
}

/* Whether one is so young to the other that it has next to no rows, if it is out at all. */
static bool
is_recent(const char *before, const char *version)
{
    long earlier = day_of(before), later = day_of(version);
    return earlier && later >= earlier && later - earlier <= DAYS_NEW;
}

static size_t
count_parts(const char *version)
{
    size_t count = 1;

    for (; *version; version++) {
        count += *version == '.';
    }
    return count;
}

/*
 * Versions with a third part in a folder whose others have two: 1.94, 1.95.1, 1.95.2, 1.96. Where
 * all have three, they number releases.
 */
static bool
is_same_number(const struct source_list *sources, const char *one, const char *other)
{
    const char *last = strrchr(one, '.');
    size_t parts = count_parts(one), shared = last ? (size_t)(last - one) + 1 : 0;

    if (parts < 3 || parts != count_parts(other) || strncmp(one, other, shared) != 0) {
        return false;
    }
    for (size_t i = 0; i < sources->count; i++) {
        const char *version = sources->items[i].version;
        if (version && !sources->items[i].is_repeatable && count_parts(version) < parts) {
            return true;
        }
    }
    return false;
}

/* Whether a migration goes out with the one just before it. */
static bool
goes_on(const struct source_list *sources, size_t index)
{
    const struct source_migration *here = &sources->items[index], *before = here - 1;

    if (here->name && here->name[0] && text_equal(here->name, before->name)) {
        return true;
    }
    return here->version && before->version &&
           is_same_number(sources, here->version, before->version);
}

size_t
release_first(const struct source_list *sources, size_t index)
{
    const char *version = sources->items[index].version;
    size_t first = index;

    while (first > 0) {
        const char *before = sources->items[first - 1].version;
        if (!goes_on(sources, first) && !(version && before && is_recent(before, version))) {
            break;
        }
        first--;
    }
    return first;
}

bool
release_writes_downs(const struct source_list *sources, size_t index)
{
    size_t seen = 0, with = 0;

    for (size_t i = index; i > 0 && seen < RECENT_MAX; i--) {
        const struct source_migration *before = &sources->items[i - 1];
        if (!before->is_repeatable) {
            seen++;
            with += before->down.file != NULL;
        }
    }
    return seen && with * 2 >= seen;
}
