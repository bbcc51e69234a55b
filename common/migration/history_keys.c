#include "common/migration/history_keys.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/history_digest.h"
#include "common/migration/history_sqitch.h"
#include "common/migration/layouts/drizzle.h"

/* One migration whose keys are made. */
struct making {
    struct listing *files;
    const struct source_migration *source;
    struct migration *migration;
    struct arena *arena;
};

void
history_keys_add(struct migration *migration, struct arena *arena, const char *name,
                 const char *value)
{
    if (!migration->keys) {
        migration->keys = arena_alloc(arena, KEYS_MAX * sizeof *migration->keys);
    }
    assert(migration->key_count < KEYS_MAX);
    migration->keys[migration->key_count++] =
        (struct migration_key){.name = name, .value = arena_text(arena, value)};
}

static void
add(const struct making *making, const char *name, const char *value)
{
    history_keys_add(making->migration, making->arena, name, value);
}

/* A number as a program that has read it writes it. */
static const char *
plain_number(const char *digits)
{
    while (digits[0] == '0' && digits[1]) {
        digits++;
    }
    return digits;
}

static void
make_number(const struct making *making)
{
    add(making, "version", plain_number(making->source->version));
}

static void
make_version(const struct making *making)
{
    add(making, "version", making->source->version);
}

/* The name with blanks between its words. */
static char *
in_words(const struct making *making)
{
    char *words = arena_text(making->arena, making->source->name);

    for (char *byte = words; *byte; byte++) {
        *byte = *byte == '_' ? ' ' : *byte;
    }
    return words;
}

static void
make_sqlx(const struct making *making)
{
    const struct listed_file *file = making->source->up.file;

    make_number(making);
    add(making, "description", in_words(making));
    add(making, "checksum", history_sha384(file->text, file->size, making->arena));
}

static void
make_prisma(const struct making *making)
{
    const struct listed_file *file = making->source->up.file;

    add(making, "name", making->source->version);
    add(making, "checksum", history_sha256(file->text, file->size, making->arena));
}

static void
make_sql_migrate(const struct making *making)
{
    add(making, "file", making->source->up.file->name);
}

/* A file's name behind its folders, without the ending. */
static char *
bare_name(const struct making *making)
{
    const char *name = making->source->up.file->name, *slash = strrchr(name, '/');
    char *bare = arena_text(making->arena, slash ? slash + 1 : name);
    char *dot = strrchr(bare, '.');

    if (dot) {
        *dot = '\0';
    }
    return bare;
}

static void
make_node_pg_migrate(const struct making *making)
{
    add(making, "name", bare_name(making));
}

static void
make_supabase(const struct making *making)
{
    add(making, "version", making->source->version);
    add(making, "name", making->source->name);
}

static void
make_flyway(const struct making *making)
{
    const struct listed_file *file = making->source->up.file;
    const struct source_migration *source = making->source;
    /* Without a description the name is the version, and Flyway writes none. */
    const char *words = source->name == source->version ? "" : in_words(making);

    if (source->is_repeatable) {
        add(making, "key", arena_format(making->arena, "R %s", words));
    } else {
        add(making, "key", making->source->version);
        add(making, "version", making->source->version);
    }
    add(making, "description", words);
    add(making, "script", file->name);
    add(making, "checksum", history_crc32_of_lines(file->text, file->size, making->arena));
}

static void
make_drizzle(const struct making *making)
{
    const struct listed_file *file = making->source->up.file;
    const struct drizzle_entry *entry = making->source->plan;

    if (entry) {
        add(making, "when", arena_format(making->arena, "%" PRId64, entry->when_ms));
    }
    add(making, "checksum", history_sha256(file->text, file->size, making->arena));
}

/* What a line of the head says behind its mark; null when there is no such line. */
static char *
head_value(const struct making *making, const char *head, size_t size, const char *mark)
{
    size_t mark_size = strlen(mark);

    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && head[end] != '\n') {
            end++;
        }
        if (end - at >= mark_size && memcmp(head + at, mark, mark_size) == 0) {
            char *value = arena_alloc(making->arena, end - at - mark_size + 1);
            memcpy(value, head + at + mark_size, end - at - mark_size);
            value[strcspn(value, "\r")] = '\0';
            return value;
        }
        at = end + 1;
    }
    return NULL;
}

/* Without the white space at both ends. */
static void
trim(const char **text, size_t *size)
{
    while (*size && strchr(" \t\r\n\f\v", (*text)[0])) {
        ++*text;
        --*size;
    }
    while (*size && strchr(" \t\r\n\f\v", (*text)[*size - 1])) {
        --*size;
    }
}

/* sha1 of the hash before it and the body, as the tool puts them together. */
static const char *
graphile_hash(const struct making *making, const char *previous, const char *body, size_t size)
{
    CLEANUP(text_release) struct text content = {0};

    trim(&body, &size);
    if (previous) {
        text_format(&content, "%s\n", previous);
    }
    text_append_bytes(&content, body, size);
    const char *whole = text_of(&content);
    size_t whole_size = content.size;
    trim(&whole, &whole_size);
    CLEANUP(text_release) struct text trimmed = {0};
    text_append_bytes(&trimmed, whole, whole_size);
    text_append(&trimmed, "\n");
    return arena_format(making->arena, "sha1:%s",
                        history_sha1(trimmed.data, trimmed.size, making->arena));
}

static void
make_graphile_migrate(const struct making *making)
{
    const struct listed_file *file = making->source->up.file;
    const char *end = strstr(file->text, "\n\n");
    size_t head_size = end ? (size_t)(end - file->text) + 1 : file->size;
    const char *hash = head_value(making, file->text, head_size, "--! Hash: ");
    const char *previous = head_value(making, file->text, head_size, "--! Previous: ");
    bool is_loose = head_value(making, file->text, head_size, "--! AllowInvalidHash") != NULL;

    if (!hash) {
        return;
    }
    previous = previous && !text_equal(previous, "-") ? previous : NULL;
    add(making, "hash", hash);
    if (previous) {
        add(making, "previous_hash", previous);
    }
    add(making, "checksum",
        is_loose ? hash
                 : graphile_hash(making, previous, file->text + head_size, file->size - head_size));
    add(making, "file", arena_format(making->arena, "%s.sql", making->source->version));
}

static const struct {
    const char *layout;
    void (*make)(const struct making *making);
} makers[] = {
    {"pairs", make_number},
    {"dbmate", make_version},
    {"diesel", make_version},
    {"drizzle", make_drizzle},
    {"flyway", make_flyway},
    {"goose", make_number},
    {"graphile-migrate", make_graphile_migrate},
    {"maragu", make_version},
    {"node-pg-migrate", make_node_pg_migrate},
    {"popx", make_version},
    {"prisma", make_prisma},
    {"sourcegraph", make_number},
    {"sql-migrate", make_sql_migrate},
    {"sqlx", make_sqlx},
    {"supabase", make_supabase},
};

/* A layout's file may hold several scripts; what a tool digests is the file. */
static bool
is_read(const struct source_migration *source)
{
    return source->up.file && source->up.file->text;
}

void
history_keys_make(struct listing *files, const struct source_list *sources,
                  struct manifest *manifest, struct arena *arena)
{
    if (text_equal(manifest->layout, "sqitch")) {
        history_sqitch_keys(sources, manifest, arena);
        return;
    }
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        for (size_t j = 0; text_equal(makers[i].layout, manifest->layout) && j < sources->count;
             j++) {
            struct making making = {.files = files,
                                    .source = &sources->items[j],
                                    .migration = &manifest->migrations[j],
                                    .arena = arena};
            if (is_read(making.source)) {
                makers[i].make(&making);
            }
        }
    }
}
