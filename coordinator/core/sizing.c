#include "coordinator/core/sizing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/core/selector.h"
#include "coordinator/core/target.h"

#define TELL_MS 1000
#define PATIENCE_MS 10000 /* after the last answer; a target may have a step to end first */
#define LIMIT_MS 60000    /* in all */
#define FRESH_MS 60000    /* that what was found out is good */
#define SIZINGS_MAX 16    /* at the same time */
#define KEY_PART_MAX 129  /* a name and its zero byte */

/* One target of it. */
struct sizing_entry {
    struct id target_id;
    const char *name;
    bool has_answered;
    int64_t asked_ms; /* 0: never */
};

/* One table, on all targets that have told of it. */
struct sizing_table {
    struct size_row row;
    UT_hash_handle hh; /* by "schema", a zero byte, "name" */
};

struct sizing {
    struct id measure_id, request; /* the request that asked last, and where from */
    struct route route;
    struct arena arena; /* all texts */
    const char *service, *select;
    uint64_t large_bytes;
    struct sizing_entry *entries;
    size_t entry_count, entry_capacity, answered_count, measured_count;
    struct sizing_table *tables;
    struct size_row *rows; /* once it is ready: the largest tables */
    size_t row_count;
    uint64_t server_version, replicas, below;
    struct fault fault; /* of the first that could not be measured */
    bool is_ready;
    int64_t begun_ms, deadline_ms;
    struct timer timer;
    struct sizing *prev, *next;
};

/* ---- leaving memory ------------------------------------------------------------------------ */

static void
drop_tables(struct sizing *sizing)
{
    struct sizing_table *table, *next;

    HASH_ITER(hh, sizing->tables, table, next)
    {
        HASH_DEL(sizing->tables, table);
        free(table);
    }
}

static void
forget(struct core *core, struct sizing *sizing)
{
    DL_DELETE(core->sizings, sizing);
    timer_clear(&core->timers, &sizing->timer);
    drop_tables(sizing);
    arena_release(&sizing->arena);
    free(sizing->entries);
    free(sizing);
}

void
sizings_release(struct core *core)
{
    while (core->sizings) {
        forget(core, core->sizings);
    }
}

/* ---- SIZES_VIEW ---------------------------------------------------------------------------- */

static void
tell(struct core *core, const struct sizing *sizing)
{
    struct message message = {.type = MESSAGE_SIZES_VIEW};

    message.sizes_view = (struct sizes_view){.request = sizing->request,
                                             .is_ready = sizing->is_ready,
                                             .target_count = sizing->entry_count,
                                             .answered_count = sizing->answered_count,
                                             .measured_count = sizing->measured_count,
                                             .server_version = sizing->server_version,
                                             .replicas = sizing->replicas,
                                             .below = sizing->below,
                                             .fault = sizing->fault,
                                             .tables = sizing->rows,
                                             .table_count = sizing->row_count};
    core_tell_operator(core, sizing->route, &message);
}

/* ---- putting together ---------------------------------------------------------------------- */

static struct sizing_table *
table_of(struct sizing *sizing, const struct table_measure *measure)
{
    size_t schema_size = strlen(measure->schema), name_size = strlen(measure->name);
    size_t size = schema_size + 1 + name_size + 1;
    char key[2 * KEY_PART_MAX];
    struct sizing_table *table;

    assert(schema_size < KEY_PART_MAX && name_size < KEY_PART_MAX); /* the codec saw to it */
    memcpy(key, measure->schema, schema_size + 1);
    memcpy(key + schema_size + 1, measure->name, name_size + 1);
    HASH_FIND(hh, sizing->tables, key, size, table);
    if (!table) {
        const char *kept = arena_copy(&sizing->arena, key, size);
        table = mem_zalloc(sizeof *table);
        table->row.schema = kept;
        table->row.name = kept + schema_size + 1;
        HASH_ADD_KEYPTR(hh, sizing->tables, kept, size, table);
    }
    return table;
}

static void
add_table(struct sizing *sizing, const struct sizing_entry *entry,
          const struct table_measure *measure)
{
    struct size_row *row = &table_of(sizing, measure)->row;

    if (!row->target || measure->bytes > row->bytes) {
        row->target = entry->name;
        row->rows = measure->rows;
        row->bytes = measure->bytes;
    }
    if (measure->writes_per_hour > row->writes_per_hour) {
        row->writes_per_hour = measure->writes_per_hour;
    }
    row->target_count++;
    row->large_count += measure->bytes >= sizing->large_bytes;
}

static void
keep_fault(struct sizing *sizing, struct sizing_entry *entry, const struct fault *fault)
{
    if (!sizing->fault.code) {
        pack_copy(&fault_shape, fault, &sizing->arena, &sizing->fault);
        sizing->fault.where = sizing->fault.where ? sizing->fault.where : entry->name;
    }
    entry->has_answered = true;
    sizing->answered_count++;
}

static void
keep_measured(struct sizing *sizing, struct sizing_entry *entry, const struct measured *measured)
{
    if (!measured->succeeded) {
        keep_fault(sizing, entry, &measured->fault);
        return;
    }
    for (size_t i = 0; i < measured->table_count; i++) {
        add_table(sizing, entry, &measured->tables[i]);
    }
    if (!sizing->server_version || measured->server_version < sizing->server_version) {
        sizing->server_version = measured->server_version;
    }
    sizing->replicas += measured->replicas;
    if (measured->below > sizing->below) {
        sizing->below = measured->below;
    }
    entry->has_answered = true;
    sizing->answered_count++;
    sizing->measured_count++;
}

static int
larger_first(const void *a, const void *b)
{
    const struct size_row *left = a, *right = b;
    int order = (left->bytes < right->bytes) - (left->bytes > right->bytes);

    order = order ? order : strcmp(left->schema, right->schema);
    return order ? order : strcmp(left->name, right->name);
}

/* The largest tables; what a message has no room for is said to be below something. */
static void
sort_tables(struct sizing *sizing)
{
    size_t count = 0;
    struct sizing_table *table;

    sizing->rows =
        arena_alloc(&sizing->arena, (HASH_COUNT(sizing->tables) + 1) * sizeof *sizing->rows);
    for (table = sizing->tables; table; table = table->hh.next) {
        sizing->rows[count++] = table->row;
    }
    qsort(sizing->rows, count, sizeof *sizing->rows, larger_first);
    sizing->row_count = count < SIZES_TABLES_MAX ? count : SIZES_TABLES_MAX;
    if (count > SIZES_TABLES_MAX && sizing->rows[SIZES_TABLES_MAX].bytes >= sizing->below) {
        sizing->below = sizing->rows[SIZES_TABLES_MAX].bytes + 1;
    }
    drop_tables(sizing);
}

/* ---- asking the targets -------------------------------------------------------------------- */

static void
refuse(struct core *core, struct sizing *sizing, struct sizing_entry *entry, const char *who)
{
    struct error error;

    error_set(&error, "E-TARGET-UNREACHABLE", "%s did not answer", who);
    error_where(&error, "%s", entry->name);
    error_hint(&error, "see `skein agents` and `skein targets`");
    const struct fault fault = fault_from_error(&error, &core->scratch);
    keep_fault(sizing, entry, &fault);
}

/* Ask a target, or ask it again; one that cannot be reached is not waited for. */
static void
check(struct core *core, struct sizing *sizing, struct sizing_entry *entry)
{
    const struct target *target = target_with_id(core, &entry->target_id);
    struct message message = {.type = MESSAGE_MEASURE};

    if (entry->has_answered) {
        return;
    }
    if (!target || !target_is_reachable(target)) {
        bool is_broken = target && target_is_claimed(target) && target->fault;
        if (is_broken) {
            keep_fault(sizing, entry, target->fault);
        } else {
            refuse(core, sizing, entry, "its agent");
        }
        return;
    }
    if (!entry->asked_ms || core->now_ms - entry->asked_ms >= (int64_t)core->config.resend_ms) {
        message.measure = (struct measure){.session = target->session,
                                           .measure_id = sizing->measure_id,
                                           .target_id = entry->target_id};
        entry->asked_ms = core->now_ms;
        core_tell_agent(core, target->agent, &message);
    }
}

/* ---- the end ------------------------------------------------------------------------------- */

static void
finish(struct core *core, struct sizing *sizing)
{
    for (size_t i = 0; i < sizing->entry_count; i++) {
        if (!sizing->entries[i].has_answered) {
            refuse(core, sizing, &sizing->entries[i], "its database");
        }
    }
    sort_tables(sizing);
    sizing->is_ready = true;
    TRACE(core, "sizes of %s: %zu of %zu targets, %zu tables", sizing->service,
          sizing->measured_count, sizing->entry_count, sizing->row_count);
    core_wake_at(core, &sizing->timer, TIMER_SIZING, sizing, core->now_ms + FRESH_MS);
    tell(core, sizing);
}

static void
go_on(struct core *core, struct sizing *sizing)
{
    if (!sizing->is_ready && sizing->answered_count == sizing->entry_count) {
        finish(core, sizing);
    }
}

void
sizing_measured(struct core *core, struct agent *agent, const struct measured *measured)
{
    const struct target *target = target_with_id(core, &measured->target_id);
    struct sizing *sizing;

    DL_FOREACH(core->sizings, sizing)
    {
        if (id_equal(&sizing->measure_id, &measured->measure_id)) {
            break;
        }
    }
    if (!sizing || sizing->is_ready || !target || target->agent != agent) {
        TRACE(core, "late MEASURED by %s", agent->name);
        return;
    }
    for (size_t i = 0; i < sizing->entry_count; i++) {
        struct sizing_entry *entry = &sizing->entries[i];
        if (!entry->has_answered && id_equal(&entry->target_id, &measured->target_id)) {
            int64_t most_ms = sizing->begun_ms + LIMIT_MS, until_ms = core->now_ms + PATIENCE_MS;
            keep_measured(sizing, entry, measured);
            sizing->deadline_ms = until_ms < most_ms ? until_ms : most_ms;
            break;
        }
    }
    go_on(core, sizing);
}

void
sizing_tick(struct core *core, struct sizing *sizing)
{
    if (sizing->is_ready) {
        forget(core, sizing);
        return;
    }
    if (core->now_ms >= sizing->deadline_ms) {
        finish(core, sizing);
        return;
    }
    for (size_t i = 0; i < sizing->entry_count; i++) {
        check(core, sizing, &sizing->entries[i]);
    }
    tell(core, sizing);
    core_wake_at(core, &sizing->timer, TIMER_SIZING, sizing, core->now_ms + TELL_MS);
    go_on(core, sizing);
}

/* ---- SIZES --------------------------------------------------------------------------------- */

/* The one that answers this; the oldest makes room for another. */
static struct sizing *
known(struct core *core, const struct sizes *wish)
{
    struct sizing *sizing;
    size_t count = 0;

    DL_FOREACH(core->sizings, sizing)
    {
        if (text_equal(sizing->service, wish->service) &&
            text_equal(sizing->select, wish->select ? wish->select : "") &&
            sizing->large_bytes == wish->large_bytes) {
            return sizing;
        }
        count++;
    }
    if (count >= SIZINGS_MAX) {
        forget(core, core->sizings);
    }
    return NULL;
}

static void
add_targets(struct core *core, struct sizing *sizing, const struct selector *selector)
{
    for (struct target *target = targets_sorted(core); target; target = target->by_name.next) {
        const struct selectable selectable = {target->name, target->service, target->labels,
                                              target->label_count};
        if (!text_equal(target->service, sizing->service) ||
            !selector_matches(selector, &selectable)) {
            continue;
        }
        sizing->entries = mem_grow(sizing->entries, sizing->entry_count, &sizing->entry_capacity,
                                   sizeof *sizing->entries);
        sizing->entries[sizing->entry_count++] = (struct sizing_entry){
            .target_id = target->target_id, .name = arena_text(&sizing->arena, target->name)};
    }
}

static struct sizing *
begin(struct core *core, const struct sizes *wish)
{
    struct sizing *sizing = mem_zalloc(sizeof *sizing);

    sizing->measure_id = id_draw(&core->random);
    sizing->service = arena_text(&sizing->arena, wish->service);
    sizing->select = arena_text(&sizing->arena, wish->select ? wish->select : "");
    sizing->large_bytes = wish->large_bytes;
    sizing->begun_ms = core->now_ms;
    sizing->deadline_ms = core->now_ms + PATIENCE_MS;
    DL_APPEND(core->sizings, sizing);
    return sizing;
}

void
sizing_ask(struct core *core, const struct event *event)
{
    const struct sizes *wish = &event->message->sizes;
    CLEANUP(selector_destroy) struct selector *selector = NULL;
    struct sizing *sizing = known(core, wish);
    bool is_new = !sizing;
    struct error error;

    if (is_new) {
        if (!selector_parse(wish->select, &selector, &error)) {
            core_refuse(core, event->route, &wish->request, &error);
            return;
        }
        sizing = begin(core, wish);
        add_targets(core, sizing, selector);
    }
    sizing->request = wish->request;
    sizing->route = event->route;
    if (!sizing->entry_count) {
        error_set(&error, "E-SEL-EMPTY", "no target is selected");
        error_where(&error, "%s", wish->select ? wish->select : wish->service);
        error_hint(&error, "skein targets shows the fleet and its labels");
        core_refuse(core, event->route, &wish->request, &error);
        forget(core, sizing);
    } else if (is_new) {
        sizing_tick(core, sizing);
    } else {
        tell(core, sizing);
    }
}
