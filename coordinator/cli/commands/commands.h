/*
 * commands: what each command does; one function a command, one file a family. They are reached
 * through the table in ../table.c only.
 */
#ifndef COORDINATOR_CLI_COMMANDS_COMMANDS_H
#define COORDINATOR_CLI_COMMANDS_COMMANDS_H

#include "coordinator/cli/call.h"

bool command_plan(struct call *call, struct error *error);
bool command_apply(struct call *call, struct error *error);
bool command_rollback(struct call *call, struct error *error);
bool command_pause(struct call *call, struct error *error);
bool command_resume(struct call *call, struct error *error);
bool command_cancel(struct call *call, struct error *error);
bool command_retry(struct call *call, struct error *error);

bool command_status(struct call *call, struct error *error);
bool command_runs(struct call *call, struct error *error);
bool command_log(struct call *call, struct error *error);
bool command_targets(struct call *call, struct error *error);
bool command_agents(struct call *call, struct error *error);
bool command_operators(struct call *call, struct error *error);

bool command_target_remove(struct call *call, struct error *error);
bool command_agent_add(struct call *call, struct error *error);
bool command_agent_remove(struct call *call, struct error *error);
bool command_operator_add(struct call *call, struct error *error);
bool command_operator_remove(struct call *call, struct error *error);
bool command_keys_new(struct call *call, struct error *error);
bool command_keys_show(struct call *call, struct error *error);

bool command_up(struct call *call, struct error *error);
bool command_down(struct call *call, struct error *error);
bool command_adopt(struct call *call, struct error *error);
bool command_history(struct call *call, struct error *error);
bool command_lint(struct call *call, struct error *error);

bool command_new(struct call *call, struct error *error);
bool command_patterns(struct call *call, struct error *error);
bool command_init(struct call *call, struct error *error);

bool command_debug_machines(struct call *call, struct error *error);
bool command_debug_frame(struct call *call, struct error *error);
bool command_debug_bundle(struct call *call, struct error *error);
bool command_debug_errors(struct call *call, struct error *error);
bool command_debug_rules(struct call *call, struct error *error);
bool command_debug_manual(struct call *call, struct error *error);
bool command_completion(struct call *call, struct error *error);
bool command_version(struct call *call, struct error *error);
bool command_help(struct call *call, struct error *error);

#endif
