/* The JSON reader: what it takes and refuses (RFC 8259), what the tree holds, and where the spans point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/json/reader.h"

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

/* Parses a copy without a byte to spare, so that AddressSanitizer sees every read outside. */
static int parse(struct str bytes, unsigned depth_max, const struct json_value **value, struct error *error)
{
    char *exact = malloc(bytes.length > 0 ? bytes.length : 1);
    assert_non_null(exact);
    if (bytes.length > 0)
        memcpy(exact, bytes.data, bytes.length);
    int code = json_parse(&arena, str_of(exact, bytes.length), depth_max, value, error);
    free(exact);
    return code;
}

static const struct json_value *parse_good(const char *text)
{
    const struct json_value *value = NULL;
    struct error error = {0};
    if (parse(str_from(text), JSON_DEPTH_MAX, &value, &error) != OK)
        fail_msg("%s: %s", text, error.text);
    assert_non_null(value);
    return value;
}

static void assert_str(struct str actual, const char *expected)
{
    if (!str_equal(actual, str_from(expected)))
        fail_msg("\"" STR_FMT "\" instead of \"%s\"", STR_ARG(actual), expected);
}

static const struct good_case {
    const char *text;
    enum json_type type;
} good[] = {
    {"null", JSON_NULL},
    {" null\n", JSON_NULL},
    {"true", JSON_BOOLEAN},
    {"\ttrue\r\n  ", JSON_BOOLEAN},
    {"false", JSON_BOOLEAN},
    {"0", JSON_NUMBER},
    {"-0", JSON_NUMBER},
    {"-12.50e+3", JSON_NUMBER},
    {"1E5", JSON_NUMBER},
    {"1e-999", JSON_NUMBER},
    {"0e99999999999999999999", JSON_NUMBER},
    {"1e-99999999999999999999", JSON_NUMBER},
    {"\"\"", JSON_STRING},
    {"  \"a\"  ", JSON_STRING},
    {"\"\x7F\"", JSON_STRING},
    {"\"\xEF\xBB\xBF\"", JSON_STRING},
    {"[]", JSON_ARRAY},
    {"[ ]", JSON_ARRAY},
    {"[[],{},\"]\"]", JSON_ARRAY},
    {"{}", JSON_OBJECT},
    {" { } ", JSON_OBJECT},
    {"{\"\":{\"\":[]}}", JSON_OBJECT},
    {"{\"a\":1,\"a\":2}", JSON_OBJECT},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(parse_good(good[i].text)->type, good[i].type);
}

/* What is refused, and what the sentence must say. */
static const struct bad_case {
    const char *text, *what;
} bad[] = {
    {"", "ends where a value is expected at byte 0"},
    {" \n", "ends where a value is expected at byte 2"},
    {"\xEF\xBB\xBF{}", "byte order mark"},
    {"{} x", "something follows the value at byte 3"},
    {"1 2", "something follows the value at byte 2"},
    {"[1],[2]", "something follows the value at byte 3"},
    {"1,2", "something follows the value at byte 1"},
    {"1]", "something follows the value at byte 1"},
    {"{}}", "something follows the value at byte 2"},
    {"]", "no value begins like this at byte 0"},
    {"][", "no value begins like this at byte 0"},
    {"1,", "something follows the value at byte 1"},
    {"[", "ends where a value is expected at byte 1"},
    {"[[]", "',' or ']' is expected at byte 3"},
    {"[1", "',' or ']' is expected at byte 2"},
    {"[1,", "ends where a value is expected at byte 3"},
    {"[1,]", "no value begins like this at byte 3"},
    {"[,1]", "no value begins like this at byte 1"},
    {"[1 2]", "',' or ']' is expected at byte 3"},
    {"[1}", "',' or ']' is expected at byte 2"},
    {"[1:2]", "',' or ']' is expected at byte 2"},
    {"{", "name in quotes is expected at byte 1"},
    {"{\"a\"", "':' is expected at byte 4"},
    {"{\"a\":", "ends where a value is expected at byte 5"},
    {"{\"a\":1", "',' or '}' is expected at byte 6"},
    {"{\"a\":}", "no value begins like this at byte 5"},
    {"{\"a\" 1}", "':' is expected at byte 5"},
    {"{\"a\"x:1}", "':' is expected at byte 4"},
    {"{\"a\"::1}", "no value begins like this at byte 5"},
    {"{\"a\":1,}", "name in quotes is expected at byte 7"},
    {"{\"a\":1 \"b\":2}", "',' or '}' is expected at byte 7"},
    {"{a:1}", "name in quotes is expected at byte 1"},
    {"{1:1}", "name in quotes is expected at byte 1"},
    {"{'a':1}", "name in quotes is expected at byte 1"},
    {"{\"a\"}", "':' is expected at byte 4"},
    {"{\"a\":1]", "',' or '}' is expected at byte 6"},
    {"nul", "no value begins like this at byte 0"},
    {"nulll", "something follows the value at byte 4"},
    {"True", "no value begins like this at byte 0"},
    {"truex", "something follows the value at byte 4"},
    {"[true\"\"]", "',' or ']' is expected at byte 5"},
    {"[falsee]", "',' or ']' is expected at byte 6"},
    {"NaN", "no value begins like this at byte 0"},
    {"-Infinity", "a digit is missing at byte 1"},
    {"01", "must not begin with 0 at byte 0"},
    {"-01", "must not begin with 0 at byte 0"},
    {"-", "a digit is missing at byte 1"},
    {"+1", "no value begins like this at byte 0"},
    {".5", "no value begins like this at byte 0"},
    {"[1.]", "digit is missing behind the point at byte 3"},
    {"[1.e5]", "digit is missing behind the point at byte 3"},
    {"1e", "digit is missing in the exponent at byte 2"},
    {"1e+", "digit is missing in the exponent at byte 3"},
    {"0x10", "something follows the value at byte 1"},
    {"1_000", "something follows the value at byte 1"},
    {"1e999", "out of range at byte 0"},
    {"[0,-1e999]", "out of range at byte 3"},
    {"1.7976931348623159e308", "out of range at byte 0"},
    {"1e99999999999999999999", "out of range at byte 0"},
    {"\"abc", "the string never ends at byte 0"},
    {"[\"abc]", "the string never ends at byte 1"},
    {"\"abc\\", "no such escape in a string at byte 5"},
    {"\"abc\\\"", "the string never ends at byte 0"},
    {"\"a\nb\"", "control byte in a string must be escaped at byte 2"},
    {"\"a\tb\"", "control byte in a string must be escaped at byte 2"},
    {"\"\\x41\"", "no such escape in a string at byte 2"},
    {"\"\\u12\"", "four hexadecimal digits"},
    {"\"\\u12G4\"", "four hexadecimal digits"},
    {"{\"\\u12G4\":1}", "four hexadecimal digits"},
    {"\"a\xFF\"", "not UTF-8 at byte 2"},
    {"\"\xC3\"", "not UTF-8 at byte 1"},
    {"\"\xC0\xAF\"", "not UTF-8 at byte 1"},
    {"\"\xED\xA0\x80\"", "not UTF-8 at byte 1"},
    {"\"\xF4\x90\x80\x80\"", "not UTF-8 at byte 1"},
    {"{\"\xE2\x82\":1}", "not UTF-8 at byte 2"},
    {"\xC2\xA0{}", "no value begins like this at byte 0"},
    {"{}\xC2\xA0", "something follows the value at byte 2"},
    {"{}\v", "something follows the value at byte 2"},
    {"/* */ {}", "no value begins like this at byte 0"},
    {"{} // end", "something follows the value at byte 3"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const struct json_value *value = (const struct json_value *)bad;
        struct error error = {0};
        if (parse(str_from(bad[i].text), JSON_DEPTH_MAX, &value, &error) != ERR_INVALID)
            fail_msg("taken: %s", bad[i].text);
        assert_null(value);
        assert_int_equal(error.code, ERR_INVALID);
        if (strstr(error.text, bad[i].what) == NULL)
            fail_msg("%s: \"%s\" says nothing of \"%s\"", bad[i].text, error.text, bad[i].what);
        assert_int_equal(parse(str_from(bad[i].text), JSON_DEPTH_MAX, &value, NULL), ERR_INVALID);
    }
}

/* Half of a surrogate pair is no character, but JSON: it is kept as the three bytes it would have in UTF-8.
 */
static void test_half_surrogates(void **state)
{
    static const struct {
        const char *text, *unescaped;
    } rows[] = {
        {"\"\\ud83d\"", "\xED\xA0\xBD"},
        {"\"a\\udc00\"", "a\xED\xB0\x80"},
        {"\"\\ud800\\u0041\"", "\xED\xA0\x80"
                               "A"},
        {"\"\\ud800x\"", "\xED\xA0\x80x"},
        {"\"\\ud800\\n\\/\\\"\\\\\\b\\f\\r\\t\"", "\xED\xA0\x80\n/\"\\\b\f\r\t"},
        {"\"\\udc00\\ud800\"", "\xED\xB0\x80\xED\xA0\x80"},
        {"\"\\ud800\\ud83d\\ude00\"", "\xED\xA0\x80\xF0\x9F\x98\x80"},
        {"\"\\u00e9\\u20ac\\uD83D \\u0041\"", "\xC3\xA9\xE2\x82\xAC\xED\xA0\xBD A"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct json_value *value;
        struct error error = {0};
        if (parse(str_from(rows[i].text), JSON_DEPTH_MAX, &value, &error) != OK)
            fail_msg("%s: %s", rows[i].text, error.text);
        if (!str_equal(value->text, str_from(rows[i].unescaped)))
            fail_msg("%s: \"" STR_FMT "\"", rows[i].text, STR_ARG(value->text));
        assert_true(str_equal(value->raw, str_from(rows[i].text)));
        assert_true(json_has_half_surrogate(value->text));
    }
    assert_false(json_has_half_surrogate(STR("\xED\x9F\xBF\xEE\x80\x80\xF0\x9F\x98\x80")));
    assert_false(json_has_half_surrogate(STR_NONE));
    /* a name, and what follows in the document, are read as ever */
    const struct json_value *value;
    assert_int_equal(
        parse(STR("{\"\\ud83d\":\"\\u0041\",\"b\":\"\\udead\",\"c\":\"\\n\"}"), JSON_DEPTH_MAX, &value, NULL),
        OK);
    assert_true(str_equal(value->child->key, STR("\xED\xA0\xBD")));
    assert_true(str_equal(json_get_text(value, "c"), STR("\n")));
    /* what else is wrong is still refused */
    assert_int_equal(parse(STR("\"\\ud83d\\x\""), JSON_DEPTH_MAX, &value, NULL), ERR_INVALID);
    assert_int_equal(parse(STR("\"\\ud83d\\u-123\""), JSON_DEPTH_MAX, &value, NULL), ERR_INVALID);
    assert_int_equal(parse(STR("\"\\ud83\""), JSON_DEPTH_MAX, &value, NULL), ERR_INVALID);
}

static void test_nul_bytes(void **state)
{
    static const struct str documents[] = {
        {"{}\0", 3}, {"\0{}", 3}, {"false\0", 6}, {"[1\0]", 4}, {"\"a\0b\"", 5}, {"1\0", 2}, {"\0", 1},
    };
    const struct json_value *value;
    (void)state;
    for (size_t i = 0; i < COUNT(documents); i++)
        assert_int_equal(parse(documents[i], JSON_DEPTH_MAX, &value, NULL), ERR_INVALID);
}

/* Every beginning of a document is no document, and none of them makes the reader run over. */
static void test_truncated(void **state)
{
    const struct str whole =
        STR("{\"id\":\"L\\u00e9\\ud83d\\ude00\",\"evses\":[{\"n\":-1.5e3,\"t\":true},null,[]]}");
    const struct json_value *value;
    (void)state;
    assert_int_equal(parse(whole, JSON_DEPTH_MAX, &value, NULL), OK);
    for (size_t length = 0; length < whole.length; length++)
        assert_int_equal(parse(str_of(whole.data, length), JSON_DEPTH_MAX, &value, NULL), ERR_INVALID);
}

static struct str nested(unsigned depth, bool objects)
{
    char *text = arena_alloc(&arena, (size_t)depth * 6 + 2), *at = text;
    for (unsigned i = 0; i < depth; i++)
        at = stpcpy(at, objects ? "{\"a\":" : "[");
    *at++ = '1';
    for (unsigned i = 0; i < depth; i++)
        *at++ = objects ? '}' : ']';
    return str_of(text, (size_t)(at - text));
}

static void test_depth(void **state)
{
    const struct json_value *value;
    struct error error;
    (void)state;
    for (int objects = 0; objects < 2; objects++) {
        assert_int_equal(parse(nested(0, objects), 0, &value, NULL), OK);
        assert_int_equal(parse(nested(1, objects), 0, &value, NULL), ERR_TOO_LARGE);
        assert_int_equal(parse(nested(3, objects), 3, &value, NULL), OK);
        assert_int_equal(parse(nested(4, objects), 3, &value, &error), ERR_TOO_LARGE);
        assert_non_null(strstr(error.text, objects ? "3 levels at byte 15" : "3 levels at byte 3"));
        assert_int_equal(parse(nested(64, objects), JSON_DEPTH_MAX, &value, NULL), OK);
        assert_int_equal(parse(nested(65, objects), JSON_DEPTH_MAX, &value, NULL), ERR_TOO_LARGE);
        assert_int_equal(parse(nested(65, objects), 1000, &value, NULL), ERR_TOO_LARGE);
        assert_int_equal(parse(nested(100000, objects), JSON_DEPTH_MAX, &value, NULL), ERR_TOO_LARGE);
        assert_null(value);
    }
    /* Empty ones count as well; siblings do not add up. */
    assert_int_equal(parse(STR("[[]]"), 1, &value, NULL), ERR_TOO_LARGE);
    assert_int_equal(parse(STR("[[],[],[]]"), 2, &value, NULL), OK);
}

/* A list of `count` numbers, `width` bytes each with its comma. */
static struct str number_list(size_t count, size_t width)
{
    size_t length = count * width + 1;
    char *text = arena_alloc(&arena, length);
    memset(text, '1', length);
    for (size_t i = 0; i <= count; i++)
        text[i * width] = i == 0 ? '[' : i == count ? ']' : ',';
    return str_of(text, length);
}

static void test_many_values(void **state)
{
    const struct json_value *value;
    struct error error;
    (void)state;
    assert_int_equal(parse(number_list(JSON_VALUES_MAX - 1, 7), JSON_DEPTH_MAX, &value, NULL), OK);
    assert_int_equal(value->count, JSON_VALUES_MAX - 1);
    assert_int_equal(parse(number_list(JSON_VALUES_MAX, 7), JSON_DEPTH_MAX, &value, &error), ERR_TOO_LARGE);
    assert_non_null(strstr(error.text, "400000 values"));
}

/* A tree is no more than a stated multiple of its text, however dense that is. */
static void test_values_in_proportion(void **state)
{
    const struct json_value *value;
    struct error error;
    (void)state;
    assert_int_equal(parse(number_list(1000, 2), JSON_DEPTH_MAX, &value, NULL), OK);
    assert_int_equal(parse(number_list(390000, 2), JSON_DEPTH_MAX, &value, &error), ERR_TOO_LARGE);
    assert_non_null(strstr(error.text, "values in 780001 bytes"));
    static const size_t widths[] = {2, 3, 5, 6, 8};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        for (size_t count = 100; count <= 200000; count *= 3) {
            struct arena values, texts;
            arena_init(&values, 0);
            arena_init(&texts, 0);
            struct str text = number_list(count, widths[i]);
            int result = json_parse_apart(&values, &texts, text, JSON_DEPTH_MAX, &value, NULL);
            size_t most = JSON_VALUES_FREE + text.length / JSON_BYTES_PER_VALUE;
            assert_int_equal(result, count + 1 > most ? ERR_TOO_LARGE : OK);
            assert_true(arena_size(&values) <= 20 * text.length + 512 * 1024);
            assert_true(arena_size(&texts) <= text.length + 16384);
            arena_free(&values);
            arena_free(&texts);
        }
}

/* What was taken out of a tree outlives it. */
static void test_parse_apart(void **state)
{
    const struct json_value *value;
    struct arena values;
    (void)state;
    arena_init(&values, 0);
    assert_int_equal(json_parse_apart(&values, &arena, STR("{\"a\\u0041\":\"x\\ny\",\"b\":[1,2]}"),
                                      JSON_DEPTH_MAX, &value, NULL),
                     OK);
    struct str key = value->child->key, text = value->child->text, raw = value->child->next->raw;
    arena_wipe(&values);
    assert_str(key, "aA");
    assert_str(text, "x\ny");
    assert_str(raw, "[1,2]");
}

static void test_tree(void **state)
{
    const char *text = " { \"a\" : [ 1 , true ,null,\"x\"] , \"b\\n\":{\"c\":false,\"c\":-2.5}\n} ";
    const struct json_value *root = parse_good(text);
    (void)state;
    assert_int_equal(root->type, JSON_OBJECT);
    assert_int_equal(root->count, 2);
    assert_null(root->next);
    assert_null(root->key.data);
    assert_str(root->raw, "{ \"a\" : [ 1 , true ,null,\"x\"] , \"b\\n\":{\"c\":false,\"c\":-2.5}\n}");
    const struct json_value *a = root->child, *b = a->next;
    assert_str(a->key, "a");
    assert_str(a->raw_key, "\"a\"");
    assert_str(a->raw, "[ 1 , true ,null,\"x\"]");
    assert_int_equal(a->count, 4);
    const struct json_value *element = a->child;
    assert_true(element->type == JSON_NUMBER && element->number == 1);
    assert_null(element->key.data);
    assert_str(element->raw, "1");
    element = element->next;
    assert_true(element->type == JSON_BOOLEAN && element->boolean);
    assert_str(element->raw, "true");
    element = element->next;
    assert_int_equal(element->type, JSON_NULL);
    element = element->next;
    assert_str(element->text, "x");
    assert_str(element->raw, "\"x\"");
    assert_null(element->next);
    assert_str(b->key, "b\n");
    assert_str(b->raw_key, "\"b\\n\"");
    assert_str(b->raw, "{\"c\":false,\"c\":-2.5}");
    assert_int_equal(b->count, 2);
    assert_true(b->child->next->number == -2.5);
    assert_null(b->next);
    assert_ptr_equal(b->raw.data + b->raw.length + 2, root->raw.data + root->raw.length);
}

static const struct text_case {
    const char *raw;
    struct str text;
} texts[] = {
    {"\"plain\"", {"plain", 5}},
    {"\"\"", {"", 0}},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", {"\"\\/\b\f\n\r\t", 8}},
    {"\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\"", {"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10}},
    {"\"a\\u0000b\"", {"a\0b", 3}},
    {"\"\\\\\"", {"\\", 1}},
    {"\"\\\\\\\"\"", {"\\\"", 2}},
    {"\"\xF0\x9F\x98\x80 {[,:]}\"", {"\xF0\x9F\x98\x80 {[,:]}", 11}},
};

static void test_texts(void **state)
{
    char document[4096] = "[";
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        snprintf(document, sizeof document, "{%s : %s , \"n\":%s}", texts[i].raw, texts[i].raw, texts[i].raw);
        const struct json_value *root = parse_good(document), *member = root->child;
        assert_true(str_equal(member->key, texts[i].text));
        assert_str(member->raw_key, texts[i].raw);
        assert_true(str_equal(member->text, texts[i].text));
        assert_str(member->raw, texts[i].raw);
        assert_true(str_equal(member->next->text, texts[i].text));
        assert_true(str_equal(parse_good(texts[i].raw)->text, texts[i].text));
    }
}

static const struct number_case {
    const char *raw;
    double number;
} numbers[] = {
    {"0", 0},
    {"-0", -0.0},
    {"7", 7},
    {"-123456789012345", -123456789012345.0},
    {"1234567890123456", 1234567890123456.0},
    {"9007199254740993", 9007199254740992.0},
    {"12.971599", 12.971599},
    {"1e3", 1000},
    {"1.5E-3", 0.0015},
    {"123456789012345678901234567890", 123456789012345678901234567890.0},
    /* simdjson 3.0.1 On-Demand reads this one wrong. */
    {"0.28849371652252998186e-148", 0.28849371652252998186e-148},
    {"1.7976931348623157e308", 1.7976931348623157e308},
    {"4.9e-324", 4.9e-324},
    {"1e-400", 0},
    {"-1e-99999999999999999999", 0},
    {"0e999", 0},
    {"0.000000000000000000000000000001e30", 1},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const struct json_value *value = parse_good(numbers[i].raw);
        if (value->number != numbers[i].number)
            fail_msg("%s became %.17g", numbers[i].raw, value->number);
        assert_str(value->raw, numbers[i].raw);
    }
    assert_true(signbit(parse_good("-0")->number));
}

/* More nodes than one chunk has, and more text than a parser keeps between documents. */
static void test_large(void **state)
{
    size_t count = 30000, length = 0;
    char *text = malloc(count * 32);
    (void)state;
    assert_non_null(text);
    text[length++] = '[';
    for (size_t i = 0; i < count; i++)
        length +=
            (size_t)snprintf(text + length, 32, "%s{\"n\":%zu,\"t\":\"\\t%zu\"}", i > 0 ? "," : "", i, i);
    text[length++] = ']';
    text[length] = '\0';
    for (int round = 0; round < 2; round++) {
        const struct json_value *root = parse_good(text), *element = root->child;
        assert_int_equal(root->count, count);
        for (size_t i = 0; i < count; i++, element = element->next) {
            char expected[32];
            snprintf(expected, sizeof expected, "\t%zu", i);
            assert_true(element->child->number == (double)i);
            assert_str(element->child->next->text, expected);
        }
        assert_null(element);
        assert_str(parse_good("[1]")->raw, "[1]");
    }
    free(text);
}

static void *parse_many(void *argument)
{
    struct arena own;
    const struct json_value *value;
    size_t *failures = argument;
    arena_init(&own, 0);
    for (int i = 0; i < 500; i++) {
        int code = json_parse(&own, STR("{\"a\":[\"\\u00e9\",1,2,3]}"), JSON_DEPTH_MAX, &value, NULL);
        if (code != OK || value->child->count != 4)
            (*failures)++;
        arena_reset(&own);
    }
    arena_free(&own);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    size_t failures[COUNT(threads)] = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_many, &failures[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_nul_bytes),   cmocka_unit_test(test_half_surrogates),
        cmocka_unit_test(test_truncated),   cmocka_unit_test(test_depth),
        cmocka_unit_test(test_many_values), cmocka_unit_test(test_values_in_proportion),
        cmocka_unit_test(test_parse_apart), cmocka_unit_test(test_tree),
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_large),       cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
