/* Names that some reader takes for another, ids that some reader trims, and what partners wrap (lib/ocpi:
 * names, status). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ocpi/names.h"
#include "lib/ocpi/status.h"

static void test_name_is_like(void **state)
{
    (void)state;
    static const char *const like[] = {
        "session_id",
        "Session_ID",
        "SESSION_ID",
        "sessionId",
        "session-id",
        "session.id",
        " session_id ",
        "\xc5\xbf"
        "ession_id",
        "session_\xc4\xb1"
        "d",
        "session\xc2\xa0id",
        "session_id\xe2\x80\x8b",
        "\xef\xbd\x93"
        "ession_id",
        "session_id[]",
        "session\xcd\x8f_id",
        "session_id\xe3\x85\xa4",
        "session_id\xef\xb8\x8f",
    };
    static const char *const other[] = {"session", "session_ids", "sessionx_id",       "session_id2",
                                        "",        "_",           "s\xc3\xa9ssion_id", "\xff"};
    for (size_t i = 0; i < sizeof like / sizeof like[0]; i++)
        if (!ocpi_name_is_like(str_from(like[i]), STR("session_id")))
            fail_msg("%s", like[i]);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (ocpi_name_is_like(str_from(other[i]), STR("session_id")))
            fail_msg("%s", other[i]);
    assert_true(ocpi_name_is_like(str_of("uid\0", 4), STR("uid")));
    assert_true(ocpi_name_is_like(STR("to\xe2\x84\xaa"
                                      "en"),
                                  STR("token")));
}

static void test_member_is_clear(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool clear;
        const char *word;
    } rows[] = {
        {"{\"allowed\":\"ALLOWED\"}", true, "ALLOWED"},
        {"{\"allowed\":\"BLOCKED\",\"allowed\":\"ALLOWED\"}", false, NULL},
        {"{\"allowed\":\"BLOCKED\",\"Allowed\":\"ALLOWED\"}", false, NULL},
        {"{\"allowed\":\"BLOCKED\",\"\\u0061llowed\":\"ALLOWED\"}", false, NULL},
        {"{\"ALLOWED\":\"ALLOWED\"}", false, NULL},
        {"{\"x\":1}", true, NULL},
        {"{\"allowed\":null}", true, NULL},
        {"[]", true, NULL},
        {"1", true, NULL},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json_value *value;
        assert_int_equal(json_parse(&arena, str_from(rows[i].body), JSON_DEPTH_MAX, &value, NULL), OK);
        struct str word = ocpi_member_word(value, "allowed");
        if (ocpi_member_is_clear(value, "allowed") != rows[i].clear ||
            !str_equal(word, str_from(rows[i].word == NULL ? "" : rows[i].word)))
            fail_msg("%s", rows[i].body);
    }
    assert_true(ocpi_member_is_clear(NULL, "allowed"));
    arena_free(&arena);
}

static void test_text_is_id(void **state)
{
    (void)state;
    static const char *const ids[] = {"S1", "a", "A B", "a/b", "s:1", "IN*TPC*E1", "04-A2*7", "a~z"};
    static const char *const none[] = {"",
                                       " ",
                                       "S1 ",
                                       " S1",
                                       "S1/",
                                       "/S1",
                                       "S1\\",
                                       "S1\n",
                                       "S\t1",
                                       "S1\x7f",
                                       "S1\xc2\x85",
                                       "S1\xc2\xa0",
                                       "\xe3\x80\x80S1",
                                       "S\xe2\x80\x8b"
                                       "1",
                                       "S1\xef\xbb\xbf",
                                       "S1\xe2\x80\xae",
                                       "\xe0\xa4\xa8",
                                       "a\xc2\xa0z",
                                       "S\xcd\x8f-1",    /* combining grapheme joiner */
                                       "S-\xef\xbc\x91", /* a wide 1 */
                                       "S\xcc\x81-1",    /* an accent */
                                       "S-\xc2\xb9",     /* superscript 1 */
                                       "S\xe2\x80\x91"
                                       "1",               /* another hyphen */
                                       "S-1\xe3\x85\xa4", /* Hangul filler */
                                       "S-1\xed\xa0\x80", /* half a surrogate pair */
                                       "S-1\xff"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (!ocpi_text_is_id(str_from(ids[i])))
            fail_msg("%s", ids[i]);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (ocpi_text_is_id(str_from(none[i])))
            fail_msg("row %zu: \"%s\"", i, none[i]);
    assert_false(ocpi_text_is_id(str_of("S1\0", 3)));
}

static void test_unwrap(void **state)
{
    (void)state;
    static const struct {
        const char *body, *inner; /* NULL: as it is */
    } rows[] = {
        {"{\"result\":\"ACCEPTED\"}", NULL},
        {"[{\"result\":\"ACCEPTED\"}]", "{\"result\":\"ACCEPTED\"}"},
        {"{\"status_code\":1000,\"data\":{\"result\":\"ACCEPTED\"}}", "{\"result\":\"ACCEPTED\"}"},
        {"{\"data\":[{\"result\":\"ACCEPTED\"}],\"status_code\":1000}", "{\"result\":\"ACCEPTED\"}"},
        {"[{\"data\":{\"result\":\"ACCEPTED\"},\"status_code\":1000}]", "{\"result\":\"ACCEPTED\"}"},
        {"{\"result\":\"REJECTED\",\"status_code\":1000,\"data\":{\"result\":\"ACCEPTED\"}}", NULL},
        {"{\"status_code\":1000,\"data\":{\"result\":\"A\"},\"Data\":{\"result\":\"B\"}}", NULL},
        {"{\"status_code\":1000,\"status_code\":2000,\"data\":{\"result\":\"A\"}}", NULL},
        {"{\"status_code\":\"1000\",\"data\":{\"result\":\"A\"}}", "{\"result\":\"A\"}"},
        {"{\"status_code\":true,\"data\":{\"result\":\"A\"}}", NULL},
        {"{\"status_code\":1000,\"data\":null}", NULL},
        {"{\"data\":{\"result\":\"A\"}}", "{\"result\":\"A\"}"},
        {"[{\"data\":[{\"result\":\"A\"}]}]", "{\"result\":\"A\"}"},
        {"{\"result\":\"A\",\"data\":{\"result\":\"B\"}}", NULL},
        {"{\"data\":{\"result\":\"A\"},\"DATA\":{\"result\":\"B\"}}", NULL},
        {"[{\"result\":\"A\"},{\"result\":\"B\"}]", NULL},
        {"[]", NULL},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json_value *value;
        assert_int_equal(json_parse(&arena, str_from(rows[i].body), JSON_DEPTH_MAX, &value, NULL), OK);
        const char *wanted = rows[i].inner == NULL ? rows[i].body : rows[i].inner;
        if (!str_equal(ocpi_unwrap(value, "result")->raw, str_from(wanted)))
            fail_msg("%s", rows[i].body);
    }
    assert_null(ocpi_unwrap(NULL, "result"));
    arena_free(&arena);
}

/* What routing and outcome rest on stands once; who passes it on asks for one spelling too. */
static void test_answer_is_clear(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"status_code\":1000,\"data\":{},\"data\":{}}", "{\"status_code\":1000,\"DATA\":{},\"data\":{}}",
        "{\"status_code\":2000,\"status_code\":1000}", "{\"status_code\":1000,\"statusCode\":2000}",
        "{\"status_code\":1000,\"d\\u0061ta\":1,\"data\":2}"};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct ocpi_answer answer;
        ocpi_answer_read(&arena, str_from(bodies[i]), NULL, &answer);
        if (answer.is_envelope && answer.is_clear)
            fail_msg("%s", bodies[i]);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_is_like),    cmocka_unit_test(test_member_is_clear),
        cmocka_unit_test(test_text_is_id),      cmocka_unit_test(test_unwrap),
        cmocka_unit_test(test_answer_is_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
