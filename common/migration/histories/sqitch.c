/*
 * sqitch: a row per deployed change in `changes`, called by the change's id; beside it the tags and
 * the dependencies of the change, and an event for everything that was ever done. Several projects
 * may share the tables: ours is the one that the plan names.
 *
 * Lists in the keys: entries end with a record separator, fields with a unit separator.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/migration/history.h"

#define RECORD '\x1e'
#define UNIT '\x1f'

/* ---- reading --------------------------------------------------------------------------------- */

static void
append_rows(const struct history_place *place, struct text *sql)
{
    text_append(sql, "SELECT change_id, nullif(script_hash, change_id), 'applied',"
                     " change || ' (' || left(change_id, 8) || ')' FROM ");
    history_table(place, sql);
    if (place->scope) {
        text_append(sql, " WHERE project = ");
        history_literal(sql, place->scope);
    }
    text_append(sql, " ORDER BY committed_at");
}

static void
append_lock(const struct history_place *place, struct text *sql)
{
    (void)place;
    text_append(sql, "75474063");
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
append_keys(const struct history_step *step, const char *const *names, struct text *sql)
{
    for (size_t i = 0; names[i]; i++) {
        text_append(sql, i ? ", " : "");
        history_key(step, names[i], sql);
    }
}

/* Go to the next entry of a list: its size, and where it begins; false behind the last. */
static bool
next_entry(const char **list, const char **entry, size_t *size, char separator)
{
    const char *end = *list ? strchr(*list, separator) : NULL;

    if (!end) {
        return false;
    }
    *entry = *list;
    *size = (size_t)(end - *list);
    *list = end + 1;
    return true;
}

static void
append_piece(const char *piece, size_t size, struct text *sql)
{
    CLEANUP(text_release) struct text copy = {0};

    text_append_bytes(&copy, piece, size);
    history_literal(sql, text_of(&copy));
}

/* An array of the first field of each entry. */
static void
append_array(const char *list, struct text *sql)
{
    const char *entry;
    size_t size;

    text_append(sql, "ARRAY[");
    for (bool is_first = true; next_entry(&list, &entry, &size, RECORD); is_first = false) {
        text_append(sql, is_first ? "" : ", ");
        append_piece(entry, strcspn(entry, "\x1e\x1f"), sql);
    }
    text_append(sql, "]::text[]");
}

/* Who commits is the role that the migration's journal row is written by. */
#define COMMITTER "current_user, current_user || '@' || current_database()"

static size_t
append_event(const struct history_step *step, const char *event, struct text *sql)
{
    static const char *const what[] = {"change_id", "change", "project", "note", NULL};
    static const char *const planned[] = {"planned_at", "planner_name", "planner_email", NULL};
    static const char *const lists[] = {"tags", "requires", "conflicts"};

    text_append(sql, "INSERT INTO ");
    history_sister(step->place, "events", sql);
    text_format(sql,
                " (event, change_id, change, project, note, tags, requires, conflicts,"
                " committer_name, committer_email, planned_at, planner_name, planner_email)"
                " SELECT '%s', ",
                event);
    append_keys(step, what, sql);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        text_append(sql, ", ");
        append_array(migration_key(step->migration, lists[i]), sql);
    }
    text_append(sql, ", " COMMITTER ", v.at::timestamptz, v.name, v.email FROM (VALUES (");
    append_keys(step, planned, sql);
    text_append(sql, ")) AS v (at, name, email);");
    return 1;
}

static size_t
append_project(const struct history_step *step, struct text *sql)
{
    static const char *const keys[] = {"project", "uri", NULL};

    text_append(sql, "INSERT INTO ");
    history_sister(step->place, "projects", sql);
    text_append(sql, " (project, uri, creator_name, creator_email) SELECT ");
    append_keys(step, keys, sql);
    text_append(sql, ", " COMMITTER " ON CONFLICT DO NOTHING;");
    return 1;
}

static size_t
append_change(const struct history_step *step, struct text *sql)
{
    static const char *const keys[] = {"change_id",    "script_hash",   "change",
                                       "project",      "note",          "planned_at",
                                       "planner_name", "planner_email", NULL};

    text_append(sql, "INSERT INTO ");
    history_table(step->place, sql);
    text_append(sql, " (change_id, script_hash, change, project, note, planned_at, planner_name,"
                     " planner_email, committer_name, committer_email) VALUES (");
    append_keys(step, keys, sql);
    text_append(sql, ", " COMMITTER ");");
    return 1;
}

/*
 * [project:]change[@tag]: the oldest of that name, or the newest that is not newer than the tag, as
 * sqitch finds it.
 */
static void
append_resolved(const struct history_step *step, const char *dependency, size_t size,
                struct text *sql)
{
    const char *colon = memchr(dependency, ':', size);
    const char *name = colon ? colon + 1 : dependency;
    size_t name_size = size - (size_t)(name - dependency);
    const char *at = memchr(name, '@', name_size);

    text_append(sql, "(SELECT c.change_id FROM ");
    history_table(step->place, sql);
    text_append(sql, " c WHERE c.project = ");
    if (colon) {
        append_piece(dependency, (size_t)(colon - dependency), sql);
    } else {
        history_key(step, "project", sql);
    }
    text_append(sql, " AND c.change = ");
    append_piece(name, at ? (size_t)(at - name) : name_size, sql);
    if (at) {
        text_append(sql, " AND c.committed_at <= (SELECT t.committed_at FROM ");
        history_sister(step->place, "tags", sql);
        text_append(sql, " t WHERE t.project = c.project AND t.tag = ");
        append_piece(at, name_size - (size_t)(at - name), sql);
        text_append(sql, ")");
    }
    text_format(sql, " ORDER BY c.committed_at %s LIMIT 1)", at ? "DESC" : "ASC");
}

/* What cannot be found is left out: the table does not take a requirement of nothing. */
static size_t
append_requirements(const struct history_step *step, struct text *sql)
{
    const char *list = migration_key(step->migration, "requires"), *entry;
    size_t size, count = 0;

    for (; next_entry(&list, &entry, &size, RECORD); count++) {
        text_append(sql, "INSERT INTO ");
        history_sister(step->place, "dependencies", sql);
        text_append(sql, " (change_id, type, dependency, dependency_id) SELECT ");
        history_key(step, "change_id", sql);
        text_append(sql, ", 'require', ");
        append_piece(entry, size, sql);
        text_append(sql, ", d.id FROM (SELECT ");
        append_resolved(step, entry, size, sql);
        text_append(sql, " AS id) d WHERE d.id IS NOT NULL;");
    }
    return count;
}

static size_t
append_conflicts(const struct history_step *step, struct text *sql)
{
    const char *list = migration_key(step->migration, "conflicts"), *entry;
    size_t size, count = 0;

    for (; next_entry(&list, &entry, &size, RECORD); count++) {
        text_append(sql, "INSERT INTO ");
        history_sister(step->place, "dependencies", sql);
        text_append(sql, " (change_id, type, dependency) VALUES (");
        history_key(step, "change_id", sql);
        text_append(sql, ", 'conflict', ");
        append_piece(entry, size, sql);
        text_append(sql, ");");
    }
    return count;
}

/* A tag's fields: its name, id, note, when and by whom it was planned. */
static size_t
append_tags(const struct history_step *step, struct text *sql)
{
    const char *list = migration_key(step->migration, "tags"), *entry, *field;
    size_t size, field_size, count = 0;

    for (; next_entry(&list, &entry, &size, RECORD); count++) {
        text_append(sql, "INSERT INTO ");
        history_sister(step->place, "tags", sql);
        text_append(sql, " (project, change_id, committer_name, committer_email, tag, tag_id, note,"
                         " planned_at, planner_name, planner_email) VALUES (");
        history_key(step, "project", sql);
        text_append(sql, ", ");
        history_key(step, "change_id", sql);
        text_append(sql, ", " COMMITTER);
        while (entry < list - 1 && next_entry(&entry, &field, &field_size, UNIT)) {
            text_append(sql, ", ");
            append_piece(field, field_size, sql);
        }
        text_append(sql, ");");
    }
    return count;
}

static size_t
append_delete(const struct history_step *step, struct text *sql)
{
    static const char *const tables[] = {"tags", "dependencies", "changes"};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        text_append(sql, "DELETE FROM ");
        history_sister(step->place, tables[i], sql);
        text_append(sql, " WHERE change_id = ");
        history_key(step, "change_id", sql);
        text_append(sql, ";");
    }
    return sizeof tables / sizeof *tables;
}

static size_t
append_write(const struct history_step *step, struct text *sql)
{
    if (step->direction == DIRECTION_DOWN) {
        size_t count = append_delete(step, sql);
        return count + append_event(step, "revert", sql);
    }
    size_t count = append_project(step, sql) + append_change(step, sql);
    count += append_requirements(step, sql);
    count += append_conflicts(step, sql);
    count += append_tags(step, sql);
    return count + append_event(step, "deploy", sql);
}

const struct history_tool history_sqitch = {
    .name = "sqitch",
    .layout = "sqitch",
    .schema = "sqitch",
    .table = "changes",
    .fields = {{"change_id", "text"},
               {"script_hash", "text"},
               {"change", "text"},
               {"project", "text"},
               {"note", "text"},
               {"committed_at", "timestamp with time zone"},
               {"committer_name", "text"},
               {"committer_email", "text"},
               {"planned_at", "timestamp with time zone"},
               {"planner_name", "text"},
               {"planner_email", "text"}},
    .key = "change_id",
    .checksum = "script_hash",
    .scope = "project",
    .append_rows = append_rows,
    .append_write = append_write,
    .append_lock = append_lock,
};
