#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "agent/execute/preflight.h"
#include "agent/execute/room.h"
#include "agent/execute/way.h"

/*
 * Before a plan: what the preflight of its steps would find now, and what would be done about it.
 * The same look as theirs, at all of their tables at once; here it changes nothing.
 */

struct preview {
    struct step_try try;
    struct preflight preflight;
    struct found_list found;
    const char *versions[FOUND_MAX]; /* of what was found: null: the server's */
    struct way way;
    const struct outline *steps[OUTLINES_MAX]; /* those that are to come */
    size_t step_count;
};

static void
begin(struct preview *preview, struct sitting *sitting, const struct outline *outlines,
      size_t count)
{
    preview->try = (struct step_try){
        .sitting = sitting, .preflight = &preview->preflight, .way = &preview->way};
    preview->preflight.all = &preview->found;
    for (size_t i = 0; i < count && preview->step_count < OUTLINES_MAX; i++) {
        bool is_applied = sitting_find(sitting, outlines[i].version) != NULL;
        if (is_applied == (outlines[i].direction == DIRECTION_DOWN)) {
            preview->steps[preview->step_count++] = &outlines[i];
        }
    }
}

/* Names are what they are to the migrations: their role, their search path. The first answer. */
static void
append_guise(const struct preview *preview, struct text *sql)
{
    text_append(sql, "SELECT 1");
    try_append_settings(&preview->try, true, sql);
    text_append(sql, ";");
}

/* ---- whether there is anything to look at ---------------------------------------------------- */

/* Once: the same table is wanted by many. */
static void
append_name(const char *name, struct connection *connection, struct text *sql)
{
    CLEANUP(text_release) struct text call = {0};

    text_append(&call, ", pg_catalog.to_regclass(");
    connection_literal(connection, &call, name);
    text_append(&call, ")");
    if (!strstr(text_of(sql), text_of(&call))) {
        text_append(sql, text_of(&call));
    }
}

static void
append_names(const struct outline *step, struct connection *connection, struct text *sql)
{
    for (size_t i = 0; i < step->table_count; i++) {
        append_name(step->tables[i].relation, connection, sql);
    }
    for (size_t i = 0; i < step->work_count; i++) {
        CLEANUP(text_release) struct text name = {0};
        connection_relation(connection, &name, step->works[i].schema, step->works[i].table);
        append_name(text_of(&name), connection, sql);
    }
}

/* Whether a step before this one makes something there, too; null names agree. */
static bool
is_named_before(const struct preview *preview, size_t before, const char *name)
{
    for (size_t step = 0; step < before; step++) {
        for (size_t i = 0; i < preview->steps[step]->schema_count; i++) {
            if (text_equal(preview->steps[step]->schemas[i].name, name)) {
                return true;
            }
        }
    }
    return false;
}

/* Each schema once, with its first step; how many. */
static size_t
append_schemas(const struct preview *preview,
               void (*append)(struct connection *, size_t step, const char *name, struct text *),
               struct text *sql)
{
    size_t count = 0;

    for (size_t step = 0; step < preview->step_count; step++) {
        for (size_t i = 0; i < preview->steps[step]->schema_count; i++) {
            const char *name = preview->steps[step]->schemas[i].name;
            if (!is_named_before(preview, step, name)) {
                append(preview->try.sitting->connection, step, name, sql);
                count++;
            }
        }
    }
    return count;
}

static void
append_number(struct connection *connection, const char *name, struct text *sql)
{
    text_append(sql, "to_regnamespace(quote_ident(");
    if (name) {
        connection_literal(connection, sql, name);
    } else {
        text_append(sql, "current_schema()");
    }
    text_append(sql, "))");
}

static void
append_right(struct connection *connection, size_t step, const char *name, struct text *sql)
{
    (void)step;
    text_append(sql, " AND coalesce(has_schema_privilege(");
    append_number(connection, name, sql);
    text_append(sql, "::oid, 'CREATE'), true)");
}

/*
 * What the steps make themselves is not there yet, and mostly they may make it: that is told in a
 * tenth of the time of the whole questions. Where it cannot be told, they are asked.
 */
static void
ask_first(struct preview *preview, bool *finds_any, bool *may_create)
{
    struct connection *connection = preview->try.sitting->connection;
    struct patience patience = sitting_patience();
    CLEANUP(text_release) struct text sql = {0};

    append_guise(preview, &sql);
    text_append(&sql, "SELECT coalesce(NULL");
    for (size_t i = 0; i < preview->step_count; i++) {
        append_names(preview->steps[i], connection, &sql);
    }
    text_append(&sql, ", NULL) IS NOT NULL, true");
    append_schemas(preview, append_right, &sql);
    bool is_told = connection_run(connection, text_of(&sql), &patience);
    *finds_any = !is_told || connection_is_true(connection, 1, 0, 0);
    *may_create = is_told && connection_is_true(connection, 1, 0, 1);
}

/* ---- the server ------------------------------------------------------------------------------ */

/* What is well now need not be looked at again by a step that comes soon. */
static void
ask_server(struct preview *preview)
{
    struct sitting *sitting = preview->try.sitting;
    struct error error;

    if (!preflight_ask_server(&preview->try)) {
        sitting_query_failed(sitting, "cannot look at the server", &error);
    } else if (!preview->found.count) {
        sitting->preflight_ms = clock_now_ms();
    }
}

/* ---- room ------------------------------------------------------------------------------------ */

/* As of a script with one statement. */
static bool
ask_room_for(struct preview *preview, const struct outline *step)
{
    struct statement_work works[OUTLINE_WORKS_MAX];
    struct statement statement = {.works = works, .work_count = step->work_count};
    struct script script = {.statements = &statement, .statement_count = 1};

    for (size_t i = 0; i < step->work_count; i++) {
        works[i] = (struct statement_work){.schema = step->works[i].schema,
                                           .table = step->works[i].table,
                                           .kind = step->works[i].kind};
    }
    struct step_try try = preview->try;
    try.script = &script;
    return preflight_ask_room(&try);
}

static void
ask_room(struct preview *preview)
{
    struct error error;

    for (size_t i = 0; i < preview->step_count && preview->try.sitting->connection; i++) {
        size_t before = preview->found.count;
        if (!ask_room_for(preview, preview->steps[i])) {
            sitting_query_failed(preview->try.sitting, "cannot look for room", &error);
        }
        for (; before < preview->found.count; before++) {
            preview->versions[before] = preview->steps[i]->version;
        }
    }
}

/* ---- the tables ------------------------------------------------------------------------------ */

static bool
glance(struct preview *preview, bool *is_clear)
{
    struct sitting *sitting = preview->try.sitting;
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    append_guise(preview, &sql);
    look_append(&preview->way.look, sitting, &sql);
    if (!connection_run(sitting->connection, text_of(&sql), &patience)) {
        return false;
    }
    *is_clear = look_read(&preview->way.look, sitting, 1);
    return true;
}

static bool
look_again(struct preview *preview, struct error *error)
{
    struct sitting *sitting = preview->try.sitting;
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = sitting_patience();

    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;");
    append_guise(preview, &sql);
    bool has_looked = connection_run(sitting->connection, text_of(&sql), &patience) &&
                      look_closely(&preview->way.look, sitting, true, error);
    sitting_roll_back(sitting);
    return has_looked;
}

/* What these steps want; instead of by which statement, by which step. */
static void
begin_look(struct preview *preview, size_t first, size_t end)
{
    struct outline_table wanted[LOOK_TABLES_MAX];
    size_t count = 0;

    for (size_t step = first; step < end; step++) {
        for (size_t i = 0; i < preview->steps[step]->table_count; i++) {
            struct outline_table table = preview->steps[step]->tables[i];
            table.statement = step;
            outline_want(wanted, &count, LOOK_TABLES_MAX, &table);
        }
    }
    look_begin(&preview->way.look, wanted, count);
}

static bool
is_denied(const struct preview *preview)
{
    const struct connection *connection = preview->try.sitting->connection;
    return strcmp(connection_error(connection)->sqlstate, "42501") == 0;
}

/* Look at their tables together. False when it was denied, and only one by one tells for which. */
static bool
look_at(struct preview *preview, size_t first, size_t end)
{
    struct sitting *sitting = preview->try.sitting;
    bool is_clear = true;
    struct error error;

    begin_look(preview, first, end);
    if (look_is_empty(&preview->way.look) || !sitting->connection) {
        return true;
    }
    if (glance(preview, &is_clear)) {
        if (!is_clear && look_again(preview, &error)) {
            preflight_tables(&preview->try);
        }
    } else if (!is_denied(preview)) {
        sitting_query_failed(sitting, "cannot look at the tables", &error);
    } else if (end - first > 1) {
        return false;
    } else {
        preflight_denied(&preview->try);
    }
    return true;
}

static void
ask_tables_of(struct preview *preview, size_t first, size_t end)
{
    size_t before = preview->found.count;

    if (!look_at(preview, first, end)) {
        for (size_t step = first; step < end; step++) {
            ask_tables_of(preview, step, step + 1);
        }
        return;
    }
    for (; before < preview->found.count; before++) {
        const struct wanted *table = preview->found.items[before].about;
        preview->versions[before] = preview->steps[table ? table->statement : first]->version;
    }
}

/* ---- the schemas ----------------------------------------------------------------------------- */

/* As "(0, to_regnamespace(quote_ident('app'))), ". */
static void
append_schema(struct connection *connection, size_t step, const char *name, struct text *sql)
{
    text_format(sql, "(%zu, ", step);
    append_number(connection, name, sql);
    text_append(sql, "), ");
}

static void
take_schemas(struct preview *preview)
{
    const struct connection *connection = preview->try.sitting->connection;

    for (size_t row = 0; row < connection_row_count(connection, 1); row++) {
        size_t step = connection_number(connection, 1, row, 0), at = preview->found.count;
        preflight_may_not_create(&preview->try, connection_cell(connection, 1, row, 1),
                                 connection_cell(connection, 1, row, 2));
        for (; at < preview->found.count; at++) {
            preview->versions[at] = preview->steps[step]->version;
        }
    }
}

/* Whether something may be made where the steps make something; a schema may not be there yet. */
static void
ask_schemas(struct preview *preview)
{
    struct sitting *sitting = preview->try.sitting;
    struct patience patience = sitting_patience();
    CLEANUP(text_release) struct text sql = {0};
    struct error error;

    if (!sitting->connection) {
        return;
    }
    append_guise(preview, &sql);
    text_append(&sql, "SELECT min(s.step), s.o::text, quote_ident(current_user) FROM (VALUES ");
    if (!append_schemas(preview, append_schema, &sql)) {
        return;
    }
    text_append(
        &sql,
        "(NULL, NULL)) s(step, o) WHERE NOT has_schema_privilege(s.o::oid, 'CREATE') GROUP BY s.o"
        " ORDER BY 1");
    if (connection_run(sitting->connection, text_of(&sql), &patience)) {
        take_schemas(preview);
    } else {
        sitting_query_failed(sitting, "cannot look at the schemas", &error);
    }
}

/* ---- what is told ---------------------------------------------------------------------------- */

static size_t
tell(const struct preview *preview, struct arena *arena, struct obstacle *obstacles)
{
    size_t count = 0;

    for (enum policy policy = POLICY_REFUSE; policy > POLICY_IGNORE; policy--) {
        for (size_t i = 0; i < preview->found.count && count < OBSTACLES_MAX; i++) {
            const struct found *found = &preview->found.items[i];
            if (found->policy == policy) {
                obstacles[count++] =
                    (struct obstacle){.check = policy_check_name(found->check),
                                      .policy = policy,
                                      .version = preview->versions[i],
                                      .is_of_catalog = policy_check_is_of_catalog(found->check),
                                      .text = arena_text(arena, found->text),
                                      .hint = arena_text(arena, found->hint)};
            }
        }
    }
    return count;
}

size_t
sitting_preview(struct sitting *sitting, const struct outline *outlines, size_t outline_count,
                struct arena *arena, struct obstacle *obstacles)
{
    if (!sitting->connection) {
        return 0;
    }
    struct preview *preview = mem_zalloc(sizeof *preview);
    begin(preview, sitting, outlines, outline_count);
    text_clear(&sitting->fine); /* a plan is of now */
    ask_server(preview);
    bool finds_any = false, may_create = true;
    if (sitting->connection && preview->step_count) {
        ask_first(preview, &finds_any, &may_create);
    }
    if (finds_any) {
        ask_tables_of(preview, 0, preview->step_count);
        ask_room(preview);
    }
    if (!may_create) {
        ask_schemas(preview);
    }
    size_t count = tell(preview, arena, obstacles);
    free(preview);
    return count;
}
