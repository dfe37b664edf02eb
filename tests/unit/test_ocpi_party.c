/* Party keys, roles, the Authorization header and the envelope (lib/ocpi: party, headers, status). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ocpi/headers.h"
#include "lib/ocpi/status.h"

static void assert_text(struct str actual, const char *expected)
{
    if (!str_equal(actual, str_from(expected)))
        fail_msg("\"" STR_FMT "\" instead of \"%s\"", STR_ARG(actual), expected);
}

static void test_party_key_parse(void **state)
{
    static const struct {
        const char *text;
        bool with_role, good;
        const char *key, *country, *party;
        unsigned role;
    } rows[] = {
        {"IN-ABC", true, true, "IN-ABC", "IN", "ABC", 0},
        {"in*abc", true, true, "IN-ABC", "in", "abc", 0},
        {"In/aBc", true, true, "IN-ABC", "In", "aBc", 0},
        {"inAB1", true, true, "IN-AB1", "in", "AB1", 0},
        {"IN-ABC:CPO", true, true, "IN-ABC", "IN", "ABC", OCPI_ROLE_CPO},
        {"inabc:emsp", true, true, "IN-ABC", "in", "abc", OCPI_ROLE_EMSP},
        {"IN-ABC", false, true, "IN-ABC", "IN", "ABC", 0},
        {"IN-ABC:CPO", false, false, NULL, NULL, NULL, 0},
        {"IN-ABC:", true, false, NULL, NULL, NULL, 0},
        {"IN-ABC:CP", true, false, NULL, NULL, NULL, 0},
        {"", true, false, NULL, NULL, NULL, 0},
        {"IN", true, false, NULL, NULL, NULL, 0},
        {"IN-AB", true, false, NULL, NULL, NULL, 0},
        {"IN-ABCD", true, false, NULL, NULL, NULL, 0},
        {"IN_ABC", true, false, NULL, NULL, NULL, 0},
        {"1N-ABC", true, false, NULL, NULL, NULL, 0},
        {"IN-A C", true, false, NULL, NULL, NULL, 0},
        {"IN-A\xc3\xa9", true, false, NULL, NULL, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ocpi_party_key key;
        struct str country = STR_NONE, party = STR_NONE;
        unsigned role = 99;
        bool good = ocpi_party_key_parse(str_from(rows[i].text), &key, &country, &party,
                                         rows[i].with_role ? &role : NULL);
        if (good != rows[i].good)
            fail_msg("row %zu, \"%s\"", i, rows[i].text);
        if (!good)
            continue;
        assert_text(ocpi_party_key_str(&key), rows[i].key);
        assert_text(country, rows[i].country);
        assert_text(party, rows[i].party);
        if (rows[i].with_role)
            assert_int_equal(role, rows[i].role);
    }
}

static void test_party_key_make(void **state)
{
    struct ocpi_party_key a, b, c;
    (void)state;
    assert_true(ocpi_party_key_make(STR("in"), STR("abc"), &a));
    assert_true(ocpi_party_key_make(STR("IN"), STR("ABC"), &b));
    assert_true(ocpi_party_key_make(STR("IN"), STR("AB2"), &c));
    assert_true(ocpi_party_key_equal(&a, &b));
    assert_false(ocpi_party_key_equal(&a, &c));
    assert_false(ocpi_party_key_make(STR("IND"), STR("ABC"), &a));
    assert_false(ocpi_party_key_make(STR("IN"), STR_NONE, &a));
    assert_false(ocpi_party_key_make(STR("IN"), STR("A\0C"), &a));
}

static void test_roles(void **state)
{
    (void)state;
    assert_string_equal(ocpi_role_name(OCPI_ROLE_SCSP), "SCSP");
    assert_null(ocpi_role_name(OCPI_ROLE_CPO | OCPI_ROLE_EMSP));
    assert_null(ocpi_role_name(0));
    assert_int_equal(ocpi_role_from(STR("eMSP")), OCPI_ROLE_EMSP);
    assert_int_equal(ocpi_role_from(STR("MSP")), 0);
    assert_int_equal(ocpi_role_from(STR_NONE), 0);
    unsigned set = OCPI_ROLE_NSP | OCPI_ROLE_CPO | OCPI_ROLE_SCSP, seen = 0, count = 0;
    for (unsigned role = ocpi_role_next(set, 0); role != 0; role = ocpi_role_next(set, role), count++)
        seen |= role;
    assert_int_equal(seen, set);
    assert_int_equal(count, 3);
}

static void test_authorization_parse(void **state)
{
    static const struct {
        const char *header, *credentials;
    } rows[] = {
        {"Token abc", "abc"},
        {"token abc", "abc"},
        {"TOKEN \t abc  ", "abc"},
        {"  Token abc", "abc"},
        {"Token ZXhhbXBsZS10b2tlbg==", "ZXhhbXBsZS10b2tlbg=="},
        {"Bearer abc", NULL},
        {"Tokenabc", NULL},
        {"Token", NULL},
        {"Token  ", NULL},
        {"", NULL},
        {"Tok", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str credentials;
        bool good = ocpi_authorization_parse(str_from(rows[i].header), &credentials);
        if (good != (rows[i].credentials != NULL))
            fail_msg("row %zu, \"%s\"", i, rows[i].header);
        if (good)
            assert_text(credentials, rows[i].credentials);
    }
}

static void test_token_candidates(void **state)
{
    static const struct {
        const char *credentials;
        unsigned count;
        const char *first;
    } rows[] = {
        {"ZXhhbXBsZS10b2tlbg==", 2, "example-token"},
        {"ZXhhbXBsZS10b2tlbgo=", 2, "example-token"}, /* OCPI's own example: a line feed inside */
        {"example-token", 1, "example-token"},
        /* 32 hex digits are Base64 too, but not of anything that a token can be. */
        {"9e80ca3b2c4d4b06a3b0c0ffee15dead", 1, "9e80ca3b2c4d4b06a3b0c0ffee15dead"},
        {"YWJjZGVm", 2, "abcdef"}, /* a raw token that is Base64 of another possible token: both are tried */
        {"Cg==", 1, "Cg=="},       /* nothing but a line feed */
        {"YSBi", 1, "YSBi"},       /* "a b" is no token */
        {"ZXhhbXBsZS10b2tlbg", 2, "example-token"}, /* without its padding */
        {"YWI", 2, "ab"},
        {"YQ", 2, "a"},
        {"YR", 1, "YR"}, /* bits that mean nothing */
        {"YQ=", 1, "YQ="},
        {"ABCDE", 1, "ABCDE"},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str out[2];
        struct str credentials = str_from(rows[i].credentials);
        unsigned count = ocpi_token_candidates(&arena, credentials, out);
        if (count != rows[i].count)
            fail_msg("row %zu, \"%s\": %u candidates", i, rows[i].credentials, count);
        assert_text(out[0], rows[i].first);
        assert_text(out[count - 1], rows[i].credentials);
    }
    arena_free(&arena);
}

static void test_authorization_make(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    assert_text(ocpi_authorization_make(&arena, STR("example-token"), false), "Token ZXhhbXBsZS10b2tlbg==");
    assert_text(ocpi_authorization_make(&arena, STR("example-token"), true), "Token example-token");
    arena_free(&arena);
}

static void test_token_valid(void **state)
{
    char text[65];
    (void)state;
    memset(text, '~', sizeof text);
    assert_true(ocpi_token_valid(str_of(text, 64)));
    assert_false(ocpi_token_valid(str_of(text, 65)));
    assert_true(ocpi_token_valid(STR("!")));
    assert_false(ocpi_token_valid(STR("")));
    assert_false(ocpi_token_valid(STR("a b")));
    assert_false(ocpi_token_valid(STR("a\x7f")));
    assert_false(ocpi_token_valid(STR("\xc3\xa9")));
}

static void test_envelope(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 0);
    ocpi_envelope_write(&out, OCPI_SUCCESS, STR_NONE, STR("[1]"), 0);
    assert_text(buffer_str(&out), "{\"data\":[1],\"status_code\":1000,\"status_message\":\"Success\","
                                  "\"timestamp\":\"1970-01-01T00:00:00.000Z\"}");
    buffer_clear(&out);
    ocpi_envelope_write(&out, OCPI_INVALID_PARAMETERS, STR("/id: \"x\""), STR_NONE, 1769860800123);
    assert_text(buffer_str(&out), "{\"status_code\":2001,\"status_message\":\"/id: \\\"x\\\"\","
                                  "\"timestamp\":\"2026-01-31T12:00:00.123Z\"}");
    buffer_clear(&out);
    ocpi_envelope_write(&out, OCPI_UNKNOWN_RECEIVER, STR_NONE, STR_NONE, 0);
    assert_true(str_starts_with(buffer_str(&out),
                                STR("{\"status_code\":4001,\"status_message\":\"Unknown receiver\",")));
    buffer_clear(&out);
    ocpi_envelope_list_begin(&out);
    buffer_append_text(&out, "1,2");
    ocpi_envelope_list_end(&out, 0);
    assert_text(buffer_str(&out), "{\"data\":[1,2],\"status_code\":1000,\"status_message\":\"Success\","
                                  "\"timestamp\":\"1970-01-01T00:00:00.000Z\"}");
    assert_false(out.failed);
    buffer_free(&out);
}

static void test_answer_read(void **state)
{
    static const struct {
        const char *body;
        bool unwrap, is_envelope; /* a Thing has `a` */
        int code;
        const char *data; /* NULL: none */
    } rows[] = {
        {"{\"status_code\":1000,\"timestamp\":\"x\",\"data\":{\"a\":1}}", true, true, 1000, "{\"a\":1}"},
        {"{\"status_code\":1000,\"data\":[{\"a\":1}]}", true, true, 1000, "{\"a\":1}"},
        {"{\"status_code\":1000,\"data\":[{\"a\":1}]}", false, true, 1000, "[{\"a\":1}]"},
        {"{\"status_code\":1000,\"data\":[1]}", true, true, 1000, "[1]"},
        {"{\"status_code\":1000,\"data\":[{},{}]}", true, true, 1000, "[{},{}]"},
        {"{\"status_code\":1000,\"data\":[]}", true, true, 1000, "[]"},
        {"{\"status_code\":2001,\"status_message\":\"no\",\"data\":null}", true, true, 2001, NULL},
        {"{\"status_code\":\"1000\"}", true, true, 1000, NULL},
        {"{\"status_code\":\"2001\",\"data\":[{\"a\":1}]}", true, true, 2001, "{\"a\":1}"},
        {"{\"status_code\":\"1e3\"}", true, false, 0, NULL},
        {"{\"status_code\":\"-1\"}", true, false, 0, NULL},
        {"{\"status_code\":\"9999999999999\"}", true, false, 0, NULL},
        {"{\"status_code\":\"\"}", true, false, 0, NULL},
        {"[{\"status_code\":1000,\"data\":{\"a\":1}}]", true, true, 1000, "{\"a\":1}"},
        {"[{\"status_code\":1000,\"data\":[1]}]", false, true, 1000, "[1]"},
        {"[{\"status_code\":1000},{\"status_code\":1000}]", true, false, 0, NULL},
        {"{\"a\":1}", true, false, 0, NULL}, /* bare: it may be anybody's */
        {"{\"a\":1}", false, false, 0, NULL},
        {"[{\"a\":1}]", true, false, 0, NULL},
        {"{\"data\":{\"a\":1}}", true, true, 1000, "{\"a\":1}"},
        {"[{\"data\":[{\"a\":1}]}]", true, true, 1000, "{\"a\":1}"},
        {"{\"status_code\":1000,\"a\":1}", true, true, 1000, "{\"status_code\":1000,\"a\":1}"},
        {"{\"status_code\":2000,\"status_code\":1000,\"data\":{\"a\":1}}", true, false, 0, NULL},
        {"{\"b\":1}", true, false, 0, NULL},
        {"{\"status_code\":1000.5}", true, false, 0, NULL},
        {"{\"status_code\":99999999999}", true, false, 0, NULL},
        {"{}", true, false, 0, NULL},
        {"[]", true, false, 0, NULL},
        {"<html>", true, false, 0, NULL},
        {"", true, false, 0, NULL},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ocpi_answer answer;
        ocpi_answer_read(&arena, str_from(rows[i].body), rows[i].unwrap ? "a" : NULL, &answer);
        if (answer.is_envelope != rows[i].is_envelope || answer.status_code != rows[i].code ||
            (answer.data == NULL) != (rows[i].data == NULL))
            fail_msg("row %zu, %s", i, rows[i].body);
        if (answer.data != NULL)
            assert_text(answer.data->raw, rows[i].data);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_party_key_parse),
        cmocka_unit_test(test_party_key_make),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_authorization_parse),
        cmocka_unit_test(test_token_candidates),
        cmocka_unit_test(test_authorization_make),
        cmocka_unit_test(test_token_valid),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_answer_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
