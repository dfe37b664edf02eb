/* Finding a partner's endpoints (hub-ocpi(7), CREDENTIALS): lists, details, other versions, what is not taken. */
#include "tests/hubd/fixture.h"

#include "hubd/calls/discovery.h"

#define HOST           "https://in-cpo.example"
#define ENVELOPE(data) "{\"status_code\":1000,\"timestamp\":\"2030-01-01T00:00:00Z\",\"data\":" data "}"
#define LIST(version, url)                                                                                   \
    ENVELOPE("[{\"version\":\"2.1.1\",\"url\":\"" HOST "/2.1.1\"},{\"version\":\"" version                   \
             "\",\"url\":\"" url "\"}]")
#define ENDPOINT(id, role, url) "{\"identifier\":\"" id "\",\"role\":\"" role "\",\"url\":\"" url "\"}"
#define DETAILS(endpoints)      ENVELOPE("{\"version\":\"2.2.1\",\"endpoints\":[" endpoints "]}")
#define SESSIONS                ENDPOINT("sessions", "RECEIVER", HOST "/sessions")
#define CDRS                    ENDPOINT("CDRs", "sender", HOST "/cdrs/")

static int setup(void **state)
{
    struct bench *bench = bench_open(0, NULL);
    bench_add_party(bench, "IN-CPO", OCPI_ROLE_CPO);
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HTTP(404));
    *state = bench;
    return 0;
}

static void discovered(struct discovery *discovery)
{
    *(bool *)discovery->context = true;
}

static struct discovery *discover(struct bench *bench, const char *url, const char *learned)
{
    struct discovery *discovery = arena_alloc(&bench->arena, sizeof *discovery);
    bool done = false;
    *discovery = (struct discovery){.arena = &bench->arena,
                                    .hub = &bench->hub,
                                    .timeout_ms = 1000,
                                    .client = bench->hub.control_client,
                                    .token = STR("secret-token"),
                                    .url = str_from(url),
                                    .learned = str_from(learned),
                                    .done = discovered,
                                    .context = &done};
    discovery_start(discovery);
    bench_advance(bench, 10000);
    assert_true(done);
    return discovery;
}

static void serve(const char *url, const char *body)
{
    partners_answer("GET", url, 0, (struct partner_answer){.http = 200, .body = body});
}

/* "sessions:R@https://… cdrs:S@…" */
static struct str endpoints_text(struct bench *bench, const struct discovery *discovery)
{
    struct str all = STR("");
    for (size_t i = 0; i < discovery->endpoint_count; i++) {
        const struct discovery_endpoint *endpoint = &discovery->endpoints[i];
        all = arena_printf(&bench->arena, STR_FMT "%s" STR_FMT ":%s%s@" STR_FMT, STR_ARG(all),
                           i > 0 ? " " : "", STR_ARG(endpoint->module), endpoint->sender ? "S" : "",
                           endpoint->receiver ? "R" : "", STR_ARG(endpoint->url));
    }
    return all;
}

static void assert_message(const struct discovery *discovery, int status, const char *part)
{
    assert_int_equal(discovery->status, status);
    if (memmem(discovery->message.data, discovery->message.length, part, strlen(part)) == NULL)
        fail_msg("\"" STR_FMT "\" without \"%s\"", STR_ARG(discovery->message), part);
}

/* ---------------------------------------------------------------- found */

static void a_list_and_its_details(void **state)
{
    struct bench *bench = *state;
    serve("/versions", LIST("2.2.1", HOST "/2.2.1"));
    serve("/2.2.1", DETAILS(SESSIONS "," CDRS));
    struct discovery *found = discover(bench, HOST "/versions", "");
    assert_int_equal(found->status, OCPI_SUCCESS);
    assert_str(endpoints_text(bench, found), "sessions:R@" HOST "/sessions cdrs:S@" HOST "/cdrs");
    assert_str(found->versions_url, HOST "/versions");
    assert_str(found->proven, HOST "/versions " HOST "/2.2.1");
    assert_calls(bench, 0, "versions 2.2.1");
}

/* What partners give as `url` in the field, and what they answer there. */
static void what_stands_where_a_list_should(void **state)
{
    static const struct {
        const char *url, *served, *body, *calls;
    } cases[] = {
        {HOST "/2.2.1", "/2.2.1", DETAILS(SESSIONS), "2.2.1"}, /* the details themselves */
        {HOST "/ocpi", "/ocpi/versions", LIST("2.2.1", HOST "/d/2.2.1"), "ocpi versions versions 2.2.1"},
        {HOST "/ocpi/credentials", "/ocpi/versions", LIST("v2.2.1", HOST "/d/2.2.1"),
         "credentials versions 2.2.1"},
        {HOST "/bare", "/bare", "[{\"version\":\"2.2.1-d2\",\"url\":\"" HOST "/d/2.2.1\"}]", "bare 2.2.1"},
        {HOST "/object", "/object", "{\"versions\":[{\"version\":\"2.2.1\",\"url\":\"" HOST "/d/2.2.1\"}]}",
         "object 2.2.1"},
        {HOST "/one", "/one", "[" DETAILS(SESSIONS) "]", "one"},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HTTP(404));
        serve("/d/2.2.1", DETAILS(SESSIONS));
        serve(cases[i].served, cases[i].body);
        size_t before = partners_count();
        struct discovery *found = discover(bench, cases[i].url, "");
        if (found->status != OCPI_SUCCESS)
            fail_msg("%s: " STR_FMT, cases[i].url, STR_ARG(found->message));
        assert_str(endpoints_text(bench, found), "sessions:R@" HOST "/sessions");
        assert_calls(bench, before, cases[i].calls);
    }
}

/* What answered another time is asked last, and only on the same host. */
static void what_was_learnt_is_asked_last(void **state)
{
    struct bench *bench = *state;
    serve("/hidden/list", LIST("2.2.1", HOST "/2.2.1"));
    serve("/2.2.1", DETAILS(SESSIONS));
    assert_int_equal(discover(bench, HOST "/versions", HOST "/hidden/list")->status, OCPI_SUCCESS);
    assert_calls(bench, 0, "versions list 2.2.1");
    size_t before = partners_count();
    discover(bench, HOST "/versions", "https://other.example/hidden/list");
    assert_calls(bench, before, "versions");
}

static void the_tokens_other_form(void **state)
{
    struct bench *bench = *state;
    serve("/versions", LIST("2.2.1", HOST "/2.2.1"));
    serve("/2.2.1", DETAILS(SESSIONS));
    partners_answer(NULL, "/versions", 1, (struct partner_answer)ANSWER_HTTP(403));
    struct discovery *found = discover(bench, HOST "/versions", "");
    assert_int_equal(found->status, OCPI_SUCCESS);
    assert_true(found->used_raw);
    assert_calls(bench, 0, "versions versions 2.2.1");
    assert_str(partners_header(partners_call(2), "Authorization"), "Token secret-token");
}

/* ---------------------------------------------------------------- not found */

static void without_2_2_1(void **state)
{
    struct bench *bench = *state;
    serve("/versions", LIST("2.3", HOST "/2.3"));
    assert_message(discover(bench, HOST "/versions", ""), OCPI_UNSUPPORTED_VERSION,
                   "does not contain 2.2.1, only 2.1.1, 2.3");
    serve("/versions", ENVELOPE("[]"));
    assert_message(discover(bench, HOST "/versions", ""), OCPI_UNSUPPORTED_VERSION, "does not contain 2.2.1");
    serve("/2.1.1", ENVELOPE("{\"version\":\"2.1.1\",\"endpoints\":[]}"));
    serve("/versions", "");
    assert_message(discover(bench, HOST "/2.1.1", ""), OCPI_UNSUPPORTED_VERSION,
                   "details are of 2.1.1, not of 2.2.1");
    serve("/versions", LIST("2.2.1", HOST "/2.1.1"));
    assert_message(discover(bench, HOST "/versions", ""), OCPI_UNSUPPORTED_VERSION, "details are of 2.1.1");
}

static void without_endpoints(void **state)
{
    struct bench *bench = *state;
    serve("/versions", LIST("2.2.1", HOST "/2.2.1"));
    serve("/2.2.1", DETAILS(""));
    assert_message(discover(bench, HOST "/versions", ""), OCPI_NO_MATCHING_ENDPOINTS, "list no endpoints");
    serve("/2.2.1", DETAILS(ENDPOINT("sessions", "RECEIVER", "ftp://in-cpo.example/sessions")));
    struct discovery *found = discover(bench, HOST "/versions", "");
    assert_message(found, OCPI_NO_MATCHING_ENDPOINTS, "that can be used: sessions: ");
    assert_int_equal(found->endpoint_count, 0);
}

static void what_cannot_be_called(void **state)
{
    static const struct {
        struct partner_answer answer;
        bool unauthorized;
        const char *part;
    } cases[] = {
        {ANSWER_REFUSED, false, "not reached"},
        {ANSWER_HANG, false, "no answer in time"},
        {ANSWER_HTTP(401), true, "HTTP 401"},
        {ANSWER_HTTP(403), true, "HTTP 403"},
        {ANSWER_OCPI(2001), true, "neither versions nor version details at"},
        {ANSWER_HTTP(500), false, "HTTP 500"},
        {{.http = 200, .body = "<html>"}, false, "neither versions nor version details at"},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        partners_answer(NULL, NULL, 0, cases[i].answer);
        struct discovery *found = discover(bench, HOST "/versions", "");
        assert_message(found, OCPI_UNABLE_TO_USE_API, cases[i].part);
        assert_int_equal(found->unauthorized, cases[i].unauthorized);
        assert_null(memmem(found->message.data, found->message.length, "secret", 6));
    }
}

/* The token is not taken to another host, whatever the list says; nor is it shown when a partner sends it back. */
static void the_token_stays_where_it_belongs(void **state)
{
    struct bench *bench = *state;
    serve("/versions", LIST("2.2.1", "https://other.example/2.2.1"));
    assert_message(discover(bench, HOST "/versions", ""), OCPI_UNABLE_TO_USE_API, "on another host");
    assert_calls(bench, 0, "versions");
    serve("/versions", LIST("2.2.1", HOST "/2.2.1"));
    serve("/2.2.1", DETAILS(ENDPOINT("secret-token", "RECEIVER", "ftp://in-cpo.example/x")));
    struct discovery *found = discover(bench, HOST "/versions", "");
    assert_int_equal(found->status, OCPI_NO_MATCHING_ENDPOINTS);
    assert_null(memmem(found->message.data, found->message.length, "secret-token", 12));
}

/* ---------------------------------------------------------------- parts */

static void where_versions_stand_beside(void **state)
{
    static const char *const cases[][2] = {
        {HOST, HOST "/versions"},
        {HOST "/", HOST "/versions"},
        {HOST "/versions", HOST "/versions"},
        {HOST "/versions/", HOST "/versions"},
        {HOST "/ocpi/2.2.1/credentials", HOST "/ocpi/2.2.1/versions"},
        {HOST "/ocpi/credentials?key=1", HOST "/ocpi/versions?key=1"},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_str(discovery_versions_url(&bench->arena, str_from(cases[i][0])), cases[i][1]);
}

static void names_of_the_version(void **state)
{
    (void)state;
    static const char *const good[] = {"2.2.1", "v2.2.1", "V2.2.1", " 2.2.1 ", "2.2.1-d2"};
    static const char *const bad[] = {"2.2", "2.2.10", "2.2.1.1", "", "v", "12.2.1", "2.2.1 d2"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(discovery_is_221(str_from(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(discovery_is_221(str_from(bad[i])));
}

#define DISCOVERY_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISCOVERY_TEST(a_list_and_its_details),
        DISCOVERY_TEST(what_stands_where_a_list_should),
        DISCOVERY_TEST(what_was_learnt_is_asked_last),
        DISCOVERY_TEST(the_tokens_other_form),
        DISCOVERY_TEST(without_2_2_1),
        DISCOVERY_TEST(without_endpoints),
        DISCOVERY_TEST(what_cannot_be_called),
        DISCOVERY_TEST(the_token_stays_where_it_belongs),
        DISCOVERY_TEST(where_versions_stand_beside),
        cmocka_unit_test(names_of_the_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
