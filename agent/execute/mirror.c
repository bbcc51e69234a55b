#include "agent/execute/mirror.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/migration/adoption.h"
#include "agent/execute/histories.h"

/* What a sitting knows of the tool's table; as long as it knows what is applied. */
struct mirror {
    const struct found_history *history; /* null: there is none to be written */
    const char *name;
};

static const struct history_place *
place_of(const struct step_try *try)
{
    const struct mirror *mirror = try->sitting->mirror;

    return mirror && mirror->history ? &mirror->history->place : NULL;
}

/* ---- before ---------------------------------------------------------------------------------- */

static bool
refuse_unwritable(struct step_try *try, const struct mirror *mirror)
{
    const char *user = connection_user(try->sitting->connection);

    try_fail(try, "E-ADOPT-PRIV", "the tool's own table cannot be written");
    error_where(&try->error, "%s", mirror->name);
    error_hint(&try->error,
               "GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO \"%s\"; or mirror_history: false in"
               " skein.yaml",
               mirror->name, user);
    return false;
}

static bool
refuse_apart(struct step_try *try, const struct mirror *mirror, const struct adoption *adoption,
             const struct error_list *problems)
{
    if (problems->count > 0 && !error_is(&problems->errors[0], "E-ADOPT-BEHIND")) {
        try->error = problems->errors[0];
        return false;
    }
    if (problems->count > 0) {
        try_fail(try, "E-ADOPT-CHANGED", "another tool's table does not agree with the journal");
        error_found(&try->error, "%zu that the journal has are not in the table: %.160s",
                    problems->count, problems->errors[0].text);
        error_hint(&try->error, "skein adopt --trust journal writes them there; were they taken"
                                " back with the tool: --trust table");
    } else {
        try_fail(try, "E-ADOPT-NEEDED", "the tool has applied migrations that the journal has not");
        error_found(&try->error, "%zu, from %s on", adoption->record_count,
                    adoption->record[0]->version);
        error_hint(&try->error, "skein adopt takes them over");
    }
    return error_where(&try->error, "%s", mirror->name);
}

/* Once in a sitting all of table and journal are compared; before a step, what it is about. */
static bool
check_level(struct step_try *try, const struct mirror *mirror)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(error_list_release) struct error_list problems = {0};
    const struct sitting *sitting = try->sitting;
    const char **journal = arena_alloc(&arena, (sitting->applied_count + 1) * sizeof *journal);
    struct adoption_wish wish = {.manifest = &try->order->bundle->manifest,
                                 .tool = mirror->history->place.tool,
                                 .where = mirror->name,
                                 .journal = journal,
                                 .journal_count = sitting->applied_count,
                                 .takes_edited = true,
                                 .passes_unknown = true};
    struct adoption adoption;
    struct history_row *rows;

    for (size_t i = 0; i < sitting->applied_count; i++) {
        journal[i] = sitting->applied[i].version;
    }
    if (!histories_read(try->sitting, mirror->history, &arena, &rows, &wish.row_count,
                        &try->error)) {
        return false;
    }
    wish.rows = rows;
    if (adoption_decide(&wish, &arena, &adoption, &problems) && adoption.record_count == 0) {
        return true;
    }
    return refuse_apart(try, mirror, &adoption, &problems);
}

static bool
learn(struct step_try *try, struct mirror *mirror)
{
    struct sitting *sitting = try->sitting;
    const struct manifest *manifest = &try->order->bundle->manifest;

    if (!histories_check_adopted(sitting, manifest, &try->error)) {
        return false;
    }
    if (!manifest->mirrors_history) {
        return true;
    }
    if (!histories_find_own(sitting, manifest, &sitting->applied_arena, &mirror->history,
                            &try->error)) {
        return false;
    }
    bool is_unheeded = false;
    if (mirror->history && !histories_is_unheeded(sitting, &is_unheeded, &try->error)) {
        return false;
    }
    if (!mirror->history || is_unheeded) {
        mirror->history = NULL;
        return true;
    }
    mirror->name = histories_name(&mirror->history->place, &sitting->applied_arena);
    return ((mirror->history->can_read && mirror->history->can_write) ||
            refuse_unwritable(try, mirror)) &&
           check_level(try, mirror);
}

bool
mirror_prepare(struct step_try *try, enum try_end *end)
{
    struct sitting *sitting = try->sitting;

    if (sitting->mirror) {
        return true;
    }
    struct mirror *mirror = arena_alloc(&sitting->applied_arena, sizeof *mirror);
    try->sqlstate[0] = '\0';
    if (!learn(try, mirror)) {
        try->is_retryable = sitting_is_transient(&try->error);
        *end = sitting_is_transient(&try->error)    ? TRY_LOST
               : error_is(&try->error, "E-STOPPED") ? TRY_CANCELLED
                                                    : TRY_FAILED;
        return false;
    }
    sitting->mirror = mirror;
    return true;
}

/* ---- the newest one, for tables that only have a mark ---------------------------------------- */

static const struct migration *
newest(const struct step_try *try, const struct migration *without, const struct migration *with)
{
    const struct manifest *manifest = &try->order->bundle->manifest;

    for (size_t i = manifest->migration_count; i-- > 0;) {
        const struct migration *migration = &manifest->migrations[i];
        if (migration == with ||
            (migration != without && sitting_find(try->sitting, migration->version))) {
            return migration;
        }
    }
    return NULL;
}

static const struct migration *
newest_before(const struct step_try *try)
{
    return newest(try, NULL, NULL);
}

static const struct migration *
newest_after(const struct step_try *try)
{
    const struct migration *migration = try->order->migration;
    bool is_up = try->order->direction == DIRECTION_UP;

    return newest(try, is_up ? NULL : migration, is_up ? migration : NULL);
}

/* ---- the check ------------------------------------------------------------------------------- */

enum check_answer { CHECK_LOCK, CHECK_STATE };
enum state_column { STATE_KEY, STATE_FAILED };

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, " FROM (");
    place->tool->append_rows(place, sql);
    text_append(sql, ") AS h (key, checksum, state, label)");
}

size_t
mirror_append_check(const struct step_try *try, struct text *sql)
{
    const struct history_place *place = place_of(try);

    if (!place) {
        return 0;
    }
    text_append(sql, "SELECT ");
    if (place->tool->append_lock) {
        text_append(sql, "pg_try_advisory_xact_lock(");
        place->tool->append_lock(place, sql);
        text_append(sql, ");");
    } else {
        text_append(sql, "true;");
    }
    text_append(sql, "SELECT max(key) FILTER (WHERE state = 'applied'");
    if (!place->tool->is_mark) {
        text_append(sql, " AND key = ");
        history_literal(sql, migration_key(try->order->migration, place->tool->key));
    }
    text_append(sql, "), max(coalesce(label, key)) FILTER (WHERE state = 'failed')");
    append_rows(place, sql);
    text_append(sql, ";");
    return 2;
}

static bool
changed(struct step_try *try, enum try_end *end, const char *code, const char *text,
        const char *found)
{
    const struct mirror *mirror = try->sitting->mirror;

    try_fail(try, code, text);
    error_where(&try->error, "%s", mirror->name);
    error_found(&try->error, "%s", found);
    error_hint(&try->error, "skein adopt brings the journal and the table of %s together",
               mirror->history->place.tool->name);
    *end = TRY_FAILED;
    return false;
}

static bool
is_busy(struct step_try *try, enum try_end *end)
{
    const struct history_tool *tool = place_of(try)->tool;

    error_set(&try->error, "E-ADOPT-BUSY", "%s works on this database", tool->name);
    error_where(&try->error, "%s", connection_place(try->sitting->connection));
    error_hint(&try->error, "try again when it is done");
    try->is_retryable = true;
    *end = TRY_LOCKED;
    return false;
}

static bool
check_mark(struct step_try *try, const char *mark, enum try_end *end)
{
    const struct history_tool *tool = place_of(try)->tool;
    const struct migration *before = newest_before(try);
    const char *expected = before ? migration_key(before, tool->key) : NULL;
    char found[200];

    if (mark && expected ? history_same_key(mark, expected) : mark == expected) {
        return true;
    }
    snprintf(found, sizeof found, "the table says %.60s, the journal %.60s",
             mark ? mark : "nothing", expected ? expected : "nothing");
    return changed(try, end, "E-ADOPT-CHANGED",
                   "another tool's table does not agree with the journal", found);
}

bool
mirror_check(struct step_try *try, size_t answer, enum try_end *end)
{
    const struct connection *connection = try->sitting->connection;
    const struct history_place *place = place_of(try);

    if (!place) {
        return true;
    }
    if (connection_cell(connection, answer + CHECK_LOCK, 0, 0)[0] != 't') {
        return is_busy(try, end);
    }
    const char *key = connection_cell(connection, answer + CHECK_STATE, 0, STATE_KEY);
    const char *failed = connection_cell(connection, answer + CHECK_STATE, 0, STATE_FAILED);
    bool is_up = try->order->direction == DIRECTION_UP;
    if (failed) {
        changed(try, end, "E-ADOPT-FAILED", "the tool says that a migration was left half done",
                failed);
        error_hint(&try->error, "%s",
                   place->tool->again ? place->tool->again : "repair it with the tool itself");
        return false;
    }
    if (place->tool->is_mark) {
        return check_mark(try, key, end);
    }
    if (is_up && key) {
        return changed(try, end, "E-ADOPT-NEEDED", "the tool has applied this migration already",
                       key);
    }
    return is_up || key ||
           changed(try, end, "E-ADOPT-CHANGED", "the tool's table does not have this migration",
                   try->order->migration->version);
}

bool
mirror_look(struct step_try *try, enum try_end *end)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    if (!mirror_prepare(try, end)) {
        return false;
    }
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;");
    if (!mirror_append_check(try, &sql)) {
        return true;
    }
    text_append(&sql, "COMMIT");
    if (!connection_run(try->sitting->connection, text_of(&sql), &patience)) {
        *end = try_query_failed(try, "cannot look at the tool's own table");
        return false;
    }
    return mirror_check(try, 1, end);
}

/* ---- writing --------------------------------------------------------------------------------- */

size_t
mirror_append_write(const struct step_try *try, struct text *sql)
{
    const struct history_place *place = place_of(try);

    if (!place) {
        return 0;
    }
    const struct history_step step = {
        .place = place,
        .bundle = try->order->bundle,
        .migration = try->order->migration,
        .direction = try->order->direction,
        .newest = newest_after(try),
        .duration_us = (uint64_t)(clock_now_us() - try->began_us),
    };
    return place->tool->append_write(&step, sql);
}

enum try_end
mirror_write_failed(struct step_try *try)
{
    const struct mirror *mirror = try->sitting->mirror;
    char name[256];

    snprintf(name, sizeof name, "%s", mirror->name); /* a lost connection takes it along */
    enum try_end end = try_query_failed(try, "cannot write the tool's own table");
    if (end == TRY_FAILED) {
        error_where(&try->error, "%s", name);
        error_hint(&try->error, "put the table in order; or mirror_history: false in skein.yaml");
    }
    return end;
}
