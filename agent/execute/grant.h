/*
 * grant: the words that give a role the right whose lack a migration has failed for, as far as the
 * server's message and its catalogs tell. It grants nothing.
 */
#ifndef AGENT_EXECUTE_GRANT_H
#define AGENT_EXECUTE_GRANT_H

#include "agent/execute/try.h"

/*
 * A statement has failed with 42501, and is rolled back: make the error's hint the statement to
 * run. Where that cannot be known the hint stays as it is.
 */
void grant_explain(struct step_try *try);

#endif
