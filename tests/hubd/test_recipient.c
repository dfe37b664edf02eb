/* Who is meant, and who may (hub-ocpi(7), ROUTING, TOKENS): every role against every module with its rule on and off, and the
 * search for the eMSP of a token. */
#include "tests/hubd/objects.h"

#include "lib/json/reader.h"

#define SECOND         INT64_C(1000)
#define T0             "2030-01-01T00:00:00Z"
#define AUTHORIZE      "/ocpi/2.2.1/tokens/T9/authorize"
#define ENVELOPE(data) "{\"status_code\":1000,\"timestamp\":\"" T0 "\",\"data\":" data "}"
#define TOKEN                                                                                                \
    "{\"country_code\":\"IN\",\"party_id\":\"MSP\",\"uid\":\"T9\",\"type\":\"RFID\",\"contract_id\":\"C9\"," \
    "\"issuer\":\"I\",\"valid\":true,\"whitelist\":\"NEVER\",\"last_updated\":\"" T0 "\"}"
#define ALLOWED ENVELOPE("{\"allowed\":\"ALLOWED\",\"token\":" TOKEN "}")

/* ---------------------------------------------------------------- the matrix */

static const struct {
    const char *key;
    unsigned roles;
} callers[] = {{"IN-CPO", OCPI_ROLE_CPO},
               {"IN-MSP", OCPI_ROLE_EMSP},
               {"IN-SCS", OCPI_ROLE_SCSP},
               {"IN-NSP", OCPI_ROLE_NSP}};
#define CALLERS (sizeof callers / sizeof callers[0])

/*
 * What comes of a request, a letter for each caller: with the rule on, behind the slash with the rule off.
 * Y: 1000, and a partner was called or something is shown; -: 1000, nobody was called and nothing is shown;
 * N: NOT_ROUTED; U: UNKNOWN_SESSION; F: 403, not for this role; 0: 404; !: anything else. "{owner}" in a path: the caller's own.
 */
struct row {
    const char *method, *path, *expected;
    const char *(*object)(struct bench *bench);
};

static const char *a_location(struct bench *bench)
{
    return object_location(bench, "L1", T0);
}

static const char *a_tariff(struct bench *bench)
{
    return object_tariff(bench, "T1", T0);
}

static const char *a_session(struct bench *bench)
{
    return object_session(bench, "S1", "MSP", T0);
}

/* Immutable: one more each time. */
static const char *a_cdr(struct bench *bench)
{
    return object_cdr(bench, text(&bench->store, "C%zu", partners_count()).data, "MSP", "");
}

static const char *a_token(struct bench *bench)
{
    (void)bench;
    return TOKEN;
}

static const char *a_patch(struct bench *bench)
{
    (void)bench;
    return "{\"valid\":false,\"last_updated\":\"" T0 "\"}";
}

static const char *a_start(struct bench *bench)
{
    (void)bench;
    return "{\"response_url\":\"https://in-msp.example/result\",\"token\":" TOKEN ",\"location_id\":\"L1\"}";
}

static const char *preferences(struct bench *bench)
{
    (void)bench;
    return "{\"profile_type\":\"CHEAP\"}";
}

static const char *nothing(struct bench *bench)
{
    (void)bench;
    return NULL;
}

static const struct row rows[] = {
    {"PUT", "locations/{owner}/L1", "YFFF/-FFF", a_location},
    {"GET", "locations", "YYFF/Y-FF", nothing},
    {"GET", "locations/IN/CPO/L1", "YYFF/YNFF", nothing},
    {"GET", "locations/L1", "YYFF/YNFF", nothing},
    {"PUT", "tariffs/{owner}/T1", "YFFF/-FFF", a_tariff},
    {"GET", "tariffs", "YYFF/Y-FF", nothing},
    {"GET", "tariffs/IN/CPO/T1", "YYFF/YNFF", nothing},
    {"PUT", "sessions/{owner}/S1", "YFFF/-FFF", a_session},
    {"GET", "sessions", "FYFF/F-FF", nothing},
    {"GET", "sessions/IN/CPO/S1", "YYFF/YNFF", nothing},
    {"PUT", "sessions/S1/charging_preferences", "FYFF/FNFF", preferences},
    {"POST", "cdrs", "YFFF/-FFF", a_cdr},
    {"GET", "cdrs", "FYFF/F-FF", nothing},
    {"PUT", "tokens/{owner}/T9", "FYFF/F-FF", a_token},
    {"PATCH", "tokens/{owner}/T9", "FYFF/F-FF", a_patch},
    {"GET", "tokens", "YFFF/NFFF", nothing},
    {"POST", "tokens/T9/authorize", "YFFF/NFFF", nothing},
    {"PUT", "tokens/{owner}/T9/authorize", "FYFF/FNFF", nothing},
    {"POST", "commands/START_SESSION", "FYFF/FNFF", a_start},
    {"GET", "chargingprofiles/S1?duration=60&response_url=https://in-msp.example/r", "FYUF/FNUF", nothing},
    {"GET", "hubclientinfo", "YYYY/YYYY", nothing},
    /* who is meant can only OCPI-to say */
    {"GET", "vendor/things", "0000/0000", nothing},
};

static char outcome(struct bench *bench, const struct row *row, const char *key)
{
    size_t before = partners_count();
    const char *owner = strstr(row->path, "{owner}");
    struct str path = owner == NULL
                          ? arena_printf(&bench->arena, "/ocpi/2.2.1/%s", row->path)
                          : arena_printf(&bench->arena, "/ocpi/2.2.1/%.*sIN/%s%s", (int)(owner - row->path),
                                         row->path, key + 3, owner + sizeof "{owner}" - 1);
    struct bench_answer answer = bench_request(bench, key, row->method, path.data, row->object(bench));
    const struct json_value *body = NULL, *data;
    bench_advance(bench, 30 * SECOND);
    if (answer.status == 403)
        return 'F';
    if (answer.status == 404)
        return '0';
    if (bench_has(answer.body, "NOT_ROUTED"))
        return 'N';
    if (bench_has(answer.body, "UNKNOWN_SESSION"))
        return 'U';
    if (answer.status_code != 1000 || json_parse(&bench->arena, answer.body, 16, &body, NULL) != OK) {
        print_message("%s %s %s: %d " STR_FMT "\n", key, row->method, row->path, answer.status,
                      STR_ARG(answer.body));
        return '!';
    }
    data = json_get(body, "data");
    return partners_count() > before || (data != NULL && data->child != NULL) ? 'Y' : '-';
}

/* Each row with all callers, first with the rule on, then off; what one leaves behind is there for the next. */
static void the_matrix(void **state)
{
    const char *settings[] = {"emsp_backfill=yes", NULL};
    struct bench *bench = bench_open(BENCH_OUTBOX | BENCH_REQUESTS, settings);
    (void)state;
    for (size_t i = 0; i < CALLERS; i++)
        bench_add_party(bench, callers[i].key, callers[i].roles);
    for (size_t i = 0; i < 2; i++) {
        static const char *const modules[] = {"sessions",         "cdrs",      "tokens",  "commands",
                                              "chargingprofiles", "locations", "tariffs", "vendor"};
        for (size_t m = 0; m < sizeof modules / sizeof modules[0]; m++)
            bench_set_receiver(bench, callers[i].key, modules[m], NULL);
    }
    bench_set_pushed(bench, "IN-MSP", "locations tariffs");
    partners_answer(NULL, "/authorize", 0, (struct partner_answer){.http = 200, .body = ALLOWED});
    partners_answer(
        "POST", "/START_SESSION", 0,
        (struct partner_answer){.http = 200, .body = ENVELOPE("{\"result\":\"ACCEPTED\",\"timeout\":30}")});
    partners_answer(
        NULL, "/chargingprofiles", 0,
        (struct partner_answer){.http = 200, .body = ENVELOPE("{\"result\":\"ACCEPTED\",\"timeout\":30}")});
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char found[2 * CALLERS + 2] = {0};
        for (size_t on = 0; on < 2; on++) {
            bench_set_rule(bench, "IN-MSP", "IN-CPO", on == 0 ? STORE_RULE_ON : STORE_RULE_OFF);
            for (size_t c = 0; c < CALLERS; c++)
                found[on * (CALLERS + 1) + c] = outcome(bench, &rows[i], callers[c].key);
        }
        found[CALLERS] = '/';
        if (strcmp(found, rows[i].expected) != 0)
            print_message("%s %s: \"%s\", expected \"%s\"\n", rows[i].method, rows[i].path, found,
                          rows[i].expected);
        wrong += strcmp(found, rows[i].expected) != 0;
    }
    bench_close(bench);
    assert_int_equal(wrong, 0);
}

/* ---------------------------------------------------------------- a token's eMSP */

/* One CPO, and three eMSPs with a receiver for tokens, of which the last is suspended; no rules. */
static int setup(void **state)
{
    static const char *const emsps[] = {"IN-ONE", "IN-TWO", "IN-SUS"};
    struct bench *bench = bench_open(BENCH_REQUESTS, NULL);
    bench_add_party(bench, "IN-CPO", OCPI_ROLE_CPO);
    for (size_t i = 0; i < 3; i++) {
        bench_add_party(bench, emsps[i], OCPI_ROLE_EMSP);
        bench_set_receiver(bench, emsps[i], "tokens", NULL);
    }
    bench_set_suspended(bench, "IN-SUS", true);
    partners_answer(NULL, "/authorize", 0, (struct partner_answer){.http = 200, .body = ALLOWED});
    *state = bench;
    return 0;
}

static void route(struct bench *bench, const char *emsp, enum store_rule_state state)
{
    bench_set_rule(bench, emsp, "IN-CPO", state);
}

static struct bench_answer authorize(struct bench *bench)
{
    return bench_request(bench, "IN-CPO", "POST", AUTHORIZE, NULL);
}

/* Of a token that nobody has: the only eMSP that can be reached is asked. */
static void the_only_emsp_is_asked(void **state)
{
    struct bench *bench = *state;
    assert_true(bench_has(authorize(bench).body, "NOT_ROUTED: no eMSP is enabled for IN-CPO"));
    route(bench, "IN-ONE", STORE_RULE_ON);
    struct bench_answer answer = authorize(bench);
    assert_answer(answer, 200, 1000);
    assert_true(bench_has(answer.body, "\"allowed\":\"ALLOWED\""));
    assert_int_equal(partners_count(), 1);
    assert_str(partners_call(0)->url, "https://in-one.example/tokens/T9/authorize");
    assert_str(partners_header(partners_call(0), "OCPI-to-party-id"), "ONE");
    route(bench, "IN-SUS", STORE_RULE_ON); /* one that is suspended makes it no less the only one */
    assert_answer(authorize(bench), 200, 1000);
    route(bench, "IN-ONE", STORE_RULE_DRAIN); /* a token is no session that had begun */
    answer = authorize(bench);
    assert_int_equal(answer.status_code, 4003);
    assert_true(bench_has(answer.body, "IN-SUS is suspended"));
    assert_int_equal(partners_count(), 2);
}

/* Several that can be reached: nobody is asked unless the token is known to be one's. */
static void one_of_several_must_be_known(void **state)
{
    struct bench *bench = *state;
    route(bench, "IN-ONE", STORE_RULE_ON);
    route(bench, "IN-TWO", STORE_RULE_ON);
    struct bench_answer answer = authorize(bench);
    assert_answer(answer, 200, 2001);
    assert_true(bench_has(answer.body, "OCPI-to headers must say which one is meant"));
    assert_int_equal(partners_count(), 0);
    /* a session with that token tells whose it is */
    const char *session = object_session(bench, "S1", "TWO", T0);
    char *uid = strstr(session, "\"T1\"");
    assert_non_null(uid);
    uid[2] = '9';
    assert_int_equal(
        bench_request(bench, "IN-CPO", "PUT", "/ocpi/2.2.1/sessions/IN/CPO/S1", session).status_code, 1000);
    assert_answer(authorize(bench), 200, 1000);
    assert_str(partners_call(0)->url, "https://in-two.example/tokens/T9/authorize");
    /* whose it is counts only while it can be reached */
    route(bench, "IN-TWO", STORE_RULE_OFF);
    assert_answer(authorize(bench), 200, 1000);
    assert_str(partners_call(1)->url, "https://in-one.example/tokens/T9/authorize");
}

static void set_status(struct store_platform *row, void *context)
{
    row->status = *(const enum store_platform_status *)context;
}

/* An OFFLINE eMSP is still the one that is meant: it is tried once in five seconds, and nobody else in its place. */
static void one_that_is_offline(void **state)
{
    enum store_platform_status offline = STORE_PLATFORM_OFFLINE;
    struct bench *bench = *state;
    route(bench, "IN-ONE", STORE_RULE_ON);
    bench_set_platform(bench, "IN-ONE", set_status, &offline);
    partners_answer(NULL, "in-one", 1, (struct partner_answer)ANSWER_REFUSED);
    assert_int_equal(authorize(bench).status_code, 4003);
    assert_int_equal(authorize(bench).status_code, 4003);
    assert_int_equal(partners_count(), 1);
    bench_advance(bench, 5 * SECOND);
    assert_answer(authorize(bench), 200, 1000);
    assert_int_equal(partners_count(), 2);
    route(bench, "IN-TWO", STORE_RULE_ON); /* OFFLINE makes no choice between two */
    assert_answer(authorize(bench), 200, 2001);
    assert_int_equal(partners_count(), 2);
}

#define RECIPIENT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_matrix),
        RECIPIENT_TEST(the_only_emsp_is_asked),
        RECIPIENT_TEST(one_of_several_must_be_known),
        RECIPIENT_TEST(one_that_is_offline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
