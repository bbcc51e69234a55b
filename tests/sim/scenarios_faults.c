#include "tests/sim/scenarios.h"

#include <string.h>

/* ---- agents -------------------------------------------------------------------------------- */

void
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

void
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

void
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

void
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

void
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

void
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

static bool
key_is_shut_out(const struct scene *scene)
{
    return strstr(text_of(&scene->trace), "session agent-1 quarantined") != NULL;
}

void
two_processes_have_one_key(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    struct sim_agent *twin = fleet_add_twin(&scene->fleet, &scene->fleet.agents[0], true);
    scene_wait(scene, 2 * SECOND);
    sim_agent_start(twin);
    scene_until(scene, key_is_shut_out, "the key is not shut out");
    struct run_spec spec = spec_of(scene);
    spec.skip_refused = true;
    sim_operator_plan(&scene->fleet.operators[0], &spec);
    scene_wait(scene, 20 * SECOND);
    scene_expect(scene, scene_applied(scene) == 0, "nothing is begun meanwhile");

    sim_agent_kill(twin);
    scene_wait(scene, 2 * MINUTE);
    scene_apply(scene, &spec);
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 2);
}

void
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

void
the_coordinator_dies_before_it_saves(struct scene *scene)
{
    kill_coordinator_at(scene, &scene->fleet.faults.dies_before_save);
}

void
the_coordinator_dies_after_it_has_saved(struct scene *scene)
{
    kill_coordinator_at(scene, &scene->fleet.faults.dies_after_save);
}

void
the_coordinator_dies_while_it_sends(struct scene *scene)
{
    kill_coordinator_at(scene, &scene->fleet.faults.dies_while_sending);
}

/*
 * An agent sleeps in the middle of a step. Meanwhile the coordinator's store is lost and restored
 * without its run, another agent serves the target, and the migration is applied and undone. What
 * the first one wakes up with is an order of a leader that is no more.
 */
void
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

void
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

void
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

void
every_third_message_is_lost(struct scene *scene)
{
    scene_open(scene, 1, 2, 3);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);

    scene->fleet.faults.lost = 333;
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 6);
}

void
a_message_of_a_session_that_is_over_starts_nothing(struct scene *scene)
{
    scene_open(scene, 1, 1, 2);
    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene->fleet.faults.ghosts = 400;
    for (int i = 0; i < 20; i++) {
        network_break(&scene->fleet.agents[0].peer);
        scene_wait(scene, 2 * SECOND);
    }
    scene->fleet.faults.ghosts = 0;
    scene_settle(scene);

    expect_state(scene, RUN_DONE, 2);
}

/* ---- adopting ------------------------------------------------------------------------------ */

static bool
something_is_adopted(const struct scene *scene)
{
    return scene_applied(scene) > 0;
}

static bool
adoption_is_answered(const struct scene *scene)
{
    return !scene->fleet.operators[0].waits;
}

/*
 * Another tool has made the first two of four migrations. The agent dies when it has written them
 * down and has not said so; the coordinator, which keeps an adoption in memory alone, dies while
 * the agent comes back. Whoever asks goes on asking: nothing is adopted twice, and nothing runs
 * that is there.
 */
void
what_a_tool_has_made_is_adopted_in_spite_of_crashes(struct scene *scene)
{
    scene_open(scene, 1, 2, 4);
    struct fleet *fleet = &scene->fleet;
    for (size_t i = 0; i < fleet->database_count; i++) {
        contents_use_tool(&fleet->databases[i].contents, 2);
    }
    sim_operator_adopt(&fleet->operators[0]);
    scene_until(scene, something_is_adopted, "nothing is adopted");
    sim_agent_kill(&fleet->agents[0]);
    scene_expect(scene, fleet->operators[0].waits, "it is answered by nobody");
    scene_wait(scene, 1 * SECOND);
    sim_coordinator_kill(&fleet->coordinator);
    sim_agent_start(&fleet->agents[0]);
    scene_wait(scene, 1 * SECOND);
    sim_coordinator_start(&fleet->coordinator);
    scene_until(scene, adoption_is_answered, "the adoption does not end");
    scene_expect(scene, fleet->operators[0].answer == MESSAGE_ADOPTION_VIEW, "it is refused");
    scene_expect(scene, fleet->operators[0].refused_count == 0, "a target is refused");
    scene_expect(scene, scene_applied(scene) == 4, "not all is adopted");

    struct run_spec spec = spec_of(scene);
    scene_apply(scene, &spec);
    scene_settle(scene);
    expect_state(scene, RUN_DONE, 8);
}
