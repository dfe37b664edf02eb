#include "tests/store/audit_fixture.h"

/* The rows of one exchange, by each of the ids that lead to it. */

static void add_message(struct store_apply *apply, const char *correlation, const char *object)
{
    struct store_audit *row = add_audit(apply, "message", "IN-A");
    row->correlation_id = str_from(correlation);
    row->object = str_from(object);
}

static void message(struct fixture *f, const char *correlation, const char *object)
{
    struct store_apply *apply = new_batch(f);
    add_message(apply, correlation, object);
    assert_int_equal(run_batch(f, apply), OK);
}

static struct store_trace_read trace(struct fixture *f, const char *id, unsigned limit)
{
    struct store_trace_read read = {.id = str_from(id), .limit = limit};
    assert_int_equal(RUN_READ(f, store_read_trace, &read), OK);
    return read;
}

static void finds(struct fixture *f, const char *id, const char *expected)
{
    struct store_trace_read read = trace(f, id, 1000);
    struct store_audit_read as_rows = {.rows = read.rows, .count = read.count};
    assert_str(numbers(f, &as_rows), expected);
    assert_false(read.more);
}

static void by_message_and_object(void **state)
{
    struct fixture *f = *state;
    message(f, "c-1", "SES-1");
    message(f, "c-2", "CDR-1");
    message(f, "c-1", "");
    message(f, "", "SES-1"); /* an exchange of nobody knows which */
    message(f, "", "");
    message(f, "c-3", "ses-1"); /* as its owner may spell it another time */
    message(f, "c-3", "");
    finds(f, "c-1", "1 3");
    finds(f, "C-1", "");
    finds(f, "c-2", "2");
    finds(f, "CDR-1", "2");
    finds(f, "cdr-1", "2");
    finds(f, "SES-1", "1 3 4 6 7");
    finds(f, "ses-1", "1 3 4 6 7");
    finds(f, "none", "");
    finds(f, "", "");
}

/* A refused message is found by its own id too; of the others there are too many. */
static void by_request(void **state)
{
    static const char *const statuses[] = {"1000", "2001", "4003", "ALLOWED"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct store_apply *apply = new_batch(f);
        struct store_audit *row = add_audit(apply, "message", "IN-A");
        row->request_id = STR("r-1");
        row->status = str_from(statuses[i]);
        row->correlation_id = i == 1 ? STR("c-1") : STR_NONE;
        assert_int_equal(run_batch(f, apply), OK);
    }
    message(f, "c-1", "");
    finds(f, "r-1", "2 3 5");
    finds(f, "R-1", "");
}

static void put_command(struct fixture *f, int64_t id, const char *correlation)
{
    struct store_apply *apply = new_batch(f);
    struct store_command *row = &add_op(apply, STORE_PUT_COMMAND)->u.command;
    row->id = id;
    row->callback_hash[0] = (uint8_t)id;
    row->command = STR("START_SESSION");
    row->correlation_id = str_from(correlation);
    assert_int_equal(run_batch(f, apply), OK);
}

static void answer_command(struct fixture *f, int64_t id, const char *callback)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_UPDATE_COMMAND);
    op->u.command_update.id = id;
    op->u.command_update.from = 1u << STORE_COMMAND_SENT | 1u << STORE_COMMAND_ENDED;
    op->u.command_update.state = STORE_COMMAND_ENDED;
    op->u.command_update.callback_correlation_id = str_from(callback);
    assert_int_equal(run_batch(f, apply), OK);
}

static void by_command(void **state)
{
    struct fixture *f = *state;
    message(f, "c-1", "LOC1");
    message(f, "c-2", "LOC1");
    message(f, "c-9", "7"); /* an object whose id is the command's number */
    put_command(f, 7, "c-1");
    put_command(f, 8, "c-2");
    put_command(f, 9, "");
    finds(f, "8", "2");
    finds(f, "7", "1 3");
    finds(f, "9", "");
    finds(f, "cpo-1", "");
    answer_command(f, 7, "cpo-1");
    answer_command(f, 8, "cpo-2");
    finds(f, "cpo-1", "1");
    answer_command(f, 7, ""); /* what is not told stays */
    finds(f, "cpo-1", "1");
    answer_command(f, 7, "cpo-2");
    finds(f, "cpo-2", "1 2");
    finds(f, "cpo-1", "");
}

/* The newest ones, over many turns; more correlation ids than are followed. */
static void many_rows(void **state)
{
    enum { ROWS = 3000 };
    struct fixture *f = *state;
    for (int block = 0; block < ROWS / 100; block++) {
        struct store_apply *apply = new_batch(f);
        for (int i = 0; i < 100; i++)
            add_message(apply, text(f, "c-%d", block * 100 + i).data, i % 3 ? "LOC1" : "");
        assert_int_equal(run_batch(f, apply), OK);
    }
    struct store_trace_read read = trace(f, "loc1", 1000);
    assert_int_equal(read.count, 1000);
    assert_true(read.more);
    assert_int_equal(read.rows[999].sequence, ROWS - 1); /* 3000 is about nothing */
    for (size_t i = 1; i < read.count; i++)
        assert_true(read.rows[i - 1].sequence < read.rows[i].sequence);
    assert_int_equal(trace(f, "LOC1", 7).count, 7);
    assert_false(trace(f, "c-5", 1).more);
    assert_int_equal(trace(f, "LOC1", 100000).count, 1000);
}

/* The index has the audit in blocks: each is looked into, the newest first. */
static void many_blocks(void **state)
{
    enum { BLOCK = 16384, BATCH = 1024, ROWS = 3 * BLOCK };
    struct fixture *f = *state;
    message(f, "c-old", "LOC1"); /* 1 */
    for (int block = 0; block < ROWS / BATCH; block++) {
        struct store_apply *apply = new_batch(f);
        for (int i = 0; i < BATCH; i++)
            add_message(apply, "c-other", "");
        assert_int_equal(run_batch(f, apply), OK);
        if (block == ROWS / BATCH / 2)
            message(f, "c-old", "LOC1"); /* in the second block */
    }
    message(f, "c-new", "LOC1");
    finds(f, "c-old", "1 25602");
    finds(f, "loc1", "1 25602 49155");
    struct store_trace_read read = trace(f, "LOC1", 2);
    assert_true(read.more);
    assert_int_equal(read.rows[0].sequence, 25602);
    assert_int_equal(read.rows[1].sequence, 49155);
}

/* ---------------------------------------------------------------- a row names the deliveries of its batch */

static void put_note(struct store_apply *apply, const char *object)
{
    struct store_delivery *row = &add_op(apply, STORE_PUT_DELIVERY)->u.delivery.row;
    row->receiver = STR("IN-MSP");
    row->kind = -1;
    row->object = str_from(object);
}

static void deliveries_in_the_detail(void **state)
{
    static const struct {
        int deliveries; /* before the row */
        const char *given, *stored;
    } rows[] = {
        {0, NULL, ""},
        {0, "{\"command\":7}", "{\"command\":7}"},
        {1, NULL, "{\"delivery\":1}"},
        {1, "{}", "{\"delivery\":3}"},
        {1, "{\"command\":7}", "{\"delivery\":5,\"command\":7}"},
        {3, NULL, "{\"deliveries\":[7,8,9]}"},
        {2, "{\"command\":7}", "{\"deliveries\":[11,12],\"command\":7}"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_apply *apply = new_batch(f);
        for (int n = 0; n < rows[i].deliveries; n++)
            put_note(apply, "before");
        struct store_audit *row = add_audit(apply, "session.put", "IN-A");
        row->names_deliveries = true;
        row->detail = str_from(rows[i].given);
        if (rows[i].deliveries > 0)
            put_note(apply, "behind");
        assert_int_equal(run_batch(f, apply), OK);
        struct store_audit_read read = all();
        read.after = (int64_t)i;
        assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
        assert_str(read.rows[0].row.detail, rows[i].stored);
    }
    verify(f, 10, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(by_message_and_object),
        STORE_TEST(by_request),
        STORE_TEST(by_command),
        STORE_TEST(many_rows),
        STORE_TEST(many_blocks),
        STORE_TEST(deliveries_in_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
