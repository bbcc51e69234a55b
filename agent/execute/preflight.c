#include "agent/execute/preflight.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/grant.h"
#include "agent/execute/room.h"
#include "agent/execute/way.h"

#define LOOK_EVERY_MS 30000 /* at a server that is well, within one sitting */
#define HOLD_EVERY_MS 1000
#define LAG_MS 30000
#define SLOT_BYTES ((uint64_t)10 << 30)
#define ARCHIVE_COUNT 64
#define OLD_MS 3600000
#define HOLD_MS 600000

/* ---- findings -------------------------------------------------------------------------------- */

static uint64_t
or_default(uint64_t value, uint64_t usual)
{
    return value ? value : usual;
}

static const struct preflight_policies *
policies_of(const struct step_try *try)
{
    return &try->sitting->config.preflight;
}

static bool
is_noted(const struct preflight *preflight, const char *text)
{
    for (size_t i = 0; i < preflight->warning_count; i++) {
        if (strcmp(preflight->warnings[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void
preflight_warn(struct preflight *preflight, const char *text)
{
    if (preflight->warning_count < OUTCOME_WARNINGS_MAX && !is_noted(preflight, text)) {
        char *place = preflight->warnings[preflight->warning_count++];
        snprintf(place, sizeof preflight->warnings[0], "%s", text);
        text_mend_utf8(place);
    }
}

/* What is to be done about it; the worst of all that is found is kept. */
static void
find(struct step_try *try, enum preflight_check check, const struct wanted *about, const char *text,
     const char *hint)
{
    struct preflight *preflight = try->preflight;
    struct found_list *all = preflight->all;
    struct found found = {
        .check = check, .policy = policy_of(policies_of(try), check), .about = about};

    snprintf(found.text, sizeof found.text, "%s", text);
    snprintf(found.hint, sizeof found.hint, "%s", hint);
    text_mend_utf8(found.text);
    text_mend_utf8(found.hint);
    if (found.policy == POLICY_WARN) {
        preflight_warn(preflight, found.text);
    }
    if (found.policy > POLICY_WARN && found.policy > preflight->worst.policy) {
        preflight->worst = found;
    }
    if (all && found.policy > POLICY_IGNORE && all->count < FOUND_MAX) {
        all->items[all->count++] = found;
    }
}

static bool
refuse(struct step_try *try, const char *why)
{
    struct preflight *preflight = try->preflight;

    try->sqlstate[0] = '\0';
    try->is_retryable = true;
    error_set(&try->error, "E-DB-PREFLIGHT", "the target is not fit for a change now%s", why);
    error_where(&try->error, "%s", connection_place(try->sitting->connection));
    error_found(&try->error, "%s", preflight->worst.text);
    return error_hint(&try->error, "%s", preflight->worst.hint);
}

/* ---- the server ------------------------------------------------------------------------------ */

enum server_part { PART_LAG, PART_SLOTS, PART_ARCHIVER, PART_COUNT };

/* Planning the questions takes longer than answering them: first which of them have a subject. */
static const char what_is_there[] = "SELECT EXISTS (SELECT FROM pg_stat_get_wal_senders()),"
                                    " EXISTS (SELECT FROM pg_get_replication_slots()),"
                                    " current_setting('archive_mode') <> 'off'";

/*
 * The functions under pg_stat_replication, pg_replication_slots and pg_stat_archiver: a fresh
 * backend reads less of its catalogs for them than for the views.
 */
static const char replicas[] =
    "SELECT a.application_name, (extract(epoch FROM w.replay_lag) * 1000)::bigint FROM"
    " pg_catalog.pg_stat_get_wal_senders() w LEFT JOIN LATERAL"
    " pg_catalog.pg_stat_get_activity(w.pid) a ON true WHERE extract(epoch FROM w.replay_lag) *"
    " 1000 > %" PRIu64 " ORDER BY 2 DESC LIMIT 1;";

static const char slots[] =
    "SELECT slot_name, active, (pg_current_wal_lsn() - restart_lsn)::bigint FROM"
    " pg_catalog.pg_get_replication_slots() WHERE pg_current_wal_lsn() - restart_lsn > %" PRIu64
    " ORDER BY 3 DESC LIMIT 1;";

/* How many segments are behind the last archived one; names are timeline, log, segment. */
static const char archiver[] =
    "SELECT (('x' || substr(n.now, 9, 8))::bit(32)::bigint - ('x' || substr(a.last_archived_wal, 9,"
    " 8))::bit(32)::bigint) * (4294967296 / pg_size_bytes(current_setting('wal_segment_size'))) +"
    " ('x' || substr(n.now, 17, 8))::bit(32)::bigint - ('x' || substr(a.last_archived_wal, 17,"
    " 8))::bit(32)::bigint, a.last_failed_time > coalesce(a.last_archived_time, '-infinity'),"
    " a.last_failed_wal FROM (SELECT last_failed_time, last_archived_time, last_failed_wal, CASE "
    "WHEN"
    " last_archived_wal ~ '^[0-9A-F]{24}$' THEN last_archived_wal END AS last_archived_wal FROM"
    " pg_catalog.pg_stat_get_archiver()) a, (SELECT"
    " pg_walfile_name(pg_current_wal_lsn()) AS now) n WHERE current_setting('archive_mode') <>"
    " 'off'";

static void
judge_replicas(struct step_try *try, const struct connection *connection)
{
    const char *name = connection_cell(connection, 0, 0, 0);
    CLEANUP(mem_free)
    char *text = mem_format("the replica %s is %" PRIu64 " s behind", name ? name : "?",
                            connection_number(connection, 0, 0, 1) / 1000);

    find(try, CHECK_LAG, NULL, text, "wait until it has caught up; pg_stat_replication tells");
}

static void
judge_slots(struct step_try *try, const struct connection *connection)
{
    bool is_active = connection_is_true(connection, 0, 0, 1);
    CLEANUP(mem_free)
    char *text = mem_format("the %s replication slot %s holds %" PRIu64 " MiB of WAL",
                            is_active ? "active" : "inactive", connection_cell(connection, 0, 0, 0),
                            connection_number(connection, 0, 0, 2) >> 20);

    find(try, CHECK_SLOTS, NULL, text,
         "bring its reader back, or SELECT pg_drop_replication_slot('…')");
}

static void
judge_archiver(struct step_try *try, const struct connection *connection)
{
    uint64_t most = or_default(policies_of(try)->archive_count, ARCHIVE_COUNT);
    uint64_t backlog = connection_number(connection, 0, 0, 0);
    const char *fails = connection_cell(connection, 0, 0, 1);
    const char *wal = connection_cell(connection, 0, 0, 2);

    if (fails && fails[0] == 't') {
        CLEANUP(mem_free)
        char *text = mem_format("the archiver fails at %s", wal ? wal : "a segment");
        find(try, CHECK_ARCHIVER, NULL, text, "see the server's log; archive_command must succeed");
    } else if (backlog > most) {
        CLEANUP(mem_free)
        char *text = mem_format("%" PRIu64 " segments of WAL are not archived yet", backlog);
        find(try, CHECK_ARCHIVER, NULL, text, "wait until the archiver has caught up");
    }
}

static void
append_question(const struct step_try *try, enum server_part part, struct text *sql)
{
    const struct preflight_policies *policies = policies_of(try);

    if (part == PART_LAG) {
        text_format(sql, replicas, or_default(policies->lag_ms, LAG_MS));
    } else if (part == PART_SLOTS) {
        text_format(sql, slots, or_default(policies->slot_bytes, SLOT_BYTES));
    } else {
        text_append(sql, archiver);
    }
}

bool
preflight_ask_server(struct step_try *try)
{
    static void (*const judges[PART_COUNT])(struct step_try *, const struct connection *) = {
        [PART_LAG] = judge_replicas, [PART_SLOTS] = judge_slots, [PART_ARCHIVER] = judge_archiver};
    struct connection *connection = try->sitting->connection;
    struct patience patience = sitting_patience();
    bool is_there[PART_COUNT];

    if (!connection_run(connection, what_is_there, &patience)) {
        return false;
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        is_there[i] = connection_is_true(connection, 0, 0, i);
    }
    for (enum server_part i = 0; i < PART_COUNT; i++) {
        CLEANUP(text_release) struct text sql = {0};
        if (!is_there[i]) {
            continue;
        }
        append_question(try, i, &sql);
        if (!connection_run(connection, text_of(&sql), &patience)) {
            return false;
        }
        if (connection_row_count(connection, 0)) {
            judges[i](try, connection);
        }
    }
    return true;
}

/* ---- the disk -------------------------------------------------------------------------------- */

static void
judge_room(struct step_try *try, const struct room *room)
{
    if (room->needed_bytes > room->free_bytes) {
        CLEANUP(mem_free)
        char *text = mem_format("it may write %" PRIu64 " MiB, and %" PRIu64 " MiB are free",
                                room->needed_bytes >> 20, room->free_bytes >> 20);
        find(try, CHECK_ROOM, NULL, text, "make room on the disk; or do it in parts");
    }
    if (room->wal_bytes > room->slot_bytes) {
        CLEANUP(mem_free)
        char *text =
            mem_format("it may write %" PRIu64 " MiB of WAL, and a replication slot is given "
                       "up after %" PRIu64 " MiB more",
                       room->wal_bytes >> 20, room->slot_bytes >> 20);
        find(try, CHECK_SLOTS, NULL, text, "see to its reader, or raise max_slot_wal_keep_size");
    }
}

bool
preflight_ask_room(struct step_try *try)
{
    struct room room;

    if (!room_concerns(try) || policy_of(policies_of(try), CHECK_ROOM) == POLICY_IGNORE) {
        return true;
    }
    if (!room_look(try, &room)) {
        return false;
    }
    judge_room(try, &room);
    return true;
}

/* Not for ever; *again when it is to be looked at once more. */
static enum preflight_verdict
hold(struct step_try *try)
{
    struct preflight *preflight = try->preflight;
    const struct step_order *order = try->order;
    uint64_t most_ms = or_default(policies_of(try)->hold_ms, HOLD_MS);
    int64_t now_ms = clock_now_ms();

    preflight->held_ms = preflight->held_ms ? preflight->held_ms : now_ms;
    if ((uint64_t)(now_ms - preflight->held_ms) >= most_ms) {
        refuse(try, ", and has not become so in time");
        return PREFLIGHT_FAILED;
    }
    if (order->note) {
        CLEANUP(mem_free) char *note = mem_format("is held: %s", preflight->worst.text);
        order->note(order->context, note);
    }
    interrupt_sleep(try->sitting->interrupt, HOLD_EVERY_MS);
    return PREFLIGHT_AGAIN;
}

enum preflight_verdict
preflight_server(struct step_try *try)
{
    struct sitting *sitting = try->sitting;
    struct error error;

    bool is_known = sitting->preflight_ms && clock_now_ms() - sitting->preflight_ms < LOOK_EVERY_MS;
    if (is_known && (try->preflight->has_room || !room_concerns(try))) {
        return PREFLIGHT_GO;
    }
    try->preflight->worst.policy = POLICY_DEFAULT;
    if ((!is_known && !preflight_ask_server(try)) || !preflight_ask_room(try)) {
        /* What cannot be asked holds up nobody: the step itself will find out what is the matter.
         */
        sitting_query_failed(sitting, "cannot look at the server", &error);
        sitting->preflight_ms = clock_now_ms();
        try->preflight->has_room = true;
        return sitting->connection ? PREFLIGHT_GO : PREFLIGHT_AGAIN;
    }
    if (try->preflight->worst.policy == POLICY_REFUSE) {
        refuse(try, "");
        return PREFLIGHT_FAILED;
    }
    if (try->preflight->worst.policy == POLICY_HOLD) {
        return hold(try);
    }
    sitting->preflight_ms = clock_now_ms();
    try->preflight->has_room = true;
    return PREFLIGHT_GO;
}

/* ---- the tables ------------------------------------------------------------------------------ */

static void
judge_blocker(struct step_try *try, const struct blocker *blocker)
{
    const struct wanted *table = &try->way->look.tables[blocker->table];
    uint64_t old_ms = or_default(policies_of(try)->old_ms, OLD_MS);
    int64_t age_ms = blocker->sighting.age_ms;
    bool is_long = age_ms >= 120000;

    if (!blocker->pid) {
        CLEANUP(mem_free)
        char *text = mem_format("a prepared transaction holds %s", blocker->relation);
        find(try, CHECK_PREPARED, table, text,
             "SELECT * FROM pg_prepared_xacts; COMMIT PREPARED '…', or "
             "ROLLBACK PREPARED '…'");
    } else if (blocker->is_autovacuum && !blocker->sighting.yields) {
        CLEANUP(mem_free)
        char *text = mem_format("autovacuum (pid %d) works on %s to prevent wraparound",
                                blocker->pid, blocker->relation);
        find(try, CHECK_WRAPAROUND, table, text,
             "let it finish: it must, and it does not give way");
    } else if (age_ms > 0 && (uint64_t)age_ms > old_ms) {
        CLEANUP(mem_free)
        char *text = mem_format("a transaction of %" PRId64 " %s (pid %d, %s) holds %s",
                                is_long ? age_ms / 60000 : age_ms / 1000, is_long ? "min" : "s",
                                blocker->pid, blocker->application, blocker->relation);
        find(try, CHECK_OLD, table, text, "end it, or wait for it");
    }
}

static void
judge_table(struct step_try *try, const struct wanted *table)
{
    if (table->invalid[0]) {
        CLEANUP(mem_free) char *text = mem_format("INVALID indexes: %s", table->invalid);
        find(try, CHECK_INDEXES, table, text, "REINDEX INDEX CONCURRENTLY, or drop it");
    }
    if (table->owner[0] && table->needs_owner) {
        CLEANUP(mem_free)
        char *text = mem_format("%s does not own %s", table->role, table->name);
        CLEANUP(mem_free) char *hint = mem_format("GRANT %s TO %s", table->owner, table->role);
        find(try, CHECK_RIGHTS, table, text, hint);
    }
}

bool
preflight_tables(struct step_try *try)
{
    const struct look *look = &try->way->look;

    try->preflight->worst.policy = POLICY_DEFAULT;
    for (size_t i = 0; i < look->blocker_count; i++) {
        judge_blocker(try, &look->blockers[i]);
    }
    for (size_t i = 0; i < look->table_count; i++) {
        judge_table(try, &look->tables[i]);
    }
    /* To hold is what is done about everybody in the way: that is the lock budget's. */
    return try->preflight->worst.policy != POLICY_REFUSE || refuse(try, "");
}

/* "permission denied to set role" is not for an object, so that grant_explain does not know it. */
static void
explain_role(struct step_try *try)
{
    struct connection *connection = try->sitting->connection;
    const char *role = try->sitting->config.role;
    CLEANUP(text_release) struct text grant = {0};

    if (role && text_starts_with(try->error.text, "permission denied to set role")) {
        text_append(&grant, "GRANT ");
        connection_identifier(connection, &grant, role);
        text_append(&grant, " TO ");
        connection_identifier(connection, &grant, connection_user(connection));
        error_hint(&try->error, "%s", text_of(&grant));
    }
}

void
preflight_denied(struct step_try *try)
{
    const struct sql_error fact = *connection_error(try->sitting->connection);

    error_set(&try->error, "E-SQL-PRIV", "%s (%s)", fact.message, fact.sqlstate);
    error_hint(&try->error, "grant the role what it needs, or set another one");
    explain_role(try);
    grant_explain(try);
    find(try, CHECK_RIGHTS, NULL, fact.message, try->error.hint);
}

void
preflight_may_not_create(struct step_try *try, const char *schema, const char *role)
{
    CLEANUP(mem_free) char *text = mem_format("%s may make nothing in the schema %s", role, schema);
    CLEANUP(mem_free) char *hint = mem_format("GRANT CREATE ON SCHEMA %s TO %s", schema, role);

    find(try, CHECK_RIGHTS, NULL, text, hint);
}

void
preflight_report(struct step_try *try)
{
    const struct preflight *preflight = try->preflight;
    struct outcome *outcome = try->outcome;

    outcome->warning_count = preflight->warning_count;
    outcome->warnings =
        arena_alloc(try->arena, (preflight->warning_count + 1) * sizeof *outcome->warnings);
    for (size_t i = 0; i < preflight->warning_count; i++) {
        outcome->warnings[i].text = arena_text(try->arena, preflight->warnings[i]);
    }
}
