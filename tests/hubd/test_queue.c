/* Queues of a receiver (hub-ocpi(7), DELIVERY): whose one is, how its circuit opens and is tried again, and what stays in order
 * over a restart. */
#include "tests/hubd/fixture.h"

#include "hubd/outbox/retry.h"

#define SECOND  INT64_C(1000)
#define LEASE   (30 * SECOND)
#define ANOTHER "another"

/* ---------------------------------------------------------------- whose the queue is */

/* As another worker would ask the store: its fence, 0: not given. */
static int64_t lease(struct bench *bench, const char *queue)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct store_op *op = add_op(apply, STORE_LEASE_QUEUE);
    op->u.lease.receiver = str_from(queue);
    op->u.lease.holder = STR(ANOTHER);
    op->u.lease.until = env_wall_ms() + LEASE;
    return run_batch(&bench->store, apply) == OK ? op->u.lease.queue.fence : 0;
}

/* As another worker would store what came of its try. */
static int another_ends(struct bench *bench, int64_t id, enum store_delivery_state state,
                        const struct store_queue *queue)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.id = id;
    op->u.finish.state = state;
    op->u.finish.attempts = 1;
    op->u.finish.last_error = state == STORE_DELIVERY_PENDING ? STR("HTTP 503") : STR("");
    op->u.finish.done = env_wall_ms();
    op->u.finish.queue = queue;
    return run_batch(&bench->store, apply);
}

/* The lease ends while a try is under way; another worker tries too and delivers: the late answer counts for nothing,
 * whatever it is. */
static void a_late_answer_counts_once(void **state)
{
    static const struct partner_answer late[] = {{.http = 200, .status_code = 1000, .after_ms = LEASE + 500},
                                                 {.http = 422, .after_ms = LEASE + 500}};
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench->hub.conf.delivery_timeout = 10 * LEASE;
    for (size_t i = 0; i < 2; i++) {
        partners_answer(NULL, NULL, 1, late[i]);
        int64_t id = bench_push(bench, "IN-MSP", "S1");
        bench_settle(bench);
        test_clock_advance(LEASE + 1); /* as a worker that stands still */
        struct store_queue queue = {.receiver = STR("IN-MSP sessions"),
                                    .fence = lease(bench, "IN-MSP sessions")};
        assert_true(queue.fence > 0);
        assert_int_equal(another_ends(bench, id, STORE_DELIVERY_DELIVERED, &queue), OK);
        int64_t done = bench_row(bench, id).done;
        bench_advance(bench, 2 * LEASE);
        struct store_delivery row = bench_row(bench, id);
        assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
        assert_int_equal(row.attempts, 1);
        assert_int_equal(row.done, done);
        assert_int_equal(partners_count(), i + 1);
    }
}

/* Another's try failed as well, and the message goes on waiting: a late refusal is not one of its three. */
static void a_late_refusal_is_not_counted(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench->hub.conf.delivery_timeout = 10 * LEASE;
    partners_answer(NULL, NULL, 1, (struct partner_answer){.http = 422, .after_ms = LEASE + 500});
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    test_clock_advance(LEASE + 1);
    struct store_queue queue = {.receiver = STR("IN-MSP sessions"), .fence = lease(bench, "IN-MSP sessions")};
    assert_int_equal(another_ends(bench, id, STORE_DELIVERY_PENDING, &queue), OK);
    bench_advance(bench, SECOND);
    assert_int_equal(partners_under_way(), 0);
    struct store_delivery row = bench_row(bench, id);
    assert_state(bench, id, STORE_DELIVERY_PENDING, "");
    assert_int_equal(row.refused, 0);
    assert_str(row.last_error, "HTTP 503");
}

/* Of two workers one has a queue; each of them has its own of another module. */
static void two_workers_share_by_queue(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    assert_int_equal(lease(bench, "IN-MSP sessions"), 1);
    int64_t session = bench_push(bench, "IN-MSP", "S1");
    int64_t result = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{}");
    bench_settle(bench);
    assert_state(bench, session, STORE_DELIVERY_PENDING, "");
    assert_state(bench, result, STORE_DELIVERY_DELIVERED, "");
    assert_int_equal(lease(bench, "IN-MSP commands"), 0);
    for (int i = 0; i < 5; i++) { /* as long as it lives it asks again, and keeps it */
        bench_advance(bench, LEASE / 2);
        assert_int_equal(lease(bench, "IN-MSP sessions"), 1);
    }
    assert_int_equal(partners_count(), 1);
}

/* A worker that dies leaves its lease, and the pause it had come to: the next one goes on from there. */
static void a_dead_workers_pause_stands(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    int64_t fence = lease(bench, "IN-MSP sessions"), id = bench_push(bench, "IN-MSP", "S1");
    int64_t until = env_wall_ms() + 3 * LEASE;
    struct store_queue queue = {.receiver = STR("IN-MSP sessions"),
                                .fence = fence,
                                .failures = 4,
                                .paused_until = until,
                                .suspects = 4,
                                .fresh_until = until};
    assert_int_equal(another_ends(bench, id, STORE_DELIVERY_PENDING, &queue), OK);
    bench_advance(bench, 3 * LEASE - SECOND);
    assert_int_equal(partners_count(), 0);
    int64_t retry_at;
    assert_string_equal(
        retry_circuit_name(outbox_circuit(&bench->hub, STR("IN-MSP"), STR("sessions"), &retry_at)), "open");
    bench_advance(bench, 3 * SECOND);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
    assert_int_equal(bench_row(bench, id).attempts, 2); /* the dead one's counts */
}

/* ---------------------------------------------------------------- the circuit */

static void assert_circuit(struct bench *bench, const char *receiver, const char *module,
                           const char *expected)
{
    int64_t retry_at;
    assert_string_equal(
        retry_circuit_name(outbox_circuit(&bench->hub, str_from(receiver), str_from(module), &retry_at)),
        expected);
}

/* When a pause is over one message goes ahead alone; the others go when it has arrived. */
static void one_goes_ahead_of_the_others(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, NULL, 1, (struct partner_answer)ANSWER_HTTP(503));
    bench_push(bench, "IN-MSP", "S0");
    bench_settle(bench);
    for (int i = 1; i < 5; i++)
        bench_push(bench, "IN-MSP", text(&bench->store, "S%d", i).data);
    bench_settle(bench);
    assert_circuit(bench, "IN-MSP", "sessions", "open");
    assert_int_equal(partners_count(), 1);
    partners_answer(NULL, NULL, 1, (struct partner_answer){.http = 503, .after_ms = 5 * SECOND});
    bench_advance(bench, 3 * SECOND);
    assert_circuit(bench, "IN-MSP", "sessions", "half-open");
    assert_int_equal(partners_count(), 2);
    bench_advance(bench, 4 * SECOND); /* it failed: a pause again, a longer one */
    assert_circuit(bench, "IN-MSP", "sessions", "open");
    assert_int_equal(partners_count(), 2);
    partners_answer(NULL, NULL, 1,
                    (struct partner_answer){.http = 200, .status_code = 1000, .after_ms = 5 * SECOND});
    bench_advance(bench, 3 * SECOND);
    assert_int_equal(partners_count(), 3);
    bench_advance(bench, 10 * SECOND);
    assert_circuit(bench, "IN-MSP", "sessions", "closed");
    assert_int_equal(partners_count(), 7);
    assert_int_equal(partners_under_way(), 0);
}

/* What is refused or slow in one module, or at one receiver, delays no other. */
static void another_queue_goes_on(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench_add_party(bench, "IN-TWO", OCPI_ROLE_EMSP);
    bench_set_receiver(bench, "IN-TWO", "sessions", NULL);
    bench_set_rule(bench, "IN-TWO", "IN-CPO", STORE_RULE_ON);
    partners_answer(NULL, "in-msp.example/sessions", 0, (struct partner_answer)ANSWER_HTTP(503));
    int64_t away = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    assert_circuit(bench, "IN-MSP", "sessions", "open");
    int64_t result = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{}");
    int64_t other = bench_push(bench, "IN-TWO", "S2");
    bench_settle(bench);
    assert_state(bench, away, STORE_DELIVERY_PENDING, "");
    assert_state(bench, result, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, other, STORE_DELIVERY_DELIVERED, "");
    assert_circuit(bench, "IN-MSP", "sessions", "open");
    assert_circuit(bench, "IN-MSP", "commands", "closed");
    assert_circuit(bench, "IN-TWO", "sessions", "closed");
    assert_int_equal(bench_time(bench), 0);
}

/* ---------------------------------------------------------------- a restart */

/* Two results of one command, the first of which failed: their order stands in the store. */
static void order_survives_a_restart(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, "/c1", 1,
                    (struct partner_answer){.http = 503, .header = "Retry-After", .value = "90"});
    bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{\"n\":1}");
    bench_settle(bench);
    int64_t two = bench_push_result(bench, "IN-MSP", "https://in-msp.example/c1", "{\"n\":2}");
    bench_settle(bench);
    bench_restart(bench);
    bench_advance(bench, 80 * SECOND);
    assert_int_equal(partners_count(), 1); /* the second waits for the first one's pause */
    bench_advance(bench, 20 * SECOND);
    assert_state(bench, two, STORE_DELIVERY_DELIVERED, "");
    assert_calls(bench, 0, "c1 c1 c1");
    assert_str(partners_call(1)->body, "{\"n\":1}");
    assert_str(partners_call(2)->body, "{\"n\":2}");
}

/* The hub ends while a session's state is on the wire: it is sent again, or in its place the newer one that waits. */
static void what_was_on_the_wire_goes_again(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, NULL, 2, (struct partner_answer)ANSWER_HANG);
    int64_t one = bench_push(bench, "IN-MSP", "S1"), two = bench_push(bench, "IN-MSP", "S2");
    bench_settle(bench);
    int64_t newer = bench_push(bench, "IN-MSP", "S2");
    struct str body = get_object(&bench->store, STORE_SESSION, "IN-CPO", "S2").body;
    bench_settle(bench);
    assert_calls(bench, 0, "S1 S2");
    bench_restart(bench);
    bench_advance(bench, LEASE + 10 * SECOND);
    assert_calls(bench, 2, "S1 S2");
    assert_str(partners_call(3)->body, body.data);
    assert_state(bench, one, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, two, STORE_DELIVERY_SUPERSEDED, "");
    assert_state(bench, newer, STORE_DELIVERY_DELIVERED, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_late_answer_counts_once),    BENCH_TEST(a_late_refusal_is_not_counted),
        BENCH_TEST(two_workers_share_by_queue),   BENCH_TEST(a_dead_workers_pause_stands),
        BENCH_TEST(one_goes_ahead_of_the_others), BENCH_TEST(another_queue_goes_on),
        BENCH_TEST(order_survives_a_restart),     BENCH_TEST(what_was_on_the_wire_goes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
