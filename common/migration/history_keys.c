#include "common/migration/history_keys.h"

#include <assert.h>
#include <string.h>

#include "common/base/text.h"
#include "common/migration/history_digest.h"

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

static const struct {
    const char *layout;
    void (*make)(const struct making *making);
} makers[] = {
    {"pairs", make_number}, {"dbmate", make_version}, {"diesel", make_version},
    {"goose", make_number}, {"prisma", make_prisma},  {"sqlx", make_sqlx},
};

void
history_keys_make(struct listing *files, const struct source_list *sources,
                  struct manifest *manifest, struct arena *arena)
{
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        if (!text_equal(makers[i].layout, manifest->layout)) {
            continue;
        }
        for (size_t j = 0; j < sources->count; j++) {
            if (!sources->items[j].up.file || !sources->items[j].up.file->text) {
                continue; /* refused already */
            }
            struct making making = {.files = files,
                                    .source = &sources->items[j],
                                    .migration = &manifest->migrations[j],
                                    .arena = arena};
            makers[i].make(&making);
        }
    }
}
