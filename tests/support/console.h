/*
 * console: an operator in a test: one request, one answer, with a deadline.
 */
#ifndef TESTS_SUPPORT_CONSOLE_H
#define TESTS_SUPPORT_CONSOLE_H

#include <sys/types.h>

#include "common/io/keys.h"
#include "proto/message.h"

struct console;

/* The caller owns the result. */
struct console *console_new(const char *endpoint, const uint8_t server_key[KEYS_SIZE],
                            const struct key_pair *keys);
void console_destroy(struct console **console_p);

/*
 * Ask and wait for the answer to this very request, which gets a fresh id unless it has one. The
 * request is said again every second. Null when there is none in time; belongs to the console
 * until the next call.
 */
const struct message *console_ask(struct console *console, struct message *request, int wait_ms);

/* What a frame that is no proper message gets for an answer; null when nothing comes. */
const struct message *console_send(struct console *console, const void *data, size_t size,
                                   int wait_ms);

#endif
