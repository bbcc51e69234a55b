/*
 * settings: the section `lint` of a skein.yaml.
 *
 *     lint:
 *       fail_on: warning
 *       rules: { SK012: off, SK070: error }
 */
#ifndef COMMON_LINT_SETTINGS_H
#define COMMON_LINT_SETTINGS_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/lint/lint.h"

struct lint_settings {
    struct lint_level *levels; /* owned */
    size_t level_count;
    enum severity fail_on; /* SEVERITY_OFF when not said */
};

/*
 * Read them from a skein.yaml; there need not be such a section. False with E-CFG-UNKNOWN,
 * E-CFG-TYPE, E-CFG-RANGE … and the place.
 */
bool lint_settings_read(const char *file, struct lint_settings *settings, struct error *error);

/* A cleanup. */
void lint_settings_release(struct lint_settings *settings);

#endif
