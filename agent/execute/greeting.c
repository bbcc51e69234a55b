#include "agent/execute/sitting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/postgres/schema.h"
#include "agent/execute/lock.h"

/*
 * The greeting: everything there is to know about a target, in one round trip. A fresh backend reads
 * its catalogs for every new table, function and operator it meets, so this uses few of them.
 */

/* What is asked, and which of the answers it is. */
struct greeting {
    bool wants_head, wants_lock;
    size_t facts, lock, applied, head;
    struct text sql;
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

static const char facts_alone[] = SELECT_FACTS FROM_FACTS;

static const char facts_and_identity[] =
    SELECT_FACTS ", i.schema_version, i.target_id, i.cluster_id, i.system_identifier,"
                 " i.database_oid" FROM_FACTS ", skein.identity i;";

static const char what_is_applied[] =
    "SELECT version, checksum, step_id, journal_number FROM skein.migration;";

static const char journal_head[] =
    "SELECT number, hash FROM skein.journal ORDER BY number DESC LIMIT 1;";

/* A backend that waits for a dead agent is ended by the server, and so is a silent transaction. */
static char *
session_settings(const struct connection *connection)
{
    return mem_format("SELECT set_config('idle_in_transaction_session_timeout', '30000', false),"
                      " set_config('statement_timeout', '0', false),"
                      " set_config('lock_timeout', '5000', false)%s;",
                      connection_server_version(connection) >= 140000
                          ? ", set_config('client_connection_check_interval', '2000', false)"
                          : "");
}

/* What is applied is read after the lock is had, and not from a snapshot that is older. */
static void
compose(const struct sitting *sitting, struct greeting *greeting)
{
    size_t count = 0;

    if (greeting->wants_lock || !sitting->has_settings) {
        text_append(&greeting->sql, "BEGIN ISOLATION LEVEL READ COMMITTED;");
        text_append(&greeting->sql, sitting->session_settings);
        count = 2;
    }
    text_append(&greeting->sql, facts_and_identity);
    greeting->facts = count++;
    if (greeting->wants_lock) {
        text_append(&greeting->sql, "SELECT pg_try_advisory_lock(" SCHEMA_LOCK_KEY ");");
        greeting->lock = count++;
    }
    text_append(&greeting->sql, what_is_applied);
    greeting->applied = count++;
    if (greeting->wants_head) {
        text_append(&greeting->sql, journal_head);
        greeting->head = count++;
    }
    if (greeting->facts) {
        text_append(&greeting->sql, "COMMIT");
    }
}

static uint64_t
cell_number(const struct connection *connection, size_t answer, size_t column, int base)
{
    const char *cell = connection_cell(connection, answer, 0, column);
    return cell ? strtoull(cell, NULL, base) : 0;
}

static void
read_facts(struct sitting *sitting)
{
    const struct connection *connection = sitting->connection;
    struct target_facts *facts = &sitting->facts;
    const char *start = connection_cell(connection, GREET_FACTS, 0, FACT_START);
    const char *wal = connection_cell(connection, GREET_FACTS, 0, FACT_WAL);
    char timeline[9];

    facts->server_version = (uint64_t)connection_server_version(connection);
    facts->in_recovery = connection_cell(connection, GREET_FACTS, 0, FACT_RECOVERY)[0] == 't';
    facts->system_identifier = cell_number(connection, GREET_FACTS, FACT_SYSTEM, 10);
    facts->database_oid = cell_number(connection, GREET_FACTS, FACT_DATABASE, 10);
    snprintf(timeline, sizeof timeline, "%s", wal ? wal : "0");
    facts->timeline = strtoull(timeline, NULL, 16);
    sitting->backend.pid = connection_backend_pid(connection);
    free(sitting->session_user);
    sitting->session_user = mem_text(connection_cell(connection, GREET_FACTS, 0, FACT_USER));
    snprintf(sitting->backend.start, sizeof sitting->backend.start, "%s", start ? start : "");
}

static bool
check_fitness(struct sitting *sitting, uint64_t timeline_seen, struct error *error)
{
    const struct connection *connection = sitting->connection;
    uint64_t pid = cell_number(connection, GREET_FACTS, FACT_PID, 10);

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
read_identity(struct sitting *sitting, struct error *error)
{
    const struct connection *connection = sitting->connection;
    struct id target_id;

    if (connection_row_count(connection, GREET_IDENTITY) != 1 ||
        !id_parse(connection_cell(connection, GREET_IDENTITY, 0, IDENTITY_TARGET), &target_id)) {
        error_set(error, "E-HIST-SHAPE", "skein.identity does not have its one row");
        return error_where(error, "%s", connection_place(connection));
    }
    uint64_t version = cell_number(connection, GREET_IDENTITY, IDENTITY_VERSION, 10);
    if (version > SCHEMA_VERSION) {
        error_set(error, "E-DB-SCHEMA", "a newer Skein has made the schema skein");
        error_found(error, "version %" PRIu64 ", known up to %d", version, SCHEMA_VERSION);
        return error_hint(error, "upgrade this program");
    }
    uint64_t system = cell_number(connection, GREET_IDENTITY, IDENTITY_SYSTEM, 10);
    uint64_t database = cell_number(connection, GREET_IDENTITY, IDENTITY_DATABASE, 10);
    if (system != sitting->facts.system_identifier || database != sitting->facts.database_oid) {
        return is_foreign(sitting, system, database, error);
    }
    if (sitting->is_known && !id_equal(&target_id, &sitting->facts.target_id)) {
        error_set(error, "E-DB-WRONG", "another target answers where this one was before");
        return error_where(error, "%s", connection_place(connection));
    }
    const char *cluster = connection_cell(connection, GREET_IDENTITY, 0, IDENTITY_CLUSTER);
    sitting->facts.target_id = target_id;
    if (!cluster || !id_parse(cluster, &sitting->facts.cluster_id)) {
        sitting->facts.cluster_id = (struct id){0};
    }
    return true;
}

static bool
read_applied(struct sitting *sitting, struct error *error)
{
    const struct connection *connection = sitting->connection;

    sitting_forget_applied(sitting);
    for (size_t i = 0; i < connection_row_count(connection, GREET_APPLIED); i++) {
        const char *cells[APPLIED_DURATION + 1];
        struct applied applied = {0};
        for (size_t column = 0; column <= APPLIED_DURATION; column++) {
            cells[column] = connection_cell(connection, GREET_APPLIED, i, column);
        }
        applied.row.version = cells[APPLIED_VERSION];
        applied.row.name = cells[APPLIED_NAME];
        applied.row.applied_wall_ms = strtoll(cells[APPLIED_TIME], NULL, 10);
        applied.row.duration_us =
            cells[APPLIED_DURATION] ? strtoull(cells[APPLIED_DURATION], NULL, 10) : 0;
        if (!text_from_hex(cells[APPLIED_CHECKSUM], applied.row.checksum, CHECKSUM_SIZE) ||
            !id_parse(cells[APPLIED_STEP], &applied.step_id)) {
            return error_set(error, "E-HIST-SHAPE", "skein.migration holds a row that is none");
        }
        sitting_add_applied(sitting, &applied);
    }
    sitting->facts.applied_count = sitting->applied_count;
    sitting->facts.journal_count = 0;
    memset(sitting->facts.journal_head, 0, CHECKSUM_SIZE);
    if (connection_row_count(connection, GREET_HEAD) == 1) {
        sitting->facts.journal_count = cell_number(connection, GREET_HEAD, 0, 10);
        if (!text_from_hex(connection_cell(connection, GREET_HEAD, 0, 1),
                           sitting->facts.journal_head, CHECKSUM_SIZE)) {
            return error_set(error, "E-HIST-SHAPE", "the journal holds a hash that is none");
        }
    }
    return true;
}

static bool
has_no_schema(const struct connection *connection)
{
    const char *sqlstate = connection_error(connection)->sqlstate;
    return connection_answer_count(connection) == GREET_IDENTITY &&
           (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0);
}

/* What came up to the failed statement has been read; leave its transaction. */
static void
leave_transaction(struct sitting *sitting)
{
    struct patience patience = sitting_patience();

    if (sitting->connection && !connection_run(sitting->connection, "ROLLBACK", &patience)) {
        sitting_drop(sitting);
    }
}

/* Ask everything; true also when there is no schema yet (has_schema says so). */
static bool
greet(struct sitting *sitting, bool wants_lock, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = sitting->connection;
    struct patience patience = sitting_patience();
    uint64_t timeline_seen = sitting->facts.timeline;

    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED;");
    text_append(&sql, greeting_facts);
    text_append(&sql, sitting->session_settings);
    text_append(&sql, greeting_identity);
    text_append(&sql, wants_lock ? greeting_lock : "SELECT false;");
    text_append(&sql, greeting_applied);
    text_append(&sql, "COMMIT");

    bool answered = connection_run(connection, text_of(&sql), &patience);
    bool is_bare = !answered && has_no_schema(connection);
    if (!answered && !is_bare) {
        sitting_query_failed(sitting, "cannot look at the target", error);
        leave_transaction(sitting);
        return false;
    }
    read_facts(sitting);
    if (!check_fitness(sitting, timeline_seen, error)) {
        sitting->facts.timeline = timeline_seen;
        sitting_close(sitting);
        return false;
    }
    sitting->has_schema = !is_bare;
    if (is_bare) {
        sitting_forget_applied(sitting);
        leave_transaction(sitting);
        return true;
    }
    bool got_lock = connection_cell(connection, GREET_LOCK, 0, 0)[0] == 't';
    sitting->has_lock = sitting->has_lock || got_lock;
    if (!read_identity(sitting, error) || !read_applied(sitting, error)) {
        sitting_close(sitting);
        return false;
    }
    sitting->is_known = true;
    sitting->has_read = sitting->has_lock;
    return true;
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
                                       .interrupt = sitting->interrupt};

    if (!connection_open(&config, &sitting->connection, error)) {
        return false;
    }
    free(sitting->session_settings);
    sitting->session_settings = session_settings(sitting->connection);
    if (!check_version(sitting, error)) {
        sitting_close(sitting);
        return false;
    }
    return true;
}

/* An idle connection may have died unnoticed: then a new one is as good. */
static bool
greet_somehow(struct sitting *sitting, bool wants_lock, struct error *error)
{
    bool is_old = sitting->connection;

    if (!is_old && !open_connection(sitting, error)) {
        return false;
    }
    if (greet(sitting, wants_lock, error)) {
        return true;
    }
    return is_old && error_is(error, "E-DB-LOST") && open_connection(sitting, error) &&
           greet(sitting, wants_lock, error);
}

static bool
look(struct sitting *sitting, bool makes_schema, bool wants_lock, struct error *error)
{
    struct id target_id = id_random();

    if (!greet_somehow(sitting, wants_lock, error)) {
        return false;
    }
    if (sitting->has_schema || !makes_schema) {
        return true;
    }
    if (!schema_create(sitting->connection, &target_id, error)) {
        if (error_is(error, "E-DB-LOST")) {
            sitting_drop(sitting);
        }
        return false;
    }
    if (!greet(sitting, wants_lock, error)) {
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
sitting_look(struct sitting *sitting, bool makes_schema, struct error *error)
{
    /* An operator may have given the database an identity of its own: that is for the caller. */
    sitting->is_known = false;
    return look(sitting, makes_schema, false, error);
}

bool
sitting_attend(struct sitting *sitting, int64_t deadline_ms, struct error *error)
{
    if (sitting->connection && connection_is_lost(sitting->connection)) {
        sitting_drop(sitting);
    }
    if (sitting->connection && sitting->has_lock && sitting->has_read) {
        return true;
    }
    if (!look(sitting, true, !sitting->has_lock, error)) {
        return false;
    }
    if (!sitting->has_lock && !lock_wait(sitting, deadline_ms, error)) {
        return false;
    }
    return sitting->has_read || greet(sitting, false, error);
}
