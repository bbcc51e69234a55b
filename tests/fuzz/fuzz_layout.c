/*
 * A folder of migrations, in every layout: read into a bundle, or refused with places. The first
 * byte says which layout ('a' is auto, 'b' the next …); then files follow, each behind a line
 * "=== <name>".
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/reader.h"
#include "common/sql/deep_stack.h"

#include "tests/fuzz/fuzz.h"

#define FILES_MAX 12
#define NAME_MAX_SIZE 80
#define HEAD "=== "

static const char *const layouts[] = {
    "auto",     "pairs",       "dbmate",           "diesel",          "drizzle",
    "flyway",   "goose",       "graphile-migrate", "node-pg-migrate", "popx",
    "prisma",   "sourcegraph", "sql-migrate",      "sqitch",          "sqlx",
    "supabase", "maragu"};

struct input {
    char folder[32];
    const char *layout;
};

/* ---- the folder ------------------------------------------------------------------------------ */

/* A name that stays in the folder, and what can be made there. */
static bool
is_safe(const char *name)
{
    return name[0] && name[0] != '/' && !strstr(name, "..") && !strstr(name, "//") &&
           name[strlen(name) - 1] != '/';
}

static void
write_file(const struct input *input, const char *name, const char *text, size_t size)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", input->folder, name);

    for (char *slash = strchr(path + strlen(input->folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    if (file) {
        MUST(fwrite(text, 1, size, file) == size);
        fclose(file);
    }
}

static void
write_files(const struct input *input, const char *data, size_t size)
{
    const char *end = data + size;

    for (int i = 0; i < FILES_MAX && data < end; i++) {
        char name[NAME_MAX_SIZE] = "";
        const char *head = memmem(data, (size_t)(end - data), HEAD, strlen(HEAD));
        if (!head) {
            return;
        }
        const char *line = head + strlen(HEAD);
        const char *text = memchr(line, '\n', (size_t)(end - line));
        if (!text) {
            return;
        }
        size_t length = (size_t)(text - line);
        memcpy(name, line, length < sizeof name ? length : sizeof name - 1);
        text++;
        const char *next = memmem(text, (size_t)(end - text), HEAD, strlen(HEAD));
        next = next ? next : end;
        if (is_safe(name)) {
            write_file(input, name, text, (size_t)(next - text));
        }
        data = next;
    }
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* ---- reading it ------------------------------------------------------------------------------ */

static void
check_errors(const struct error_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct error *error = &list->errors[i];
        MUST(error->code[0] && error->text[0]);
        MUST(text_is_utf8(error->text, strlen(error->text)));
        MUST(text_is_utf8(error->where, strlen(error->where)));
        MUST(text_is_utf8(error->found, strlen(error->found)));
        MUST(text_is_utf8(error->hint, strlen(error->hint)));
    }
}

static void
check_bundle(const struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->manifest.migration_count; i++) {
        const struct migration *migration = &bundle->manifest.migrations[i];
        MUST(migration->has_up && migration->version[0] && migration->name[0]);
    }
}

static void
read_folder(void *context)
{
    static const struct substitution items[] = {{"${schema}", "app"}, {":OWNER", "boss"}};
    const struct input *input = context;
    const struct migrations_source source = {.folder = input->folder,
                                             .service = "fuzz",
                                             .layout = input->layout,
                                             .substitutions = {items, 2}};

    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    CLEANUP(bundle_destroy) struct bundle *bundle = NULL;
    bool succeeded = migrations_read_source(&source, &bundle, &errors, &notes);
    MUST(succeeded == (bundle != NULL) && succeeded == (errors.count == 0));
    check_errors(&errors);
    check_errors(&notes);
    if (bundle) {
        check_bundle(bundle);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.folder = "/tmp/skein-fuzz-XXXXXX"};

    if (size < 2 || !mkdtemp(input.folder)) {
        return 0;
    }
    input.layout = layouts[(data[0] + 256U - 'a') % (sizeof layouts / sizeof *layouts)];
    write_files(&input, (const char *)data + 1, size - 1);
    deep_stack_run(read_folder, &input);
    (void)nftw(input.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
