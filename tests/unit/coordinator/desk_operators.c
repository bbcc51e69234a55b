/* What operators ask for at the desk, and what is there to be looked at. */
#include "tests/unit/coordinator/desk.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "tests/support/unit.h"

/* ---- asking for things --------------------------------------------------------------------- */

struct run_spec
desk_spec(struct desk *desk, const char *service, const struct digest *digest)
{
    struct service_bundle *bundle = arena_alloc(&desk->arena, sizeof *bundle);

    *bundle = (struct service_bundle){service, *digest};
    return (struct run_spec){
        .kind = RUN_UP, .services = bundle, .service_count = 1, .parallel = 100};
}

struct id
desk_plan(struct desk *desk, const struct run_spec *spec)
{
    struct message message = {.type = MESSAGE_PLAN};

    message.plan = (struct plan){desk_request(desk), *spec};
    const struct message *answer_message = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(answer_message);
    if (answer_message->type == MESSAGE_REFUSED) {
        fail_msg("%s: %s", answer_message->refused.fault.code, answer_message->refused.fault.text);
    }
    desk_work_for(desk, 10);
    const struct message *planned = desk_last(desk, MESSAGE_PLANNED);
    if (!planned->planned.is_ready) {
        desk_work_for(desk, 8000);
        planned = desk_last(desk, MESSAGE_PLANNED);
    }
    assert_true(planned->planned.is_ready);
    return planned->planned.plan_id;
}

const char *
desk_plan_refused(struct desk *desk, const struct run_spec *spec)
{
    struct message message = {.type = MESSAGE_PLAN};

    message.plan.spec = *spec;
    const struct message *refused = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(refused);
    return refused->type == MESSAGE_REFUSED ? refused->refused.fault.code : "";
}

const struct message *
desk_try_apply(struct desk *desk, const struct id *plan_id)
{
    struct message message = {.type = MESSAGE_APPLY};

    message.apply.plan_id = *plan_id;
    const struct message *started = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(started);
    return started;
}

uint64_t
desk_apply(struct desk *desk, const struct id *plan_id)
{
    const struct message *started = desk_try_apply(desk, plan_id);

    if (started->type != MESSAGE_STARTED) {
        fail_msg("%s: %s", started->refused.fault.code, started->refused.fault.text);
    }
    return started->started.number;
}

uint64_t
desk_run(struct desk *desk, const struct run_spec *spec)
{
    struct id plan_id = desk_plan(desk, spec);
    return desk_apply(desk, &plan_id);
}

const char *
desk_steer(struct desk *desk, const char *run, enum steer_verb verb)
{
    struct message message = {.type = MESSAGE_STEER};

    message.steer.run = run;
    message.steer.verb = verb;
    const struct message *done = desk_ask(desk, DESK_OPERATOR, message);
    assert_non_null(done);
    return done->type == MESSAGE_REFUSED ? done->refused.fault.code : NULL;
}

/* ---- looking ------------------------------------------------------------------------------- */

const struct message *
desk_status(struct desk *desk, const char *run)
{
    struct message message = {.type = MESSAGE_STATUS};

    message.status.run = run;
    return desk_ask(desk, DESK_VIEWER, message);
}

const struct message *
desk_last(const struct desk *desk, enum message_type type)
{
    for (size_t i = desk->said_count; i > 0; i--) {
        if (desk->said[i - 1].message.type == type) {
            return &desk->said[i - 1].message;
        }
    }
    return NULL;
}

size_t
desk_count(const struct desk *desk, enum message_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < desk->said_count; i++) {
        count += desk->said[i].message.type == type;
    }
    return count;
}

void
desk_forget(struct desk *desk)
{
    desk->said_count = desk->said_taken = 0;
    desk->other_count = 0;
    desk->save_count = 0;
    text_clear(&desk->trace);
}

const struct run_record *
desk_stored_run(const struct desk *desk, uint64_t number)
{
    for (size_t i = 0; i < desk->record_count; i++) {
        if (desk->records[i].kind == RECORD_RUN && desk->records[i].run.number == number) {
            return &desk->records[i].run;
        }
    }
    return NULL;
}

const struct leg_record *
desk_stored_leg(const struct desk *desk, uint64_t run, size_t target)
{
    const struct run_record *stored = desk_stored_run(desk, run);

    for (size_t i = 0; stored && i < desk->record_count; i++) {
        const struct leg_record *leg = &desk->records[i].leg;
        if (desk->records[i].kind == RECORD_LEG && id_equal(&leg->run_id, &stored->run_id) &&
            id_equal(&leg->target_id, &desk->targets[target].id)) {
            return leg;
        }
    }
    return NULL;
}

const struct step_record *
desk_stored_step(const struct desk *desk, uint64_t run, size_t target, uint64_t position)
{
    const struct run_record *stored = desk_stored_run(desk, run);

    for (size_t i = 0; stored && i < desk->record_count; i++) {
        const struct step_record *step = &desk->records[i].step;
        if (desk->records[i].kind == RECORD_STEP && id_equal(&step->run_id, &stored->run_id) &&
            id_equal(&step->target_id, &desk->targets[target].id) && step->position == position) {
            return step;
        }
    }
    return NULL;
}

const struct target_record *
desk_stored_target(const struct desk *desk, size_t target)
{
    for (size_t i = 0; i < desk->record_count; i++) {
        if (desk->records[i].kind == RECORD_TARGET &&
            id_equal(&desk->records[i].target.target_id, &desk->targets[target].id)) {
            return &desk->records[i].target;
        }
    }
    return NULL;
}

bool
desk_has_audit(const struct desk *desk, const char *verb, const char *subject)
{
    for (size_t i = 0; i < desk->record_count; i++) {
        const struct audit_record *audit = &desk->records[i].audit;
        if (desk->records[i].kind == RECORD_AUDIT && strcmp(audit->verb, verb) == 0 &&
            (!subject || strcmp(audit->subject, subject) == 0)) {
            return true;
        }
    }
    return false;
}

size_t
desk_stored_steps(const struct desk *desk, uint64_t run, enum step_state state)
{
    const struct run_record *stored = desk_stored_run(desk, run);
    size_t count = 0;

    for (size_t i = 0; stored && i < desk->record_count; i++) {
        count += desk->records[i].kind == RECORD_STEP &&
                 id_equal(&desk->records[i].step.run_id, &stored->run_id) &&
                 desk->records[i].step.state == state;
    }
    return count;
}

bool
desk_has_trace(const struct desk *desk, const char *piece)
{
    return strstr(text_of(&desk->trace), piece) != NULL;
}
