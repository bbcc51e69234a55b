/*
 * parse: what libpg_query alone needs for the SQL files in folders: skein-bench-parse FOLDER…
 * prints files, bytes, refused files, and the milliseconds of parsing, with and without the tree
 * being unpacked, by the core's time. Reading the files is not counted.
 */
#include <dirent.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/file.h"
#include "common/migration/manifest.h"
#include "common/sql/deep_stack.h"

struct sum {
    char **folders;
    size_t files, bytes, refused;
    int64_t parse_us, unpack_us;
};

/* What this process has had of a core, in microseconds. */
static int64_t
spent_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
parse(struct sum *sum, const char *text)
{
    int64_t start_us = spent_us();
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(text);
    int64_t parsed_us = spent_us();

    sum->parse_us += parsed_us - start_us;
    if (result.error) {
        sum->refused++;
    } else {
        PgQuery__ParseResult *tree = pg_query__parse_result__unpack(
            NULL, result.parse_tree.len, (const uint8_t *)result.parse_tree.data);
        pg_query__parse_result__free_unpacked(tree, NULL);
        sum->unpack_us += spent_us() - parsed_us;
    }
    pg_query_free_protobuf_parse_result(result);
}

static void
parse_file(struct sum *sum, const char *path)
{
    CLEANUP(text_release) struct text text = {0};
    struct error error;

    if (!file_read(path, FILE_ANY, SCRIPT_SIZE_MAX, "E-MIG-OPEN", &text, &error)) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(1);
    }
    sum->files++;
    sum->bytes += text.size;
    parse(sum, text_of(&text));
}

static void
parse_all(void *context)
{
    struct sum *sum = context;

    for (char **folder = sum->folders; *folder; folder++) {
        DIR *entries = opendir(*folder);
        for (struct dirent *entry; entries && (entry = readdir(entries));) {
            CLEANUP(mem_free) char *path = mem_format("%s/%s", *folder, entry->d_name);
            if (text_ends_with(entry->d_name, ".sql")) {
                parse_file(sum, path);
            }
        }
        if (entries) {
            closedir(entries);
        }
    }
}

int
main(int argc, char **argv)
{
    struct sum sum = {.folders = argv + (argc > 0)};

    deep_stack_run(parse_all, &sum);
    printf("%zu %zu %zu %.3f %.3f\n", sum.files, sum.bytes, sum.refused, (double)sum.parse_us / 1e3,
           (double)(sum.parse_us + sum.unpack_us) / 1e3);
    return 0;
}
