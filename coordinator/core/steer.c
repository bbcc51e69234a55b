#include "coordinator/core/steer.h"

#include "common/base/text.h"
#include "coordinator/core/leg.h"
#include "coordinator/core/run.h"

static bool
refuse_ended(const struct run *run, const char *code, const char *what, struct error *error)
{
    error_set(error, code, "run %llu is %s: %s", (unsigned long long)run->number,
              run_state_name(run->state), what);
    return false;
}

static bool
refuse_state(const struct run *run, const char *hint, struct error *error)
{
    error_set(error, "E-RUN-STATE", "run %llu is %s", (unsigned long long)run->number,
              run_state_name(run->state));
    return error_hint(error, "%s", hint);
}

static bool
say(struct core *core, const struct run *run, const char *what, const char **text)
{
    *text = core_format(core, "run %llu %s", (unsigned long long)run->number, what);
    return true;
}

static bool
pause_run(struct core *core, struct run *run, const char *actor, const char **text,
          struct error *error)
{
    if (run_has_ended(run)) {
        return refuse_ended(run, "E-RUN-FINISHED", "it cannot be paused", error);
    }
    if (run->state == RUN_PAUSED) {
        return say(core, run, "is paused already", text);
    }
    if (!run_move(core, run, RUN_PAUSE, actor, NULL)) {
        return refuse_state(run, "it stops by itself", error);
    }
    for (size_t i = 0; i < run->leg_count; i++) {
        leg_withdraw(core, &run->legs[i]);
    }
    return say(core, run, "is paused; what runs comes to its end", text);
}

static bool
resume_run(struct core *core, struct run *run, const char *actor, const char **text,
           struct error *error)
{
    if (run_has_ended(run)) {
        return refuse_ended(run, "E-RUN-FINISHED", "it cannot be resumed", error);
    }
    if (run->state == RUN_RUNNING) {
        return say(core, run, "is running", text);
    }
    if (!run_move(core, run, RUN_RESUME, actor, NULL)) {
        return refuse_state(run, "skein retry tries again what has failed", error);
    }
    for (size_t i = 0; i < run->leg_count; i++) {
        leg_settle(core, &run->legs[i]);
    }
    return say(core, run, "goes on", text);
}

static bool
cancel_run(struct core *core, struct run *run, const char *actor, const char **text,
           struct error *error)
{
    if (run_has_ended(run)) {
        return refuse_ended(run, "E-STEP-STATE", "nothing of it is left to be cancelled", error);
    }
    if (!run_move(core, run, RUN_CANCEL, actor, NULL)) {
        return say(core, run, "is being cancelled already", text);
    }
    run_stop_legs(core, run);
    return say(core, run, "is being cancelled", text);
}

static bool
check_retry(struct run *run, struct error *error)
{
    size_t over = run->in_state[LEG_FAILED] + run->in_state[LEG_CANCELLED];

    if (run->state == RUN_CANCELLING) {
        return refuse_state(run, "wait for its end", error);
    }
    if (run->rollback_number) {
        error_set(error, "E-STEP-STATE", "run %llu was rolled back by run %llu",
                  (unsigned long long)run->number, (unsigned long long)run->rollback_number);
        return error_hint(error, "apply the migrations again instead");
    }
    if (!over) {
        error_set(error, "E-STEP-STATE", "nothing of run %llu has failed",
                  (unsigned long long)run->number);
        if (!run_has_ended(run)) {
            error_hint(error, "what is still on its way is waited for; see `skein log`");
        }
        return false;
    }
    return true;
}

static bool
retry_run(struct core *core, struct run *run, const char *actor, const char **text,
          struct error *error)
{
    size_t count = 0;

    if (!check_retry(run, error)) {
        return false;
    }
    if (run_has_ended(run) && !run_claim_targets(core, run, error)) {
        return false;
    }
    timer_clear(&core->timers, &run->timer);
    for (size_t i = 0; i < run->leg_count; i++) {
        count += leg_retry(core, &run->legs[i]);
    }
    if (!run_move(core, run, RUN_RETRY, actor, NULL)) {
        core_audit(core, actor, "retry",
                   core_format(core, "run %llu", (unsigned long long)run->number), "%zu targets",
                   count);
        run_save(core, run);
    }
    run_rewind(core, run);
    return say(core, run,
               core_format(core, "tries %zu target%s again", count, count == 1 ? "" : "s"), text);
}

/* ---- all runs at once ---------------------------------------------------------------------- */

static const char *
steer_all(struct core *core, const struct person *person, bool is_pause)
{
    size_t count = 0;

    for (struct run *run = core->runs_by_id; run; run = run->by_id.next) {
        const char *text;
        struct error error;
        enum run_state wanted = is_pause ? RUN_RUNNING : RUN_PAUSED;
        if (run->state == wanted) {
            count += is_pause ? pause_run(core, run, person->name, &text, &error)
                              : resume_run(core, run, person->name, &text, &error);
        }
    }
    return core_format(core, "%zu run%s %s", count, count == 1 ? "" : "s",
                       is_pause ? "paused" : "resumed");
}

/* ---- which run ----------------------------------------------------------------------------- */

static struct run *
restore(struct core *core, const struct event *recalled)
{
    struct run *run = run_load(core, &recalled->records[0].run);

    for (size_t i = 1; i < recalled->record_count; i++) {
        core_load(core, &recalled->records[i]);
    }
    run_loaded(core, run);
    return run;
}

/* The run that is meant, from memory or from the store. */
static enum steer_answer
find_run(struct core *core, const struct event *event, struct run **run_p, struct error *error)
{
    const char *name = event->message->steer.run;
    struct action question = {.kind = ACTION_NEED_RUN};
    const struct event *recalled = core->recalled;

    if (!run_is_named(core, name, &question.id, &question.number)) {
        error_set(error, "E-RUN-UNKNOWN", "\"%.64s\" is no run", name ? name : "");
        error_hint(error, "a number, an id, or last; skein runs lists them");
        return STEER_REFUSED;
    }
    *run_p = id_is_none(&question.id) ? run_numbered(core, question.number)
                                      : run_with_id(core, &question.id);
    if (!*run_p && recalled && recalled->record_count) {
        const struct id *run_id = &recalled->records[0].run.run_id;
        *run_p = run_with_id(core, run_id) ? run_with_id(core, run_id) : restore(core, recalled);
    }
    if (*run_p) {
        return STEER_ANSWERED;
    }
    if (!recalled && core_inquire(core, event, &question)) {
        return STEER_ASKED;
    }
    error_set(error, "E-RUN-UNKNOWN", "there is no run %.64s", name ? name : "");
    error_hint(error, "skein runs lists them");
    return STEER_REFUSED;
}

static bool
steer_one(struct core *core, const struct person *person, enum steer_verb verb, struct run *run,
          const char **text, struct error *error)
{
    switch (verb) {
    case STEER_PAUSE:
        return pause_run(core, run, person->name, text, error);
    case STEER_RESUME:
        return resume_run(core, run, person->name, text, error);
    case STEER_CANCEL:
        return cancel_run(core, run, person->name, text, error);
    default:
        return retry_run(core, run, person->name, text, error);
    }
}

enum steer_answer
steer_take(struct core *core, const struct person *person, const struct event *event,
           const char **text, struct error *error)
{
    enum steer_verb verb = event->message->steer.verb;
    struct run *run = NULL;

    if (verb == STEER_PAUSE_ALL || verb == STEER_RESUME_ALL) {
        *text = steer_all(core, person, verb == STEER_PAUSE_ALL);
        return STEER_ANSWERED;
    }
    enum steer_answer answer = find_run(core, event, &run, error);
    if (answer != STEER_ANSWERED) {
        return answer;
    }
    return steer_one(core, person, verb, run, text, error) ? STEER_ANSWERED : STEER_REFUSED;
}
