/* Looking into JSON values, comparing them, and writing them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/json/reader.h"
#include "lib/json/writer.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const struct json_value *parse(const char *text)
{
    const struct json_value *value = NULL;
    struct error error = {0};
    if (json_parse(&arena, str_from(text), JSON_DEPTH_MAX, &value, &error) != OK)
        fail_msg("%s: %s", text, error.text);
    return value;
}

static void assert_str(struct str actual, const char *expected)
{
    if (!str_equal(actual, str_from(expected)))
        fail_msg("\"" STR_FMT "\" instead of \"%s\"", STR_ARG(actual), expected);
}

/* ---------------------------------------------------------------- looking */

static void test_get(void **state)
{
    const struct json_value *root = parse("{\"s\":\"x\",\"e\":\"\",\"n\":null,\"b\":true,\"f\":false,\"i\":5,"
                                          "\"s\":\"second\",\"o\":{\"s\":\"inner\"}}");
    (void)state;
    assert_str(json_get_text(root, "s"), "x");
    assert_non_null(json_get_text(root, "e").data);
    assert_null(json_get_text(root, "i").data);
    assert_null(json_get_text(root, "absent").data);
    assert_null(json_get_text(NULL, "s").data);
    assert_null(json_get_text(root->child, "s").data);
    assert_null(json_get(root, "n"));
    assert_int_equal(json_get_raw(root, STR("n"))->type, JSON_NULL);
    assert_null(json_get_raw(root, STR("S")));
    assert_null(json_get_raw(root, STR("s\0")));
    assert_str(json_get_text(json_get(root, "o"), "s"), "inner");
    assert_null(json_get(json_get(root, "absent"), "s"));
    assert_true(json_get_boolean(root, "b", false));
    assert_false(json_get_boolean(root, "f", true));
    assert_true(json_get_boolean(root, "n", true));
    assert_true(json_get_boolean(root, "i", true));
    assert_false(json_get_boolean(root, "absent", false));
}

static const struct int_case {
    const char *raw;
    bool fits;
    int64_t value;
} ints[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"0.0e7", true, 0},
    {"0e99999999999999999999", true, 0},
    {"42", true, 42},
    {"42.0", true, 42},
    {"4.20e1", true, 42},
    {"4200e-2", true, 42},
    {"-1e3", true, -1000},
    {"0.00001e5", true, 1},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"-922337203685477580.8e1", true, INT64_MIN},
    {"1e18", true, INT64_C(1000000000000000000)},
    {"9007199254740993", true, INT64_C(9007199254740993)},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"1e19", false, 0},
    {"1e300", false, 0},
    {"0.5", false, 0},
    {"42.000001", false, 0},
    {"42e-1", false, 0},
    {"1e-99999999999999999999", false, 0},
    {"12345678901234567890123", false, 0},
    {"\"42\"", false, 0},
    {"null", false, 0},
    {"[42]", false, 0},
};

static void test_get_int64(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ints); i++) {
        int64_t value = 77;
        char text[64];
        snprintf(text, sizeof text, "{\"n\":%s}", ints[i].raw);
        if (json_get_int64(parse(text), "n", &value) != ints[i].fits)
            fail_msg("%s", ints[i].raw);
        assert_int_equal(value, ints[i].fits ? ints[i].value : 77);
    }
    assert_false(json_get_int64(NULL, "n", &(int64_t){0}));
}

/* RFC 6901 section 5, and what is no pointer. */
static const struct pointer_case {
    const char *pointer, *raw; /* NULL: nothing there */
} pointers[] = {
    {"/foo", "[\"bar\", \"baz\"]"},
    {"/foo/0", "\"bar\""},
    {"/foo/1", "\"baz\""},
    {"/", "0"},
    {"/a~1b", "1"},
    {"/c%d", "2"},
    {"/e^f", "3"},
    {"/g|h", "4"},
    {"/i\\j", "5"},
    {"/k\"l", "6"},
    {"/ ", "7"},
    {"/m~0n", "8"},
    {"/nil", "null"},
    {"/deep/x/0/y", "[]"},
    {"/foo/2", NULL},
    {"/foo/-", NULL},
    {"/foo/-1", NULL},
    {"/foo/00", NULL},
    {"/foo/01", NULL},
    {"/foo/", NULL},
    {"/foo/0/", NULL},
    {"/foo/99999999999999999999", NULL},
    {"/fo", NULL},
    {"/fooo", NULL},
    {"foo", NULL},
    {"/m~n", NULL},
    {"/m~", NULL},
    {"/m~2n", NULL},
    {"/a/b", NULL},
    {"//", NULL},
    {"/nil/x", NULL},
};

static void test_pointers(void **state)
{
    const struct json_value *root =
        parse("{\"foo\":[\"bar\", \"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
              "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"nil\":null,\"deep\":{\"x\":[{\"y\":[]}]}}");
    (void)state;
    assert_ptr_equal(json_at(root, STR("")), root);
    assert_ptr_equal(json_at(root, STR_NONE), root);
    assert_null(json_at(NULL, STR("/foo")));
    for (size_t i = 0; i < COUNT(pointers); i++) {
        const struct json_value *value = json_at(root, str_from(pointers[i].pointer));
        if ((value != NULL) != (pointers[i].raw != NULL))
            fail_msg("%s", pointers[i].pointer);
        if (value != NULL)
            assert_str(value->raw, pointers[i].raw);
    }
}

/* ---------------------------------------------------------------- writing */

static void test_write(void **state)
{
    struct buffer out = {0};
    struct json_writer w;
    (void)state;
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_key(&w, "data");
    json_array_begin(&w);
    json_int(&w, INT64_MIN);
    json_boolean(&w, true);
    json_null(&w);
    json_object_begin(&w);
    json_object_end(&w);
    json_array_begin(&w);
    json_array_end(&w);
    json_raw(&w, STR("{ \"as\" : \"is\" }"));
    json_timestamp(&w, INT64_C(1769860800123));
    json_array_end(&w);
    json_key_str(&w, STR("q\"k"));
    json_string(&w, STR_NONE);
    json_field_string(&w, "absent", STR_NONE);
    json_field_text(&w, "absent", NULL);
    json_field_string(&w, "empty", STR(""));
    json_field_text(&w, "text", "x");
    json_field_int(&w, "int", -5);
    json_field_boolean(&w, "no", false);
    json_field_timestamp(&w, "at", 0);
    json_object_end(&w);
    assert_false(out.failed);
    assert_str(buffer_str(&out),
               "{\"data\":[-9223372036854775808,true,null,{},[],{ \"as\" : \"is\" },"
               "\"2026-01-31T12:00:00.123Z\"],\"q\\\"k\":\"\",\"empty\":\"\",\"text\":\"x\",\"int\":-5,"
               "\"no\":false,\"at\":\"1970-01-01T00:00:00.000Z\"}");
    buffer_free(&out);
}

static const struct string_case {
    struct str text;
    const char *written;
} strings[] = {
    {{"plain", 5}, "\"plain\""},
    {{"\"\\/", 3}, "\"\\\"\\\\/\""},
    {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
    {{"\0\x01\x1F\x7F", 4}, "\"\\u0000\\u0001\\u001f\x7F\""},
    {{"\xC3\xA9\xF0\x9F\x98\x80", 6}, "\"\xC3\xA9\xF0\x9F\x98\x80\""},
    {{"a\xFF"
      "b\xC3",
      4},
     "\"a\xEF\xBF\xBD"
     "b\xEF\xBF\xBD\""},
    {{"\xED\xA0\x80", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {{"\xFF\n", 2}, "\"\xEF\xBF\xBD\\n\""},
};

static void test_write_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        struct buffer out = {0};
        struct json_writer w;
        json_writer_init(&w, &out);
        json_string(&w, strings[i].text);
        assert_str(buffer_str(&out), strings[i].written);
        buffer_free(&out);
    }
}

/* Every Unicode character goes through the writer and the reader and comes back. */
static void test_round_trip(void **state)
{
    struct buffer all = {0}, out = {0};
    struct json_writer w;
    const struct json_value *value;
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        if (c >= 0x10000)
            buffer_append_byte(&all, (char)(0xF0 | c >> 18));
        if (c >= 0x800)
            buffer_append_byte(&all, (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 63) : 0xE0 | c >> 12));
        if (c >= 0x80)
            buffer_append_byte(&all, (char)(c >= 0x800 ? 0x80 | (c >> 6 & 63) : 0xC0 | c >> 6));
        buffer_append_byte(&all, (char)(c >= 0x80 ? 0x80 | (c & 63) : c));
    }
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_key_str(&w, buffer_str(&all));
    json_string(&w, buffer_str(&all));
    json_object_end(&w);
    assert_int_equal(json_parse(&arena, buffer_str(&out), 1, &value, NULL), OK);
    assert_true(str_equal(value->child->key, buffer_str(&all)));
    assert_true(str_equal(value->child->text, buffer_str(&all)));
    buffer_free(&all);
    buffer_free(&out);
}

static void test_write_full(void **state)
{
    struct buffer out;
    struct json_writer w;
    (void)state;
    buffer_init(&out, 10);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_field_text(&w, "key", "too long for ten");
    json_object_end(&w);
    assert_true(out.failed);
    buffer_free(&out);
}

/* Misuse must end the process: a broken document must not leave it. */
static void misuse(struct json_writer *w, int how)
{
    switch (how) {
    case 0:
        json_key(w, "outside");
        break;
    case 1:
        json_array_begin(w);
        json_key(w, "in an array");
        break;
    case 2:
        json_object_begin(w);
        json_int(w, 1);
        break;
    case 3:
        json_object_begin(w);
        json_array_end(w);
        break;
    case 4:
        json_object_end(w);
        break;
    case 5:
        json_object_begin(w);
        json_key(w, "without a value");
        json_object_end(w);
        break;
    case 6:
        json_object_begin(w);
        json_key(w, "two");
        json_key(w, "keys");
        break;
    case 7:
        json_int(w, 1);
        json_int(w, 2);
        break;
    case 8:
        for (int i = 0; i < 65; i++)
            json_array_begin(w);
        break;
    }
}

static void test_write_misuse(void **state)
{
    (void)state;
    for (int how = 0; how <= 9; how++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct buffer out = {0};
            struct json_writer w;
            signal(SIGABRT, SIG_DFL);
            json_writer_init(&w, &out);
            misuse(&w, how);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (how == 9)
            assert_true(WIFEXITED(status));
        else if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("misuse %d went through", how);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),           cmocka_unit_test(test_get_int64),
        cmocka_unit_test(test_pointers),      cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_strings), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_write_full),    cmocka_unit_test(test_write_misuse),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
