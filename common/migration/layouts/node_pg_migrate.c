/*
 * node-pg-migrate: <digits>_<name>.sql. What stands behind a line `-- Up Migration` is the up, what
 * stands behind `-- Down Migration` the down; a file without either is all up.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/migration/collection.h"

#define PATTERN "<digits>_<name>.sql"

/* "--", dashes and blanks, the direction, blanks, "migration". */
static bool
is_mark(const struct listed_file *file, const struct line *line, const char *direction)
{
    const char *at = file->text + line->offset, *end = at + line->size;
    size_t direction_size = strlen(direction);

    while (at < end && isspace((unsigned char)*at)) {
        at++;
    }
    if (end - at < 2 || memcmp(at, "--", 2) != 0) {
        return false;
    }
    while (at < end && (*at == '-' || isspace((unsigned char)*at))) {
        at++;
    }
    if ((size_t)(end - at) < direction_size || strncasecmp(at, direction, direction_size) != 0) {
        return false;
    }
    const char *word = at + direction_size;
    while (word < end && isspace((unsigned char)*word)) {
        word++;
    }
    return word > at + direction_size && end - word >= 9 && strncasecmp(word, "migration", 9) == 0;
}

/* Where the first mark of a direction stands; the file's size when there is none. */
static size_t
find_mark(const struct listed_file *file, const char *direction)
{
    struct line line = {0};

    while (line_next(file, &line)) {
        if (is_mark(file, &line, direction)) {
            return line.offset;
        }
    }
    return file->size;
}

static bool
claims(struct listing *listing, struct listed_file *file)
{
    struct error error;

    return !file->is_folder && name_is_numbered(file->name, "_", ".sql") &&
           listing_load(listing, file, &error) &&
           (find_mark(file, "up") < file->size || find_mark(file, "down") < file->size);
}

static bool
read_file(struct collection *collection, struct listed_file *file,
          struct source_migration *migration)
{
    size_t up = find_mark(file, "up"), down = find_mark(file, "down"), size = file->size;

    if (up == size && down < size) {
        return collection_refuse_at(collection, file, down, "E-MIG-MARK",
                                    "-- Down Migration without -- Up Migration",
                                    "node-pg-migrate would carry out all of the file",
                                    "write -- Up Migration above the up");
    }
    if (up == size) {
        migration->up = collection_whole(collection, file);
    } else if (up < down) {
        migration->up = collection_stretch(collection, file, 0, down);
    } else {
        migration->up = collection_stretch(collection, file, up, size - up);
    }
    if (down < size) {
        size_t end = up < down ? size : up;
        migration->down = collection_stretch(collection, file, down, end - down);
    }
    return true;
}

static void
collect(struct collection *collection)
{
    static const struct numbered numbered = {
        .separator = "_", .pattern = PATTERN, .read = read_file};

    collection_collect_numbered(collection, &numbered);
}

static const char *const absorbed[] = {"sqlx", NULL};

const struct layout layout_node_pg_migrate = {.name = "node-pg-migrate",
                                              .pattern = PATTERN,
                                              .claims = claims,
                                              .absorbs = absorbed,
                                              .collect = collect,
                                              .runs_mixed = true};
