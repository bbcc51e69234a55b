/*
 * replay: runs a fuzzer's corpus without libFuzzer, as it is and with random changes from a fixed
 * seed; so every build and every sanitizer has seen it. A finding is the process's death; the input
 * is then in the file that is named first.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/random.h"
#include "common/base/text.h"

#include "tests/fuzz/fuzz.h"

/* Under memcheck (tests/support/valgrind) everything takes fifty times as long. */
static int
changes_per_file(void)
{
    return getenv("SKEIN_SLOW") ? 20 : 300;
}

/* The memory is exactly as large as the input, so that a sanitizer sees every step beyond it. */
static void
run(const char *data, size_t size)
{
    CLEANUP(mem_free) uint8_t *copy = mem_copy(data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
}

/* One random change: another byte, a piece less, or a piece twice. */
static void
change(struct text *input, struct random *random)
{
    if (input->size == 0) {
        return;
    }
    size_t at = random_below(random, input->size), left = input->size - at;
    size_t piece = 1 + random_below(random, left < 16 ? left : 16);
    char kept[16];

    switch (random_below(random, 4)) {
    case 0:
        memmove(input->data + at, input->data + at + piece, left - piece);
        input->size -= piece;
        break;
    case 1:
        memcpy(kept, input->data + at, piece);
        text_append_bytes(input, kept, piece);
        break;
    case 2:
        input->data[at] = (char)(input->data[at] ^ 1 << random_below(random, 8));
        break;
    default:
        input->data[at] = (char)random_below(random, 256);
        break;
    }
}

static bool
read_file(const char *path, struct text *content)
{
    FILE *file = fopen(path, "rb");
    char buffer[4096];

    for (size_t size; file && (size = fread(buffer, 1, sizeof buffer, file)) > 0;) {
        text_append_bytes(content, buffer, size);
    }
    return file && fclose(file) == 0;
}

static bool
replay(const char *folder, const char *name, struct random *random)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", folder, name);
    CLEANUP(text_release) struct text content = {0};

    if (!read_file(path, &content)) {
        perror(path);
        return false;
    }
    printf("%s\n", name);
    (void)fflush(stdout);
    run(text_of(&content), content.size);
    for (int changes = 0; changes < changes_per_file(); changes++) {
        CLEANUP(text_release) struct text changed = {0};
        text_append_bytes(&changed, text_of(&content), content.size);
        for (uint64_t times = 1 + random_below(random, 4); times > 0; times--) {
            change(&changed, random);
        }
        run(text_of(&changed), changed.size);
    }
    return true;
}

int
main(int argc, char **argv)
{
    struct random random = random_seeded(1);
    struct dirent **entries = NULL;
    int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
    int replayed = 0;

    if (count < 0) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            if (!replay(argv[1], entries[i]->d_name, &random)) {
                return 1;
            }
            replayed++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%d files\n", replayed);
    return replayed > 0 ? 0 : 1;
}
