/*
 * mutation: known bugs behind a build switch. Only the mutation build (SKEIN_MUTATIONS) has them:
 * there `skein-sim --mutation NAME` plants one, and the simulator must find it. Everywhere else
 * MUTATION(x) is the constant false and the compiler removes it.
 */
#ifndef COMMON_BASE_MUTATION_H
#define COMMON_BASE_MUTATION_H

#include <stdbool.h>

/* Name, and the promise it breaks. */
#define MUTATION_TABLE(X)                                                                          \
    X(READ_BEFORE_LOCK, "reads what is applied before it holds the target's lock")                 \
    X(SKIP_FENCE, "does not look at the fence")                                                    \
    X(ACK_BEFORE_STORE, "acknowledges a result before it is stored")                               \
    X(RESEND_AS_NEW, "draws a new step id when it says an assignment again")                       \
    X(IGNORE_LEASE, "begins steps without a live lease")                                           \
    X(SILENCE_IS_FAILURE, "counts an agent that is silent as a failed target")                     \
    X(IGNORE_BUDGET, "goes on after the failure budget is spent")                                  \
    X(IGNORE_PARALLEL, "runs one target more than the limit")                                      \
    X(FORGET_UNACKED, "drops a result before it is acknowledged")                                  \
    X(CANCEL_IS_A_VERDICT, "says never started without asking the database")                       \
    X(ACCEPT_STALE_SESSION, "takes work from an earlier session")                                  \
    X(TRUST_LOST_COMMIT, "takes a commit whose answer was lost for done")                          \
    X(SEND_BEFORE_SAVE, "sends what is not saved yet")                                             \
    X(NEXT_AFTER_FAILURE, "begins the next step of a target after one has failed")                 \
    X(LEAVE_NO_VERDICT, "leaves no verdict when it says that nothing was done")                    \
    X(UNDO_TOO_MUCH, "takes back what was there before the run")

#define MUTATION_NAME(NAME, why) MUTATION_##NAME,
enum mutation { MUTATION_NONE, MUTATION_TABLE(MUTATION_NAME) MUTATION_COUNT };
#undef MUTATION_NAME

#ifdef SKEIN_MUTATIONS
extern enum mutation mutation_planted;
#define MUTATION(NAME) (mutation_planted == MUTATION_##NAME)
#else
#define MUTATION(NAME) false
#endif

#endif
