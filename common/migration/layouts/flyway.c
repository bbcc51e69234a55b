/*
 * flyway: V<version>__<description>.sql, U<version>__… to undo it, R__<description>.sql to be
 * carried out again whenever it has changed; in any folder below. What they begin with, the "__"
 * and the endings are those of the listing's naming. A version's parts are numbers with "." or "_"
 * between, and 1.0 is 1. V come before R; R go by their description.
 * <file>.conf beside a file may say executeInTransaction=false, placeholderReplacement=false.
 */
#include "common/migration/layouts/flyway.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "V<version>__<name>.sql, U<version>__<name>.sql, R__<name>.sql"

enum part { PART_UP, PART_DOWN, PART_REPEATABLE };

/* Whether text, up to `size`, is 1, 1.2, 1_2 …: digits with one "." or "_" between. */
static bool
is_version(const char *text, size_t size)
{
    bool was_digit = false;

    for (size_t i = 0; i < size; i++) {
        bool is_digit = isdigit((unsigned char)text[i]);
        if (!is_digit && (!was_digit || (text[i] != '.' && text[i] != '_'))) {
            return false;
        }
        was_digit = is_digit;
    }
    return was_digit;
}

/* A name, taken apart; what it points to is the name itself. */
struct flyway_name {
    enum part part;
    const char *version, *description;
    size_t version_size, description_size;
};

/* The longest of the prefixes that a name begins with; false when it begins with none. */
static bool
find_prefix(const struct naming *naming, const char *name, enum part *part, size_t *size)
{
    const char *const prefixes[] = {[PART_UP] = naming->versioned,
                                    [PART_DOWN] = naming->undo,
                                    [PART_REPEATABLE] = naming->repeatable};
    bool is_found = false;

    for (enum part i = PART_UP; i <= PART_REPEATABLE; i++) {
        size_t prefix = strlen(prefixes[i]);
        if (text_starts_with(name, prefixes[i]) && (!is_found || prefix > *size)) {
            *part = i;
            *size = prefix;
            is_found = true;
        }
    }
    return is_found;
}

/* Whether a name with this ending is one of Flyway's; only V and U may be without description. */
static bool
take_apart(const struct naming *naming, const char *name, const char *ending,
           struct flyway_name *out)
{
    size_t prefix = 0, size = strlen(name), ending_size = strlen(ending);

    *out = (struct flyway_name){0};
    if (!text_ends_with(name, ending) || !find_prefix(naming, name, &out->part, &prefix) ||
        size < prefix + ending_size) {
        return false;
    }
    const char *end = name + size - ending_size, *found = strstr(name + prefix, naming->separator);
    const char *separator = found && found < end ? found : end;
    out->version = name + prefix;
    out->version_size = (size_t)(separator - out->version);
    out->description = separator == end ? end : separator + strlen(naming->separator);
    out->description_size = out->description < end ? (size_t)(end - out->description) : 0;
    if (out->part == PART_REPEATABLE) {
        return out->version_size == 0 && out->description_size > 0;
    }
    return is_version(out->version, out->version_size);
}

static const struct naming *
naming_of(const struct listing *listing)
{
    return listing->naming ? listing->naming : &naming_flyway;
}

/* The same with whichever of the endings the name has. */
static bool
is_named(const struct naming *naming, const char *name, struct flyway_name *out)
{
    for (size_t i = 0; i < naming->suffix_count; i++) {
        if (take_apart(naming, name, naming->suffixes[i], out)) {
            return true;
        }
    }
    return false;
}

static bool
claims(struct listing *listing, struct listed_file *file)
{
    struct flyway_name name;

    return !file->is_folder && is_named(naming_of(listing), name_of_file(file->name), &name);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void
fill(struct collection *collection, struct listed_file *file, const struct flyway_name *name,
     struct versioned *out)
{
    char *description = collection_piece(collection, name->description, name->description_size);

    *out = (struct versioned){.file = file, .part = (int)name->part, .name = description};
    if (name->part == PART_REPEATABLE) {
        out->version = arena_format(&collection->sources->arena, "R__%s", description);
        return;
    }
    char *version = collection_piece(collection, name->version, name->version_size);
    for (char *byte = version; *byte; byte++) {
        *byte = *byte == '_' ? '.' : *byte;
    }
    out->version = version;
}

/* Files that Flyway would do something with, and we cannot. */
static bool
is_program(const struct naming *naming, const char *name)
{
    static const char *const endings[] = {".java", ".class", ".kt"};
    struct flyway_name parsed;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (take_apart(naming, name, endings[i], &parsed)) {
            return true;
        }
    }
    return false;
}

static bool
is_callback(const char *name)
{
    return text_starts_with(name, "before") || text_starts_with(name, "after");
}

/* Whether a file takes part by its ending. */
static bool
has_ending(struct collection *collection, const struct naming *naming,
           const struct listed_file *file)
{
    for (size_t i = 0; i < naming->suffix_count; i++) {
        if (text_ends_with(file->name, naming->suffixes[i])) {
            return collection_takes(collection, file, naming->suffixes[i]);
        }
    }
    return collection_takes(collection, file, naming->suffixes[0]);
}

static bool
take(struct collection *collection, struct listed_file *file, struct versioned *out)
{
    const struct naming *naming = naming_of(collection->listing);
    const char *name = name_of_file(file->name);
    struct flyway_name parsed;

    if (file->is_folder) {
        return false;
    }
    if (is_program(naming, name)) {
        return collection_refuse(collection, file->name, "E-MIG-TYPE",
                                 "a migration that is a program cannot be carried out", "",
                                 "write what it does as SQL");
    }
    if (!has_ending(collection, naming, file)) {
        return false;
    }
    if (is_named(naming, name, &parsed)) {
        fill(collection, file, &parsed, out);
        return true;
    }
    return collection_pass_over(collection, file->name,
                                is_callback(name) ? "a callback of Flyway is not carried out"
                                : name[0] == 'B'  ? "a baseline says what the V files say"
                                                  : "files are called " PATTERN);
}

/* ---- order ----------------------------------------------------------------------------------- */

/* The next part of a version, "0" behind its end. */
static size_t
next_part(const char **version, const char **part)
{
    size_t size = strspn(*version, "0123456789");

    *part = size ? *version : "0";
    *version += size;
    *version += **version == '.';
    return size ? size : 1;
}

int
flyway_compare(const char *left, const char *right)
{
    const char *a, *b;

    while (*left || *right) {
        size_t a_size = next_part(&left, &a), b_size = next_part(&right, &b);
        for (; a_size > 1 && *a == '0'; a_size--) {
            a++;
        }
        for (; b_size > 1 && *b == '0'; b_size--) {
            b++;
        }
        int order = a_size != b_size ? (a_size < b_size ? -1 : 1) : memcmp(a, b, a_size);
        if (order) {
            return order;
        }
    }
    return 0;
}

static int
compare(const void *a, const void *b)
{
    const struct versioned *left = a, *right = b;
    bool is_left_repeatable = left->part == PART_REPEATABLE;
    int order = is_left_repeatable - (right->part == PART_REPEATABLE);

    if (order == 0) {
        order = is_left_repeatable ? strcmp(left->version, right->version)
                                   : flyway_compare(left->version, right->version);
    }
    if (order == 0) {
        order = left->part - right->part;
    }
    return order ? order : strcmp(left->file->name, right->file->name);
}

/* ---- what stands beside a file --------------------------------------------------------------- */

/* One line of a .conf: key=value. */
static bool
read_setting(struct collection *collection, struct listed_file *conf, const struct line *line,
             bool *is_outside, bool *has_placeholders)
{
    char text[256] = "", key[128] = "", value[64] = "";
    size_t size = line->size < sizeof text - 1 ? line->size : sizeof text - 1;

    memcpy(text, conf->text + line->offset, size);
    int count = sscanf(text, " %127[^= \t] = %63s", key, value);
    bool is_false = strcasecmp(value, "false") == 0;
    if (count < 1 || key[0] == '#') {
        return true;
    }
    if (text_equal(key, "executeInTransaction")) {
        *is_outside = is_false;
    } else if (text_equal(key, "placeholderReplacement")) {
        *has_placeholders = !is_false;
    } else if (!text_equal(key, "encoding") || strcasecmp(value, "UTF-8") != 0) {
        return collection_refuse_at(collection, conf, line->offset, "E-MIG-MARK",
                                    "a setting of Flyway that cannot be followed", key,
                                    "executeInTransaction, placeholderReplacement, encoding=UTF-8");
    }
    return true;
}

static bool
read_conf(struct collection *collection, const char *name, bool *is_outside, bool *has_placeholders)
{
    CLEANUP(mem_free) char *path = mem_format("%s.conf", name);
    struct listed_file *conf = listing_file(collection->listing, path);
    struct line line = {0};

    *is_outside = false;
    *has_placeholders = true;
    if (!conf) {
        return true;
    }
    if (!collection_load(collection, conf)) {
        return false;
    }
    while (line_next(conf, &line)) {
        if (!read_setting(collection, conf, &line, is_outside, has_placeholders)) {
            return false;
        }
    }
    return true;
}

static struct source
load(struct collection *collection, struct listed_file *file)
{
    struct source source = {0};
    bool is_outside, has_placeholders;

    if (!read_conf(collection, file->name, &is_outside, &has_placeholders) ||
        !collection_load(collection, file)) {
        return source;
    }
    if (has_placeholders) {
        source = collection_whole(collection, file);
    } else {
        source = (struct source){.file = file, .size = file->size};
    }
    source.mark = is_outside ? MARK_OUTSIDE : MARK_NONE;
    return source;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool
is_same(const struct versioned *a, const struct versioned *b)
{
    bool is_repeatable = a->part == PART_REPEATABLE;

    if (is_repeatable != (b->part == PART_REPEATABLE)) {
        return false;
    }
    return is_repeatable ? text_equal(a->version, b->version)
                         : flyway_compare(a->version, b->version) == 0;
}

/* A version's V and U, or one R. */
static size_t
collect_one(struct collection *collection, const struct versioned *files, size_t count)
{
    struct source_migration migration = {.version = files->version,
                                         .name = files->name,
                                         .is_repeatable = files->part == PART_REPEATABLE};
    size_t taken = 0;

    for (; taken < count && is_same(files, &files[taken]); taken++) {
        if (taken > 0 && files[taken].part == files[taken - 1].part) {
            collection_refuse(collection, files[taken].file->name, "E-MIG-DUP",
                              "the version is there twice", files[taken - 1].file->name,
                              "give one of them another version");
            continue;
        }
        bool is_down = files[taken].part == PART_DOWN;
        *(is_down ? &migration.down : &migration.up) = load(collection, files[taken].file);
    }
    if (files->part == PART_DOWN) {
        collection_refuse_lonely(collection, files->file);
    } else {
        collection_add(collection, files->file->name, &migration);
    }
    return taken;
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    struct error error;
    size_t count = 0;

    if (!listing_descend(listing, &error)) {
        error_list_add(collection->errors, &error);
        return;
    }
    CLEANUP(mem_free) struct versioned *files = mem_zalloc((listing->count + 1) * sizeof *files);
    for (size_t i = 0; i < listing->count; i++) {
        count += take(collection, &listing->files[i], &files[count]);
    }
    qsort(files, count, sizeof *files, compare);
    for (size_t i = 0; i < count;) {
        i += collect_one(collection, &files[i], count - i);
    }
}

const struct layout layout_flyway = {.name = "flyway",
                                     .pattern = PATTERN,
                                     .claims = claims,
                                     .placeholder = "${…}",
                                     .collect = collect,
                                     .takes_folders = true,
                                     .runs_mixed = true};
