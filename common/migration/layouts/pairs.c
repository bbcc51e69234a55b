/*
 * pairs: <version>_<name>.up.sql, .down.sql and .verify.sql, as golang-migrate has them and we do.
 * The version is a number of any length; order is by number, so 10 comes after 9, and 001 is 1.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"
#include "common/migration/manifest.h"

#define PATTERN "<version>_<name>.up.sql, .down.sql, .verify.sql"

enum part { PART_UP, PART_DOWN, PART_VERIFY, PART_COUNT };

static const char *const parts[] = {"up", "down", "verify"};

/* A file's name, taken apart. */
struct pair_name {
    const char *version; /* not terminated */
    size_t version_size;
    const char *name; /* not terminated */
    size_t name_size;
    enum part part;
    struct listed_file *file;
};

/* <digits>_<anything>.<part>.<extension>; false when the name is something else. */
static bool
take_apart(const char *file_name, const char *extension, struct pair_name *out)
{
    size_t digits = strspn(file_name, "0123456789"), size = strlen(file_name);
    size_t extension_size = strlen(extension);

    if (digits == 0 || file_name[digits] != '_' || size < extension_size + 1 ||
        strcmp(file_name + size - extension_size, extension) != 0 ||
        file_name[size - extension_size - 1] != '.') {
        return false;
    }
    size_t end = size - extension_size - 1;
    for (enum part part = PART_UP; part < PART_COUNT; part++) {
        size_t part_size = strlen(parts[part]);
        if (end > digits + 1 + part_size && file_name[end - part_size - 1] == '.' &&
            memcmp(file_name + end - part_size, parts[part], part_size) == 0) {
            *out = (struct pair_name){.version = file_name,
                                      .version_size = digits,
                                      .name = file_name + digits + 1,
                                      .name_size = end - part_size - 1 - digits - 1,
                                      .part = part};
            return true;
        }
    }
    return false;
}

static bool
claims(struct listing *listing, struct listed_file *file)
{
    struct pair_name name;

    (void)listing;
    return take_apart(file->name, "sql", &name);
}

/* ---- names that are refused ------------------------------------------------------------------ */

static char *
in_lower_case(const char *name)
{
    char *lower = mem_text(name);
    for (char *letter = lower; *letter; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    return lower;
}

/* A migration that is a program: leaving it out in silence would make another schema. */
static bool
is_program(const char *name)
{
    static const char *const extensions[] = {"go", "js",  "ts",   "mjs", "cjs", "py", "rb",
                                             "sh", "php", "java", "kt",  "rs",  "pl"};
    struct pair_name parsed;

    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        if (take_apart(name, extensions[i], &parsed) && parsed.part != PART_VERIFY) {
            return true;
        }
    }
    return false;
}

/* Whether the file takes part; files that are none of ours are passed over. */
static bool
take_name(struct collection *collection, struct listed_file *file, struct pair_name *out)
{
    if (file->name[0] == '.') {
        return false;
    }
    if (is_program(file->name)) {
        return collection_refuse(collection, file->name, "E-MIG-TYPE",
                                 "a migration that is a program cannot be carried out", "",
                                 "write what it does as SQL");
    }
    if (!collection_takes(collection, file, ".sql")) {
        return false;
    }
    if (!take_apart(file->name, "sql", out)) {
        CLEANUP(mem_free) char *lower = in_lower_case(file->name);
        bool is_case = take_apart(lower, "sql", out);
        return is_case ? collection_refuse(collection, file->name, "E-MIG-CASE",
                                           "the file's name is right but for upper and lower case",
                                           "files are called " PATTERN, "rename it")
                       : collection_refuse_name(collection, file, "files are called " PATTERN);
    }
    out->file = file;
    return true;
}

/* ---- order and pairing ----------------------------------------------------------------------- */

static int
compare_numbers(const struct pair_name *a, const struct pair_name *b)
{
    const char *left = a->version, *right = b->version;
    size_t left_size = a->version_size, right_size = b->version_size;

    for (; left_size > 1 && *left == '0'; left_size--) {
        left++;
    }
    for (; right_size > 1 && *right == '0'; right_size--) {
        right++;
    }
    if (left_size != right_size) {
        return left_size < right_size ? -1 : 1;
    }
    return memcmp(left, right, left_size);
}

static int
compare(const void *a, const void *b)
{
    const struct pair_name *left = a, *right = b;
    int order = compare_numbers(left, right);

    if (order == 0) {
        order = (int)left->part - (int)right->part;
    }
    return order ? order : strcmp(left->file->name, right->file->name);
}

static void
refuse_twin(struct collection *collection, const struct pair_name *name,
            const struct pair_name *twin)
{
    bool is_case = strcasecmp(name->file->name, twin->file->name) == 0;

    collection_refuse(collection, name->file->name, is_case ? "E-MIG-CASE" : "E-MIG-DUP",
                      is_case ? "two files whose names differ only in upper and lower case"
                              : "the version is there twice",
                      twin->file->name, "give one of them another version");
}

/* One migration from the files of one version, which stand side by side. */
static bool
collect_one(struct collection *collection, const struct pair_name *names, size_t count)
{
    struct source_migration migration = {0};
    struct source *slots[] = {&migration.up, &migration.down, &migration.verify};

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && names[i].part == names[i - 1].part) {
            refuse_twin(collection, &names[i], &names[i - 1]);
        } else if (collection_load(collection, names[i].file)) {
            *slots[names[i].part] = collection_whole(collection, names[i].file);
        }
    }
    if (names[0].part != PART_UP) {
        collection_refuse_lonely(collection, names[0].file);
        return false;
    }
    migration.version = collection_piece(collection, names[0].version, names[0].version_size);
    migration.name = collection_piece(collection, names[0].name, names[0].name_size);
    return collection_add(collection, names[0].file->name, &migration);
}

static void
collect(struct collection *collection)
{
    struct listing *listing = collection->listing;
    CLEANUP(mem_free)
    struct pair_name *names = mem_zalloc((listing->count + 1) * sizeof *names);
    size_t count = 0;

    for (size_t i = 0; i < listing->count; i++) {
        count += take_name(collection, &listing->files[i], &names[count]);
    }
    qsort(names, count, sizeof *names, compare);
    for (size_t first = 0, next = 0; first < count; first = next) {
        while (next < count && compare_numbers(&names[first], &names[next]) == 0) {
            next++;
        }
        if (!collect_one(collection, &names[first], next - first) &&
            collection->sources->count == MIGRATIONS_MAX) {
            return;
        }
    }
}

const struct layout layout_pairs = {.name = "pairs",
                                    .pattern = PATTERN,
                                    .claims = claims,
                                    .collect = collect,
                                    .wants_statements = true};
