/* Which migrations go out together: what one of them makes is as new to the next. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/lint/linting.h"

#define DAY_DIGITS 8   /* 20260131 */
#define TIME_DIGITS 12 /* with hours and minutes at least: a counter is shorter */
#define RECENT_MAX 10

/* The day that a version begins with: its digits; false when it is no point in time. */
static bool
read_day(const char *version, char day[DAY_DIGITS + 1])
{
    size_t count = 0;

    for (; *version && (isdigit((unsigned char)*version) || strchr("-_", *version)); version++) {
        if (isdigit((unsigned char)*version)) {
            if (count < DAY_DIGITS) {
                day[count] = *version;
            }
            count++;
        }
    }
    if (count < TIME_DIGITS) {
        return false;
    }
    day[DAY_DIGITS] = '\0';
    long number = strtol(day, NULL, 10);
    long year = number / 10000, month = number / 100 % 100, date = number % 100;
    return year >= 1990 && year < 2100 && month >= 1 && month <= 12 && date >= 1 && date <= 31;
}

static bool
is_same_day(const char *one, const char *other)
{
    char here[DAY_DIGITS + 1], there[DAY_DIGITS + 1];
    return read_day(one, here) && read_day(other, there) && text_equal(here, there);
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

bool
release_goes_on(const struct source_list *sources, size_t index)
{
    const struct source_migration *here = &sources->items[index];
    const struct source_migration *before = index ? here - 1 : NULL;

    if (!before) {
        return false;
    }
    if (here->name && here->name[0] && text_equal(here->name, before->name)) {
        return true;
    }
    return here->version && before->version &&
           (is_same_day(here->version, before->version) ||
            is_same_number(sources, here->version, before->version));
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
