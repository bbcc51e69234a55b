/*
 * watch: stays with a run until it has ended. On a terminal the picture is drawn anew in its place;
 * elsewhere every milestone is a line. A coordinator that is away for a while is waited for; a
 * Ctrl-C ends the watching, never the run.
 */
#ifndef COORDINATOR_CLI_WATCH_H
#define COORDINATOR_CLI_WATCH_H

#include "coordinator/cli/call.h"
#include "coordinator/client/client.h"

enum watch_end {
    WATCH_ENDED,       /* the run has ended: `run` is how */
    WATCH_INTERRUPTED, /* Ctrl-C: the run goes on */
    WATCH_FAILED       /* the coordinator refused: the error says why */
};

/* Watch a run (number, id, "last"). The view's texts live in the arena. */
enum watch_end watch_run(const struct call *call, struct client *client, const char *run,
                         struct arena *arena, struct run_view *view, struct error *error);

/*
 * Watch it as a command does: print its end, and set the exit status: 0 done, 7 not; when it was
 * interrupted, say that the run goes on, and `interrupted_status`.
 */
bool watch_and_tell(struct call *call, struct client *client, const char *run,
                    int interrupted_status, struct error *error);

#endif
