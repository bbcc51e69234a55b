/*
 * pages: a view that is larger than one message, asked for page by page and put together.
 */
#ifndef COORDINATOR_CLIENT_PAGES_H
#define COORDINATOR_CLIENT_PAGES_H

#include "coordinator/client/client.h"

#define PAGES_ALL SIZE_MAX

/*
 * Ask `request` (STATUS, RUNS, LOG, TARGETS, AGENTS, OPERATORS, PLAN_PAGE) from its offset on until
 * all rows, or at least rows_max of them, are there. The answer is the last page's with all rows in
 * it, from the request's first offset on.
 */
bool pages_ask(struct client *client, const struct message *request, size_t rows_max,
               struct arena *arena, struct message *answer, struct error *error);

#endif
