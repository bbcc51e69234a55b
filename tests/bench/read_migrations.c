/*
 * read_migrations: read folders of migrations and say what is in them: files, statements, refusals
 * by code, files per second. `skein-bench-read [--each] [--accept] FOLDER…`; --each prints every
 * refusal, --accept accepts what can be accepted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/reader.h"

struct tally {
    const char *code;
    size_t errors, notes;
};

#define TALLY_MAX 64

static void
count(struct tally *tallies, const struct error_list *list, bool is_note)
{
    for (size_t i = 0; i < list->count; i++) {
        struct tally *tally = tallies;
        while (tally->code && strcmp(tally->code, list->errors[i].code) != 0) {
            tally++;
        }
        tally->code = list->errors[i].code;
        *(is_note ? &tally->notes : &tally->errors) += 1;
    }
}

static void
print_each(const char *what, const struct error_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct error *error = &list->errors[i];
        printf("  %s[%s]: %s\n    where: %s\n    found: %s\n    hint:  %s\n", what, error->code,
               error->text, error->where, error->found, error->hint);
    }
}

static void
add_script(const struct script *script, bool exists, size_t *files, size_t *statements)
{
    *files += exists;
    *statements += script->statement_count;
}

static void
print_bundle(const struct bundle *bundle, int64_t spent_us)
{
    size_t files = 0, statements = 0, down = 0, outside = 0;
    char digest[2 * DIGEST_SIZE + 1];

    for (size_t i = 0; i < bundle->manifest.migration_count; i++) {
        const struct migration *migration = &bundle->manifest.migrations[i];
        add_script(&migration->up, migration->has_up, &files, &statements);
        add_script(&migration->down, migration->has_down, &files, &statements);
        add_script(&migration->verify, migration->has_verify, &files, &statements);
        down += migration->has_down;
        outside += !migration->up.is_transactional;
    }
    text_hex(bundle->digest.bytes, DIGEST_SIZE, digest);
    printf("  %zu migrations (%zu with a way back, %zu outside a transaction), %zu files, "
           "%zu statements, %zu bytes, %.0f files/s, %.12s\n",
           bundle->manifest.migration_count, down, outside, files, statements, bundle->bytes.size,
           (double)files * 1e6 / (double)spent_us, digest);
}

static void
read_one(const char *folder, bool prints_each, bool accepts)
{
    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    CLEANUP(bundle_destroy) struct bundle *bundle = NULL;
    struct tally tallies[TALLY_MAX] = {0};
    int64_t start_us = clock_now_us();
    struct migrations_source source = {
        .folder = folder, .service = "bench", .layout = "auto", .accepted = accepts ? ~0U : 0};
    bool succeeded = migrations_read_source(&source, &bundle, &errors, &notes);
    int64_t spent_us = clock_now_us() - start_us;

    printf("%s: %s, %zu errors, %zu notes, %.1f ms\n", folder, succeeded ? "read" : "refused",
           errors.count, notes.count, (double)spent_us / 1e3);
    if (succeeded) {
        print_bundle(bundle, spent_us);
    }
    count(tallies, &errors, false);
    count(tallies, &notes, true);
    for (const struct tally *tally = tallies; tally->code; tally++) {
        printf("  %-24s %5zu errors %5zu notes\n", tally->code, tally->errors, tally->notes);
    }
    if (prints_each) {
        print_each("error", &errors);
        print_each("note", &notes);
    }
}

int
main(int argc, char **argv)
{
    bool prints_each = false, accepts = false;

    for (int i = 1; i < argc; i++) {
        if (text_equal(argv[i], "--each")) {
            prints_each = true;
        } else if (text_equal(argv[i], "--accept")) {
            accepts = true;
        } else {
            read_one(argv[i], prints_each, accepts);
        }
    }
    return 0;
}
