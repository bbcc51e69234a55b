/*
 * plan_scene: a fleet and what is wanted of it, for tests of planning and of applying plans.
 */
#ifndef TESTS_UNIT_COORDINATOR_PLAN_SCENE_H
#define TESTS_UNIT_COORDINATOR_PLAN_SCENE_H

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"
#include "tests/unit/coordinator/desk.h"

/* A desk with so many targets of "auth" on two agents, a bundle of five, and a spec for it. */
struct scene {
    struct desk *desk;
    struct digest digest;
    struct run_spec spec;
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
    return scene;
}

static inline void
scene_release(struct scene *scene)
{
    desk_destroy(&scene->desk);
}

static inline const struct planned *
planned(const struct desk *desk)
{
    return &desk_last(desk, MESSAGE_PLANNED)->planned;
}

static inline void
apply_versions(struct desk_target *target, size_t count)
{
    static const char *const versions[] = {"1", "2", "3", "4", "5"};

    for (size_t i = 0; i < count; i++) {
        target->applied[i] = (struct applied){versions[i], {(uint8_t)(i + 1)}};
    }
    target->applied_count = count;
}

#endif
