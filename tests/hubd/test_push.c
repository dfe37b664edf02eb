/* A partner's push and list, through the worker (hub-ocpi(7), DELIVERY, PAGINATION): what one leaves in the store, whom it
 * reaches, and what pages show. */
#include "tests/hubd/objects.h"

#include "hubd/registry/routing.h"

#define SECOND INT64_C(1000)

#define SESSION_PATH "/ocpi/2.2.1/sessions/IN/CPO/S1"

static int setup(void **state)
{
    struct bench *bench = bench_open(BENCH_OUTBOX | BENCH_REQUESTS, NULL);
    bench_add_pair(bench);
    *state = bench;
    return 0;
}

/* Without the outbox, which judges a row once more before it sends it. */
static int setup_alone(void **state)
{
    struct bench *bench = bench_open(BENCH_REQUESTS, NULL);
    bench_add_pair(bench);
    *state = bench;
    return 0;
}

static void put_session(struct bench *bench, const char *emsp)
{
    struct bench_answer answer = bench_request(bench, "IN-CPO", "PUT", SESSION_PATH,
                                               object_session(bench, "S1", emsp, "2030-01-01T00:00:00Z"));
    assert_int_equal(answer.status / 100, 2);
    assert_int_equal(answer.status_code, 1000);
}

/* The newest delivery there is. */
static struct store_delivery newest(struct bench *bench)
{
    struct store_delivery_list read = {.state = -2, .limit = 1000};
    assert_int_equal(RUN_READ(&bench->store, store_read_deliveries, &read), OK);
    assert_true(read.count > 0);
    return read.rows[read.count - 1];
}

/* ---------------------------------------------------------------- a push */

/* Object, delivery and audit row; and the eMSP has it. */
static void what_a_push_leaves(void **state)
{
    struct bench *bench = *state;
    put_session(bench, "MSP");
    struct store_object_read object = get_object(&bench->store, STORE_SESSION, "IN-CPO", "S1");
    assert_int_equal(object.base.result, OK);
    assert_str(object.body, object_session(bench, "S1", "MSP", "2030-01-01T00:00:00Z"));
    assert_str(object.counterparty, "IN-MSP");
    assert_str(object.status, "ACTIVE");
    struct store_delivery row = newest(bench);
    assert_state(bench, row.id, STORE_DELIVERY_DELIVERED, "");
    assert_str(row.receiver, "IN-MSP");
    assert_str(row.sender, "IN-CPO");
    assert_str(row.correlation_id, "correlation");
    assert_calls(bench, 0, "S1");
    assert_str(partners_call(0)->body, object.body.data);
    assert_str(partners_header(partners_call(0), "X-Correlation-ID"), "correlation");
    struct store_audit_read audit = {
        .since = INT64_MIN, .until = INT64_MAX, .action = STR("session.put"), .limit = 10};
    assert_int_equal(RUN_READ(&bench->store, store_read_audit, &audit), OK);
    assert_int_equal(audit.count, 1);
    assert_str(audit.rows[0].row.sender, "IN-CPO");
    assert_str(audit.rows[0].row.receiver, "IN-MSP");
    assert_str(audit.rows[0].row.object, "S1");
}

/* Where the delivery stands is decided by the registry as the request found it. */
static void where_a_push_stands(void **state)
{
    struct bench *bench = *state;
    put_session(bench, "NIX");
    assert_state(bench, newest(bench).id, STORE_DELIVERY_HELD, "unknown eMSP");
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_OFF);
    put_session(bench, "MSP");
    assert_state(bench, newest(bench).id, STORE_DELIVERY_HELD, "no rule");
    bench_set_suspended(bench, "IN-MSP", true);
    put_session(bench, "MSP");
    assert_state(bench, newest(bench).id, STORE_DELIVERY_HELD, "suspended");
    bench_set_suspended(bench, "IN-MSP", false);
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_ON);
    put_session(bench, "MSP");
    assert_state(bench, newest(bench).id, STORE_DELIVERY_PENDING, "");
}

/* A state that is older than the stored one is answered, and changes nothing. */
static void an_older_state_is_stale(void **state)
{
    struct bench *bench = *state;
    put_session(bench, "MSP");
    size_t calls = partners_count();
    const char *older = object_session(bench, "S1", "MSP", "2029-12-31T23:59:59Z");
    assert_answer(bench_request(bench, "IN-CPO", "PUT", SESSION_PATH, older), 200, 1000);
    assert_str(get_object(&bench->store, STORE_SESSION, "IN-CPO", "S1").body,
               object_session(bench, "S1", "MSP", "2030-01-01T00:00:00Z"));
    assert_int_equal(partners_count(), calls);
}

/* Only its owner may; only with a token; only what is an object. A refusal leaves no object and no delivery. */
static void what_is_refused_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    const char *good = object_session(bench, "S1", "MSP", "2030-01-01T00:00:00Z");
    assert_answer(bench_request(bench, "IN-NIX", "PUT", SESSION_PATH, good), 401, 2002);
    assert_int_equal(bench_request(bench, "IN-MSP", "PUT", SESSION_PATH, good).status_code / 1000, 2);
    assert_answer(bench_request(bench, "IN-CPO", "PUT", SESSION_PATH, "{\"id\":"), 400, 2001);
    assert_int_equal(
        bench_request(bench, "IN-CPO", "PUT", "/ocpi/2.2.1/sessions/IN/CPO/S2", good).status_code, 2001);
    assert_int_equal(get_object(&bench->store, STORE_SESSION, "IN-CPO", "S1").base.result, ERR_NOT_FOUND);
    struct store_delivery_list read = {.state = -2, .limit = 10};
    assert_int_equal(RUN_READ(&bench->store, store_read_deliveries, &read), OK);
    assert_int_equal(read.count, 0);
    assert_int_equal(partners_count(), 0);
}

/* ---------------------------------------------------------------- a list */

static void put_tariff(struct bench *bench, const char *id, const char *last_updated)
{
    assert_int_equal(bench_request(bench, "IN-CPO", "PUT",
                                   text(&bench->store, "/ocpi/2.2.1/tariffs/IN/CPO/%s", id).data,
                                   object_tariff(bench, id, last_updated))
                         .status_code,
                     1000);
}

static void pages_show_each_object_once(void **state)
{
    struct bench *bench = *state;
    char next[512] = "/ocpi/2.2.1/tariffs?limit=2";
    for (int i = 0; i < 5; i++)
        put_tariff(bench, text(&bench->store, "T%d", i).data, "2030-01-01T00:00:00Z");
    struct bench_answer answer = bench_request(bench, "IN-MSP", "GET", next, NULL);
    assert_str(bench_header(&answer, "X-Total-Count"), "5");
    assert_str(bench_page(bench, "IN-MSP", next, next), "T0 T1");
    /* while it pages, one that was shown changes, one comes to be, one that is still to come changes */
    bench_advance(bench, SECOND);
    put_tariff(bench, "T0", "2030-01-01T00:00:01Z");
    put_tariff(bench, "T5", "2030-01-01T00:00:01Z");
    put_tariff(bench, "T3", "2030-01-01T00:00:01Z");
    assert_str(bench_page(bench, "IN-MSP", next, next), "T2 T3");
    assert_str(bench_page(bench, "IN-MSP", next, next), "T4 T5");
    assert_string_equal(next, "");
}

/* From a poll's date_from on comes what has arrived since, whatever its own last_updated says. */
static void a_poll_misses_nothing(void **state)
{
    struct bench *bench = *state;
    char next[512];
    put_tariff(bench, "OLD", "2029-06-01T00:00:00Z");
    bench_advance(bench, 60 * SECOND);
    assert_str(bench_page(bench, "IN-MSP", "/ocpi/2.2.1/tariffs?date_from=2030-01-01T00:00:30Z", next), "");
    put_tariff(bench, "LATE", "2029-06-01T00:00:00Z"); /* was on its way for half a year */
    assert_str(bench_page(bench, "IN-MSP", "/ocpi/2.2.1/tariffs?date_from=2030-01-01T00:00:30Z", next),
               "LATE");
    assert_str(bench_page(bench, "IN-MSP", "/ocpi/2.2.1/tariffs", next), "OLD LATE");
}

/* Nobody sees what no rule lets him see; what a new rule shows is new to him. */
static void a_list_follows_the_rules(void **state)
{
    struct bench *bench = *state;
    char next[512];
    put_tariff(bench, "T1", "2030-01-01T00:00:00Z");
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_OFF);
    assert_str(bench_page(bench, "IN-MSP", "/ocpi/2.2.1/tariffs", next), "");
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_DRAIN);
    assert_str(bench_page(bench, "IN-MSP", "/ocpi/2.2.1/tariffs", next), "");
    bench_advance(bench, 60 * SECOND);
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_ON);
    assert_str(bench_page(bench, "IN-MSP", "/ocpi/2.2.1/tariffs?date_from=2030-01-01T00:00:30Z", next), "T1");
}

#define REQUEST_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUEST_TEST(what_a_push_leaves),
        cmocka_unit_test_setup_teardown(where_a_push_stands, setup_alone, bench_teardown),
        REQUEST_TEST(an_older_state_is_stale),
        REQUEST_TEST(what_is_refused_leaves_nothing),
        REQUEST_TEST(pages_show_each_object_once),
        REQUEST_TEST(a_poll_misses_nothing),
        REQUEST_TEST(a_list_follows_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
