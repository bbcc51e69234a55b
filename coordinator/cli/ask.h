/*
 * ask: a command's way to its coordinator: the context and the deadline that the command line
 * names, and a Ctrl-C that is told what became of the request.
 */
#ifndef COORDINATOR_CLI_ASK_H
#define COORDINATOR_CLI_ASK_H

#include "coordinator/cli/call.h"
#include "coordinator/client/client.h"
#include "coordinator/client/pages.h"

/* The caller owns the result; null with an error. */
struct client *ask_open(const struct call *call, struct error *error);

/* Ask, and check that the answer is of this type. */
bool ask_for(struct client *client, struct message *request, enum message_type expected,
             struct arena *arena, struct message *answer, struct error *error);

/*
 * Ask for something to be done, and print the sentence that the coordinator answers with, or
 * {"done": …}.
 */
bool ask_done(struct call *call, struct message *request, struct error *error);

/*
 * Whether the user agrees, asked on the terminal; --yes answers it beforehand. Without a terminal
 * and without --yes false with E-CLI-CONFIRM; on "no" with E-CLI-DECLINED.
 */
bool ask_confirm(const struct call *call, const char *question, struct error *error);

#endif
