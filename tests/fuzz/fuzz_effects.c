/* Any SQL, replayed twice into one catalog: read without a crash, and what is said holds together.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/sql/catalog.h"
#include "common/sql/deep_stack.h"
#include "common/sql/split.h"

#include "tests/fuzz/fuzz.h"

struct input {
    char *text; /* NUL-terminated */
    size_t size;
    int major;
};

static void
check_effects(const struct effects *effects, size_t size)
{
    enum lock_mode strongest = LOCK_NONE;

    for (size_t i = 0; i < effects->effect_count; i++) {
        const struct effect *effect = &effects->effects[i];
        MUST(effect->name && effect->offset <= size);
        MUST(effect_verb_name(effect->verb) && sql_object_name(effect->object));
        MUST(!effect->loses_data || !effect->can_undo);
    }
    for (size_t i = 0; i < effects->relation_count; i++) {
        const struct sql_relation *relation = &effects->relations[i];
        MUST(relation->schema && relation->name && relation->lock != LOCK_NONE);
        MUST(relation->lock < LOCK_MODE_COUNT);
        if (!relation->is_new && !relation->is_temporary && relation->lock > strongest) {
            strongest = relation->lock;
        }
    }
    for (size_t i = 0; i < effects->call_count; i++) {
        MUST(effects->calls[i].name && effects->calls[i].offset <= size);
    }
    MUST(effects->strongest == strongest);
    MUST(effects->major_min >= SQL_MAJOR_MIN && effects->major_min <= SQL_MAJOR_MAX);
}

/* Every table is found by its name, and so is what hangs on it. */
static void
check_catalog(const struct catalog *catalog)
{
    const struct catalog_table *table = NULL;

    while ((table = catalog_next(catalog, table))) {
        MUST(catalog_table(catalog, table->schema, table->name) == table);
        for (const struct catalog_index *index = table->indexes; index; index = index->next) {
            MUST(index->table == table);
            MUST(catalog_index(catalog, index->schema, index->index.name) == index);
        }
        for (const struct catalog_kin *kin = table->children; kin; kin = kin->next) {
            MUST(catalog_table(catalog, kin->table->schema, kin->table->name) == kin->table);
        }
    }
}

static void
read_script(void *context)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(catalog_destroy) struct catalog *catalog = catalog_new();
    const struct input *input = context;
    struct sql_script script;
    struct place place;
    struct error error;

    if (!sql_split(input->text, input->size, "skein", &arena, &script, &place, &error)) {
        return;
    }
    for (int file = 0; file < 2; file++) {
        catalog_begin_file(catalog);
        for (size_t i = 0; i < script.statement_count; i++) {
            struct effects effects;
            effects_read(&script.statements[i], file ? catalog : NULL, input->major, &arena,
                         &effects);
            check_effects(&effects, input->size);
            effects_read(&script.statements[i], catalog, input->major, &arena, &effects);
            check_effects(&effects, input->size);
            catalog_apply(catalog, &effects);
            check_catalog(catalog);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_free) char *text = mem_zalloc(size + 1);
    struct input input = {.text = text, .size = size, .major = 12 + (int)(size % 7)};

    memcpy(text, data, size);
    if (text_is_utf8(text, size)) {
        deep_stack_run(read_script, &input);
    }
    return 0;
}
