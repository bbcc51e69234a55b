#include "common/migration/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define NAME_MAX_SIZE 64
#define OFFSETS_MAX 64
#define YEARS_S ((time_t)10 * 366 * 86400)
#define STRIDE_S ((time_t)7 * 86400) /* no zone changes its mind twice in a week */
#define FOLDER "/usr/share/zoneinfo"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const struct pack_field offset_fields[] = {
    PACK_FIELD_INT(struct zone_offset, from_s),
    PACK_FIELD_INT(struct zone_offset, ahead_s),
};
static const struct pack_shape offset_shape = PACK_SHAPE(struct zone_offset, offset_fields);

static const struct pack_field zone_fields[] = {
    PACK_FIELD_TEXT(struct zone, name, NAME_MAX_SIZE),
    PACK_FIELD_LIST(struct zone, offsets, offset_count, offset_shape, OFFSETS_MAX),
};
const struct pack_shape zone_shape = PACK_SHAPE(struct zone, zone_fields);

const char *
zone_name(const struct zone *zone)
{
    return zone->name ? zone->name : "UTC";
}

/* ---- asking libc ----------------------------------------------------------------------------- */

/* libc takes what it does not know for UTC, without a word: so its file must be there. */
static bool
is_known(const char *name)
{
    const char *folder = getenv("TZDIR");
    char magic[5] = "";

    if (strlen(name) > NAME_MAX_SIZE || name[0] == '/' ||
        name[strspn(name, LETTERS "0123456789_+-/")]) {
        return false;
    }
    CLEANUP(mem_free) char *path = mem_format("%s/%s", folder ? folder : FOLDER, name);
    FILE *file = fopen(path, "re");
    if (file) {
        (void)!fread(magic, 1, sizeof magic - 1, file);
        fclose(file);
    }
    return text_equal(magic, "TZif");
}

static int64_t
ahead_at(time_t moment)
{
    struct tm local;

    return localtime_r(&moment, &local) ? (int64_t)local.tm_gmtoff : 0;
}

/* The first second of the new offset, which is somewhere behind `before` and up to `after`. */
static time_t
change_between(time_t before, time_t after)
{
    int64_t ahead_s = ahead_at(before);

    while (after - before > 1) {
        time_t middle = before + (after - before) / 2;
        if (ahead_at(middle) == ahead_s) {
            before = middle;
        } else {
            after = middle;
        }
    }
    return after;
}

static void
read_offsets(time_t begin, struct arena *arena, struct zone *zone)
{
    struct zone_offset found[OFFSETS_MAX] = {{0, ahead_at(begin)}};
    size_t count = 1;

    for (time_t at = begin; at < begin + YEARS_S && count < OFFSETS_MAX; at += STRIDE_S) {
        int64_t ahead_s = ahead_at(at + STRIDE_S);
        if (ahead_s != found[count - 1].ahead_s) {
            found[count++] = (struct zone_offset){change_between(at, at + STRIDE_S), ahead_s};
        }
    }
    zone->offsets = arena_copy(arena, found, count * sizeof *found);
    zone->offset_count = count;
}

static void
set_zone(const char *name)
{
    if (name) {
        setenv("TZ", name, 1);
    } else {
        unsetenv("TZ");
    }
    tzset();
}

bool
zone_read(const char *name, int64_t wall_ms, struct arena *arena, struct zone *zone,
          struct error *error)
{
    char shown[TEXT_SHOWN_SIZE];

    *zone = (struct zone){0};
    if (text_equal(name, "UTC")) {
        return true;
    }
    if (!is_known(name)) {
        error_set(error, "E-PLAN-RANGE", "there is no time zone of this name");
        error_found(error, "%s", text_shown(name, shown));
        return error_hint(error, "as in the IANA database: Europe/Berlin, America/New_York; the "
                                 "package is called tzdata; or none, for UTC");
    }
    CLEANUP(mem_free) char *mine = getenv("TZ") ? mem_text(getenv("TZ")) : NULL;
    CLEANUP(mem_free) char *theirs = mem_format(":%s", name);
    set_zone(theirs);
    zone->name = arena_text(arena, name);
    read_offsets((time_t)(wall_ms / 1000) - 2 * 86400, arena, zone);
    set_zone(mine);
    return true;
}

/* ---- moments --------------------------------------------------------------------------------- */

int64_t
zone_local_ms(const struct zone *zone, int64_t wall_ms)
{
    int64_t ahead_s = zone->offset_count ? zone->offsets[0].ahead_s : 0;

    for (size_t i = 1; i < zone->offset_count && zone->offsets[i].from_s * 1000 <= wall_ms; i++) {
        ahead_s = zone->offsets[i].ahead_s;
    }
    return wall_ms + ahead_s * 1000;
}

int64_t
zone_moment_ms(const struct zone *zone, int64_t local_ms)
{
    int64_t moment_ms = local_ms;

    for (size_t i = 0; i < zone->offset_count; i++) {
        int64_t from_ms = i > 0 ? zone->offsets[i].from_s * 1000 : INT64_MIN;
        moment_ms = local_ms - zone->offsets[i].ahead_s * 1000;
        moment_ms = moment_ms > from_ms ? moment_ms : from_ms;
        if (i + 1 == zone->offset_count || moment_ms < zone->offsets[i + 1].from_s * 1000) {
            break;
        }
    }
    return moment_ms;
}
