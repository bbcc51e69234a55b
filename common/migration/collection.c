#include "common/migration/collection.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/manifest.h"
#include "common/migration/refusal.h"

#define VERSION_SIZE_MAX 128
#define NAME_SIZE_MAX 256
#define PATH_SIZE_MAX 1024
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BYTE_ORDER_MARK_SIZE 3

/* ---- saying what is wrong -------------------------------------------------------------------- */

static struct error
error_about(const struct collection *collection, const char *name, const char *code,
            const char *text)
{
    CLEANUP(mem_free) char *shown = mem_text(name);
    struct error error;

    text_mend_utf8(shown);
    for (char *byte = shown; *byte; byte++) {
        *byte = (unsigned char)*byte < ' ' || *byte == 0x7f ? '?' : *byte;
    }
    error_set(&error, code, "%s", text);
    error_where(&error, "%s/%s", collection->listing->path, shown);
    return error;
}

bool
collection_refuse(struct collection *collection, const char *name, const char *code,
                  const char *text, const char *found, const char *hint)
{
    struct error error = error_about(collection, name, code, text);

    error_found(&error, "%s", found);
    error_hint(&error, "%s", hint);
    text_mend_utf8(error.found);
    return error_list_add(collection->errors, &error);
}

bool
collection_refuse_at(struct collection *collection, struct listed_file *file, size_t offset,
                     const char *code, const char *text, const char *found, const char *hint)
{
    struct source whole = {.file = file, .size = file->size};
    struct place last = {0}, place = source_place(&whole, offset, &last);
    CLEANUP(mem_free) char *name = mem_format("%s:%zu:%zu", file->name, place.line, place.column);

    return collection_refuse(collection, name, code, text, found, hint);
}

bool
collection_pass_over(struct collection *collection, const char *name, const char *why)
{
    struct error error = error_about(collection, name, "E-MIG-NAME", "passed over: ");

    error_set(&error, "E-MIG-NAME", "passed over: %s", why);
    error_where(&error, "%s/%s", collection->listing->path, name);
    return error_list_add(collection->notes, &error);
}

bool
collection_refuse_name(struct collection *collection, struct listed_file *file, const char *pattern)
{
    if ((collection->accepted & ACCEPT_STRANGERS) || listing_is_silent(collection->listing, file)) {
        return collection_pass_over(collection, file->name, "it is not called as a migration is");
    }
    return collection_refuse(collection, file->name, "E-MIG-NAME",
                             "the file is not called as a migration is", pattern,
                             "rename it or put it elsewhere; if the tool takes no notice of it: "
                             "accept: [E-MIG-NAME] in skein.yaml, or --accept E-MIG-NAME");
}

void
collection_refuse_lonely(struct collection *collection, const struct listed_file *file)
{
    if (collection->accepted & ACCEPT_LONELY) {
        collection_pass_over(collection, file->name, "the version has no up file");
        return;
    }
    collection_refuse(collection, file->name, "E-MIG-MISSING", "the version has no up file", "",
                      "add it, or remove this one; if it was never there: accept: [E-MIG-MISSING] "
                      "in skein.yaml, or --accept E-MIG-MISSING");
}

/* ---- files ----------------------------------------------------------------------------------- */

bool
is_printable_name(const char *name)
{
    for (const char *byte = name; *byte; byte++) {
        if ((unsigned char)*byte < ' ' || *byte == 0x7f) {
            return false;
        }
    }
    return text_is_utf8(name, strlen(name));
}

const char *
name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool
collection_takes(struct collection *collection, const struct listed_file *file, const char *ending)
{
    size_t size = strlen(file->name), ending_size = strlen(ending);

    if (name_of_file(file->name)[0] == '.' || size <= ending_size ||
        strcasecmp(file->name + size - ending_size, ending) != 0) {
        return false;
    }
    if (!is_printable_name(file->name)) {
        return collection_refuse(collection, file->name, "E-MIG-NAME",
                                 "the file's name is not printable UTF-8", "", "rename it");
    }
    return text_ends_with(file->name, ending) ||
           collection_refuse(collection, file->name, "E-MIG-CASE",
                             "the file's name is right but for upper and lower case", ending,
                             "rename it");
}

bool
collection_refuse_program(struct collection *collection, const struct listed_file *file)
{
    static const char *const endings[] = {".go", ".js",  ".ts",   ".mjs", ".cjs", ".py", ".rb",
                                          ".sh", ".php", ".java", ".kt",  ".rs",  ".pl"};

    if (file->is_folder || !isdigit((unsigned char)name_of_file(file->name)[0])) {
        return false;
    }
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (text_ends_with(file->name, endings[i])) {
            collection_refuse(collection, file->name, "E-MIG-TYPE",
                              "a migration that is a program cannot be carried out", "",
                              "write what it does as SQL");
            return true;
        }
    }
    return false;
}

bool
collection_load(struct collection *collection, struct listed_file *file)
{
    struct error error;

    if (strlen(file->name) > PATH_SIZE_MAX) {
        return collection_refuse(collection, file->name, "E-MIG-NAME", "the path is too long",
                                 "at most 1024 bytes", "rename it");
    }
    return listing_load(collection->listing, file, &error) ||
           error_list_add(collection->errors, &error);
}

static void
refuse_placeholder(struct collection *collection, struct listed_file *file, size_t offset,
                   size_t size)
{
    CLEANUP(mem_free) char *found = mem_format("%.*s", (int)size, file->text + offset);

    text_mend_utf8(found);
    collection_refuse_at(collection, file, offset, "E-MIG-PLACEHOLDER",
                         "a placeholder that nothing stands for", found,
                         "list it under substitutions of the service in skein.yaml, as itself when "
                         "it is to stay");
}

void
collection_take(struct collection *collection, struct listed_file *file, size_t offset, size_t size,
                struct source_builder *builder)
{
    const struct substitutions *substitutions = &collection->substitutions;
    size_t taken = offset, end = offset + size;

    for (size_t at = offset; at < end;) {
        const struct substitution *found =
            substitutions->count ? substitution_at(substitutions, file->text, end, at) : NULL;
        size_t unknown = found ? 0 : placeholder_at(collection->placeholder, file->text, end, at);
        if (found) {
            source_builder_take(builder, taken, at - taken);
            source_builder_put(builder, at, found->to, strlen(found->to));
            at += strlen(found->from);
            taken = at;
        } else if (unknown) {
            refuse_placeholder(collection, file, at, unknown);
            source_builder_refuse(builder);
            at += unknown;
        } else {
            at++;
        }
    }
    source_builder_take(builder, taken, end - taken);
}

struct source
collection_stretch(struct collection *collection, struct listed_file *file, size_t offset,
                   size_t size)
{
    if (!collection->substitutions.count && !collection->placeholder) {
        return (struct source){.file = file, .offset = offset, .size = size};
    }
    CLEANUP(source_builder_destroy) struct source_builder *builder = source_builder_new(file);
    collection_take(collection, file, offset, size, builder);
    return source_builder_finish(builder, &collection->sources->arena);
}

struct source
collection_whole(struct collection *collection, struct listed_file *file)
{
    return collection_stretch(collection, file, 0, file->size);
}

bool
collection_load_script(struct collection *collection, const char *folder, const char *name,
                       struct source *source)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", folder, name);
    struct listed_file *file = listing_file(collection->listing, path);

    if (!file) {
        return true;
    }
    if (!collection_load(collection, file)) {
        return false;
    }
    *source = collection_whole(collection, file);
    return true;
}

bool
collection_add(struct collection *collection, const char *file_name,
               const struct source_migration *migration)
{
    if (collection->sources->count == MIGRATIONS_MAX) {
        return collection_refuse(collection, file_name, "E-MIG-COUNT",
                                 "too many migrations for one service", "at most 1000",
                                 "squash the oldest into one");
    }
    if (!migration->version[0] || strlen(migration->version) > VERSION_SIZE_MAX ||
        strlen(migration->name) > NAME_SIZE_MAX) {
        return collection_refuse(
            collection, file_name, "E-MIG-NAME", "the version is empty, or it or the name too long",
            "a version of at most 128 bytes, a name of at most 256", "rename it");
    }
    struct source_migration *added = source_list_add(collection->sources);
    *added = *migration;
    added->name = migration->name[0] ? migration->name : migration->version;
    return true;
}

char *
collection_piece(struct collection *collection, const char *text, size_t size)
{
    char *copy = arena_alloc(&collection->sources->arena, size + 1);
    memcpy(copy, text, size);
    return copy;
}

bool
collection_check_text(struct collection *collection, struct listed_file *file)
{
    size_t sound = 0;

    while (sound < file->size) {
        size_t size = text_character(file->text + sound, file->size - sound);
        if (size == 0) {
            CLEANUP(mem_free)
            char *found = mem_format("byte 0x%02x", (unsigned char)file->text[sound]);
            return collection_refuse_at(collection, file, sound, "E-MIG-ENCODING",
                                        "the file is not UTF-8, or has a NUL in it", found,
                                        "save the file as UTF-8");
        }
        sound += size;
    }
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

#define DIGITS "0123456789"

bool
name_is_numbered(const char *name, const char *separator, const char *ending)
{
    name = name_of_file(name);
    size_t digits = strspn(name, DIGITS), size = strlen(name), ending_size = strlen(ending);

    return digits > 0 && text_starts_with(name + digits, separator) &&
           size >= digits + strlen(separator) + ending_size &&
           strcmp(name + size - ending_size, ending) == 0;
}

bool
collection_take_apart(struct collection *collection, struct listed_file *file,
                      const char *separator, const char *ending, struct versioned *out)
{
    const char *name = name_of_file(file->name);
    size_t digits = strspn(name, DIGITS), begin = digits + strlen(separator);

    if (!name_is_numbered(name, separator, ending)) {
        return false;
    }
    *out = (struct versioned){
        .version = collection_piece(collection, name, digits),
        .name = collection_piece(collection, name + begin, strlen(name) - begin - strlen(ending)),
        .file = file};
    return true;
}

int
version_compare_numbers(const char *a, const char *b)
{
    a += strspn(a, "0");
    b += strspn(b, "0");
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size != b_size) {
        return a_size < b_size ? -1 : 1;
    }
    return strcmp(a, b);
}

int
versioned_compare_names(const void *a, const void *b)
{
    const struct versioned *left = a, *right = b;
    int order = strcmp(name_of_file(left->file->name), name_of_file(right->file->name));

    return order ? order : strcmp(left->file->name, right->file->name);
}

int
versioned_compare(const void *a, const void *b)
{
    const struct versioned *left = a, *right = b;
    int order = version_compare_numbers(left->version, right->version);

    if (order == 0) {
        order = left->part - right->part;
    }
    return order ? order : versioned_compare_names(a, b);
}

bool
collection_check_twin(struct collection *collection, const struct versioned *before,
                      const struct versioned *file)
{
    bool is_case = strcasecmp(file->file->name, before->file->name) == 0;

    if (version_compare_numbers(before->version, file->version) != 0 ||
        before->part != file->part) {
        return true;
    }
    return collection_refuse(collection, file->file->name, is_case ? "E-MIG-CASE" : "E-MIG-DUP",
                             is_case ? "two files whose names differ only in upper and lower case"
                                     : "the version is there twice",
                             before->file->name, "give one of them another version");
}

/* Whether a file is one of those; what is none is refused or passed over. */
static bool
take_numbered(struct collection *collection, const struct numbered *numbered,
              struct listed_file *file, struct versioned *out)
{
    if (file->is_folder || collection_refuse_program(collection, file) ||
        !collection_takes(collection, file, ".sql")) {
        return false;
    }
    if (collection_take_apart(collection, file, numbered->separator, ".sql", out)) {
        return true;
    }
    return numbered->passes_over ? collection_pass_over(collection, file->name, numbered->pattern)
                                 : collection_refuse_name(collection, file, numbered->pattern);
}

void
collection_collect_numbered(struct collection *collection, const struct numbered *numbered)
{
    struct listing *listing = collection->listing;
    CLEANUP(mem_free) struct versioned *files = mem_zalloc((listing->count + 1) * sizeof *files);
    size_t count = 0;

    for (size_t i = 0; i < listing->count; i++) {
        count += take_numbered(collection, numbered, &listing->files[i], &files[count]);
    }
    qsort(files, count, sizeof *files, numbered->compare ? numbered->compare : versioned_compare);
    for (size_t i = 0; i < count; i++) {
        struct source_migration migration = {.version = files[i].version, .name = files[i].name};
        bool may_be_twin = i > 0 && !numbered->compare;
        if ((!may_be_twin || collection_check_twin(collection, &files[i - 1], &files[i])) &&
            collection_load(collection, files[i].file) &&
            numbered->read(collection, files[i].file, &migration) &&
            !collection_add(collection, files[i].file->name, &migration) &&
            collection->sources->count == MIGRATIONS_MAX) {
            return;
        }
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

bool
line_next(const struct listed_file *file, struct line *line)
{
    size_t at = line->next;

    if (at == 0 && file->size >= BYTE_ORDER_MARK_SIZE &&
        memcmp(file->text, BYTE_ORDER_MARK, BYTE_ORDER_MARK_SIZE) == 0) {
        at = BYTE_ORDER_MARK_SIZE;
    }
    if (at >= file->size) {
        return false;
    }
    const char *end = memchr(file->text + at, '\n', file->size - at);
    size_t stop = end ? (size_t)(end - file->text) : file->size;
    line->next = end ? stop + 1 : stop;
    line->offset = at;
    line->size = stop - at;
    if (line->size && file->text[stop - 1] == '\r') {
        line->size--;
    }
    return true;
}

static size_t
blanks(const char *text, size_t at, size_t size)
{
    while (at < size && (text[at] == ' ' || text[at] == '\t')) {
        at++;
    }
    return at;
}

const char *
line_behind_mark(const struct listed_file *file, const struct line *line, const char *mark,
                 size_t *size)
{
    const char *text = file->text + line->offset;
    size_t mark_size = strlen(mark);

    if (line->size < 2 || memcmp(text, "--", 2) != 0) {
        return NULL;
    }
    size_t at = blanks(text, 2, line->size);
    if (line->size - at < mark_size || strncasecmp(text + at, mark, mark_size) != 0) {
        return NULL;
    }
    at += mark_size;
    *size = line->size - at;
    return text + at;
}

bool
line_is_silent(const struct listed_file *file, const struct line *line)
{
    const char *text = file->text + line->offset;
    size_t at = blanks(text, 0, line->size);

    return at == line->size || (line->size - at >= 2 && memcmp(text + at, "--", 2) == 0);
}

bool
listing_is_silent(struct listing *listing, struct listed_file *file)
{
    struct line line = {0};
    struct error error;

    if (!listing_load(listing, file, &error)) {
        return false; /* whoever collects it says why */
    }
    while (line_next(file, &line)) {
        if (!line_is_silent(file, &line)) {
            return false;
        }
    }
    return true;
}

bool
listing_is_marked(struct listing *listing, struct listed_file *file, const char *mark)
{
    struct line line = {0};
    struct error error;
    size_t size;

    if (file->is_folder || !listing_load(listing, file, &error)) {
        return false; /* whoever collects it says why */
    }
    while (line_next(file, &line) && line_is_silent(file, &line)) {
        if (line_behind_mark(file, &line, mark, &size)) {
            return true;
        }
    }
    return false;
}

bool
words_are(const char *words, size_t size, const char *wanted)
{
    size_t at = blanks(words, 0, size);

    while (*wanted) {
        size_t word = strcspn(wanted, " ");
        if (size - at < word || strncasecmp(words + at, wanted, word) != 0) {
            return false;
        }
        wanted += word + (wanted[word] == ' ');
        size_t next = blanks(words, at + word, size);
        if (next == at + word && next < size) {
            return false;
        }
        at = next;
    }
    return at == size;
}
