#ifndef HUBD_KEYS_H
#define HUBD_KEYS_H

#include "lib/base/crypto.h"

/* What is derived from key_file: one secret file, a key for each purpose (hub-ocpi(7), AUTHENTICATION). */
struct keys {
    uint8_t seal[SEAL_KEY_SIZE]; /* partner tokens at rest */
    uint8_t audit[SHA256_SIZE];  /* the audit chain */
    uint8_t check[SHA256_SIZE];  /* kept in the database, to recognise a wrong file */
    uint8_t via[SHA256_SIZE];    /* the hub's name in Via: the same at each start and on every node */
    bool fresh;                  /* it has its first name still: keys_settle when the database is there */
};

/*
 * Reads `path` (64 hex digits, mode 0600 or stricter, root's or hubd's own). `exists`: there is a database,
 * and it wants its key. Without one a key is made under the name `path`.new, and a key that is there already
 * is refused: it had a database. Errors, with the remedy: ERR_NOT_FOUND, ERR_REFUSED, ERR_INVALID (content),
 * ERR_IO.
 */
int keys_load(const char *path, bool exists, struct keys *keys, struct error *error);
/* The database with the check value is durable: the fresh key gets its name, durably. ERR_IO. */
int keys_settle(const char *path, struct error *error);

#endif
