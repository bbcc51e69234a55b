/*
 * selector: which targets are meant: `env=prod,region!=eu`. Every term must hold. A name is that
 * of a label, or `service` or `target`; a label that a target does not have equals nothing.
 */
#ifndef COORDINATOR_CORE_SELECTOR_H
#define COORDINATOR_CORE_SELECTOR_H

#include "common/base/error.h"
#include "proto/message.h"

struct selector;

/* What is asked about. */
struct selectable {
    const char *target, *service;
    const struct label *labels;
    size_t label_count;
};

/* Read one; null and "" select everything. False with E-SEL-SYNTAX. The caller owns the result. */
bool selector_parse(const char *text, struct selector **selector_p, struct error *error);
void selector_destroy(struct selector **selector_p);

bool selector_matches(const struct selector *selector, const struct selectable *target);

#endif
