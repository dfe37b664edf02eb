#include "tests/store/delivery_fixture.h"

/* Whose queue it is, and what a worker's word may do to a row (lib/store/ops.h). */

static int lease(struct fixture *f, const char *holder, int64_t until, struct store_queue *queue)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_LEASE_QUEUE);
    op->u.lease.receiver = STR("IN-MSP");
    op->u.lease.holder = str_from(holder);
    op->u.lease.until = until;
    int result = run_batch(f, apply);
    *queue = op->u.lease.queue;
    return result;
}

/* A delivery's end in the batch of a worker: its word counts only while the queue is its own. */
static int finish_with(struct fixture *f, const struct store_queue *queue, int64_t id,
                       enum store_delivery_state state)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.queue = queue;
    op->u.finish.id = id;
    op->u.finish.state = state;
    op->u.finish.active_from = 17;
    op->u.finish.tries = STR("one line\n");
    op->u.finish.receipt = STR("https://emsp/cdrs/1");
    return run_batch(f, apply);
}

static void a_late_worker_acknowledges_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_queue first, second, again;
    int64_t id = deliver(f, "IN-MSP", STORE_CDR, "C1", false);
    assert_int_equal(lease(f, "one", fixture_wall + 1000, &first), OK);
    assert_int_equal(lease(f, "two", fixture_wall + 1000, &second), ERR_CONFLICT);
    assert_int_equal(lease(f, "one", fixture_wall + 2000, &again), OK);
    assert_int_equal(again.fence, first.fence);
    first.failures = 3;
    first.paused_until = fixture_wall + 500;
    first.active_ms = 4000;
    assert_int_equal(finish_with(f, &first, id, STORE_DELIVERY_PENDING), OK);
    fixture_wall += 2000;
    assert_int_equal(lease(f, "two", fixture_wall + 1000, &second), OK);
    assert_true(second.fence > first.fence);
    assert_int_equal(second.failures, 3);
    assert_true(second.paused_until == first.paused_until && second.active_ms == 4000);
    assert_int_equal(finish_with(f, &first, id, STORE_DELIVERY_DELIVERED), ERR_CONFLICT);
    assert_int_equal(get(f, id).state, STORE_DELIVERY_PENDING);
    assert_int_equal(finish_with(f, &second, id, STORE_DELIVERY_DELIVERED), OK);
    struct store_delivery row = get(f, id);
    assert_int_equal(row.state, STORE_DELIVERY_DELIVERED);
    assert_int_equal(row.active_from, 17);
    assert_str(row.tries, "one line\n");
    assert_str(row.receipt, "https://emsp/cdrs/1");
    fixture_reopen(f); /* a single node: whoever had a lease is gone */
    assert_int_equal(lease(f, "three", fixture_wall + 1000, &again), OK);
    assert_true(again.fence > second.fence);
}

/* What became of a row while a worker tried it stays: a failed try is no reason to send it again. */
static void a_failed_try_takes_nothing_up(void **state)
{
    struct fixture *f = *state;
    struct store_queue queue;
    int64_t held = deliver(f, "IN-MSP", STORE_CDR, "C1", false);
    int64_t newer = deliver(f, "IN-MSP", STORE_CDR, "C2", false);
    assert_int_equal(lease(f, "one", fixture_wall + 1000, &queue), OK);
    hold_one_session(f);
    assert_int_equal(finish(f, newer, STORE_DELIVERY_SUPERSEDED), OK);
    assert_int_equal(finish_with(f, &queue, held, STORE_DELIVERY_PENDING), OK);
    assert_int_equal(finish_with(f, &queue, newer, STORE_DELIVERY_PENDING), OK);
    struct store_delivery row = get(f, held);
    assert_int_equal(row.state, STORE_DELIVERY_HELD);
    assert_str(row.reason, "no receiver URL");
    assert_int_equal(row.next_attempt, 0);
    assert_str(row.tries, "one line\n"); /* but it was tried */
    row = get(f, newer);
    assert_int_equal(row.state, STORE_DELIVERY_SUPERSEDED);
    assert_int_equal(row.done, 888);
    assert_int_equal(finish_with(f, &queue, newer, STORE_DELIVERY_DEAD), OK);
    row = get(f, newer);
    assert_int_equal(row.state, STORE_DELIVERY_SUPERSEDED);
    assert_int_equal(row.done, 888);
    assert_int_equal(finish_with(f, &queue, held, STORE_DELIVERY_DELIVERED), OK); /* it arrived after all */
    assert_int_equal(get(f, held).state, STORE_DELIVERY_DELIVERED);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_late_worker_acknowledges_nothing),
        STORE_TEST(a_failed_try_takes_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
