#include "coordinator/core/apply.h"

#include "common/base/text.h"
#include "coordinator/core/planning.h"
#include "coordinator/core/run.h"
#include "coordinator/core/target.h"

#define NAMED_MAX 3 /* targets named in one sentence */

static void
tell_started(struct core *core, const struct event *event, const struct id *run_id, uint64_t number)
{
    struct message message = {.type = MESSAGE_STARTED};

    message.started = (struct started){event->message->apply.request, *run_id, number};
    core_tell_operator(core, event->route, &message);
}

/* ---- may it be applied? -------------------------------------------------------------------- */

/* "14 targets (auth-eu-1, auth-eu-2 …)": those refused for this, or for anything. */
static const char *
name_refused(struct core *core, const struct planning *planning, const char *code)
{
    const char *names = "";
    size_t count = 0;

    for (size_t i = 0; i < planning->entry_count; i++) {
        const struct fault *fault = entry_fault(&planning->entries[i]);
        if (!fault || (code && !text_equal(fault->code, code))) {
            continue;
        }
        if (count < NAMED_MAX) {
            names =
                core_format(core, "%s%s%s", names, count ? ", " : "", planning->entries[i].name);
        }
        count++;
    }
    return core_format(core, "%zu target%s (%s%s)", count, count == 1 ? "" : "s", names,
                       count > NAMED_MAX ? " …" : "");
}

/* The reason that all refused targets have in common; null when they differ. */
static const struct fault *
common_fault(const struct planning *planning)
{
    const struct fault *common = NULL;

    for (size_t i = 0; i < planning->entry_count; i++) {
        const struct fault *fault = entry_fault(&planning->entries[i]);
        if (fault && common && !text_equal(fault->code, common->code)) {
            return NULL;
        }
        common = common ? common : fault;
    }
    return common;
}

static bool
refuse_refused(struct core *core, const struct planning *planning, struct error *error)
{
    const struct fault *common = common_fault(planning);

    if (!common) {
        error_set(error, "E-PLAN-REFUSED", "%s cannot take part, for different reasons",
                  name_refused(core, planning, NULL));
        return error_hint(error, "skein plan says why; narrow the selection, or go without them: "
                                 "--skip-refused");
    }
    fault_to_error(common, error);
    error_found(error, "%s%son %s", common->found ? common->found : "", common->found ? " " : "",
                name_refused(core, planning, common->code));
    if (!common->hint) {
        error_hint(error, "narrow the selection, or go without them: --skip-refused");
    }
    return false;
}

static bool
check_target(struct core *core, const struct entry *entry, struct error *error)
{
    const struct target *target = target_with_id(core, &entry->target_id);

    if (!target) {
        error_set(error, "E-PLAN-STALE", "%s is no target any more, or another database",
                  entry->name);
        return error_hint(error, "make the plan again");
    }
    if (target->leg) {
        error_set(error, "E-TARGET-BUSY", "run %llu has %s now",
                  (unsigned long long)target->leg->run->number, target->name);
        return error_hint(error, "wait for its end, or cancel it");
    }
    return true;
}

static bool
check_plan(struct core *core, const struct planning *planning, struct error *error)
{
    bool is_nothing_left =
        planning->refused_count && planning->refused_count == planning->entry_count;

    if (!planning->is_ready) {
        error_set(error, "E-PLAN-NOT-READY", "the plan is still being made");
        return error_hint(error, "wait for it");
    }
    if (planning->refused_count && (!planning->spec.skip_refused || is_nothing_left)) {
        return refuse_refused(core, planning, error);
    }
    for (size_t i = 0; i < planning->entry_count; i++) {
        if (planning->entries[i].wave && !check_target(core, &planning->entries[i], error)) {
            return false;
        }
    }
    return true;
}

/* ---- the run that it undoes ----------------------------------------------------------------- */

/*
 * The run that is undone is told so in its record. True when that can be done now; false when the
 * store had to be asked, or it cannot be done (then the code says why).
 */
static bool
need_undone(struct core *core, const struct event *event, const struct planning *planning,
            struct error *error)
{
    struct action question = {.kind = ACTION_NEED_RUN, .id = planning->spec.undo_run_id};
    const struct run *run = run_with_id(core, &planning->spec.undo_run_id);

    error->code[0] = '\0';
    if (!run && core->recalled) {
        return core->recalled->record_count ||
               error_set(error, "E-RUN-UNKNOWN", "the run to be undone is not known any more");
    }
    if (run && !run_has_ended(run)) {
        return error_set(error, "E-RUN-OPEN", "run %llu was begun again",
                         (unsigned long long)run->number);
    }
    return run || (!core_inquire(core, event, &question) &&
                   error_set(error, "E-BUSY", "too many questions are open"));
}

static void
note_undone(struct core *core, const struct planning *planning, uint64_t number)
{
    struct run *run = run_with_id(core, &planning->spec.undo_run_id);

    if (run) {
        run_note_rollback(core, run, number);
    } else {
        struct record record = core->recalled->records[0];
        record.run.rollback_number = number;
        actions_save(core->actions, &record);
    }
}

/* ---- APPLY --------------------------------------------------------------------------------- */

static const char *
describe(struct core *core, const struct planning *planning)
{
    const char *services = "";

    for (size_t i = 0; i < planning->spec.service_count && i < NAMED_MAX; i++) {
        services =
            core_format(core, "%s%s%s", services, i ? "," : "", planning->spec.services[i].service);
    }
    return core_format(core, "%s %s%s: %zu targets, %llu steps, %zu waves",
                       planning->spec.kind == RUN_UP ? "up" : "down", services,
                       planning->spec.service_count > NAMED_MAX ? ",…" : "", planning->leg_count,
                       (unsigned long long)planning->step_count, planning->wave_count);
}

static void
begin(struct core *core, const struct person *person, struct planning *planning)
{
    struct leg_draft *legs = arena_alloc(&core->scratch, (planning->leg_count + 1) * sizeof *legs);
    struct run_draft draft = {.run_id = planning->plan_id,
                              .spec = &planning->spec,
                              .operator_name = person->name,
                              .legs = legs};

    for (size_t i = 0; i < planning->entry_count; i++) {
        const struct entry *entry = &planning->entries[i];
        if (entry->wave) {
            legs[draft.leg_count++] = (struct leg_draft){target_with_id(core, &entry->target_id),
                                                         entry->prospect->itinerary, entry->loads};
        }
    }
    struct run *run = run_create(core, &draft);
    planning->run_number = run->number;
    core_audit(core, person->name, "apply",
               core_format(core, "run %llu", (unsigned long long)run->number), "%s",
               describe(core, planning));
    if (!id_is_none(&planning->spec.undo_run_id)) {
        note_undone(core, planning, run->number);
    }
}

/* The plan is not in memory (any more): perhaps it was applied already. */
static void
take_unknown(struct core *core, const struct event *event)
{
    const struct id *plan_id = &event->message->apply.plan_id;
    const struct run *run = run_with_id(core, plan_id);
    struct action question = {.kind = ACTION_NEED_RUN, .id = *plan_id};
    struct error error;

    if (run) {
        tell_started(core, event, plan_id, run->number);
        return;
    }
    if (core->recalled && core->recalled->record_count) {
        tell_started(core, event, plan_id, core->recalled->records[0].run.number);
        return;
    }
    if (!core->recalled && core_inquire(core, event, &question)) {
        return;
    }
    error_set(&error, "E-PLAN-UNKNOWN", "there is no such plan (any more)");
    error_hint(&error, "make the plan again; nothing was begun");
    core_refuse(core, event->route, &event->message->apply.request, &error);
}

void
apply_take(struct core *core, const struct person *person, const struct event *event)
{
    const struct apply *apply = &event->message->apply;
    struct planning *planning = planning_with_id(core, &apply->plan_id);
    struct error error;

    if (!planning) {
        take_unknown(core, event);
        return;
    }
    if (planning->run_number) {
        tell_started(core, event, &planning->plan_id, planning->run_number);
        return;
    }
    if (!check_plan(core, planning, &error)) {
        core_refuse(core, event->route, &apply->request, &error);
        return;
    }
    if (!id_is_none(&planning->spec.undo_run_id) && !need_undone(core, event, planning, &error)) {
        if (error.code[0]) {
            core_refuse(core, event->route, &apply->request, &error);
        }
        return;
    }
    begin(core, person, planning);
    tell_started(core, event, &planning->plan_id, planning->run_number);
}
