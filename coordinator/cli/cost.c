#include "coordinator/cli/cost.h"

#include <inttypes.h>

#include "coordinator/cli/format.h"
#include "coordinator/cli/show.h"

#define WAL_SHOWN_MIN ((uint64_t)1 << 20) /* less is of no concern to anybody */

const char *
cost_lock_name(enum table_lock mode)
{
    static const char *const names[TABLE_LOCK_COUNT] = {
        "none",  "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
        "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};

    return mode < TABLE_LOCK_COUNT ? names[mode] : "unknown";
}

/* ---- in words -------------------------------------------------------------------------------- */

static void
append_comma(struct text *out)
{
    text_append(out, out->size ? ", " : "");
}

static const struct blocker_outcome *
oldest_blocker(const struct outcome *outcome)
{
    const struct blocker_outcome *oldest = NULL;

    for (size_t i = 0; i < outcome->blocker_count; i++) {
        if (!oldest || outcome->blockers[i].age_ms > oldest->age_ms) {
            oldest = &outcome->blockers[i];
        }
    }
    return oldest;
}

static const char *
name_of(const struct blocker_outcome *blocker)
{
    bool is_named = blocker->application && blocker->application[0];
    return is_named ? blocker->application : blocker->user ? blocker->user : "";
}

static void
append_warnings(const struct outcome *outcome, struct text *out)
{
    for (size_t i = 0; i < outcome->warning_count; i++) {
        append_comma(out);
        text_append(out, outcome->warnings[i].text ? outcome->warnings[i].text : "");
    }
}

void
cost_append_step(const struct outcome *outcome, struct text *out)
{
    const struct blocker_outcome *blocker = oldest_blocker(outcome);
    char time[FORMAT_SIZE];

    if (outcome->lock_wait_us && blocker) {
        append_comma(out);
        text_format(out, "waited %s for ", format_duration_us(outcome->lock_wait_us, time));
        if (blocker->pid) {
            text_format(out, "pid %" PRIu64 " (%s)", blocker->pid, name_of(blocker));
        } else {
            text_append(out, "a prepared transaction");
        }
        if (outcome->blocker_count > 1) {
            text_format(out, " and %zu more", outcome->blocker_count - 1);
        }
    }
    if (outcome->lock_tries > 1) {
        append_comma(out);
        text_format(out, "%" PRIu64 " tries for locks", outcome->lock_tries);
    }
    append_warnings(outcome, out);
}

void
cost_append_statement(const struct outcome *outcome, const struct statement_outcome *statement,
                      struct text *out)
{
    char time[FORMAT_SIZE], size[FORMAT_SIZE];

    for (size_t i = 0; i < outcome->lock_count; i++) {
        const struct lock_outcome *lock = &outcome->locks[i];
        if (lock->line == statement->line) {
            append_comma(out);
            text_format(out, "%s on %s %s%s", cost_lock_name(lock->mode),
                        lock->relation ? lock->relation : "?",
                        format_duration_us(lock->held_us, time),
                        lock->is_rewritten ? ", rewritten" : "");
        }
    }
    if (statement->blocked_max) {
        append_comma(out);
        text_format(out, "%" PRIu64 " waited %s", statement->blocked_max,
                    format_duration_us(statement->blocked_us, time));
    }
    if (statement->wal_bytes >= WAL_SHOWN_MIN) {
        append_comma(out);
        text_format(out, "%s of WAL", format_size(statement->wal_bytes, size));
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

json_t *
cost_locks_json(const struct outcome *outcome)
{
    json_t *locks = json_array();

    for (size_t i = 0; i < outcome->lock_count; i++) {
        const struct lock_outcome *lock = &outcome->locks[i];
        json_array_append_new(
            locks,
            json_pack("{s:o, s:s, s:I, s:I, s:b}", "relation", show_json_text(lock->relation),
                      "mode", cost_lock_name(lock->mode), "line", (json_int_t)lock->line, "held_us",
                      (json_int_t)lock->held_us, "rewritten", (int)lock->is_rewritten));
    }
    return locks;
}

json_t *
cost_warnings_json(const struct outcome *outcome)
{
    json_t *warnings = json_array();

    for (size_t i = 0; i < outcome->warning_count; i++) {
        json_array_append_new(warnings, show_json_text(outcome->warnings[i].text));
    }
    return warnings;
}

json_t *
cost_blockers_json(const struct outcome *outcome)
{
    json_t *blockers = json_array();

    for (size_t i = 0; i < outcome->blocker_count; i++) {
        const struct blocker_outcome *blocker = &outcome->blockers[i];
        json_array_append_new(
            blockers,
            json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I}", "pid", (json_int_t)blocker->pid,
                      "user", show_json_text(blocker->user), "application",
                      show_json_text(blocker->application), "state", show_json_text(blocker->state),
                      "relation", show_json_text(blocker->relation), "query_start",
                      show_json_text(blocker->query_start), "age_ms", (json_int_t)blocker->age_ms));
    }
    return blockers;
}
