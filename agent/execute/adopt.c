#include "agent/execute/execute.h"

#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/histories.h"
#include "agent/execute/transaction.h"

#define LOCK_WAIT_MS 30000

/* One adoption on its way. */
struct adopting {
    struct sitting *sitting;
    const struct adopt_order *order;
    struct arena *arena;
    struct adopt_report *report;
    struct adoption adoption;
    const struct found_history *history;
    struct error_list *problems;
};

/* ---- what there is --------------------------------------------------------------------------- */

static bool
refuse_without_table(struct adopting *adopting, struct error *error)
{
    const struct manifest *manifest = &adopting->order->bundle->manifest;
    const struct history_tool *tool = history_of_layout(manifest->layout);
    struct sitting *sitting = adopting->sitting;
    CLEANUP(text_release) struct text others = {0};
    struct found_history *found = NULL;
    size_t count = 0;

    if (!histories_find(sitting, NULL, NULL, adopting->arena, &found, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        text_format(&others, "%s%s of %s", i ? ", " : "",
                    histories_name(&found[i].place, adopting->arena), found[i].place.tool->name);
    }
    error_set(error, "E-ADOPT-NONE", "there is nothing to adopt: no table of %s",
              tool ? tool->name : manifest->layout);
    error_where(error, "%s", connection_place(sitting->connection));
    if (count == 0 && tool && !histories_find_namesakes(sitting, tool->table, &others, error)) {
        return false;
    }
    if (count == 0 && others.size > 0) {
        error_found(error, "%s has other columns than the tool's", text_of(&others));
        return error_hint(error, "columns of the tool are missing, or of another type, or a column"
                                 " was added that every row must have");
    }
    if (count > 0) {
        error_found(error, "%s", text_of(&others));
        return error_hint(error, "the files are read as layout %s: is it the right one?",
                          manifest->layout);
    }
    return error_hint(error, "a database that no tool has migrated needs no adoption: skein up; is"
                             " the table called otherwise: history_table in skein.yaml");
}

static bool
find_table(struct adopting *adopting, struct error *error)
{
    const struct manifest *manifest = &adopting->order->bundle->manifest;

    if (!histories_find_own(adopting->sitting, manifest, adopting->arena, &adopting->history,
                            error)) {
        return false;
    }
    if (!adopting->history) {
        return refuse_without_table(adopting, error);
    }
    adopting->report->tool = adopting->history->place.tool->name;
    adopting->report->table = histories_name(&adopting->history->place, adopting->arena);
    return true;
}

static bool
disagree(struct adopting *adopting, struct error *error)
{
    const struct error_list *problems = adopting->problems;
    struct adopt_report *report = adopting->report;

    *error = problems->errors[0];
    report->problems = arena_alloc(adopting->arena, problems->count * sizeof *report->problems);
    for (size_t i = 1; i < problems->count; i++) {
        report->problems[report->problem_count++] =
            fault_from_error(&problems->errors[i], adopting->arena);
    }
    return false;
}

static bool
decide(struct adopting *adopting, struct error *error)
{
    struct sitting *sitting = adopting->sitting;
    struct arena *arena = adopting->arena;
    struct adopt_report *report = adopting->report;
    const char **journal = arena_alloc(arena, (sitting->applied_count + 1) * sizeof *journal);
    struct history_row *rows;

    if (!histories_read(sitting, adopting->history, arena, &rows, &report->row_count, error)) {
        return false;
    }
    for (size_t i = 0; i < sitting->applied_count; i++) {
        journal[i] = sitting->applied[i].version;
    }
    const struct adoption_wish wish = {.manifest = &adopting->order->bundle->manifest,
                                       .tool = adopting->history->place.tool,
                                       .where = report->table,
                                       .rows = rows,
                                       .row_count = report->row_count,
                                       .journal = journal,
                                       .journal_count = sitting->applied_count,
                                       .trust = adopting->order->trust,
                                       .takes_edited = adopting->order->takes_edited};
    if (!adoption_decide(&wish, arena, &adopting->adoption, adopting->problems)) {
        return disagree(adopting, error);
    }
    report->adoption = adopting->adoption;
    return true;
}

/* ---- writing it down ------------------------------------------------------------------------- */

static void
append_row(struct adopting *adopting, const struct migration *migration, enum direction direction,
           struct text *sql)
{
    struct sitting *sitting = adopting->sitting;
    const struct step_order order = {
        .step_id = id_random(), .attempt = 1, .migration = migration, .direction = DIRECTION_UP};
    struct journal_row row = journal_row_of(&order);
    struct outcome outcome = {.kind = OUTCOME_DONE};

    row.direction = direction;
    row.state = JOURNAL_DONE;
    row.cursor = arena_format(adopting->arena, "adopted from %s", adopting->report->tool);
    row.outcome = &outcome;
    journal_claim(sitting, &row, sql);
    journal_insert(sitting, &row, sql);
    sitting_advance(sitting, row.hash);
}

static void
append_mirror(struct adopting *adopting, struct text *sql)
{
    const struct adoption *adoption = &adopting->adoption;
    const struct manifest *manifest = &adopting->order->bundle->manifest;
    const struct migration *newest = NULL;

    for (size_t i = 0; i < manifest->migration_count; i++) {
        if (sitting_find(adopting->sitting, manifest->migrations[i].version)) {
            newest = &manifest->migrations[i];
        }
    }
    for (size_t i = 0; i < adoption->mirror_count; i++) {
        const struct history_step step = {.place = &adopting->history->place,
                                          .bundle = adopting->order->bundle,
                                          .migration = adoption->mirror[i],
                                          .direction = DIRECTION_UP,
                                          .newest = newest};
        adopting->history->place.tool->append_write(&step, sql);
    }
}

static bool
run(struct adopting *adopting, const char *sql, const char *what, struct error *error)
{
    struct patience patience = sitting_patience();

    return connection_run(adopting->sitting->connection, sql, &patience) ||
           sitting_query_failed(adopting->sitting, what, error);
}

/* The tool's own lock, by asking again and again: who waits in it may be in the way of others. */
static bool
take_lock(struct adopting *adopting, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    const struct history_place *place = &adopting->history->place;
    struct sitting *sitting = adopting->sitting;
    struct backoff backoff = {.first_ms = 20, .most_ms = 500};
    int64_t deadline_ms = clock_now_ms() + LOCK_WAIT_MS;

    if (!place->tool->append_lock) {
        return true;
    }
    text_append(&sql, "SELECT pg_try_advisory_xact_lock(");
    place->tool->append_lock(place, &sql);
    text_append(&sql, ")");
    for (;;) {
        if (!run(adopting, text_of(&sql), "cannot ask for the tool's lock", error)) {
            return false;
        }
        if (connection_is_true(sitting->connection, 0, 0, 0)) {
            return true;
        }
        if (clock_now_ms() >= deadline_ms) {
            error_set(error, "E-ADOPT-BUSY", "%s works on this database", place->tool->name);
            error_where(error, "%s", connection_place(sitting->connection));
            return error_hint(error, "try again when it is done");
        }
        if (!interrupt_sleep(sitting->interrupt, backoff_next_ms(&backoff, &sitting->random))) {
            return error_set(error, "E-STOPPED", "stopped while waiting for the tool's lock");
        }
    }
}

static bool
open_transaction(struct adopting *adopting, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    const struct step_order order = {.cluster_id = adopting->order->cluster_id,
                                     .fence = adopting->order->fence};
    struct step_try try = {.sitting = adopting->sitting, .order = &order};
    enum try_end end;

    transaction_append_opening(&try, &sql);
    transaction_append_checks(&sql);
    if (!run(adopting, text_of(&sql), "cannot begin to adopt", error)) {
        return false;
    }
    if (!transaction_check_opening(&try, &end)) {
        *error = try.error;
        if (error_is(error, "E-FENCED") && adopting->order->fence.epoch == 0) {
            error_hint(error, "the target belongs to a coordinator: skein adopt SERVICE");
        }
        return false;
    }
    return true;
}

static bool
write_down(struct adopting *adopting, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    const struct adoption *adoption = &adopting->adoption;
    bool is_unheeded = false;

    if (!histories_is_unheeded(adopting->sitting, &is_unheeded, error)) {
        return false;
    }
    /* Whether other tools' tables are heeded here is kept, too. */
    if (adopting->order->is_nothing && !is_unheeded) {
        journal_append_word(adopting->sitting, ADOPTED_NOTHING, &sql);
    } else if (!adopting->order->is_nothing && is_unheeded) {
        journal_append_word(adopting->sitting, "adopted after all", &sql);
    }
    for (size_t i = adoption->forget_count; i-- > 0;) {
        append_row(adopting, adoption->forget[i], DIRECTION_DOWN, &sql);
    }
    for (size_t i = 0; i < adoption->record_count; i++) {
        append_row(adopting, adoption->record[i], DIRECTION_UP, &sql);
    }
    append_mirror(adopting, &sql);
    text_append(&sql, "COMMIT");
    return run(adopting, text_of(&sql), "cannot write down what is adopted", error);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool
adopt_for_good(struct adopting *adopting, struct error *error)
{
    struct sitting *sitting = adopting->sitting;
    struct patience patience = {.deadline_ms = clock_now_ms() + LOCK_WAIT_MS};
    bool is_nothing = adopting->order->is_nothing;

    bool is_adopted = open_transaction(adopting, error) &&
                      (is_nothing || (take_lock(adopting, error) && decide(adopting, error))) &&
                      write_down(adopting, error);
    sitting_take_possession(sitting, is_adopted ? &adopting->order->cluster_id : &(struct id){0});
    if (!is_adopted && sitting->connection &&
        !connection_run(sitting->connection, "ROLLBACK", &patience)) {
        sitting_drop(sitting);
    }
    sitting_forget_applied(sitting); /* the journal has changed, or may have */
    sitting_forget_head(sitting);
    return is_adopted;
}

bool
sitting_adopt(struct sitting *sitting, const struct adopt_order *order, struct arena *arena,
              struct adopt_report *report, struct error *error)
{
    CLEANUP(error_list_release) struct error_list problems = {0};
    struct adopting adopting = {.sitting = sitting,
                                .order = order,
                                .arena = arena,
                                .report = report,
                                .problems = &problems};

    *report = (struct adopt_report){0};
    sitting->no_history_ms = 0;
    bool is_here = order->is_dry ? sitting_look(sitting, false, error)
                                 : sitting_attend(sitting, clock_now_ms() + LOCK_WAIT_MS, error);
    if (!is_here || (!order->is_nothing && !find_table(&adopting, error))) {
        return false;
    }
    if (order->is_dry) {
        return order->is_nothing || decide(&adopting, error);
    }
    return adopt_for_good(&adopting, error);
}

bool
sitting_check_adopted(struct sitting *sitting, const struct manifest *manifest, struct error *error)
{
    bool is_here = sitting->connection && !connection_is_lost(sitting->connection);

    sitting->no_history_ms = 0;
    return (is_here || sitting_look(sitting, false, error)) &&
           histories_check_adopted(sitting, manifest, error);
}
