/*
 * index: how an index stands in the catalog: whether it is there, whole, and whose. For repairing
 * what a CREATE or DROP INDEX CONCURRENTLY has left half done.
 */
#ifndef AGENT_EXECUTE_INDEX_H
#define AGENT_EXECUTE_INDEX_H

#include "agent/execute/sitting.h"

struct index_look {
    bool exists;
    bool is_valid;    /* valid, ready and live: queries use it, and it holds every row */
    bool is_fitting;  /* on the table and as unique as the statement says */
    bool is_building; /* some session is at it right now */
    char name[300];   /* "schema.index", quoted where it must be; "" when its table is not there */
};

/* Look at the index that a statement makes or drops, by the session's search_path. */
bool index_look_at(struct sitting *sitting, const struct statement *statement,
                   struct index_look *look, struct error *error);

/* Look at an index by its full name. */
bool index_look_up(struct sitting *sitting, const char *name, struct index_look *look,
                   struct error *error);

/*
 * DROP INDEX CONCURRENTLY IF EXISTS: what is half made is to go by all means, so it waits longer
 * for others than a migration does; less so when we are asked to stop.
 */
bool index_drop(struct sitting *sitting, const char *name, struct error *error);

#endif
