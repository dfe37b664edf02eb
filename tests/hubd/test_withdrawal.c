/* A receiver that goes, and a registry that changes, while something is under way (hub-ocpi(7), CREDENTIALS, DELIVERY). */
#include "tests/hubd/objects.h"

#include "hubd/registry/routing.h"

#define SECOND      INT64_C(1000)
#define MINUTE      (60 * SECOND)
#define CREDENTIALS "/ocpi/2.2.1/credentials"
#define NEW_URL     "https://in-msp.example/new/sessions"

/* IN-MSP's receiver was found by discovery, so that it goes with the registration. */
static void discover(struct bench *bench, const char *url)
{
    struct store_apply *apply = new_batch(&bench->store);
    add_op(apply, STORE_PUT_RECEIVER)->u.receiver =
        (struct store_receiver){.party = bench_party(bench, "IN-MSP")->row.id,
                                .module = STR("sessions"),
                                .url = str_from(url),
                                .source = STORE_SOURCE_DISCOVERED};
    assert_int_equal(run_batch(&bench->store, apply), OK);
    bench_refresh(bench);
}

static void set_registered(struct store_platform *row, void *context)
{
    struct bench *bench = context;
    row->token = registry_seal_token(bench->hub.registry, &bench->arena, row->id, STR("IN-MSP-new"));
    row->status = STORE_PLATFORM_CONNECTED;
}

/* As its next exchange of credentials ends. */
static void register_again(struct bench *bench)
{
    bench_set_platform(bench, "IN-MSP", set_registered, bench);
    discover(bench, NEW_URL);
    outbox_resume(&bench->hub, STR("IN-MSP"));
    bench_advance(bench, MINUTE);
}

static int setup(void **state)
{
    struct bench *bench = bench_open(BENCH_OUTBOX | BENCH_REQUESTS, NULL);
    bench_add_pair(bench);
    discover(bench, "https://in-msp.example/sessions");
    /* the first use of a hub token is a change of the registry itself */
    assert_answer(bench_request(bench, "IN-MSP", "GET", CREDENTIALS, NULL), 200, 1000);
    *state = bench;
    return 0;
}

static int64_t push_and_withdraw(struct bench *bench, struct partner_answer answer)
{
    partners_answer("PUT", NULL, 1, answer);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    assert_int_equal(partners_under_way(), answer.after_ms > 0);
    assert_answer(bench_request(bench, "IN-MSP", "DELETE", CREDENTIALS, NULL), 200, 1000);
    return id;
}

/* ---------------------------------------------------------------- DELETE credentials */

/* With its registration go token, hub token, discovered receivers and status. */
static void what_a_delete_takes_away(void **state)
{
    struct bench *bench = *state;
    assert_answer(bench_request(bench, "IN-MSP", "DELETE", CREDENTIALS, NULL), 200, 1000);
    assert_answer(bench_request(bench, "IN-MSP", "GET", "/ocpi/2.2.1/sessions", NULL), 401, 2002);
    const struct registry_party *party = bench_party(bench, "IN-MSP");
    assert_string_equal(registry_party_status(party), "PLANNED");
    assert_null(party->platform->token.data);
    assert_null(registry_receiver_url(party, OCPI_MODULE_SESSIONS).data);
    assert_str(registry_receiver_url(party, OCPI_MODULE_CDRS),
               "https://in-msp.example/cdrs"); /* the account team's */
}

/* The try that was under way failed: the message waits for the next registration, and goes to its URL. */
static void a_failed_try_waits_for_the_next_registration(void **state)
{
    struct bench *bench = *state;
    int64_t id = push_and_withdraw(bench, (struct partner_answer){.http = 503, .after_ms = 500});
    bench_advance(bench, MINUTE);
    assert_state(bench, id, STORE_DELIVERY_HELD, "no receiver URL");
    assert_int_equal(partners_count(), 1);
    register_again(bench);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
    assert_str(partners_call(partners_count() - 1)->url, NEW_URL "/IN/CPO/S1");
}

/* It arrived, though its receiver had gone meanwhile. */
static void a_try_that_arrives_has_arrived(void **state)
{
    struct bench *bench = *state;
    int64_t id =
        push_and_withdraw(bench, (struct partner_answer){.http = 200, .status_code = 1000, .after_ms = 500});
    bench_advance(bench, MINUTE);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
    assert_int_equal(partners_count(), 1);
}

/* In its pause nothing is under way: when it is over the message is held, not sent to where nobody wants it. */
static void a_pause_ends_in_a_hold(void **state)
{
    struct bench *bench = *state;
    int64_t id = push_and_withdraw(bench, (struct partner_answer)ANSWER_HTTP(503));
    bench_advance(bench, MINUTE);
    assert_state(bench, id, STORE_DELIVERY_HELD, "no receiver URL");
    assert_int_equal(partners_count(), 1);
}

/* Held when the registration goes, it is sent when nothing is in its way any more, and not before. */
static void what_is_held_waits_for_its_reason(void **state)
{
    struct bench *bench = *state;
    bench_set_suspended(bench, "IN-MSP", true);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    assert_state(bench, id, STORE_DELIVERY_HELD, "suspended");
    bench_set_suspended(bench, "IN-MSP", false);
    assert_answer(bench_request(bench, "IN-MSP", "DELETE", CREDENTIALS, NULL), 200, 1000);
    bench_advance(bench, MINUTE);
    assert_state(bench, id, STORE_DELIVERY_PENDING, ""); /* let go, and PLANNED: it waits */
    bench_set_suspended(bench, "IN-MSP", true);
    register_again(bench);
    assert_state(bench, id, STORE_DELIVERY_HELD, "suspended");
    bench_set_suspended(bench, "IN-MSP", false);
    outbox_resume(&bench->hub, STR("IN-MSP"));
    bench_advance(bench, MINUTE);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
    assert_int_equal(partners_count(), 1);
}

/* Registered anew at another address while a try hangs at the old one: the next try goes to the new one. */
static void a_new_address_while_a_try_is_under_way(void **state)
{
    struct bench *bench = *state;
    partners_answer("PUT", NULL, 1, (struct partner_answer){.http = 404, .after_ms = 500});
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    discover(bench, NEW_URL);
    bench_advance(bench, MINUTE);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
    assert_str(partners_call(1)->url, NEW_URL "/IN/CPO/S1");
}

/* ---------------------------------------------------------------- the registry's barrier */

static void refreshed(int result, void *context)
{
    assert_int_equal(result, OK);
    *(bool *)context = true;
}

/* A change is not answered before every loop goes by it, however long one takes. */
static void a_change_waits_for_every_loop(void **state)
{
    struct bench *bench = *state;
    bool done = false;
    bench_stop(bench, BENCH_WORKER);
    registry_refresh(bench->hub.registry, &bench->hub.control, refreshed, &done);
    bench_settle(bench);
    assert_false(done);
    assert_false(registry_is_idle(bench->hub.registry));
    bench_stop(bench, 0);
    assert_true(done);
    assert_true(registry_is_idle(bench->hub.registry));
}

/* A worker's DELETE waits at the barrier; what changes then is read by the next refresh, and both are answered. */
static void a_change_while_a_request_waits(void **state)
{
    struct bench *bench = *state;
    bool done = false;
    bench_stop(bench, BENCH_CONTROL);
    int connection =
        bench_ask(bench, "IN-MSP", "DELETE", CREDENTIALS, NULL); /* stored, and asks for a refresh */
    bench_stop(bench, BENCH_WORKER); /* which is read and published, and waits for the worker */
    struct store_apply *apply = new_batch(&bench->store);
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){.emsp = bench_party(bench, "IN-MSP")->row.id,
                                                                .cpo = bench_party(bench, "IN-CPO")->row.id,
                                                                .state = STORE_RULE_OFF};
    assert_int_equal(run_batch(&bench->store, apply), OK);
    registry_refresh(bench->hub.registry, &bench->hub.control, refreshed, &done);
    bench_settle(bench);
    assert_false(done);
    const struct registry_party *emsp = bench_party(bench, "IN-MSP"), *cpo = bench_party(bench, "IN-CPO");
    struct registry_snapshot *snapshot = registry_hold(bench->hub.control_view);
    assert_true(routing_is_enabled(snapshot, emsp, cpo)); /* the first refresh had begun before the change */
    assert_string_equal(registry_party_status(emsp), "PLANNED");
    registry_release(bench->hub.control_view, snapshot);
    bench_stop(bench, 0);
    assert_true(done);
    assert_answer(bench_hear(bench, connection), 200, 1000);
    snapshot = registry_hold(bench->hub.control_view);
    assert_false(routing_is_enabled(snapshot, bench_party(bench, "IN-MSP"), bench_party(bench, "IN-CPO")));
    registry_release(bench->hub.control_view, snapshot);
}

/* The account team changes the platform between a DELETE's decision and its batch: it decides anew, and both stand. */
static void a_change_before_a_request_is_stored(void **state)
{
    struct bench *bench = *state;
    struct store_apply *apply = new_batch(&bench->store);
    struct store_platform *row = &add_op(apply, STORE_PUT_PLATFORM)->u.platform;
    *row = bench_party(bench, "IN-MSP")->platform->row;
    row->allowed_hosts = STR("allowed.example");
    assert_int_equal(run_batch(&bench->store, apply), OK); /* no loop has seen it yet */
    assert_answer(bench_request(bench, "IN-MSP", "DELETE", CREDENTIALS, NULL), 200, 1000);
    const struct registry_party *party = bench_party(bench, "IN-MSP");
    assert_string_equal(registry_party_status(party), "PLANNED");
    assert_str(party->platform->row.allowed_hosts, "allowed.example");
}

/* A request goes on with the rules that it came in under, the next one goes by the new ones. */
static void a_request_keeps_its_rules(void **state)
{
    static const char ask[] = "/ocpi/2.2.1/tokens/T1/authorize";
    struct bench *bench = *state;
    bench_set_receiver(bench, "IN-MSP", "tokens", NULL);
    partners_answer("POST", "/authorize", 1,
                    (struct partner_answer){
                        .http = 200,
                        .body = "{\"status_code\":1000,\"timestamp\":\"2030-01-01T00:00:00Z\","
                                "\"data\":{\"allowed\":\"ALLOWED\",\"token\":{\"country_code\":\"IN\","
                                "\"party_id\":\"MSP\",\"uid\":\"T1\",\"type\":\"RFID\",\"contract_id\":\"C\","
                                "\"issuer\":\"I\",\"valid\":true,\"whitelist\":\"NEVER\",\"last_updated\":"
                                "\"2030-01-01T00:00:00Z\"}}}",
                        .after_ms = 500});
    int connection = bench_ask(bench, "IN-CPO", "POST", ask, NULL);
    assert_int_equal(partners_under_way(), 1);
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_OFF); /* does not wait for requests */
    assert_int_equal(partners_under_way(), 1);
    struct bench_answer next = bench_request(bench, "IN-CPO", "POST", ask, NULL);
    assert_true(bench_has(next.body, "NOT_ROUTED"));
    bench_advance(bench, 500);
    struct bench_answer answer = bench_hear(bench, connection);
    assert_answer(answer, 200, 1000);
    assert_true(bench_has(answer.body, "ALLOWED"));
    assert_int_equal(partners_count(), 1);
}

#define WITHDRAWAL_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITHDRAWAL_TEST(what_a_delete_takes_away),
        WITHDRAWAL_TEST(a_failed_try_waits_for_the_next_registration),
        WITHDRAWAL_TEST(a_try_that_arrives_has_arrived),
        WITHDRAWAL_TEST(a_pause_ends_in_a_hold),
        WITHDRAWAL_TEST(what_is_held_waits_for_its_reason),
        WITHDRAWAL_TEST(a_new_address_while_a_try_is_under_way),
        WITHDRAWAL_TEST(a_change_waits_for_every_loop),
        WITHDRAWAL_TEST(a_change_while_a_request_waits),
        WITHDRAWAL_TEST(a_change_before_a_request_is_stored),
        WITHDRAWAL_TEST(a_request_keeps_its_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
