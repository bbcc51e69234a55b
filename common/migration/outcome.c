#include "common/migration/outcome.h"

#include <stdio.h>
#include <string.h>

#define DURATION_MAX_US ((uint64_t)10 * 365 * 24 * 3600 * 1000000)
#define TALLY_MAX ((uint64_t)INT64_MAX)

static const struct pack_field fault_fields[] = {
    PACK_FIELD_TEXT(struct fault, code, sizeof(((struct error *)NULL)->code)),
    PACK_FIELD_TEXT(struct fault, text, sizeof(((struct error *)NULL)->text)),
    PACK_FIELD_TEXT(struct fault, where, sizeof(((struct error *)NULL)->where)),
    PACK_FIELD_TEXT(struct fault, found, sizeof(((struct error *)NULL)->found)),
    PACK_FIELD_TEXT(struct fault, hint, sizeof(((struct error *)NULL)->hint)),
    PACK_FIELD_TEXT(struct fault, sqlstate, 5),
    PACK_FIELD_BOOL(struct fault, is_retryable),
};

const struct pack_shape fault_shape = PACK_SHAPE(struct fault, fault_fields);

static const struct pack_field statement_outcome_fields[] = {
    PACK_FIELD_UINT(struct statement_outcome, line, TALLY_MAX),
    PACK_FIELD_TEXT(struct statement_outcome, tag, 64),
    PACK_FIELD_UINT(struct statement_outcome, duration_us, DURATION_MAX_US),
    PACK_FIELD_UINT(struct statement_outcome, rows, TALLY_MAX),
    PACK_FIELD_UINT(struct statement_outcome, wal_bytes, TALLY_MAX),
    PACK_FIELD_UINT(struct statement_outcome, blocked_us, TALLY_MAX),
    PACK_FIELD_UINT(struct statement_outcome, blocked_max, TALLY_MAX),
};

static const struct pack_shape statement_outcome_shape =
    PACK_SHAPE(struct statement_outcome, statement_outcome_fields);

static const struct pack_field blocker_outcome_fields[] = {
    PACK_FIELD_UINT(struct blocker_outcome, pid, TALLY_MAX),
    PACK_FIELD_TEXT(struct blocker_outcome, user, 64),
    PACK_FIELD_TEXT(struct blocker_outcome, application, 64),
    PACK_FIELD_TEXT(struct blocker_outcome, state, 40),
    PACK_FIELD_TEXT(struct blocker_outcome, relation, 130),
    PACK_FIELD_TEXT(struct blocker_outcome, query_start, 24),
    PACK_FIELD_UINT(struct blocker_outcome, age_ms, DURATION_MAX_US / 1000),
};

static const struct pack_shape blocker_outcome_shape =
    PACK_SHAPE(struct blocker_outcome, blocker_outcome_fields);

static const struct pack_field lock_outcome_fields[] = {
    PACK_FIELD_TEXT(struct lock_outcome, relation, 130),
    PACK_FIELD_ENUM(struct lock_outcome, mode, TABLE_LOCK_COUNT - 1),
    PACK_FIELD_UINT(struct lock_outcome, line, TALLY_MAX),
    PACK_FIELD_UINT(struct lock_outcome, held_us, DURATION_MAX_US),
    PACK_FIELD_BOOL(struct lock_outcome, is_rewritten),
};

static const struct pack_shape lock_outcome_shape =
    PACK_SHAPE(struct lock_outcome, lock_outcome_fields);

static const struct pack_field warning_outcome_fields[] = {
    PACK_FIELD_TEXT(struct warning_outcome, text, 200),
};

static const struct pack_shape warning_outcome_shape =
    PACK_SHAPE(struct warning_outcome, warning_outcome_fields);

static const char *const outcome_kinds[] = {"done", "already", "failed", "cancelled"};

static const struct pack_field outcome_fields[] = {
    PACK_FIELD_NAMED_ENUM(struct outcome, kind, outcome_kinds),
    PACK_FIELD_STRUCT(struct outcome, fault, fault_shape),
    PACK_FIELD_UINT(struct outcome, duration_us, DURATION_MAX_US),
    PACK_FIELD_UINT(struct outcome, lock_tries, TALLY_MAX),
    PACK_FIELD_UINT(struct outcome, lock_timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
    PACK_FIELD_UINT(struct outcome, lock_wait_us, DURATION_MAX_US),
    PACK_FIELD_LIST(struct outcome, blockers, blocker_count, blocker_outcome_shape,
                    OUTCOME_BLOCKERS_MAX),
    PACK_FIELD_LIST(struct outcome, locks, lock_count, lock_outcome_shape, OUTCOME_LOCKS_MAX),
    PACK_FIELD_LIST(struct outcome, warnings, warning_count, warning_outcome_shape,
                    OUTCOME_WARNINGS_MAX),
    PACK_FIELD_UINT(struct outcome, wal_bytes, TALLY_MAX),
    PACK_FIELD_UINT(struct outcome, blocked_us, TALLY_MAX),
    PACK_FIELD_UINT(struct outcome, blocked_max, TALLY_MAX),
    PACK_FIELD_UINT(struct outcome, notices, TALLY_MAX),
    PACK_FIELD_UINT(struct outcome, journal_count, TALLY_MAX),
    PACK_FIELD_FIXED(struct outcome, journal_head),
    PACK_FIELD_LIST(struct outcome, statements, statement_count, statement_outcome_shape,
                    OUTCOME_STATEMENTS_MAX),
};

const struct pack_shape outcome_shape = PACK_SHAPE(struct outcome, outcome_fields);

/*
 * Null for an empty part. A part may have been cut in the middle of a character, or quote bytes of
 * somebody's file: what is not UTF-8 becomes '?', or the fault could not travel.
 */
static const char *
fault_part(const char *part, struct arena *arena)
{
    if (!part[0]) {
        return NULL;
    }
    char *text = arena_text(arena, part);
    text_mend_utf8(text);
    return text;
}

struct fault
fault_from_error(const struct error *error, struct arena *arena)
{
    return (struct fault){
        .code = fault_part(error->code, arena),
        .text = fault_part(error->text, arena),
        .where = fault_part(error->where, arena),
        .found = fault_part(error->found, arena),
        .hint = fault_part(error->hint, arena),
    };
}

static void
take(char *part, size_t size, const char *text)
{
    snprintf(part, size, "%s", text ? text : "");
}

void
fault_to_error(const struct fault *fault, struct error *error)
{
    take(error->code, sizeof error->code, fault->code);
    take(error->text, sizeof error->text, fault->text);
    take(error->where, sizeof error->where, fault->where);
    take(error->found, sizeof error->found, fault->found);
    take(error->hint, sizeof error->hint, fault->hint);
}
