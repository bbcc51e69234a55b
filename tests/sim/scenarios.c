#include "tests/sim/scenario.h"

#include <stdio.h>
#include <string.h>

/* ---- what stories wait for ----------------------------------------------------------------- */

static const struct worker *
first_worker(const struct scene *scene)
{
    return &scene->fleet.agents[0].workers[0];
}

static bool
first_worker_runs_a_statement(const struct scene *scene)
{
    return first_worker(scene)->phase == PHASE_STATEMENT;
}

static bool
first_worker_commits(const struct scene *scene)
{
    return first_worker(scene)->phase == PHASE_COMMIT;
}

static bool
first_worker_builds(const struct scene *scene)
{
    return first_worker(scene)->phase == PHASE_BUILD;
}

static bool
something_is_applied(const struct scene *scene)
{
    return scene_applied(scene) > 0;
}

static bool
coordinator_is_down(const struct scene *scene)
{
    return !scene->fleet.coordinator.is_up;
}

static bool
coordinator_is_up(const struct scene *scene)
{
    return scene->fleet.coordinator.is_up;
}

static bool
run_is_halted(const struct scene *scene)
{
    return scene_run(scene)->state == RUN_HALTED;
}

static bool
run_is_over(const struct scene *scene)
{
    return scene_run(scene)->state > RUN_CANCELLING;
}

static void
expect_state(struct scene *scene, enum run_state state, uint64_t applied)
{
    scene_expect(scene, scene_run(scene)->state == state, "the run has come to another end");
    scene_expect(scene, scene_applied(scene) == applied, "other migrations are applied");
}

static struct run_spec
spec_of(struct scene *scene)
{
    return sim_operator_spec(&scene->fleet.operators[0]);
}

/* ---- runs ---------------------------------------------------------------------------------- */

static void
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

static void
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

static void
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

static void
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

static void
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

static void
a_rollback_undoes_exactly_what_a_run_did(struct scene *scene)
{
    scene_open(scene, 1, 2, 4);
    struct sim_operator *admin = &scene->fleet.operators[0];
    struct run_spec half = spec_of(scene);
    half.services[0].digest = scene->fleet.library.services[0].editions[0].digest;
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

static void
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

static void
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

static void
a_cancel_races_a_start(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);

    scene_steer(scene, STEER_CANCEL);
    scene_settle(scene);

    scene_expect(scene, scene_run(scene)->state == RUN_CANCELLED, "the run is not cancelled");
}

/* ---- agents -------------------------------------------------------------------------------- */

static void
an_agent_dies_in_the_middle_of_a_commit(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_commits, "nothing is committed");

    sim_agent_kill(&scene->fleet.agents[0]);
    scene_wait(scene, 1 * SECOND);
    sim_agent_start(&scene->fleet.agents[0]);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
}

static void
an_agent_dies_in_the_middle_of_a_statement(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    sim_agent_kill(&scene->fleet.agents[0]);
    scene_wait(scene, 1 * SECOND);
    sim_agent_start(&scene->fleet.agents[0]);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
}

static void
an_agent_that_lost_its_lease_drops_what_waits(struct scene *scene)
{
    scene_open(scene, 1, 1, 3);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    network_cut(&scene->fleet.agents[0].peer, true, true);
    scene->fleet.faults.statement_is_slow = 1000;
    scene_wait(scene, 60 * SECOND);
    scene_expect(scene, scene_applied(scene) < 3, "it went on without a lease");
    scene->fleet.faults.statement_is_slow = 0;
    network_cut(&scene->fleet.agents[0].peer, false, false);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 3);
}

static void
a_silent_agent_has_not_failed(struct scene *scene)
{
    scene_open(scene, 2, 1, 2);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    sim_agent_kill(&scene->fleet.agents[0]);
    scene_wait(scene, 5 * MINUTE);
    scene_expect(scene, scene_run(scene)->state == RUN_RUNNING, "silence was taken for a verdict");
    sim_agent_start(&scene->fleet.agents[0]);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 4);
}

static void
an_agent_leaves_in_the_middle_of_a_run(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    sim_agent_leave(&scene->fleet.agents[0]);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 6);
}

static void
two_agents_claim_one_target(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    struct sim_agent *twin = fleet_add_twin(&scene->fleet, &scene->fleet.agents[0], false);
    scene_wait(scene, 2 * SECOND);
    sim_agent_start(twin);
    scene_wait(scene, 5 * SECOND);

    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 2);

    sim_agent_kill(twin);
}

static void
another_agent_takes_over_in_the_middle_of_a_run(struct scene *scene)
{
    scene_open(scene, 1, 1, 3);
    struct sim_agent *twin = fleet_add_twin(&scene->fleet, &scene->fleet.agents[0], false);
    scene_wait(scene, 2 * SECOND);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");

    sim_agent_kill(&scene->fleet.agents[0]);
    sim_agent_start(twin);
    scene_until(scene, run_is_over, "the twin does not take over");

    expect_state(scene, RUN_DONE, 3);
    sim_agent_kill(twin);
}

/* ---- the coordinator ----------------------------------------------------------------------- */

static void
kill_coordinator_at(struct scene *scene, unsigned *fault)
{
    scene_open(scene, 1, 2, 2);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, something_is_applied, "nothing is applied");

    *fault = 1000;
    scene_until(scene, coordinator_is_down, "the coordinator lives on");
    *fault = 0;
    scene_until(scene, coordinator_is_up, "the coordinator stays down");
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 4);
}

static void
the_coordinator_dies_before_it_saves(struct scene *scene)
{
    kill_coordinator_at(scene, &scene->fleet.faults.dies_before_save);
}

static void
the_coordinator_dies_after_it_has_saved(struct scene *scene)
{
    kill_coordinator_at(scene, &scene->fleet.faults.dies_after_save);
}

static void
the_coordinator_dies_while_it_sends(struct scene *scene)
{
    kill_coordinator_at(scene, &scene->fleet.faults.dies_while_sending);
}

/*
 * An agent sleeps in the middle of a step. Meanwhile the coordinator's store is lost and restored
 * without its run, another agent serves the target, and the migration is applied and undone. What
 * the first one wakes up with is an order of a leader that is no more.
 */
static void
an_order_of_an_earlier_leader_is_fenced(struct scene *scene)
{
    scene_open(scene, 1, 1, 1);
    struct sim_agent *agent = &scene->fleet.agents[0];
    struct sim_agent *twin = fleet_add_twin(&scene->fleet, agent, false);
    scene_wait(scene, 2 * SECOND);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_runs_a_statement, "nothing runs");
    sim_agent_pause(agent, 3 * MINUTE);
    database_stop(&scene->fleet.databases[0]);
    database_start(&scene->fleet.databases[0]);
    sim_coordinator_kill(&scene->fleet.coordinator);
    disk_forget_runs(&scene->fleet.coordinator.disk);
    sim_coordinator_start(&scene->fleet.coordinator);
    sim_agent_start(twin);
    scene_wait(scene, 1 * MINUTE);

    spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, run_is_over, "the twin does not do it");
    spec.kind = RUN_DOWN;
    spec.to_version = "0";
    scene_apply(scene, &spec);
    scene_until(scene, run_is_over, "the twin does not undo it");
    scene_wait(scene, 3 * MINUTE);

    expect_state(scene, RUN_DONE, 0);
    sim_agent_kill(twin);
}

static void
everything_dies_at_once(struct scene *scene)
{
    scene_open(scene, 2, 1, 3);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_until(scene, first_worker_commits, "nothing is committed");

    for (size_t i = 0; i < scene->fleet.database_count; i++) {
        database_stop(&scene->fleet.databases[i]);
        database_start(&scene->fleet.databases[i]);
    }
    fleet_restart_all(&scene->fleet);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 6);
}

/* ---- the network --------------------------------------------------------------------------- */

static void
every_message_comes_twice(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    scene->fleet.faults.doubled = 1000;
    scene->fleet.faults.delayed = 300;
    scene->fleet.faults.overtaken = 300;
    struct run_spec spec = spec_of(scene);

    scene_apply(scene, &spec);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 6);
}

static void
every_third_message_is_lost(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    scene->fleet.faults.lost = 333;
    struct run_spec spec = spec_of(scene);

    scene_apply(scene, &spec);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 6);
}

static void
a_message_of_a_session_that_is_over_starts_nothing(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    scene->fleet.faults.ghosts = 400;
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    for (int i = 0; i < 20; i++) {
        network_break(&scene->fleet.agents[0].peer);
        scene_wait(scene, 2 * SECOND);
    }
    scene->fleet.faults.ghosts = 0;
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
}

/* ---- databases ----------------------------------------------------------------------------- */

static void
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

static void
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

static void
a_statement_that_fails_now_and_then_is_tried_again(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    scene->fleet.faults.statement_fails = 400;
    struct run_spec spec = spec_of(scene);

    scene_apply(scene, &spec);
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
}

static void
an_index_is_built_in_spite_of_crashes(struct scene *scene)
{
    struct library *library = &scene->fleet.library;

    scene_open(scene, 1, 1, 1);
    for (size_t e = 0; e < library->services[0].edition_count; e++) {
        struct script *up = &library->services[0].editions[e].manifest.migrations[0].up;
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

#define SCENARIO(story)                                                                            \
    {                                                                                              \
#story, story                                                                              \
    }

const struct scenario scenarios[] = {
    SCENARIO(a_run_goes_wave_by_wave),
    SCENARIO(a_run_without_work_is_done_at_once),
    SCENARIO(a_spent_budget_halts_a_run),
    SCENARIO(a_failed_run_is_tried_again),
    SCENARIO(a_run_is_tried_again_before_its_steps_are_withdrawn),
    SCENARIO(a_rollback_undoes_exactly_what_a_run_did),
    SCENARIO(a_failed_run_rolls_itself_back),
    SCENARIO(a_paused_run_starts_nothing),
    SCENARIO(a_cancel_races_a_start),
    SCENARIO(an_agent_dies_in_the_middle_of_a_commit),
    SCENARIO(an_agent_dies_in_the_middle_of_a_statement),
    SCENARIO(an_agent_that_lost_its_lease_drops_what_waits),
    SCENARIO(a_silent_agent_has_not_failed),
    SCENARIO(an_agent_leaves_in_the_middle_of_a_run),
    SCENARIO(two_agents_claim_one_target),
    SCENARIO(another_agent_takes_over_in_the_middle_of_a_run),
    SCENARIO(the_coordinator_dies_before_it_saves),
    SCENARIO(the_coordinator_dies_after_it_has_saved),
    SCENARIO(the_coordinator_dies_while_it_sends),
    SCENARIO(an_order_of_an_earlier_leader_is_fenced),
    SCENARIO(everything_dies_at_once),
    SCENARIO(every_message_comes_twice),
    SCENARIO(every_third_message_is_lost),
    SCENARIO(a_message_of_a_session_that_is_over_starts_nothing),
    SCENARIO(the_answer_to_a_commit_is_lost),
    SCENARIO(a_database_restarts_in_the_middle_of_a_step),
    SCENARIO(a_statement_that_fails_now_and_then_is_tried_again),
    SCENARIO(an_index_is_built_in_spite_of_crashes),
};

const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
