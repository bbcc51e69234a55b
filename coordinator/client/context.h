/*
 * context: which coordinator is meant, how it is recognised, and who asks: an entry of
 * contexts.yaml (~/.config/skein/contexts.yaml, or the file that SKEIN_CONTEXTS names):
 *
 *   current: prod                  # used when neither --context nor SKEIN_CONTEXT says otherwise
 *   contexts:
 *     prod:
 *       endpoint: tcp://skein.example.org:7462
 *       server: 5f0c…              # the coordinator's public key: 64 hex digits or a .pub file
 *       key: alice.key             # the user's own key file; relative to contexts.yaml
 *
 * Errors: E-CFG-… with file:line:column, E-KEY-… with the key's file.
 */
#ifndef COORDINATOR_CLIENT_CONTEXT_H
#define COORDINATOR_CLIENT_CONTEXT_H

#include "common/base/error.h"
#include "common/io/keys.h"

struct context {
    char *name;
    char *endpoint;
    uint8_t server_key[KEYS_SIZE];
    struct key_pair pair;
};

/* The context called `wish`; null: what the environment or the file itself says. */
bool context_load(const char *wish, struct context *context, struct error *error);

/* Free the texts and forget the secret; a cleanup. */
void context_release(struct context *context);

/* ~/.config/skein, or $XDG_CONFIG_HOME/skein; the caller frees it. Null without a home. */
char *context_folder(void);

#endif
