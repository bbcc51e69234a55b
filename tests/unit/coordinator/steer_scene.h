/*
 * steer_scene: a run that is planned and not applied, for tests of what operators do with runs.
 */
#ifndef TESTS_UNIT_COORDINATOR_STEER_SCENE_H
#define TESTS_UNIT_COORDINATOR_STEER_SCENE_H

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/* Targets of "auth", a bundle of five migrations, a run that is planned and not applied. */
struct scene {
    struct desk *desk;
    struct run_spec spec;
    struct digest digest;
    struct id plan_id;
};

static inline struct scene
scene_make(size_t target_count)
{
    struct scene scene = {.desk = desk_new(2)};

    scene.digest = desk_add_bundle(scene.desk, "auth", 5);
    for (size_t i = 0; i < target_count; i++) {
        desk_add_target(scene.desk, i % 2, "auth");
    }
    desk_connect_all(scene.desk);
    scene.spec = desk_spec(scene.desk, "auth", &scene.digest);
    scene.plan_id = desk_plan(scene.desk, &scene.spec);
    desk_forget(scene.desk);
    return scene;
}

static inline void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static inline enum run_state
state_of(const struct scene *scene, uint64_t number)
{
    return desk_stored_run(scene->desk, number)->state;
}

/* Its first step runs, those behind it wait at the agent. */
static inline void
begin_first_step(struct scene *scene, size_t target)
{
    struct message message = {.type = MESSAGE_STATE};

    message.state = (struct state){.step_id = desk_stored_step(scene->desk, 1, target, 0)->step_id,
                                   .attempt = desk_stored_step(scene->desk, 1, target, 0)->attempt,
                                   .report = STEP_REPORT_RUNNING};
    desk_hear(scene->desk, scene->desk->targets[target].agent, message);
}

static inline void
tell_state(struct scene *scene, size_t target, uint64_t position, enum step_report report)
{
    struct message message = {.type = MESSAGE_STATE};

    message.state =
        (struct state){.step_id = desk_stored_step(scene->desk, 1, target, position)->step_id,
                       .attempt = desk_stored_step(scene->desk, 1, target, position)->attempt,
                       .report = report};
    desk_hear(scene->desk, scene->desk->targets[target].agent, message);
}

static inline void
end_first_step(struct scene *scene, size_t target, enum outcome_kind kind)
{
    struct message message = {.type = MESSAGE_RESULT};
    const struct step_record *step = desk_stored_step(scene->desk, 1, target, 0);

    message.result = (struct result){.step_id = step->step_id,
                                     .target_id = step->target_id,
                                     .attempt = step->attempt,
                                     .outcome = {.kind = kind}};
    desk_hear(scene->desk, scene->desk->targets[target].agent, message);
}

#endif
