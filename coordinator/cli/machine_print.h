/*
 * machine_print: a state machine as text, as a Mermaid state diagram, as Graphviz; how the manual's
 * drawings are made, and a golden file each, so that a changed edge is a changed line.
 */
#ifndef COORDINATOR_CLI_MACHINE_PRINT_H
#define COORDINATOR_CLI_MACHINE_PRINT_H

#include "common/base/machine.h"
#include "coordinator/cli/terminal.h"

/* Every machine of coordinator and agent; null at the end. */
extern const struct machine *const machines_all[];

void machine_print_text(const struct machine *machine, const struct terminal *terminal,
                        struct text *out);
void machine_print_mermaid(const struct machine *machine, struct text *out);
void machine_print_markdown(const struct machine *machine, struct text *out);
void machine_print_dot(const struct machine *machine, struct text *out);

#endif
