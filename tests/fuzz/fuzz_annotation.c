/* Lines of a file as comments: every one is words, or an error with a place, or nothing to us. */
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/annotation.h"

#include "tests/fuzz/fuzz.h"

#define COMMENTS_MAX 256

static size_t
find_comments(const char *text, size_t size, struct stretch *comments)
{
    struct place place = place_start();
    size_t count = 0;

    while (place.offset < size && count < COMMENTS_MAX) {
        const char *end = memchr(text + place.offset, '\n', size - place.offset);
        size_t line_end = end ? (size_t)(end - text) : size;
        comments[count++] = (struct stretch){.place = place, .size = line_end - place.offset};
        place = place_after(place, text, line_end + (end != NULL));
    }
    return count;
}

static void
parse_each(const char *text, const struct stretch *comments, size_t count, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        size_t begin = comments[i].place.offset, end = begin + comments[i].size;
        struct annotation annotation;
        struct place place;
        struct error error;
        if (!annotation_parse(text + begin, comments[i].size, comments[i].place, arena, &annotation,
                              &place, &error)) {
            MUST(!error.code[0] || (place.offset >= begin && place.offset <= end));
            continue;
        }
        MUST(annotation.word_count > 0);
        for (size_t word = 0; word < annotation.word_count; word++) {
            size_t offset = annotation.words[word].place.offset;
            const char *key = annotation.words[word].key;
            MUST(offset >= begin && offset + strlen(key) <= end);
            MUST(memcmp(text + offset, key, strlen(key)) == 0);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(error_list_release) struct error_list errors = {0};
    CLEANUP(mem_free) char *text = mem_zalloc(size + 1);
    struct stretch comments[COMMENTS_MAX];
    struct annotations annotations;

    memcpy(text, data, size);
    if (!text_is_utf8(text, size)) {
        return 0;
    }
    size_t count = find_comments(text, size, comments);
    parse_each(text, comments, count, &arena);
    bool succeeded = annotations_read("fuzz.sql", text, comments, count, size / 2, &arena,
                                      &annotations, &errors);
    MUST(succeeded == (errors.count == 0));
    return 0;
}
