#include "tests/store/delivery_fixture.h"

/* The outbox: order, coalescing, held and released, what a row may become. */

/* A session and its delivery as a push makes them. */
static int64_t push(struct fixture *f, const char *id, const char *body, enum store_delivery_state state)
{
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-CPO", id, body, 1000);
    struct store_delivery *row = add_delivery(apply, "IN-MSP", STORE_SESSION, id, true);
    row->state = state;
    row->hold = state == STORE_DELIVERY_HELD ? STORE_HOLD_NO_URL : STORE_HOLD_NONE;
    add_audit(apply, "session.put", "IN-CPO");
    assert_int_equal(run_batch(f, apply), OK);
    assert_true(row->id > 0);
    return row->id;
}

static struct str due(struct fixture *f, const char *receiver, const char *module, int64_t after,
                      unsigned limit)
{
    struct store_due_read read = {
        .queue = {str_from(receiver), str_from(module)},
        .after = after,
        .limit = limit,
        .again = 10,
        .now = 1000,
        .latest = INT64_MAX,
    };
    assert_int_equal(RUN_READ(f, store_read_due, &read), OK);
    char line[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < read.count; i++) {
        assert_true(i == 0 || read.rows[i].id > read.rows[i - 1].id);
        used += (size_t)snprintf(line + used, sizeof line - used, "%s" STR_FMT, i ? " " : "",
                                 STR_ARG(read.rows[i].object));
    }
    return arena_copy(&f->arena, str_of(line, used));
}

/* ---------------------------------------------------------------- bodies */

static void body_by_reference_is_current(void **state)
{
    struct fixture *f = *state;
    int64_t id = push(f, "S1", "{\"v\":1}", STORE_DELIVERY_PENDING);
    struct store_delivery row = get(f, id);
    assert_str(row.body, "{\"v\":1}");
    assert_int_equal(row.state, STORE_DELIVERY_PENDING);
    assert_str(row.receiver, "IN-MSP");
    assert_str(row.sender, "IN-CPO");
    assert_str(row.module, "sessions");
    assert_str(row.method, "PUT");
    assert_int_equal(row.kind, STORE_SESSION);
    assert_str(row.object, "S1");
    assert_str(row.owner, "IN-CPO");
    assert_str(row.correlation_id, "corr");
    assert_int_equal(row.created, 123);
    put_object(f, STORE_SESSION, "IN-CPO", "S1", "{\"v\":2}", 2000);
    assert_str(get(f, id).body, "{\"v\":2}");
    assert_str(get(f, deliver(f, "IN-MSP", -1, "42", false)).body, "{\"inline\":1}");
    assert_int_equal(get(f, deliver(f, "IN-MSP", STORE_TARIFF, "GONE", false)).body.length, 0);
    struct store_delivery_read none = {.id = 99999};
    assert_int_equal(RUN_READ(f, store_read_delivery, &none), ERR_NOT_FOUND);
}

/* ---------------------------------------------------------------- coalescing */

static void newer_state_supersedes(void **state)
{
    struct fixture *f = *state;
    int64_t first = push(f, "S1", "{\"v\":1}", STORE_DELIVERY_PENDING);
    int64_t other = push(f, "S2", "{\"v\":1}", STORE_DELIVERY_PENDING);
    int64_t second = push(f, "S1", "{\"v\":2}", STORE_DELIVERY_PENDING);
    assert_true(second > other && other > first);
    assert_int_equal(get(f, first).state, STORE_DELIVERY_SUPERSEDED);
    assert_int_equal(get(f, second).state, STORE_DELIVERY_PENDING);
    assert_str(due(f, "IN-MSP", "sessions", 0, 10), "S2 S1");
    /* an identical push is delivered again and supersedes too */
    int64_t third = push(f, "S1", "{\"v\":2}", STORE_DELIVERY_PENDING);
    assert_int_equal(get(f, second).state, STORE_DELIVERY_SUPERSEDED);
    /* what was sent is not superseded */
    assert_int_equal(finish(f, third, STORE_DELIVERY_DELIVERED), OK);
    int64_t fourth = push(f, "S1", "{\"v\":3}", STORE_DELIVERY_PENDING);
    assert_int_equal(get(f, third).state, STORE_DELIVERY_DELIVERED);
    /* nor what died: people look at it */
    assert_int_equal(finish(f, fourth, STORE_DELIVERY_DEAD), OK);
    push(f, "S1", "{\"v\":4}", STORE_DELIVERY_PENDING);
    assert_int_equal(get(f, fourth).state, STORE_DELIVERY_DEAD);
    /* undelivered is undelivered: held ones are replaced as well */
    int64_t held = push(f, "S3", "{\"v\":1}", STORE_DELIVERY_HELD);
    push(f, "S3", "{\"v\":2}", STORE_DELIVERY_PENDING);
    assert_int_equal(get(f, held).state, STORE_DELIVERY_SUPERSEDED);
    fixture_reopen(f);
    int64_t last = push(f, "S3", "{\"v\":3}", STORE_DELIVERY_PENDING);
    assert_true(last > held);
    assert_str(due(f, "IN-MSP", "sessions", 0, 10), "S2 S1 S3");
}

static void not_asked_not_merged(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++)
        deliver(f, "IN-MSP", STORE_CDR, "C1", false);
    assert_str(due(f, "IN-MSP", "sessions", 0, 10), "C1 C1 C1");
}

/* Without the object in the batch, and for kinds that go to many receivers. */
static void lanes(void **state)
{
    static const int kinds[] = {STORE_SESSION, STORE_TARIFF, STORE_LOCATION, -1};
    struct fixture *f = *state;
    put_object(f, STORE_SESSION, "IN-CPO", "X", "{}", 1000);
    for (size_t i = 0; i < 4; i++) {
        const char *one = text(f, "IN-A%zu", i).data, *two = text(f, "IN-B%zu", i).data;
        int64_t a = deliver(f, one, kinds[i], "X", true);
        int64_t c = deliver(f, one, kinds[i], "X", true);
        int64_t b = deliver(f, two, kinds[i], "X", true);
        /* a session is one eMSP's at a time: what waits for the one before must not carry the next one's data
         */
        int other = kinds[i] == STORE_SESSION ? STORE_DELIVERY_SUPERSEDED : STORE_DELIVERY_PENDING;
        assert_int_equal(get(f, a).state, STORE_DELIVERY_SUPERSEDED);
        assert_int_equal(get(f, c).state, other);
        int64_t d = deliver(f, two, kinds[i], "X", true);
        assert_int_equal(get(f, b).state, STORE_DELIVERY_SUPERSEDED);
        assert_int_equal(get(f, c).state, other);
        assert_int_equal(get(f, d).state, STORE_DELIVERY_PENDING);
    }
}

static int64_t deliver_evse(struct fixture *f, const char *evse, const char *method, int kind)
{
    struct store_apply *apply = new_batch(f);
    struct store_delivery *row = add_delivery(apply, "IN-MSP", kind, "L1", true);
    row->module = STR("locations");
    row->method = str_from(method);
    row->evse = str_from(evse);
    assert_int_equal(run_batch(f, apply), OK);
    return row->id;
}

/* A whole location carries its EVSEs along, an EVSE only itself; what takes the object back replaces what
 * brought it. */
static void one_evse_of_a_location(void **state)
{
    struct fixture *f = *state;
    struct store_apply *apply = new_batch(f);
    struct store_location_put *p = &add_op(apply, STORE_PUT_LOCATION)->u.location;
    struct store_evse_part part = {.uid = STR("E1"), .body = STR("{\"uid\":\"e1\"}"), .last_updated = 1};
    p->owner = STR("IN-CPO");
    p->id = STR("L1");
    p->body = STR("{\"evses\":[]}");
    p->children_at = 10;
    p->last_updated_text = STR("\"\"");
    p->evses = &part;
    p->evse_count = 1;
    assert_int_equal(run_batch(f, apply), OK);
    int64_t one = deliver_evse(f, "E1", "PUT", STORE_LOCATION);
    int64_t two = deliver_evse(f, "E2", "PUT", STORE_LOCATION);
    assert_str(get(f, one).body, "{\"uid\":\"e1\"}");
    assert_str(get(f, two).body, ""); /* gone meanwhile */
    int64_t again = deliver_evse(f, "E1", "PUT", STORE_LOCATION);
    assert_int_equal(get(f, one).state, STORE_DELIVERY_SUPERSEDED);
    assert_int_equal(get(f, two).state, STORE_DELIVERY_PENDING);
    int64_t whole = deliver_evse(f, "", "PUT", STORE_LOCATION);
    assert_int_equal(get(f, again).state, STORE_DELIVERY_SUPERSEDED);
    assert_int_equal(get(f, two).state, STORE_DELIVERY_SUPERSEDED);
    assert_str(get(f, whole).evse, "");
    int64_t deleted = deliver_evse(f, "", "DELETE", -1);
    assert_int_equal(get(f, whole).state, STORE_DELIVERY_SUPERSEDED);
    assert_int_equal(get(f, deleted).state, STORE_DELIVERY_PENDING);
}

/* What a push brings to everybody who listens. */
static struct store_delivery *add_if_changed(struct store_apply *apply, const char *receiver, int kind,
                                             const char *object)
{
    struct store_delivery *row = add_delivery(apply, receiver, kind, object, true);
    apply->last->u.delivery.only_if_changed = true;
    return row;
}

static unsigned made_by_tariff(struct fixture *f, const char *body)
{
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_TARIFF, "IN-CPO", "T1", body, 1000);
    const struct store_delivery *one = add_if_changed(apply, "IN-ONE", STORE_TARIFF, "T1");
    const struct store_delivery *two = add_if_changed(apply, "IN-TWO", STORE_TARIFF, "T1");
    assert_int_equal(run_batch(f, apply), OK);
    return (one->id != 0 ? 1u : 0) + (two->id != 0 ? 1u : 0);
}

static unsigned made_by_location(struct fixture *f, enum store_op_type type, const char *body)
{
    struct store_apply *apply = new_batch(f);
    struct store_location_put *p = &add_op(apply, type)->u.location;
    *p = (struct store_location_put){
        .owner = STR("IN-CPO"), .id = STR("L1"), .body = str_from(body), .last_updated_text = STR("\"\"")};
    uint64_t hash = str_hash(p->body);
    memcpy(p->digest, &hash, sizeof hash);
    const struct store_delivery *row = add_if_changed(apply, "IN-ONE", STORE_LOCATION, "L1");
    assert_int_equal(run_batch(f, apply), OK);
    return row->id != 0;
}

static unsigned made_by_evse(struct fixture *f, const char *body)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_PUT_EVSE)->u.evse = (struct store_evse_put){
        .owner = STR("IN-CPO"), .location = STR("L1"), .evse = {.uid = STR("E1"), .body = str_from(body)}};
    const struct store_delivery *row = add_if_changed(apply, "IN-ONE", STORE_LOCATION, "L1");
    assert_int_equal(run_batch(f, apply), OK);
    return row->id != 0;
}

/* An identical re-push makes no delivery, and supersedes none. */
static void only_a_change_is_sent(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(made_by_tariff(f, "{\"v\":1}"), 2);
    assert_int_equal(made_by_tariff(f, "{\"v\":1}"), 0);
    assert_str(due(f, "IN-TWO", "sessions", 0, 10), "T1");
    assert_int_equal(made_by_tariff(f, "{\"v\":2}"), 2);
    assert_int_equal(made_by_location(f, STORE_PUT_LOCATION, "{}"), 1);
    assert_int_equal(made_by_location(f, STORE_PUT_LOCATION, "{}"), 0);
    assert_int_equal(made_by_location(f, STORE_SET_LOCATION, "{}"), 0);
    assert_int_equal(made_by_location(f, STORE_SET_LOCATION, "{ }"), 1);
    assert_int_equal(made_by_evse(f, "{\"uid\":\"e1\"}"), 1);
    assert_int_equal(made_by_evse(f, "{\"uid\":\"e1\"}"), 0);
    /* a batch's first delivery is judged by its own batch, and a deleted object has changed */
    struct store_apply *apply = new_batch(f);
    const struct store_delivery *first = add_if_changed(apply, "IN-ONE", STORE_TARIFF, "T1");
    struct store_op *op = add_op(apply, STORE_DELETE_OBJECT);
    op->u.key.kind = STORE_TARIFF;
    op->u.key.owner = STR("IN-CPO");
    op->u.key.id = STR("T1");
    const struct store_delivery *second = add_if_changed(apply, "IN-ONE", -1, "T1");
    assert_int_equal(run_batch(f, apply), OK);
    assert_true(first->id != 0 && second->id > first->id);
    /* a session's lane is kept by its object: what was not made must not stand there */
    assert_true(push(f, "S1", "{}", STORE_DELIVERY_PENDING) != 0);
    apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-CPO", "S1", "{}", 1000);
    const struct store_delivery *session = add_if_changed(apply, "IN-MSP", STORE_SESSION, "S1");
    assert_int_equal(run_batch(f, apply), OK);
    assert_int_equal(session->id, 0);
    push(f, "S1", "{\"v\":2}", STORE_DELIVERY_PENDING);
    assert_str(due(f, "IN-MSP", "sessions", 0, 10), "S1");
}

/* ---------------------------------------------------------------- the life of a row */

static void due_in_order(void **state)
{
    struct fixture *f = *state;
    int64_t ids[6];
    for (int i = 0; i < 6; i++)
        ids[i] = deliver(f, i % 2 ? "IN-ONE" : "IN-TWO", -1, text(f, "%d", i).data, false);
    assert_str(due(f, "IN-TWO", "commands", 0, 10), "0 2 4");
    assert_str(due(f, "IN-TWO", "commands", ids[0], 1), "2");
    assert_str(due(f, "IN-NOT", "commands", 0, 10), "");
    finish(f, ids[2], STORE_DELIVERY_DELIVERED);
    assert_str(due(f, "IN-TWO", "commands", 0, 10), "0 4");
}

/* A receiver has a queue per module; only those with something pending are named. */
static void queues_that_wait(void **state)
{
    struct fixture *f = *state;
    struct store_waiting_read read = {0};
    assert_int_equal(RUN_READ(f, store_read_waiting, &read), OK);
    assert_int_equal(read.count, 0);
    for (int i = 0; i < 40; i++)
        deliver(f, text(f, "IN-%02d", i % 20).data, -1, text(f, "%d", i).data, false);
    push(f, "S1", "{}", STORE_DELIVERY_PENDING);
    int64_t done = deliver(f, "IN-MSP", -1, "R1", false);
    push(f, "S2", "{}", STORE_DELIVERY_HELD);
    assert_str(due(f, "IN-MSP", "sessions", 0, 10), "S1");
    assert_str(due(f, "IN-MSP", "commands", 0, 10), "R1");
    memset(&read, 0, sizeof read);
    assert_int_equal(RUN_READ(f, store_read_waiting, &read), OK);
    assert_int_equal(read.count, 22);
    assert_str(read.queues[0].receiver, "IN-00");
    assert_str(read.queues[19].receiver, "IN-19");
    assert_str(read.queues[20].receiver, "IN-MSP");
    assert_str(read.queues[20].module, "commands");
    assert_str(read.queues[21].module, "sessions");
    finish(f, done, STORE_DELIVERY_DELIVERED);
    memset(&read, 0, sizeof read);
    assert_int_equal(RUN_READ(f, store_read_waiting, &read), OK);
    assert_int_equal(read.count, 21);
}

static void states(void **state)
{
    struct fixture *f = *state;
    int64_t id = deliver(f, "IN-MSP", -1, "1", false);
    assert_int_equal(finish(f, id, STORE_DELIVERY_PENDING), OK);
    struct store_delivery row = get(f, id);
    assert_int_equal(row.attempts, 3);
    assert_int_equal(row.next_attempt, 777);
    assert_str(row.last_error, "HTTP 500");
    assert_int_equal(row.done, 888);
    assert_int_equal(finish(f, id, STORE_DELIVERY_HELD), OK);
    assert_int_equal(finish(f, id, STORE_DELIVERY_DEAD), OK);
    assert_int_equal(finish(f, id, STORE_DELIVERY_PENDING), OK);
    assert_str(due(f, "IN-MSP", "commands", 0, 10), "1");
    assert_int_equal(finish(f, id, STORE_DELIVERY_DELIVERED), OK);
    assert_int_equal(finish(f, id, STORE_DELIVERY_PENDING), ERR_CONFLICT);
    assert_int_equal(finish(f, 99999, STORE_DELIVERY_DELIVERED), ERR_NOT_FOUND);
    /* superseded while it was on its way: its try fails and it stays, or it arrives */
    int64_t first = push(f, "S1", "{}", STORE_DELIVERY_PENDING);
    push(f, "S1", "{\"v\":2}", STORE_DELIVERY_PENDING);
    assert_int_equal(finish(f, first, STORE_DELIVERY_PENDING), OK);
    assert_int_equal(get(f, first).state, STORE_DELIVERY_SUPERSEDED);
    assert_int_equal(finish(f, first, STORE_DELIVERY_DELIVERED), OK);
    assert_int_equal(get(f, first).state, STORE_DELIVERY_DELIVERED);
}

static int64_t release(struct fixture *f, const char *receiver, enum store_hold_reason reason,
                       const char *module)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_RELEASE_HELD);
    op->u.release.receiver = str_from(receiver);
    op->u.release.reason = reason;
    op->u.release.module = str_from(module);
    assert_int_equal(run_batch(f, apply), OK);
    return op->u.release.count;
}

static void held_and_released(void **state)
{
    struct fixture *f = *state;
    push(f, "S1", "{}", STORE_DELIVERY_HELD);
    push(f, "S2", "{}", STORE_DELIVERY_HELD);
    assert_str(due(f, "IN-MSP", "sessions", 0, 10), "");
    assert_int_equal(release(f, "IN-MSP", STORE_HOLD_NO_RULE, NULL), 0);
    assert_int_equal(release(f, "IN-MSP", STORE_HOLD_NO_URL, "cdrs"), 0);
    assert_int_equal(release(f, "IN-OTH", STORE_HOLD_NO_URL, "sessions"), 0);
    assert_int_equal(release(f, "IN-MSP", STORE_HOLD_NO_URL, "sessions"), 2);
    assert_str(due(f, "IN-MSP", "sessions", 0, 10), "S1 S2");
    push(f, "S3", "{}", STORE_DELIVERY_HELD);
    assert_int_equal(release(f, "IN-MSP", STORE_HOLD_NONE, NULL), 1);
    struct store_delivery_list list = {.state = -1, .limit = 10};
    assert_int_equal(RUN_READ(f, store_read_deliveries, &list), OK);
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(list.rows[i].reason.length, 0);
}

static int finish_refused(struct fixture *f, int64_t id, enum store_delivery_state state,
                          enum store_hold_reason hold, unsigned refused)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.id = id;
    op->u.finish.state = state;
    op->u.finish.hold = hold;
    op->u.finish.refused = refused;
    op->u.finish.reason = hold ? STR_NONE : STR("refused twice");
    return run_batch(f, apply);
}

/* The number is kept with the row, and begins anew with whatever ends the row of refusals. */
static void refusals_are_counted(void **state)
{
    struct fixture *f = *state;
    int64_t id = push(f, "S1", "{}", STORE_DELIVERY_PENDING);
    assert_int_equal(get(f, id).refused, 0);
    assert_int_equal(finish_refused(f, id, STORE_DELIVERY_PENDING, STORE_HOLD_NONE, 2), OK);
    assert_int_equal(get(f, id).refused, 2);
    assert_str(get(f, id).reason, "refused twice");
    hold_one_session(f);
    assert_int_equal(get(f, id).refused, 0);
    assert_int_equal(get(f, id).hold, STORE_HOLD_NO_URL);
    assert_int_equal(release(f, "IN-MSP", STORE_HOLD_NONE, NULL), 1);
    /* a worker sets it aside */
    assert_int_equal(finish_refused(f, id, STORE_DELIVERY_HELD, STORE_HOLD_SUSPENDED, 0), OK);
    assert_int_equal(get(f, id).hold, STORE_HOLD_SUSPENDED);
    assert_str(get(f, id).reason, "suspended");
    /* a newer state comes: why it had been held is still told, and a late try changes nothing of that */
    push(f, "S1", "{\"v\":2}", STORE_DELIVERY_PENDING);
    assert_int_equal(finish_refused(f, id, STORE_DELIVERY_PENDING, STORE_HOLD_NONE, 1), OK);
    assert_int_equal(get(f, id).state, STORE_DELIVERY_SUPERSEDED);
    assert_str(get(f, id).reason, "suspended");
    assert_int_equal(get(f, id).refused, 0);
}

/* ---------------------------------------------------------------- lists */

static struct str list(struct fixture *f, int state, const char *receiver, int64_t after, unsigned limit)
{
    struct store_delivery_list read = {
        .state = state, .receiver = str_from(receiver), .after = after, .limit = limit};
    assert_int_equal(RUN_READ(f, store_read_deliveries, &read), OK);
    char line[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < read.count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s" STR_FMT, i ? " " : "",
                                 STR_ARG(read.rows[i].object));
    return arena_copy(&f->arena, str_of(line, used));
}

static void lists_and_queues(void **state)
{
    static const enum store_delivery_state outcomes[] = {STORE_DELIVERY_DELIVERED, STORE_DELIVERY_HELD,
                                                         STORE_DELIVERY_DEAD, STORE_DELIVERY_PENDING};
    struct fixture *f = *state;
    int64_t ids[12];
    for (int i = 0; i < 12; i++) {
        ids[i] = deliver(f, i % 3 ? "IN-ONE" : "IN-TWO", -1, text(f, "%d", i).data, false);
        if (outcomes[i % 4] != STORE_DELIVERY_PENDING)
            finish(f, ids[i], outcomes[i % 4]);
    }
    assert_str(list(f, -2, NULL, 0, 100), "0 1 2 3 4 5 6 7 8 9 10 11");
    assert_str(list(f, -2, NULL, ids[3], 3), "4 5 6");
    assert_str(list(f, -1, NULL, 0, 100), "1 2 3 5 6 7 9 10 11");
    assert_str(list(f, -1, NULL, 0, 4), "1 2 3 5");
    assert_str(list(f, -1, NULL, ids[5], 4), "6 7 9 10");
    assert_str(list(f, STORE_DELIVERY_HELD, NULL, 0, 100), "1 5 9");
    assert_str(list(f, STORE_DELIVERY_DEAD, NULL, 0, 2), "2 6");
    assert_str(list(f, STORE_DELIVERY_PENDING, "IN-TWO", 0, 100), "3");
    assert_str(list(f, STORE_DELIVERY_DELIVERED, NULL, 0, 100), "0 4 8");
    assert_str(list(f, STORE_DELIVERY_DELIVERED, "IN-ONE", 0, 100), "4 8");
    assert_str(list(f, -1, "IN-CPO", 0, 3), "1 2 3"); /* the sender */
    assert_str(list(f, -2, "IN-NOT", 0, 100), "");
    struct store_queues_read queues = {0};
    assert_int_equal(RUN_READ(f, store_read_queues, &queues), OK);
    assert_int_equal(queues.count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool one = str_equal(queues.rows[i].receiver, STR("IN-ONE"));
        assert_int_equal(queues.rows[i].pending, one ? 2 : 1);
        assert_int_equal(queues.rows[i].held, one ? 2 : 1);
        assert_int_equal(queues.rows[i].dead, one ? 2 : 1);
        assert_int_equal(queues.rows[i].oldest_pending, 123);
    }
}

static void long_lists(void **state)
{
    struct fixture *f = *state;
    for (int block = 0; block < 10; block++) {
        struct store_apply *apply = new_batch(f);
        for (int i = 0; i < 100; i++) {
            struct store_delivery *row = add_delivery(apply, text(f, "IN-%02d", i % 17).data, -1,
                                                      text(f, "%d", block * 100 + i).data, false);
            row->sender = i % 2 ? STR("IN-ODD") : STR("IN-EVN");
        }
        assert_int_equal(run_batch(f, apply), OK);
    }
    struct store_delivery_list read = {.state = -1, .limit = 1000};
    assert_int_equal(RUN_READ(f, store_read_deliveries, &read), OK);
    assert_int_equal(read.count, 1000);
    for (size_t i = 0; i < read.count; i++)
        assert_str(read.rows[i].object, text(f, "%zu", i).data);
    read = (struct store_delivery_list){
        .state = STORE_DELIVERY_PENDING, .receiver = STR("IN-ODD"), .limit = 300};
    assert_int_equal(RUN_READ(f, store_read_deliveries, &read), OK);
    assert_int_equal(read.count, 300);
    for (size_t i = 0; i < read.count; i++)
        assert_str(read.rows[i].object, text(f, "%zu", 2 * i + 1).data);
    struct store_queues_read queues = {0};
    assert_int_equal(RUN_READ(f, store_read_queues, &queues), OK);
    assert_int_equal(queues.count, 17);
}

/* ---------------------------------------------------------------- the hook */

static atomic_int hook_calls;

static void on_commit(void *context)
{
    (void)context;
    atomic_fetch_add(&hook_calls, 1);
}

static void hook_tells_of_deliveries_and_audit(void **state)
{
    struct fixture *f = *state;
    store_set_commit_hook(f->store, on_commit, NULL);
    atomic_store(&hook_calls, 0);
    put_object(f, STORE_TARIFF, "IN-CPO", "T1", "{}", 1000);
    put_object(f, STORE_TARIFF, "IN-CPO", "T2", "{}", 1000); /* the hook of the first commit has run by now */
    assert_int_equal(atomic_load(&hook_calls), 0);
    deliver(f, "IN-MSP", -1, "1", false);
    put_object(f, STORE_TARIFF, "IN-CPO", "T3", "{}", 1000);
    assert_int_equal(atomic_load(&hook_calls), 1);
    struct store_apply *apply = new_batch(f);
    add_audit(apply, "x", "IN-CPO");
    assert_int_equal(run_batch(f, apply), OK);
    put_object(f, STORE_TARIFF, "IN-CPO", "T4", "{}", 1000);
    assert_int_equal(atomic_load(&hook_calls), 2);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(body_by_reference_is_current),
        STORE_TEST(newer_state_supersedes),
        STORE_TEST(not_asked_not_merged),
        STORE_TEST(lanes),
        STORE_TEST(one_evse_of_a_location),
        STORE_TEST(only_a_change_is_sent),
        STORE_TEST(due_in_order),
        STORE_TEST(queues_that_wait),
        STORE_TEST(states),
        STORE_TEST(held_and_released),
        STORE_TEST(refusals_are_counted),
        STORE_TEST(lists_and_queues),
        STORE_TEST(long_lists),
        STORE_TEST(hook_tells_of_deliveries_and_audit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
