/*
 * show: what all views need to be printed: JSON, plain lines, the words and colours of states.
 */
#ifndef COORDINATOR_CLI_SHOW_H
#define COORDINATOR_CLI_SHOW_H

#include <jansson.h>

#include "proto/message.h"
#include "coordinator/cli/terminal.h"

/* Print a value and a line end; takes the value. */
void show_json(const struct terminal *terminal, json_t *value);

/* A text as JSON; null for null, and "\ufffd" where it is not UTF-8. */
json_t *show_json_text(const char *text);
json_t *show_json_id(const struct id *id);

/* Milliseconds since 1970 as RFC 3339 in UTC; null for 0. */
json_t *show_json_time(uint64_t wall_ms);

/* Print a line; control characters in it are replaced, styles are not. */
void show_line(const struct terminal *terminal, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The word for a state, and how it is coloured. */
const char *show_run_state(enum run_state state);
enum style show_run_style(enum run_state state);
const char *show_leg_state(enum leg_state state);
enum style show_leg_style(enum leg_state state);
const char *show_step_state(enum step_state state);
enum style show_step_style(enum step_state state);
const char *show_outcome(enum outcome_kind kind);
const char *show_run_kind(enum run_kind kind);
const char *show_role(enum role role);

/* A key as 64 hex digits. */
#define SHOW_KEY_SIZE (2 * KEY_SIZE + 1)
const char *show_key(const struct key *key, char out[SHOW_KEY_SIZE]);

/* Labels as "env=prod region=eu", appended. */
void show_labels(const struct label *labels, size_t count, struct text *out);

#endif
