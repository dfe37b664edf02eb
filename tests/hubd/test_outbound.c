/* A call to a partner (hub-ocpi(7), AUTHENTICATION, CALLS OF THE HUB): the token's forms, where it may go,
 * headers. */
#include "tests/hubd/fixture.h"

#include "hubd/calls/outbound.h"
#include "lib/base/crypto.h"

#define HOME "https://in-cpo.example/ocpi/2.2.1/locations"

/* A call from start to end; what is to be set beyond the defaults is set before `run`. */
static struct outbound *new_call(struct bench *bench, const char *url)
{
    struct outbound *outbound = arena_alloc(&bench->arena, sizeof *outbound);
    *outbound = (struct outbound){.arena = &bench->arena,
                                  .hub = &bench->hub,
                                  .client = bench->hub.control_client,
                                  .method = HTTP_METHOD_GET,
                                  .url = str_from(url),
                                  .timeout_ms = 1000};
    return outbound;
}

static void call_ended(struct outbound *outbound)
{
    *(bool *)outbound->context = true;
}

static const struct outbound *run(struct bench *bench, struct outbound *outbound)
{
    bool ended = false;
    if (outbound->token.data == NULL)
        assert_true(outbound_hold_platform(outbound, bench->hub.control_view,
                                           bench_party(bench, "IN-CPO")->platform->row.id));
    outbound->callback = call_ended;
    outbound->context = &ended;
    outbound_start(outbound);
    assert_false(ended);
    bench_advance(bench, outbound->timeout_ms);
    assert_true(ended);
    return outbound;
}

/* "b" or "r" for each call from `from` on: the token in Base64 or raw; of the previous one "B" and "R"; "-": none. */
static void assert_forms(struct bench *bench, size_t from, const char *expected)
{
    static const char *const tokens[] = {"IN-CPO-token", "previous"};
    char forms[64] = "";
    for (size_t i = from; i < partners_count(); i++) {
        struct str value = partners_header(partners_call(i), "Authorization");
        char form = value.length == 0 ? '-' : '?';
        for (size_t j = 0; j < 2; j++) {
            struct str raw = arena_printf(&bench->arena, "Token %s", tokens[j]);
            struct str coded = base64_encode(&bench->arena, str_from(tokens[j]));
            if (str_equal(value, raw))
                form = "rR"[j];
            else if (str_equal(str_skip(value, 6), coded))
                form = "bB"[j];
        }
        forms[i - from] = form;
    }
    assert_string_equal(forms, expected);
}

static void change_platform(struct store_platform *row, void *context)
{
    const struct store_platform *wanted = context;
    row->encoding = wanted->encoding;
    row->previous_token = wanted->previous_token;
    row->previous_token_until = wanted->previous_token_until;
    row->allowed_hosts = wanted->allowed_hosts;
    row->from_hub = wanted->from_hub;
}

static void set_platform(struct bench *bench, struct store_platform wanted)
{
    bench_set_platform(bench, "IN-CPO", change_platform, &wanted);
}

static int setup(void **state)
{
    struct bench *bench = bench_open(0, NULL);
    bench_add_party(bench, "IN-CPO", OCPI_ROLE_CPO);
    *state = bench;
    return 0;
}

/* ---------------------------------------------------------------- the token's forms */

static void base64_comes_first(void **state)
{
    struct bench *bench = *state;
    const struct outbound *call = run(bench, new_call(bench, HOME));
    assert_int_equal(call->result, OK);
    assert_int_equal(call->answer.status_code, 1000);
    assert_forms(bench, 0, "b");
}

/* After a 401 once in the other form; what worked is what comes first from then on. */
static void raw_after_401_is_remembered(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, NULL, 1, (struct partner_answer)ANSWER_HTTP(401));
    assert_int_equal(run(bench, new_call(bench, HOME))->status, 200);
    assert_forms(bench, 0, "br");
    assert_int_equal(run(bench, new_call(bench, HOME))->status, 200);
    assert_forms(bench, 2, "r");
    partners_answer(NULL, NULL, 1, (struct partner_answer)ANSWER_HTTP(401));
    run(bench, new_call(bench, HOME));
    run(bench, new_call(bench, HOME));
    assert_forms(bench, 3, "rbb");
}

static void two_forms_and_no_more(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HTTP(401));
    assert_int_equal(run(bench, new_call(bench, HOME))->status, 401);
    assert_forms(bench, 0, "br");
    run(bench, new_call(bench, HOME));
    assert_forms(bench, 2, "br"); /* nothing was learnt */
}

static void a_fixed_form_is_the_only_one(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HTTP(401));
    set_platform(bench, (struct store_platform){.encoding = STORE_ENCODING_RAW});
    run(bench, new_call(bench, HOME));
    set_platform(bench, (struct store_platform){.encoding = STORE_ENCODING_BASE64});
    run(bench, new_call(bench, HOME));
    assert_forms(bench, 0, "rb");
}

/* Only a 401 is asked again of a common call; in an exchange 403 and a 2xxx code as well. */
static void what_says_that_the_form_is_wrong(void **state)
{
    static const struct {
        struct partner_answer answer;
        bool exchanging;
        const char *forms;
    } cases[] = {
        {ANSWER_HTTP(403), false, "b"},  {ANSWER_HTTP(403), true, "br"}, {ANSWER_OCPI(2001), false, "b"},
        {ANSWER_OCPI(2001), true, "br"}, {ANSWER_HTTP(500), true, "b"},  {ANSWER_OCPI(3000), true, "b"},
        {ANSWER_HTTP(401), true, "br"},  {ANSWER_REFUSED, true, "b"},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t before = partners_count();
        partners_answer(NULL, NULL, 2, cases[i].answer);
        struct outbound *outbound = new_call(bench, HOME);
        outbound->exchanging = cases[i].exchanging;
        outbound->token = STR("IN-CPO-token"); /* the registry does not know of it: nothing is remembered */
        run(bench, outbound);
        assert_forms(bench, before, cases[i].forms);
        partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_OK);
    }
}

/* Of two refusals in an exchange the one stands that says more than 401, whichever came first. */
static void the_refusal_that_says_most_stands(void **state)
{
    static const int codes[][3] = {{401, 403, 403}, {403, 401, 403}};
    struct bench *bench = *state;
    for (size_t i = 0; i < 2; i++) {
        partners_answer(NULL, NULL, 1, (struct partner_answer)ANSWER_HTTP(codes[i][1]));
        partners_answer(NULL, NULL, 1, (struct partner_answer)ANSWER_HTTP(codes[i][0]));
        struct outbound *outbound = new_call(bench, HOME);
        outbound->exchanging = true;
        assert_int_equal(run(bench, outbound)->status, codes[i][2]);
    }
}

/* ---------------------------------------------------------------- the previous token */

static void the_previous_token_in_its_overlap(void **state)
{
    struct bench *bench = *state;
    int64_t platform = bench_party(bench, "IN-CPO")->platform->row.id;
    struct store_platform wanted = {
        .previous_token = registry_seal_token(bench->hub.registry, &bench->arena, platform, STR("previous")),
        .previous_token_until = hub_kept_ms(&bench->hub) + 10000,
    };
    set_platform(bench, wanted);
    partners_answer(NULL, NULL, 3, (struct partner_answer)ANSWER_HTTP(401));
    assert_int_equal(run(bench, new_call(bench, HOME))->status, 200);
    assert_forms(bench, 0, "brBR");
    run(bench, new_call(bench, HOME)); /* what worked comes first, until the overlap ends */
    assert_forms(bench, 4, "R");
    bench_advance(bench, 10000);
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HTTP(401));
    run(bench, new_call(bench, HOME));
    assert_forms(bench, 5, "rb");
}

/* ---------------------------------------------------------------- where the token may go */

static void the_token_goes_to_registered_hosts_only(void **state)
{
    static const struct {
        const char *url;
        bool trusted;
    } cases[] = {
        {"https://in-cpo.example/anything", true},      /* an exchange succeeded there */
        {"https://IN-CPO.example:8443/anything", true}, /* whatever port and case */
        {"http://in-cpo.example/", true},
        {"https://allowed.example/x", true},    /* party set --allow-host */
        {"https://set.example/x", true},        /* a receiver of the account team's */
        {"https://discovered.example/x", true}, /* a receiver that a discovery found */
        {"https://other.example/x", false},
        {"https://in-cpo.example.other.example/x", false},
        {"https://other.example/in-cpo.example", false},
        {"https://sub.in-cpo.example/x", false},
    };
    struct bench *bench = *state;
    set_platform(bench, (struct store_platform){.allowed_hosts = STR("one.example allowed.example")});
    bench_set_receiver(bench, "IN-CPO", "commands", "https://set.example/commands");
    struct store_apply *apply = new_batch(&bench->store);
    add_op(apply, STORE_PUT_RECEIVER)->u.receiver =
        (struct store_receiver){.party = bench_party(bench, "IN-CPO")->row.id,
                                .module = STR("tokens"),
                                .url = STR("https://discovered.example/tokens"),
                                .source = STORE_SOURCE_DISCOVERED};
    assert_int_equal(run_batch(&bench->store, apply), OK);
    bench_refresh(bench);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(bench, new_call(bench, cases[i].url));
        assert_forms(bench, i, cases[i].trusted ? "b" : "-");
    }
}

/* ---------------------------------------------------------------- headers, time */

static struct str header(const char *name)
{
    return partners_header(partners_call(partners_count() - 1), name);
}

static void headers_of_a_message(void **state)
{
    struct bench *bench = *state;
    struct outbound *outbound = new_call(bench, HOME);
    run(bench, outbound);
    assert_int_equal(header("X-Request-ID").length, 36);
    assert_int_equal(header("X-Correlation-ID").length, 36);
    assert_false(str_equal(header("X-Request-ID"), header("X-Correlation-ID")));
    assert_int_equal(header("Via").length + header("OCPI-to-party-id").length + header("Content-Type").length,
                     0);
    outbound = new_call(bench, HOME);
    outbound->method = HTTP_METHOD_PUT;
    outbound->body = STR("{}");
    outbound->routed = true;
    outbound->from_country = STR("in");
    outbound->from_party = STR("Msp");
    outbound->to_country = STR("IN");
    outbound->to_party = STR("CPO");
    outbound->correlation_id = STR("c-1");
    outbound->via = STR("1.1 someone");
    run(bench, outbound);
    assert_str(header("OCPI-from-country-code"), "in");
    assert_str(header("OCPI-from-party-id"), "Msp"); /* as it is spelt */
    assert_str(header("OCPI-to-country-code"), "IN");
    assert_str(header("OCPI-to-party-id"), "CPO");
    assert_str(header("X-Correlation-ID"), "c-1");
    assert_str(header("Via"), "1.1 someone");
    assert_str(header("Content-Type"), "application/json");
    set_platform(bench, (struct store_platform){.from_hub = true});
    outbound->snapshot = NULL;
    run(bench, outbound);
    assert_str(header("OCPI-from-country-code"), bench->hub.conf.country_code);
    assert_str(header("OCPI-from-party-id"), bench->hub.conf.party_id);
}

/* All tries share the call's time. */
static void one_deadline_for_all_tries(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HANG);
    partners_answer(NULL, NULL, 1, (struct partner_answer){.http = 401, .after_ms = 600});
    const struct outbound *call = run(bench, new_call(bench, HOME)); /* which waits 1000 ms */
    assert_int_equal(call->result, ERR_TIMEOUT);
    assert_int_equal(call->latency_ms, 1000);
    assert_int_equal(partners_count(), 2);
    assert_int_equal(partners_call(1)->at - partners_call(0)->at, 600);
}

/* An OFFLINE partner is tried in real time once in five seconds, a PLANNED one never. */
static void who_may_be_called_in_real_time(void **state)
{
    struct bench *bench = *state;
    static const struct registry_runtime fresh;
    struct registry_runtime runtime = fresh;
    struct registry_platform platform = {.runtime = &runtime, .token = STR("t")};
    platform.row.status = STORE_PLATFORM_CONNECTED;
    assert_true(outbound_may_try(&platform) && outbound_may_try(&platform));
    platform.row.status = STORE_PLATFORM_OFFLINE;
    assert_true(outbound_may_try(&platform));
    assert_false(outbound_may_try(&platform));
    bench_advance(bench, 4999);
    assert_false(outbound_may_try(&platform));
    bench_advance(bench, 1);
    assert_true(outbound_may_try(&platform));
    platform.row.status = STORE_PLATFORM_PLANNED;
    assert_false(outbound_may_try(&platform));
    platform.row.status = STORE_PLATFORM_CONNECTED;
    platform.token = STR_NONE;
    assert_false(outbound_may_try(&platform));
}

#define CALL_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(base64_comes_first),
        CALL_TEST(raw_after_401_is_remembered),
        CALL_TEST(two_forms_and_no_more),
        CALL_TEST(a_fixed_form_is_the_only_one),
        CALL_TEST(what_says_that_the_form_is_wrong),
        CALL_TEST(the_refusal_that_says_most_stands),
        CALL_TEST(the_previous_token_in_its_overlap),
        CALL_TEST(the_token_goes_to_registered_hosts_only),
        CALL_TEST(headers_of_a_message),
        CALL_TEST(one_deadline_for_all_tries),
        CALL_TEST(who_may_be_called_in_real_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
