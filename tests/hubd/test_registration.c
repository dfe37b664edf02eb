/* The exchange of credentials that a partner begins (hub-ocpi(7), CREDENTIALS): POST, PUT and DELETE of partners whose versions
 * are answered rudely. */
#include "tests/hubd/objects.h"

#define SECOND            INT64_C(1000)
#define CREDENTIALS       "/ocpi/2.2.1/credentials"
#define HOST              "https://in-new.example"
#define ENVELOPE(data)    "{\"status_code\":1000,\"timestamp\":\"2030-01-01T00:00:00Z\",\"data\":" data "}"
#define VERSIONS(version) ENVELOPE("[{\"version\":\"" version "\",\"url\":\"" HOST "/" version "\"}]")
#define ENDPOINT(id)      "{\"identifier\":\"" id "\",\"role\":\"RECEIVER\",\"url\":\"" HOST "/" id "\"}"
#define DETAILS                                                                                              \
    ENVELOPE("{\"version\":\"2.2.1\",\"endpoints\":[" ENDPOINT("sessions") "," ENDPOINT(                     \
        "cdrs") "," ENDPOINT("tokens") "," ENDPOINT("commands") "]}")

/* PLANNED again, with what it presents ("IN-NEW-hub") as its initial token. */
static void make_planned(struct bench *bench)
{
    int64_t id = bench_party(bench, "IN-NEW")->platform->row.id;
    const struct store_token *hub_token;
    size_t count;
    struct registry_snapshot *snapshot = registry_hold(bench->hub.control_view);
    hub_token = registry_tokens_of(snapshot, id, &count);
    assert_int_equal(count, 1);
    struct store_apply *apply = new_batch(&bench->store);
    struct store_platform *row = &add_op(apply, STORE_PUT_PLATFORM)->u.platform;
    *row = bench_party(bench, "IN-NEW")->platform->row;
    row->status = STORE_PLATFORM_PLANNED;
    row->token = row->credentials_url = row->versions_url = row->proven = STR("");
    struct store_op *gone = add_op(apply, STORE_DELETE_TOKENS);
    gone->u.token_match.platform = id;
    gone->u.token_match.kind = -1;
    struct store_token *initial = &add_op(apply, STORE_PUT_TOKEN)->u.token;
    *initial = *hub_token;
    initial->kind = STORE_TOKEN_INITIAL;
    initial->used = 0;
    assert_int_equal(run_batch(&bench->store, apply), OK);
    registry_release(bench->hub.control_view, snapshot);
    bench_refresh(bench);
}

static struct bench *open_with(const char *discovery)
{
    const char *settings[] = {discovery, NULL};
    struct bench *bench = bench_open(BENCH_OUTBOX | BENCH_REQUESTS, settings);
    bench_add_party(bench, "IN-NEW", OCPI_ROLE_EMSP);
    make_planned(bench);
    return bench;
}

static int setup(void **state)
{
    *state = open_with("discovery=require");
    return 0;
}

static const char *credentials(struct bench *bench, const char *token)
{
    return arena_printf(
               &bench->arena,
               "{\"token\":\"%s\",\"url\":\"" HOST "/versions\",\"roles\":[{\"role\":\"EMSP\","
               "\"country_code\":\"IN\",\"party_id\":\"NEW\",\"business_details\":{\"name\":\"N\"}}]}",
               token)
        .data;
}

static void serve(const char *part, struct partner_answer answer)
{
    partners_answer("GET", part, 0, answer);
}

static void serve_well(void)
{
    serve("/versions", (struct partner_answer){.http = 200, .body = VERSIONS("2.2.1")});
    serve("/2.2.1", (struct partner_answer){.http = 200, .body = DETAILS});
}

static struct bench_answer exchange(struct bench *bench, const char *method, const char *token)
{
    int connection = bench_ask(bench, "IN-NEW", method, CREDENTIALS, credentials(bench, token));
    bench_advance(bench, 120 * SECOND);
    return bench_hear(bench, connection);
}

static void assert_registered(struct bench *bench, const char *token)
{
    const struct registry_party *party = bench_party(bench, "IN-NEW");
    assert_string_equal(registry_party_status(party), "CONNECTED");
    assert_str(party->platform->token, token);
    assert_str(registry_receiver_url(party, OCPI_MODULE_SESSIONS), HOST "/sessions");
}

static void assert_planned(struct bench *bench)
{
    const struct registry_party *party = bench_party(bench, "IN-NEW");
    assert_string_equal(registry_party_status(party), "PLANNED");
    assert_null(party->platform->token.data);
    assert_int_equal(party->receiver_count, 0);
}

/* ---------------------------------------------------------------- as it should be */

static void a_registration(void **state)
{
    struct bench *bench = *state;
    serve_well();
    assert_answer(exchange(bench, "PUT", "first"), 405, 2000);
    struct bench_answer answer = exchange(bench, "POST", "first");
    assert_answer(answer, 200, 1000);
    assert_registered(bench, "first");
    assert_true(bench_has(answer.body, "\"token\":\""));
    assert_str(partners_header(partners_call(0), "Authorization"), "Token Zmlyc3Q=");
    /* the answer may have been lost: the same again is answered, another one is somebody else's */
    assert_answer(exchange(bench, "POST", "first"), 200, 1000);
    assert_answer(exchange(bench, "POST", "second"), 405, 2000);
    assert_registered(bench, "first");
}

/* ---------------------------------------------------------------- partners that are rude */

static const struct {
    const char *what;
    struct partner_answer versions;
    int status_code;
    const char *part;
} rude[] = {
    {"2.1.1 only", {.http = 200, .body = VERSIONS("2.1.1")}, 3002, "does not contain 2.2.1, only 2.1.1"},
    {"no version", {.http = 200, .body = ENVELOPE("[]")}, 3002, "does not contain 2.2.1"},
    {"302", {.http = 302, .header = "Location", .value = HOST "/login"}, 3001, "HTTP 302"},
    {"HTML", {.http = 200, .body = "<html><body>Welcome</body></html>"}, 3001, "neither versions nor"},
    {"empty body", {.http = 200, .body = ""}, 3001, "neither versions nor"},
    {"no body", {.http = 204}, 3001, "neither versions nor"},
    {"list without data", {.http = 200, .status_code = 1000}, 3001, "neither versions nor"},
    {"3000", {.http = 200, .status_code = 3000}, 3001, ""},
    {"401", {.http = 401}, 3001, "HTTP 401"},
    {"503", {.http = 503}, 3001, "HTTP 503"},
    {"too slow",
     {.http = 200, .body = VERSIONS("2.2.1"), .after_ms = 100 * SECOND},
     3001,
     "no answer in time"},
    {"silence", ANSWER_HANG, 3001, "no answer in time"},
    {"no connection", ANSWER_REFUSED, 3001, "not reached"},
};

/* Refused with a sentence that says what was wrong, and nothing has changed; the next POST, answered well, goes through. */
static void rude_versions_register_nobody(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof rude / sizeof rude[0]; i++) {
        serve(NULL, rude[i].versions);
        struct bench_answer answer = exchange(bench, "POST", "first");
        if (answer.status != 200 || answer.status_code != rude[i].status_code ||
            !bench_has(answer.body, rude[i].part))
            fail_msg("%s: %d " STR_FMT, rude[i].what, answer.status, STR_ARG(answer.body));
        assert_false(bench_has(answer.body, "first"));
        assert_planned(bench);
    }
    serve_well();
    assert_answer(exchange(bench, "POST", "first"), 200, 1000);
    assert_registered(bench, "first");
}

/* The same in a PUT: what is registered stays, whole, with the token that it had. */
static void a_rude_put_changes_nothing(void **state)
{
    const char *settings[] = {"discovery=require", NULL};
    struct bench *bench = bench_open(BENCH_OUTBOX | BENCH_REQUESTS, settings);
    (void)state;
    bench_add_party(bench, "IN-NEW", OCPI_ROLE_EMSP);
    serve_well();
    assert_answer(exchange(bench, "PUT", "first"), 200, 1000);
    assert_registered(bench, "first");
    for (size_t i = 0; i < sizeof rude / sizeof rude[0]; i++) {
        serve(NULL, rude[i].versions);
        assert_int_equal(exchange(bench, "PUT", "second").status_code, rude[i].status_code);
        assert_registered(bench, "first");
    }
    serve_well();
    assert_answer(exchange(bench, "PUT", "second"), 200, 1000);
    assert_registered(bench, "second");
    bench_close(bench);
}

/* The details may be rude as well, behind a list that is as it should be. */
static void rude_details_register_nobody(void **state)
{
    static const struct {
        struct partner_answer details;
        int status_code;
    } cases[] = {
        {{.http = 302, .header = "Location", .value = HOST "/login"}, 3001},
        {{.http = 200, .body = "<html>"}, 3001},
        {{.http = 200, .body = ""}, 3001},
        {ANSWER_HANG, 3001},
        {{.http = 200, .body = ENVELOPE("{\"version\":\"2.1.1\",\"endpoints\":[" ENDPOINT("cdrs") "]}")},
         3002},
        {{.http = 200, .body = ENVELOPE("{\"version\":\"2.2.1\",\"endpoints\":[]}")}, 3003},
        {{.http = 200, .body = ENVELOPE("{\"version\":\"2.2.1\",\"endpoints\":[" ENDPOINT("cdrs") "]}")},
         3003},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        serve_well();
        serve("/2.2.1", cases[i].details);
        struct bench_answer answer = exchange(bench, "POST", "first");
        if (answer.status_code != cases[i].status_code)
            fail_msg("case %zu: %d " STR_FMT, i, answer.status, STR_ARG(answer.body));
        assert_planned(bench);
    }
}

/* Where discovery is only tried, what a partner says of versions stands in nobody's way. */
static void discovery_that_may_fail(void **state)
{
    (void)state;
    struct bench *bench = open_with("discovery=try");
    serve(NULL, (struct partner_answer){.http = 200, .body = "<html>"});
    assert_answer(exchange(bench, "POST", "first"), 200, 1000);
    const struct registry_party *party = bench_party(bench, "IN-NEW");
    assert_string_equal(registry_party_status(party), "CONNECTED");
    assert_int_equal(party->receiver_count, 0);
    bench_close(bench);
}

/* ---------------------------------------------------------------- while it takes its time */

/* Its deadline: the hub gives up when discovery_timeout is over, and calls nobody after that. */
static void a_slow_one_past_its_deadline(void **state)
{
    struct bench *bench = *state;
    serve_well();
    serve("/versions",
          (struct partner_answer){.http = 200, .body = VERSIONS("2.2.1"), .after_ms = 100 * SECOND});
    int connection = bench_ask(bench, "IN-NEW", "POST", CREDENTIALS, credentials(bench, "first"));
    bench_advance(bench, bench->hub.conf.discovery_timeout - 1);
    assert_int_equal(partners_under_way(), 1);
    bench_advance(bench, 1);
    assert_int_equal(partners_under_way(), 0);
    size_t calls = partners_count();
    assert_answer(bench_hear(bench, connection), 200, 3001);
    bench_advance(bench, 200 * SECOND);
    assert_int_equal(partners_count(), calls);
    assert_planned(bench);
}

/* The account team takes the initial token back while the partner's versions are read: nobody is registered. */
static void a_token_revoked_meanwhile(void **state)
{
    struct bench *bench = *state;
    serve_well();
    serve("/2.2.1", (struct partner_answer){.http = 200, .body = DETAILS, .after_ms = SECOND});
    int connection = bench_ask(bench, "IN-NEW", "POST", CREDENTIALS, credentials(bench, "first"));
    struct store_apply *apply = new_batch(&bench->store);
    struct store_op *gone = add_op(apply, STORE_DELETE_TOKENS);
    gone->u.token_match.platform = bench_party(bench, "IN-NEW")->platform->row.id;
    gone->u.token_match.kind = -1;
    assert_int_equal(run_batch(&bench->store, apply), OK);
    bench_refresh(bench);
    bench_advance(bench, SECOND);
    assert_answer(bench_hear(bench, connection), 401, 2002);
    assert_planned(bench);
}

/* The platform's row changes meanwhile: the exchange is stored on what it is now, and keeps both. */
static void a_change_meanwhile(void **state)
{
    struct bench *bench = *state;
    serve_well();
    serve("/2.2.1", (struct partner_answer){.http = 200, .body = DETAILS, .after_ms = SECOND});
    int connection = bench_ask(bench, "IN-NEW", "POST", CREDENTIALS, credentials(bench, "first"));
    struct store_apply *apply = new_batch(&bench->store);
    struct store_platform *row = &add_op(apply, STORE_PUT_PLATFORM)->u.platform;
    *row = bench_party(bench, "IN-NEW")->platform->row;
    row->allowed_hosts = STR("allowed.example");
    assert_int_equal(run_batch(&bench->store, apply), OK);
    bench_advance(bench, SECOND);
    assert_answer(bench_hear(bench, connection), 200, 1000);
    assert_registered(bench, "first");
    assert_str(bench_party(bench, "IN-NEW")->platform->row.allowed_hosts, "allowed.example");
}

#define REGISTRATION_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRATION_TEST(a_registration),
        REGISTRATION_TEST(rude_versions_register_nobody),
        cmocka_unit_test(a_rude_put_changes_nothing),
        REGISTRATION_TEST(rude_details_register_nobody),
        cmocka_unit_test(discovery_that_may_fail),
        REGISTRATION_TEST(a_slow_one_past_its_deadline),
        REGISTRATION_TEST(a_token_revoked_meanwhile),
        REGISTRATION_TEST(a_change_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
