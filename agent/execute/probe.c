#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "agent/execute/batch_table.h"
#include "agent/execute/histories.h"

/*
 * Before a plan: what the target's catalog says against statements that are to go in batches. The
 * same look as at the beginning of a step, which looks again; here it changes nothing.
 */

#define PROBE_LOCK_MS 50 /* somebody has the table for himself: the step will look */

static bool
is_applied(const struct sitting *sitting, const char *version)
{
    for (size_t i = 0; i < sitting->applied_count; i++) {
        if (strcmp(sitting->applied[i].version, version) == 0) {
            return true;
        }
    }
    return false;
}

static void
take_refusal(const struct batch_probe *probe, struct error *error, struct arena *arena,
             struct batch_verdict *verdict)
{
    error_where(error, "%s:%" PRIu64 ":%" PRIu64, probe->path, probe->line, probe->column);
    *verdict = (struct batch_verdict){.version = arena_text(arena, probe->version),
                                      .fault = fault_from_error(error, arena)};
}

/* It may go; but what a trigger does is known only when it has. */
static bool
warns(const struct batch_probe *probe, const struct batch_table *table, struct arena *arena,
      struct batch_verdict *verdict)
{
    struct error error;

    for (size_t i = 0; i < table->leaf_count; i++) {
        const struct batch_leaf *leaf = &table->leaves[i];
        if (leaf->may_move_key && !table->is_by_ctid) {
            error_set(&error, "E-BATCH-KEY-MOVED",
                      "%s.%s has a trigger BEFORE UPDATE, or its key is generated: every batch is "
                      "looked at, and the first that has moved a key is rolled back",
                      leaf->schema, leaf->name);
        } else if (leaf->will_change_more) {
            error_set(&error, "E-BATCH-TRIGGER",
                      "a trigger behind UPDATE of %s.%s seems to change rows of that table: the "
                      "first batch in which it does is rolled back",
                      leaf->schema, leaf->name);
        } else {
            continue;
        }
        take_refusal(probe, &error, arena, verdict);
        verdict->is_warning = true;
        return true;
    }
    return false;
}

static bool
look(struct sitting *sitting, const struct batch_probe *probe, struct arena *arena,
     struct batch_verdict *verdict)
{
    CLEANUP(arena_release) struct arena scratch = {0};
    struct step_try try = {.sitting = sitting, .lock_timeout_ms = PROBE_LOCK_MS};
    struct batch_table table;
    struct error error;

    if (batch_table_look(&try, &probe->subject, &scratch, &table, &error)) {
        return warns(probe, &table, arena, verdict);
    }
    if (text_starts_with(error.code, "E-BATCH-")) {
        take_refusal(probe, &error, arena, verdict);
        return true;
    }
    sitting_roll_back(sitting); /* it could not be asked: the step will say so better */
    return false;
}

size_t
sitting_probe(struct sitting *sitting, const struct batch_probe *probes, size_t probe_count,
              struct arena *arena, struct batch_verdict *verdicts)
{
    size_t count = 0;

    for (size_t i = 0; i < probe_count && count < VERDICTS_MAX && sitting->connection; i++) {
        if (is_applied(sitting, probes[i].version) == probes[i].is_down) {
            count += look(sitting, &probes[i], arena, &verdicts[count]);
        }
    }
    return count;
}
