#include "agent/execute/batch_throttle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define LOOK_EVERY_MS 400
#define COUNT_EVERY_MS 2000
#define LOOK_PATIENCE_MS 5000
#define WATCH_MS 1000
#define WATCH_EVERY_MS 500
#define BESIDE_LEAST_MS 20 /* what a batch takes beside an application */
#define BESIDE_MOST_MS 40
#define COMMITS_IN_BATCH 2 /* it is so many times as long as its COMMIT, within these bounds */
#define COMMITS_REMEMBERED 16
#define SESSIONS_IN_USE 2     /* that have done something within a second, for a first guess */
#define TRANSACTIONS_IN_USE 8 /* a second, of others: somebody works here */

void
throttle_begin(struct batch_throttle *throttle, struct step_try *try, const struct batch_pace *wish)
{
    *throttle = (struct batch_throttle){.try = try, .wish = wish};
}

void
throttle_end(struct batch_throttle *throttle)
{
    connection_close(&throttle->second);
}

/* ---- one signal after the other ----------------------------------------------------------------
 */

static bool
ask(struct batch_throttle *throttle, const char *sql)
{
    struct patience patience = {.deadline_ms = clock_now_ms() + LOOK_PATIENCE_MS,
                                .heeds_interrupt = true};

    throttle->ours++;
    return connection_run(throttle->try->sitting->connection, sql, &patience);
}

static uint64_t
answer(const struct batch_throttle *throttle, size_t column)
{
    const char *cell = connection_cell(throttle->try->sitting->connection, 0, 0, column);
    return cell ? strtoull(cell, NULL, 10) : 0;
}

static bool
is_true(const struct batch_throttle *throttle, size_t statement, size_t column)
{
    const char *cell = connection_cell(throttle->try->sitting->connection, statement, 0, column);
    return cell && cell[0] == 't';
}

static enum throttle_verdict
hold(struct batch_throttle *throttle, const char *reason)
{
    snprintf(throttle->reason, sizeof throttle->reason, "holds: %s", reason);
    return THROTTLE_HOLD;
}

static enum throttle_verdict
hold_above(struct batch_throttle *throttle, const char *what, uint64_t value, uint64_t limit)
{
    CLEANUP(mem_free)
    char *reason = mem_format("%s %" PRIu64 ", more than %" PRIu64, what, value, limit);
    return hold(throttle, reason);
}

/* It could not be read. The connection may be gone: the next batch will say that better. */
static enum throttle_verdict
unreadable(struct batch_throttle *throttle, const char *what)
{
    const struct connection *connection = throttle->try->sitting->connection;

    if (connection_is_lost(connection)) {
        return THROTTLE_GO;
    }
    CLEANUP(mem_free)
    char *reason =
        mem_format("%s cannot be read (%.80s)", what,
                   connection_error(connection)->message[0] ? connection_error(connection)->message
                                                            : "GRANT pg_monitor to the role");
    return hold(throttle, reason);
}

static enum throttle_verdict
look_at_lag(struct batch_throttle *throttle)
{
    uint64_t limit_ms = throttle->wish->lag_ms;

    if (!limit_ms) {
        return THROTTLE_GO;
    }
    /* One that has never told how far it is counts as far behind, unless it is near. */
    bool is_read =
        ask(throttle, "SELECT coalesce(max(CASE WHEN replay_lag IS NOT NULL THEN"
                      " extract(epoch FROM replay_lag) * 1000 WHEN pg_wal_lsn_diff("
                      "pg_current_wal_lsn(), coalesce(replay_lsn, '0/0')) < 16777216 THEN 0"
                      " ELSE 1e9 END), 0)::bigint, coalesce(bool_or(state IS NULL), false)"
                      " FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'"
                      " AND state IS DISTINCT FROM 'startup'");
    if (!is_read || is_true(throttle, 0, 1)) {
        return unreadable(throttle, "the replicas' lag");
    }
    return answer(throttle, 0) > limit_ms
               ? hold_above(throttle, "a replica's lag in ms is", answer(throttle, 0), limit_ms)
               : THROTTLE_GO;
}

static enum throttle_verdict
look_at_archive(struct batch_throttle *throttle)
{
    uint64_t limit = throttle->wish->archive;

    if (!limit) {
        return THROTTLE_GO;
    }
    if (!ask(throttle,
             "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")) {
        return unreadable(throttle, "the archiver's backlog");
    }
    return answer(throttle, 0) > limit
               ? hold_above(throttle, "files of WAL wait for the archiver:", answer(throttle, 0),
                            limit)
               : THROTTLE_GO;
}

static enum throttle_verdict
look_at_sessions(struct batch_throttle *throttle)
{
    uint64_t limit = throttle->wish->busy;

    if (!limit) {
        return THROTTLE_GO;
    }
    bool is_read =
        ask(throttle, "SELECT count(*) FILTER (WHERE state <> 'idle' AND state NOT LIKE"
                      " 'idle in%'), coalesce(bool_or(state IS NULL), false)"
                      " FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND coalesce(backend_type, 'client backend') = 'client backend'");
    if (!is_read || is_true(throttle, 0, 1)) {
        return unreadable(throttle, "what others do");
    }
    return answer(throttle, 0) > limit
               ? hold_above(throttle, "connections at work:", answer(throttle, 0), limit)
               : THROTTLE_GO;
}

/* VACUUM holds this lock, and whoever builds an index CONCURRENTLY; everybody may see it. */
static enum throttle_verdict
look_at_autovacuum(struct batch_throttle *throttle, uint64_t table_oid)
{
    CLEANUP(text_release) struct text sql = {0};

    if (throttle->wish->autovacuum == AUTOVACUUM_IGNORE) {
        return THROTTLE_GO;
    }
    text_format(&sql,
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'relation' AND relation ="
                " %" PRIu64 " AND database = (SELECT oid FROM pg_database WHERE datname ="
                " current_database()) AND mode = 'ShareUpdateExclusiveLock' AND granted)",
                table_oid);
    if (!ask(throttle, text_of(&sql))) {
        return unreadable(throttle, "whether autovacuum works on the table");
    }
    if (!is_true(throttle, 0, 0)) {
        return THROTTLE_GO;
    }
    if (throttle->wish->autovacuum == AUTOVACUUM_HOLD) {
        return hold(throttle, "autovacuum works on the table");
    }
    snprintf(throttle->reason, sizeof throttle->reason, "slow: autovacuum works on the table");
    return THROTTLE_SLOW;
}

/* The author's own question, as the migration's role. */
static enum throttle_verdict
look_at_query(struct batch_throttle *throttle)
{
    CLEANUP(text_release) struct text sql = {0};

    if (!throttle->wish->hold) {
        return THROTTLE_GO;
    }
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SELECT 1");
    try_append_settings(throttle->try, true, &sql);
    text_format(&sql, "; %s; COMMIT", throttle->wish->hold);
    if (!ask(throttle, text_of(&sql))) {
        enum throttle_verdict verdict = unreadable(throttle, "the query of hold=");
        if (verdict == THROTTLE_HOLD) {
            try_roll_back(throttle->try);
        }
        return verdict;
    }
    bool says_go = connection_row_count(throttle->try->sitting->connection, 2) == 1 &&
                   connection_cell(throttle->try->sitting->connection, 2, 0, 0) &&
                   !is_true(throttle, 2, 0);
    return says_go ? THROTTLE_GO : hold(throttle, "the query of hold= says so");
}

/* ---- whether an application is there -----------------------------------------------------------
 */

/*
 * A backend tells the server of its transactions once a second, so those of ours may be counted
 * late: only many more than ours are certainly others'.
 */
static void
look_at_load(struct batch_throttle *throttle, int64_t now_ms)
{
    int64_t elapsed_ms = now_ms - throttle->counted_ms;

    if ((throttle->counted_ms && elapsed_ms < COUNT_EVERY_MS) ||
        !ask(throttle,
             "SELECT xact_commit + xact_rollback, (SELECT count(*) FROM pg_stat_activity a"
             " WHERE a.datid = d.datid AND application_name NOT LIKE 'skein %'"
             " AND state_change > clock_timestamp() - interval '1 s')"
             " FROM pg_stat_database d WHERE datname = current_database()")) {
        return;
    }
    if (!throttle->counted_ms) {
        throttle->is_in_use = answer(throttle, 1) >= SESSIONS_IN_USE; /* as far as we may see */
    }
    uint64_t transactions = answer(throttle, 0);
    if (throttle->counted_ms) {
        uint64_t all = transactions - throttle->transactions;
        uint64_t ours = throttle->ours - throttle->ours_then;
        uint64_t most_ours = 2 * ours + TRANSACTIONS_IN_USE * (uint64_t)elapsed_ms / 1000;
        throttle->is_in_use = all > most_ours;
    }
    throttle->transactions = transactions;
    throttle->ours_then = throttle->ours;
    throttle->counted_ms = now_ms;
}

/* ---- the verdict -------------------------------------------------------------------------------
 */

static enum throttle_verdict
look_at_signals(struct batch_throttle *throttle, uint64_t table_oid)
{
    enum throttle_verdict verdict = look_at_lag(throttle);

    verdict = verdict == THROTTLE_HOLD ? verdict : look_at_archive(throttle);
    verdict = verdict == THROTTLE_HOLD ? verdict : look_at_sessions(throttle);
    verdict = verdict == THROTTLE_HOLD ? verdict : look_at_query(throttle);
    return verdict == THROTTLE_HOLD ? verdict : look_at_autovacuum(throttle, table_oid);
}

enum throttle_verdict
throttle_look(struct batch_throttle *throttle, uint64_t table_oid)
{
    int64_t now_ms = clock_now_ms();

    if (throttle->looked_ms && now_ms - throttle->looked_ms < LOOK_EVERY_MS) {
        return throttle->is_waited_for ? THROTTLE_SLOW : THROTTLE_GO;
    }
    throttle->looked_ms = now_ms;
    throttle->reason[0] = '\0';
    look_at_load(throttle, now_ms);
    enum throttle_verdict verdict = look_at_signals(throttle, table_oid);
    if (verdict == THROTTLE_GO && throttle->is_waited_for) {
        snprintf(throttle->reason, sizeof throttle->reason,
                 "slow: somebody has waited for rows of a batch");
        return THROTTLE_SLOW;
    }
    if (verdict == THROTTLE_GO && throttle->is_in_use && !throttle->wish->time_ms) {
        snprintf(throttle->reason, sizeof throttle->reason, "beside an application");
    }
    return verdict;
}

/*
 * Whoever commits waits behind our WAL, so batches are short; but on a disk that is slow, or kept
 * busy by others, every COMMIT costs the same, and fewer of them disturb less.
 */
static uint64_t
time_beside_ms(const struct batch_throttle *throttle)
{
    double ms = COMMITS_IN_BATCH * throttle->commits_us / 1000;

    ms = ms < BESIDE_LEAST_MS ? BESIDE_LEAST_MS : ms;
    return (uint64_t)(ms > BESIDE_MOST_MS ? BESIDE_MOST_MS : ms);
}

uint64_t
throttle_time_ms(const struct batch_throttle *throttle)
{
    if (throttle->wish->time_ms) {
        return throttle->wish->time_ms;
    }
    return throttle->is_in_use ? time_beside_ms(throttle) : BATCH_TIME_MS;
}

bool
throttle_is_alone(const struct batch_throttle *throttle)
{
    return !throttle->is_in_use;
}

void
throttle_committed(struct batch_throttle *throttle, uint64_t took_us)
{
    throttle->ours += 2;
    if (!throttle_is_alone(throttle)) {
        throttle->commit_us = took_us;
        throttle->commits_us += ((double)took_us - throttle->commits_us) / COMMITS_REMEMBERED;
    }
}

uint64_t
throttle_pause_ms(const struct batch_throttle *throttle, uint64_t took_us)
{
    uint64_t pause_ms = throttle->wish->pause_ms;

    if (!pause_ms && throttle->is_in_use) {
        uint64_t part_us = took_us / 4, commit_us = throttle->commit_us / 2;
        pause_ms = (part_us > commit_us ? part_us : commit_us) / 1000;
    }
    bool is_slow = throttle->is_waited_for || text_starts_with(throttle->reason, "slow");
    return is_slow ? pause_ms + took_us / 1000 : pause_ms;
}

/* ---- in the middle of a batch ------------------------------------------------------------------
 */

static int64_t
watch(void *context)
{
    struct batch_throttle *throttle = context;
    struct sitting *sitting = throttle->try->sitting;
    struct connection_config config = {.conninfo = sitting->config.conninfo,
                                       .application_name = sitting->application_name,
                                       .interrupt = sitting->interrupt};
    struct patience patience = {.deadline_ms = clock_now_ms() + WATCH_MS, .heeds_interrupt = true};
    char sql[120];
    struct error error;

    if (throttle->second && connection_is_lost(throttle->second)) {
        connection_close(&throttle->second);
    }
    if (!throttle->second && !connection_open(&config, &throttle->second, &error)) {
        return 0;
    }
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pg_locks WHERE NOT granted AND %d = ANY (pg_blocking_pids(pid))",
             connection_backend_pid(sitting->connection));
    throttle->ours++;
    throttle->watched_ms = clock_now_ms();
    if (connection_run(throttle->second, sql, &patience)) {
        throttle->is_waited_for = strcmp(connection_cell(throttle->second, 0, 0, 0), "0") != 0;
    }
    return 0; /* once is enough */
}

void
throttle_watch(struct batch_throttle *throttle, struct patience *patience)
{
    int64_t now_ms = clock_now_ms();

    throttle->is_waited_for = false;
    if (throttle->watched_ms && now_ms - throttle->watched_ms < WATCH_EVERY_MS) {
        patience->look_after_ms = 0;
        return;
    }
    patience->look_after_ms = (int64_t)throttle_time_ms(throttle) / 2 + 1;
    patience->look = watch;
    patience->context = throttle;
}
