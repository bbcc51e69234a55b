/*
 * project: skein.yaml, found upward from a folder as git finds its own: which services there are
 * and where their migrations lie. Sections that other parts read (lint, test) are accepted here.
 */
#ifndef COMMON_MIGRATION_PROJECT_H
#define COMMON_MIGRATION_PROJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/migration/bundle.h"
#include "common/migration/error_list.h"
#include "common/migration/reader.h"
#include "common/migration/substitution.h"
#include "common/migration/window.h"

#define PROJECT_FILE "skein.yaml"

struct project_service {
    const char *name;
    const char *migrations; /* the folder, so that it can be opened from where we are */
    const char **folders;   /* several of them below that one; null: it is the folder itself */
    size_t folder_count;
    const char *layout;          /* "auto" when not said */
    const char *seed;            /* a file of test data; null when not said */
    bool has_gaps;               /* numbers may be left out; true when not said */
    const struct naming *naming; /* what Flyway calls its files; null when not said */
    struct substitutions substitutions;
    const char *
        *raw; /* files of the folder, run as they stand where the grammar cannot read them */
    size_t raw_count;
    unsigned accepted;         /* of enum acceptance (refusal.h); nothing when not said */
    const char *history_table; /* where another tool keeps what is applied; null when not said */
    bool has_no_mirror;        /* mirror_history: false */
    uint64_t lock_timeout_ms, statement_timeout_ms, timeout_ms; /* 0 when not said */
    struct window window; /* when runs of it may work, where --window does not say */
};

struct project {
    const char *file; /* the skein.yaml, so that it can be opened from where we are */
    const char *root; /* its folder */
    struct project_service *services; /* in the file's order */
    size_t service_count;
    struct arena arena;
};

/*
 * Find and read the project that `start` (a folder) lies in. False with E-CFG-…; E-CFG-OPEN when
 * there is no skein.yaml up to the root, E-MIG-PATH when a path leads out of the project.
 */
bool project_open(const char *start, struct project **project_p, struct error *error);

void project_destroy(struct project **project_p);

/* The service with this name; null with E-SVC-UNKNOWN, and the likely one as a hint. */
const struct project_service *project_find(const struct project *project, const char *name,
                                           struct error *error);

/* Where the service's migrations are and how they are read; texts belong to the project. */
struct migrations_source project_source(const struct project_service *service);

/* Read the service's migrations, as migrations_read does, and look for gaps if they are refused. */
bool project_read_service(const struct project_service *service, struct bundle **bundle_p,
                          struct error_list *errors, struct error_list *notes);

#endif
