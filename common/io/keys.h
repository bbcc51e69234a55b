/*
 * keys: CURVE key pairs in files. A secret file has the lines `public: HEX` and `secret: HEX` and
 * may be read by its owner only; a public file (NAME.pub) has the first line alone. Keys are
 * written as 64 hex digits everywhere: Z85 has characters that shells, YAML and printf take for
 * theirs.
 *
 * Errors (where: the file): E-KEY-OPEN, E-KEY-FORMAT (also the zero key and low-order points),
 * E-KEY-PAIR (the halves do not belong together), E-CFG-PERM, E-KEY-EXISTS.
 */
#ifndef COMMON_IO_KEYS_H
#define COMMON_IO_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

#define KEYS_SIZE 32
#define KEYS_HEX_SIZE 65

struct key_pair {
    uint8_t public_key[KEYS_SIZE];
    uint8_t secret_key[KEYS_SIZE];
};

/* A fresh pair. */
void keys_generate(struct key_pair *pair);

/* Write BASE.key (0600) and BASE.pub (0644), durably; neither may exist. */
bool keys_save(const struct key_pair *pair, const char *base, struct error *error);

/* Read a secret file and check that it is private and a pair. */
bool keys_load(const char *path, struct key_pair *pair, struct error *error);

/* A public key: 64 hex digits, or the path of a .pub file. */
bool keys_read_public(const char *hex_or_path, uint8_t public_key[KEYS_SIZE], struct error *error);

/* Forget a secret. */
void keys_wipe(struct key_pair *pair);

#endif
