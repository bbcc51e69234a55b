#include "tests/sim/scenarios.h"

/* ---- runs ---------------------------------------------------------------------------------- */

void
a_run_goes_wave_by_wave(struct scene *scene)
{
    scene_open(scene, 2, 2, 2);
    struct run_spec spec = spec_of(scene);
    spec.waves[0] = (struct share){1, false};
    spec.waves[1] = (struct share){50, true};
    spec.waves[2] = (struct share){100, true};
    spec.wave_count = 3;
    spec.parallel = 1;

    scene_apply(scene, &spec);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 8);
}

void
a_run_without_work_is_done_at_once(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_settle(scene);

    sim_operator_apply(&scene->fleet.operators[0], &spec);
    scene_wait(scene, 5 * SECOND);

    expect_state(scene, RUN_DONE, 2);
}

void
a_spent_budget_halts_a_run(struct scene *scene)
{
    scene_open(scene, 2, 2, 2);
    scene->fleet.databases[0].is_broken[1] = true;
    scene->fleet.databases[1].is_broken[0] = true;
    struct run_spec spec = spec_of(scene);
    spec.parallel = 1;
    spec.budget = (struct share){1, false};

    scene_apply(scene, &spec);
    scene_settle(scene);

    expect_state(scene, RUN_FAILED, 1);
}

void
a_failed_run_is_tried_again(struct scene *scene)
{
    scene_open(scene, 1, 2, 2);
    scene->fleet.databases[0].is_broken[1] = true;
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_settle(scene);
    expect_state(scene, RUN_FAILED, 3);

    scene->fleet.databases[0].is_broken[1] = false;
    scene_steer(scene, STEER_RETRY);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 4);
}

void
a_run_is_tried_again_before_its_steps_are_withdrawn(struct scene *scene)
{
    struct sim_agent *agent = &scene->fleet.agents[0];

    scene_open(scene, 1, 1, 3);
    scene->fleet.databases[0].is_broken[0] = true;
    struct run_spec spec = spec_of(scene);
    spec.parallel = 1;
    scene_apply(scene, &spec);
    scene_until(scene, run_is_halted, "the run does not halt");

    network_cut(&agent->peer, false, true);
    scene->fleet.databases[0].is_broken[0] = false;
    scene_steer(scene, STEER_RETRY);
    network_cut(&agent->peer, false, false);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 3);
}

void
a_rollback_undoes_exactly_what_a_run_did(struct scene *scene)
{
    scene_open(scene, 1, 2, 4);
    struct sim_operator *admin = &scene->fleet.operators[0];
    struct run_spec half = spec_of(scene);
    half.services[0].digest = scene->fleet.repository.services[0].editions[0].digest;
    half.select = "env=test";
    scene_apply(scene, &half);
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 2);
    struct run_spec whole = spec_of(scene);
    struct id run_id = scene_apply(scene, &whole)->run_id;
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 8);

    struct run_spec back = sim_operator_spec(admin);
    back.kind = RUN_DOWN;
    back.undo_run_id = run_id;
    back.service_count = 0;
    scene_apply(scene, &back);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
    scene_expect(scene, scene->fleet.databases[0].contents.applied_count == 2,
                 "what was there before is gone");
}

void
a_failed_run_rolls_itself_back(struct scene *scene)
{
    scene_open(scene, 1, 2, 2);
    scene->fleet.databases[1].is_broken[1] = true;
    struct run_spec spec = spec_of(scene);
    spec.on_failure = ON_FAILURE_ROLLBACK;

    scene_apply(scene, &spec);
    scene_settle(scene);

    scene_expect(scene, scene->fleet.coordinator.disk.runs.count == 2, "there is no rollback");
    expect_state(scene, RUN_DONE, 0);
}

void
a_paused_run_starts_nothing(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    struct run_spec spec = spec_of(scene);
    spec.parallel = 1;
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    scene_steer(scene, STEER_PAUSE);
    scene_wait(scene, 20 * SECOND);
    uint64_t applied = scene_applied(scene);
    scene_wait(scene, 20 * SECOND);
    scene_expect(scene, scene_applied(scene) == applied && applied < 6, "a paused run goes on");

    scene_steer(scene, STEER_RESUME);
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 6);
}

/* The world begins at 15:06:40 UTC. */
void
a_window_that_closes_cuts_off_and_the_next_goes_on(struct scene *scene)
{
    scene_open(scene, 1, 1, 3);
    struct run_spec spec = spec_of(scene);
    spec.window = (struct window){.days = 127, .begin_min = 15 * 60 + 12, .last_min = 15 * 60 + 8};
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    database_stop(&scene->fleet.databases[0]);
    scene_wait(scene, 100 * SECOND);
    database_start(&scene->fleet.databases[0]);
    scene_wait(scene, 90 * SECOND);
    scene_expect(scene, scene_applied(scene) == 0, "something is done outside of the window");
    scene_expect(scene, scene_run(scene)->state == RUN_RUNNING, "the run does not wait");
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 3);
}

void
a_run_waits_for_its_window_in_spite_of_crashes(struct scene *scene)
{
    scene_open(scene, 2, 1, 2);
    struct run_spec spec = spec_of(scene);
    spec.window = (struct window){.days = 127, .begin_min = 15 * 60 + 10, .last_min = 16 * 60};
    scene_apply(scene, &spec);
    scene_wait(scene, 30 * SECOND);
    sim_coordinator_kill(&scene->fleet.coordinator);
    sim_coordinator_start(&scene->fleet.coordinator);
    scene_wait(scene, 60 * SECOND);
    scene_expect(scene, scene_applied(scene) == 0, "something is done outside of the window");
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 4);
}

/* The other goes on meanwhile. */
void
a_target_waits_for_its_own_window_in_spite_of_crashes(struct scene *scene)
{
    scene_open(scene, 2, 1, 2);
    struct run_spec spec = spec_of(scene);
    scene->fleet.databases[1].window =
        (struct window){.days = 127, .begin_min = 15 * 60 + 10, .last_min = 16 * 60};
    sim_agent_kill(&scene->fleet.agents[1]);
    sim_agent_start(&scene->fleet.agents[1]);
    scene_wait(scene, 10 * SECOND);
    scene_apply(scene, &spec);
    scene_wait(scene, 30 * SECOND);
    sim_coordinator_kill(&scene->fleet.coordinator);
    sim_coordinator_start(&scene->fleet.coordinator);
    scene_wait(scene, 60 * SECOND);
    scene_expect(scene, scene_applied(scene) == 2, "the one without a window does not go on alone");
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 4);
}

void
a_cancel_races_a_start(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);

    scene_steer(scene, STEER_CANCEL);
    scene_settle(scene);

    scene_expect(scene, scene_run(scene)->state == RUN_CANCELLED, "the run is not cancelled");
}

/* ---- databases ----------------------------------------------------------------------------- */

void
the_answer_to_a_commit_is_lost(struct scene *scene)
{
    scene_open(scene, 1, 1, 1);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_commits, "nothing is committed");

    scene->fleet.faults.answer_lost = 1000;
    scene_until(scene, something_is_applied, "nothing is applied");
    scene->fleet.faults.answer_lost = 0;
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 1);
}

void
a_database_restarts_in_the_middle_of_a_step(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    database_stop(&scene->fleet.databases[0]);
    scene_wait(scene, 30 * SECOND);
    database_start(&scene->fleet.databases[0]);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
}

void
a_database_is_replaced_in_the_middle_of_a_run(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    database_replace(&scene->fleet.databases[0]);
    scene_wait(scene, 1 * MINUTE);
    scene_expect(scene, scene_run(scene)->state == RUN_RUNNING, "that is for a person to decide");
    scene_expect(scene, scene->fleet.databases[0].contents.applied_count == 0,
                 "what was meant for the former is done in the new one");
    scene_steer(scene, STEER_CANCEL);
    scene_until(scene, run_is_over, "the run cannot be cancelled");
    scene_wait(scene, 1 * MINUTE);
    scene_expect(scene, scene_run(scene)->state == RUN_CANCELLED, "the run is not cancelled");

    scene_apply(scene, &spec);
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 6);
}

void
a_statement_that_fails_now_and_then_is_tried_again(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    scene->fleet.faults.statement_fails = 400;
    struct run_spec spec = spec_of(scene);

    scene_apply(scene, &spec);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
}

void
an_index_is_built_in_spite_of_crashes(struct scene *scene)
{
    struct repository *repository = &scene->fleet.repository;

    scene_open(scene, 1, 1, 1);
    for (size_t e = 0; e < repository->services[0].edition_count; e++) {
        struct script *up = &repository->services[0].editions[e].manifest.migrations[0].up;
        up->is_transactional = false;
        up->statement_count = 1;
    }
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    for (int i = 0; i < 3; i++) {
        scene_until(scene, first_worker_builds, "nothing is built");
        database_kill(&scene->fleet.databases[0], scene->fleet.databases[0].lock_holder);
        scene_wait(scene, 100 * MS);
    }
    scene_until(scene, first_worker_builds, "nothing is built");
    sim_agent_kill(&scene->fleet.agents[0]);
    scene_wait(scene, 1 * SECOND);
    sim_agent_start(&scene->fleet.agents[0]);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 1);
}

/* ---- targets ------------------------------------------------------------------------------- */

void
a_removed_target_comes_back_with_its_agent(struct scene *scene)
{
    struct sim_operator *person = &scene->fleet.operators[0];

    scene_open(scene, 1, 2, 2);
    sim_operator_forget(person, scene->fleet.databases[1].name);
    scene_wait(scene, 1 * SECOND);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 2);

    scene_wait(scene, 2 * MINUTE);
    scene_apply(scene, &spec);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 4);
}
