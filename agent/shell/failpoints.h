/*
 * failpoints: the places of the agent's shell where a test may kill it, in the order in which a
 * step passes them. `skein-agent --failpoints` prints them, and those of the execution, in test
 * builds.
 */
#ifndef AGENT_SHELL_FAILPOINTS_H
#define AGENT_SHELL_FAILPOINTS_H

/* Name, and what has happened when it is passed. */
#define AGENT_FAILPOINTS(X)                                                                        \
    X("agent.cache-write", "a piece of a bundle is written, its file not closed")                  \
    X("agent.cache-piece", "a piece of a bundle is kept")                                          \
    X("agent.cache-verify", "all pieces are there, nothing is verified")                           \
    X("agent.cache-rename", "the bundle is verified, and still has its partial name")              \
    X("agent.assigned", "the core has taken an assignment, nothing was said or begun")             \
    X("agent.execute", "a worker has a step, nothing was begun")                                   \
    X("agent.executed", "the step has ended, the loop does not know")                              \
    X("agent.ended", "the core knows the result, nothing was said")                                \
    X("agent.result-said", "the result was handed to the socket")                                  \
    X("agent.acknowledged", "the result was acknowledged")                                         \
    X("agent.leaving", "a signal to end was taken")

#endif
