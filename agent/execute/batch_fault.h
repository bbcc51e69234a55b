/*
 * batch_fault: what becomes of a batch that has not succeeded: it is tried again, smaller, or it is
 * the end of the try, with an error that has its place in the file.
 */
#ifndef AGENT_EXECUTE_BATCH_FAULT_H
#define AGENT_EXECUTE_BATCH_FAULT_H

#include "agent/execute/batch_range.h"

/* What comes of a batch. */
enum batch_end {
    BATCH_DONE,
    BATCH_AGAIN, /* rolled back: to be tried again, smaller */
    BATCH_STOP   /* *end says why */
};

/* The server has refused a part of the batch; `text`: the statement itself, null: another part. */
enum batch_end batch_failed(struct batch_run *run, const struct batch_text *text,
                            enum try_end *end);

/* The same where nothing can be tried again smaller. */
enum try_end batch_statement_failed(struct batch_run *run, const struct batch_text *text);

/* Whether the script's time is over. */
bool batch_is_late(const struct step_try *try);

#endif
