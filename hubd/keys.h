#ifndef HUBD_KEYS_H
#define HUBD_KEYS_H

#include "lib/base/crypto.h"

/* What is derived from key_file: one secret file, a key for each purpose (hub-contract 3). */
struct keys {
    uint8_t seal[SEAL_KEY_SIZE]; /* partner tokens at rest */
    uint8_t audit[SHA256_SIZE];  /* the audit chain */
    uint8_t check[SHA256_SIZE];  /* kept in the database, to recognise a wrong file */
    uint8_t via[SHA256_SIZE];    /* the hub's name in Via: the same at each start and on every node */
};

/*
 * Reads `path` (64 hex digits, mode 0600 or stricter); with `create` a missing file is made. Errors, with the
 * remedy: ERR_NOT_FOUND, ERR_REFUSED (mode), ERR_INVALID (content), ERR_IO.
 */
int keys_load(const char *path, bool create, struct keys *keys, struct error *error);

#endif
