/*
 * step_scene: one run on one target whose agent the test plays by hand.
 */
#ifndef TESTS_UNIT_COORDINATOR_STEP_SCENE_H
#define TESTS_UNIT_COORDINATOR_STEP_SCENE_H

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "coordinator/core/step.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/* One target whose agent the test plays by hand, and a run of three migrations on it. */
struct scene {
    struct desk *desk;
};

static inline struct scene
scene_make(void)
{
    struct scene scene = {.desk = desk_new(2)};
    struct digest digest = desk_add_bundle(scene.desk, "auth", 3);

    desk_add_target(scene.desk, 0, "auth");
    desk_connect_all(scene.desk);
    struct run_spec spec = desk_spec(scene.desk, "auth", &digest);
    spec.lock_timeout_ms = 500;
    struct id plan_id = desk_plan(scene.desk, &spec);
    desk_forget(scene.desk);
    desk_apply(scene.desk, &plan_id);
    return scene;
}

static inline void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static inline const struct step_record *
step(const struct scene *scene, uint64_t position)
{
    return desk_stored_step(scene->desk, 1, 0, position);
}

static inline struct message
state_of(const struct scene *scene, uint64_t position, enum step_report report)
{
    struct message message = {.type = MESSAGE_STATE};

    message.state = (struct state){.step_id = step(scene, position)->step_id,
                                   .attempt = step(scene, position)->attempt,
                                   .report = report};
    return message;
}

static inline void
tell_state(struct scene *scene, uint64_t position, enum step_report report)
{
    desk_hear(scene->desk, 0, state_of(scene, position, report));
}

static inline struct message
result_of(const struct scene *scene, uint64_t position, enum outcome_kind kind)
{
    struct message message = {.type = MESSAGE_RESULT};

    message.result = (struct result){.step_id = step(scene, position)->step_id,
                                     .target_id = step(scene, position)->target_id,
                                     .attempt = step(scene, position)->attempt,
                                     .outcome = {.kind = kind}};
    if (kind == OUTCOME_FAILED) {
        message.result.outcome.fault = (struct fault){.code = "E-SQL", .text = "it fails"};
    }
    return message;
}

static inline void
tell_result(struct scene *scene, uint64_t position, enum outcome_kind kind)
{
    desk_hear(scene->desk, 0, result_of(scene, position, kind));
}

/* The messages of a type about the step at a position. */
static inline size_t
count_about(const struct scene *scene, enum message_type type, uint64_t position)
{
    size_t count = 0;

    for (size_t i = 0; i < scene->desk->said_count; i++) {
        const struct message *message = &scene->desk->said[i].message;
        const struct id *step_id = type == MESSAGE_ASSIGN       ? &message->assign.step_id
                                   : type == MESSAGE_QUERY      ? &message->query.step_id
                                   : type == MESSAGE_RESULT_ACK ? &message->result_ack.step_id
                                                                : &message->cancel.step_id;
        count += message->type == type && id_equal(step_id, &step(scene, position)->step_id);
    }
    return count;
}

#endif
