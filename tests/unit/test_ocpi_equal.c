#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/base/buffer.h"
#include "lib/ocpi/equal.h"
#include "lib/ocpi/objects.h"

/* When two objects are the same as OCPI values. */

static int arena_setup(void **state)
{
    static struct arena arena;
    arena_init(&arena, 0);
    *state = &arena;
    return 0;
}

static int arena_teardown(void **state)
{
    arena_free(*state);
    return 0;
}

/* 'text' with single quotes for double ones. */
static const struct json_value *parse(struct arena *arena, const char *text)
{
    const struct json_value *value;
    struct error error;
    char *copy = arena_alloc(arena, strlen(text) + 1);
    for (size_t i = 0; text[i] != '\0'; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    if (json_parse(arena, str_from(copy), JSON_DEPTH_MAX, &value, &error) != OK)
        fail_msg("%s: %s", error.text, text);
    return value;
}

static const struct {
    const char *object, *a, *b;
    bool equal;
} rows[] = {
    /* order, white space, absent, null, empty list */
    {"CDR", "{'id':'1','currency':'EUR'}", "{ 'currency' : 'EUR' ,\n'id':'1' }", true},
    {"CDR", "{'id':'1'}", "{'id':'1','remark':null,'tariffs':[],'signed_data':null,'tariffs':null}", true},
    {"CDR", "{'id':'1'}", "{'id':'1','remark':''}", false},
    {"CDR", "{'id':'1'}", "{'id':'1','signed_data':{}}", false},
    {"CDR", "{'id':'1'}", "{'id':'1','tariffs':[null]}", false},
    {"CDR", "{'id':'1'}", "{'id':'1','credit':false}", false},
    {"CDR", "{'cdr_token':{'uid':'1','type':null}}", "{'cdr_token':{'uid':'1'}}", true},
    /* numbers */
    {"CDR", "{'total_energy':1}", "{'total_energy':1.0}", true},
    {"CDR", "{'total_energy':1}", "{'total_energy':1e0}", true},
    {"CDR", "{'total_energy':100}", "{'total_energy':1.00E+2}", true},
    {"CDR", "{'total_energy':0}", "{'total_energy':-0.000e9}", true},
    {"CDR", "{'total_energy':0.1}", "{'total_energy':1e-1}", true},
    {"CDR", "{'total_energy':1}", "{'total_energy':'1'}", false},
    {"CDR", "{'total_energy':1}", "{'total_energy':-1}", false},
    {"CDR", "{'total_energy':9007199254740993}", "{'total_energy':9007199254740992}", false},
    {"CDR", "{'total_energy':0.10000000000000000001}", "{'total_energy':0.1}", false},
    {"CDR", "{'total_energy':1}", "{'total_energy':10}", false},
    {"CDR", "{'total_energy':1.1}", "{'total_energy':11}", false},
    /* instants */
    {"CDR", "{'start_date_time':'2026-01-31T12:00:00Z'}", "{'start_date_time':'2026-01-31T12:00:00.000Z'}",
     true},
    {"CDR", "{'start_date_time':'2026-01-31T12:00:00Z'}", "{'start_date_time':'2026-01-31T12:00:00'}", true},
    {"CDR", "{'start_date_time':'2026-01-31T12:00:00Z'}", "{'start_date_time':'2026-01-31t17:30:00.0+05:30'}",
     true},
    {"CDR", "{'start_date_time':'2026-01-31T12:00:00.1Z'}",
     "{'start_date_time':'2026-01-31T12:00:00.100000Z'}", true},
    {"CDR", "{'start_date_time':'2026-01-31T12:00:00Z'}", "{'start_date_time':'2026-01-31T12:00:00.001Z'}",
     false},
    {"CDR", "{'start_date_time':'2026-01-31T12:00:00.0001Z'}",
     "{'start_date_time':'2026-01-31T12:00:00.0002Z'}", false},
    {"CDR", "{'start_date_time':'2026-01-31T12:00:00Z'}", "{'start_date_time':'2026-01-31T12:00:01Z'}",
     false},
    /* a text that looks like one is none */
    {"CDR", "{'remark':'2026-01-31T12:00:00Z'}", "{'remark':'2026-01-31T12:00:00.000Z'}", false},
    /* ids and texts */
    {"CDR", "{'id':'cdr-1','party_id':'ABC'}", "{'id':'CDR-1','party_id':'abc'}", true},
    {"CDR", "{'id':'cdr-1'}", "{'id':'cdr-2'}", false},
    {"CDR", "{'id':'1'}", "{'id':1}", false},
    {"CDR", "{'currency':'EUR'}", "{'currency':'eur'}", false},
    {"CDR", "{'remark':'caf\\u00e9 \\/'}", "{'remark':'caf\xC3\xA9 /'}", true},
    {"CDR", "{'r\\u0065mark':'x'}", "{'remark':'x'}", true},
    {"CDR", "{'remark':'\\ud83d\\ude00'}", "{'remark':'\xF0\x9F\x98\x80'}", true},
    {"CDR", "{'remark':'\\ud83d'}", "{'remark':'\\ud83e'}", false},
    {"CDR", "{'remark':'\\ud83d'}", "{'remark':'\\uD83D'}", true},
    {"CDR", "{'remark':'a'}", "{'remark':'A'}", false},
    {"CDR", "{'remark':'a\\u0000b'}", "{'remark':'a'}", false},
    /* lists keep their order */
    {"CDR", "{'charging_periods':[{'start_date_time':'2026-01-31T12:00:00Z'},{}]}",
     "{'charging_periods':[{},{'start_date_time':'2026-01-31T12:00:00Z'}]}", false},
    {"CDR",
     "{'charging_periods':[{'start_date_time':'2026-01-31T12:00:00.0Z','dimensions':[{'type':'ENERGY','"
     "volume':1.50}]}]}",
     "{'charging_periods':[{'dimensions':[{'volume':1.5,'type':'ENERGY'}],'tariff_id':null,'start_date_time':"
     "'2026-01-31T12:00:00Z'}]}",
     true},
    {"Connector", "{'tariff_ids':['t1']}", "{'tariff_ids':['T1']}", true},
    {"Connector", "{'tariff_ids':['t1','t2']}", "{'tariff_ids':['t1']}", false},
    /* what OCPI does not know is compared as JSON */
    {"CDR", "{'x':{'a':1,'b':[1,2]}}", "{'x':{'b':[1.0,2],'a':1e0}}", true},
    {"CDR", "{'x':'a'}", "{'x':'A'}", false},
    {"CDR", "{'x':{'a':null}}", "{'x':{}}", false},
    {"CDR", "{'x':'2026-01-31T12:00:00Z'}", "{'x':'2026-01-31T12:00:00.000Z'}", false},
    {"CDR", "{'x':null,'y':[]}", "{}", true},
    {"CDR", "{'x':1}", "{'y':1}", false},
    {"CDR", "{'x':1}", "{}", false},
    {"CDR", "{'x':true}", "{'x':false}", false},
    {"CDR", "{'x':{}}", "{'x':[1]}", false},
    {"CDR", "{'x':1,'x':2}", "{'x':2,'x':1}", false},
    {"CDR", "{'x':1,'x':2}", "{'x':1,'x':2.0}", true},
    {"CDR", "{'remark':'a','remark':'b'}", "{'remark':'a'}", false},
    /* nothing of one is taken for a part of another */
    {"CDR", "{'x':'1u1:y'}", "{'x':'1','y':''}", false},
    {"CDR", "{'remark':'a','x':'b'}", "{'remark':'ax','b':''}", false},
    /* not counted */
    {"CDR", "{'id':'1','last_updated':'2026-01-31T12:00:00Z'}", "{'id':'1'}", true},
};

static void test_equal(void **state)
{
    static const char *const ignored[] = {"last_updated", NULL};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct ocpi_object *object = ocpi_object_find(rows[i].object);
        const struct json_value *a = parse(*state, rows[i].a), *b = parse(*state, rows[i].b);
        uint8_t digests[2][OCPI_DIGEST_SIZE];
        if (ocpi_equal(object, a, b, ignored) != rows[i].equal ||
            ocpi_equal(object, b, a, ignored) != rows[i].equal)
            fail_msg("%s\n%s", rows[i].a, rows[i].b);
        ocpi_digest(object, a, ignored, digests[0]);
        ocpi_digest(object, b, ignored, digests[1]);
        if ((memcmp(digests[0], digests[1], OCPI_DIGEST_SIZE) == 0) != rows[i].equal)
            fail_msg("digests of\n%s\n%s", rows[i].a, rows[i].b);
    }
}

static void test_ignored_only_at_the_top(void **state)
{
    static const char *const ignored[] = {"last_updated", NULL};
    const struct json_value *a = parse(*state, "{'evses':[{'last_updated':'2026-01-31T12:00:00Z'}]}");
    const struct json_value *b = parse(*state, "{'evses':[{'last_updated':'2026-01-31T12:00:01Z'}]}");
    assert_false(ocpi_equal(&ocpi_location, a, b, ignored));
    assert_false(ocpi_equal(&ocpi_location, a, NULL, NULL));
    assert_true(ocpi_equal(&ocpi_location, NULL, NULL, NULL));
}

/* ---------------------------------------------------------------- what OCPI knows nothing of: as JSON */

static const struct equal_case {
    const char *a, *b;
    bool equal;
} plain[] = {
    {"null", "null", true},
    {"null", "false", false},
    {"true", "true", true},
    {"true", "false", false},
    {"0", "\"0\"", false},
    {"1", "1.0", true},
    {"1.0", "1.00", true},
    {"1", "1e0", true},
    {"100", "1e2", true},
    {"100", "0.1E+3", true},
    {"0.1", "0.10", true},
    {"0.1", "1e-1", true},
    {"0.001", "1e-3", true},
    {"-0", "0", true},
    {"-0.0e5", "0", true},
    {"0e99999999999999999999", "0", true},
    {"-1", "1", false},
    {"1", "10", false},
    {"1", "0.1", false},
    {"12", "1.2", false},
    {"102", "12", false},
    {"1.02", "1.2", false},
    {"1.5e10", "15e9", true},
    {"1500000000000", "1.5e0012", true},
    /* The same doubles, other decimals. */
    {"0.1", "0.1000000000000000055511151231257827", false},
    {"9007199254740993", "9007199254740992", false},
    {"1e-400", "0", false},
    {"1e-400", "10e-401", true},
    {"1e-400", "1e-401", false},
    /* Exponents that fit in no integer. */
    {"1e-99999999999999999999", "1e-99999999999999999998", false},
    {"1e-99999999999999999999", "1e-9999999999999999999", false},
    {"100e-00000000000000000000002", "1", true},
    {"\"a\"", "\"\\u0061\"", true},
    {"\"a\"", "\"A\"", false},
    {"\"a\"", "\"a \"", false},
    {"\"a\\u0000b\"", "\"a\\u0000c\"", false},
    {"[]", "[ ]", true},
    {"[]", "{}", false},
    {"[1,2]", "[1.0,2]", true},
    {"[1,2]", "[2,1]", false},
    {"[1,2]", "[1]", false},
    {"[1]", "[1,2]", false},
    {"{\"a\":1,\"b\":[2]}", "{ \"b\" : [2.0] , \"a\" : 1 }", true},
    {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
    {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
    {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"a\":1,\"b\":2}", true},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"a\":1,\"d\":2}", false},
    {"{\"\":1}", "{\"\":1}", true},
    {"{\"\":1,\"a\":2}", "{\"a\":2,\"\":1}", true},
    {"{\"a\":null}", "{}", false},
    {"{\"\\u0061\":1}", "{\"a\":1}", true},
    {"{\"a\":1,\"a\":2}", "{\"a\":1}", false},
    {"{\"a\":1,\"b\":0,\"a\":2}", "{\"a\":1,\"a\":2,\"b\":0}", true},
    {"{\"a\":1,\"b\":0,\"a\":2}", "{\"a\":2,\"a\":1,\"b\":0}", false},
    {"{\"a\":1,\"b\":0,\"a\":2}", "{\"b\":0,\"a\":1,\"b\":0}", false},
    {"[{\"a\":{\"x\":1,\"y\":2}}]", "[{\"a\":{\"y\":2,\"x\":1}}]", true},
};

static void test_plain_json(void **state)
{
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        const struct json_value *a = parse(*state, plain[i].a), *b = parse(*state, plain[i].b);
        if (ocpi_equal(NULL, a, b, NULL) != plain[i].equal || ocpi_equal(NULL, b, a, NULL) != plain[i].equal)
            fail_msg("%s and %s", plain[i].a, plain[i].b);
    }
    assert_false(ocpi_equal(NULL, parse(*state, "null"), NULL, NULL));
}

/* Many members in opposite order: sorted, not searched one by one, so this ends at once. */
static void test_many_members(void **state)
{
    enum { MEMBERS = 20000 };
    struct buffer forth = {0}, back = {0};
    for (int i = 0; i < MEMBERS; i++) {
        buffer_printf(&forth, "%s\"key %d\":%d", i == 0 ? "{" : ",", i, i);
        buffer_printf(&back, "%s\"key %d\":%d", i == 0 ? "{" : ",", MEMBERS - 1 - i, MEMBERS - 1 - i);
    }
    buffer_append(&forth, str_of("}", 2));
    buffer_append(&back, str_of("}", 2));
    const struct json_value *a = parse(*state, forth.data);
    assert_true(ocpi_equal(NULL, a, parse(*state, back.data), NULL));
    back.data[back.length - 3] = '7';
    assert_false(ocpi_equal(NULL, a, parse(*state, back.data), NULL));
    buffer_free(&forth);
    buffer_free(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_ignored_only_at_the_top, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_plain_json, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_many_members, arena_setup, arena_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
