/* Hashes, HMAC (RFC 4231), sealing, and the encodings of bytes as text (RFC 4648, RFC 9562). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/crypto.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void assert_hash(const uint8_t hash[SHA256_SIZE], const char *expected)
{
    char text[2 * SHA256_SIZE + 1];
    assert_string_equal(hex_encode(hash, SHA256_SIZE, text), expected);
}

static void test_sha256(void **state)
{
    uint8_t hash[SHA256_SIZE];
    (void)state;
    crypto_sha256(STR("abc"), hash);
    assert_hash(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256(STR_NONE, hash);
    assert_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_sha256(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), hash);
    assert_hash(hash, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 4231 section 4; keys and data that are one byte repeated are given as byte and count. */
static const struct hmac_case {
    char key_byte;
    size_t key_size;
    const char *key;
    char data_byte;
    size_t data_size;
    const char *data, *expected;
} hmacs[] = {
    {0x0b, 20, NULL, 0, 0, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0, 0, "Jefe", 0, 0, "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {(char)0xaa, 20, NULL, (char)0xdd, 50, NULL,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {(char)0xaa, 131, NULL, 0, 0, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {(char)0xaa, 131, NULL, 0, 0,
     "This is a test using a larger than block-size key and a larger than block-size data. The key needs "
     "to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {0, 0, "", 0, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static void test_hmac(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hmacs); i++) {
        char key[200], data[200];
        struct str k = str_from(hmacs[i].key), d = str_from(hmacs[i].data);
        if (k.data == NULL)
            k = str_of(memset(key, hmacs[i].key_byte, hmacs[i].key_size), hmacs[i].key_size);
        if (d.data == NULL)
            d = str_of(memset(data, hmacs[i].data_byte, hmacs[i].data_size), hmacs[i].data_size);
        struct hmac *hmac = hmac_new((const uint8_t *)k.data, k.length);
        assert_non_null(hmac);
        /* Again and again with one key, whole and in pieces. */
        for (int round = 0; round < 3; round++) {
            uint8_t out[SHA256_SIZE];
            size_t cut = d.length * (size_t)round / 3;
            hmac_begin(hmac);
            hmac_update(hmac, d.data, cut);
            hmac_update(hmac, d.data + cut, d.length - cut);
            hmac_end(hmac, out);
            assert_hash(out, hmacs[i].expected);
        }
        hmac_free(hmac);
    }
    hmac_free(NULL);
}

static void test_hmac_abandoned(void **state)
{
    uint8_t out[SHA256_SIZE];
    struct hmac *hmac = hmac_new((const uint8_t *)"Jefe", 4);
    (void)state;
    hmac_begin(hmac);
    hmac_update(hmac, "left unfinished", 15);
    hmac_begin(hmac);
    hmac_update(hmac, "what do ya want for nothing?", 28);
    hmac_end(hmac, out);
    assert_hash(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_free(hmac);
}

static const uint8_t key[SEAL_KEY_SIZE] = "a key of thirty-two bytes, yes!";

static void test_seal(void **state)
{
    static const char plain[] = "the partner's token";
    uint8_t sealed[sizeof plain + SEAL_OVERHEAD], again[sizeof sealed], opened[sizeof plain];
    struct str text = str_of(plain, sizeof plain);
    struct str view = str_of((const char *)sealed, sizeof sealed);
    (void)state;
    assert_int_equal(crypto_seal(key, STR("party 7"), text, sealed), OK);
    assert_int_equal(crypto_seal(key, STR("party 7"), text, again), OK);
    assert_memory_not_equal(sealed, again, sizeof sealed);
    assert_int_equal(crypto_open(key, STR("party 7"), view, opened), OK);
    assert_memory_equal(opened, plain, sizeof plain);

    assert_int_equal(crypto_open(key, STR("party 8"), view, opened), ERR_INVALID);
    assert_int_equal(opened[0], 0);
    assert_int_equal(crypto_open(key, STR_NONE, view, opened), ERR_INVALID);
    uint8_t other[SEAL_KEY_SIZE];
    memcpy(other, key, sizeof other);
    other[31] ^= 1;
    assert_int_equal(crypto_open(other, STR("party 7"), view, opened), ERR_INVALID);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 0x10;
        assert_int_equal(crypto_open(key, STR("party 7"), view, opened), ERR_INVALID);
        sealed[i] ^= 0x10;
    }
    for (size_t length = 0; length < sizeof sealed; length++)
        assert_int_equal(crypto_open(key, STR("party 7"), str_of(view.data, length), opened), ERR_INVALID);
    assert_int_equal(crypto_open(key, STR("party 7"), view, opened), OK);
}

static void test_seal_empty(void **state)
{
    uint8_t sealed[SEAL_OVERHEAD], opened[1];
    struct str view = str_of((const char *)sealed, sizeof sealed);
    (void)state;
    assert_int_equal(crypto_seal(key, STR_NONE, STR_NONE, sealed), OK);
    assert_int_equal(crypto_open(key, STR_NONE, view, opened), OK);
    sealed[SEAL_OVERHEAD - 1] ^= 1;
    assert_int_equal(crypto_open(key, STR_NONE, view, opened), ERR_INVALID);
}

static void test_equal_and_wipe(void **state)
{
    char secret[] = "secret";
    (void)state;
    assert_true(crypto_equal("abc", "abc", 3));
    assert_false(crypto_equal("abc", "abd", 3));
    assert_false(crypto_equal("xbc", "abc", 3));
    assert_true(crypto_equal("abc", "xyz", 0));
    crypto_wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        assert_int_equal(secret[i], 0);
}

static const struct base64_case {
    const char *plain, *standard, *url;
} encodings[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xFB\xEF\xBE\xFF", "++++/w==", "----_w"},
};

static void test_base64(void **state)
{
    struct arena arena;
    struct str out;
    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT(encodings); i++) {
        struct str plain = str_from(encodings[i].plain);
        assert_string_equal(base64_encode(&arena, plain).data, encodings[i].standard);
        assert_string_equal(base64url_encode(&arena, plain).data, encodings[i].url);
        assert_true(base64_decode(&arena, str_from(encodings[i].standard), &out));
        assert_true(out.data != NULL && str_equal(out, plain));
        assert_true(base64url_decode(&arena, str_from(encodings[i].url), &out));
        assert_true(str_equal(out, plain));
    }
    assert_true(base64_decode(&arena, STR("AAEC/w=="), &out));
    assert_int_equal(out.length, 4);
    assert_memory_equal(out.data, "\0\1\2\xFF", 4);
    arena_free(&arena);
}

static const char *const no_base64[] = {
    "Z",      "Zg",    "Zg=",       "Zg===", "Zm9v=", "Zm9v====", "====", "=",    "Zg==Zg==",   "Z=g=",
    "Zm9v\n", " Zm9v", "Zm9 vYg==", "Zm9-",  "Zm9_",  "Zm!v",     "Zh==", "Zm9=", "\xC3\xA9==",
};
static const char *const no_base64url[] = {"Z",       "Zg==", "Zm8=", "Zm9+", "Zm9/",
                                           "Zm9v Yg", "Zh",   "Zm9",  "Zm9vY"};

static void test_base64_bad(void **state)
{
    struct arena arena;
    struct str out;
    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT(no_base64); i++) {
        print_message("\"%s\"\n", no_base64[i]);
        assert_false(base64_decode(&arena, str_from(no_base64[i]), &out));
    }
    for (size_t i = 0; i < COUNT(no_base64url); i++) {
        print_message("\"%s\"\n", no_base64url[i]);
        assert_false(base64url_decode(&arena, str_from(no_base64url[i]), &out));
    }
    arena_free(&arena);
}

static void test_hex(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x7f, 0xab, 0xff};
    uint8_t out[4];
    char text[9];
    (void)state;
    assert_string_equal(hex_encode(bytes, sizeof bytes, text), "007fabff");
    assert_string_equal(hex_encode(bytes, 0, text), "");
    assert_true(hex_decode(STR("007FaBff"), out, sizeof out));
    assert_memory_equal(out, bytes, sizeof out);
    assert_false(hex_decode(STR("007fabf"), out, sizeof out));
    assert_false(hex_decode(STR("007fabff00"), out, sizeof out));
    assert_false(hex_decode(STR("007fab"), out, sizeof out));
    assert_false(hex_decode(STR("007fabfg"), out, sizeof out));
    assert_false(hex_decode(STR("0x7fabff"), out, sizeof out));
    assert_true(hex_decode(STR_NONE, out, 0));
}

static void test_uuid(void **state)
{
    char one[UUID_SIZE], other[UUID_SIZE];
    (void)state;
    for (int round = 0; round < 100; round++) {
        assert_ptr_equal(uuid_make(one), one);
        assert_int_equal(strlen(one), UUID_SIZE - 1);
        for (size_t i = 0; i < UUID_SIZE - 1; i++) {
            bool dash = i == 8 || i == 13 || i == 18 || i == 23;
            assert_non_null(strchr(dash ? "-" : "0123456789abcdef", one[i]));
        }
        assert_int_equal(one[14], '4');
        assert_non_null(strchr("89ab", one[19]));
        assert_string_not_equal(one, uuid_make(other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_hmac_abandoned),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_seal_empty),
        cmocka_unit_test(test_equal_and_wipe),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_bad),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_uuid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
