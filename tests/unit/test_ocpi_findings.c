/* Counting what a body breaks without being refused (lib/ocpi: findings). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/ocpi/validate.h"

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

/* Validates JSON written with ' for ". */
static struct ocpi_findings validate(struct arena *arena, const struct ocpi_object *object,
                                     const struct buffer *text)
{
    const struct json_value *value;
    struct ocpi_findings findings;
    struct error error;
    char *bytes = arena_copy_text(arena, buffer_str(text));
    assert_false(text->failed);
    for (size_t i = 0; i < text->length; i++)
        if (bytes[i] == '\'')
            bytes[i] = '"';
    if (json_parse(arena, str_of(bytes, text->length), JSON_DEPTH_MAX, &value, &error) != OK)
        fail_msg("%s: %s", error.text, bytes);
    ocpi_validate(arena, object, value, true, &findings);
    return findings;
}

static struct ocpi_findings validate_text(struct arena *arena, const struct ocpi_object *object,
                                          const char *text)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, text);
    struct ocpi_findings findings = validate(arena, object, &body);
    buffer_free(&body);
    return findings;
}

/* How often the field broke the rule; 0: it is not there. */
static unsigned counted(const struct ocpi_findings *findings, const char *object, const char *field,
                        enum ocpi_rule rule)
{
    unsigned found = 0, count = 0;
    for (const struct ocpi_count *row = findings->counts; row != NULL; row = row->next) {
        if (strcmp(row->object, object) == 0 && str_equal(row->field, str_from(field)) && row->rule == rule) {
            count = row->count;
            found++;
        }
    }
    assert_in_range(found, 0, 1); /* each field and rule once */
    return count;
}

static void assert_complete(const struct ocpi_findings *findings)
{
    unsigned sum = 0, essential = 0, known = 0, unknown = 0;
    for (const struct ocpi_count *row = findings->counts; row != NULL; row = row->next) {
        sum += row->count;
        essential += row->essential;
        if (!str_equal(row->field, STR(OCPI_FIELD_OTHERS)))
            ++*(row->rule == OCPI_RULE_UNKNOWN ? &unknown : &known);
    }
    assert_int_equal(sum, findings->essential_count + findings->finding_count + findings->unknown_count);
    assert_int_equal(essential, findings->essential_count);
    assert_in_range(known, 0, OCPI_COUNTS_MAX);
    assert_in_range(unknown, 0, OCPI_UNKNOWN_MAX);
}

/* Far more than the ten that are kept for the message: each counts, by object, field and rule. */
static void test_every_one_counts(void **state)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, "{'last_updated':'2026-01-31T12:00:00Z','evses':[");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&body,
                      "%s{'uid':'E%d','status':'AVAILABLE','last_updated':'2026-01-31T12:00:00Z','floor':1,"
                      "'connectors':[{'id':'1','standard':'CCS2','format':'%s','power_type':'DC',"
                      "'max_voltage':920.5,'last_updated':'2026-01-31T12:00:00Z'}]}",
                      i > 0 ? "," : "", i, i % 4 == 0 ? "PLUG" : "CABLE");
    buffer_append_text(&body, "]}");
    struct ocpi_findings findings = validate(*state, &ocpi_location, &body);
    buffer_free(&body);
    assert_int_equal(findings.essential_count, 0);
    assert_int_equal(findings.kept, OCPI_FINDINGS_MAX);
    assert_int_equal(counted(&findings, "Connector", "standard", OCPI_RULE_ENUM), 1000);
    assert_int_equal(counted(&findings, "Connector", "format", OCPI_RULE_ENUM), 250);
    assert_int_equal(counted(&findings, "Connector", "max_voltage", OCPI_RULE_INTEGER), 1000);
    assert_int_equal(counted(&findings, "Connector", "max_amperage", OCPI_RULE_MISSING), 1000);
    assert_int_equal(counted(&findings, "EVSE", "floor", OCPI_RULE_UNKNOWN), 1000);
    assert_int_equal(findings.finding_count, 3250);
    assert_int_equal(findings.unknown_count, 1000);
    assert_complete(&findings);
}

/* One field may break several rules; what is essential is counted like the rest. */
static void test_rules_apart(void **state)
{
    struct ocpi_findings findings =
        validate_text(*state, &ocpi_location,
                      "{'country':'INDI\\n','country':null,'id':7,'coordinates':{},'coordinates':{},"
                      "'last_updated':'2026-01-31T12:00:00Z'}");
    assert_int_equal(counted(&findings, "Location", "country", OCPI_RULE_LENGTH), 1);
    assert_int_equal(counted(&findings, "Location", "country", OCPI_RULE_CHARACTER), 1);
    assert_int_equal(counted(&findings, "Location", "country", OCPI_RULE_DUPLICATE), 1);
    assert_int_equal(counted(&findings, "Location", "country", OCPI_RULE_MISSING), 1);
    assert_int_equal(counted(&findings, "Location", "coordinates", OCPI_RULE_DUPLICATE), 1);
    assert_int_equal(counted(&findings, "GeoLocation", "latitude", OCPI_RULE_MISSING), 2);
    assert_int_equal(counted(&findings, "Location", "id", OCPI_RULE_TYPE), 1);
    assert_int_equal(findings.essential_count, 1);
    assert_complete(&findings);
}

/* ---------------------------------------------------------------- fields OCPI does not know */

static void test_unknown_fields(void **state)
{
    static const struct {
        const char *name, *field;
    } rows[] = {
        {"vendor", "vendor"},
        {"a/b~c", "a~1b~0c"},
        {"", ""},
        {"\\u001b[31m", "?[31m"},
        {"*", "*"},
        {"\\u0000", "?"},
        {"\xe0\xa4\xa8", "\xe0\xa4\xa8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[100];
        snprintf(body, sizeof body, "{'%s':{'x':[1,{'id':1}]},'last_updated':'2026-01-31T12:00:00Z'}",
                 rows[i].name);
        struct ocpi_findings findings = validate_text(*state, &ocpi_location, body);
        assert_int_equal(findings.unknown_count, 1);
        assert_int_equal(findings.kept, 0);
        assert_int_equal(counted(&findings, "Location", rows[i].field, OCPI_RULE_UNKNOWN), 1);
        assert_int_equal(ocpi_findings_text(*state, &findings).length, 0);
        assert_false(ocpi_findings_refuse(&findings, true));
    }
}

/* A name as long as a body is cut between characters. */
static void test_long_names_are_cut(void **state)
{
    static const char *const parts[] = {"\xe2\x82\xac/\\n", "~", "x", "\xf0\x9f\x94\x8c"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct buffer body;
        buffer_init(&body, 0);
        buffer_append_text(&body, "{'");
        for (int n = 0; n < 5000; n++)
            buffer_append_text(&body, parts[i]);
        buffer_append_text(&body, "':1,'last_updated':'2026-01-31T12:00:00Z'}");
        struct ocpi_findings findings = validate(*state, &ocpi_location, &body);
        buffer_free(&body);
        assert_in_range(findings.counts->field.length, 60, OCPI_FIELD_BYTES);
        assert_true(str_ends_with(findings.counts->field, STR("…")));
        assert_null(findings.counts->next);
    }
}

/* ---------------------------------------------------------------- bounds */

/* Whoever invents names gets the first few counted by name, the rest together; known fields are not pushed
 * out. */
static void test_invented_names(void **state)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, "{");
    for (int i = 0; i < 100000; i++)
        buffer_printf(&body, "'x%d':1,", i);
    buffer_append_text(&body, "'x3':2,'country':'INDIA','evses':[{'uid':'1','status':'AVAILABLE','zz':1,"
                              "'last_updated':'2026-01-31T12:00:00Z'}],"
                              "'last_updated':'2026-01-31T12:00:00Z'}");
    struct ocpi_findings findings = validate(*state, &ocpi_location, &body);
    buffer_free(&body);
    assert_int_equal(findings.unknown_count, 100002);
    for (int i = 0; i < OCPI_UNKNOWN_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", i);
        assert_int_equal(counted(&findings, "Location", name, OCPI_RULE_UNKNOWN), i == 3 ? 2 : 1);
    }
    assert_int_equal(counted(&findings, "Location", OCPI_FIELD_OTHERS, OCPI_RULE_UNKNOWN),
                     100000 - OCPI_UNKNOWN_MAX);
    assert_int_equal(counted(&findings, "EVSE", OCPI_FIELD_OTHERS, OCPI_RULE_UNKNOWN), 1);
    assert_int_equal(counted(&findings, "Location", "country", OCPI_RULE_LENGTH), 1);
    assert_complete(&findings);
}

/* More known fields broken than are counted by name: nothing is lost, the rest goes together by object and
 * rule. */
static void test_many_kinds(void **state)
{
    static const char *const nested[] = {
        "'coordinates':{}",
        "'opening_times':{'regular_hours':[{'weekday':9.5,'period_begin':'8','period_end':'888888'}],"
        "'exceptional_openings':[{}],'exceptional_closings':[{}]}",
        "'energy_mix':{'energy_sources':[{'percentage':101}],'environ_impact':[{}]}",
        "'images':[{'url':'x','thumbnail':'x','category':'x','type':'12345','width':-1.5,'height':-1.5}]",
        "'operator':{'website':'x','logo':{}}",
        "'related_locations':[{'latitude':'1','longitude':'1','name':{}}]",
        "'publish_allowed_to':[{'type':'x'}]",
        "'evses':[{'uid':'1','status':'AVAILABLE','status_schedule':[{}],'capabilities':['x'],"
        "'parking_restrictions':['x'],'floor_level':'12345\\n','physical_reference':'\\n12345678901234567',"
        "'evse_id':'\xc3\xa9','connectors':[{'id':'\xc3\xa9','standard':'x','format':'x','power_type':'x',"
        "'max_voltage':1.5,'max_amperage':1.5,'max_electric_power':1.5,'terms_and_conditions':'x',"
        "'last_updated':'2026-01-31T12:00:00+05:30'}],'last_updated':'2026-01-31T12:00:00+05:30'}]",
        "'country_code':'IND\\n','party_id':'ABCD\\n','country':'INDI\\n','parking_type':'x',"
        "'facilities':['x'],'postal_code':'12345678901\\n'",
        "'directions':[{}],'city':null,'address':null,'publish':null,'time_zone':null,"
        "'country_code':'IN','party_id':'ABC','country':'IND','parking_type':'x','facilities':[]",
    };
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, "{");
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++)
        buffer_printf(&body, "%s,", nested[i]);
    buffer_append_text(&body, "'last_updated':'2026-01-31T12:00:00Z'}");
    struct ocpi_findings findings = validate(*state, &ocpi_location, &body);
    buffer_free(&body);
    assert_int_equal(findings.known_kinds, OCPI_COUNTS_MAX);
    unsigned others = 0;
    for (const struct ocpi_count *row = findings.counts; row != NULL; row = row->next)
        others += str_equal(row->field, STR(OCPI_FIELD_OTHERS)) ? row->count : 0;
    assert_in_range(others, 1, findings.finding_count - OCPI_COUNTS_MAX);
    assert_complete(&findings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_one_counts),   TEST(test_rules_apart),    TEST(test_unknown_fields),
        TEST(test_long_names_are_cut), TEST(test_invented_names), TEST(test_many_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
