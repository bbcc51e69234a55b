/*
 * adopt: what is said about databases that another tool has migrated. Part of proto/message.h,
 * which has the table of all messages.
 */
#ifndef PROTO_ADOPT_H
#define PROTO_ADOPT_H

#include "common/migration/adoption.h"
#include "proto/basics.h"

#define PROBLEMS_MAX 20 /* of one target in one message */
#define ADOPTION_PAGE_MAX 10

/* How it is to be done. */
struct adopt_terms {
    enum adoption_trust trust;
    bool is_dry;       /* look and decide only */
    bool is_nothing;   /* no other tool's table is about this service */
    bool takes_edited; /* files that were changed since are taken as they are now */
};

/* What became of it on one target. */
struct adopt_result {
    bool succeeded;
    struct fault fault;     /* when not */
    struct fault *problems; /* the others beside it, the first of them */
    size_t problem_count;
    uint64_t problem_total;
    const char *tool, *table; /* null when there is no table */
    uint64_t row_count;
    uint64_t adopted_count, taken_back_count, mirrored_count;
    uint64_t agreed_count, pending_count, late_count, edited_count;
    const char *first_version, *last_version; /* of what is adopted */
};

/* Coordinator to agent: → ADOPTED. Said again it does nothing more. */
struct adopt {
    struct id session;
    struct token token;
    struct id adopt_id;
    struct id target_id;
    struct digest digest;
    struct adopt_terms terms;
};

struct adopted {
    struct id session;
    struct id adopt_id;
    struct id target_id;
    struct adopt_result result;
};

/*
 * Operator: "adopt the targets of this service" → ADOPTION_VIEW, at least every second until it is
 * ready. Said again it is the same adoption; with another offset another page of it.
 */
struct adoption_ask {
    struct id request;
    const char *service;
    struct digest digest;
    const char *select;   /* null: all targets of the service */
    uint64_t targets_max; /* refuse a selection larger than this; 0: no limit */
    struct adopt_terms terms;
    uint64_t offset;
};

struct adoption_row {
    const char *target;
    struct adopt_result result;
};

struct adoption_view {
    struct id request;
    bool is_ready;
    uint64_t target_count, answered_count, refused_count;
    uint64_t offset;
    struct adoption_row *rows;
    size_t row_count;
};

#endif
