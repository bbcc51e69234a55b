#include "tests/sim/scenarios.h"

/* ---- what stories wait for ----------------------------------------------------------------- */

const struct worker *
first_worker(const struct scene *scene)
{
    return &scene->fleet.agents[0].workers[0];
}

bool
first_worker_runs_a_statement(const struct scene *scene)
{
    return first_worker(scene)->phase == PHASE_STATEMENT;
}

bool
first_worker_commits(const struct scene *scene)
{
    return first_worker(scene)->phase == PHASE_COMMIT;
}

bool
first_worker_builds(const struct scene *scene)
{
    return first_worker(scene)->phase == PHASE_BUILD;
}

bool
something_is_applied(const struct scene *scene)
{
    return scene_applied(scene) > 0;
}

bool
coordinator_is_down(const struct scene *scene)
{
    return !scene->fleet.coordinator.is_up;
}

bool
coordinator_is_up(const struct scene *scene)
{
    return scene->fleet.coordinator.is_up;
}

bool
run_is_halted(const struct scene *scene)
{
    return scene_run(scene)->state == RUN_HALTED;
}

bool
run_is_over(const struct scene *scene)
{
    return scene_run(scene)->state > RUN_CANCELLING;
}

void
expect_state(struct scene *scene, enum run_state state, uint64_t applied)
{
    scene_expect(scene, scene_run(scene)->state == state, "the run has come to another end");
    scene_expect(scene, scene_applied(scene) == applied, "other migrations are applied");
}

struct run_spec
spec_of(struct scene *scene)
{
    return sim_operator_spec(&scene->fleet.operators[0]);
}

#define SCENARIO_ROW(story) {#story, story},
const struct scenario scenarios[] = {SCENARIO_TABLE(SCENARIO_ROW)};
#undef SCENARIO_ROW

const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
