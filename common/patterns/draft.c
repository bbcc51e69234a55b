#include "common/patterns/draft.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/file.h"
#include "common/migration/layout.h"
#include "common/migration/listing.h"

#define LAYOUT "pairs"
#define FILES_OF_ONE 3

/* ---- the folder -------------------------------------------------------------------------------
 */

static bool
refuse_layout(const char *path, const char *layout, struct error *error)
{
    error_set(error, "E-PATTERN-LAYOUT", "new migrations cannot be written in the layout %s",
              layout);
    error_where(error, "%s", path);
    error_found(error, "supported: pairs (<version>_<name>.up.sql, .down.sql, .verify.sql; "
                       "golang-migrate has the same)");
    return error_hint(error, "write them with --migrations DIR into an empty folder, and take over "
                             "what they say");
}

/* Whether the layout, said or found, is the one we write. */
static bool
check_layout(struct listing *listing, const char *layout, struct error *error)
{
    const struct layout *found = layout_find(layout, listing, error);

    if (!found) {
        return error_is(error, "E-MIG-MISSING") && text_equal(layout, "auto");
    }
    return text_equal(found->name, LAYOUT) || refuse_layout(listing->path, found->name, error);
}

/* Digits as numbers, without their leading zeros. */
static int
compare_versions(const char *a, size_t a_size, const char *b, size_t b_size)
{
    for (; a_size && *a == '0'; a_size--) {
        a++;
    }
    for (; b_size && *b == '0'; b_size--) {
        b++;
    }
    if (a_size != b_size) {
        return a_size < b_size ? -1 : 1;
    }
    return memcmp(a, b, a_size);
}

static const char *
newest_of(const struct listing *listing, struct arena *arena)
{
    const char *newest = "";
    size_t newest_size = 0;

    for (size_t i = 0; i < listing->count; i++) {
        const char *name = listing->files[i].name;
        size_t size = strspn(name, "0123456789");
        if (size && name[size] == '_' && text_ends_with(name, ".sql") &&
            (!newest_size || compare_versions(name, size, newest, newest_size) > 0)) {
            newest = name;
            newest_size = size;
        }
    }
    return newest_size ? arena_format(arena, "%.*s", (int)newest_size, newest) : NULL;
}

bool
draft_open(const char *path, const char *layout, bool is_counted, struct arena *arena,
           struct draft_folder *folder, struct error *error)
{
    CLEANUP(listing_destroy) struct listing *listing = NULL;
    bool is_ours = text_equal(layout, "auto") || text_equal(layout, LAYOUT) ||
                   text_equal(layout, "golang-migrate");

    *folder = (struct draft_folder){.path = arena_text(arena, path), .is_counted = is_counted};
    if (!is_ours) {
        return refuse_layout(path, layout, error);
    }
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return true;
    }
    if (!listing_open(path, &listing, error) || !check_layout(listing, layout, error)) {
        return false;
    }
    folder->newest = newest_of(listing, arena);
    return true;
}

/* ---- versions ---------------------------------------------------------------------------------
 */

/* The number behind it, in as many digits at least. */
static const char *
number_after(const char *version, struct arena *arena)
{
    char *next = arena_format(arena, "0%s", version);
    char *digit = next + strlen(next) - 1;

    while (*digit == '9') {
        *digit-- = '0';
    }
    ++*digit;
    return next[0] == '0' ? next + 1 : next;
}

static const char *
time_as_version(int64_t wall_ms, struct arena *arena)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char text[32] = "";

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts);
    return arena_text(arena, text);
}

const char *
draft_version(struct draft_folder *folder, int64_t wall_ms, struct arena *arena)
{
    const char *newest = folder->newest;
    const char *version = folder->is_counted ? "1" : time_as_version(wall_ms, arena);

    if (newest && (folder->is_counted ||
                   compare_versions(version, strlen(version), newest, strlen(newest)) <= 0)) {
        version = number_after(newest, arena);
    }
    folder->newest = version;
    return version;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static bool
write_one(const char *stem, const char *part, const char *content, struct arena *arena,
          struct draft *draft, struct error *error)
{
    const char *path = arena_format(arena, "%s.%s.sql", stem, part);

    if (!content) {
        return true;
    }
    if (!file_create(path, 0644, content, "E-OUTPUT", "E-PATTERN-EXISTS", error)) {
        return false;
    }
    draft->paths[draft->path_count++] = path;
    return true;
}

static bool
write_all(struct draft_folder *folder, const char *name, const struct filled *filled,
          int64_t wall_ms, struct arena *arena, struct draft *draft, struct error *error)
{
    for (size_t i = 0; i < filled->count; i++) {
        const struct filled_migration *migration = &filled->migrations[i];
        const char *version = draft_version(folder, wall_ms + (int64_t)i * 1000, arena);
        const char *stem =
            arena_format(arena, "%s/%s_%s%s%s", folder->path, version, name,
                         migration->name ? "_" : "", migration->name ? migration->name : "");
        if (!write_one(stem, "up", migration->up, arena, draft, error) ||
            !write_one(stem, "down", migration->down, arena, draft, error) ||
            !write_one(stem, "verify", migration->verify, arena, draft, error)) {
            return false;
        }
    }
    return true;
}

bool
draft_write(struct draft_folder *folder, const char *name, const struct filled *filled,
            int64_t wall_ms, struct arena *arena, struct draft *draft, struct error *error)
{
    *draft = (struct draft){0};
    draft->paths = arena_alloc(arena, filled->count * FILES_OF_ONE * sizeof *draft->paths);
    if (!file_make_folder(folder->path, "E-OUTPUT", error)) {
        return false;
    }
    if (!write_all(folder, name, filled, wall_ms, arena, draft, error)) {
        for (size_t i = 0; i < draft->path_count; i++) {
            (void)unlink(draft->paths[i]);
        }
        return false;
    }
    return true;
}
