/* The outbox's pump (hub-ocpi(7), DELIVERY): order, side by side, leases, pauses, giving up, held and
 * released. */
#include "tests/hubd/fixture.h"

#include "hubd/outbox/retry.h"
#include "hubd/registry/routing.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define POLL   SECOND /* behind a pause's end comes the next poll */
#define LEASE  (30 * SECOND)
/* Of days: a worker that is later than half its lease loses it, and its messages' time stands still. */
#define STRIDE (14 * SECOND)

static void assert_circuit(struct bench *bench, const char *expected)
{
    int64_t retry_at;
    assert_string_equal(
        retry_circuit_name(outbox_circuit(&bench->hub, STR("IN-MSP"), STR("sessions"), &retry_at)), expected);
    assert_int_equal(retry_at > 0, strcmp(expected, "open") == 0);
}

static int64_t gap(size_t index)
{
    return partners_call(index)->at - partners_call(index - 1)->at;
}

static void wake(struct bench *bench)
{
    outbox_resume(&bench->hub, STR("IN-MSP"));
    bench_settle(bench);
}

/* ---------------------------------------------------------------- order */

static void delivers_what_is_pushed(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    int64_t one = bench_push(bench, "IN-MSP", "S1"), two = bench_push(bench, "IN-MSP", "S2");
    bench_settle(bench);
    assert_calls(bench, 0, "S1 S2");
    assert_state(bench, one, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, two, STORE_DELIVERY_DELIVERED, "");
    const struct partner_call *call = partners_call(0);
    assert_str(call->url, "https://in-msp.example/sessions/IN/CPO/S1");
    assert_int_equal(call->method, HTTP_METHOD_PUT);
    assert_str(partners_header(call, "OCPI-from-party-id"), "CPO");
    assert_str(partners_header(call, "OCPI-to-party-id"), "MSP");
    assert_str(partners_header(call, "X-Correlation-ID"), "corr");
    assert_int_equal(bench_time(bench), 0);
}

/* A newer state waits for the one that is on the wire, and goes out once. */
static void one_session_at_a_time(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, "S1", 1,
                    (struct partner_answer){.http = 200, .status_code = 1000, .after_ms = 500});
    int64_t first = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    int64_t second = bench_push(bench, "IN-MSP", "S1"), third = bench_push(bench, "IN-MSP", "S1");
    int64_t other = bench_push(bench, "IN-MSP", "S2");
    bench_advance(bench, 400);
    assert_calls(bench, 0, "S1 S2");
    assert_state(bench, other, STORE_DELIVERY_DELIVERED, "");
    bench_advance(bench, 100);
    assert_calls(bench, 0, "S1 S2 S1");
    assert_state(bench, first, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, second, STORE_DELIVERY_SUPERSEDED, "");
    assert_state(bench, third, STORE_DELIVERY_DELIVERED, "");
}

/* Results of one command: the second waits for the first, also for its pause. */
static void results_keep_their_order(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, "/c1", 1, (struct partner_answer)ANSWER_HTTP(500));
    int64_t one = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{\"n\":1}");
    bench_settle(bench);
    int64_t two = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{\"n\":2}");
    int64_t other = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c2", "{\"n\":3}");
    bench_settle(bench);
    assert_state(bench, one, STORE_DELIVERY_PENDING, "its URL failed 1 time");
    assert_state(bench, two, STORE_DELIVERY_PENDING, "");
    assert_state(bench, other, STORE_DELIVERY_DELIVERED, "");
    bench_advance(bench, 10 * SECOND);
    assert_state(bench, two, STORE_DELIVERY_DELIVERED, "");
    assert_calls(bench, 0, "c1 c2 c1 c1");
    assert_str(partners_call(2)->body, "{\"n\":1}");
    assert_str(partners_call(3)->body, "{\"n\":2}");
}

static void goes_out_side_by_side(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench->hub.conf.delivery_parallel = 3;
    partners_answer(NULL, NULL, 0,
                    (struct partner_answer){.http = 200, .status_code = 1000, .after_ms = 100});
    for (int i = 0; i < 9; i++)
        bench_push(bench, "IN-MSP", text(&bench->store, "S%d", i).data);
    bench_advance(bench, 299);
    assert_int_equal(partners_count(), 9);
    assert_int_equal(partners_most_at_once(), 3);
    bench_advance(bench, 1);
    assert_int_equal(partners_under_way(), 0);
}

/* ---------------------------------------------------------------- whose the queue is */

static int64_t lease(struct bench *bench, const char *holder)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct store_op *op = add_op(apply, STORE_LEASE_QUEUE);
    op->u.lease.receiver = STR("IN-MSP sessions");
    op->u.lease.holder = str_from(holder);
    op->u.lease.until = env_wall_ms() + LEASE;
    return run_batch(&bench->store, apply) == OK ? op->u.lease.queue.fence : 0;
}

static void another_workers_queue_is_left_alone(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    assert_int_equal(lease(bench, "another"), 1);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_advance(bench, LEASE - SECOND);
    assert_int_equal(partners_count(), 0);
    bench_advance(bench, 2 * SECOND);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
    assert_int_equal(lease(bench, "another"), 0); /* it is this worker's now */
}

/* A worker that stood still while another took its queue cannot store what came of its try. */
static void a_late_result_is_refused(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, "S1", 1, (struct partner_answer)ANSWER_HANG);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    assert_calls(bench, 0, "S1");
    test_clock_advance(LEASE + SECOND); /* nothing turns meanwhile */
    assert_int_equal(lease(bench, "another"), 2);
    bench_settle(bench);
    struct store_delivery row = bench_row(bench, id);
    assert_int_equal(row.state, STORE_DELIVERY_PENDING);
    assert_int_equal(row.attempts, 0);
    bench_advance(bench, LEASE - 2 * SECOND);
    assert_calls(bench, 0, "S1");
    bench_advance(bench, 3 * SECOND);
    assert_calls(bench, 0, "S1 S1");
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
}

/* ---------------------------------------------------------------- pauses */

static void a_receiver_that_is_away_pauses(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    assert_circuit(bench, "closed");
    partners_answer(NULL, NULL, 3, (struct partner_answer)ANSWER_REFUSED);
    int64_t one = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    int64_t two = bench_push(bench, "IN-MSP", "S2");
    bench_settle(bench);
    assert_circuit(bench, "open");
    assert_calls(bench, 0, "S1");
    bench_advance(bench, 799);
    assert_calls(bench, 0, "S1");
    test_clock_advance(402); /* over, and nobody looked yet */
    assert_circuit(bench, "half-open");
    bench_advance(bench, 20 * SECOND);
    assert_circuit(bench, "closed");
    assert_state(bench, one, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, two, STORE_DELIVERY_DELIVERED, "");
    assert_int_equal(partners_count(), 5); /* three that failed, each alone on its way */
    assert_int_equal(partners_most_at_once(), 1);
}

/* Each pause is twice the one before, between 80 and 120 %, up to retry_max. */
static void pauses_grow(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HTTP(503));
    int64_t id = bench_push(bench, "IN-MSP", "S1"), pause = SECOND;
    bench_advance(bench, 2 * HOUR);
    assert_in_range(partners_count(), 15, 20);
    for (size_t i = 1; i < partners_count(); i++) {
        assert_in_range(gap(i), pause * 4 / 5, pause * 6 / 5 + POLL);
        pause = pause * 2 < 15 * MINUTE ? pause * 2 : 15 * MINUTE;
    }
    assert_int_equal(bench_row(bench, id).attempts, partners_count());
}

static void retry_after_is_waited_for(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, NULL, 1,
                    (struct partner_answer){.http = 429, .header = "Retry-After", .value = "90"});
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_advance(bench, 89 * SECOND);
    assert_int_equal(partners_count(), 1);
    bench_advance(bench, 2 * SECOND);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
}

static void a_pause_survives_a_restart(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, NULL, 1,
                    (struct partner_answer){.http = 503, .header = "Retry-After", .value = "90"});
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    bench_restart(bench);
    bench_advance(bench, 80 * SECOND);
    assert_circuit(bench, "open");
    assert_int_equal(partners_count(), 1);
    bench_advance(bench, 11 * SECOND);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
}

static void somebodys_word_ends_a_pause(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, NULL, 1,
                    (struct partner_answer){.http = 503, .header = "Retry-After", .value = "3000"});
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_advance(bench, MINUTE);
    assert_state(bench, id, STORE_DELIVERY_PENDING, "");
    wake(bench);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
}

/* ---------------------------------------------------------------- giving up */

/* 48 hours of the test's clock: until retry_give_up the message lives, with the first try behind it it dies. */
static void an_old_message_is_given_up(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench->hub.conf.retry_give_up = 48 * HOUR;
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_HTTP(503));
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_pass(bench, 48 * HOUR - MINUTE, STRIDE);
    assert_state(bench, id, STORE_DELIVERY_PENDING, "");
    bench_pass(bench, 20 * MINUTE, STRIDE);
    assert_state(bench, id, STORE_DELIVERY_DEAD, "given up");
    size_t tries = partners_count();
    bench_pass(bench, HOUR, STRIDE);
    assert_int_equal(partners_count(), tries);
    assert_in_range(tries, 170, 260); /* about one in a quarter of an hour */
}

static void set_status(struct store_platform *row, void *context)
{
    row->status = *(const enum store_platform_status *)context;
}

/* Behind an OFFLINE receiver a message does not grow old. */
static void offline_time_kills_nothing(void **state)
{
    enum store_platform_status offline = STORE_PLATFORM_OFFLINE, connected = STORE_PLATFORM_CONNECTED;
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench->hub.conf.retry_give_up = HOUR;
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_DIED);
    bench_set_platform(bench, "IN-MSP", set_status, &offline);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_pass(bench, 4 * HOUR, STRIDE);
    assert_state(bench, id, STORE_DELIVERY_PENDING, "");
    assert_true(partners_count() > 15); /* it was tried all the time */
    bench_set_platform(bench, "IN-MSP", set_status, &connected);
    bench_pass(bench, 2 * HOUR, STRIDE);
    assert_state(bench, id, STORE_DELIVERY_DEAD, "given up");
}

/* One that always fails backs off alone, and dies alone; what is pushed meanwhile arrives soon. */
static void a_poisoned_message_stops_nobody(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench->hub.conf.retry_give_up = 3 * HOUR;
    partners_answer(NULL, "POISON", 0, (struct partner_answer)ANSWER_HTTP(500));
    int64_t poison = bench_push(bench, "IN-MSP", "POISON");
    bench_settle(bench);
    int64_t first = bench_push(bench, "IN-MSP", "S");
    bench_advance(bench, 5 * SECOND);
    assert_state(bench, first, STORE_DELIVERY_DELIVERED, "");
    for (int i = 0; i < 4; i++) {
        int64_t good = bench_push(bench, "IN-MSP", text(&bench->store, "S%d", i).data);
        bench_advance(bench, 5 * SECOND);
        assert_state(bench, good, STORE_DELIVERY_DELIVERED, "");
        bench_pass(bench, HOUR, STRIDE);
    }
    assert_state(bench, poison, STORE_DELIVERY_DEAD, "given up");
    assert_true(bench_row(bench, poison).alone >= 4 && bench_row(bench, poison).attempts > 10);
}

/* ---------------------------------------------------------------- held and released */

static void held_for_want_of_a_receiver(void **state)
{
    struct bench *bench = *state;
    bench_add_party(bench, "IN-CPO", OCPI_ROLE_CPO);
    bench_add_party(bench, "IN-MSP", OCPI_ROLE_EMSP);
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_ON);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_advance(bench, HOUR);
    assert_state(bench, id, STORE_DELIVERY_HELD, "no receiver URL");
    bench_set_receiver(bench, "IN-MSP", "sessions", NULL);
    wake(bench);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
}

static void held_while_suspended(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench_set_suspended(bench, "IN-MSP", true);
    int64_t session = bench_push(bench, "IN-MSP", "S1");
    int64_t result = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{}");
    bench_settle(bench);
    assert_state(bench, session, STORE_DELIVERY_HELD, "suspended");
    assert_state(bench, result, STORE_DELIVERY_HELD, "suspended");
    wake(bench);
    assert_state(bench, session, STORE_DELIVERY_HELD, "suspended");
    bench_set_suspended(bench, "IN-MSP", false);
    wake(bench);
    assert_state(bench, session, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, result, STORE_DELIVERY_DELIVERED, "");
}

/* What got in under a rule that drains leaves; without the rule only what no rule decides. */
static void held_without_a_rule(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_DRAIN);
    int64_t drains = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    assert_state(bench, drains, STORE_DELIVERY_DELIVERED, "");
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_OFF);
    int64_t session = bench_push(bench, "IN-MSP", "S2");
    int64_t result = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{}");
    bench_settle(bench);
    assert_state(bench, session, STORE_DELIVERY_HELD, "no rule");
    assert_state(bench, result, STORE_DELIVERY_DELIVERED, "");
}

static void held_while_it_is_tried(struct bench *bench, struct partner_answer answer,
                                   enum store_delivery_state expected)
{
    partners_answer(NULL, NULL, 1, answer);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    assert_int_equal(partners_under_way(), 1);
    struct store_apply *apply = new_batch(&bench->store);
    struct store_op *op = add_op(apply, STORE_HOLD_PENDING);
    op->u.hold.receiver = STR("IN-MSP");
    op->u.hold.sender = STR("IN-CPO");
    op->u.hold.reason = STORE_HOLD_NO_RULE;
    op->u.hold.limit = 10;
    assert_int_equal(run_batch(&bench->store, apply), OK);
    assert_int_equal(op->u.hold.count, 1);
    bench_advance(bench, MINUTE);
    assert_state(bench, id, expected, expected == STORE_DELIVERY_HELD ? "no rule" : "");
    assert_int_equal(bench_row(bench, id).attempts, 1);
}

/* A failed try takes nothing up that was held meanwhile; one that arrived has arrived. */
static void a_hold_while_a_try_is_under_way(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    held_while_it_is_tried(bench, (struct partner_answer){.http = 503, .after_ms = 500}, STORE_DELIVERY_HELD);
    bench_set_receiver(bench, "IN-MSP", "sessions", "https://in-msp.example/two");
    wake(bench);
    bench_advance(bench, MINUTE);
    held_while_it_is_tried(bench, (struct partner_answer){.http = 200, .status_code = 1000, .after_ms = 500},
                           STORE_DELIVERY_DELIVERED);
}

/* ---------------------------------------------------------------- those that hang */

/* Slow calls keep nobody waiting: others go out beside them, and one that hangs makes room in the end. */
static void those_that_hang_make_room(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench->hub.conf.delivery_parallel = 2;
    partners_answer(NULL, "HANG", 0, (struct partner_answer)ANSWER_HANG);
    for (int i = 0; i < 12; i++)
        bench_push(bench, "IN-MSP", text(&bench->store, "HANG%d", i).data);
    bench_settle(bench);
    int64_t good = bench_push(bench, "IN-MSP", "GOOD");
    bench_advance(bench, 29 * SECOND); /* delivery_timeout is 30 s */
    assert_state(bench, good, STORE_DELIVERY_DELIVERED, "");
    assert_in_range(partners_most_at_once(), 3, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(delivers_what_is_pushed),
        BENCH_TEST(one_session_at_a_time),
        BENCH_TEST(results_keep_their_order),
        BENCH_TEST(goes_out_side_by_side),
        BENCH_TEST(another_workers_queue_is_left_alone),
        BENCH_TEST(a_late_result_is_refused),
        BENCH_TEST(a_receiver_that_is_away_pauses),
        BENCH_TEST(pauses_grow),
        BENCH_TEST(retry_after_is_waited_for),
        BENCH_TEST(a_pause_survives_a_restart),
        BENCH_TEST(somebodys_word_ends_a_pause),
        BENCH_TEST(an_old_message_is_given_up),
        BENCH_TEST(offline_time_kills_nothing),
        BENCH_TEST(a_poisoned_message_stops_nobody),
        BENCH_TEST(held_for_want_of_a_receiver),
        BENCH_TEST(held_while_suspended),
        BENCH_TEST(held_without_a_rule),
        BENCH_TEST(a_hold_while_a_try_is_under_way),
        BENCH_TEST(those_that_hang_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
