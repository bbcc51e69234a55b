#include "agent/execute/sitting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define PATIENCE_MS 30000
#define LOCK_TIMEOUT_MS 2000
#define LOCK_BUDGET_MS 60000
#define APPLICATION "skein "

struct sitting *
sitting_new(const struct target_config *config)
{
    struct sitting *sitting = mem_zalloc(sizeof *sitting);

    sitting->config = *config;
    if (!sitting->config.lock_timeout_ms) {
        sitting->config.lock_timeout_ms = LOCK_TIMEOUT_MS;
    }
    if (!sitting->config.lock_budget_ms) {
        sitting->config.lock_budget_ms = LOCK_BUDGET_MS;
    }
    snprintf(sitting->application_name, sizeof sitting->application_name, APPLICATION "%s",
             config->name);
    sitting->interrupt = interrupt_new();
    sitting->random = random_from_system();
    return sitting;
}

void
sitting_forget_applied(struct sitting *sitting)
{
    sitting->applied_count = 0;
    sitting->applied_sum = 0;
    sitting->has_read = false;
    sitting->mirror = NULL;
    arena_clear(&sitting->applied_arena);
}

void
sitting_roll_back(struct sitting *sitting)
{
    struct patience patience = sitting_patience();

    if (sitting->connection && !connection_run(sitting->connection, "ROLLBACK", &patience)) {
        sitting_drop(sitting);
    }
}

void
sitting_close(struct sitting *sitting)
{
    connection_close(&sitting->connection);
    connection_close(&sitting->watcher);
    sitting->preflight_ms = sitting->no_history_ms = 0;
    text_release(&sitting->fine);
    sitting->has_lock = sitting->has_facts = false;
    sitting_forget_applied(sitting);
}

void
sitting_destroy(struct sitting **sitting_p)
{
    struct sitting *sitting = *sitting_p;

    if (sitting) {
        sitting_close(sitting);
        interrupt_destroy(&sitting->interrupt);
        arena_release(&sitting->applied_arena);
        free(sitting->applied);
        free(sitting->session_settings);
        free(sitting->session_user);
        free(sitting);
        *sitting_p = NULL;
    }
}

void
sitting_rest(struct sitting *sitting)
{
    sitting_close(sitting);
    arena_release(&sitting->applied_arena);
}

void
sitting_stop(struct sitting *sitting)
{
    interrupt_raise(sitting->interrupt);
}

void
sitting_pause(struct sitting *sitting)
{
    atomic_store(&sitting->wants_pause, true);
}

void
sitting_clear_stop(struct sitting *sitting)
{
    atomic_store(&sitting->wants_pause, false);
    interrupt_clear(sitting->interrupt);
}

void
sitting_drop(struct sitting *sitting)
{
    if (sitting->connection) {
        sitting->lost = sitting->backend;
        sitting->lost.lost_ms = clock_now_ms();
        sitting_close(sitting);
    }
}

struct patience
sitting_patience(void)
{
    return (struct patience){.deadline_ms = clock_now_ms() + PATIENCE_MS, .heeds_interrupt = true};
}

/* ---- errors of housekeeping ---------------------------------------------------------------- */

bool
sitting_is_transient(const struct error *error)
{
    static const char *const codes[] = {"E-DB-UNREACHABLE", "E-DB-LOST",    "E-DB-RESTART",
                                        "E-DB-CONNECTIONS", "E-DB-STANDBY", "E-DB-BUSY",
                                        "E-DB-TIMELINE"};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (error_is(error, codes[i])) {
            return true;
        }
    }
    return false;
}

static bool
has_no_right(const struct sitting *sitting, const char *what, struct error *error)
{
    const char *user = connection_user(sitting->connection);

    error_set(error, "E-DB-PRIV", "%s: %s", what, connection_error(sitting->connection)->message);
    return error_hint(error,
                      "GRANT USAGE ON SCHEMA skein TO \"%s\"; GRANT SELECT, INSERT, UPDATE, DELETE"
                      " ON ALL TABLES IN SCHEMA skein TO \"%s\"",
                      user, user);
}

static const char *
code_of(const struct sql_error *fact)
{
    static const struct {
        const char *sqlstate, *code;
    } codes[] = {
        {"53100", "E-DB-FULL"},    {"53300", "E-DB-CONNECTIONS"}, {"25006", "E-DB-STANDBY"},
        {"55P03", "E-DB-BUSY"},    {"40P01", "E-DB-BUSY"},        {"57014", "E-DB-BUSY"},
        {"42P01", "E-HIST-SHAPE"}, {"42703", "E-HIST-SHAPE"},     {"42804", "E-HIST-SHAPE"}};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(fact->sqlstate, codes[i].sqlstate) == 0) {
            return codes[i].code;
        }
    }
    return "E-DB-QUERY";
}

bool
sitting_query_failed(struct sitting *sitting, const char *what, struct error *error)
{
    struct connection *connection = sitting->connection;
    struct sql_error fact = *connection_error(connection);
    char place[256];

    snprintf(place, sizeof place, "%s", connection_place(connection));
    if (fact.canceled == CANCEL_INTERRUPT) {
        error_set(error, "E-STOPPED", "%s: stopped", what);
    } else if (fact.is_lost) {
        error_set(error, "E-DB-LOST", "%s: %s", what, fact.message);
    } else if (strcmp(fact.sqlstate, "42501") == 0) {
        has_no_right(sitting, what, error);
    } else {
        error_set(error, code_of(&fact), "%s: %s (%s)", what, fact.message, fact.sqlstate);
        if (error_is(error, "E-HIST-SHAPE")) {
            error_hint(error,
                       "somebody has changed the tables of the schema skein: put them back as"
                       " they were, from a backup");
        }
    }
    if (fact.is_lost || fact.canceled != CANCEL_NONE) {
        sitting_drop(sitting);
    }
    return error_where(error, "%s", place);
}

/* ---- what is applied ----------------------------------------------------------------------- */

const struct applied *
sitting_find(const struct sitting *sitting, const char *version)
{
    for (size_t i = 0; i < sitting->applied_count; i++) {
        if (strcmp(sitting->applied[i].version, version) == 0) {
            return &sitting->applied[i];
        }
    }
    return NULL;
}

static uint64_t
sum_of(const struct applied *applied)
{
    uint32_t version, checksum, step_id;

    HASH_VALUE(applied->version, strlen(applied->version), version);
    HASH_VALUE(applied->checksum, CHECKSUM_SIZE, checksum);
    HASH_VALUE(&applied->step_id, sizeof applied->step_id, step_id);
    return (((uint64_t)version << 32) | checksum) ^
           ((uint64_t)step_id * (applied->journal_number + 1));
}

void
sitting_add_applied(struct sitting *sitting, const struct applied *applied)
{
    sitting->applied = mem_grow(sitting->applied, sitting->applied_count,
                                &sitting->applied_capacity, sizeof *sitting->applied);
    struct applied *kept = &sitting->applied[sitting->applied_count++];

    *kept = *applied;
    kept->version = arena_text(&sitting->applied_arena, applied->version);
    sitting->applied_sum += sum_of(kept);
    sitting->facts.applied_count = sitting->applied_count;
}

static int
by_number(const void *a, const void *b)
{
    const struct applied *left = a, *right = b;
    return (left->journal_number > right->journal_number) -
           (left->journal_number < right->journal_number);
}

void
sitting_sort_applied(struct sitting *sitting)
{
    if (sitting->applied_count) {
        qsort(sitting->applied, sitting->applied_count, sizeof *sitting->applied, by_number);
    }
}

void
sitting_remove_applied(struct sitting *sitting, const char *version)
{
    const struct applied *found = sitting_find(sitting, version);

    if (found) {
        size_t index = (size_t)(found - sitting->applied);
        sitting->applied_sum -= sum_of(found);
        sitting->applied_count--;
        memmove(&sitting->applied[index], &sitting->applied[index + 1],
                (sitting->applied_count - index) * sizeof *sitting->applied);
        sitting->facts.applied_count = sitting->applied_count;
    }
}

void
sitting_take_possession(struct sitting *sitting, const struct id *cluster_id)
{
    if (!id_is_none(cluster_id)) {
        sitting->facts.cluster_id = *cluster_id;
    }
}

void
sitting_keep_head(struct sitting *sitting)
{
    sitting->kept_count = sitting->facts.journal_count;
    memcpy(sitting->kept_head, sitting->facts.journal_head, CHECKSUM_SIZE);
}

void
sitting_forget_head(struct sitting *sitting)
{
    sitting->kept_count = sitting->proved_count = 0;
    sitting->has_lost_history = false;
}

void
sitting_advance_by_batch(struct sitting *sitting, const uint8_t hash[CHECKSUM_SIZE])
{
    struct chain *chain = &sitting->chain;

    if (chain->count == sitting->facts.journal_count &&
        memcmp(chain->head, sitting->facts.journal_head, CHECKSUM_SIZE) == 0) {
        chain->count++;
        memcpy(chain->head, hash, CHECKSUM_SIZE);
    }
    sitting->facts.journal_count++;
    memcpy(sitting->facts.journal_head, hash, CHECKSUM_SIZE);
}

void
sitting_advance(struct sitting *sitting, const uint8_t hash[CHECKSUM_SIZE])
{
    sitting_advance_by_batch(sitting, hash);
    sitting_keep_head(sitting);
    sitting->proved_count = sitting->facts.journal_count;
}
