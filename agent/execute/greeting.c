#include "agent/execute/sitting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/postgres/schema.h"
#include "agent/execute/chain.h"
#include "agent/execute/lock.h"

#define TOLD_MS 1000 /* for so long a backend may not have heard of what another has made */

/*
 * The greeting: everything there is to know about a target, in one round trip. A fresh backend
 * reads its catalogs for every new table, function and operator it meets, so this uses few of them.
 */

/* How much is asked, and which of the answers is which. */
struct greeting {
    bool is_thorough; /* the journal's head too, and bring the session's settings to what we want */
    bool wants_lock;  /* only when it is thorough */
    size_t facts, lock, applied, head;
};

enum fact_column {
    FACT_PID,
    FACT_RECOVERY,
    FACT_SYSTEM,
    FACT_DATABASE,
    FACT_WAL,
    FACT_START,
    FACT_USER,
    FACT_VERSION, /* from here on: skein.identity */
    FACT_TARGET,
    FACT_CLUSTER,
    FACT_OWN_SYSTEM,
    FACT_OWN_DATABASE
};
enum applied_column { APPLIED_VERSION, APPLIED_CHECKSUM, APPLIED_STEP, APPLIED_NUMBER };

/* The timeline is in the name of the WAL file; pg_control still has the old one after a promotion.
 */
#define SELECT_FACTS                                                                               \
    "SELECT a.pid, pg_is_in_recovery(), c.system_identifier, a.datid,"                             \
    " CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_lsn()) END,"     \
    " a.backend_start, current_user"
#define FROM_FACTS " FROM pg_stat_get_activity(pg_backend_pid()) a, pg_control_system() c"
#define IDENTITY                                                                                   \
    ", i.schema_version, i.target_id, i.cluster_id, i.system_identifier, i.database_oid"

static const char facts_alone[] = SELECT_FACTS FROM_FACTS;

static const char facts_and_identity[] = SELECT_FACTS IDENTITY FROM_FACTS ", skein.identity i;";

/* The others are what they were, as long as it is the same connection. */
static const char facts_that_change[] =
    "SELECT pg_backend_pid(), pg_is_in_recovery(), NULL, NULL, NULL, NULL, current_user" IDENTITY
    " FROM skein.identity i;";

static const char what_is_applied[] =
    "SELECT version, checksum, step_id, journal_number FROM skein.migration;";

enum head_column { HEAD_NUMBER, HEAD_HASH, HEAD_IS_BATCH, HEAD_HAS_OURS };

/*
 * A silent transaction is ended by the server. What the session begins with RESET ALL brings back;
 * where it could not begin so, and what else there is, is set again after it.
 */
#define BEGUN_WITH(EACH)                                                                           \
    EACH("idle_in_transaction_session_timeout", "30000")                                           \
    EACH("statement_timeout", "0") EACH("lock_timeout", "5000")
#define AS_OPTION(name, value) " -c " name "=" value
#define AS_CALL(name, value) ", set_config('" name "', '" value "', false)"

/* A backend that waits for a dead agent ends by itself; a commit is on disk when it is answered. */
static char *
session_settings(const struct connection *connection, bool commits_late)
{
    return mem_format("%s%s%s", connection_has_settings(connection) ? "" : BEGUN_WITH(AS_CALL),
                      connection_server_version(connection) >= 140000
                          ? AS_CALL("client_connection_check_interval", "2000")
                          : "",
                      commits_late ? AS_CALL("synchronous_commit", "on") : "");
}

static bool
commit_on_disk(struct sitting *sitting, struct error *error)
{
    struct patience patience = sitting_patience();

    free(sitting->session_settings);
    sitting->session_settings = session_settings(sitting->connection, true);
    CLEANUP(mem_free) char *sql = mem_format("SELECT 1%s", sitting->session_settings);
    return connection_run(sitting->connection, sql, &patience) ||
           sitting_query_failed(sitting, "cannot set the session up", error);
}

/*
 * The journal's last row, and whether that which was the last when it was read before still stands
 * there: after a failover, or when a backup was put back, it may not.
 */
static void
append_head(const struct sitting *sitting, struct text *sql)
{
    char hash[2 * CHECKSUM_SIZE + 1];

    text_append(sql, "SELECT number, hash, state = 'intent' AND cursor LIKE 'batch %'");
    if (sitting->kept_count) {
        text_hex(sitting->kept_head, CHECKSUM_SIZE, hash);
        text_format(sql,
                    ", EXISTS (SELECT FROM skein.journal WHERE number = %" PRIu64
                    " AND hash = '\\x%s')",
                    sitting->kept_count, hash);
    }
    text_append(sql, " FROM skein.journal ORDER BY number DESC LIMIT 1;");
}

enum greeting_answer { GREETING_BEGIN, GREETING_SETTINGS };

/* What is applied is read after the lock is had, and not from a snapshot that is older. */
static void
compose(const struct sitting *sitting, struct greeting *greeting, struct text *sql)
{
    size_t count = 0;

    if (greeting->is_thorough) {
        text_format(sql,
                    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT"
                    " current_setting('synchronous_commit')%s;",
                    sitting->session_settings);
        count = GREETING_SETTINGS + 1;
    }
    text_append(sql, sitting->has_facts ? facts_that_change : facts_and_identity);
    greeting->facts = count++;
    if (greeting->wants_lock) {
        text_append(sql, "SELECT pg_try_advisory_lock(" SCHEMA_LOCK_KEY ");");
        greeting->lock = count++;
    }
    text_append(sql, what_is_applied);
    greeting->applied = count++;
    if (greeting->is_thorough) {
        append_head(sitting, sql);
        text_append(sql, "COMMIT");
        greeting->head = count++;
    }
}

static void
read_facts(struct sitting *sitting, size_t answer)
{
    const struct connection *connection = sitting->connection;
    struct target_facts *facts = &sitting->facts;
    const char *start = connection_cell(connection, answer, 0, FACT_START);
    const char *wal = connection_cell(connection, answer, 0, FACT_WAL);
    char timeline[9];

    facts->in_recovery = connection_is_true(connection, answer, 0, FACT_RECOVERY);
    free(sitting->session_user);
    sitting->session_user = mem_text(connection_cell(connection, answer, 0, FACT_USER));
    if (!start) {
        return; /* it is known already */
    }
    facts->server_version = (uint64_t)connection_server_version(connection);
    facts->system_identifier = connection_number(connection, answer, 0, FACT_SYSTEM);
    facts->database_oid = connection_number(connection, answer, 0, FACT_DATABASE);
    snprintf(timeline, sizeof timeline, "%s", wal ? wal : "0");
    facts->timeline = strtoull(timeline, NULL, 16);
    sitting->backend.pid = connection_backend_pid(connection);
    snprintf(sitting->backend.start, sizeof sitting->backend.start, "%s", start);
    sitting->has_facts = true;
}

static bool
check_fitness(struct sitting *sitting, size_t answer, uint64_t timeline_seen, struct error *error)
{
    const struct connection *connection = sitting->connection;
    uint64_t pid = connection_number(connection, answer, 0, FACT_PID);

    if (pid != (uint64_t)connection_backend_pid(connection)) {
        error_set(error, "E-DB-POOLER", "a pooler stands between here and the database");
        error_hint(error, "connect to the server itself: its socket or port, not the pooler's");
    } else if (sitting->facts.in_recovery) {
        error_set(error, "E-DB-STANDBY", "the server is a standby");
        error_hint(error, "connect to the primary, or wait until this one is promoted");
    } else if (sitting->facts.timeline < timeline_seen) {
        error_set(error, "E-DB-TIMELINE", "the server is on an older timeline than it was before");
        error_found(error, "timeline %" PRIu64 ", seen %" PRIu64, sitting->facts.timeline,
                    timeline_seen);
        error_hint(error, "a former primary answers: connect to the present one");
    } else {
        return true;
    }
    return error_where(error, "%s", connection_place(connection));
}

/* The facts are there: what they are, and whether they will do. */
static bool
judge_facts(struct sitting *sitting, size_t answer, struct error *error)
{
    uint64_t timeline_seen = sitting->facts.timeline;

    read_facts(sitting, answer);
    if (check_fitness(sitting, answer, timeline_seen, error)) {
        return true;
    }
    sitting->facts.timeline = timeline_seen;
    sitting_close(sitting);
    return false;
}

static bool
is_foreign(const struct sitting *sitting, uint64_t system, uint64_t database, struct error *error)
{
    const struct target_facts *facts = &sitting->facts;

    error_set(error, "E-DB-FOREIGN-HISTORY",
              "the history in this database belongs to another one: this is a copy");
    error_where(error, "%s", connection_place(sitting->connection));
    error_found(error,
                "recorded database %" PRIu64 " of cluster %" PRIu64 ", this is %" PRIu64
                " of %" PRIu64,
                database, system, facts->database_oid, facts->system_identifier);
    return error_hint(
        error,
        "it takes the other's place: UPDATE skein.identity SET database_oid = %" PRIu64
        ", system_identifier = %" PRIu64
        "; it is a target of its own: also target_id = gen_random_uuid()",
        facts->database_oid, facts->system_identifier);
}

static bool
read_identity(struct sitting *sitting, size_t answer, struct error *error)
{
    const struct connection *connection = sitting->connection;
    struct id target_id;

    uint64_t version = connection_number(connection, answer, 0, FACT_VERSION);
    if (version > SCHEMA_VERSION) {
        error_set(error, "E-DB-SCHEMA", "a newer Skein has made the schema skein");
        error_where(error, "%s", connection_place(connection));
        error_found(error, "version %" PRIu64 ", known up to %d", version, SCHEMA_VERSION);
        return error_hint(error, "upgrade this program");
    }
    uint64_t system = connection_number(connection, answer, 0, FACT_OWN_SYSTEM);
    uint64_t database = connection_number(connection, answer, 0, FACT_OWN_DATABASE);
    if (system != sitting->facts.system_identifier || database != sitting->facts.database_oid) {
        return is_foreign(sitting, system, database, error);
    }
    const char *target = connection_cell(connection, answer, 0, FACT_TARGET);
    bool is_same = id_parse(target, &target_id) &&
                   (!sitting->is_known || id_equal(&target_id, &sitting->facts.target_id));
    if (!is_same) {
        error_set(error, "E-DB-WRONG", "another target answers where this one was before");
        return error_where(error, "%s", connection_place(connection));
    }
    const char *cluster = connection_cell(connection, answer, 0, FACT_CLUSTER);
    sitting->facts.target_id = target_id;
    if (!cluster || !id_parse(cluster, &sitting->facts.cluster_id)) {
        sitting->facts.cluster_id = (struct id){0};
    }
    return true;
}

static bool
read_applied(struct sitting *sitting, size_t answer, struct error *error)
{
    const struct connection *connection = sitting->connection;

    sitting_forget_applied(sitting);
    for (size_t i = 0; i < connection_row_count(connection, answer); i++) {
        struct applied applied = {
            .version = connection_cell(connection, answer, i, APPLIED_VERSION),
            .journal_number =
                strtoull(connection_cell(connection, answer, i, APPLIED_NUMBER), NULL, 10)};
        if (!connection_cell_bytes(connection, answer, i, APPLIED_CHECKSUM, applied.checksum,
                                   CHECKSUM_SIZE) ||
            !id_parse(connection_cell(connection, answer, i, APPLIED_STEP), &applied.step_id)) {
            return error_set(error, "E-HIST-SHAPE", "skein.migration holds a row that is none");
        }
        sitting_add_applied(sitting, &applied);
    }
    sitting_sort_applied(sitting);
    sitting->facts.applied_count = sitting->applied_count;
    return true;
}

static bool
read_head(struct sitting *sitting, size_t answer, bool is_same, struct error *error)
{
    const struct connection *connection = sitting->connection;
    struct target_facts *facts = &sitting->facts;
    bool has_row = connection_row_count(connection, answer) == 1;

    if (sitting->kept_count && is_same &&
        !(has_row && connection_cell(connection, answer, 0, HEAD_HAS_OURS)[0] == 't')) {
        sitting_note_loss(sitting, sitting->kept_count);
    }
    facts->journal_count = 0;
    memset(facts->journal_head, 0, CHECKSUM_SIZE);
    if (has_row) {
        facts->journal_count = connection_number(connection, answer, 0, HEAD_NUMBER);
        if (!connection_cell_bytes(connection, answer, 0, HEAD_HASH, facts->journal_head,
                                   CHECKSUM_SIZE)) {
            return error_set(error, "E-HIST-SHAPE", "the journal holds a hash that is none");
        }
    }
    if (!has_row || !connection_is_true(connection, answer, 0, HEAD_IS_BATCH)) {
        sitting_keep_head(sitting);
    }
    return true;
}

/* What came up to the failed statement is of no use; leave its transaction. */
static void
leave_transaction(struct sitting *sitting)
{
    struct patience patience = sitting_patience();

    if (sitting->connection && !connection_run(sitting->connection, "ROLLBACK", &patience)) {
        sitting_drop(sitting);
    }
}

/* There are no tables of ours (yet): the facts can be had all the same. */
static bool
greet_without_schema(struct sitting *sitting, struct error *error)
{
    struct patience patience = sitting_patience();

    sitting->has_schema = false;
    sitting_forget_applied(sitting);
    leave_transaction(sitting);
    if (!sitting->connection) {
        return error_set(error, "E-DB-LOST", "the connection was lost");
    }
    if (!connection_run(sitting->connection, facts_alone, &patience)) {
        return sitting_query_failed(sitting, "cannot look at the target", error);
    }
    return judge_facts(sitting, 0, error);
}

static bool
read_answers(struct sitting *sitting, const struct greeting *greeting, struct error *error)
{
    const struct connection *connection = sitting->connection;
    bool had_read = sitting->has_read;
    struct id target_id = sitting->facts.target_id;

    if (connection_row_count(connection, greeting->facts) != 1) {
        error_set(error, "E-HIST-SHAPE", "skein.identity does not have its one row");
        return error_where(error, "%s", connection_place(connection));
    }
    if (!judge_facts(sitting, greeting->facts, error) ||
        !read_identity(sitting, greeting->facts, error) ||
        !read_applied(sitting, greeting->applied, error) ||
        (greeting->is_thorough &&
         !read_head(sitting, greeting->head, id_equal(&target_id, &sitting->facts.target_id),
                    error))) {
        return false;
    }
    if (greeting->wants_lock) {
        sitting->has_lock = connection_is_true(connection, greeting->lock, 0, 0);
    }
    sitting->has_schema = true;
    sitting->is_known = true;
    if (greeting->is_thorough) {
        sitting->own_number = sitting->facts.journal_count + 1;
    }
    sitting->has_read = sitting->has_lock && (greeting->is_thorough || had_read);
    return true;
}

/* Ask; true also when there is no schema yet (has_schema says so). */
static bool
greet(struct sitting *sitting, struct greeting *greeting, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    compose(sitting, greeting, &sql);
    if (connection_run(sitting->connection, text_of(&sql), &patience)) {
        bool commits_late =
            greeting->is_thorough &&
            text_equal(connection_cell(sitting->connection, GREETING_SETTINGS, 0, 0), "off");
        bool is_fit = read_answers(sitting, greeting, error) &&
                      (!commits_late || commit_on_disk(sitting, error));
        if (!is_fit) {
            sitting_close(sitting);
        }
        return is_fit;
    }
    const char *sqlstate = connection_error(sitting->connection)->sqlstate;
    if (connection_answer_count(sitting->connection) == greeting->facts &&
        (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0)) {
        return greet_without_schema(sitting, error);
    }
    sitting_query_failed(sitting, "cannot look at the target", error);
    leave_transaction(sitting);
    return false;
}

static bool
check_version(struct sitting *sitting, struct error *error)
{
    int version = connection_server_version(sitting->connection);

    if (version < 120000) {
        error_set(error, "E-DB-VERSION", "PostgreSQL %d is too old", version / 10000);
        error_where(error, "%s", connection_place(sitting->connection));
        return error_hint(error, "PostgreSQL 12 or newer is needed");
    }
    if (version >= 190000 && !sitting->has_warned) {
        sitting->has_warned = true;
        log_warn("target %s: PostgreSQL %d is newer than this program knows", sitting->config.name,
                 version / 10000);
    }
    return true;
}

static bool
open_connection(struct sitting *sitting, struct error *error)
{
    struct connection_config config = {.conninfo = sitting->config.conninfo,
                                       .application_name = sitting->application_name,
                                       .settings = BEGUN_WITH(AS_OPTION),
                                       .interrupt = sitting->interrupt};

    if (!connection_open(&config, &sitting->connection, error)) {
        return false;
    }
    free(sitting->session_settings);
    sitting->session_settings = session_settings(sitting->connection, false);
    if (!check_version(sitting, error)) {
        sitting_close(sitting);
        return false;
    }
    return true;
}

/* An idle connection may have died unnoticed: then a new one is as good. */
static bool
greet_somehow(struct sitting *sitting, struct greeting *greeting, struct error *error)
{
    bool is_old = sitting->connection;

    if (!is_old && !open_connection(sitting, error)) {
        return false;
    }
    if (greet(sitting, greeting, error)) {
        return true;
    }
    return is_old && error_is(error, "E-DB-LOST") && open_connection(sitting, error) &&
           greet(sitting, greeting, error);
}

/*
 * The tables are there, and may have been made by somebody else this very moment: his backend can
 * have committed and not yet told ours, which remembers that there were none.
 */
static bool
greet_once_made(struct sitting *sitting, struct greeting *greeting, struct error *error)
{
    int64_t end_ms = clock_now_ms() + TOLD_MS;
    struct backoff backoff = {.first_ms = 10, .most_ms = 100};

    for (;;) {
        if (!greet(sitting, greeting, error)) {
            return false;
        }
        if (sitting->has_schema || clock_now_ms() >= end_ms) {
            return true;
        }
        if (!interrupt_sleep(sitting->interrupt, backoff_next_ms(&backoff, &sitting->random))) {
            return error_set(error, "E-STOPPED", "stopped while the schema skein was made");
        }
    }
}

static bool
look(struct sitting *sitting, struct greeting *greeting, struct error *error)
{
    struct id target_id = id_random();

    if (!greet_somehow(sitting, greeting, error)) {
        return false;
    }
    if (sitting->has_schema || !greeting->is_thorough) {
        return true;
    }
    if (!schema_create(sitting->connection, &target_id, error)) {
        sitting_drop(sitting);
        return false;
    }
    if (!greet_once_made(sitting, greeting, error)) {
        return false;
    }
    if (!sitting->has_schema) {
        error_set(error, "E-DB-SCHEMA", "the schema skein is there, but not Skein's tables");
        error_where(error, "%s", connection_place(sitting->connection));
        return error_hint(error,
                          "a schema of that name that serves something else must be renamed");
    }
    return true;
}

bool
sitting_look(struct sitting *sitting, bool thoroughly, struct error *error)
{
    struct greeting greeting = {.is_thorough = thoroughly};

    return look(sitting, &greeting, error);
}

bool
sitting_look_anew(struct sitting *sitting, struct error *error)
{
    bool was_known = sitting->is_known;
    struct id target_id = sitting->facts.target_id;

    sitting->is_known = false;
    if (sitting_look(sitting, true, error)) {
        return true;
    }
    sitting->is_known = was_known;
    sitting->facts.target_id = target_id;
    return false;
}

bool
sitting_is_current(const struct sitting *sitting)
{
    return sitting->connection && !connection_is_lost(sitting->connection) && sitting->has_lock &&
           sitting->has_read;
}

bool
sitting_attend_anyhow(struct sitting *sitting, int64_t deadline_ms, struct error *error)
{
    struct greeting first = {.is_thorough = true, .wants_lock = !sitting->has_lock};
    struct greeting second = {.is_thorough = true};

    if (sitting->connection && connection_is_lost(sitting->connection)) {
        sitting_drop(sitting);
        first.wants_lock = true;
    }
    if (sitting_is_current(sitting)) {
        return true;
    }
    if (!look(sitting, &first, error)) {
        return false;
    }
    if (!sitting->has_lock && !lock_wait(sitting, deadline_ms, error)) {
        return false;
    }
    return sitting->has_read || greet(sitting, &second, error);
}

/* Within a run that was begun with a history as it should be, nobody looks again. */
bool
sitting_attend(struct sitting *sitting, int64_t deadline_ms, struct error *error)
{
    return sitting_is_current(sitting) || (sitting_attend_anyhow(sitting, deadline_ms, error) &&
                                           chain_check_at_first(sitting, error));
}
