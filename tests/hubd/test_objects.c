/* What is pushed besides sessions (hub-ocpi(7), CDRS, LOCATIONS, TARIFFS): CDRs that never change, and locations, EVSEs and
 * tariffs that go to those who have them pushed. */
#include "tests/hubd/objects.h"

#include "hubd/registry/routing.h"

#define SECOND   INT64_C(1000)
#define T0       "2030-01-01T00:00:00Z"
#define T1       "2030-01-01T00:00:01Z"
#define CDRS     "/ocpi/2.2.1/cdrs"
#define LOCATION "/ocpi/2.2.1/locations/IN/CPO/L1"
#define EVSE     LOCATION "/E1"
#define TARIFF   "/ocpi/2.2.1/tariffs/IN/CPO/T1"

/* Five eMSPs with all receivers, of which one alone is told of locations and tariffs that are pushed. */
static int setup(void **state)
{
    static const struct {
        const char *key;
        enum store_rule_state rule;
        bool pushed, suspended;
    } emsps[] = {
        {"IN-YES", STORE_RULE_ON, true, false},  {"IN-NOP", STORE_RULE_ON, false, false},
        {"IN-OFF", STORE_RULE_OFF, true, false}, {"IN-DRN", STORE_RULE_DRAIN, true, false},
        {"IN-SUS", STORE_RULE_ON, true, true},
    };
    struct bench *bench = bench_open(BENCH_OUTBOX | BENCH_REQUESTS, NULL);
    bench_add_pair(bench);
    for (size_t i = 0; i < sizeof emsps / sizeof emsps[0]; i++) {
        bench_add_party(bench, emsps[i].key, OCPI_ROLE_EMSP);
        bench_set_receiver(bench, emsps[i].key, "locations", NULL);
        bench_set_receiver(bench, emsps[i].key, "tariffs", NULL);
        bench_set_rule(bench, emsps[i].key, "IN-CPO", emsps[i].rule);
        if (emsps[i].pushed)
            bench_set_pushed(bench, emsps[i].key, "locations tariffs");
        bench_set_suspended(bench, emsps[i].key, emsps[i].suspended);
    }
    *state = bench;
    return 0;
}

static struct bench_answer cpo_sends(struct bench *bench, const char *method, const char *path,
                                     const char *body)
{
    return bench_request(bench, "IN-CPO", method, path, body);
}

static struct store_delivery_list deliveries(struct bench *bench)
{
    struct store_delivery_list read = {.state = -2, .limit = 1000};
    assert_int_equal(RUN_READ(&bench->store, store_read_deliveries, &read), OK);
    return read;
}

/* "PUT https://…", of the call at `index`. */
static void assert_call(struct bench *bench, size_t index, const char *expected)
{
    const struct partner_call *call = partners_call(index);
    assert_str(arena_printf(&bench->arena, "%s " STR_FMT, http_method_name(call->method), STR_ARG(call->url)),
               expected);
}

/* ---------------------------------------------------------------- CDRs */

static void a_cdr_goes_to_its_emsp(void **state)
{
    struct bench *bench = *state;
    const char *cdr = object_cdr(bench, "C1", "MSP", "");
    struct bench_answer answer = cpo_sends(bench, "POST", CDRS, cdr);
    assert_int_equal(answer.status_code, 1000);
    assert_true(bench_has(bench_header(&answer, "Location"), "/ocpi/2.2.1/cdrs/IN/CPO/C1"));
    assert_int_equal(partners_count(), 1);
    assert_call(bench, 0, "POST https://in-msp.example/cdrs");
    assert_str(partners_call(0)->body, cdr);
}

/* Once received it stays: the same again is fine, other content is refused and leaves nothing but its audit row. */
static void a_cdr_never_changes(void **state)
{
    struct bench *bench = *state;
    const char *cdr = object_cdr(bench, "C1", "MSP", "");
    cpo_sends(bench, "POST", CDRS, cdr);
    assert_answer(cpo_sends(bench, "POST", CDRS, cdr), 200, 1000);
    struct bench_answer other =
        cpo_sends(bench, "POST", CDRS, object_cdr(bench, "C1", "MSP", "\"remark\":\"x\","));
    assert_answer(other, 200, 2001);
    assert_true(bench_has(other.body, "send a credit CDR"));
    assert_answer(cpo_sends(bench, "POST", CDRS, object_cdr(bench, "C1", "NIX", "")), 200, 2001);
    assert_str(get_object(&bench->store, STORE_CDR, "IN-CPO", "C1").body, cdr);
    assert_int_equal(deliveries(bench).count, 1);
    assert_int_equal(partners_count(), 1);
    bench_set_pushed(bench, "IN-NOP", ""); /* behind what the writer was given to append some time */
    struct store_audit_read audit = {
        .since = INT64_MIN, .until = INT64_MAX, .action = STR("cdr.post"), .limit = 10};
    assert_int_equal(RUN_READ(&bench->store, store_read_audit, &audit), OK);
    unsigned conflicts = 0;
    for (size_t i = 0; i < audit.count; i++)
        conflicts += str_equal(audit.rows[i].row.status, STR("conflict"));
    assert_int_equal(conflicts, 2);
}

/* A receiver's 409 refuses that CDR alone; its credit CDR is another object, and arrives. */
static void a_credit_cdr_arrives_beside_a_conflict(void **state)
{
    struct bench *bench = *state;
    partners_answer("POST", "/cdrs", 1, (struct partner_answer)ANSWER_HTTP(409));
    cpo_sends(bench, "POST", CDRS, object_cdr(bench, "C1", "MSP", ""));
    int64_t first = deliveries(bench).rows[0].id;
    assert_state(bench, first, STORE_DELIVERY_PENDING, "refused once");
    const char *credit = object_cdr(bench, "C2", "MSP", "\"credit\":true,\"credit_reference_id\":\"C1\",");
    assert_int_equal(cpo_sends(bench, "POST", CDRS, credit).status_code, 1000);
    assert_int_equal(partners_count(), 2);
    assert_str(partners_call(1)->body, credit);
    bench_pass(bench, 60 * 60 * SECOND, 10 * SECOND);
    assert_state(bench, first, STORE_DELIVERY_DELIVERED, ""); /* later it was taken */
    assert_int_equal(partners_count(), 3);
}

/* ---------------------------------------------------------------- locations and tariffs */

static void only_listeners_are_told(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(cpo_sends(bench, "PUT", LOCATION, object_location(bench, "L1", T0)).status_code, 1000);
    assert_int_equal(cpo_sends(bench, "PUT", TARIFF, object_tariff(bench, "T1", T0)).status_code, 1000);
    assert_int_equal(partners_count(), 2);
    assert_call(bench, 0, "PUT https://in-yes.example/locations/IN/CPO/L1");
    assert_str(partners_call(0)->body, object_location(bench, "L1", T0));
    assert_call(bench, 1, "PUT https://in-yes.example/tariffs/IN/CPO/T1");
    assert_int_equal(deliveries(bench).count, 2); /* and nothing is kept for the others */
}

/* An EVSE's change is told of that EVSE alone, whole, under its own URL. */
static void an_evse_is_sent_by_itself(void **state)
{
    struct bench *bench = *state;
    cpo_sends(bench, "PUT", LOCATION, object_location(bench, "L1", T0));
    struct bench_answer answer =
        cpo_sends(bench, "PATCH", EVSE, "{\"status\":\"CHARGING\",\"last_updated\":\"" T1 "\"}");
    assert_answer(answer, 200, 1000);
    assert_int_equal(partners_count(), 2);
    assert_call(bench, 1, "PUT https://in-yes.example/locations/IN/CPO/L1/E1");
    assert_true(bench_has(partners_call(1)->body, "\"status\":\"CHARGING\""));
    assert_true(bench_has(partners_call(1)->body, "\"connectors\":[{\"id\":\"1\""));
    assert_false(bench_has(partners_call(1)->body, "Road 1"));
    /* its location is newer with it */
    struct str location = get_object(&bench->store, STORE_LOCATION, "IN-CPO", "L1").body;
    assert_true(bench_has(location, "\"last_updated\":\"" T1 "\"}]"));
    assert_true(bench_has(str_skip(location, location.length - 40), T1));
}

/* What says nothing new, or an older state, is answered and sent to nobody; an unknown EVSE is 404. */
static void what_changes_nothing_is_not_sent(void **state)
{
    struct bench *bench = *state;
    cpo_sends(bench, "PUT", LOCATION, object_location(bench, "L1", T1));
    cpo_sends(bench, "PUT", TARIFF, object_tariff(bench, "T1", T1));
    assert_answer(cpo_sends(bench, "PUT", LOCATION, object_location(bench, "L1", T1)), 200, 1000);
    assert_answer(cpo_sends(bench, "PUT", TARIFF, object_tariff(bench, "T1", T1)), 200, 1000);
    assert_answer(cpo_sends(bench, "PUT", TARIFF, object_tariff(bench, "T1", T0)), 200, 1000);
    assert_answer(cpo_sends(bench, "PATCH", EVSE, "{\"status\":\"CHARGING\",\"last_updated\":\"" T0 "\"}"),
                  200, 1000);
    assert_int_equal(
        cpo_sends(bench, "PATCH", LOCATION "/E9", "{\"status\":\"CHARGING\",\"last_updated\":\"" T1 "\"}")
            .status,
        404);
    assert_int_equal(partners_count(), 2);
    assert_int_equal(deliveries(bench).count, 2);
}

/* While one state is on the wire newer ones wait, and only the newest of them goes. */
static void a_newer_evse_state_replaces_what_waits(void **state)
{
    static const char *const statuses[] = {"CHARGING", "BLOCKED", "AVAILABLE"};
    struct bench *bench = *state;
    cpo_sends(bench, "PUT", LOCATION, object_location(bench, "L1", T0));
    partners_answer(NULL, "/E1", 1,
                    (struct partner_answer){.http = 200, .status_code = 1000, .after_ms = 500});
    for (size_t i = 0; i < 3; i++)
        assert_answer(
            cpo_sends(bench, "PATCH", EVSE,
                      text(&bench->store, "{\"status\":\"%s\",\"last_updated\":\"2030-01-01T00:00:0%zuZ\"}",
                           statuses[i], i + 1)
                          .data),
            200, 1000);
    bench_advance(bench, SECOND);
    assert_calls(bench, 0, "L1 E1 E1");
    assert_true(bench_has(partners_call(1)->body, "CHARGING"));
    assert_true(bench_has(partners_call(2)->body, "AVAILABLE"));
}

/* A tariff's end is told as the owner spelt its id; who is no listener any more is not told. */
static void a_tariffs_end_is_told(void **state)
{
    struct bench *bench = *state;
    cpo_sends(bench, "PUT", TARIFF, object_tariff(bench, "T1", T0));
    assert_answer(cpo_sends(bench, "DELETE", "/ocpi/2.2.1/tariffs/in/cpo/t1", NULL), 200, 1000);
    assert_int_equal(partners_count(), 2);
    assert_call(bench, 1, "DELETE https://in-yes.example/tariffs/IN/CPO/T1");
    assert_int_equal(get_object(&bench->store, STORE_TARIFF, "IN-CPO", "T1").base.result, ERR_NOT_FOUND);
    assert_int_equal(cpo_sends(bench, "DELETE", TARIFF, NULL).status, 404);
}

/* While it waits: a rule that ends holds it, push that is switched off drops it. */
static void a_push_that_waits_is_judged_again(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, "in-yes", 0, (struct partner_answer)ANSWER_HTTP(503));
    cpo_sends(bench, "PUT", TARIFF, object_tariff(bench, "T1", T0));
    int64_t tariff = deliveries(bench).rows[0].id;
    bench_set_rule(bench, "IN-YES", "IN-CPO", STORE_RULE_DRAIN);
    bench_advance(bench, 5 * SECOND);
    assert_state(bench, tariff, STORE_DELIVERY_HELD, "no rule"); /* a tariff has no session that had begun */
    bench_set_rule(bench, "IN-YES", "IN-CPO", STORE_RULE_ON);
    cpo_sends(bench, "PUT", LOCATION, object_location(bench, "L1", T0));
    int64_t location = deliveries(bench).rows[1].id;
    assert_state(bench, location, STORE_DELIVERY_PENDING, "");
    bench_set_pushed(bench, "IN-YES", "");
    size_t calls = partners_count();
    bench_advance(bench, 60 * SECOND);
    assert_state(bench, location, STORE_DELIVERY_SUPERSEDED, "dropped: push is off");
    cpo_sends(bench, "PUT", TARIFF, object_tariff(bench, "T1", T1));
    assert_int_equal(partners_count(), calls);
}

#define OBJECT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OBJECT_TEST(a_cdr_goes_to_its_emsp),
        OBJECT_TEST(a_cdr_never_changes),
        OBJECT_TEST(a_credit_cdr_arrives_beside_a_conflict),
        OBJECT_TEST(only_listeners_are_told),
        OBJECT_TEST(an_evse_is_sent_by_itself),
        OBJECT_TEST(what_changes_nothing_is_not_sent),
        OBJECT_TEST(a_newer_evse_state_replaces_what_waits),
        OBJECT_TEST(a_tariffs_end_is_told),
        OBJECT_TEST(a_push_that_waits_is_judged_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
