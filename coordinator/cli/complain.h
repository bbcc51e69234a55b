/*
 * complain: an error as people and scripts are shown it: one form everywhere. The texts may come
 * from another program, so nothing in them reaches the terminal as a control character.
 */
#ifndef COORDINATOR_CLI_COMPLAIN_H
#define COORDINATOR_CLI_COMPLAIN_H

#include <jansson.h>

#include "common/base/error.h"
#include "common/migration/error_list.h"
#include "common/migration/outcome.h"
#include "coordinator/cli/terminal.h"

/*
 * Append
 *   error[CODE]: what is wrong
 *     where: …
 *     found: …
 *     hint:  …
 * each line behind `indent` spaces, folded to the terminal's width.
 */
void complain_render(const struct error *error, const struct terminal *terminal, size_t indent,
                     struct text *out);

/* The same fields as an object, with the exit status they lead to. */
json_t *complain_json(const struct error *error);

/* A fault that travelled, the same two ways; null when there is none. */
void complain_render_fault(const struct fault *fault, const struct terminal *terminal,
                           size_t indent, struct text *out);
json_t *complain_json_fault(const struct fault *fault);

/*
 * Tell it, and the others below it (null: none): to standard error, or as {"error": …, "others":
 * […]} to standard output. Returns the exit status.
 */
int complain(const struct error *error, const struct error_list *others, enum colour_wish wish,
             bool as_json);

#endif
