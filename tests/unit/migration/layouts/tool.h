/* tool: a folder as another tool keeps it, in a test, and what reading it brings. */
#ifndef TESTS_UNIT_MIGRATION_LAYOUTS_TOOL_H
#define TESTS_UNIT_MIGRATION_LAYOUTS_TOOL_H

#include "tests/unit/migration/reads.h"

static inline void
put(const struct folder *folder, const char *name, const char *text)
{
    folder_text(folder, name, text, 0644);
}

/* A file that holds a harmless statement. */
static inline void
put_any(const struct folder *folder, const char *name)
{
    put(folder, name, "SELECT 1;");
}

static inline struct reads
read_with(const struct folder *folder, const char *layout, struct substitutions substitutions)
{
    struct migrations_source source = {.folder = folder->path,
                                       .service = "auth",
                                       .layout = layout,
                                       .substitutions = substitutions};
    struct reads reads = {0};
    reads.succeeded = migrations_read_source(&source, &reads.bundle, &reads.errors, &reads.notes);
    return reads;
}

static inline struct reads
read_as(const struct folder *folder, const char *layout)
{
    return read_with(folder, layout, (struct substitutions){0});
}

/* A folder of one file, read by itself. */
static inline struct reads
read_one(const char *name, const char *text)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    put(&folder, name, text);
    return read_folder(&folder);
}

static inline const struct migration *
migration_at(const struct reads *reads, size_t index)
{
    if (!reads->succeeded) {
        fail_msg("%s: %s", reads->errors.errors[0].where, reads->errors.errors[0].text);
    }
    assert_true(index < reads->bundle->manifest.migration_count);
    return &reads->bundle->manifest.migrations[index];
}

/* Whether the versions are these, in this order; the list ends with null. */
static inline void
assert_versions(const struct reads *reads, const char *const *versions)
{
    size_t count = 0;

    for (; versions[count]; count++) {
        assert_string_equal(migration_at(reads, count)->version, versions[count]);
    }
    assert_int_equal(reads->bundle->manifest.migration_count, count);
}

/* The text of statement number `index` of a script, as it is sent. */
static inline char *
statement_text(const struct reads *reads, const struct script *script, size_t index)
{
    assert_true(index < script->statement_count);
    const struct statement *statement = &script->statements[index];
    return mem_format("%.*s", (int)statement->size,
                      bundle_script_text(reads->bundle, script) + statement->offset);
}

/* Whether a script's statement stands at this line and column of its file, and is this. */
static inline void
assert_statement(const struct reads *reads, const struct script *script, size_t index,
                 const char *text, size_t line, size_t column)
{
    CLEANUP(mem_free) char *found = statement_text(reads, script, index);

    assert_string_equal(found, text);
    assert_int_equal(script->statements[index].line, line);
    assert_int_equal(script->statements[index].column, column);
}

/* The one thing that is wrong with a file, alone in a folder. */
static inline void
assert_file_refused(const char *name, const char *text, const char *code, const char *place)
{
    CLEANUP(reads_release) struct reads reads = read_one(name, text);

    assert_false(reads.succeeded);
    assert_listed(&reads.errors, code, name, place);
    assert_int_equal(reads.errors.count, 1);
    assert_true(reads.errors.errors[0].hint[0] || reads.errors.errors[0].found[0]);
}

#endif
