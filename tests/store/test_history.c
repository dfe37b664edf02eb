#include "lib/store/history.h"
#include "tests/store/fixture.h"

/* What there was in a period: receipts, sessions without CDR, conflicts, what can be sent again; and sending
 * it again. */

#define BEGIN INT64_C(1700000000000)

static struct store_delivery delivery(enum store_kind kind, const char *owner, const char *object,
                                      const char *receiver)
{
    return (struct store_delivery){
        .state = STORE_DELIVERY_PENDING,
        .receiver = str_from(receiver),
        .sender = str_from(owner),
        .module = kind == STORE_CDR ? STR("cdrs") : STR("sessions"),
        .method = kind == STORE_CDR ? STR("POST") : STR("PUT"),
        .kind = (int)kind,
        .owner = str_from(owner),
        .object = str_from(object),
    };
}

/* An object with its delivery, as a push makes them; last_updated is `fixture_wall`. */
static int64_t push(struct fixture *f, enum store_kind kind, const char *owner, const char *id,
                    const char *emsp, const char *other)
{
    struct store_apply *apply = new_batch(f);
    struct store_object_put *object = add_object(apply, kind, owner, id, "{}", fixture_wall);
    object->body = text(f, "{\"id\":\"%s\",\"at\":%lld}", id, (long long)fixture_wall);
    object->digest[0] = (uint8_t)fixture_wall;
    object->counterparty = str_from(emsp);
    object->session = kind == STORE_CDR ? str_from(other) : STR_NONE;
    object->status = kind == STORE_SESSION ? str_from(other) : STR_NONE;
    struct store_op *op = add_op(apply, STORE_PUT_DELIVERY);
    op->u.delivery.row = delivery(kind, owner, id, emsp);
    op->u.delivery.row.created = fixture_wall;
    op->u.delivery.coalesce = kind == STORE_SESSION;
    assert_int_equal(run_batch(f, apply), OK);
    return op->u.delivery.row.id;
}

static void finish(struct fixture *f, int64_t id, enum store_delivery_state state, const char *reason)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.id = id;
    op->u.finish.state = state;
    op->u.finish.reason = str_from(reason);
    op->u.finish.attempts = 3;
    op->u.finish.last_error = STR("HTTP 500");
    op->u.finish.done = fixture_wall + 40;
    op->u.finish.active_from = 5;
    op->u.finish.tries = STR("a line\n");
    op->u.finish.receipt = STR("https://emsp/cdrs/1");
    assert_int_equal(run_batch(f, apply), OK);
}

static struct store_delivery get(struct fixture *f, int64_t id)
{
    struct store_delivery_read read = {.id = id};
    assert_int_equal(RUN_READ(f, store_read_delivery, &read), OK);
    return read.row;
}

static struct store_span span(int64_t from, int64_t until, const char *party, unsigned limit)
{
    return (struct store_span){.after_time = from, .until = until, .party = str_from(party), .limit = limit};
}

/* ---------------------------------------------------------------- receipts */

static struct str receipts(struct fixture *f, struct store_receipts_read *read)
{
    char line[1024] = "";
    size_t used = 0;
    assert_int_equal(RUN_READ(f, store_read_receipts, read), OK);
    for (size_t i = 0; i < read->count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s" STR_FMT, i ? " " : "",
                                 STR_ARG(read->rows[i].cdr));
    return arena_copy(&f->arena, str_of(line, used));
}

static void receipts_of_cdrs(void **state)
{
    struct fixture *f = *state;
    fixture_wall = BEGIN;
    int64_t first = push(f, STORE_CDR, "IN-CPO", "C1", "IN-ONE", "S1");
    push(f, STORE_SESSION, "IN-CPO", "S1", "IN-ONE", "ACTIVE");
    fixture_wall += 100;
    int64_t second = push(f, STORE_CDR, "IN-TWO", "C2", "IN-ONE", "");
    push(f, STORE_CDR, "IN-CPO", "C3", "IN-MSP", "");
    finish(f, first, STORE_DELIVERY_DELIVERED, "");
    finish(f, second, STORE_DELIVERY_DEAD, "refused");
    struct store_receipts_read read = {.span = span(BEGIN, INT64_MAX, NULL, 10)};
    assert_str(receipts(f, &read), "C1 C2 C3");
    assert_false(read.span.more);
    const struct store_receipt *row = &read.rows[0];
    assert_int_equal(row->id, first);
    assert_int_equal(row->state, STORE_DELIVERY_DELIVERED);
    assert_int_equal(row->attempts, 3);
    assert_true(row->received == BEGIN && row->created == BEGIN && row->done == BEGIN + 140);
    assert_str(row->session, "S1");
    assert_str(row->receipt, "https://emsp/cdrs/1");
    assert_str(read.rows[1].reason, "refused");
    assert_str(read.rows[1].last_error, "HTTP 500");
    read = (struct store_receipts_read){.span = span(BEGIN + 1, INT64_MAX, NULL, 10)};
    assert_str(receipts(f, &read), "C2 C3");
    read = (struct store_receipts_read){.span = span(BEGIN, BEGIN + 100, NULL, 10)};
    assert_str(receipts(f, &read), "C1");
    read = (struct store_receipts_read){.span = span(BEGIN, INT64_MAX, "IN-ONE", 10)};
    assert_str(receipts(f, &read), "C1 C2");
    read = (struct store_receipts_read){.span = span(BEGIN, INT64_MAX, "IN-CPO", 10)};
    assert_str(receipts(f, &read), "C1 C3");
    read = (struct store_receipts_read){.span = span(BEGIN, INT64_MAX, NULL, 10),
                                        .states = 1u << STORE_DELIVERY_PENDING | 1u << STORE_DELIVERY_DEAD};
    assert_str(receipts(f, &read), "C2 C3");
    read = (struct store_receipts_read){.span = span(BEGIN, INT64_MAX, "IN-NOT", 10)};
    assert_str(receipts(f, &read), "");
}

/* When it came is the object's matter; without the object the delivery's own time must do. */
static void receipt_outlives_its_cdr(void **state)
{
    struct fixture *f = *state;
    fixture_wall = BEGIN;
    push(f, STORE_CDR, "IN-CPO", "C1", "IN-MSP", "S1");
    fixture_wall += 500;
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_PUT_DELIVERY); /* once more */
    op->u.delivery.row = delivery(STORE_CDR, "IN-CPO", "C1", "IN-MSP");
    assert_int_equal(run_batch(f, apply), OK);
    struct store_receipts_read read = {.span = span(BEGIN, INT64_MAX, NULL, 10)};
    assert_str(receipts(f, &read), "C1 C1");
    assert_true(read.rows[1].created == BEGIN + 500 && read.rows[1].received == BEGIN);
    apply = new_batch(f);
    op = add_op(apply, STORE_DELETE_OBJECT);
    op->u.key.kind = STORE_CDR;
    op->u.key.owner = STR("IN-CPO");
    op->u.key.id = STR("C1");
    assert_int_equal(run_batch(f, apply), OK);
    read = (struct store_receipts_read){.span = span(BEGIN, INT64_MAX, NULL, 10)};
    assert_str(receipts(f, &read), "C1 C1");
    assert_true(read.rows[1].received == BEGIN + 500 && read.rows[1].session.length == 0);
}

/* Many rows of one moment, and pages that find little: each row once, in bounded calls. */
static void receipts_in_pages(void **state)
{
    enum { ROWS = 21000, BATCH = 500 };
    struct fixture *f = *state;
    for (int i = 0; i < ROWS / BATCH; i++) {
        struct store_apply *apply = new_batch(f);
        for (int j = 0; j < BATCH; j++) {
            struct store_op *op = add_op(apply, STORE_PUT_DELIVERY);
            bool last = i * BATCH + j == ROWS - 1;
            op->u.delivery.row = delivery(STORE_CDR, last ? "IN-LST" : "IN-CPO", "C", "IN-MSP");
            op->u.delivery.row.created = BEGIN + i * BATCH / 3000;
        }
        assert_int_equal(run_batch(f, apply), OK);
    }
    int64_t expected = 1;
    struct store_span place = span(BEGIN, INT64_MAX, NULL, 700);
    do {
        struct store_receipts_read read = {.span = place};
        assert_int_equal(RUN_READ(f, store_read_receipts, &read), OK);
        assert_true(read.count <= 700);
        for (size_t i = 0; i < read.count; i++)
            assert_int_equal(read.rows[i].id, expected++);
        place = read.span;
    } while (place.more);
    assert_int_equal(expected, ROWS + 1);
    unsigned calls = 0;
    size_t found = 0;
    place = span(BEGIN, INT64_MAX, "IN-LST", 700);
    do {
        struct store_receipts_read read = {.span = place};
        assert_int_equal(RUN_READ(f, store_read_receipts, &read), OK);
        found += read.count;
        place = read.span;
        calls++;
    } while (place.more);
    assert_int_equal(found, 1);
    assert_int_equal(calls, 2);
}

/* ---------------------------------------------------------------- sessions without CDR, conflicts */

static struct str unbilled(struct fixture *f, int64_t from, int64_t until, const char *party)
{
    struct store_unbilled_read read = {.span = span(from, until, party, 10)};
    char line[1024] = "";
    size_t used = 0;
    assert_int_equal(RUN_READ(f, store_read_unbilled, &read), OK);
    for (size_t i = 0; i < read.count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s" STR_FMT ":" STR_FMT, i ? " " : "",
                                 STR_ARG(read.rows[i].owner), STR_ARG(read.rows[i].session));
    return arena_copy(&f->arena, str_of(line, used));
}

static void sessions_without_cdr(void **state)
{
    struct fixture *f = *state;
    fixture_wall = BEGIN;
    push(f, STORE_SESSION, "IN-CPO", "S1", "IN-MSP", "COMPLETED");
    push(f, STORE_SESSION, "IN-CPO", "S2", "IN-MSP", "ACTIVE");
    push(f, STORE_SESSION, "IN-TWO", "S1", "IN-OTH", "COMPLETED");
    fixture_wall += 1000;
    push(f, STORE_SESSION, "IN-CPO", "S3", "IN-MSP", "COMPLETED");
    assert_str(unbilled(f, BEGIN, INT64_MAX, NULL), "IN-CPO:S1 IN-TWO:S1 IN-CPO:S3");
    assert_str(unbilled(f, BEGIN + 1, INT64_MAX, NULL), "IN-CPO:S3");
    assert_str(unbilled(f, BEGIN, BEGIN + 1000, NULL), "IN-CPO:S1 IN-TWO:S1");
    assert_str(unbilled(f, BEGIN, INT64_MAX, "IN-OTH"), "IN-TWO:S1");
    /* a CDR of another owner is about another session */
    push(f, STORE_CDR, "IN-CPO", "C1", "IN-MSP", "S1");
    assert_str(unbilled(f, BEGIN, INT64_MAX, NULL), "IN-TWO:S1 IN-CPO:S3");
    push(f, STORE_SESSION, "IN-CPO", "S2", "IN-MSP", "COMPLETED");
    push(f, STORE_SESSION, "IN-CPO", "S3", "IN-MSP", "INVALID");
    assert_str(unbilled(f, BEGIN, INT64_MAX, NULL), "IN-TWO:S1 IN-CPO:S2");
}

static void conflicts_by_time(void **state)
{
    static const struct {
        const char *action, *status, *sender, *object;
    } rows[] = {
        {"cdr.post", "conflict", "IN-CPO", "C1"},
        {"cdr.post", "1000", "IN-CPO", "C2"},
        {"tariff.put", "conflict", "IN-CPO", "T1"},
        {"cdr.post", "conflict", "IN-TWO", "C3"},
    };
    struct fixture *f = *state;
    fixture_wall = BEGIN;
    for (size_t i = 0; i < 4; i++, fixture_wall += 100) {
        struct store_apply *apply = new_batch(f);
        struct store_audit *row = add_audit(apply, rows[i].action, rows[i].sender);
        row->time = fixture_wall;
        row->status = str_from(rows[i].status);
        row->sender = str_from(rows[i].sender);
        row->object = str_from(rows[i].object);
        assert_int_equal(run_batch(f, apply), OK);
    }
    struct store_conflicts_read read = {.span = span(BEGIN, INT64_MAX, NULL, 10), .action = STR("cdr.post")};
    assert_int_equal(RUN_READ(f, store_read_conflicts, &read), OK);
    assert_int_equal(read.count, 2);
    assert_str(read.rows[0].object, "C1");
    assert_str(read.rows[1].object, "C3");
    assert_str(read.rows[1].sender, "IN-TWO");
    assert_true(read.rows[1].time == BEGIN + 300);
    read = (struct store_conflicts_read){.span = span(BEGIN + 1, BEGIN + 300, NULL, 10),
                                         .action = STR("cdr.post")};
    assert_int_equal(RUN_READ(f, store_read_conflicts, &read), OK);
    assert_int_equal(read.count, 0);
    read = (struct store_conflicts_read){.span = span(BEGIN, INT64_MAX, "IN-TWO", 10),
                                         .action = STR("cdr.post")};
    assert_int_equal(RUN_READ(f, store_read_conflicts, &read), OK);
    assert_int_equal(read.count, 1);
}

/* ---------------------------------------------------------------- what is stored */

static struct str stored(struct fixture *f, struct store_stored_read *read)
{
    char line[1024] = "";
    size_t used = 0;
    read->emsp = read->emsp.length ? read->emsp : STR("IN-MSP");
    read->limit = read->limit ? read->limit : 10;
    assert_int_equal(RUN_READ(f, store_read_stored, read), OK);
    for (size_t i = 0; i < read->count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s" STR_FMT "%s%d", i ? " " : "",
                                 STR_ARG(read->rows[i].id), "=", read->rows[i].state);
    return arena_copy(&f->arena, str_of(line, used));
}

static void stored_of_a_period(void **state)
{
    struct fixture *f = *state;
    fixture_wall = BEGIN;
    int64_t first = push(f, STORE_SESSION, "IN-CPO", "S1", "IN-MSP", "ACTIVE");
    push(f, STORE_SESSION, "IN-CPO", "X", "IN-OTH", "ACTIVE");
    fixture_wall += 1000;
    push(f, STORE_SESSION, "IN-TWO", "S2", "IN-MSP", "ACTIVE");
    int64_t cdr = push(f, STORE_CDR, "IN-CPO", "C1", "IN-MSP", "");
    put_object(f, STORE_TARIFF, "IN-CPO", "T1", "{}", BEGIN);
    finish(f, first, STORE_DELIVERY_DELIVERED, "");
    finish(f, cdr, STORE_DELIVERY_DEAD, "refused");
    struct store_stored_read read = {.kind = STORE_SESSION, .since = BEGIN, .until = INT64_MAX};
    assert_str(stored(f, &read), "S1=1 S2=0");
    assert_false(read.more);
    assert_str(read.rows[1].owner, "IN-TWO");
    assert_int_equal(read.rows[0].body.length, 0);
    read = (struct store_stored_read){.kind = STORE_CDR, .since = BEGIN, .until = INT64_MAX, .bodies = true};
    assert_str(stored(f, &read), "C1=3");
    assert_str(read.rows[0].body, "{\"id\":\"C1\",\"at\":1700000001000}");
    read = (struct store_stored_read){.kind = STORE_SESSION, .since = BEGIN, .until = BEGIN + 1000};
    assert_str(stored(f, &read), "S1=1");
    read = (struct store_stored_read){
        .kind = STORE_SESSION, .since = BEGIN, .until = INT64_MAX, .owner = STR("IN-TWO")};
    assert_str(stored(f, &read), "S2=0");
    /* an old last_updated that arrives later is of both periods */
    fixture_wall += 5000;
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-CPO", "S3", "{}", BEGIN + 10)->counterparty = STR("IN-MSP");
    assert_int_equal(run_batch(f, apply), OK);
    read = (struct store_stored_read){.kind = STORE_SESSION, .since = BEGIN + 5, .until = BEGIN + 20};
    assert_str(stored(f, &read), "S3=-1");
    read = (struct store_stored_read){.kind = STORE_SESSION, .since = BEGIN + 6000, .until = INT64_MAX};
    assert_str(stored(f, &read), "S3=-1");
    read = (struct store_stored_read){.kind = STORE_SESSION, .since = BEGIN, .until = INT64_MAX, .limit = 2};
    assert_str(stored(f, &read), "S1=1 S2=0");
    assert_true(read.more);
    read = (struct store_stored_read){
        .kind = STORE_SESSION, .since = BEGIN, .until = INT64_MAX, .after = read.after, .limit = 2};
    assert_str(stored(f, &read), "S3=-1");
    assert_false(read.more);
}

/* An eMSP's objects follow its session's cdr_token. */
static void stored_follows_the_emsp(void **state)
{
    struct fixture *f = *state;
    fixture_wall = BEGIN;
    push(f, STORE_SESSION, "IN-CPO", "S1", "IN-MSP", "ACTIVE");
    fixture_wall += 1;
    push(f, STORE_SESSION, "IN-CPO", "S1", "IN-OTH", "ACTIVE");
    struct store_stored_read read = {.kind = STORE_SESSION, .since = BEGIN, .until = INT64_MAX};
    assert_str(stored(f, &read), "");
    read = (struct store_stored_read){
        .kind = STORE_SESSION, .since = 0, .until = INT64_MAX, .emsp = STR("IN-OTH")};
    assert_str(stored(f, &read), "S1=0");
}

/* ---------------------------------------------------------------- once more */

static int repeat(struct fixture *f, enum store_kind kind, const char *id, enum store_hold_reason hold,
                  int64_t *number)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_REPEAT_DELIVERY);
    op->u.repeat = delivery(kind, "IN-CPO", id, "IN-MSP");
    op->u.repeat.state = hold ? STORE_DELIVERY_HELD : STORE_DELIVERY_PENDING;
    op->u.repeat.hold = hold;
    int result = run_batch(f, apply);
    *number = op->u.repeat.id;
    return result;
}

static void repeat_of_every_state(void **state)
{
    static const enum store_kind kinds[] = {STORE_SESSION, STORE_CDR};
    struct fixture *f = *state;
    fixture_wall = BEGIN;
    for (size_t i = 0; i < 2; i++) {
        enum store_kind kind = kinds[i];
        int64_t again, first = push(f, kind, "IN-CPO", "O", "IN-MSP", "");
        /* on its way */
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NONE, &again), ERR_CONFLICT);
        /* dead: the same one, as new; what is known of its tries stays */
        finish(f, first, STORE_DELIVERY_DEAD, "given up");
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NONE, &again), OK);
        assert_int_equal(again, first);
        struct store_delivery row = get(f, first);
        assert_int_equal(row.state, STORE_DELIVERY_PENDING);
        assert_true(row.attempts == 0 && row.next_attempt == 1 && row.done == 0 && row.active_from == -1);
        assert_int_equal(row.reason.length, 0);
        assert_str(row.tries, "a line\n");
        /* held: by another reason, then released */
        finish(f, first, STORE_DELIVERY_HELD, "no rule");
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NO_URL, &again), OK);
        assert_int_equal(again, first);
        assert_int_equal(get(f, first).state, STORE_DELIVERY_HELD);
        assert_str(get(f, first).reason, "no receiver URL");
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NONE, &again), OK);
        assert_int_equal(get(f, first).state, STORE_DELIVERY_PENDING);
        /* delivered: a new one, which is the last one from then on */
        finish(f, first, STORE_DELIVERY_DELIVERED, "");
        int64_t second;
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NONE, &second), OK);
        assert_true(second > first);
        row = get(f, second);
        assert_int_equal(row.state, STORE_DELIVERY_PENDING);
        assert_true(row.created == BEGIN && row.body.length > 0);
        assert_int_equal(get(f, first).state, STORE_DELIVERY_DELIVERED);
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NONE, &again), ERR_CONFLICT);
        fixture_reopen(f);
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NONE, &again), ERR_CONFLICT);
        /* dropped: sent once more all the same */
        finish(f, second, STORE_DELIVERY_SUPERSEDED, "dropped");
        assert_int_equal(repeat(f, kind, "O", STORE_HOLD_NONE, &again), OK);
        assert_true(again > second);
    }
}

static void repeat_needs_its_object(void **state)
{
    struct fixture *f = *state;
    int64_t number;
    fixture_wall = BEGIN;
    assert_int_equal(repeat(f, STORE_SESSION, "NONE", STORE_HOLD_NONE, &number), ERR_CONFLICT);
    push(f, STORE_SESSION, "IN-CPO", "S1", "IN-OTH", "ACTIVE");
    assert_int_equal(repeat(f, STORE_SESSION, "S1", STORE_HOLD_NONE, &number), ERR_CONFLICT);
    /* without any delivery so far */
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-CPO", "S2", "{}", BEGIN)->counterparty = STR("IN-MSP");
    assert_int_equal(run_batch(f, apply), OK);
    assert_int_equal(repeat(f, STORE_SESSION, "S2", STORE_HOLD_NONE, &number), OK);
    assert_int_equal(get(f, number).state, STORE_DELIVERY_PENDING);
    /* a newer state replaces what was repeated, as any other */
    fixture_wall += 1;
    push(f, STORE_SESSION, "IN-CPO", "S2", "IN-MSP", "ACTIVE");
    assert_int_equal(get(f, number).state, STORE_DELIVERY_SUPERSEDED);
}

/* ---------------------------------------------------------------- what is held when a rule goes */

static int64_t hold(struct fixture *f, const char *sender, unsigned limit)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_HOLD_PENDING);
    op->u.hold.receiver = STR("IN-MSP");
    op->u.hold.sender = str_from(sender);
    op->u.hold.reason = STORE_HOLD_NO_RULE;
    op->u.hold.limit = limit;
    assert_int_equal(run_batch(f, apply), OK);
    return op->u.hold.count;
}

static void hold_what_is_pending(void **state)
{
    struct fixture *f = *state;
    int64_t ids[5];
    fixture_wall = BEGIN;
    for (int i = 0; i < 5; i++)
        ids[i] = push(f, STORE_SESSION, "IN-CPO", text(f, "S%d", i).data, "IN-MSP", "ACTIVE");
    int64_t other = push(f, STORE_SESSION, "IN-TWO", "S", "IN-MSP", "ACTIVE");
    int64_t another = push(f, STORE_SESSION, "IN-CPO", "S", "IN-OTH", "ACTIVE");
    finish(f, ids[4], STORE_DELIVERY_DELIVERED, "");
    struct store_apply *apply = new_batch(f);
    struct store_delivery *result = &add_op(apply, STORE_PUT_DELIVERY)->u.delivery.row;
    *result = delivery(STORE_SESSION, "IN-CPO", "7", "IN-MSP");
    result->kind = -1; /* a command's result */
    assert_int_equal(run_batch(f, apply), OK);
    assert_int_equal(hold(f, "IN-CPO", 3), 3);
    assert_int_equal(hold(f, "IN-CPO", 3), 1);
    assert_int_equal(hold(f, "IN-CPO", 3), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(get(f, ids[i]).state, STORE_DELIVERY_HELD);
        assert_str(get(f, ids[i]).reason, "no rule");
    }
    assert_int_equal(get(f, ids[4]).state, STORE_DELIVERY_DELIVERED);
    assert_int_equal(get(f, other).state, STORE_DELIVERY_PENDING);
    assert_int_equal(get(f, another).state, STORE_DELIVERY_PENDING);
    assert_int_equal(get(f, result->id).state, STORE_DELIVERY_PENDING);
}

int main(void)
{
    fixture_own_clock(BEGIN);
    const struct CMUnitTest tests[] = {
        STORE_TEST(receipts_of_cdrs),        STORE_TEST(receipt_outlives_its_cdr),
        STORE_TEST(receipts_in_pages),       STORE_TEST(sessions_without_cdr),
        STORE_TEST(conflicts_by_time),       STORE_TEST(stored_of_a_period),
        STORE_TEST(stored_follows_the_emsp), STORE_TEST(repeat_of_every_state),
        STORE_TEST(repeat_needs_its_object), STORE_TEST(hold_what_is_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
