#ifndef LIB_BASE_CRYPTO_H
#define LIB_BASE_CRYPTO_H

#include "lib/base/arena.h"
#include "lib/base/error.h"

/* Cryptography, all of it OpenSSL's libcrypto. Thread safe, except struct hmac. */
#define SHA256_SIZE   32
#define SEAL_KEY_SIZE 32
/* AES-256-GCM: 12 bytes nonce in front, 16 bytes tag behind. */
#define SEAL_OVERHEAD 28

void crypto_sha256(struct str data, uint8_t out[SHA256_SIZE]);

/* HMAC-SHA256 with one key, for many messages. Only one thread may use it at a time. hmac_new returns NULL when there is
 * no memory. */
struct hmac;
struct hmac *hmac_new(const uint8_t *key, size_t size);
void hmac_free(struct hmac *hmac);
void hmac_begin(struct hmac *hmac);
void hmac_update(struct hmac *hmac, const void *data, size_t size);
void hmac_end(struct hmac *hmac, uint8_t out[SHA256_SIZE]);

/* Encrypts with AES-256-GCM and a random nonce; `context` is authenticated, too. `out` has plain.length + SEAL_OVERHEAD
 * bytes. */
int crypto_seal(const uint8_t key[SEAL_KEY_SIZE], struct str context, struct str plain, uint8_t *out);
/* Opens what crypto_seal made; `out` has sealed.length - SEAL_OVERHEAD bytes. ERR_INVALID: wrong key, context
 * or bytes. */
int crypto_open(const uint8_t key[SEAL_KEY_SIZE], struct str context, struct str sealed, uint8_t *out);

/* Compares in constant time. */
bool crypto_equal(const void *a, const void *b, size_t size);
/* Overwrites a secret; the compiler does not optimize it away. */
void crypto_wipe(void *data, size_t size);

/* Base64 of RFC 4648 section 4, with padding; data == NULL when there is no memory. */
struct str base64_encode(struct arena *arena, struct str data);
/* Strict decoding (padding required, no white space); false when `text` is not Base64. */
bool base64_decode(struct arena *arena, struct str text, struct str *out);
/* RFC 4648 section 5 without padding, for tokens and cursors. */
struct str base64url_encode(struct arena *arena, struct str data);
bool base64url_decode(struct arena *arena, struct str text, struct str *out);
/* Lower-case hex with NUL; `out` has 2 * size + 1 bytes. Returns `out`. */
const char *hex_encode(const uint8_t *data, size_t size, char *out);
bool hex_decode(struct str text, uint8_t *out, size_t size);

/* A random (version 4) UUID of RFC 9562 with NUL; returns `out`. */
#define UUID_SIZE 37
const char *uuid_make(char out[UUID_SIZE]);

#endif
