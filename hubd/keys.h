#ifndef HUBD_KEYS_H
#define HUBD_KEYS_H

#include "lib/base/crypto.h"

/* The keys derived from key_file: the file holds one secret, each purpose has a key of its own (hub-ocpi(7),
 * AUTHENTICATION). */
struct keys {
    uint8_t seal[SEAL_KEY_SIZE]; /* partner tokens at rest */
    uint8_t audit[SHA256_SIZE];  /* the audit chain */
    uint8_t check[SHA256_SIZE];  /* kept in the database, to recognise a wrong file */
    uint8_t via[SHA256_SIZE];    /* the hub's name in Via; the same after every start */
    bool fresh;                  /* the file is still named `path`.new; keys_settle renames it */
};

/*
 * Reads the key file `path`: 64 hex digits, mode 0600 or stricter, owned by root or by hubd's user. `exists`:
 * the database exists, so its key must exist too. Without a database a new key is made in `path`.new, and an
 * existing `path` is refused, since its database was lost. Fills `error` with a sentence and the remedy.
 * Errors: ERR_NOT_FOUND, ERR_REFUSED, ERR_INVALID (content), ERR_IO.
 */
int keys_load(const char *path, bool exists, struct keys *keys, struct error *error);
/* Renames a fresh key to `path` and syncs the directory. Call it when the database is durable and holds the
 * check value. ERR_IO. */
int keys_settle(const char *path, struct error *error);

#endif
