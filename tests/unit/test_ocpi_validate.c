/* Validation along OCPI's tables (lib/ocpi: validate). */
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

/* JSON written with ' for ", so that it can be read here. */
static const struct json_value *parse(struct arena *arena, const char *text)
{
    struct str copy = arena_copy(arena, str_from(text));
    char *bytes = arena_copy_text(arena, copy);
    const struct json_value *value;
    struct error error;
    for (size_t i = 0; i < copy.length; i++)
        if (bytes[i] == '\'')
            bytes[i] = '"';
    if (json_parse(arena, str_of(bytes, copy.length), JSON_DEPTH_MAX, &value, &error) != OK)
        fail_msg("%s: %s", error.text, text);
    return value;
}

static struct ocpi_findings validate(struct arena *arena, const char *object, const char *text, bool partial)
{
    struct ocpi_findings findings;
    const struct ocpi_object *table = ocpi_object_find(object);
    assert_non_null(table);
    ocpi_validate(arena, table, parse(arena, text), partial, &findings);
    return findings;
}

static const struct ocpi_finding *find(const struct ocpi_findings *findings, const char *pointer,
                                       enum ocpi_rule rule)
{
    for (unsigned i = 0; i < findings->kept; i++)
        if (findings->list[i].rule == rule && str_equal(findings->list[i].pointer, str_from(pointer)))
            return &findings->list[i];
    return NULL;
}

static void print_findings(const struct ocpi_findings *findings)
{
    for (unsigned i = 0; i < findings->kept; i++)
        print_message("  %s%s " STR_FMT "\n", findings->list[i].essential ? "essential " : "",
                      ocpi_rule_name(findings->list[i].rule), STR_ARG(findings->list[i].message));
}

/* Each essential field absent, null and empty refuses; what is only required does not. */
static void test_essential_breaches(void **state)
{
    for (unsigned i = 0; ocpi_objects[i] != NULL; i++) {
        const struct ocpi_object *object = ocpi_objects[i];
        struct ocpi_findings findings = validate(*state, object->name, "{}", false);
        unsigned essential = 0, required = 0;
        for (unsigned j = 0; j < object->field_count; j++) {
            const struct ocpi_field *field = &object->fields[j];
            bool is_list = field->card == OCPI_CARD_SOME;
            bool is_text = field->type != OCPI_TYPE_NUMBER && field->type != OCPI_TYPE_OBJECT;
            char body[100];
            required += field->card == OCPI_CARD_ONE || is_list;
            if (!field->essential)
                continue;
            essential++;
            snprintf(body, sizeof body, "{'%s':null}", field->name);
            struct ocpi_findings null = validate(*state, object->name, body, false);
            assert_int_equal(null.essential_count, findings.essential_count);
            if (!is_list && !is_text)
                continue;
            snprintf(body, sizeof body, is_list ? "{'%s':[]}" : "{'%s':''}", field->name);
            struct ocpi_findings empty = validate(*state, object->name, body, false);
            if (empty.essential_count != findings.essential_count)
                fail_msg("%s.%s empty", object->name, field->name);
        }
        assert_int_equal(findings.essential_count, essential);
        assert_int_equal(findings.essential_count + findings.finding_count, required);
    }
}

/* ---------------------------------------------------------------- the rules */

static void test_rules(void **state)
{
    static const struct {
        const char *object, *body;
        enum ocpi_rule rule;
        bool essential;
        const char *pointer, *message; /* message NULL: not looked at */
    } rows[] = {
        {"Location", "{'name':5}", OCPI_RULE_TYPE, true, "/name", "/name: not a string: 5"},
        {"Location", "{'publish':'true'}", OCPI_RULE_TYPE, true, "/publish",
         "/publish: not a boolean: \"true\""},
        {"Location", "{'evses':{}}", OCPI_RULE_TYPE, true, "/evses", "/evses: not a list: an object"},
        {"Location", "{'evses':[null]}", OCPI_RULE_TYPE, true, "/evses/0", "/evses/0: not an EVSE: null"},
        {"Location", "{'evses':[[]]}", OCPI_RULE_TYPE, true, "/evses/0", "/evses/0: not an EVSE: a list"},
        {"Location", "{'facilities':['HOTEL',7]}", OCPI_RULE_TYPE, true, "/facilities/1", NULL},
        {"Location", "{'coordinates':'1,2'}", OCPI_RULE_TYPE, true, "/coordinates", NULL},
        {"Location", "{'last_updated':1700000000}", OCPI_RULE_TYPE, true, "/last_updated", NULL},
        {"Session", "{'kwh':'1.5'}", OCPI_RULE_TYPE, true, "/kwh", "/kwh: not a number: \"1.5\""},
        {"Connector", "{'max_voltage':'230'}", OCPI_RULE_TYPE, true, "/max_voltage", NULL},
        {"Location", "{'coordinates':{'latitude':'51.04759'}}", OCPI_RULE_MISSING, false,
         "/coordinates/longitude", "/coordinates/longitude: required, but missing"},
        {"Location", "{'city':null}", OCPI_RULE_MISSING, false, "/city", "/city: required, but null"},
        {"Location", "{'id':null}", OCPI_RULE_MISSING, true, "/id", NULL},
        {"Location", "{'evses':[{}]}", OCPI_RULE_MISSING, true, "/evses/0/uid", NULL},
        {"Location", "{}", OCPI_RULE_MISSING, true, "/last_updated", NULL},
        {"Token", "{}", OCPI_RULE_MISSING, true, "/last_updated", NULL},
        {"Token", "{'last_updated':null}", OCPI_RULE_MISSING, true, "/last_updated", NULL},
        {"Location", "{'id':''}", OCPI_RULE_EMPTY, true, "/id", "/id: required, but empty"},
        {"EVSE", "{'status':''}", OCPI_RULE_EMPTY, true, "/status", NULL},
        {"EVSE", "{'connectors':[]}", OCPI_RULE_EMPTY, false, "/connectors", NULL},
        {"Tariff", "{'elements':[]}", OCPI_RULE_EMPTY, true, "/elements", NULL},
        {"Location", "{'country':'INDI'}", OCPI_RULE_LENGTH, false, "/country",
         "/country: longer than 3 characters: \"INDI\""},
        {"Location", "{'country':'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9'}", OCPI_RULE_LENGTH, false, "/country",
         NULL},
        {"Connector", "{'standard':'CCS2'}", OCPI_RULE_ENUM, false, "/standard",
         "/standard: not a ConnectorType: \"CCS2\""},
        {"EVSE", "{'connectors':[{'standard':'CCS2','id':'1'}]}", OCPI_RULE_ENUM, false,
         "/connectors/0/standard", "/connectors/0/standard: not a ConnectorType: \"CCS2\""},
        {"EVSE", "{'status':'available'}", OCPI_RULE_ENUM, true, "/status", NULL},
        {"EVSE", "{'status':'AVAIL'}", OCPI_RULE_ENUM, true, "/status", NULL},
        {"EVSE", "{'status':'AVAILABLE2'}", OCPI_RULE_ENUM, true, "/status", NULL},
        {"EVSE", "{'status':'AVAILABLE\\u0000'}", OCPI_RULE_ENUM, true, "/status", NULL},
        {"EVSE", "{'capabilities':['RESERVABLE','FLYING']}", OCPI_RULE_ENUM, false, "/capabilities/1", NULL},
        {"Session", "{'status':'RUNNING'}", OCPI_RULE_ENUM, true, "/status", NULL},
        {"PriceComponent", "{'type':'ENERGIE'}", OCPI_RULE_ENUM, true, "/type", NULL},
        {"CredentialsRole", "{'role':'MSP'}", OCPI_RULE_ENUM, true, "/role", NULL},
        {"AuthorizationInfo", "{'allowed':'PERHAPS'}", OCPI_RULE_ENUM, false, "/allowed", NULL},
        {"Location", "{'last_updated':'yesterday'}", OCPI_RULE_DATETIME, true, "/last_updated",
         "/last_updated: not a DateTime: \"yesterday\""},
        {"Location", "{'last_updated':''}", OCPI_RULE_DATETIME, true, "/last_updated", NULL},
        {"Session", "{'end_date_time':'2026-02-30T00:00:00Z'}", OCPI_RULE_DATETIME, true, "/end_date_time",
         NULL},
        {"Session", "{'end_date_time':'2026-01-31T12:00:00+05:30'}", OCPI_RULE_DATETIME, false,
         "/end_date_time", NULL},
        {"Session", "{'end_date_time':'2026-01-31T12:00:00.123456Z'}", OCPI_RULE_DATETIME, false,
         "/end_date_time", NULL},
        {"Location", "{'id':'caf\xc3\xa9'}", OCPI_RULE_CHARACTER, false, "/id",
         "/id: holds a non-ASCII or control character: \"caf\xc3\xa9\""},
        {"Location", "{'name':'a\\nb'}", OCPI_RULE_CHARACTER, false, "/name",
         "/name: holds a control character: \"a\\nb\""},
        {"Location", "{'name':'12345678\\u0085'}", OCPI_RULE_CHARACTER, false, "/name", NULL},
        {"Location", "{'name':'1234567\x7f'}", OCPI_RULE_CHARACTER, false, "/name", NULL},
        {"Location", "{'name':'1234\\t5678'}", OCPI_RULE_CHARACTER, false, "/name", NULL},
        {"Location", "{'name':'a\\ud83d'}", OCPI_RULE_SURROGATE, false, "/name",
         "/name: holds half of a surrogate pair, which is no character: \"a\\ud83d\""},
        {"Location", "{'id':'a\\udc00'}", OCPI_RULE_SURROGATE, true, "/id", NULL},
        {"Location", "{'evses':[{'uid':'\\ud83d\\ud83d'}]}", OCPI_RULE_SURROGATE, true, "/evses/0/uid", NULL},
        {"Connector", "{'terms_and_conditions':'www.example.com'}", OCPI_RULE_URL, false,
         "/terms_and_conditions", NULL},
        {"Connector", "{'terms_and_conditions':'https://'}", OCPI_RULE_URL, false, "/terms_and_conditions",
         NULL},
        {"Connector", "{'terms_and_conditions':'ftp://a'}", OCPI_RULE_URL, false, "/terms_and_conditions",
         NULL},
        {"Connector", "{'terms_and_conditions':'http://a b'}", OCPI_RULE_URL, false, "/terms_and_conditions",
         NULL},
        {"Connector", "{'max_voltage':230.5}", OCPI_RULE_INTEGER, false, "/max_voltage",
         "/max_voltage: not an integer: 230.5"},
        {"Location", "{'evses':[{'uid':'a'},{'uid':'b'},{'uid':'A'}]}", OCPI_RULE_DUPLICATE, true,
         "/evses/2/uid", "/evses/2/uid: given to an earlier element too: \"A\""},
        {"EVSE", "{'connectors':[{'id':'1'},{'id':'1'}]}", OCPI_RULE_DUPLICATE, true, "/connectors/1/id",
         NULL},
        {"Location", "{'name':'a','name':'b'}", OCPI_RULE_DUPLICATE, false, "/name", "/name: given twice"},
        {"Location", "{'id':'a','id':'b'}", OCPI_RULE_DUPLICATE, true, "/id", NULL},
        {"Location", "{'coordinates':{'latitude':'51.0475','longitude':'3.72900'}}", OCPI_RULE_FORMAT, false,
         "/coordinates/latitude", NULL},
        {"Location", "{'coordinates':{'latitude':'51.04759','longitude':'1234.72900'}}", OCPI_RULE_FORMAT,
         false, "/coordinates/longitude", NULL},
        {"RegularHours", "{'period_begin':'24:00'}", OCPI_RULE_FORMAT, false, "/period_begin", NULL},
        {"RegularHours", "{'period_begin':'8:00'}", OCPI_RULE_FORMAT, false, "/period_begin", NULL},
        {"TariffRestrictions", "{'start_date':'2026-13-01'}", OCPI_RULE_FORMAT, false, "/start_date", NULL},
        {"Credentials", "{'token':'a b'}", OCPI_RULE_FORMAT, false, "/token", NULL},
        {"RegularHours", "{'weekday':8}", OCPI_RULE_RANGE, false, "/weekday", "/weekday: not from 1 to 7: 8"},
        {"EnergySource", "{'percentage':-1}", OCPI_RULE_RANGE, false, "/percentage", NULL},
        {"Location", "[]", OCPI_RULE_TYPE, true, "", "the body: not a Location: a list"},
        {"StopSession", "{'session_id':'a','Session_ID':'b'}", OCPI_RULE_SPELLING, true, "/Session_ID",
         "/Session_ID: some readers take it for session_id: only that spelling, and once"},
        {"StopSession", "{'sessionId':'b'}", OCPI_RULE_SPELLING, true, "/sessionId", NULL},
        {"StopSession",
         "{'\xc5\xbf"
         "ession_id':'b'}",
         OCPI_RULE_SPELLING, true,
         "/\xc5\xbf"
         "ession_id",
         NULL},
        {"StartSession", "{'token':{'Party_ID':'ABC'}}", OCPI_RULE_SPELLING, true, "/token/Party_ID", NULL},
        {"Session", "{'cdrToken':{}}", OCPI_RULE_SPELLING, true, "/cdrToken", NULL},
        {"StopSession", "{'session_id':'S1 '}", OCPI_RULE_PADDING, true, "/session_id",
         "/session_id: no plain id (printable ASCII, without a space or slash at an end): \"S1 \""},
        {"StopSession", "{'session_id':'S1\\u0000'}", OCPI_RULE_PADDING, true, "/session_id", NULL},
        {"StopSession", "{'session_id':'S1/'}", OCPI_RULE_PADDING, true, "/session_id", NULL},
        {"StopSession", "{'session_id':'\xc2\xa0S1'}", OCPI_RULE_PADDING, true, "/session_id", NULL},
        {"LocationReferences", "{'evse_uids':['E1','E2\\t']}", OCPI_RULE_PADDING, true, "/evse_uids/1", NULL},
    };
    unsigned rules = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ocpi_findings findings = validate(*state, rows[i].object, rows[i].body, true);
        const struct ocpi_finding *finding = find(&findings, rows[i].pointer, rows[i].rule);
        if (finding == NULL || finding->essential != rows[i].essential) {
            print_findings(&findings);
            fail_msg("row %zu: %s %s", i, rows[i].object, rows[i].body);
        }
        if (rows[i].message != NULL && !str_equal(finding->message, str_from(rows[i].message)))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(finding->message));
        rules |= 1u << rows[i].rule;
    }
    assert_int_equal(rules, ((1u << OCPI_RULE_COUNT) - 1) & ~(1u << OCPI_RULE_UNKNOWN)); /* never told */
    for (unsigned rule = 0; rule < OCPI_RULE_COUNT; rule++)
        assert_non_null(ocpi_rule_name(rule));
}

/* What must not be found fault with. */
static void test_accepted(void **state)
{
    static const struct {
        const char *object, *body;
    } rows[] = {
        {"DisplayText",
         "{'language':'hi','text':'\xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4'}"},
        {"Price", "{'excl_vat':-1.50,'incl_vat':null}"},
        {"RegularHours", "{'weekday':7.0,'period_begin':'00:00','period_end':'23:59'}"},
        {"GeoLocation", "{'latitude':'-1.12345','longitude':'-179.123456'}"},
        {"ExceptionalPeriod",
         "{'period_begin':'2026-01-31T12:00:00','period_end':'2026-01-31T12:00:00.1234Z'}"},
        {"AuthorizationInfo", "{'allowed':'UNKNOWN','token':{'country_code':'IN','party_id':'ABC','uid':'1',"
                              "'type':'RFID','contract_id':'C','issuer':'I','valid':true,'whitelist':'NEVER',"
                              "'last_updated':'2026-01-31T12:00:00Z'}}"},
        {"Endpoint", "{'identifier':'inabc-tokens','role':'SENDER','url':'HTTPS://a.example'}"},
        {"Version", "{'version':'2.3.0','url':'http://[::1]:8080/ocpi'}"},
        {"Hours", "{'twentyfourseven':true,'regular_hours':null,'exceptional_openings':[]}"},
        {"Response", "{'data':[1,'x',null],'status_code':1000,'timestamp':'2026-01-31T12:00:00Z'}"},
        {"Image", "{'url':'http://a','category':'OTHER','type':'png','width':99999}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ocpi_findings findings = validate(*state, rows[i].object, rows[i].body, false);
        if (findings.kept != 0) {
            print_findings(&findings);
            fail_msg("row %zu: %s", i, rows[i].body);
        }
    }
    struct ocpi_findings findings =
        validate(*state, "Session", "{'status':'RESERVED','last_updated':'2026-01-31T12:00:00Z'}", true);
    assert_int_equal(findings.kept, 0);
}

/* The START_SESSION that partners are shown carries three of a Token's nine required fields. */
static void test_start_session_with_short_token(void **state)
{
    struct ocpi_findings findings =
        validate(*state, "StartSession",
                 "{'response_url':'https://your-platform.example/ocpi/callbacks/commands',"
                 "'token':{'uid':'04A1','type':'RFID','contract_id':'IN-ABC-C1'},"
                 "'location_id':'LOC001','evse_uid':'EVSE001','connector_id':'1'}",
                 false);
    assert_int_equal(findings.essential_count, 0);
    assert_int_equal(findings.finding_count, 6);
    assert_false(ocpi_findings_refuse(&findings, false));
    assert_true(ocpi_findings_refuse(&findings, true));
    findings = validate(*state, "StartSession",
                        "{'response_url':'https://a','token':{'type':'RFID'},'location_id':'L'}", false);
    assert_non_null(find(&findings, "/token/uid", OCPI_RULE_MISSING));
    assert_true(ocpi_findings_refuse(&findings, false));
}

/* A tariff in a CDR and a token in an answer are information: they are checked, but refuse nothing by
 * absence. */
static void test_relaxed(void **state)
{
    struct ocpi_findings findings = validate(
        *state, "CDR",
        "{'last_updated':'2026-01-31T12:00:00Z','tariffs':[{'elements':[{'price_components':[{}]}]}]}", true);
    assert_int_equal(findings.essential_count, 0);
    assert_int_equal(findings.finding_count, 8);
    findings = validate(*state, "AuthorizationInfo", "{'allowed':'ALLOWED','token':{}}", false);
    assert_int_equal(findings.essential_count, 0);
    findings = validate(*state, "AuthorizationInfo", "{'allowed':'ALLOWED','token':{'uid':1}}", false);
    assert_int_equal(findings.essential_count, 1);
}

static void test_partial(void **state)
{
    struct ocpi_findings findings =
        validate(*state, "EVSE", "{'status':'CHARGING','last_updated':'2026-01-31T12:00:00Z'}", true);
    assert_int_equal(findings.kept, 0);
    findings = validate(*state, "EVSE", "{'status':'CHARGING'}", true);
    assert_int_equal(findings.essential_count, 1);
    assert_non_null(find(&findings, "/last_updated", OCPI_RULE_MISSING));
    /* Objects inside a PATCH replace whole ones. */
    findings = validate(*state, "Session",
                        "{'last_updated':'2026-01-31T12:00:00Z','cdr_token':{'type':'RFID'}}", true);
    assert_int_equal(findings.essential_count, 1);
    /* whose token it is may be said otherwise */
    assert_int_equal(findings.finding_count, 3);
}

static void test_ten_findings(void **state)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, "{'x1':1,'x2':2,'facilities':[");
    for (int i = 0; i < 12; i++)
        buffer_printf(&body, "%s'F%d'", i > 0 ? "," : "", i);
    buffer_append_text(&body, "],'x3':3,'party_id':1,'id':2,'last_updated':'2026-01-31T12:00:00Z'}");
    buffer_append_byte(&body, '\0');
    struct ocpi_findings findings = validate(*state, "Location", body.data, true);
    assert_int_equal(findings.essential_count, 2);
    assert_int_equal(findings.finding_count, 12);
    assert_int_equal(findings.unknown_count, 3);
    assert_int_equal(findings.kept, OCPI_FINDINGS_MAX);
    assert_true(str_equal(findings.list[0].pointer, STR("/party_id")));
    assert_true(str_equal(findings.list[1].pointer, STR("/id")));
    for (unsigned i = 2; i < OCPI_FINDINGS_MAX; i++) {
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/facilities/%u", i - 2);
        assert_true(str_equal(findings.list[i].pointer, str_from(pointer)));
    }
    buffer_free(&body);
}

static void test_findings_text(void **state)
{
    struct ocpi_findings findings = validate(
        *state, "Connector", "{'x':1,'standard':'CCS2','id':7,'last_updated':'2026-01-31T12:00:00Z'}", true);
    assert_true(str_equal(ocpi_findings_text(*state, &findings),
                          STR("/id: not a string: 7; /standard: not a ConnectorType: \"CCS2\"")));
    assert_int_equal(findings.kept, 2);
    findings = validate(*state, "Connector", "{'x':1,'last_updated':'2026-01-31T12:00:00Z'}", true);
    assert_int_equal(ocpi_findings_text(*state, &findings).length, 0);
    assert_false(ocpi_findings_refuse(&findings, true));
}

/* Found text is cut at 40 characters, never inside one or inside an escape. */
static void test_cuts(void **state)
{
    struct ocpi_findings findings = validate(
        *state, "Connector",
        "{'standard':'\\u0041234567890123456789012345678901234567\\n\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9'}",
        true);
    const struct ocpi_finding *finding = find(&findings, "/standard", OCPI_RULE_ENUM);
    assert_non_null(finding);
    assert_true(str_ends_with(finding->message,
                              STR("\"\\u0041234567890123456789012345678901234567\\n\xc3\xa9\xc3\xa9…\"")));
    findings = validate(*state, "Price", "{'excl_vat':1,'incl_vat':true}", false);
    assert_true(str_ends_with(findings.list[0].message, STR("not a number: true")));
}

/* ---------------------------------------------------------------- size */

/* A location with `count` EVSEs without a fault; `repeated` (or -1) has another one's uid in other letters.
 */
static void location_write(struct buffer *out, int count, int repeated)
{
    buffer_append_text(out,
                       "{'country_code':'IN','party_id':'ABC','id':'L1','publish':true,'address':'MG Road 1',"
                       "'city':'Pune','country':'IND','coordinates':{'latitude':'18.52043','longitude':"
                       "'73.85674'},'evses':[");
    for (int i = 0; i < count; i++)
        buffer_printf(
            out,
            "%s{'uid':'%s%d','status':'AVAILABLE','connectors':[{'id':'1','standard':'IEC_62196_T2_COMBO',"
            "'format':'CABLE','power_type':'DC','max_voltage':920,'max_amperage':200,'last_updated':"
            "'2026-01-31T12:00:00Z'}],'last_updated':'2026-01-31T12:00:00Z'}",
            i > 0 ? "," : "", i == repeated ? "Evse-" : "EVSE-", i == repeated ? 0 : i);
    buffer_append_text(out, "],'time_zone':'Asia/Kolkata','last_updated':'2026-01-31T12:00:00Z'}");
    buffer_append_byte(out, '\0');
}

static void test_long_lists(void **state)
{
    static const struct {
        int count, repeated;
    } rows[] = {{2, -1}, {2, 1}, {16, -1}, {16, 15}, {17, -1}, {17, 16}, {17, 8}, {10000, -1}, {10000, 4711}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer body;
        char pointer[40];
        buffer_init(&body, 0);
        location_write(&body, rows[i].count, rows[i].repeated);
        struct ocpi_findings findings = validate(*state, "Location", body.data, false);
        buffer_free(&body);
        if (findings.kept != (rows[i].repeated < 0 ? 0 : 1))
            fail_msg("row %zu", i);
        snprintf(pointer, sizeof pointer, "/evses/%d/uid", rows[i].repeated);
        assert_int_equal(find(&findings, pointer, OCPI_RULE_DUPLICATE) != NULL, rows[i].repeated >= 0);
    }
}

static void test_nothing_found_allocates_nothing(void **state)
{
    struct arena empty;
    struct buffer body;
    struct ocpi_findings findings;
    buffer_init(&body, 0);
    location_write(&body, 16, -1);
    const struct json_value *value = parse(*state, body.data);
    arena_init(&empty, 0);
    ocpi_validate(&empty, &ocpi_location, value, false, &findings);
    assert_int_equal(findings.kept, 0);
    assert_int_equal(arena_size(&empty), 0);
    arena_free(&empty);
    buffer_free(&body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_essential_breaches),
        TEST(test_rules),
        TEST(test_accepted),
        TEST(test_start_session_with_short_token),
        TEST(test_relaxed),
        TEST(test_partial),
        TEST(test_ten_findings),
        TEST(test_findings_text),
        TEST(test_cuts),
        TEST(test_long_lists),
        TEST(test_nothing_found_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
