#include "lib/base/crypto.h"

#include "lib/base/bug.h"
#include "lib/base/env.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#define NONCE_SIZE 12
#define TAG_SIZE   16

/* Looked up once: fetching costs more than hashing a short text. They live until the process ends. */
static EVP_MD *sha256;
static EVP_MAC *mac;
static EVP_CIPHER *cipher;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (sha256 == NULL || mac == NULL || cipher == NULL)
        BUG("OpenSSL has no SHA-256, HMAC or AES-256-GCM");
}

/* Failures below can only be lack of memory or a broken library; going on without a hash would be wrong in
 * either case. */
static void must(int succeeded)
{
    if (succeeded != 1)
        BUG("OpenSSL failed where nothing can fail");
}

void crypto_sha256(struct str data, uint8_t out[SHA256_SIZE])
{
    pthread_once(&fetched, fetch);
    must(EVP_Digest(data.data, data.length, out, NULL, sha256, NULL));
}

struct hmac {
    EVP_MAC_CTX *context;
};

struct hmac *hmac_new(const uint8_t *key, size_t size)
{
    pthread_once(&fetched, fetch);
    struct hmac *hmac = malloc(sizeof *hmac);
    if (hmac == NULL)
        return NULL;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    hmac->context = EVP_MAC_CTX_new(mac);
    /* A NULL key would mean "the one before", of which there is none. */
    if (hmac->context == NULL ||
        EVP_MAC_init(hmac->context, key != NULL ? key : (const uint8_t *)"", size, parameters) != 1) {
        hmac_free(hmac);
        return NULL;
    }
    return hmac;
}

void hmac_free(struct hmac *hmac)
{
    if (hmac == NULL)
        return;
    EVP_MAC_CTX_free(hmac->context);
    free(hmac);
}

void hmac_begin(struct hmac *hmac)
{
    must(EVP_MAC_init(hmac->context, NULL, 0, NULL));
}

void hmac_update(struct hmac *hmac, const void *data, size_t size)
{
    must(EVP_MAC_update(hmac->context, data, size));
}

void hmac_end(struct hmac *hmac, uint8_t out[SHA256_SIZE])
{
    size_t size;
    must(EVP_MAC_final(hmac->context, out, &size, SHA256_SIZE));
}

int crypto_seal(const uint8_t key[SEAL_KEY_SIZE], struct str context, struct str plain, uint8_t *out)
{
    if (plain.length > INT_MAX - SEAL_OVERHEAD || context.length > INT_MAX)
        return ERR_TOO_LARGE;
    pthread_once(&fetched, fetch);
    int result = ERR_MEMORY, size;
    uint8_t *body = out + NONCE_SIZE;
    EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
    if (state == NULL)
        return ERR_MEMORY;
    env_random(out, NONCE_SIZE);
    if (EVP_EncryptInit_ex2(state, cipher, key, out, NULL) != 1)
        goto out;
    if (context.length > 0 &&
        EVP_EncryptUpdate(state, NULL, &size, (const uint8_t *)context.data, (int)context.length) != 1)
        goto out;
    if (plain.length > 0 &&
        EVP_EncryptUpdate(state, body, &size, (const uint8_t *)plain.data, (int)plain.length) != 1)
        goto out;
    if (EVP_EncryptFinal_ex(state, body + plain.length, &size) == 1 &&
        EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, body + plain.length) == 1)
        result = OK;
out:
    EVP_CIPHER_CTX_free(state);
    return result;
}

int crypto_open(const uint8_t key[SEAL_KEY_SIZE], struct str context, struct str sealed, uint8_t *out)
{
    if (sealed.length < SEAL_OVERHEAD || sealed.length > INT_MAX || context.length > INT_MAX)
        return ERR_INVALID;
    pthread_once(&fetched, fetch);
    int result = ERR_MEMORY, size;
    size_t length = sealed.length - SEAL_OVERHEAD;
    const uint8_t *body = (const uint8_t *)sealed.data + NONCE_SIZE;
    uint8_t tag[TAG_SIZE], none[1];
    EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
    if (state == NULL)
        return ERR_MEMORY;
    if (EVP_DecryptInit_ex2(state, cipher, key, (const uint8_t *)sealed.data, NULL) != 1)
        goto out;
    if (context.length > 0 &&
        EVP_DecryptUpdate(state, NULL, &size, (const uint8_t *)context.data, (int)context.length) != 1)
        goto out;
    if (length > 0 && EVP_DecryptUpdate(state, out, &size, body, (int)length) != 1)
        goto out;
    memcpy(tag, body + length, sizeof tag);
    if (EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1)
        goto out;
    result = EVP_DecryptFinal_ex(state, none, &size) == 1 ? OK : ERR_INVALID;
out:
    /* What failed the check must not be used, not even by mistake. */
    if (result != OK)
        OPENSSL_cleanse(out, length);
    EVP_CIPHER_CTX_free(state);
    return result;
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

void crypto_wipe(void *data, size_t size)
{
    OPENSSL_cleanse(data, size);
}
