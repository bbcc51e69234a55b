#include "coordinator/core/target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/core/kept_fault.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/party.h"
#include "coordinator/core/planning.h"
#include "coordinator/core/target_claim.h"

struct target *
target_with_id(struct core *core, const struct id *target_id)
{
    struct target *target = NULL;

    if (!id_is_none(target_id)) {
        HASH_FIND(by_id, core->targets_by_id, target_id, sizeof *target_id, target);
    }
    return target;
}

struct target *
target_named(struct core *core, const char *name)
{
    struct target *target;

    HASH_FIND(by_name, core->targets_by_name, name, strlen(name), target);
    return target;
}

bool
target_is_claimed(const struct target *target)
{
    return target && target->agent->state == SESSION_LIVE && !id_is_none(&target->session) &&
           id_equal(&target->session, &target->agent->session);
}

bool
target_is_reachable(const struct target *target)
{
    return target_is_claimed(target) && target->state == TARGET_READY;
}

uint64_t
target_unreachable_ms(const struct core *core, const struct target *target)
{
    if (target_is_claimed(target)) {
        return 0;
    }
    int64_t silent = target->agent->was_heard ? core->now_ms - target->agent->heard_ms : 1;
    return silent > 0 ? (uint64_t)silent : 1;
}

/* ---- in memory ----------------------------------------------------------------------------- */

static void
free_labels(struct target *target)
{
    for (size_t i = 0; i < target->label_count; i++) {
        free((void *)(uintptr_t)target->labels[i].name);
        free((void *)(uintptr_t)target->labels[i].value);
    }
    free(target->labels);
    target->labels = NULL;
    target->label_count = 0;
}

static void
keep_labels(struct target *target, const struct label *labels, size_t count)
{
    free_labels(target);
    target->labels = mem_zalloc((count + 1) * sizeof *labels);
    target->label_count = count;
    for (size_t i = 0; i < count; i++) {
        target->labels[i].name = mem_text(labels[i].name);
        target->labels[i].value = mem_text(labels[i].value);
    }
}

static bool
labels_are(const struct target *target, const struct label *labels, size_t count)
{
    if (target->label_count != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(target->labels[i].name, labels[i].name) ||
            !text_equal(target->labels[i].value, labels[i].value)) {
            return false;
        }
    }
    return true;
}

/* Make *kept equal text; true when it was not. */
static bool
keep_text(char **kept, const char *text)
{
    if (text_equal(*kept, text)) {
        return false;
    }
    free(*kept);
    *kept = mem_text(text);
    return true;
}

static void
give_to(struct target *target, struct agent *agent)
{
    if (target->agent == agent) {
        return;
    }
    if (target->agent) {
        DL_DELETE(target->agent->targets, target);
        target->agent->target_count--;
    }
    target->agent = agent;
    DL_APPEND(agent->targets, target);
    agent->target_count++;
}

static void
index_by_name(struct core *core, struct target *target, const char *name)
{
    if (target->name) {
        HASH_DELETE(by_name, core->targets_by_name, target);
    }
    keep_text(&target->name, name);
    HASH_ADD_KEYPTR(by_name, core->targets_by_name, target->name, strlen(target->name), target);
    core->targets_are_sorted = false;
}

static void
index_by_id(struct core *core, struct target *target, const struct id *target_id)
{
    target->target_id = *target_id;
    if (!id_is_none(target_id)) {
        HASH_ADD(by_id, core->targets_by_id, target_id, sizeof target->target_id, target);
    }
}

static struct target *
target_new(struct core *core, struct agent *agent, const struct id *target_id, const char *name)
{
    struct target *target = mem_zalloc(sizeof *target);

    index_by_id(core, target, target_id);
    index_by_name(core, target, name);
    give_to(target, agent);
    return target;
}

static void
target_free(struct core *core, struct target *target)
{
    assert(!target->leg);
    if (!id_is_none(&target->target_id)) {
        HASH_DELETE(by_id, core->targets_by_id, target);
    }
    HASH_DELETE(by_name, core->targets_by_name, target);
    DL_DELETE(target->agent->targets, target);
    target->agent->target_count--;
    free_labels(target);
    free(target->name);
    free(target->service);
    free(target->fault);
    free(target->applied_version);
    arena_release(&target->window_arena);
    free(target);
}

void
targets_release(struct core *core)
{
    struct target *target, *next;

    HASH_ITER(by_name, core->targets_by_name, target, next)
    {
        target_free(core, target);
    }
}

static int
compare_names(const struct target *a, const struct target *b)
{
    return strcmp(a->name, b->name);
}

struct target *
targets_sorted(struct core *core)
{
    if (!core->targets_are_sorted) {
        HASH_SRT(by_name, core->targets_by_name, compare_names);
        core->targets_are_sorted = true;
    }
    return core->targets_by_name;
}

/* ---- records ------------------------------------------------------------------------------- */

static struct record
record_of(const struct target *target, bool is_gone)
{
    return (struct record){.kind = RECORD_TARGET,
                           .target = {.target_id = target->target_id,
                                      .name = target->name,
                                      .service = target->service,
                                      .agent = target->agent->name,
                                      .labels = target->labels,
                                      .label_count = target->label_count,
                                      .system_identifier = target->system_identifier,
                                      .database_oid = target->database_oid,
                                      .server_version = target->server_version,
                                      .state = target->state,
                                      .fault = fault_of(target->fault),
                                      .applied_count = target->applied_count,
                                      .applied_version = target->applied_version,
                                      .is_gone = is_gone}};
}

void
target_save(struct core *core, const struct target *target)
{
    if (!id_is_none(&target->target_id)) {
        struct record record = record_of(target, false);
        actions_save(core->actions, &record);
    }
}

void
target_load(struct core *core, const struct target_record *record)
{
    struct agent *agent = agent_named(core, record->agent);

    if (record->is_gone || !agent) {
        return;
    }
    struct target *target = target_new(core, agent, &record->target_id, record->name);
    keep_text(&target->service, record->service);
    keep_labels(target, record->labels, record->label_count);
    target->system_identifier = record->system_identifier;
    target->database_oid = record->database_oid;
    target->server_version = record->server_version;
    target->state = record->state;
    fault_replace(&target->fault, &record->fault);
    target->applied_count = record->applied_count;
    keep_text(&target->applied_version, record->applied_version);
}

void
target_advance(struct target *target, const char *version, int change, uint64_t journal_count)
{
    if (journal_count <= target->journal_count) {
        return; /* its agent has reported it already */
    }
    target->journal_count = journal_count;
    keep_text(&target->applied_version, version);
    if (change > 0 || target->applied_count > 0) {
        target->applied_count += (uint64_t)(int64_t)change;
    }
}

/* ---- TARGET -------------------------------------------------------------------------------- */

static void
refuse(struct core *core, struct agent *agent, const struct target_report *report,
       const struct error *error)
{
    struct message message = {.type = MESSAGE_TARGET_REFUSED};

    message.target_refused = (struct target_refused){
        .session = agent->session,
        .name = report->name,
        .fault = fault_from_error(error, &core->scratch),
    };
    TRACE(core, "target refused %s of %s: %s", report->name, agent->name, error->code);
    core_alarm(core, agent, "target refused", report->name, error);
    core_tell_agent(core, agent, &message);
}

/* It is only history from now on. */
static void
write_off(struct core *core, struct target *target)
{
    if (!id_is_none(&target->target_id)) {
        struct record record = record_of(target, true);
        actions_save(core->actions, &record);
    }
    target_free(core, target);
}

/* The database behind a name was replaced by another. */
static void
retire(struct core *core, struct target *target)
{
    if (!id_is_none(&target->target_id)) {
        core_audit(core, target->agent->name, "target replaced", target->name,
                   "another database has taken its name");
    }
    write_off(core, target);
}

/* The target that the report is about, found or made. */
static struct target *
target_for(struct core *core, struct agent *agent, const struct target_report *report,
           struct target *known, struct target *namesake)
{
    if (!known && namesake && id_is_none(&namesake->target_id)) {
        index_by_id(core, namesake, &report->target_id);
        return namesake;
    }
    if (namesake && namesake != known) {
        retire(core, namesake);
    }
    return known ? known : target_new(core, agent, &report->target_id, report->name);
}

static struct fault
fault_of_report(struct core *core, const struct target_report *report)
{
    struct error error;

    if (report->state == TARGET_READY && report->in_recovery) {
        error_set(&error, "E-DB-STANDBY", "the server is a standby: it is read only");
        error_hint(&error, "point the agent at the primary");
        return fault_from_error(&error, &core->scratch);
    }
    return report->fault;
}

/* A report that was made before what is known by now says nothing about what is applied. */
static bool
update_applied(struct target *target, const struct target_report *report)
{
    if (report->journal_count < target->journal_count) {
        return false;
    }
    bool is_changed = target->applied_count != report->applied_count;
    target->journal_count = report->journal_count;
    target->applied_count = report->applied_count;
    return keep_text(&target->applied_version, report->applied_version) || is_changed;
}

/* The server was failed over, and what it had last is not there: what is there now is the truth. */
static void
note_timeline(struct core *core, struct target *target, const struct target_report *report)
{
    struct error error;

    if (target->timeline && report->timeline > target->timeline &&
        report->journal_count < target->journal_count) {
        error_set(&error, "E-DB-LOST-HISTORY", "a failover has lost commits that were known");
        core_alarm(core, target->agent, "history lost", target->name, &error);
        target->journal_count = 0;
    }
    target->timeline = report->timeline;
}

static bool
update_server(struct target *target, const struct target_report *report)
{
    bool is_changed = target->system_identifier != report->system_identifier ||
                      target->database_oid != report->database_oid ||
                      target->server_version != report->server_version;

    target->system_identifier = report->system_identifier;
    target->database_oid = report->database_oid;
    target->server_version = report->server_version;
    return is_changed;
}

/* Somebody has written to it beside us: that is for more eyes than those that look at the target.
 */
static void
note_tampering(struct core *core, const struct target *target, const struct fault *fault)
{
    struct error error;

    if (text_equal(fault->code, "E-HIST-TAMPERED")) {
        fault_to_error(fault, &error);
        core_alarm(core, target->agent, "history changed", target->name, &error);
    }
}

static void
keep_window(struct target *target, const struct window *window)
{
    if (!pack_equal(&window_shape, &target->window, window)) {
        arena_clear(&target->window_arena);
        pack_copy(&window_shape, window, &target->window_arena, &target->window);
    }
}

/* Take over what the report says; true when something that is kept has changed. */
static bool
update(struct core *core, struct target *target, const struct target_report *report)
{
    bool is_ready = report->state == TARGET_READY && !report->in_recovery;
    struct fault fault = is_ready ? (struct fault){0} : fault_of_report(core, report);
    bool is_changed = keep_text(&target->service, report->service);

    if (!text_equal(target->name, report->name)) {
        index_by_name(core, target, report->name);
        is_changed = true;
    }
    if (!labels_are(target, report->labels, report->label_count)) {
        keep_labels(target, report->labels, report->label_count);
        is_changed = true;
    }
    keep_window(target, &report->window);
    if (target->state != (is_ready ? TARGET_READY : TARGET_BROKEN) ||
        !fault_is_same(target->fault, &fault)) {
        target->state = is_ready ? TARGET_READY : TARGET_BROKEN;
        fault_replace(&target->fault, &fault);
        note_tampering(core, target, &fault);
        is_changed = true;
    }
    if (report->state == TARGET_READY) {
        is_changed |= update_server(target, report);
        note_timeline(core, target, report);
        is_changed |= update_applied(target, report);
    }
    return is_changed;
}

/* A run has the database that was there before: it is out of reach, and that is for a person. */
static void
note_replaced(struct core *core, struct target *target)
{
    target->is_replaced = true;
    target_lost(core, target);
    leg_target_replaced(core, target->leg);
}

void
target_report(struct core *core, struct agent *agent, const struct target_report *report)
{
    struct target *namesake = target_named(core, report->name);
    struct target *known = id_is_none(&report->target_id)
                               ? namesake /* it could not be asked for its id: go by the name */
                               : target_with_id(core, &report->target_id);
    struct error error;

    if (!target_claim_check(core, known, namesake, agent, report, &error)) {
        if (known && known->agent == agent) {
            target_lost(core, known);
        }
        if (error_is(&error, "E-TARGET-BUSY")) {
            note_replaced(core, namesake);
        }
        refuse(core, agent, report, &error);
        return;
    }
    struct target *target = target_for(core, agent, report, known, namesake);
    bool is_new = !target->service, is_moved = target->agent != agent;
    bool was_claimed = target_is_claimed(target) && !is_moved;

    if (is_moved) {
        core_audit(core, agent->name, "target moved", report->name, "from agent %s",
                   target->agent->name);
        give_to(target, agent);
    }
    target->session = agent->session;
    target->is_replaced = false;
    if (update(core, target, report) || is_new || is_moved) {
        TRACE(core, "target %s of %s %s", target->name, agent->name,
              target->state == TARGET_READY ? "ready" : "broken");
        target_save(core, target);
    }
    if (target->leg) {
        leg_target_reported(core, target->leg, !was_claimed);
    }
    planning_target_reported(core, target);
}

bool
target_forget(struct core *core, const struct person *person, const struct forget *forget,
              const char **text, struct error *error)
{
    struct target *target = target_named(core, forget->target);

    if (!target) {
        error_set(error, "E-TARGET-UNKNOWN", "there is no target %.128s", forget->target);
        return error_hint(error, "skein targets lists them");
    }
    if (target->leg) {
        error_set(error, "E-TARGET-BUSY", "run %llu has %s now",
                  (unsigned long long)target->leg->run->number, target->name);
        return error_hint(error, "wait for its end, or cancel it");
    }
    *text = target->agent->is_active
                ? core_format(core,
                              "target %s is removed; if agent %s still serves it, it comes back "
                              "at that agent's next report, within ten minutes",
                              target->name, target->agent->name)
                : core_format(core, "target %s is removed", target->name);
    core_audit(core, person->name, "target removed", target->name, "last served by agent %s",
               target->agent->name);
    TRACE(core, "target %s removed", target->name);
    write_off(core, target);
    return true;
}

void
target_lost(struct core *core, struct target *target)
{
    target->session = (struct id){0};
    if (target->leg) {
        leg_target_lost(core, target->leg);
    }
}
