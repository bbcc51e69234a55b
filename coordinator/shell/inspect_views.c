#include "coordinator/shell/inspect_views.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/selector.h"

/* Records of one kind, by name. */
struct listing {
    struct arena *arena;
    enum record_kind kind;
    struct record *items;
    size_t count, capacity;
};

static void
collect(void *context, const struct record *record)
{
    struct listing *listing = context;

    if (record->kind == listing->kind) {
        listing->items =
            mem_grow(listing->items, listing->count, &listing->capacity, sizeof *listing->items);
        record_copy(record, listing->arena, &listing->items[listing->count++]);
    }
}

static void
listing_release(struct listing *listing)
{
    free(listing->items);
}

static const char *
name_of(const struct record *record)
{
    switch (record->kind) {
    case RECORD_AGENT:
        return record->agent.name;
    case RECORD_OPERATOR:
        return record->operator.name;
    default:
        return record->target.name ? record->target.name : "";
    }
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(name_of(a), name_of(b));
}

static bool
list(struct store *store, enum record_kind kind, struct listing *listing, struct error *error)
{
    const struct store_reader reader = {collect, listing};

    listing->kind = kind;
    if (!(kind == RECORD_TARGET ? store_load_targets : store_load_parties)(store, &reader, error)) {
        return false;
    }
    if (listing->count) {
        qsort(listing->items, listing->count, sizeof *listing->items, compare_names);
    }
    return true;
}

/* ---- targets -------------------------------------------------------------------------------- */

static struct target_row
row_of_target(const struct target_record *target)
{
    return (struct target_row){.target_id = target->target_id,
                               .name = target->name,
                               .service = target->service,
                               .agent = target->agent,
                               .labels = target->labels,
                               .label_count = target->label_count,
                               .state = target->state,
                               .fault = target->fault,
                               .version = target->applied_version,
                               .applied_count = target->applied_count,
                               .server_version = target->server_version};
}

static bool
view_targets(struct store *store, const struct targets *wish, struct arena *arena,
             struct targets_view *view, struct error *error)
{
    CLEANUP(selector_destroy) struct selector *selector = NULL;
    CLEANUP(listing_release) struct listing targets = {.arena = arena};

    if (!selector_parse(wish->select, &selector, error) ||
        !list(store, RECORD_TARGET, &targets, error)) {
        return false;
    }
    *view = (struct targets_view){.request = wish->request, .offset = wish->offset};
    view->rows = arena_alloc(arena, PAGE_SIZE_MAX * sizeof *view->rows);
    for (size_t i = 0; i < targets.count; i++) {
        const struct target_record *target = &targets.items[i].target;
        struct selectable selectable = {target->name, target->service, target->labels,
                                        target->label_count};
        if (!target->is_gone && target->name && selector_matches(selector, &selectable) &&
            view->total++ >= view->offset && view->row_count < PAGE_SIZE_MAX) {
            view->rows[view->row_count++] = row_of_target(target);
        }
    }
    return true;
}

/* ---- agents, operators ---------------------------------------------------------------------- */

static size_t
count_targets(const struct listing *targets, const char *agent)
{
    size_t count = 0;

    for (size_t i = 0; i < targets->count; i++) {
        const struct target_record *target = &targets->items[i].target;
        count += !target->is_gone && text_equal(target->agent, agent);
    }
    return count;
}

static bool
view_agents(struct store *store, const struct agents *wish, struct arena *arena,
            struct agents_view *view, struct error *error)
{
    CLEANUP(listing_release) struct listing agents = {.arena = arena}, targets = {.arena = arena};

    if (!list(store, RECORD_AGENT, &agents, error) ||
        !list(store, RECORD_TARGET, &targets, error)) {
        return false;
    }
    *view = (struct agents_view){.request = wish->request, .offset = wish->offset};
    view->rows = arena_alloc(arena, PAGE_SIZE_MAX * sizeof *view->rows);
    for (size_t i = 0; i < agents.count; i++) {
        const struct agent_record *agent = &agents.items[i].agent;
        if (agent->is_active && view->total++ >= view->offset && view->row_count < PAGE_SIZE_MAX) {
            view->rows[view->row_count++] =
                (struct agent_row){.name = agent->name,
                                   .key = agent->key,
                                   .target_count = count_targets(&targets, agent->name)};
        }
    }
    return true;
}

static bool
view_operators(struct store *store, const struct operators *wish, struct arena *arena,
               struct operators_view *view, struct error *error)
{
    CLEANUP(listing_release) struct listing operators = {.arena = arena};

    if (!list(store, RECORD_OPERATOR, &operators, error)) {
        return false;
    }
    *view = (struct operators_view){.request = wish->request, .offset = wish->offset};
    view->rows = arena_alloc(arena, PAGE_SIZE_MAX * sizeof *view->rows);
    for (size_t i = 0; i < operators.count; i++) {
        const struct operator_record *person = &operators.items[i].operator;
        if (person->is_active && view->total++ >= view->offset && view->row_count < PAGE_SIZE_MAX) {
            view->rows[view->row_count++] =
                (struct operator_row){person->name, person->key, person->role};
        }
    }
    return true;
}

bool
inspect_view(struct store *store, const struct message *request, struct arena *arena,
             struct message *answer, struct error *error)
{
    memset(answer, 0, sizeof *answer);
    switch (request->type) {
    case MESSAGE_TARGETS:
        answer->type = MESSAGE_TARGETS_VIEW;
        return view_targets(store, &request->targets, arena, &answer->targets_view, error);
    case MESSAGE_AGENTS:
        answer->type = MESSAGE_AGENTS_VIEW;
        return view_agents(store, &request->agents, arena, &answer->agents_view, error);
    default:
        answer->type = MESSAGE_OPERATORS_VIEW;
        return view_operators(store, &request->operators, arena, &answer->operators_view, error);
    }
}
