/*
 * services: the migrations that a command is about, read and made into bundles: those of the
 * services named, found through skein.yaml, or those in the folder that --migrations names.
 */
#ifndef COORDINATOR_CLI_SERVICES_H
#define COORDINATOR_CLI_SERVICES_H

#include "common/migration/bundle.h"
#include "common/migration/error_list.h"
#include "common/migration/window.h"
#include "coordinator/cli/call.h"

struct services {
    struct bundle **bundles;
    size_t count;
    struct window window;    /* that skein.yaml says; none when it does not */
    bool windows_differ;     /* from service to service */
    struct error_list notes; /* migrations without a way back, and why */
    struct arena arena;
};

/*
 * Read the migrations of these services. All mistakes in them are found: the first is the error,
 * the others are in call->others.
 */
bool services_read(struct call *call, const char *const *names, size_t name_count,
                   struct services *services, struct error *error);

/* One service, whose name may be left out when there is no doubt: for work on one database. */
bool services_read_one(struct call *call, const char *name, struct services *services,
                       struct error *error);

/* A service of skein.yaml, or else a folder. */
bool services_read_any(struct call *call, const char *name_or_folder, struct services *services,
                       struct error *error);

/* A cleanup. */
void services_release(struct services *services);

/* The bundle of a service; null when it is none of these. */
const struct bundle *services_find(const struct services *services, const char *service);

#endif
