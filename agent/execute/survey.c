#include "agent/execute/execute.h"
#include "agent/execute/sitting.h"

bool
sitting_examine(struct sitting *sitting, struct arena *arena, struct target_facts *facts,
                struct error *error)
{
    bool is_fit = sitting_look(sitting, true, error);

    *facts = sitting->facts;
    if (is_fit && sitting->applied_count) {
        const struct applied *last = &sitting->applied[sitting->applied_count - 1];
        facts->applied_version = arena_text(arena, last->row.version);
    }
    return is_fit;
}

bool
sitting_survey(struct sitting *sitting, struct arena *arena, struct applied_migration **applied,
               size_t *applied_count, struct error *error)
{
    if (!sitting_look(sitting, false, error)) {
        return false;
    }
    *applied_count = sitting->applied_count;
    *applied = arena_alloc(arena, (sitting->applied_count + 1) * sizeof **applied);
    for (size_t i = 0; i < sitting->applied_count; i++) {
        struct applied_migration *row = &(*applied)[i];
        *row = sitting->applied[i].row;
        row->version = arena_text(arena, row->version);
        row->name = arena_text(arena, row->name);
    }
    return true;
}
