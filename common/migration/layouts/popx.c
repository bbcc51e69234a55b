/*
 * popx: <version>_<name>[.<dialect>][.autocommit].up.sql and .down.sql, as Ory and Supabase Auth
 * have them. The file of our dialect wins over the general one; those of others are passed over.
 * `.autocommit`: without a transaction. {{ … }} of Go's templates are placeholders. A file may be
 * empty.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<version>_<name>[.postgres][.autocommit].up.sql, .down.sql"
#define AUTOCOMMIT ".autocommit"

enum part { PART_UP, PART_DOWN };

/* A file, and what its name says. */
struct popx_file {
    struct versioned versioned;
    bool has_dialect, is_ours, is_outside;
};

/* Cut an ending off; false when it is not there. */
static bool
cut(char *name, const char *ending)
{
    bool is_there = text_ends_with(name, ending);

    if (is_there) {
        name[strlen(name) - strlen(ending)] = '\0';
    }
    return is_there;
}

static bool
is_dialect(const char *word)
{
    if (!*word) {
        return false;
    }
    for (; *word; word++) {
        if (!islower((unsigned char)*word) && !isdigit((unsigned char)*word)) {
            return false;
        }
    }
    return true;
}

/* The name without what is cut off is left in `name`. */
static bool
take_apart(char *name, struct popx_file *out)
{
    *out = (struct popx_file){0};
    if (cut(name, ".down.sql")) {
        out->versioned.part = PART_DOWN;
    } else if (!cut(name, ".up.sql")) {
        return false;
    }
    out->is_outside = cut(name, AUTOCOMMIT);
    char *dot = strchr(name, '.');
    if (dot) {
        out->has_dialect = true;
        out->is_ours = text_equal(dot + 1, "postgres");
        if (!is_dialect(dot + 1)) {
            return false;
        }
        *dot = '\0';
    }
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && name[digits] == '_' && name[digits + 1];
}

/* Those that only popx has: pairs have neither a dialect nor autocommit. */
static bool
claims(struct listing *listing, struct listed_file *file)
{
    static const char *const dialects[] = {".postgres.", ".mysql.", ".sqlite.", ".sqlite3.",
                                           ".cockroach."};
    CLEANUP(mem_free) char *name = mem_text(file->name);
    struct popx_file parsed;
    bool is_known = strstr(file->name, AUTOCOMMIT ".") != NULL;

    (void)listing;
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        is_known = is_known || strstr(file->name, dialects[i]);
    }
    return is_known && take_apart(name, &parsed);
}

static bool
take(struct collection *collection, struct listed_file *file, struct popx_file *out)
{
    if (file->is_folder || collection_refuse_program(collection, file) ||
        !collection_takes(collection, file, ".sql")) {
        return false;
    }
    char *name = collection_piece(collection, file->name, strlen(file->name));
    if (!take_apart(name, out)) {
        return collection_refuse_name(collection, file, PATTERN);
    }
    size_t digits = strspn(name, "0123456789");
    out->versioned.version = collection_piece(collection, name, digits);
    out->versioned.name = name + digits + 1;
    out->versioned.file = file;
    return !out->has_dialect || out->is_ours;
}

/* Within a version and direction ours comes first. */
static int
compare(const void *a, const void *b)
{
    const struct popx_file *left = a, *right = b;
    int order = version_compare_numbers(left->versioned.version, right->versioned.version);

    if (order == 0) {
        order = left->versioned.part - right->versioned.part;
    }
    if (order == 0) {
        order = right->is_ours - left->is_ours;
    }
    return order ? order : strcmp(left->versioned.file->name, right->versioned.file->name);
}

static struct source
load(struct collection *collection, const struct popx_file *file)
{
    struct source source = {0};

    if (collection_load(collection, file->versioned.file)) {
        source = collection_whole(collection, file->versioned.file);
        source.mark = file->is_outside ? MARK_OUTSIDE : MARK_NONE;
    }
    return source;
}

/* Whether a file says the same as the one before it: that counts, when it is closer to us. */
static bool
is_shadowed(struct collection *collection, const struct popx_file *before,
            const struct popx_file *file)
{
    if (before->versioned.part != file->versioned.part) {
        return false;
    }
    if (before->is_ours == file->is_ours) {
        collection_check_twin(collection, &before->versioned, &file->versioned);
    }
    return true;
}

/* The files of one version: ups, then downs. */
static size_t
collect_one(struct collection *collection, const struct popx_file *files, size_t count)
{
    struct source_migration migration = {.version = files->versioned.version,
                                         .name = files->versioned.name};
    size_t taken = 0;

    for (; taken < count &&
           version_compare_numbers(files[taken].versioned.version, files->versioned.version) == 0;
         taken++) {
        if (taken == 0 || !is_shadowed(collection, &files[taken - 1], &files[taken])) {
            bool is_up = files[taken].versioned.part == PART_UP;
            *(is_up ? &migration.up : &migration.down) = load(collection, &files[taken]);
        }
    }
    if (files->versioned.part == PART_DOWN) {
        collection_refuse_lonely(collection, files->versioned.file);
    } else {
        collection_add(collection, files->versioned.file->name, &migration);
    }
    return taken;
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    CLEANUP(mem_free) struct popx_file *files = mem_zalloc((listing->count + 1) * sizeof *files);
    size_t count = 0;

    for (size_t i = 0; i < listing->count; i++) {
        count += take(collection, &listing->files[i], &files[count]);
    }
    qsort(files, count, sizeof *files, compare);
    for (size_t i = 0; i < count;) {
        i += collect_one(collection, &files[i], count - i);
    }
}

static const char *const absorbed[] = {"pairs", NULL};

const struct layout layout_popx = {.name = "popx",
                                   .pattern = PATTERN,
                                   .claims = claims,
                                   .absorbs = absorbed,
                                   .placeholder = "{{…}}",
                                   .collect = collect,
                                   .runs_mixed = true};
