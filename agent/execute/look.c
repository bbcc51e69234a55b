#include "agent/execute/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define LOOK_MS 10000
#define NAMED_MAX 3
#define FINE_MS 30000 /* so long a table that was found ours and whole is thought to be */

/* ---- PostgreSQL's locks ---------------------------------------------------------------------- */

static const char *const lock_names[TABLE_LOCK_COUNT] = {
    "",
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
};

enum table_lock
look_lock_named(const char *mode)
{
    for (size_t i = 1; i < TABLE_LOCK_COUNT; i++) {
        if (strcmp(mode, lock_names[i]) == 0) {
            return (enum table_lock)i;
        }
    }
    return TABLE_LOCK_NONE;
}

#define BIT(lock) (1U << TABLE_LOCK_##lock)

/* Table 13.2 of PostgreSQL's documentation. */
bool
look_conflicts(enum table_lock one, enum table_lock other)
{
    static const unsigned conflicts[TABLE_LOCK_COUNT] = {
        [TABLE_LOCK_ACCESS_SHARE] = BIT(ACCESS_EXCLUSIVE),
        [TABLE_LOCK_ROW_SHARE] = BIT(EXCLUSIVE) | BIT(ACCESS_EXCLUSIVE),
        [TABLE_LOCK_ROW_EXCLUSIVE] =
            BIT(SHARE) | BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) | BIT(ACCESS_EXCLUSIVE),
        [TABLE_LOCK_SHARE_UPDATE_EXCLUSIVE] = BIT(SHARE_UPDATE_EXCLUSIVE) | BIT(SHARE) |
                                              BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) |
                                              BIT(ACCESS_EXCLUSIVE),
        [TABLE_LOCK_SHARE] = BIT(ROW_EXCLUSIVE) | BIT(SHARE_UPDATE_EXCLUSIVE) |
                             BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) | BIT(ACCESS_EXCLUSIVE),
        [TABLE_LOCK_SHARE_ROW_EXCLUSIVE] = BIT(ROW_EXCLUSIVE) | BIT(SHARE_UPDATE_EXCLUSIVE) |
                                           BIT(SHARE) | BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) |
                                           BIT(ACCESS_EXCLUSIVE),
        [TABLE_LOCK_EXCLUSIVE] = BIT(ROW_SHARE) | BIT(ROW_EXCLUSIVE) | BIT(SHARE_UPDATE_EXCLUSIVE) |
                                 BIT(SHARE) | BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) |
                                 BIT(ACCESS_EXCLUSIVE),
        [TABLE_LOCK_ACCESS_EXCLUSIVE] = ~0U,
    };

    return conflicts[one] & (1U << other);
}

/* ---- what is wanted -------------------------------------------------------------------------- */

void
look_begin(struct look *look, const struct outline_table *tables, size_t count)
{
    look->table_count = count < LOOK_TABLES_MAX ? count : LOOK_TABLES_MAX;
    look->blocker_count = look->left_out = 0;
    look->deadlock_ms = 0;
    look->may_lock = false;
    look->locked_us = 0;
    for (size_t i = 0; i < look->table_count; i++) {
        look->tables[i] = (struct wanted){.name = tables[i].relation,
                                          .mode = tables[i].mode,
                                          .needs_owner = tables[i].needs_owner,
                                          .statement = (size_t)tables[i].statement};
    }
}

void
look_learn(struct look *look, uint64_t oid, enum table_lock mode, size_t statement)
{
    for (size_t i = 0; i < look->table_count; i++) {
        struct wanted *table = &look->tables[i];
        if (table->oid == oid) {
            table->mode = mode > table->mode ? mode : table->mode;
            return;
        }
    }
    if (mode >= TABLE_LOCK_SHARE && look->table_count < LOOK_TABLES_MAX) {
        look->tables[look->table_count++] =
            (struct wanted){.oid = oid, .mode = mode, .statement = statement};
    }
}

void
look_forget_names(struct look *look)
{
    size_t kept = 0;

    for (size_t i = 0; i < look->table_count; i++) {
        if (!look->tables[i].name) {
            look->tables[kept++] = look->tables[i];
        }
    }
    look->table_count = kept;
    look->blocker_count = look->left_out = 0;
}

const struct wanted *
look_find(const struct look *look, uint64_t oid)
{
    for (size_t i = 0; i < look->table_count; i++) {
        if (look->tables[i].oid == oid) {
            return &look->tables[i];
        }
    }
    return NULL;
}

bool
look_is_empty(const struct look *look)
{
    return look->table_count == 0;
}

void
look_went_wrong(struct look *look)
{
    if (look->may_lock) {
        look->may_lock = false;
    } else {
        look_forget_names(look);
    }
}

/* ---- the glance ------------------------------------------------------------------------------ */

enum glance_column {
    GLANCE_TABLE, /* its number here */
    GLANCE_OID,
    GLANCE_FILE,
    GLANCE_STATE, /* null: there is no such table */
    GLANCE_DEADLOCK,
    GLANCE_MODE /* null: nobody is at it */
};

/* What is neither is fine, and not a table. */
#define STATE_MATTERS 'm' /* another's, or not whole: it takes a closer look */
#define STATE_TABLE 't'   /* a table, and fine */

/*
 * Mostly nothing is the matter, and to plan the whole question takes several times as long as this.
 * pg_locks is a view over this function; without it a fresh backend reads less of its catalogs.
 */
static const char glance[] =
    "SELECT w.n, w.o::oid::bigint, pg_catalog.pg_relation_filenode(w.o)::bigint, %s,"
    " current_setting('deadlock_timeout'), %s FROM (VALUES ";

static const char table_state[] =
    "(SELECT CASE WHEN NOT pg_has_role(c.relowner, 'USAGE') OR EXISTS (SELECT FROM"
    " pg_catalog.pg_index x WHERE x.indrelid = c.oid AND NOT x.indisvalid) THEN 'm' WHEN c.relkind"
    " IN ('r', 'p') THEN 't' ELSE 'f' END FROM pg_catalog.pg_class c WHERE c.oid = w.o)";

static const char glance_end[] = ") w (n, o)";

static const char with_holders[] =
    " LEFT JOIN pg_catalog.pg_lock_status() l ON l.relation = w.o AND l.locktype ="
    " 'relation' AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() AND l.database = %" PRIu64;

/* ---- the question ---------------------------------------------------------------------------- */

enum look_column {
    LOOK_TABLE, /* its number here; the first three as in a glance */
    LOOK_OID,
    LOOK_FILE,
    LOOK_OWNER, /* null: the role owns it, or is among the owners */
    LOOK_ROLE,
    LOOK_INVALID,
    LOOK_DEADLOCK,
    LOOK_KEY, /* from here on null when nobody is at it */
    LOOK_MODE,
    LOOK_RELATION,
    LOOK_PID,
    LOOK_USER,
    LOOK_APPLICATION,
    LOOK_STATE,
    LOOK_AGE,
    LOOK_QUERY_START,
    LOOK_IS_VACUUM,
    LOOK_WRITTEN,
    LOOK_YIELDS
};

/* A backend number of 0 is nobody's, null would be everybody's. */
static const char question[] =
    "SELECT w.n, w.o::oid::bigint, pg_catalog.pg_relation_filenode(w.o)::bigint,"
    " (SELECT quote_ident(pg_get_userbyid(c.relowner)) FROM pg_catalog.pg_class c WHERE c.oid = w.o"
    " AND NOT pg_has_role(c.relowner, 'USAGE')), quote_ident(current_user), (SELECT"
    " string_agg(x.indexrelid::regclass::text, ', ') FROM pg_catalog.pg_index x WHERE x.indrelid ="
    " w.o AND NOT x.indisvalid), current_setting('deadlock_timeout'), l.virtualtransaction,"
    " l.mode, l.relation::regclass, l.pid, pg_catalog.pg_get_userbyid(a.usesysid),"
    " a.application_name, a.state,"
    " (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint,"
    " to_char(a.query_start, 'YYYY-MM-DD HH24:MI:SS'),"
    " a.backend_type = 'autovacuum worker', a.state IS NULL OR a.backend_xid IS NOT NULL,"
    " a.backend_type = 'autovacuum worker'"
    " AND a.query NOT LIKE '%(to prevent wraparound)%'"
    " FROM (VALUES ";

static const char question_end[] =
    ") w (n, o) LEFT JOIN pg_catalog.pg_lock_status() l ON l.relation = w.o AND l.locktype ="
    " 'relation' AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() AND l.database = %" PRIu64
    " LEFT JOIN LATERAL pg_catalog.pg_stat_get_activity(coalesce(l.pid, 0)) a ON true";

static void
append_table(const struct look *look, size_t number, bool by_name, struct connection *connection,
             struct text *sql)
{
    const struct wanted *table = &look->tables[number];

    text_format(sql, "%s(%zu, ", number ? ", " : "", number);
    if (table->name && (by_name || !table->oid)) {
        text_append(sql, "pg_catalog.to_regclass(");
        connection_literal(connection, sql, table->name);
        text_append(sql, "))");
    } else {
        text_format(sql, "%" PRIu64 "::regclass)", table->oid);
    }
}

static void
append_tables(const struct look *look, bool by_name, struct connection *connection,
              struct text *sql)
{
    for (size_t i = 0; i < look->table_count; i++) {
        append_table(look, i, by_name, connection, sql);
    }
}

/* Whose table it is, and whether its indexes are valid, is not asked again for every step. */
static bool
are_known_fine(const struct look *look, const struct sitting *sitting)
{
    bool are_fine = clock_now_ms() - sitting->fine_ms < FINE_MS;

    for (size_t i = 0; i < look->table_count && are_fine; i++) {
        const char *name = look->tables[i].name;
        are_fine = name && text_has_line(text_of(&sitting->fine), name);
    }
    return are_fine;
}

void
look_note_fine(struct sitting *sitting, const char *name)
{
    int64_t now_ms = clock_now_ms();

    if (now_ms - sitting->fine_ms >= FINE_MS) {
        text_clear(&sitting->fine);
        sitting->fine_ms = now_ms;
    }
    if (!text_has_line(text_of(&sitting->fine), name)) {
        text_format(&sitting->fine, "%s\n", name);
    }
}

static void
note_all_fine(const struct look *look, struct sitting *sitting)
{
    for (size_t i = 0; i < look->table_count; i++) {
        const struct wanted *table = &look->tables[i];
        if (table->name && table->oid) {
            look_note_fine(sitting, table->name);
        }
    }
}

static const char *
name_of(enum table_lock mode)
{
    return mode == TABLE_LOCK_ACCESS_EXCLUSIVE      ? "ACCESS EXCLUSIVE"
           : mode == TABLE_LOCK_EXCLUSIVE           ? "EXCLUSIVE"
           : mode == TABLE_LOCK_SHARE_ROW_EXCLUSIVE ? "SHARE ROW EXCLUSIVE"
                                                    : "SHARE";
}

/* What the statement locks besides is for the statement: partitions, what inherits. */
static void
append_locks(const struct look *look, struct text *sql)
{
    for (size_t i = 0; i < look->table_count; i++) {
        const struct wanted *table = &look->tables[i];
        text_format(sql, "LOCK TABLE ONLY %s IN %s MODE NOWAIT;", table->name,
                    name_of(table->mode));
    }
}

void
look_append(struct look *look, struct sitting *sitting, struct text *sql)
{
    bool are_fine = are_known_fine(look, sitting), locks = look->may_lock && are_fine;

    look->locked_us = locks ? clock_now_us() : 0;
    if (locks) {
        append_locks(look, sql);
    }
    text_format(sql, glance, are_fine ? "'t'" : table_state, locks ? "NULL" : "l.mode");
    append_tables(look, true, sitting->connection, sql);
    text_append(sql, glance_end);
    if (!locks) {
        text_format(sql, with_holders, sitting->facts.database_oid);
    }
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void
take_cell(const struct connection *connection, size_t row, size_t column, char *out, size_t size)
{
    const char *cell = connection_cell(connection, 0, row, column);
    snprintf(out, size, "%s", cell ? cell : "");
    text_mend_utf8(out);
}

static void
take_blocker(struct look *look, size_t table, const struct connection *connection, size_t row)
{
    const char *key = connection_cell(connection, 0, row, LOOK_KEY);
    const char *pid = connection_cell(connection, 0, row, LOOK_PID);
    const char *age = connection_cell(connection, 0, row, LOOK_AGE);

    for (size_t i = 0; i < look->blocker_count; i++) {
        if (strcmp(look->blockers[i].sighting.key, key) == 0) {
            return; /* at another table too */
        }
    }
    if (look->blocker_count == LOOK_BLOCKERS_MAX) {
        look->left_out++;
        return;
    }
    struct blocker *blocker = &look->blockers[look->blocker_count++];
    *blocker = (struct blocker){.pid = pid ? atoi(pid) : 0, .table = table};
    snprintf(blocker->sighting.key, sizeof blocker->sighting.key, "%s", key);
    blocker->sighting.age_ms = age ? strtoll(age, NULL, 10) : -1;
    blocker->sighting.yields = connection_is_true(connection, 0, row, LOOK_YIELDS);
    blocker->has_written = connection_is_true(connection, 0, row, LOOK_WRITTEN);
    blocker->is_autovacuum = connection_is_true(connection, 0, row, LOOK_IS_VACUUM);
    take_cell(connection, row, LOOK_USER, blocker->user, sizeof blocker->user);
    take_cell(connection, row, LOOK_APPLICATION, blocker->application, sizeof blocker->application);
    if (blocker->is_autovacuum) {
        snprintf(blocker->application, sizeof blocker->application, "autovacuum%s",
                 blocker->sighting.yields ? "" : " to prevent wraparound");
    }
    take_cell(connection, row, LOOK_STATE, blocker->state, sizeof blocker->state);
    take_cell(connection, row, LOOK_QUERY_START, blocker->query_start, sizeof blocker->query_start);
    take_cell(connection, row, LOOK_RELATION, blocker->relation, sizeof blocker->relation);
}

static void
take_deadlock_timeout(struct look *look, const char *cell)
{
    int64_t deadlock_ms;

    if (cell && text_to_duration_ms(cell, &deadlock_ms)) {
        look->deadlock_ms = (uint64_t)deadlock_ms;
    }
}

/* The table that a row is about; null when it is none of ours. */
static struct wanted *
table_of(struct look *look, const struct connection *connection, size_t answer, size_t row)
{
    uint64_t number = connection_number(connection, answer, row, LOOK_TABLE);

    if (number >= look->table_count) {
        return NULL;
    }
    struct wanted *table = &look->tables[number];
    table->oid = connection_number(connection, answer, row, LOOK_OID);
    table->file = connection_number(connection, answer, row, LOOK_FILE);
    return table;
}

bool
look_read(struct look *look, struct sitting *sitting, size_t answer)
{
    const struct connection *connection = sitting->connection;
    bool is_clear = true, are_tables = true;

    look->blocker_count = look->left_out = 0;
    for (size_t row = 0; row < connection_row_count(connection, answer); row++) {
        struct wanted *table = table_of(look, connection, answer, row);
        const char *mode = connection_cell(connection, answer, row, GLANCE_MODE);
        const char *state = connection_cell(connection, answer, row, GLANCE_STATE);
        take_deadlock_timeout(look, connection_cell(connection, answer, row, GLANCE_DEADLOCK));
        if (table) {
            table->owner[0] = table->role[0] = table->invalid[0] = '\0';
            is_clear = is_clear && !(state && state[0] == STATE_MATTERS) &&
                       !(mode && look_conflicts(table->mode, look_lock_named(mode)));
            are_tables = are_tables && state && state[0] == STATE_TABLE;
        }
    }
    if (is_clear && are_tables) {
        note_all_fine(look, sitting);
    }
    return is_clear;
}

static void
read_closely(struct look *look, const struct connection *connection)
{
    look->blocker_count = look->left_out = 0;
    for (size_t row = 0; row < connection_row_count(connection, 0); row++) {
        struct wanted *table = table_of(look, connection, 0, row);
        const char *mode = connection_cell(connection, 0, row, LOOK_MODE);
        take_deadlock_timeout(look, connection_cell(connection, 0, row, LOOK_DEADLOCK));
        if (!table) {
            continue;
        }
        take_cell(connection, row, LOOK_OWNER, table->owner, sizeof table->owner);
        take_cell(connection, row, LOOK_ROLE, table->role, sizeof table->role);
        take_cell(connection, row, LOOK_INVALID, table->invalid, sizeof table->invalid);
        if (mode && look_conflicts(table->mode, look_lock_named(mode))) {
            take_blocker(look, (size_t)(table - look->tables), connection, row);
        }
    }
}

bool
look_closely(struct look *look, struct sitting *sitting, bool by_name, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = {.deadline_ms = clock_now_ms() + LOOK_MS, .heeds_interrupt = true};

    text_append(&sql, question);
    append_tables(look, by_name, sitting->connection, &sql);
    text_format(&sql, question_end, sitting->facts.database_oid);
    if (!connection_run(sitting->connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot look who is in the way", error);
    }
    read_closely(look, sitting->connection);
    return true;
}

size_t
look_sightings(const struct look *look, struct sighting sightings[LOOK_BLOCKERS_MAX])
{
    for (size_t i = 0; i < look->blocker_count; i++) {
        sightings[i] = look->blockers[i].sighting;
    }
    return look->blocker_count;
}

/* ---- for people ------------------------------------------------------------------------------ */

/* The oldest transactions first: they are the ones to ask. */
static const struct blocker *
next_oldest(const struct look *look, bool is_named[LOOK_BLOCKERS_MAX])
{
    size_t oldest = LOOK_BLOCKERS_MAX;

    for (size_t i = 0; i < look->blocker_count; i++) {
        bool is_older = oldest == LOOK_BLOCKERS_MAX ||
                        look->blockers[i].sighting.age_ms > look->blockers[oldest].sighting.age_ms;
        if (!is_named[i] && is_older) {
            oldest = i;
        }
    }
    if (oldest == LOOK_BLOCKERS_MAX) {
        return NULL;
    }
    is_named[oldest] = true;
    return &look->blockers[oldest];
}

static void
append_name(const struct blocker *blocker, struct text *text)
{
    if (!blocker->pid) {
        text_format(text, "a prepared transaction on %s (pg_prepared_xacts)", blocker->relation);
        return;
    }
    text_format(text, "pid %d (%s, %s, query since %s)", blocker->pid,
                blocker->application[0] ? blocker->application : blocker->user,
                blocker->state[0] ? blocker->state : "state hidden",
                blocker->query_start[0] ? blocker->query_start : "a hidden time");
}

const char *
look_names(const struct look *look, char *out, size_t size)
{
    CLEANUP(text_release) struct text text = {0};
    bool is_named[LOOK_BLOCKERS_MAX] = {false};
    size_t count = look->blocker_count + look->left_out, named = 0;
    const struct blocker *blocker;

    text_append(&text, "");
    while (named < NAMED_MAX && (blocker = next_oldest(look, is_named))) {
        text_append(&text, named++ ? ", " : "");
        append_name(blocker, &text);
    }
    if (named < count) {
        text_format(&text, " and %zu more", count - named);
    }
    snprintf(out, size, "%s", text_of(&text));
    text_mend_utf8(out);
    return out;
}
