/* reads: a folder of migration files in a test, and what reading it brings. */
#ifndef TESTS_UNIT_MIGRATION_READS_H
#define TESTS_UNIT_MIGRATION_READS_H

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/reader.h"
#include "common/migration/refusal.h"

#include "tests/support/folder.h"
#include "tests/support/unit.h"

struct reads {
    struct bundle *bundle;
    struct error_list errors, notes;
    bool succeeded;
};

static inline void
reads_release(struct reads *reads)
{
    bundle_destroy(&reads->bundle);
    error_list_release(&reads->errors);
    error_list_release(&reads->notes);
}

static inline struct reads
read_accepting(const struct folder *folder, unsigned accepted)
{
    struct migrations_source source = {
        .folder = folder->path, .service = "auth", .layout = "auto", .accepted = accepted};
    struct reads reads = {0};
    reads.succeeded = migrations_read_source(&source, &reads.bundle, &reads.errors, &reads.notes);
    assert_true(reads.succeeded == (reads.bundle != NULL));
    assert_true(reads.succeeded == (reads.errors.count == 0));
    return reads;
}

static inline struct reads
read_folder(const struct folder *folder)
{
    return read_accepting(folder, ACCEPT_NOTHING);
}

/* A folder with one migration whose up is this. */
static inline struct reads
read_up(const char *up)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    folder_text(&folder, "1_a.up.sql", up, 0644);
    return read_folder(&folder);
}

static inline bool
ends_with_place(const char *where, const char *file, const char *place)
{
    CLEANUP(mem_free) char *tail = mem_format("/%s%s%s", file, *place ? ":" : "", place);
    return text_ends_with(where, tail);
}

/* Whether the list holds an error with this code at this place ("2:3", or "" for a whole file). */
static inline void
assert_listed(const struct error_list *list, const char *code, const char *file, const char *place)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct error *error = &list->errors[i];
        if (error_is(error, code) && ends_with_place(error->where, file, place)) {
            assert_true(error->text[0]);
            return;
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        print_error("%s %s: %s\n", list->errors[i].code, list->errors[i].where,
                    list->errors[i].text);
    }
    fail_msg("no %s at %s:%s", code, file, place);
}

/* The one thing that is wrong with an up file. */
static inline void
assert_refused(const char *up, const char *code, const char *place)
{
    CLEANUP(reads_release) struct reads reads = read_up(up);

    assert_false(reads.succeeded);
    assert_listed(&reads.errors, code, "1_a.up.sql", place);
    assert_int_equal(reads.errors.count, 1);
    assert_true(reads.errors.errors[0].hint[0] || reads.errors.errors[0].found[0]);
}

static inline void
assert_accepted(const char *up)
{
    CLEANUP(reads_release) struct reads reads = read_up(up);

    if (!reads.succeeded) {
        fail_msg("%s: %s", up, reads.errors.errors[0].text);
    }
}

#endif
