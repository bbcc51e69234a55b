#include "tests/support/bundle_builder.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define STATEMENTS_MAX 64

/* The words of a statement, one after the other. */
static char *
next_word(struct arena *arena, const char **text, const char *end)
{
    while (*text < end && isspace((unsigned char)**text)) {
        ++*text;
    }
    const char *begin = *text;
    while (*text < end && !isspace((unsigned char)**text) && **text != '(' && **text != ';') {
        ++*text;
    }
    return arena_format(arena, "%.*s", (int)(*text - begin), begin);
}

/* What stands behind ALTER TABLE, DROP TABLE, LOCK TABLE. */
static void
read_lock(struct arena *arena, char *const words[], struct statement *statement)
{
    bool locks = strcmp(words[0], "ALTER") == 0 || strcmp(words[0], "DROP") == 0 ||
                 strcmp(words[0], "LOCK") == 0;

    if (locks && strcmp(words[1], "TABLE") == 0) {
        statement->locks = arena_alloc(arena, sizeof *statement->locks);
        statement->locks[0] = (struct wanted_lock){words[2], TABLE_LOCK_ACCESS_EXCLUSIVE};
        statement->lock_count = 1;
    }
}

/* REINDEX … CONCURRENTLY name, ALTER TABLE p DETACH PARTITION q CONCURRENTLY, VACUUM. */
static void
read_outside(char *const words[], struct statement *statement)
{
    if (strcmp(words[0], "REINDEX") == 0 && strcmp(words[2], "CONCURRENTLY") == 0) {
        statement->kind = STATEMENT_REINDEX_CONCURRENTLY;
        statement->scope = words[1];
        statement->object = words[3];
    } else if (strcmp(words[3], "DETACH") == 0 && strcmp(words[6], "CONCURRENTLY") == 0) {
        statement->kind = STATEMENT_DETACH_CONCURRENTLY;
        statement->table = words[2];
        statement->object = words[5];
    } else if (strcmp(words[0], "VACUUM") == 0) {
        statement->kind = STATEMENT_REPEATABLE;
    }
}

/* CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] name ON table …, DROP INDEX CONCURRENTLY … */
static void
read_facts(struct arena *arena, const char *text, struct statement *statement)
{
    const char *end = text + statement->size;
    char *words[10];

    for (size_t i = 0; i < 10; i++) {
        words[i] = next_word(arena, &text, end);
    }
    size_t at = strcmp(words[1], "UNIQUE") == 0 ? 2 : 1;
    bool is_index = strcmp(words[at], "INDEX") == 0 && strcmp(words[at + 1], "CONCURRENTLY") == 0;
    bool creates = strcmp(words[0], "CREATE") == 0;
    bool is_setting = strcmp(words[0], "SET") == 0 || strcmp(words[0], "RESET") == 0;
    statement->tag = is_setting ? words[0] : arena_format(arena, "%s %s", words[0], words[1]);
    read_lock(arena, words, statement);
    read_outside(words, statement);
    if (!is_index) {
        return;
    }
    at += 2;
    if (strcmp(words[at], "IF") == 0) {
        at += creates ? 3 : 2;
        statement->if_exists = !creates;
    }
    statement->object = words[at];
    statement->kind =
        creates ? STATEMENT_CREATE_INDEX_CONCURRENTLY : STATEMENT_DROP_INDEX_CONCURRENTLY;
    statement->is_unique = creates && strcmp(words[1], "UNIQUE") == 0;
    statement->table = creates ? words[at + 2] : NULL;
}

static void
count_to(const char *text, size_t from, size_t to, uint64_t *line, uint64_t *column)
{
    for (size_t i = from; i < to; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

static void
split(struct arena *arena, const char *text, struct script *script)
{
    size_t size = strlen(text), counted = 0;
    uint64_t line = 1, column = 1;

    script->statements = arena_alloc(arena, STATEMENTS_MAX * sizeof *script->statements);
    script->is_transactional = true;
    for (size_t begin = 0; begin < size;) {
        const char *separator = strstr(text + begin, ";;");
        size_t end = separator ? (size_t)(separator - text) : size;
        size_t next = separator ? end + 2 : size;
        while (begin < end && isspace((unsigned char)text[begin])) {
            begin++;
        }
        while (end > begin && isspace((unsigned char)text[end - 1])) {
            end--;
        }
        if (end > begin) {
            struct statement *statement = &script->statements[script->statement_count++];
            count_to(text, counted, begin, &line, &column);
            counted = begin;
            *statement = (struct statement){
                .offset = begin, .size = end - begin, .line = line, .column = column};
            read_facts(arena, text + begin, statement);
            script->is_transactional &= statement->kind == STATEMENT_TRANSACTIONAL;
        }
        begin = next;
    }
}

static bool
add_script(struct arena *arena, struct text *content, const char *text, const char *path,
           const struct sketch *sketch, struct script *script)
{
    if (!text) {
        return false;
    }
    *script = (struct script){
        .path = path,
        .offset = content->size,
        .size = strlen(text),
        .lock_timeout_ms = sketch->lock_timeout_ms,
        .timeout_ms = sketch->timeout_ms,
    };
    struct digest digest = digest_of(text, strlen(text));
    memcpy(script->checksum, digest.bytes, CHECKSUM_SIZE);
    split(arena, text, script);
    text_append(content, text);
    return true;
}

static void
tell_outcome(const struct sketch *sketch, struct script *script)
{
    if (sketch->told_by) {
        script->statements[0].kind = STATEMENT_VERIFIED;
        script->statements[0].verify = sketch->told_by;
        script->statements[0].cleanup = sketch->cleanup;
        script->is_transactional = false;
    }
}

struct bundle *
bundle_of(const struct sketch *sketches, size_t count)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text content = {0};
    struct manifest manifest = {.format = 1,
                                .service = "test",
                                .layout = "pairs",
                                .mirrors_history = true,
                                .migrations =
                                    arena_alloc(&arena, count * sizeof *manifest.migrations),
                                .migration_count = count};

    text_append(&content, "");
    for (size_t i = 0; i < count; i++) {
        const struct sketch *sketch = &sketches[i];
        struct migration *migration = &manifest.migrations[i];
        const char *version = sketch->version;
        migration->version = version;
        migration->name = arena_format(&arena, "m_%s", version);
        migration->is_repeatable = strncmp(version, "R__", 3) == 0;
        migration->keys = arena_alloc(&arena, sizeof *migration->keys);
        migration->keys[0] = (struct migration_key){"version", version + strspn(version, "0")};
        migration->key_count = 1;
        migration->has_up =
            add_script(&arena, &content, sketch->up, arena_format(&arena, "%s.up.sql", version),
                       sketch, &migration->up);
        tell_outcome(sketch, &migration->up);
        migration->has_down =
            add_script(&arena, &content, sketch->down, arena_format(&arena, "%s.down.sql", version),
                       sketch, &migration->down);
        migration->has_verify =
            add_script(&arena, &content, sketch->verify,
                       arena_format(&arena, "%s.verify.sql", version), sketch, &migration->verify);
    }
    return bundle_new(&manifest, text_of(&content), content.size);
}
