#include "common/migration/refusal.h"

#include <stdio.h>

#include "common/base/text.h"
#include "common/migration/setting.h"
#include "common/sql/block.h"

/* ---- what is carried out, and how ------------------------------------------------------------ */

/* Refused as any other transaction control, but where it ends a verify file. */
static bool
is_rollback(const struct sql_statement *statement)
{
    return statement->facts.kind == SQL_TRANSACTION && text_equal(statement->facts.tag, "ROLLBACK");
}

bool
refusal_is_ours(const struct sql_statement *statement)
{
    const struct sql_facts *facts = &statement->facts;

    return facts->kind == SQL_BEGIN || facts->kind == SQL_COMMIT || is_rollback(statement) ||
           (facts->kind == SQL_SET && setting_is_timeout(&facts->settings[0]));
}

static bool
is_known_outside(const struct sql_statement *statement)
{
    switch (statement->facts.kind) {
    case SQL_CREATE_INDEX_CONCURRENTLY:
    case SQL_DROP_INDEX_CONCURRENTLY:
    case SQL_REINDEX_CONCURRENTLY:
    case SQL_DETACH_CONCURRENTLY:
    case SQL_REPEATABLE:
    case SQL_VERIFIED:
        return true;
    default:
        return false;
    }
}

/*
 * Whether a script ends the transaction that its tool runs it in, because what stands behind that
 * needs none, or is not to hold its locks; BEGIN makes another one for what follows.
 */
static bool
leaves_transaction(const struct sql_script *script)
{
    bool is_open = true, has_left = false;

    for (size_t i = 0; i < script->statement_count; i++) {
        enum sql_kind kind = script->statements[i].facts.kind;
        if (kind == SQL_TRANSACTION || (kind == SQL_BEGIN && is_open) ||
            (kind == SQL_COMMIT && !is_open)) {
            return false;
        }
        is_open = kind == SQL_BEGIN || (is_open && kind != SQL_COMMIT);
        has_left = has_left || (!is_open && !refusal_is_ours(&script->statements[i]));
    }
    return has_left;
}

bool
refusal_is_transactional(const struct judged *judged)
{
    const struct sql_script *script = judged->script;
    size_t count = 0;
    bool has_begin = false;

    for (size_t i = 0; i < script->statement_count; i++) {
        if (is_known_outside(&script->statements[i])) {
            return false;
        }
        has_begin = has_begin || script->statements[i].facts.kind == SQL_BEGIN;
        count += !refusal_is_ours(&script->statements[i]);
    }
    /* One statement is a transaction by itself, and who begins one wants one. */
    bool is_wanted = judged->is_outside || judged->annotations->is_outside;
    if ((judged->accepted & ACCEPT_BLOCKS) && leaves_transaction(script)) {
        return count < 2;
    }
    return !is_wanted || has_begin || count < 2;
}

void
refusal_timeouts(const struct sql_script *script, uint64_t *lock_timeout_ms, uint64_t *timeout_ms)
{
    uint64_t statement_timeout_ms = 0, carried_out = 0;

    *lock_timeout_ms = 0;
    for (size_t i = 0; i < script->statement_count; i++) {
        const struct sql_facts *facts = &script->statements[i].facts;
        if (!refusal_is_ours(&script->statements[i])) {
            carried_out++;
            continue;
        }
        if (facts->kind != SQL_SET) {
            continue;
        }
        uint64_t value_ms = setting_milliseconds(facts->settings[0].value);
        uint64_t *kept_ms = text_equal(facts->settings[0].name, "lock_timeout")
                                ? lock_timeout_ms
                                : &statement_timeout_ms;
        *kept_ms = value_ms > *kept_ms ? value_ms : *kept_ms;
    }
    *timeout_ms = statement_timeout_ms * carried_out;
}

unsigned
acceptance_of(const char *code)
{
    return text_equal(code, "E-MIG-IDENT")     ? ACCEPT_NAMES
           : text_equal(code, "E-MIG-TXCTL")   ? ACCEPT_BLOCKS
           : text_equal(code, "E-MIG-EMPTY")   ? ACCEPT_EMPTY
           : text_equal(code, "E-MIG-NAME")    ? ACCEPT_STRANGERS
           : text_equal(code, "E-MIG-MISSING") ? ACCEPT_LONELY
                                               : ACCEPT_NOTHING;
}

/* ---- saying no ------------------------------------------------------------------------------- */

struct search {
    const struct judged *judged;
    struct error_list *errors, *notes;
    bool has_wrap; /* one BEGIN … COMMIT around everything */
    bool is_left;  /* its tool's transaction is ended in it */
    bool has_known_outside, has_other, has_noted_mixed;
    bool succeeded;
};

static struct error
error_at(const struct search *search, struct place place, const char *code, const char *text,
         const char *found, const char *hint)
{
    struct error error;

    error_set(&error, code, "%s", text);
    error_where(&error, "%s:%zu:%zu", search->judged->path, place.line, place.column);
    error_found(&error, "%s", found);
    error_hint(&error, "%s", hint);
    return error;
}

static void
refuse_at(struct search *search, struct place place, const char *code, const char *text,
          const char *found, const char *hint)
{
    struct error error = error_at(search, place, code, text, found, hint);

    search->succeeded = error_list_add(search->errors, &error);
}

static void
refuse(struct search *search, const struct sql_statement *statement, const char *code,
       const char *text, const char *hint)
{
    refuse_at(search, statement->stretch.place, code, text, statement->facts.tag, hint);
}

/* The same, unless the owner accepts it: then it is only noted. */
static void
refuse_unless_accepted(struct search *search, struct place place, const char *code,
                       const char *text, const char *found, const char *hint)
{
    struct error error = error_at(search, place, code, text, found, hint);
    bool is_accepted = (search->judged->accepted & acceptance_of(code)) != 0;

    error_list_add(is_accepted ? search->notes : search->errors, &error);
    search->succeeded = search->succeeded && is_accepted;
}

/* ---- transactions ---------------------------------------------------------------------------- */

/* The first (or last) statement that is not a time-out; the count when there is none. */
static size_t
outermost(const struct sql_script *script, bool is_last)
{
    for (size_t step = 0; step < script->statement_count; step++) {
        size_t i = is_last ? script->statement_count - 1 - step : step;
        const struct sql_statement *statement = &script->statements[i];
        if (statement->facts.kind != SQL_SET || !refusal_is_ours(statement)) {
            return i;
        }
    }
    return script->statement_count;
}

/* Whether all transaction control is BEGIN, COMMIT, BEGIN, COMMIT …, or a COMMIT of nothing at the
 * end. */
static bool
is_balanced(const struct sql_script *script)
{
    bool is_open = false;

    for (size_t i = 0; i < script->statement_count; i++) {
        enum sql_kind kind = script->statements[i].facts.kind;
        bool is_last = i + 1 == script->statement_count;
        if (kind == SQL_TRANSACTION || (kind == SQL_BEGIN && is_open) ||
            (kind == SQL_COMMIT && !is_open && !is_last)) {
            return false;
        }
        is_open = kind == SQL_BEGIN || (is_open && kind != SQL_COMMIT);
    }
    return !is_open;
}

/*
 * Only whole blocks can be accepted, and the end of the tool's own transaction: whatever else there
 * is would end the step's.
 */
static void
refuse_control(struct search *search, const struct sql_statement *statement, bool is_block)
{
    if (search->is_left) {
        refuse_unless_accepted(
            search, statement->stretch.place, "E-MIG-TXCTL", "the transaction of the tool is left",
            statement->facts.tag,
            "take it out, and write above all: -- skein: transaction=none; to have old files run "
            "statement by statement: accept: [E-MIG-TXCTL] in skein.yaml, or --accept E-MIG-TXCTL");
    } else if (is_block) {
        refuse_unless_accepted(
            search, statement->stretch.place, "E-MIG-TXCTL",
            "a transaction of its own inside a migration", statement->facts.tag,
            "take BEGIN and COMMIT out, all of it is one transaction; to have old files read so: "
            "accept: [E-MIG-TXCTL] in skein.yaml, or --accept E-MIG-TXCTL");
    } else {
        refuse(search, statement, "E-MIG-TXCTL", "transaction control inside a migration",
               "take it out: a migration is one transaction; only one BEGIN … COMMIT around all of "
               "it is understood");
    }
}

static void
check_transaction_control(struct search *search)
{
    const struct sql_script *script = search->judged->script;
    size_t first = outermost(script, false), last = outermost(script, true);
    bool has_blocks = is_balanced(script);

    search->is_left = !search->judged->is_verify && leaves_transaction(script);

    search->has_wrap = first < last && script->statements[first].facts.kind == SQL_BEGIN &&
                       (script->statements[last].facts.kind == SQL_COMMIT ||
                        (search->judged->is_verify && is_rollback(&script->statements[last])));
    for (size_t i = first + 1; i < last && search->has_wrap; i++) {
        enum sql_kind kind = script->statements[i].facts.kind;
        search->has_wrap = kind != SQL_BEGIN && kind != SQL_COMMIT && kind != SQL_TRANSACTION;
    }
    bool is_open = false;
    for (size_t i = 0; i < script->statement_count && !search->has_wrap; i++) {
        const struct sql_statement *statement = &script->statements[i];
        enum sql_kind kind = statement->facts.kind;
        bool ends_block = kind == SQL_COMMIT && is_open && has_blocks;
        if ((kind == SQL_BEGIN || kind == SQL_COMMIT || kind == SQL_TRANSACTION) && !ends_block) {
            refuse_control(search, statement, has_blocks);
        }
        is_open = kind == SQL_BEGIN || (is_open && kind != SQL_COMMIT);
    }
}

/* Each statement then has a transaction of its own, or none, and a row in the journal. */
static void
check_mixed(struct search *search, const struct sql_statement *statement)
{
    const struct judged *judged = search->judged;

    bool is_meant = judged->runs_mixed || judged->is_outside || judged->annotations->is_outside ||
                    (search->is_left && (judged->accepted & ACCEPT_BLOCKS));
    if (!is_meant) {
        refuse(search, statement, "E-MIG-MIXED",
               "this cannot run in a transaction, and the other statements of the file need one",
               "put it into a migration of its own; or write above all, to have each statement "
               "run for itself: -- skein: transaction=none");
    } else if (!search->has_noted_mixed) {
        struct error error =
            error_at(search, statement->stretch.place, "E-MIG-MIXED",
                     "this cannot run in a transaction: the file is run statement by statement",
                     statement->facts.tag, "what was done when one of them fails, stays done");
        error_list_add(search->notes, &error);
        search->has_noted_mixed = true;
    }
}

static void
check_outside(struct search *search, const struct sql_statement *statement)
{
    if (search->judged->is_verify) {
        refuse(search, statement, "E-MIG-NOTX",
               "a verify file runs inside the migration's transaction, where this cannot",
               "verify with queries");
    } else if (search->has_wrap) {
        refuse(search, statement, "E-MIG-NOTX", "this cannot run between BEGIN and COMMIT",
               "put it into a migration of its own, without BEGIN and COMMIT");
    } else if (search->has_other) {
        check_mixed(search, statement);
    }
}

static void
check_create_index(struct search *search, const struct sql_statement *statement)
{
    if (!statement->facts.index) {
        refuse(search, statement, "E-MIG-UNNAMED",
               "an index without a name cannot be found again after a crash",
               "name it: CREATE INDEX CONCURRENTLY name ON …");
    }
}

static void
check_drop_index(struct search *search, const struct sql_statement *statement)
{
    if (statement->facts.index_count > 1) {
        refuse(search, statement, "E-MIG-NOTX", "PostgreSQL drops one index CONCURRENTLY at a time",
               "write one DROP INDEX CONCURRENTLY for each");
    }
}

/* Statements outside a transaction must be of a kind whose outcome the catalog tells. */
static void
check_unverifiable(struct search *search, const struct sql_statement *statement)
{
    if (statement->facts.kind == SQL_OUTSIDE) {
        refuse(
            search, statement, "E-MIG-NOTX-UNVERIFIABLE",
            "this cannot run in a transaction, and nobody could tell after a crash whether it "
            "was done",
            "write above it a query that tells: -- skein: verify=\"SELECT EXISTS (…)\", and what "
            "clears a half-done one away: cleanup=\"…\"; or do it by hand");
    }
}

/* ---- single statements ----------------------------------------------------------------------- */

static void
check_settings(struct search *search, const struct sql_statement *statement)
{
    const struct sql_facts *facts = &statement->facts;

    if (facts->kind == SQL_SESSION) {
        refuse(search, statement, "E-MIG-SETTING", "this changes the session as a whole",
               "take it out: the session serves other migrations too");
    }
    for (size_t i = 0; i < facts->setting_count; i++) {
        const char *objection = setting_objection(&facts->settings[i]);
        if (objection) {
            refuse_at(search, statement->stretch.place, "E-MIG-SETTING",
                      "a migration may not change this setting",
                      facts->settings[i].name[0] ? facts->settings[i].name : facts->tag, objection);
        }
    }
}

static void
check_copy(struct search *search, const struct sql_statement *statement)
{
    if (statement->facts.kind == SQL_COPY_CLIENT) {
        refuse(search, statement, "E-MIG-PSQL",
               "COPY from or to the client: its rows travel beside the SQL",
               "write the rows as INSERT … VALUES");
    } else if (statement->facts.kind == SQL_COPY_PROGRAM) {
        refuse(search, statement, "E-MIG-PROGRAM",
               "COPY … PROGRAM runs a command on the database's host",
               "a migration changes the database alone");
    }
}

static void
check_secret(struct search *search, const struct sql_statement *statement)
{
    size_t offset = statement->facts.secret_offset;
    struct place place = statement->stretch.place;

    if (!statement->facts.has_secret) {
        return;
    }
    if (offset >= place.offset) {
        place = place_after(place, search->judged->text, offset);
    }
    refuse_at(search, place, "E-MIG-SECRET", "a password is written out in the file",
              statement->facts.tag, "give the role its password elsewhere");
}

static void
check_own(struct search *search, const struct sql_statement *statement)
{
    if (statement->facts.own) {
        refuse_at(search, statement->stretch.place, "E-MIG-OWN-SCHEMA",
                  "the schema " SQL_OWN_SCHEMA " is our own", statement->facts.own,
                  "a migration may read it, but not change it");
    }
}

/* DO can end the transaction that it runs in, and with it ours. */
static void
check_block(struct search *search, const struct sql_statement *statement)
{
    const struct stretch *stretch = &statement->stretch;

    if (text_equal(statement->facts.tag, "DO") &&
        block_ends_transaction(search->judged->text + stretch->place.offset, stretch->size)) {
        refuse(search, statement, "E-MIG-TXCTL",
               "the block commits or rolls back by itself, which ends the migration's transaction",
               "take COMMIT and ROLLBACK out of it; for many rows in small transactions: "
               "-- skein: batch");
    }
}

static void
check_statement(struct search *search, const struct sql_statement *statement)
{
    check_settings(search, statement);
    check_block(search, statement);
    check_copy(search, statement);
    check_secret(search, statement);
    check_own(search, statement);
    check_unverifiable(search, statement);
    if (is_known_outside(statement)) {
        check_outside(search, statement);
    }
    if (statement->facts.kind == SQL_CREATE_INDEX_CONCURRENTLY) {
        check_create_index(search, statement);
    } else if (statement->facts.kind == SQL_DROP_INDEX_CONCURRENTLY) {
        check_drop_index(search, statement);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

/* An `allow` counts for the statement that it stands above, or in. */
static bool
is_allowed(const struct search *search, const struct stretch *name)
{
    const struct sql_script *script = search->judged->script;
    size_t begin = 0;

    for (size_t i = 0; i < script->statement_count; i++) {
        const struct stretch *statement = &script->statements[i].stretch;
        size_t end = statement->place.offset + statement->size;
        if (name->place.offset < end) {
            return annotations_allow(search->judged->annotations, "E-MIG-IDENT", begin, end);
        }
        begin = end;
    }
    return false;
}

static void
check_names(struct search *search)
{
    const struct sql_script *script = search->judged->script;

    for (size_t i = 0; i < script->long_name_count; i++) {
        const struct stretch *name = &script->long_names[i];
        if (is_allowed(search, name)) {
            continue;
        }
        char found[128];
        int shown = name->size < 100 ? (int)name->size : 100;
        snprintf(found, sizeof found, "%.*s", shown, search->judged->text + name->place.offset);
        text_mend_utf8(found);
        refuse_unless_accepted(
            search, name->place, "E-MIG-IDENT",
            "the name is longer than 63 bytes; PostgreSQL would cut it off in silence", found,
            "shorten it, or write above it: -- skein: allow=E-MIG-IDENT; for all old files: "
            "accept: [E-MIG-IDENT] in skein.yaml, or --accept E-MIG-IDENT");
    }
}

bool
refusals_find(const struct judged *judged, struct error_list *errors, struct error_list *notes)
{
    const struct sql_script *script = judged->script;
    struct search search = {.judged = judged, .errors = errors, .notes = notes, .succeeded = true};

    for (size_t i = 0; i < script->statement_count; i++) {
        bool is_known = is_known_outside(&script->statements[i]);
        search.has_known_outside = search.has_known_outside || is_known;
        search.has_other =
            search.has_other || (!is_known && !refusal_is_ours(&script->statements[i]));
    }
    check_transaction_control(&search);
    for (size_t i = 0; i < script->statement_count; i++) {
        check_statement(&search, &script->statements[i]);
    }
    check_names(&search);
    return search.succeeded;
}
