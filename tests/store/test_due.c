#include "tests/store/delivery_fixture.h"

/* What is due of a queue, and rows that end while many are changed at once. */

static int64_t deliver_command(struct fixture *f, const char *object)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_PUT_DELIVERY);
    op->u.delivery.row = (struct store_delivery){
        .state = STORE_DELIVERY_PENDING,
        .receiver = STR("IN-TWO"),
        .sender = STR("IN-CPO"),
        .module = STR("commands"),
        .method = STR("POST"),
        .kind = -1,
        .owner = STR("IN-CPO"),
        .object = str_from(object),
        .body = STR("{}"),
        .created = 123,
        .active_from = -1,
    };
    assert_int_equal(run_batch(f, apply), OK);
    return op->u.delivery.row.id;
}

static void end(struct fixture *f, int64_t id, enum store_delivery_state state)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.id = id;
    op->u.finish.state = state;
    assert_int_equal(run_batch(f, apply), OK);
}

static void try_again(struct fixture *f, int64_t id, int64_t next_attempt, unsigned alone)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.id = id;
    op->u.finish.state = STORE_DELIVERY_PENDING;
    op->u.finish.next_attempt = next_attempt;
    op->u.finish.failed = next_attempt;
    op->u.finish.alone = alone;
    assert_int_equal(run_batch(f, apply), OK);
}

static struct str due_sorts(struct fixture *f, struct store_due_read read)
{
    char line[1024] = "";
    size_t used = 0;
    read.queue = (struct store_queue_key){STR("IN-TWO"), STR("commands")};
    assert_int_equal(RUN_READ(f, store_read_due, &read), OK);
    for (size_t i = 0; i < read.count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s" STR_FMT, i ? " " : "",
                                 STR_ARG(read.rows[i].object));
    return arena_copy(&f->arena, str_of(line, used));
}

/* None of the three sorts is found through another: however many wait for another try, those of the first try
 * are read, the newest too; and what is due again by its time, also when a wrong clock stored it. */
static void due_in_sorts(void **state)
{
    struct fixture *f = *state;
    int64_t ids[9];
    for (int i = 0; i < 9; i++)
        ids[i] = deliver_command(f, text(f, "%d", i).data);
    try_again(f, ids[0], 300, 0);
    try_again(f, ids[1], 200, 2);
    try_again(f, ids[2], 5000, 7);
    try_again(f, ids[3], 90000000, 1);
    assert_str(due_sorts(f, (struct store_due_read){.limit = 10, .now = 1000, .latest = INT64_MAX}),
               "4 5 6 7 8");
    assert_str(due_sorts(f, (struct store_due_read){.limit = 5, .now = 1000, .latest = INT64_MAX}), "4");
    assert_str(
        due_sorts(f, (struct store_due_read){.limit = 5, .sample = 2, .middle = ids[5], .latest = INT64_MAX}),
        "4 8 7 6 7");
    assert_str(due_sorts(f, (struct store_due_read){.again = 9, .now = 1000, .latest = INT64_MAX}), "1 0");
    assert_str(due_sorts(f, (struct store_due_read){.again = 1, .now = 1000, .latest = INT64_MAX}), "1");
    assert_str(due_sorts(f, (struct store_due_read){.again = 9, .now = 1000, .latest = 80000}), "1 0 3");
    assert_int_equal(get(f, ids[2]).alone, 7);
    assert_int_equal(get(f, ids[2]).failed, 5000);
    struct store_queues_read queues = {0};
    assert_int_equal(RUN_READ(f, store_read_queues, &queues), OK);
    assert_int_equal(queues.rows[0].alone, 3);
}

/* Many at once: what has ended meanwhile is no error, and is told. */
static void unless_ended(void **state)
{
    static const enum store_delivery_state ended[] = {STORE_DELIVERY_DELIVERED, STORE_DELIVERY_SUPERSEDED};
    struct fixture *f = *state;
    int64_t ids[5];
    struct store_op *ops[5];
    for (int i = 0; i < 4; i++)
        ids[i] = deliver_command(f, text(f, "%d", i).data);
    ids[4] = 99999;
    for (int i = 0; i < 2; i++)
        end(f, ids[i], ended[i]);
    end(f, ids[2], STORE_DELIVERY_DEAD);
    struct store_apply *apply = new_batch(f);
    for (int i = 0; i < 5; i++) {
        ops[i] = add_op(apply, STORE_FINISH_DELIVERY);
        ops[i]->u.finish.id = ids[i];
        ops[i]->u.finish.state = STORE_DELIVERY_PENDING;
        ops[i]->u.finish.next_attempt = 1;
        ops[i]->u.finish.unless_ended = true;
    }
    assert_int_equal(run_batch(f, apply), OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ops[i]->u.finish.unless_ended, i == 2 || i == 3);
    assert_int_equal(get(f, ids[0]).state, STORE_DELIVERY_DELIVERED);
    assert_int_equal(get(f, ids[1]).state, STORE_DELIVERY_SUPERSEDED);
    assert_str(due_sorts(f, (struct store_due_read){.again = 9, .now = 10, .latest = INT64_MAX}), "2 3");
}

/* Of what goes to a URL of its own the one that must arrive before: of the same command, while it is pending.
 */
static void older_of_a_lane(void **state)
{
    struct fixture *f = *state;
    int64_t ids[3];
    static const char *const urls[] = {"http://a/1", "http://a/2", "http://a/1"};
    for (int i = 0; i < 3; i++) {
        struct store_apply *apply = new_batch(f);
        struct store_op *op = add_op(apply, STORE_PUT_DELIVERY);
        op->u.delivery.row = (struct store_delivery){
            .state = STORE_DELIVERY_PENDING,
            .receiver = STR("IN-TWO"),
            .module = STR("commands"),
            .method = STR("POST"),
            .kind = -1,
            .object = STR("R"),
            .url = str_from(urls[i]),
            .correlation_id = STR("c"),
            .body = STR("{}"),
            .active_from = -1,
        };
        assert_int_equal(run_batch(f, apply), OK);
        ids[i] = op->u.delivery.row.id;
    }
    try_again(f, ids[0], 300, 1);
    static const int older[] = {-1, -1, 0};
    for (int i = 0; i < 3; i++) {
        struct store_delivery_read read = {.id = ids[i]};
        assert_int_equal(RUN_READ(f, store_read_delivery, &read), OK);
        assert_int_equal(read.older, older[i] < 0 ? 0 : ids[older[i]]);
        assert_int_equal(read.older_attempt, older[i] < 0 ? 0 : 300);
    }
    end(f, ids[0], STORE_DELIVERY_DEAD);
    struct store_delivery_read read = {.id = ids[2]};
    assert_int_equal(RUN_READ(f, store_read_delivery, &read), OK);
    assert_int_equal(read.older, 0);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {STORE_TEST(due_in_sorts), STORE_TEST(unless_ended),
                                       STORE_TEST(older_of_a_lane)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
