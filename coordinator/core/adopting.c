#include "coordinator/core/adopting.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "proto/shapes.h"
#include "coordinator/core/known_bundle.h"
#include "coordinator/core/run.h"
#include "coordinator/core/selector.h"
#include "coordinator/core/target.h"

#define TELL_MS 1000
#define FIRST_WAIT_MS 20000 /* without any answer */
#define PATIENCE_MS 60000   /* after an answer; each may have waited for a tool's lock */
#define LIMIT_MS 900000     /* in all */
#define LIFE_MS 600000      /* that it can be read */
#define PER_OPERATOR_MAX 4

/* One target of it. */
struct adoption_entry {
    struct id target_id;
    const char *name;
    bool has_answered;
    int64_t asked_ms; /* 0: never */
    struct adopt_result result;
};

struct adopting {
    struct id adopt_id, request;
    struct key operator_key;
    struct route route;
    struct arena arena; /* names and results */
    struct digest digest;
    struct known_bundle *bundle; /* held */
    struct adopt_terms terms;
    struct adoption_entry *entries;
    size_t entry_count, entry_capacity, answered_count, refused_count;
    bool is_ready;
    int64_t begun_ms, deadline_ms, used_ms;
    struct timer timer;
    struct adopting *prev, *next;
};

/* ---- leaving memory ------------------------------------------------------------------------ */

static void
forget(struct core *core, struct adopting *adopting)
{
    DL_DELETE(core->adoptings, adopting);
    timer_clear(&core->timers, &adopting->timer);
    if (adopting->bundle) {
        known_bundle_release(&adopting->bundle);
    }
    arena_release(&adopting->arena);
    free(adopting->entries);
    free(adopting);
}

void
adoptings_release(struct core *core)
{
    while (core->adoptings) {
        forget(core, core->adoptings);
    }
}

/* The one that was used longest ago makes room. */
static void
make_room(struct core *core, const struct key *key)
{
    struct adopting *oldest = NULL, *adopting;
    size_t count = 0;

    DL_FOREACH(core->adoptings, adopting)
    {
        if (memcmp(&adopting->operator_key, key, sizeof *key) == 0) {
            count++;
            oldest = !oldest || adopting->used_ms < oldest->used_ms ? adopting : oldest;
        }
    }
    if (count > PER_OPERATOR_MAX) {
        forget(core, oldest);
    }
}

/* ---- ADOPTION_VIEW ------------------------------------------------------------------------- */

static void
tell(struct core *core, struct adopting *adopting, struct route route, uint64_t offset)
{
    struct adoption_row rows[ADOPTION_PAGE_MAX];
    struct message message = {.type = MESSAGE_ADOPTION_VIEW};
    struct adoption_view *view = &message.adoption_view;

    *view = (struct adoption_view){.request = adopting->request,
                                   .is_ready = adopting->is_ready,
                                   .target_count = adopting->entry_count,
                                   .answered_count = adopting->answered_count,
                                   .refused_count = adopting->refused_count,
                                   .offset = offset,
                                   .rows = rows};
    for (uint64_t i = offset;
         adopting->is_ready && i < adopting->entry_count && view->row_count < ADOPTION_PAGE_MAX;
         i++) {
        rows[view->row_count++] =
            (struct adoption_row){adopting->entries[i].name, adopting->entries[i].result};
    }
    adopting->used_ms = core->now_ms;
    core_tell_operator(core, route, &message);
}

/* ---- asking the targets -------------------------------------------------------------------- */

static void
keep_result(struct adopting *adopting, struct adoption_entry *entry,
            const struct adopt_result *result)
{
    pack_copy(&adopt_result_shape, result, &adopting->arena, &entry->result);
    entry->has_answered = true;
    adopting->answered_count++;
    adopting->refused_count += !result->succeeded;
}

static void
refuse(struct core *core, struct adopting *adopting, struct adoption_entry *entry,
       const struct error *error)
{
    const struct adopt_result result = {.fault = fault_from_error(error, &core->scratch)};

    keep_result(adopting, entry, &result);
}

static void
ask(struct core *core, struct adopting *adopting, struct adoption_entry *entry,
    const struct target *target)
{
    struct message message = {.type = MESSAGE_ADOPT};

    message.adopt = (struct adopt){.session = target->session,
                                   .adopt_id = adopting->adopt_id,
                                   .target_id = entry->target_id,
                                   .digest = adopting->digest,
                                   .terms = adopting->terms};
    message.adopt.token = core->config.token;
    entry->asked_ms = core->now_ms;
    core_tell_agent(core, target->agent, &message);
}

/* Ask a target, or ask it again; or refuse it because it is busy or broken. */
static void
check(struct core *core, struct adopting *adopting, struct adoption_entry *entry)
{
    const struct target *target = target_with_id(core, &entry->target_id);
    struct error error;

    if (entry->has_answered || !target) {
        return;
    }
    if (target->leg) {
        error_set(&error, "E-TARGET-BUSY", "run %llu has it now",
                  (unsigned long long)target->leg->run->number);
        error_hint(&error, "wait for its end, or cancel it");
        refuse(core, adopting, entry, &error);
        return;
    }
    if (target_is_claimed(target) && target->state == TARGET_BROKEN && target->fault) {
        const struct adopt_result result = {.fault = *target->fault};
        keep_result(adopting, entry, &result);
        return;
    }
    bool is_late = core->now_ms - entry->asked_ms >= (int64_t)core->config.resend_ms;
    if (target_is_reachable(target) && (!entry->asked_ms || is_late)) {
        ask(core, adopting, entry, target);
    }
}

/* ---- the end ------------------------------------------------------------------------------- */

static void
finish(struct core *core, struct adopting *adopting)
{
    for (size_t i = 0; i < adopting->entry_count; i++) {
        struct adoption_entry *entry = &adopting->entries[i];
        struct error error;
        if (!entry->has_answered) {
            error_set(&error, "E-TARGET-UNREACHABLE", "%s did not answer",
                      entry->asked_ms ? "its database" : "its agent");
            error_hint(&error, "see `skein agents` and `skein targets`, then say it again: what is"
                               " adopted stays adopted");
            refuse(core, adopting, entry, &error);
        }
    }
    adopting->is_ready = true;
    TRACE(core, "adopted: %zu targets, %zu refused", adopting->entry_count,
          adopting->refused_count);
    core_wake_at(core, &adopting->timer, TIMER_ADOPTING, adopting, core->now_ms + LIFE_MS);
    tell(core, adopting, adopting->route, 0);
}

static void
go_on(struct core *core, struct adopting *adopting)
{
    if (!adopting->is_ready && adopting->answered_count == adopting->entry_count) {
        finish(core, adopting);
    }
}

void
adopting_answered(struct core *core, struct agent *agent, const struct adopted *adopted)
{
    const struct target *target = target_with_id(core, &adopted->target_id);
    struct adopting *adopting;

    DL_FOREACH(core->adoptings, adopting)
    {
        if (id_equal(&adopting->adopt_id, &adopted->adopt_id)) {
            break;
        }
    }
    if (!adopting || adopting->is_ready || !target || target->agent != agent) {
        TRACE(core, "late ADOPTED by %s", agent->name);
        return;
    }
    for (size_t i = 0; i < adopting->entry_count; i++) {
        struct adoption_entry *entry = &adopting->entries[i];
        if (!entry->has_answered && id_equal(&entry->target_id, &adopted->target_id)) {
            keep_result(adopting, entry, &adopted->result);
            int64_t most_ms = adopting->begun_ms + LIMIT_MS;
            int64_t until_ms = core->now_ms + PATIENCE_MS;
            adopting->deadline_ms = until_ms < most_ms ? until_ms : most_ms;
        }
    }
    go_on(core, adopting);
}

void
adopting_tick(struct core *core, struct adopting *adopting)
{
    if (adopting->is_ready) {
        forget(core, adopting);
        known_bundles_sweep(&core->known_bundles, KNOWN_BUNDLES_KEPT);
        return;
    }
    if (core->now_ms >= adopting->deadline_ms) {
        finish(core, adopting);
        return;
    }
    for (size_t i = 0; i < adopting->entry_count; i++) {
        check(core, adopting, &adopting->entries[i]);
    }
    tell(core, adopting, adopting->route, 0);
    core_wake_at(core, &adopting->timer, TIMER_ADOPTING, adopting, core->now_ms + TELL_MS);
    go_on(core, adopting);
}

/* ---- ADOPTION ------------------------------------------------------------------------------ */

static void
add_targets(struct core *core, struct adopting *adopting, const char *service,
            const struct selector *selector)
{
    for (struct target *target = targets_sorted(core); target; target = target->by_name.next) {
        const struct selectable selectable = {target->name, target->service, target->labels,
                                              target->label_count};
        if (!text_equal(target->service, service) || !selector_matches(selector, &selectable)) {
            continue;
        }
        adopting->entries = mem_grow(adopting->entries, adopting->entry_count,
                                     &adopting->entry_capacity, sizeof *adopting->entries);
        adopting->entries[adopting->entry_count++] = (struct adoption_entry){
            .target_id = target->target_id, .name = arena_text(&adopting->arena, target->name)};
    }
}

static bool
check_count(const struct adopting *adopting, const struct adoption_ask *wish, struct error *error)
{
    if (!adopting->entry_count) {
        error_set(error, "E-SEL-EMPTY", "no target is selected");
        error_where(error, "%s", wish->select ? wish->select : wish->service);
        return error_hint(error, "skein targets shows the fleet and its labels");
    }
    if (wish->targets_max && adopting->entry_count > wish->targets_max) {
        error_set(error, "E-SEL-TOO-MANY", "%zu targets are selected", adopting->entry_count);
        error_found(error, "allowed: %llu", (unsigned long long)wish->targets_max);
        return error_hint(error, "narrow the selection, or allow it: --yes-all");
    }
    return true;
}

/* The bundle must be here, for the agents to fetch. */
static bool
check_bundle(struct core *core, const struct event *event, struct known_bundle **bundle,
             bool *is_asked, struct error *error)
{
    const struct adoption_ask *wish = &event->message->adoption;
    const struct action question = {.kind = ACTION_NEED_BUNDLE, .digest = wish->digest};
    char hex[2 * DIGEST_SIZE + 1];

    *bundle = known_bundle_find(core->known_bundles, &wish->digest);
    if (*bundle) {
        return text_equal((*bundle)->service, wish->service) ||
               error_set(error, "E-BUNDLE-SERVICE", "the bundle is of service %s, not of %s",
                         (*bundle)->service, wish->service);
    }
    bool is_answered =
        core->lacking && memcmp(core->lacking, &wish->digest, sizeof wish->digest) == 0;
    *is_asked = !is_answered && core_inquire(core, event, &question);
    if (*is_asked) {
        return false;
    }
    text_hex(&wish->digest, sizeof wish->digest, hex);
    error_set(error, "E-BUNDLE-UNKNOWN", "there is no bundle %.16s…", hex);
    return error_hint(error, "upload it first");
}

static struct adopting *
known(struct core *core, const struct key *key, const struct id *request)
{
    struct adopting *adopting;

    DL_FOREACH(core->adoptings, adopting)
    {
        if (id_equal(&adopting->request, request) &&
            memcmp(&adopting->operator_key, key, sizeof *key) == 0) {
            return adopting;
        }
    }
    return NULL;
}

static void
begin(struct core *core, const struct person *person, const struct adoption_ask *wish,
      struct adopting *adopting)
{
    adopting->begun_ms = core->now_ms;
    adopting->deadline_ms = core->now_ms + FIRST_WAIT_MS;
    for (size_t i = 0; i < adopting->entry_count; i++) {
        check(core, adopting, &adopting->entries[i]);
    }
    TRACE(core, "adopt: %zu targets of %s", adopting->entry_count, wish->service);
    if (!wish->terms.is_dry) {
        core_audit(core, person->name, "adopt", wish->service, "%zu targets",
                   adopting->entry_count);
    }
    core_wake_at(core, &adopting->timer, TIMER_ADOPTING, adopting, core->now_ms + TELL_MS);
    if (adopting->answered_count < adopting->entry_count) {
        tell(core, adopting, adopting->route, 0);
    }
    go_on(core, adopting);
}

void
adopting_ask(struct core *core, const struct person *person, const struct event *event)
{
    const struct adoption_ask *wish = &event->message->adoption;
    struct adopting *adopting = known(core, &person->key, &wish->request);
    CLEANUP(selector_destroy) struct selector *selector = NULL;
    struct known_bundle *bundle = NULL;
    bool is_asked = false;
    struct error error;

    if (adopting) {
        adopting->route = event->route;
        tell(core, adopting, event->route, wish->offset);
        return;
    }
    if (!selector_parse(wish->select, &selector, &error) ||
        !check_bundle(core, event, &bundle, &is_asked, &error)) {
        if (!is_asked) {
            core_refuse(core, event->route, &wish->request, &error);
        }
        return;
    }
    adopting = mem_zalloc(sizeof *adopting);
    adopting->adopt_id = id_draw(&core->random);
    adopting->request = wish->request;
    adopting->operator_key = person->key;
    adopting->route = event->route;
    adopting->used_ms = core->now_ms;
    adopting->digest = wish->digest;
    adopting->terms = wish->terms;
    adopting->bundle = known_bundle_hold(bundle);
    DL_APPEND(core->adoptings, adopting);
    add_targets(core, adopting, wish->service, selector);
    if (!check_count(adopting, wish, &error)) {
        core_refuse(core, event->route, &wish->request, &error);
        forget(core, adopting);
        return;
    }
    make_room(core, &person->key);
    begin(core, person, wish, adopting);
}
