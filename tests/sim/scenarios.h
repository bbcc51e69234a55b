/*
 * scenarios: the fixed stories, by name, and what they have in common.
 */
#ifndef TESTS_SIM_SCENARIOS_H
#define TESTS_SIM_SCENARIOS_H

#include "tests/sim/scenario.h"

#define SCENARIO_TABLE(X)                                                                          \
    X(a_run_goes_wave_by_wave)                                                                     \
    X(a_run_without_work_is_done_at_once)                                                          \
    X(a_spent_budget_halts_a_run)                                                                  \
    X(a_failed_run_is_tried_again)                                                                 \
    X(a_run_is_tried_again_before_its_steps_are_withdrawn)                                         \
    X(a_rollback_undoes_exactly_what_a_run_did)                                                    \
    X(a_failed_run_rolls_itself_back)                                                              \
    X(a_paused_run_starts_nothing)                                                                 \
    X(a_window_that_closes_cuts_off_and_the_next_goes_on)                                          \
    X(a_run_waits_for_its_window_in_spite_of_crashes)                                              \
    X(a_target_waits_for_its_own_window_in_spite_of_crashes)                                       \
    X(a_removed_target_comes_back_with_its_agent)                                                  \
    X(a_cancel_races_a_start)                                                                      \
    X(an_agent_dies_in_the_middle_of_a_commit)                                                     \
    X(an_agent_dies_in_the_middle_of_a_statement)                                                  \
    X(an_agent_that_lost_its_lease_drops_what_waits)                                               \
    X(a_silent_agent_has_not_failed)                                                               \
    X(an_agent_leaves_in_the_middle_of_a_run)                                                      \
    X(two_processes_have_one_key)                                                                  \
    X(two_agents_claim_one_target)                                                                 \
    X(another_agent_takes_over_in_the_middle_of_a_run)                                             \
    X(the_coordinator_dies_before_it_saves)                                                        \
    X(the_coordinator_dies_after_it_has_saved)                                                     \
    X(the_coordinator_dies_while_it_sends)                                                         \
    X(an_order_of_an_earlier_leader_is_fenced)                                                     \
    X(everything_dies_at_once)                                                                     \
    X(every_message_comes_twice)                                                                   \
    X(every_third_message_is_lost)                                                                 \
    X(a_message_of_a_session_that_is_over_starts_nothing)                                          \
    X(the_answer_to_a_commit_is_lost)                                                              \
    X(a_database_is_replaced_in_the_middle_of_a_run)                                               \
    X(a_database_restarts_in_the_middle_of_a_step)                                                 \
    X(a_statement_that_fails_now_and_then_is_tried_again)                                          \
    X(an_index_is_built_in_spite_of_crashes)                                                       \
    X(what_a_tool_has_made_is_adopted_in_spite_of_crashes)

#define SCENARIO_DECLARE(story) void story(struct scene *scene);
SCENARIO_TABLE(SCENARIO_DECLARE)
#undef SCENARIO_DECLARE

/* ---- what stories wait for ---------------------------------------------------------------- */

const struct worker *first_worker(const struct scene *scene);
bool first_worker_runs_a_statement(const struct scene *scene);
bool first_worker_commits(const struct scene *scene);
bool first_worker_builds(const struct scene *scene);
bool something_is_applied(const struct scene *scene);
bool coordinator_is_down(const struct scene *scene);
bool coordinator_is_up(const struct scene *scene);
bool run_is_halted(const struct scene *scene);
bool run_is_over(const struct scene *scene);

/* The last run has come to this end, and so many migrations are applied. */
void expect_state(struct scene *scene, enum run_state state, uint64_t applied);

/* The newest editions to all targets. */
struct run_spec spec_of(struct scene *scene);

#endif
