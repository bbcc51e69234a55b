/*
 * lint_units: what `skein lint` is about: the services and folders that its arguments mean, and
 * which of their files are asked for.
 */
#ifndef COORDINATOR_CLI_LINT_UNITS_H
#define COORDINATOR_CLI_LINT_UNITS_H

#include "common/migration/project.h"
#include "common/migration/reader.h"
#include "coordinator/cli/changed.h"

/* A folder that is read as one history. */
struct lint_unit {
    struct migrations_source source;
    char *folder;      /* as it stands in findings */
    char *real_folder; /* as changed_kind wants it */
    bool is_whole;     /* all of its files are asked for, not only `files` */
    char **files;      /* real paths */
    size_t file_count;
};

struct lint_units {
    struct lint_unit *items;
    size_t count, capacity;
    struct project *project; /* of the present folder, or of the first argument; null: none */
    struct changed *changed; /* null: everything counts */
};

/*
 * Find out what is meant: services of skein.yaml, folders of migrations, single files, projects.
 * Nothing named: the project that we are in. False with E-CLI-USAGE, E-CLI-FILE, E-CFG-….
 */
bool lint_units_find(struct lint_units *units, const char *const *arguments, size_t count,
                     const char *layout, struct error *error);

/* Look only at what has changed. False as changed_read. */
bool lint_units_since(struct lint_units *units, const char *revision, struct error *error);

/* Whether findings are made for the file with this path in the unit's findings. */
bool lint_unit_wants(const struct lint_units *units, const struct lint_unit *unit,
                     const char *path);

/* What the change has done to the file. */
enum lint_change lint_unit_change(const struct lint_units *units, const struct lint_unit *unit,
                                  const char *path);

/* A cleanup. */
void lint_units_release(struct lint_units *units);

#endif
