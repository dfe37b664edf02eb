/*
 * What an answer makes of a message (hub-ocpi(7), DELIVERY): HTTP status, envelope, status code and module,
 * against the row's state and what happens to the others of its queue.
 */
#include "tests/hubd/fixture.h"

#define SECOND INT64_C(1000)

/* Of one message that is answered so, where nothing else is known of the receiver. */
enum outcome {
    ARRIVES, /* delivered at once */
    REFUSED, /* three tries, the circuit closed */
    PAUSES,  /* the receiver is at fault: its queue pauses, the message is as it was */
    OWN,     /* its own fault: it backs off alone, the circuit closed */
    STANDS   /* the hub's own lack: as if it had not been tried */
};

struct row {
    const char *what;
    struct partner_answer answer;
    enum outcome session, result; /* of a session, and of a result that goes to a URL of its own */
};

static const struct row rows[] = {
    {"1000", ANSWER_OCPI(1000), ARRIVES, ARRIVES},
    {"1999", ANSWER_OCPI(1999), ARRIVES, ARRIVES},
    {"201 with 1000", {.http = 201, .status_code = 1000}, ARRIVES, ARRIVES},
    {"204 without a body", ANSWER_HTTP(204), ARRIVES, ARRIVES},
    {"200 without a body", ANSWER_HTTP(200), ARRIVES, ARRIVES},
    {"2000", ANSWER_OCPI(2000), REFUSED, REFUSED},
    {"2001", ANSWER_OCPI(2001), REFUSED, REFUSED},
    {"2003", ANSWER_OCPI(2003), REFUSED, REFUSED},
    {"3000", ANSWER_OCPI(3000), PAUSES, OWN},
    {"4003", ANSWER_OCPI(4003), PAUSES, OWN},
    {"no OCPI", {.http = 200, .body = "<html>"}, PAUSES, OWN},
    {"JSON that is no envelope", {.http = 200, .body = "{\"ok\":true}"}, PAUSES, OWN},
    {"301", ANSWER_HTTP(301), PAUSES, OWN},
    {"400", ANSWER_HTTP(400), REFUSED, REFUSED},
    {"400 with 2001", {.http = 400, .status_code = 2001}, REFUSED, REFUSED},
    {"401", ANSWER_HTTP(401), PAUSES, OWN},
    {"403", ANSWER_HTTP(403), PAUSES, OWN},
    {"404", ANSWER_HTTP(404), PAUSES, REFUSED},
    {"405", ANSWER_HTTP(405), PAUSES, REFUSED},
    {"408", ANSWER_HTTP(408), PAUSES, OWN},
    {"409", ANSWER_HTTP(409), REFUSED, REFUSED},
    {"413", ANSWER_HTTP(413), REFUSED, REFUSED},
    {"422", ANSWER_HTTP(422), REFUSED, REFUSED},
    {"429", ANSWER_HTTP(429), PAUSES, OWN},
    {"500", ANSWER_HTTP(500), PAUSES, OWN},
    {"500 with 1000", {.http = 500, .status_code = 1000}, PAUSES, OWN},
    {"502", ANSWER_HTTP(502), PAUSES, OWN},
    {"503", ANSWER_HTTP(503), PAUSES, OWN},
    {"504", ANSWER_HTTP(504), PAUSES, OWN},
    {"508", ANSWER_HTTP(508), REFUSED, REFUSED},
    {"no connection", ANSWER_REFUSED, PAUSES, OWN},
    {"the connection breaks", ANSWER_DIED, PAUSES, OWN},
    {"no answer", ANSWER_HANG, PAUSES, OWN},
    {"forbidden address", {.result = ERR_REFUSED}, PAUSES, OWN},
    {"too large an answer", {.result = ERR_TOO_LARGE, .died = true}, PAUSES, OWN},
    {"no such request", {.result = ERR_INVALID}, REFUSED, REFUSED},
    {"no descriptor", {.result = ERR_SHORT}, STANDS, STANDS},
    {"no memory", {.result = ERR_MEMORY}, STANDS, STANDS},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Receivers IN-A00 to IN-A99, so that rows know nothing of each other. */
static struct bench *open_with_receivers(void)
{
    struct bench *bench = bench_open(BENCH_OUTBOX, NULL);
    bench_add_party(bench, "IN-CPO", OCPI_ROLE_CPO);
    for (size_t i = 0; i < ROWS; i++) {
        const char *key = text(&bench->store, "IN-A%02zu", i).data;
        bench_add_party(bench, key, OCPI_ROLE_EMSP);
        bench_set_receiver(bench, key, "sessions", NULL);
        bench_set_rule(bench, key, "IN-CPO", STORE_RULE_ON);
    }
    return bench;
}

static const char *key_of(struct bench *bench, size_t row)
{
    return text(&bench->store, "IN-A%02zu", row).data;
}

static const char *circuit_of(struct bench *bench, size_t row, const char *module)
{
    int64_t retry_at;
    return retry_circuit_name(
        outbox_circuit(&bench->hub, str_from(key_of(bench, row)), str_from(module), &retry_at));
}

static void check_outcome(struct bench *bench, size_t at, int64_t id, const char *module,
                          enum outcome outcome)
{
    static const struct {
        enum store_delivery_state state;
        const char *reason, *circuit;
        unsigned attempts, alone;
    } ends[] = {
        [ARRIVES] = {STORE_DELIVERY_DELIVERED, "", "closed", 1, 0},
        [REFUSED] = {STORE_DELIVERY_PENDING, "refused once", "closed", 1, 0},
        [PAUSES] = {STORE_DELIVERY_PENDING, "", "open", 1, 0},
        [OWN] = {STORE_DELIVERY_PENDING, "its URL failed 1 time", "closed", 1, 1},
        [STANDS] = {STORE_DELIVERY_PENDING, "", "closed", 0, 0},
    };
    struct store_delivery row = bench_row(bench, id);
    const char *circuit = circuit_of(bench, at, module);
    if (row.state != ends[outcome].state || !str_equal(row.reason, str_from(ends[outcome].reason)) ||
        row.attempts != ends[outcome].attempts || row.alone != ends[outcome].alone ||
        strcmp(circuit, ends[outcome].circuit) != 0)
        fail_msg("%s, %s: state %d \"" STR_FMT "\", %u tries, %u alone, circuit %s", rows[at].what, module,
                 (int)row.state, STR_ARG(row.reason), row.attempts, row.alone, circuit);
    assert_int_equal(row.last_error.length > 0, outcome != ARRIVES && outcome != STANDS);
}

static void what_an_answer_makes_of_a_message(void **state)
{
    (void)state;
    int64_t sessions[ROWS], results[ROWS];
    struct bench *bench = open_with_receivers();
    bench->hub.conf.delivery_timeout = 100;
    for (size_t i = 0; i < ROWS; i++) {
        const char *host = text(&bench->store, "in-a%02zu.", i).data;
        partners_answer(NULL, host, 0, rows[i].answer);
        /* one behind the other, so that no two tries share a moment in one queue */
        sessions[i] = bench_push(bench, key_of(bench, i), text(&bench->store, "S%zu", i).data);
        results[i] = bench_push_result(bench, key_of(bench, i),
                                       text(&bench->store, "https://%sexample/result", host).data, "{}");
    }
    bench_advance(bench, 100);
    for (size_t i = 0; i < ROWS; i++) {
        check_outcome(bench, i, sessions[i], "sessions", rows[i].session);
        check_outcome(bench, i, results[i], "commands", rows[i].result);
    }
    bench_close(bench);
}

/* Another session that is pushed meanwhile: it goes at once, or with the queue. */
static void what_it_means_for_the_others(void **state)
{
    (void)state;
    struct bench *bench = open_with_receivers();
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].answer.hang || rows[i].session == STANDS)
            continue;
        partners_answer(NULL, text(&bench->store, "in-a%02zu.example/sessions/IN/CPO/S", i).data, 0,
                        rows[i].answer);
        bench_push(bench, key_of(bench, i), "S");
        bench_settle(bench);
        int64_t other = bench_push(bench, key_of(bench, i), "OTHER");
        bench_settle(bench);
        bool waits = rows[i].session == PAUSES;
        if ((bench_row(bench, other).state == STORE_DELIVERY_PENDING) != waits)
            fail_msg("%s: the other one %s", rows[i].what, waits ? "did not wait" : "waits");
        bench_advance(bench, 10 * SECOND);
        if (bench_row(bench, other).state != STORE_DELIVERY_DELIVERED)
            fail_msg("%s: the other one does not arrive", rows[i].what);
    }
    bench_close(bench);
}

/* Refused: three tries over an hour, then it is dead, whatever arrives beside it. */
static void refused_three_times_is_dead(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, "BAD", 0, (struct partner_answer)ANSWER_OCPI(2001));
    int64_t id = bench_push(bench, "IN-MSP", "BAD");
    bench_settle(bench);
    assert_state(bench, id, STORE_DELIVERY_PENDING, "refused once");
    bench_pass(bench, 30 * 60 * SECOND, 10 * SECOND);
    assert_state(bench, id, STORE_DELIVERY_PENDING, "refused twice");
    bench_pass(bench, 60 * 60 * SECOND, 10 * SECOND);
    assert_state(bench, id, STORE_DELIVERY_DEAD, "refused");
    assert_calls(bench, 0, "BAD BAD BAD");
    assert_non_null(
        memmem(bench_row(bench, id).last_error.data, bench_row(bench, id).last_error.length, "2001", 4));
}

/* What was to be deleted and is unknown is deleted. */
static void gone_is_right_for_a_delete(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer("DELETE", NULL, 0, (struct partner_answer)ANSWER_HTTP(404));
    struct store_apply *apply = new_batch(&bench->store);
    struct store_delivery *row = add_delivery(apply, "IN-MSP", -1, "S1", false);
    row->module = STR("sessions");
    row->method = STR("DELETE");
    row->body = STR("{}");
    assert_int_equal(run_batch(&bench->store, apply), OK);
    outbox_wake(&bench->hub, STR("IN-MSP"), STR("sessions"));
    bench_settle(bench);
    assert_state(bench, row->id, STORE_DELIVERY_DELIVERED, "");
    assert_int_equal(partners_call(0)->body.length, 0);
}

/* The receipt of a delivery is the answer's Location; the tries are kept as they were. */
static void what_is_kept_of_the_tries(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, NULL, 0,
                    (struct partner_answer){.http = 201,
                                            .status_code = 1000,
                                            .header = "Location",
                                            .value = "https://in-msp.example/cdrs/7",
                                            .after_ms = 40});
    partners_answer(NULL, NULL, 1, (struct partner_answer){.http = 503, .after_ms = 20});
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_advance(bench, 5 * SECOND);
    struct store_delivery row = bench_row(bench, id);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
    assert_str(row.receipt, "https://in-msp.example/cdrs/7");
    assert_int_equal(row.attempts, 2);
    assert_non_null(memmem(row.tries.data, row.tries.length, " 503 0 20 ", 10));
    assert_non_null(memmem(row.tries.data, row.tries.length, " 201 1000 40 ", 13));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_answer_makes_of_a_message),
        cmocka_unit_test(what_it_means_for_the_others),
        BENCH_TEST(refused_three_times_is_dead),
        BENCH_TEST(gone_is_right_for_a_delete),
        BENCH_TEST(what_is_kept_of_the_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
