/*
 * batch_progress: how far a backfill is and how fast it goes, in words, for whoever watches.
 */
#ifndef AGENT_EXECUTE_BATCH_PROGRESS_H
#define AGENT_EXECUTE_BATCH_PROGRESS_H

#include "agent/execute/batch_run.h"

/* A batch over so many keys is done: how fast it goes follows slowly, rests and all. */
void batch_reckon(struct batch_run *run, uint64_t keys);

/* "61 % of 2000000 rows, 1210000 changed, 85000 rows/s, 9 s left; slow: …" */
void batch_tell(struct batch_run *run, const struct batch_leaf *leaf);

#endif
