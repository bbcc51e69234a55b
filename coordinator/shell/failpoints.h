/*
 * failpoints: every place of the coordinator where a test may kill it, in the order in which a life
 * passes them. `skein-coordinator --failpoints` prints them in test builds.
 */
#ifndef COORDINATOR_SHELL_FAILPOINTS_H
#define COORDINATOR_SHELL_FAILPOINTS_H

/* Name, and what has happened when it is passed. */
#define COORDINATOR_FAILPOINTS(X)                                                                  \
    X("store-epoch", "the store is open, its epoch is not raised")                                 \
    X("start-enrolled", "the operators of the configuration are saved")                            \
    X("start-loaded", "what was open is loaded, nothing was said")                                 \
    X("gate-answer", "a handshake was judged, the answer is not given")                            \
    X("turn-stepped", "the core has decided, nothing is saved")                                    \
    X("store-save", "the transaction has begun, some of its records are written")                  \
    X("store-commit", "all is written, nothing is committed")                                      \
    X("turn-saved", "all is committed, nothing was said")                                          \
    X("turn-sending", "a part of it was said")                                                     \
    X("turn-said", "all was said")                                                                 \
    X("upload-piece", "a piece of a bundle is written, not committed")                             \
    X("upload-verified", "a bundle is whole, and not yet marked so")                               \
    X("chunk-sent", "an agent was given a piece of a bundle")                                      \
    X("stop", "a signal to end was taken")

#endif
