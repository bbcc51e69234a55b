/*
 * watch: a second connection that looks while a statement runs: who waits behind us and for how
 * long, what we hold, how far it is, and who is in our way. A look takes at most a hundredth of the
 * time between two; a statement that is soon over is never looked at.
 */
#ifndef AGENT_EXECUTE_WATCH_H
#define AGENT_EXECUTE_WATCH_H

#include "agent/execute/try.h"

/*
 * The next statement begins: what is to be done while it is waited for goes into the patience; what
 * is seen, into the try's observation.
 */
void watch_attach(struct step_try *try, struct patience *patience);

#endif
