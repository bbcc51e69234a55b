/* A migration file: split and judged, or refused with a place in it. */
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/refusal.h"
#include "common/sql/deep_stack.h"

#include "tests/fuzz/fuzz.h"

struct input {
    char *text; /* NUL-terminated */
    size_t size;
};

static void
check_stretches(const struct input *input, const struct sql_script *script)
{
    size_t end = 0;

    for (size_t i = 0; i < script->statement_count; i++) {
        const struct sql_statement *statement = &script->statements[i];
        MUST(statement->stretch.place.offset >= end && statement->stretch.size > 0);
        end = statement->stretch.place.offset + statement->stretch.size;
        MUST(end <= input->size && statement->facts.tag[0]);
        MUST(statement->facts.secret_offset < input->size);
        MUST(text_is_utf8(input->text + statement->stretch.place.offset, statement->stretch.size));
    }
}

static void
judge(const struct input *input, const struct sql_script *script, struct arena *arena)
{
    CLEANUP(error_list_release) struct error_list errors = {0}, notes = {0};
    struct annotations annotations;
    size_t first =
        script->statement_count ? script->statements[0].stretch.place.offset : input->size;

    (void)annotations_read("fuzz.sql", input->text, script->comments, script->comment_count, first,
                           arena, &annotations, &errors);
    errors.count = 0;
    struct judged judged = {
        .path = "fuzz.sql", .text = input->text, .script = script, .annotations = &annotations};
    bool succeeded = refusals_find(&judged, &errors, &notes);
    MUST(succeeded == (errors.count == 0));
    for (size_t i = 0; i < errors.count; i++) {
        MUST(errors.errors[i].code[0] && errors.errors[i].where[0]);
    }
}

static void
read_script(void *context)
{
    CLEANUP(arena_release) struct arena arena = {0};
    const struct input *input = context;
    struct sql_script script;
    struct place place;
    struct error error;

    if (!sql_split(input->text, input->size, ANNOTATION_MARK, &arena, &script, &place, &error)) {
        MUST(error.code[0] && error.text[0] && place.offset <= input->size);
        MUST(place.line > 0 && place.column > 0);
        return;
    }
    check_stretches(input, &script);
    judge(input, &script, &arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_free) char *text = mem_zalloc(size + 1);
    struct input input = {.text = text, .size = size};

    memcpy(text, data, size);
    if (text_is_utf8(text, size)) {
        deep_stack_run(read_script, &input);
    }
    return 0;
}
